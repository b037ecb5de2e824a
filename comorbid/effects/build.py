"""From a table of studies to effects: which rows, and for each which of its two sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np

from comorbid.checks import check_choice, check_type
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.compute import (
    compute,
    gaps,
    problems_of,
    sizes_of,
    source_of,
    warn,
    without_zero_variance,
)
from comorbid.effects.decisions import Rows, decisions_of, inputs_in_words, rows_to_use
from comorbid.effects.digits import digits_of
from comorbid.effects.few_events import few_events_note
from comorbid.effects.formula import Measure, column, first_known
from comorbid.effects.measures import find_measure
from comorbid.effects.overrides import Override, check_overrides
from comorbid.effects.reported import REPORTED_COLUMNS, effect_of
from comorbid.effects.table import Effects
from comorbid.effects.zeros import Drop00, To, Zeros
from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    from comorbid.studies.arrays import Arrays
    from comorbid.studies.table import Studies

_NOT_MODERATORS = {
    *("estimate_id", "study_id", "label", "measure", "estimate", "ci_low", "ci_high", "ci_level"),
    *("se", "ai", "bi", "ci", "di", "primary"),
}


def effects(
    studies: Studies,
    *,
    measure: str | Measure = "OR",
    rows: Rows = "primary",
    overrides: Sequence[Override] = (),
    add: float | None = None,
    to: To = "only0",
    drop00: Drop00 = "no",
) -> Effects:
    r"""Turn studies into effects and variances on the analysis scale.

    From a printed estimate with the interval :math:`(l, u)` of level :math:`\gamma`, and the
    scale's function g, the logarithm for ratios,

    .. math:: y = g(\hat\theta), \qquad
       v = \left(\frac{g(u) - g(l)}{2 z_{(1 + \gamma)/2}}\right)^2

    and from counts by the measure's formula, which `find_measure` prints. A row's printed estimate
    is used where it is of this measure, otherwise the row's counts, or whatever columns the measure
    is computed from; an `Override` decides otherwise for one row, with its reason.

    Parameters
    ----------
    studies : Studies
        The table of studies. A measure finds its ``columns`` there: the 2x2 counts, and others,
        such as ``m1i, sd1i, n1i, m2i, sd2i, n2i`` for SMD, among the moderators. A printed
        estimate may come with ``p_value``, two-sided, in place of interval and ``se``.
    measure : str or Measure
        The measure to pool.
    rows : {"primary", "all"}
        ``primary`` takes one row a study, the one marked primary; ``all`` takes every row:
        several rows of one study rest on the same people and are not independent, as `pool` takes
        them to be; give them to `multilevel`, with `covariance`, or to `che` or `aggregate`.
    overrides : sequence of Override
        Decisions about single rows.
    add : float, optional
        What is added to zero counts; by default 0.5, and 0 for the measures that exist without it.
    to : {"only0", "all", "if0all", "none"}
        To the rows that have a zero count; to all; to all as soon as one has a zero; to none.
    drop00 : {"no", "yes"}
        ``yes``: a row without events in both groups, or with events only, gets no effect.

    Returns
    -------
    Effects
        In the order of the table. A row that gives no effect is kept as nan, with a warning.

    Raises
    ------
    DataError
        If a row reports another measure and has no counts, a column that the measure needs is
        missing or holds text or an impossible value, or an override does not fit.
    ModelError
        If the measure or a setting is unknown.

    Warns
    -----
    DataWarning
        Names the rows that give no effect, and for ``primary`` studies with several rows of which
        none is marked, so that all are taken.

    References
    ----------
    Higgins JPT, Li T, Deeks JJ (2019). Cochrane Handbook for Systematic Reviews of
    Interventions, 2nd ed., chapter 6, sections 6.3.1-6.3.2. doi:10.1002/9781119536604.ch6
    (since then https://training.cochrane.org/handbook, version 6.5).

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    >>> cb.effects(table, measure="OR", overrides=[counts]).source[2]
    'counts'
    """
    from comorbid.studies.table import Studies

    check_type("studies", studies, Studies, "read a table with read_studies(), or use escalc()")
    check_choice("rows", rows, get_args(Rows))
    chosen, zeros = find_measure(measure), Zeros(add, to, drop00)
    overrides = check_overrides(overrides)
    decisions = decisions_of(studies.arrays, chosen, overrides)
    keep = rows_to_use(studies.arrays, rows, decisions)
    table, printed = studies.arrays.take(keep), studies.digits.take(keep)
    values = _numbers(table, chosen)
    yi, vi, source = _row_effects(table, values, chosen, decisions, zeros)
    notes = (
        *_dependence_notes(table, rows),
        *gaps(chosen, values, tuple(table["estimate_id"]), yi, vi, zeros),
    )
    warn(notes)
    return Effects(
        yi=yi,
        vi=vi,
        labels=tuple(table["label"]),
        measure=chosen.id,
        scale=chosen.scale,
        ids=tuple(table["estimate_id"]),
        studies=tuple(table["study_id"]),
        source=source,
        moderators={name: table.cells(name) for name in table if name not in _NOT_MODERATORS},
        overrides=overrides,
        warnings=(
            *_review_notes(studies, table),
            *notes,
            *few_events_note(chosen, values, tuple(table["label"]), _from_counts(source, yi, vi)),
        ),
        ni=first_known(sizes_of(chosen, values), column(values, "n_analysed"), column(values, "n")),
        digits=digits_of(table, printed, source),
    )


def both_sources(
    studies: Studies, measure: str | Measure = "OR"
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return effects and variances of every row from its counts, and from its printed estimate.

    Parameters
    ----------
    studies : Studies
        The table of studies.
    measure : str or Measure
        As in `effects`.

    Returns
    -------
    (yi, vi), (yi, vi)
        Each of shape (rows,), analysis scale; nan where a row has no such source.

    Examples
    --------
    >>> import comorbid as cb
    >>> (counts, _), (reported, _) = both_sources(cb.datasets.headache_back_pain())
    >>> np.round(np.exp([counts[0], reported[0]]), 2).tolist()
    [2.15, 2.1]
    """
    chosen, table = find_measure(measure), studies.arrays
    values = _numbers(table, chosen)
    y, v = effect_of(values, chosen.scale)
    same = table["measure"] == chosen.id
    return (
        compute(chosen, values, zeros=Zeros()),
        (np.where(same, y, np.nan), np.where(same, v, np.nan)),
    )


def _from_counts(source: Sequence[str], yi: Array, vi: Array) -> Mask:
    """Return which effects there are that counts gave."""
    counted = np.array([one == "counts" for one in source], dtype=np.bool_)
    return counted & ~np.isnan(yi) & ~np.isnan(vi)


def _review_notes(studies: Studies, table: Arrays) -> tuple[str, ...]:
    """Say beside every pooled value how much of its review it rests on."""
    review = studies.review
    if review is None or not table.rows:
        return ()
    here = review.coverage(studies.select({"study_id": table["study_id"].tolist()}))
    pooled = "" if review.pooled_by_authors else "; the review's own authors did not pool them"
    return (f"{here.summary()} of the review{pooled}",)


def _numbers(table: Arrays, measure: Measure) -> dict[str, Array]:
    """Return the columns that the measure may need as numbers."""
    wanted = dict.fromkeys((*measure.columns, *REPORTED_COLUMNS, "n_analysed", "n"))
    values, problems = {}, []
    for name in wanted:
        if name not in table:
            continue
        try:
            values[name] = np.asarray(table[name], dtype=np.float64)
        except (TypeError, ValueError):
            if name not in measure.columns:  # p-values such as "< 0.001" give no variance
                continue
            message = f"{measure.id} needs numbers, and the column {name} holds text"
            problems.append(Problem(message, "write numbers, and leave missing ones empty"))
    if problems:
        raise DataError(problems)
    return values


def _row_effects(
    table: Arrays,
    values: Mapping[str, Array],
    measure: Measure,
    decisions: Mapping[str, frozenset[str]],
    zeros: Zeros,
) -> tuple[Array, Array, tuple[str, ...]]:
    """Return effects, variances and sources, each row's decided between its two."""
    ids = tuple(table["estimate_id"])
    y_counts, v_counts = compute(measure, values, zeros=zeros)
    y_reported, v_reported = effect_of(values, measure.scale)
    has_counts = np.isfinite(y_counts) & np.isfinite(v_counts)
    same_measure = table["measure"] == measure.id
    has_reported = same_measure & np.isfinite(y_reported) & np.isfinite(v_reported)
    uses = [decisions.get(estimate, frozenset()) for estimate in ids]
    wants_counts = np.array(["counts" in use for use in uses], dtype=bool)
    wants_reported = np.array(["reported" in use for use in uses], dtype=bool)
    from_counts = wants_counts | (~has_reported & ~wants_reported & has_counts)
    other = (table["measure"] != "") & ~same_measure
    other &= np.isfinite(column(values, "estimate")) & ~from_counts
    columns = inputs_in_words(measure)
    problems = [
        *problems_of(measure, values, ids),
        *_missing_columns(table, measure, has_reported),
        *_unusable(table, wants_counts & ~has_counts, "counts", f"fill in its {columns}"),
        *_unusable(table, wants_reported & ~has_reported, "reported", "fill in its interval"),
        *_other_measure(table, other, measure),
    ]
    if problems:
        raise DataError(problems)
    yi = np.where(from_counts, y_counts, np.where(has_reported, y_reported, np.nan))
    vi = np.where(from_counts, v_counts, np.where(has_reported, v_reported, np.nan))
    source = tuple(source_of(measure) if flag else "reported" for flag in from_counts)
    return yi, without_zero_variance(vi), source


def _missing_columns(table: Arrays, measure: Measure, has_reported: Mask) -> list[Problem]:
    missing = [name for name in measure.columns if name not in table]
    if not missing or has_reported.any():
        return []
    return [
        Problem(
            f"{measure.id} is computed from {', '.join(measure.columns)}, and the table has no "
            f"{', '.join(missing)}",
            f"add them, or printed estimates with {measure.id} in the column measure",
        )
    ]


def _unusable(table: Arrays, bad: Mask, use: str, remedy: str) -> list[Problem]:
    return [
        Problem(f"override of {estimate}: it says use {use!r} but the row has none", remedy)
        for estimate in table["estimate_id"][bad]
    ]


def _other_measure(table: Arrays, bad: Mask, measure: Measure) -> list[Problem]:
    lacks = inputs_in_words(measure).removeprefix("2x2 ")
    return [
        Problem(
            f"{estimate} reports {reported}, not {measure.id}, and has no {lacks}",
            "exclude it by an override with a reason, or pool that measure separately",
        )
        for estimate, reported in zip(table["estimate_id"][bad], table["measure"][bad], strict=True)
    ]


def _dependence_notes(table: Arrays, rows: Rows) -> tuple[str, ...]:
    """Say where no primary row tells several rows about the same people apart."""
    repeated = sorted(study for study, number in Counter(table["study_id"]).items() if number > 1)
    if rows == "all" or not repeated:
        return ()
    return (
        f"several rows about the same people are taken as independent: {', '.join(repeated)}; "
        "mark one row of each study in a column primary",
    )
