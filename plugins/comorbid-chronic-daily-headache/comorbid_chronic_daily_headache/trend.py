"""The trend over headache days: a line through the estimates of each study, then the pool."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import comorbid as cb
from comorbid_chronic_daily_headache.covariance import Array
from comorbid_chronic_daily_headache.dependence import covariances
from comorbid_chronic_daily_headache.rows import MOST_DAYS, Row, read_rows
from comorbid_chronic_daily_headache.spread import locked
from comorbid_chronic_daily_headache.versions import Option, combinations, pool_all

Line = Literal["from-none", "with-headache"]

UNIT = 5
"""Headache days a month that a slope is given for."""

POSITIONS = (0.5, 0.25, 0.75)
"""Where between its ends the dose of a level with an open end may lie; of others, the middle."""

RULES = tuple(itertools.product(POSITIONS, repeat=2))
"""Positions in a level that is open below and in one that is open above; the midpoints first."""

LINES: tuple[Line, ...] = ("from-none", "with-headache")


def slopes(
    doses: npt.ArrayLike, log_ratios: npt.ArrayLike, covariance: npt.ArrayLike, *, line: Line
) -> tuple[Array, Array]:
    r"""Fit a line to log ratios against one reference, by generalised least squares.

    .. math:: \hat\beta = (X' V^{-1} X)^{-1} X' V^{-1} y, \qquad
       \mathrm{var}(\hat\beta) = (X' V^{-1} X)^{-1}

    Parameters
    ----------
    doses : array_like of shape (..., levels)
        Of each level; the reference has dose 0.
    log_ratios : array_like of shape (levels,)
    covariance : array_like of shape (..., levels, levels)
        Of the log ratios.
    line : {"from-none", "with-headache"}
        ``from-none``: one line from the reference through all levels, X = dose.
        ``with-headache``: the line of the levels alone, X = (dose, 1), which leaves open how far
        all of them lie from the reference.

    Returns
    -------
    slope, variance : arrays of shape (...)
        Of the log ratio per unit of dose.

    References
    ----------
    Greenland S, Longnecker MP (1992). American Journal of Epidemiology 135:1301-1309.
    doi:10.1093/oxfordjournals.aje.a116237
    Orsini N, Bellocco R, Greenland S (2006). The Stata Journal 6:40-57.
    doi:10.1177/1536867X0600600103

    Examples
    --------
    >>> slope, variance = slopes([7.5, 22.5], [0.5, 0.8], [[0.04, 0.01], [0.01, 0.09]],
    ...                          line="with-headache")
    >>> round(float(slope), 4), round(float(variance), 6)
    (0.02, 0.000489)
    """
    x = np.asarray(doses, dtype=np.float64)
    y, v = np.asarray(log_ratios, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    design = np.stack([x] if line == "from-none" else [x, np.ones_like(x)], axis=-1)
    weighted = np.linalg.solve(v, design)
    information = np.swapaxes(design, -1, -2) @ weighted
    variance = np.linalg.inv(information)
    slope = variance @ (np.swapaxes(weighted, -1, -2) @ y[:, None])
    return np.asarray(slope[..., 0, 0]), np.asarray(variance[..., 0, 0])


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """The trend of one study.

    Parameters
    ----------
    rows : tuple of Row
        Its levels, from few to many days.
    doses : array of shape (rules, levels)
        Days a month, by each of `RULES`.
    slopes : dict of line to (slope, variance)
        Arrays of shape (rules, matrices), per `UNIT` days.
    words : tuple of str
        What the covariance of each matrix is.
    """

    rows: tuple[Row, ...]
    doses: Array
    slopes: Mapping[Line, tuple[Array, Array]]
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The study as printed."""
        return self.rows[0].name

    def options(self, line: Line, rule: int) -> list[Option]:
        """Return the slopes that the study may enter a pool with."""
        open_ends = " and ".join(f"{position:g}" for position in RULES[rule])
        lead = f"{self.rows[0].study}, open levels at {open_ends}"
        slope, variance = (values[rule].tolist() for values in self.slopes[line])
        return [
            Option(f"{lead}, {word}", y, v)
            for word, y, v in zip(self.words, slope, variance, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return doses and slopes by the midpoints as plain values, on the log scale."""
        return {
            "rows": [row.id for row in self.rows],
            "midpoints": self.doses[0].tolist(),
            "slopes": {
                line: {"slope": slope[0].tolist(), "variance": variance[0].tolist()}
                for line, (slope, variance) in self.slopes.items()
            },
            "covariances": list(self.words),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """The trends of all studies, and what they say together.

    Parameters
    ----------
    trends : tuple of Trend
    midpoints, pooled : dict of line to Refits
        Every combination of one variance a study, with the midpoints and by all of `RULES`; empty
        without a trend.
    left_out : dict of str to str
        Names of the studies that have days and no trend, and why.
    measure : str
        What is pooled, in words: ``odds ratio per 5 headache days a month``.
    """

    trends: tuple[Trend, ...]
    midpoints: Mapping[Line, cb.Refits]
    pooled: Mapping[Line, cb.Refits]
    left_out: Mapping[str, str]
    measure: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, on the log scale."""
        return {
            "measure": self.measure,
            "unit": UNIT,
            "rules": [list(rule) for rule in RULES],
            "trends": [trend.to_dict() for trend in self.trends],
            "midpoints": {line: locked(refits) for line, refits in self.midpoints.items()},
            "pooled": {line: locked(refits) for line, refits in self.pooled.items()},
            "left_out": dict(self.left_out),
        }


def trends(context: cb.Context) -> Trends:
    """Estimate the trend over headache days in each study that reports several levels, and pool.

    A level's days are those that the columns ``headache_days_low`` and ``headache_days_high``
    give. An open end is taken as 0 or 30; the dose is the middle between the ends, and in a level
    with an open end also other positions, by `RULES`.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Trends
        Without a study of several levels, without trends.

    Raises
    ------
    DataError, ModelError
        As `read_rows`.
    """
    measure = context.settings.measure
    rows = [row for row in read_rows(context) if not np.isnan(row.days).all()]
    found, left_out = [], {}
    for study in dict.fromkeys(row.study for row in rows):
        own = sorted((row for row in rows if row.study == study), key=_ends)
        if len({_ends(row) for row in own}) < 2:
            left_out[own[0].name] = "gives days for one level only"
        elif any(_ends(a)[1] > _ends(b)[0] for a, b in itertools.pairwise(own)):
            left_out[own[0].name] = "has rows whose days overlap"
        else:
            found.append(_trend(own, measure.id))
    name = f"{measure.label} per {UNIT} headache days a month"
    pooled: list[dict[Line, cb.Refits]] = []
    for rules in (range(1), range(len(RULES))):
        versions = {line: _versions(found, line, rules) for line in LINES if found}
        pooled.append(
            {line: pool_all(own, context=context, measure=name) for line, own in versions.items()}
        )
    return Trends(tuple(found), pooled[0], pooled[1], left_out, name)


def _versions(
    trends: Sequence[Trend], line: Line, rules: Iterable[int]
) -> list[tuple[Option, ...]]:
    return [
        version
        for rule in rules
        for version in combinations([trend.options(line, rule) for trend in trends])
    ]


def _trend(rows: Sequence[Row], measure: str) -> Trend:
    low, high = np.array([_ends(row) for row in rows]).T
    is_open = np.isnan([row.days for row in rows])
    positions = np.array([np.where(is_open, rule, 0.0).sum(axis=1) for rule in RULES])
    doses = low + np.where(is_open.any(axis=1), positions, 0.5) * (high - low)
    found = covariances(rows, measure)
    y = [row.yi for row in rows]
    fitted = {line: slopes(doses[:, None] / UNIT, y, found.matrices, line=line) for line in LINES}
    return Trend(tuple(rows), doses, fitted, found.words)


def _ends(row: Row) -> tuple[float, float]:
    """Return the ends of a row's days, with 0 and 30 where they are open."""
    low, high = row.days
    return (0.0 if np.isnan(low) else low, MOST_DAYS if np.isnan(high) else high)
