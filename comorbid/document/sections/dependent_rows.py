"""Dependent rows: the average of all rows of a subgroup beside that of one row a study."""

from __future__ import annotations

import math
from collections.abc import Iterator

from comorbid.dependent_rows import ENOUGH, DependentRows
from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Heading, Note, Paragraph, Table
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.robust_result import Robust

Pair = tuple[float, float]


def dependent_rows_blocks(result: DependentRows, *, one: Fit | None) -> tuple[Block, ...]:
    """Return all rows of a subgroup, as dependent as they are, beside one row a study.

    Parameters
    ----------
    result : DependentRows
        What `dependent_rows` returns.
    one : Fit or None
        The pool of one row a study, such as the ``fit`` of what `against_rest` returns.

    Returns
    -------
    tuple of Block
        None of them if there are no rows.

    Examples
    --------
    >>> import comorbid as cb
    >>> table, where = cb.datasets.headache_back_pain(), {"headache": ["migraine"]}
    >>> one = cb.against_rest(table, where=where, label="migraine").fit
    >>> found = cb.dependent_rows(table, where=where, label="migraine")
    >>> [paragraph] = cb.dependent_rows_blocks(found, one=one)
    >>> print(paragraph.text)
    No study has several rows on migraine: the pool of one row a study leaves none out.
    """
    if one is None or not result.k:
        return ()
    if not result.several:
        text = f"No study has several rows on {result.label}"
        return (Paragraph(f"{text}: the pool of one row a study leaves none out."),)
    return (Heading("All rows of each study"), *_several(result, one))


def _several(result: DependentRows, one: Fit) -> Iterator[Block]:
    fit = result.robust
    if fit is None:
        yield Paragraph(
            f"{_rows(result)} {result.reason} There is no average of all of them that allows for "
            "their dependence."
        )
        return
    yield Paragraph(
        (
            f"{_rows(result)} One row of each is pooled elsewhere in this section; here all are, "
            "in a multilevel model ",
            Cite("pustejovsky2022"),
            f" with cluster-robust intervals. {_assumed(result)}",
        )
    )
    yield Paragraph(f"{averages(fit, one)} {difference(fit, one)}")
    yield _table(result, fit, one)
    if (df := fit.df.item()) < ENOUGH:
        text = (
            f"The robust interval rests on {_freedom(df)} degrees of freedom. Below {ENOUGH} it "
            "cannot be relied on, and neither can a conclusion from it "
        )
        yield Note((text, Cite("tipton2015"), "."), title=f"Too few studies: {result.label}")


def _freedom(df: float) -> str:
    """Print degrees of freedom that are below the limit as below it."""
    return f"{df:.4f}" if ENOUGH - 0.05 <= df < ENOUGH else f"{df:.1f}"


def _rows(result: DependentRows) -> str:
    have = "1 has" if result.several == 1 else f"{result.several} have"
    studies = prose.counted(result.studies, "study", "studies")
    if result.studies == 1:
        return f"{studies} has {result.k} rows on {result.label}."
    return (
        f"{studies} have {result.k} rows on {result.label}; {have} several, which are not taken as "
        "independent."
    )


def _assumed(result: DependentRows) -> str:
    own, several = len(result.shared), result.several
    assumed = f"their sampling errors are taken to be correlated by {result.rho:g}"
    if not own:
        return f"How strongly rows of one study depend on each other is not known: {assumed}."
    follow = f"The covariances of {prose.listed(result.shared)} follow from the counts of a group"
    follow += f" that {'its' if own == 1 else 'their'} rows have in common"
    return f"{follow}." if own == several else f"{follow}; in other studies {assumed}."


def averages(fit: Robust, one: Fit) -> str:
    """Give the average of all rows, and that of one row a study."""
    form = study_format(one.effects, one.level)
    return (
        f"The average {prose.measure_name(fit.effects.measure)} of all rows is "
        f"{form.value(fit.estimate.item())}; of one row a study it is {form.value(one.estimate)}."
    )


def difference(fit: Robust, one: Fit) -> str:
    """Say what it means that the two averages, and what their intervals exclude, differ."""
    if fit.df.item() < ENOUGH:
        return "What the difference between the two means cannot be told from so few studies."
    inside = _holds(one.ci, fit.estimate.item()), _holds(_ends(fit), one.estimate)
    if all(inside):
        text = (
            "Each average lies within the other's interval: which rows are taken matters less than "
            "what chance leaves open."
        )
    elif any(inside):
        which = "all rows lies outside the interval of one row a study"
        if inside[0]:
            which = "one row a study lies outside the interval of all rows"
        text = f"The average of {which}: the choice of rows may matter to the result."
    else:
        text = (
            "Each average lies outside the other's interval: the result depends on which rows are "
            "taken."
        )
    return f"{text}{_null(fit, one)}"


def _null(fit: Robust, one: Fit) -> str:
    """Say if only one of the intervals includes no association."""
    null = null_of(fit.effects.measure)
    held = _holds(_ends(fit), null), _holds(one.ci, null)
    if held[0] == held[1]:
        return ""
    which = ("all rows", "one row a study")
    return (
        f" Only the interval of {which[held[1]]} includes "
        f"{prose.null(fit.effects.measure, fit.effects.scale)}."
    )


def _table(result: DependentRows, fit: Robust, one: Fit) -> Table:
    """Return the averages, those of all rows by the correlation that is assumed."""
    form = study_format(one.effects, one.level)
    measure = prose.measure_name(fit.effects.measure)
    header = (
        "Rows",
        "Correlation",
        f"Average {measure}",
        f"{prose.level(fit.level)} interval",
        "Degrees of freedom",
    )
    df = f"{one.df:g}" if math.isfinite(one.df) else "–"
    rows = [("one a study", "–", form.value(one.estimate), form.interval(*one.ci), df)]
    assumed = len(result.shared) < result.several
    fits = dict([*(result.others if assumed else ()), (result.rho, fit)])
    for rho, own in sorted(fits.items()):
        average, ends = form.value(own.estimate.item()), form.interval(*_ends(own))
        correlation = f"{rho:g}" if assumed else "from counts"
        rows.append(("all", correlation, average, ends, _freedom(own.df.item())))
    return Table(
        header,
        tuple(rows),
        f"Rows on {result.label}: one of each study, and all",
        numeric=header[1:],
        note="Correlation: of the sampling errors of rows of one study."
        + " Where counts give the covariance, it is that." * (assumed and bool(result.shared)),
    )


def _ends(fit: Robust) -> Pair:
    return fit.ci_low.item(), fit.ci_high.item()


def _holds(ends: Pair, value: float) -> bool:
    return ends[0] <= value <= ends[1]
