"""How the effect goes with what is known of the studies: the meta-regression."""

from __future__ import annotations

import math

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Inline, Note, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.runs import Cite
from comorbid.effects.scales import SCALES
from comorbid.models.design_matrix import INTERCEPT, sparse_notes
from comorbid.models.regression_result import Regression

HANDBOOK = "section 10.11.5.1"
"""Where the Cochrane Handbook says how many studies a moderator needs."""

_ACROSS = (
    "The relation is one across studies: it need not hold for the people in them, and what else "
    "differs between the studies may be the reason for it."
)
_NONE_FOUND = " That no relation is found does not show that there is none."


def not_fitted(*, formula: str, k: int, coefficients: int, reason: str) -> tuple[Block, ...]:
    """Say why a meta-regression could not be fitted."""
    studies = prose.counted(k, "study", "studies")
    terms = prose.counted(coefficients, "coefficient", "coefficients")
    return (
        Paragraph(
            f"The meta-regression {formula} of {studies} on {terms} could not be fitted: {reason}."
        ),
    )


def regression(fit: Regression, *, tau2_without: float) -> tuple[Block, ...]:
    """Return what a meta-regression found: sentences, a plot of one number, coefficients.

    There is no plot where the studies are too few for a line through them to be looked at.
    ``tau2_without`` is the between-study variance of the same studies without moderators.
    """
    if fit.design.intercept_only:
        return (Paragraph(f"The formula {fit.formula} leaves no moderator that differs."),)
    blocks: list[Block] = [Paragraph(f"{moderators(fit)} {left(fit, tau2_without=tau2_without)}")]
    if one_number(fit) and not sparse_notes(fit.design):
        blocks.append(figures.bubble(fit, title=""))
    blocks.append(_table(fit))
    own = [warning for warning in fit.warnings if warning not in fit.effects.warnings]
    blocks += [Note((warning, *_source(warning), ".")) for warning in own]
    across = _ACROSS if _all_found(fit) else _ACROSS + _NONE_FOUND
    return (*blocks, Note(across, kind="information", title="A comparison between studies"))


def _all_found(fit: Regression) -> bool:
    """Say whether the tests of all moderators, together and each alone, exclude no relation."""
    each = [p for name, p in zip(fit.names, fit.p_value, strict=True) if name != INTERCEPT]
    return all(p < 1 - fit.level for p in (fit.qm_p, *each))


def moderators(fit: Regression) -> str:
    """Say what is regressed on what, and what the test of all moderators gives.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      measure="OR", moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> print(moderators(cb.regress(effects, "~ year")))
    The log odds ratios of 5 studies are regressed on year (formula ~ year). Test of the moderators:
    F = 23.44 on 1 and 3 degrees of freedom, p = 0.017.
    """
    name = words.measure(fit.effects.measure)
    of = f"log {name}s" if fit.effects.scale == "log" else f"effects ({name})"
    of = "effects" if name == "effect" else of
    degrees = prose.counted(fit.qm_df, "degree", "degrees")
    if math.isinf(fit.df):
        test = f"QM = {fit.qm:.2f} on {degrees} of freedom"
    else:
        test = f"F = {fit.qm:.2f} on {fit.qm_df} and {fit.df:g} degrees of freedom"
    return (
        f"The {of} of {prose.counted(fit.k, 'study', 'studies')} are regressed on "
        f"{prose.listed([column.replace('_', ' ') for column in fit.design.columns])} (formula "
        f"{fit.formula}). Test of the moderators: {test}, {prose.p_value(fit.qm_p)}."
    )


def left(fit: Regression, *, tau2_without: float) -> str:
    """Say how much of the differences between studies the moderators leave.

    R2 compares their tau2 with ``tau2_without``, that of the same studies without moderators.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.2, 0.3, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      measure="OR", moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> print(left(cb.regress(effects, "~ year"), tau2_without=cb.pool(effects).tau2))
    Without moderators the between-study variance (tau²) is 0.0927, with them 0.118: it is not less,
    and R² is 0 % by convention. Test of what is left: QE = 15.75 on 3 degrees of freedom, p =
    0.001.
    """
    degrees = prose.counted(fit.k - fit.p, "degree", "degrees")
    test = (
        f"Test of what is left: QE = {fit.qe:.2f} on {degrees} of freedom, "
        f"{prose.p_value(fit.qe_p)}."
    )
    if fit.method == "EE":
        return test
    tau2, r2 = prose.small(fit.tau2), prose.percent(fit.r2)
    if math.isnan(fit.r2):
        return f"They leave a between-study variance (tau²) of {tau2}. {test}"
    start = (
        "Without moderators the between-study variance (tau²) is "
        f"{prose.small(tau2_without)}, with them {tau2}: "
    )
    if tau2_without == fit.tau2 == 0:
        return f"{start}there is none to account for, and R² is {r2} by convention. {test}"
    if tau2_without <= fit.tau2:
        return f"{start}it is not less, and R² is {r2} by convention. {test}"
    return f"{start}{r2} less (R²), an imprecise estimate that shows no cause. {test}"


def one_number(fit: Regression) -> bool:
    """Say whether a regression is on one number, so that a bubble plot shows it."""
    columns, design = fit.design.columns, fit.design
    factor = any("C(" in name or "[T." in name for name in fit.names)
    return len(columns) == 1 and columns[0] in design.numeric and not factor


def _table(fit: Regression) -> Table:
    ratio = fit.effects.scale == "log"
    percent = prose.level(fit.level)
    estimate = "Log estimate" if ratio else "Estimate"
    header: tuple[str, ...] = ("Coefficient", estimate, "SE", f"{percent} interval", "p")
    if ratio:
        header = (*header, "Ratio")
    back = SCALES[fit.effects.scale].back
    rows: list[tuple[str, ...]] = []
    for i, name in enumerate(fit.names):
        ends = (prose.number(float(fit.ci_low[i])), prose.number(float(fit.ci_high[i])))
        p = prose.p_value(float(fit.p_value[i])).removeprefix("p = ").removeprefix("p ")
        cells = [name, prose.number(float(fit.estimate[i])), prose.number(float(fit.se[i]))]
        cells += [f"{ends[0]} to {ends[1]}", p]
        if ratio:
            far = name == INTERCEPT and bool(fit.design.numeric)  # where all numbers are 0
            cells.append("–" if far else prose.value(float(back(fit.estimate[i]))))
        rows.append(tuple(cells))
    return Table(
        header,
        tuple(rows),
        "Coefficients of the meta-regression",
        numeric=header[1:],
        note="Ratio: what one unit of a number, or the level of a factor against its reference, "
        "multiplies the average by; of an intercept, the average at all references."
        if ratio
        else "",
    )


def _source(warning: str) -> tuple[Inline, ...]:
    if "Cochrane Handbook" not in warning:
        return ()
    return (f" ({HANDBOOK} of ", Cite("cochrane2024"), ")")
