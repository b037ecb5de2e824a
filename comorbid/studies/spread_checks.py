"""Checks of spread: a standard error in the place of a standard deviation, and the reverse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from comorbid.studies.columns import GROUP_COLUMNS
from comorbid.studies.finding import Finding, Repair
from comorbid.studies.published import apart
from comorbid.studies.table import Studies

Array = NDArray[np.float64]

FEWEST = 5
"""Other rows that a row must be compared with."""

MANY = 200
"""Rows beyond which one more hardly moves a median, and none is left out of it."""

FAR = 3.5
"""Robust standard deviations from the others beyond which a figure is out of line."""

NEAR = 2.0
"""Robust standard deviations within which it is in line again once put right."""

SPREAD = (0.15, 0.7)
"""Least and largest robust standard deviation of the others' logarithms.

Less is taken for the least, so that rows much alike accuse no chance; with more, the rows differ
too much among themselves, as where each has a scale of its own.
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
    frame = studies.frame
    names = [name for group in GROUP_COLUMNS[:2] for name in group]
    if not all(name in frame and frame[name].dtype == float for name in names):
        return
    means, sds, sizes = (
        frame[[group[part] for group in GROUP_COLUMNS[:2]]].to_numpy(float) for part in range(3)
    )
    wrong = like_standard_errors(means, sds, sizes)
    for i in np.flatnonzero(wrong.any(axis=1)):
        columns = [GROUP_COLUMNS[j] for j in np.flatnonzero(wrong[i])]
        yield _finding(frame.iloc[i], columns)


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


def _finding(row: pd.Series, columns: list[tuple[str, str, str]]) -> Finding:
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
    """Find standard errors that look like standard deviations beside those of the other rows.

    Compared are, by `out_of_line`, the logarithms of ``se`` times the square root of n.
    """
    frame = studies.frame
    n = frame["n_analysed"].fillna(frame["n"]) if "n_analysed" in frame else frame["n"]
    shifts = _log(n.to_numpy(float)) / 2
    values = _log(frame["se"].to_numpy(float)) + shifts
    for i in np.flatnonzero(out_of_line(values, -shifts, np.zeros(len(values)))):
        row, id_ = frame.iloc[i], str(frame["estimate_id"].iloc[i])
        right = float(row["se"]) / float(n.iloc[i]) ** 0.5
        yield Finding(
            "sd-for-se",
            "warning",
            (id_,),
            "A standard error times the square root of n is about that of the other studies.",
            f"{row['label']}: se is {row['se']:g}. It is far larger than in the other studies for"
            f" {n.iloc[i]:,.0f} people; over the square root of n, {apart(right)[0]}, it is not.",
            "Look in the paper whether se holds a standard deviation.",
            repairs=(
                Repair(f"with se of {id_} over the square root of n", values={id_: {"se": right}}),
            ),
        )


def out_of_line(values: Array, shifts: Array, errors: Array) -> NDArray[np.bool_]:
    """Return which values are far from the others, and near them once shifted.

    Far and near by the median of the other values, in units of 1.4826 times their median absolute
    deviation from it (Leys and others 2013, doi:10.1016/j.jesp.2013.03.013), enlarged by 1 + 3/k as
    that of few values is often too small by chance, and of the value's own standard error.

    Parameters
    ----------
    values : array of shape (k,)
        nan is missing.
    shifts : array of shape (k,)
        What would put each right.
    errors : array of shape (k,)
        Standard error of each.

    Examples
    --------
    >>> values = np.array([0.1, 0.0, 0.2, 0.1, -0.1, -2.0])
    >>> out_of_line(values, np.full(6, 2.0), np.zeros(6)).tolist()
    [False, False, False, False, False, True]
    """
    known = np.isfinite(values + shifts + errors)
    if known.sum() <= FEWEST:
        return np.zeros(len(values), dtype=bool)
    centre, spread = _of_the_others(np.where(known, values, np.nan))
    spread = spread * (1 + 3 / (known.sum() - 1))
    scale = np.hypot(np.maximum(spread, SPREAD[0]), errors)
    away, put_right = values - centre, values + shifts - centre
    found = (away * shifts < 0) & (np.abs(away) > FAR * scale) & (np.abs(put_right) < NEAR * scale)
    return np.asarray(known & (spread <= SPREAD[1]) & found)


def _of_the_others(values: Array) -> tuple[Array, Array]:
    """Return centre and spread of the values other than each; of more than `MANY`, of all."""
    k = len(values)
    if k > MANY:
        centre, spread = _centre_and_spread(values)
        return np.full(k, centre), np.full(k, spread)
    both = np.array([_centre_and_spread(np.delete(values, i)) for i in range(k)])
    return both[:, 0], both[:, 1]


def _most_alike(logs: Array, means: Array) -> Array:
    """Return the rows' standard deviations, or those over the means, whichever spread less."""
    rows: Array = logs.mean(axis=1)
    known = np.isfinite(rows)
    if not known.any() or not (means[known] > 0).all():
        return rows
    relative: Array = rows - _log(means).mean(axis=1)
    spreads = [_centre_and_spread(values[known])[1] for values in (rows, relative)]
    return relative if spreads[1] < spreads[0] else rows


def _centre_and_spread(values: Array) -> tuple[float, float]:
    centre = np.nanmedian(values)
    return float(centre), float(1.4826 * np.nanmedian(np.abs(values - centre)))


def _log(values: Array) -> Array:
    """Return logarithms, nan of what has none."""
    logs: Array = np.log(np.where(values > 0, values, np.nan))
    return logs
