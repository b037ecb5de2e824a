"""Checks of spread: a standard error in the place of a standard deviation, and the reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comorbid.studies.columns import GROUP_COLUMNS
from comorbid.studies.finding import Finding, Repair
from comorbid.studies.out_of_line import (
    Array,
    away_from_the_others,
    centre_and_spread,
    out_of_line,
)
from comorbid.studies.precision_checks import impossible_interval
from comorbid.studies.published import Row, published_rows
from comorbid.studies.table import Studies

FAR_FOR_N, FACTOR_FOR_N = 4.0, 2.5
"""Robust standard deviations, and factor, beyond which a standard error is out of line for n.

A factor of 2 is nothing much: sqrt(n) times the standard error of a log odds ratio near 0 is 4
where half of the people have each condition, and 8 where 1 in 7 has.
"""


def se_for_sd(studies: Studies) -> Iterator[Finding]:
    """Find standard deviations that look like standard errors beside those of the other rows.

    Compared are, by `out_of_line`, the logarithms of the standard deviations, both groups of a row
    together; of the standard deviations over their means, where all means are above 0 and these
    are more alike; and of the ratio of the two groups, for an error in one of them.

    In simulated tables of 10 studies with 8 to 400 people a group, whose standard deviations
    differ by a factor of exp(s) from study to study, it accuses 0.03, 0.2 and 0.5 % of clean rows
    at s = 0.3, 0.5 and 0.8, and finds 77, 40 and 12 % of the errors in both groups of a row, and 9
    in 10 of those in one.
    """
    arrays = studies.arrays
    if not all(arrays.is_number(name) for group in GROUP_COLUMNS[:2] for name in group):
        return
    means, sds, sizes = (
        np.column_stack([arrays[group[part]] for group in GROUP_COLUMNS[:2]]) for part in range(3)
    )
    wrong = like_standard_errors(means, sds, sizes)
    for i in np.flatnonzero(wrong.any(axis=1)):
        columns = [GROUP_COLUMNS[j] for j in np.flatnonzero(wrong[i])]
        yield _finding({name: values[i] for name, values in arrays.items()}, columns)


def like_standard_errors(means: Array, sds: Array, sizes: Array) -> NDArray[np.bool_]:
    """Return which standard deviations look like standard errors; all arrays of shape (k, 2)."""
    logs, shifts = _log(sds), _log(sizes) / 2
    # Of the logarithm of a standard deviation of n people the sampling variance is 1/(2(n - 1)).
    error = np.sqrt((1 / (2 * np.maximum(sizes - 1, 1))).sum(axis=1))
    both = out_of_line(_most_alike(logs, means), shifts.mean(axis=1), error / 2)
    ratio = logs[:, 0] - logs[:, 1]
    one = out_of_line(ratio, shifts[:, 0], error)
    other = out_of_line(-ratio, shifts[:, 1], error)
    return np.column_stack([both | one, both | other])


def _finding(row: Mapping[str, Any], columns: list[tuple[str, str, str]]) -> Finding:
    id_, names = str(row["estimate_id"]), " and ".join(sd for _, sd, _ in columns)
    right = {sd: float(row[sd] * row[n] ** 0.5) for _, sd, n in columns}
    given = " and ".join(f"{sd} {row[sd]:g}" for sd in right)
    multiplied = " and ".join(f"{value:.3g}" for value in right.values())
    are, they = ("are", "they are") if len(columns) > 1 else ("is", "it is")
    holds = "hold standard errors" if len(columns) > 1 else "holds a standard error"
    return Finding(
        "se-for-sd",
        "warning",
        (id_,),
        "A standard deviation is about that of the other studies; a standard error is that over the"
        " square root of n.",
        f"{row['label']}: {given} {are} far below the other studies; times the square root of n,"
        f" {multiplied}, {they} like them.",
        f"Look in the paper whether {names} {holds}.",
        repairs=(Repair(f"with {names} of {id_} times the square root of n", values={id_: right}),),
    )


def sd_for_se(studies: Studies) -> Iterator[Finding]:
    """Find standard errors, or intervals, that are made of standard deviations.

    Compared are, by `out_of_line`, the logarithms of the standard error of each row of the pool
    times the square root of n.
    """
    rows, values, shifts = _precisions(studies)
    for i in np.flatnonzero(out_of_line(values, -shifts, np.zeros(len(rows)))):
        row, (se, n) = rows[i], _precision(rows[i])
        right = se / n**0.5
        is_given = row.interval is None
        what = "se" if is_given else "the interval"
        repair = Repair(
            f"with se of {row.id} over the square root of n", values={row.id: {"se": right}}
        )
        yield Finding(
            "sd-for-se",
            "warning",
            (row.id,),
            "A standard error times the square root of n is about that of the other studies.",
            f"{row.label}: the standard error {se:.3g} is far larger than in the other studies for"
            f" {n:,.0f} people; over the square root of n, {right:.3g}, it is like them.",
            f"Look in the paper whether {what} is of a standard deviation.",
            repairs=(repair,) if is_given else (),
        )


def precision_out_of_line(studies: Studies) -> Iterator[Finding]:
    """Find standard errors, or intervals, too small or too large for n beside the other rows.

    More than `FAR_FOR_N` robust standard deviations and a factor of `FACTOR_FOR_N` away, of the
    standard error times the square root of n, its logarithm taken. Rows whose precision is
    impossible, or looks like that of a standard deviation, have a finding already.
    """
    rows, values, shifts = _precisions(studies)
    none = np.zeros(len(rows))
    away, scale = away_from_the_others(values, none)
    limit = np.maximum(FAR_FOR_N * scale, np.log(FACTOR_FOR_N))
    far = (np.abs(away) > limit) & ~out_of_line(values, -shifts, none)
    for i in np.flatnonzero(far):
        row, (se, n) = rows[i], _precision(rows[i])
        if any(impossible_interval(row)):
            continue
        factor = f"{np.exp(abs(away[i])):.2g}"
        yield Finding(
            "precision-out-of-line",
            "note",
            (row.id,),
            "A standard error times the square root of n is about that of the other studies, unless"
            " groups are unequal, events rare, or people in clusters.",
            f"{row.label}: the standard error {se:.3g} for {n:,.0f} people is {factor} times as"
            f" {'large' if away[i] > 0 else 'small'} as the others lead one to expect.",
            "Compare the interval or standard error, and n, with the paper.",
            repairs=(Repair(f"by leaving out {row.id}", exclude=(row.id,)),),
        )


def _precisions(studies: Studies) -> tuple[list[Row], Array, Array]:
    """Return the pool's rows of the measure that most have, logs of se sqrt(n), and of sqrt(n)."""
    rows = [row for row in published_rows(studies) if row.cells["primary"]]
    measures = Counter(row.measure for row in rows).most_common(1)
    rows = [row for row in rows if row.measure == measures[0][0]]
    precisions = np.array([_precision(row) for row in rows]).reshape(-1, 2)
    shifts = _log(precisions[:, 1]) / 2
    return rows, _log(precisions[:, 0]) + shifts, shifts


def _precision(row: Row) -> tuple[float, float]:
    """Return the standard error that a row prints, and its people; nan is missing."""
    se = None if row.se is None else row.se.value
    if row.interval is not None and row.scale is not None:
        se = row.interval.se
    n = row.people if row.n_analysed is None else row.n_analysed
    return np.nan if se is None else se, np.nan if n is None else n


def _most_alike(logs: Array, means: Array) -> Array:
    """Return the rows' standard deviations, or those over the means, whichever spread less."""
    rows: Array = logs.mean(axis=1)
    known = np.isfinite(rows)
    if not known.any() or not (means[known] > 0).all():
        return rows
    relative: Array = rows - _log(means).mean(axis=1)
    spreads = [centre_and_spread(values[known])[1] for values in (rows, relative)]
    return relative if spreads[1] < spreads[0] else rows


def _log(values: Array) -> Array:
    """Return logarithms, nan of what has none."""
    logs: Array = np.log(np.where(values > 0, values, np.nan))
    return logs
