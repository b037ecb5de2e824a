"""How the effect goes with what is known of the studies: the meta-regression."""

from __future__ import annotations

import math

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Inline, Note, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.runs import Cite
from comorbid.effects.scales import SCALES
from comorbid.models.design_matrix import INTERCEPT
from comorbid.models.regression_result import Regression

HANDBOOK = "section 10.11.5.1"
"""Where the Cochrane Handbook says how many studies a moderator needs."""

_ACROSS = (
    "The relation is one across studies: it need not hold for the people in them, and what else "
    "differs between the studies may be the reason for it. That no relation is found does not show "
    "that there is none."
)


def not_fitted(*, formula: str, k: int, coefficients: int, reason: str) -> tuple[Block, ...]:
    """Say why a meta-regression could not be fitted."""
    studies = prose.counted(k, "study", "studies")
    terms = prose.counted(coefficients, "coefficient", "coefficients")
    return (
        Paragraph(
            f"The meta-regression {formula} of {studies} on {terms} could not be fitted: {reason}."
        ),
    )


def regression(fit: Regression) -> tuple[Block, ...]:
    """Return what a meta-regression found: sentences, a plot of one number, coefficients."""
    if fit.design.intercept_only:
        return (Paragraph(f"The formula {fit.formula} leaves no moderator that differs."),)
    blocks: list[Block] = [Paragraph(f"{moderators(fit)} {left(fit)}")]
    if one_number(fit):
        blocks.append(figures.bubble(fit, title=""))
    blocks.append(_table(fit))
    own = [warning for warning in fit.warnings if warning not in fit.effects.warnings]
    blocks += [Note((warning, *_source(warning), ".")) for warning in own]
    return (*blocks, Note(_ACROSS, kind="information", title="A comparison between studies"))


def moderators(fit: Regression) -> str:
    """Say what is regressed on what, and what the test of all moderators gives.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      measure="OR", moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> print(moderators(cb.regress(effects, "~ year")))
    The log odds ratios of 5 studies are regressed on year (formula ~ year). Test of the moderators:
    F = 18.00 on 1 and 3 degrees of freedom, p = 0.024.
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


def left(fit: Regression) -> str:
    """Say how much of the differences between studies the moderators leave.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.2, 0.3, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      measure="OR", moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> print(left(cb.regress(effects, "~ year")))
    They leave a between-study variance (tau²) of 0.117; by this estimate they account for 0 % of it
    (R²). Test of what is left: QE = 16.04 on 3 degrees of freedom, p = 0.001.
    """
    degrees = prose.counted(fit.k - fit.p, "degree", "degrees")
    test = (
        f"Test of what is left: QE = {fit.qe:.2f} on {degrees} of freedom, "
        f"{prose.p_value(fit.qe_p)}."
    )
    if fit.method == "EE":
        return test
    share = ""
    if not math.isnan(fit.r2):
        share = f"; by this estimate they account for {prose.percent(fit.r2)} of it (R²)"
    return f"They leave a between-study variance (tau²) of {prose.small(fit.tau2)}{share}. {test}"


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
    return (" ", Cite("cochrane2024"), f", {HANDBOOK}")
