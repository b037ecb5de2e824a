"""Chronic against episodic headache, in the studies that have estimates for both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comorbid as cb
from comorbid_chronic_daily_headache.dependence import covariances
from comorbid_chronic_daily_headache.rows import CHRONIC, EPISODIC, Row, read_rows
from comorbid_chronic_daily_headache.spread import Pair, Spread, interval, locked, spread
from comorbid_chronic_daily_headache.versions import Option, combinations, pool_all


@dataclass(frozen=True, slots=True)
class Contrast:
    """A chronic and an episodic row of one study.

    Parameters
    ----------
    chronic, episodic : Row
        Both against the study's people without headache.
    variances : tuple of float
        Of the difference, one for each covariance that the two may have.
    words : tuple of str
        What each covariance is: of those that are unknown the first is 0, the last the largest.
    reconstructed : bool
        Whether the covariances follow from printed counts.
    """

    chronic: Row
    episodic: Row
    variances: tuple[float, ...]
    words: tuple[str, ...]
    reconstructed: bool

    @property
    def difference(self) -> float:
        """Log ratio of the chronic to the episodic ratio."""
        return self.chronic.yi - self.episodic.yi

    @property
    def name(self) -> str:
        """The study as printed."""
        return self.chronic.name

    def intervals(self, level: float) -> list[tuple[float, float]]:
        """Return the normal interval with each of the variances, on the log scale."""
        return [interval(self.difference, variance, level) for variance in self.variances]

    def options(self) -> list[Option]:
        """Return the estimates that the study may enter a pool with."""
        pair = f"{self.chronic.id} against {self.episodic.id}"
        return [
            Option(f"{pair}, {word}", self.difference, variance)
            for word, variance in zip(self.words, self.variances, strict=True)
        ]

    def to_dict(self, level: float) -> dict[str, Any]:
        """Return everything as plain values, on the log scale and as ratios."""
        ends = [_ratios(pair) for pair in self.intervals(level)]
        return {
            "chronic": self.chronic.id,
            "episodic": self.episodic.id,
            "difference": self.difference,
            "covariances": list(self.words),
            "variances": list(self.variances),
            "reconstructed": self.reconstructed,
            "on_scale": {
                "estimate": [math.exp(self.difference)] * len(ends),
                "ci_low": [low for low, _ in ends],
                "ci_high": [high for _, high in ends],
            },
        }


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """All contrasts, and what they say together.

    Parameters
    ----------
    contrasts : tuple of Contrast
        By study, and within a study from the lowest to the highest.
    pooled : Refits or None
        Every combination of one contrast and one variance a study; None with fewer than two
        studies.
    measure : str
        What the single estimates are, in words: ``odds ratio``.
    level : float
        Of the intervals.
    """

    contrasts: tuple[Contrast, ...]
    pooled: cb.Refits | None
    measure: str
    level: float

    @property
    def studies(self) -> tuple[tuple[Contrast, ...], ...]:
        """The contrasts by study."""
        return _by_study(self.contrasts)

    @property
    def reconstructed(self) -> int:
        """Number of studies that print the counts which the covariance follows from."""
        return sum(own[0].reconstructed for own in self.studies)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows compared: by study, the episodic ones first, from the lowest to the highest."""
        return tuple(
            row
            for own in self.studies
            for rows in ([entry.episodic for entry in own], [entry.chronic for entry in own])
            for row in sorted({row.id: row for row in rows}.values(), key=lambda row: row.yi)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, on the log scale and as ratios."""
        return {
            "measure": self.measure,
            "level": self.level,
            "rows": self._rows(),
            "contrasts": [contrast.to_dict(self.level) for contrast in self.contrasts],
            "drawn_estimates": 2 * len(self.contrasts),
            "by_study": [
                {
                    "label": own[0].name,
                    "pairs": len(own),
                    **contrast_spread(own, self.level).to_dict(),
                }
                for own in self.studies
            ],
            "of_studies": len(self.studies),
            "reconstructed": self.reconstructed,
            "pooled": None if self.pooled is None else locked(self.pooled),
        }

    def _rows(self) -> dict[str, Any]:
        """Return the ratios of the rows compared, with their intervals."""
        ends = [_ratios(interval(row.yi, row.vi, self.level)) for row in self.rows]
        return {
            "labels": [row.label for row in self.rows],
            "on_scale": {
                "estimate": [math.exp(row.yi) for row in self.rows],
                "ci_low": [low for low, _ in ends],
                "ci_high": [high for _, high in ends],
            },
        }


def contrasts(context: cb.Context) -> Contrasts:
    r"""Compare chronic with episodic headache within each study that has both.

    The difference :math:`y_c - y_e` of two log ratios against one reference group has the
    variance :math:`v_c + v_e - 2 \mathrm{cov}`. Where a study prints several estimates of one
    frequency, every pair is taken.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Contrasts
        Without a study that has both, without contrasts.

    Raises
    ------
    DataError, ModelError
        As `read_rows`.
    """
    measure = context.settings.measure
    rows = read_rows(context)
    found = [
        _contrast(chronic, episodic, measure.id)
        for study in dict.fromkeys(row.study for row in rows)
        for chronic in rows
        for episodic in rows
        if (chronic.study, chronic.headache) == (study, CHRONIC)
        and (episodic.study, episodic.headache) == (study, EPISODIC)
    ]
    order = list(dict.fromkeys(contrast.chronic.study for contrast in found))
    found.sort(key=lambda entry: (order.index(entry.chronic.study), entry.difference))
    options = [
        [option for contrast in own for option in contrast.options()] for own in _by_study(found)
    ]
    pooled = None
    if len(options) > 1:
        name = f"ratio of {measure.label}s"
        pooled = pool_all(combinations(options), context=context, measure=name)
    return Contrasts(tuple(found), pooled, measure.label, context.settings.level)


def contrast_spread(contrasts: Sequence[Contrast], level: float) -> Spread:
    """Return the spread of contrasts, as ratios, over everything that is open about them."""
    rows = [
        (math.exp(entry.difference), _ratios(ends))
        for entry in contrasts
        for ends in entry.intervals(level)
    ]
    return spread([ratio for ratio, _ in rows], [ends for _, ends in rows])


def _ratios(ends: Pair) -> Pair:
    return math.exp(ends[0]), math.exp(ends[1])


def _contrast(chronic: Row, episodic: Row, measure: str) -> Contrast:
    found = covariances((chronic, episodic), measure)
    matrices = found.matrices
    variances = matrices[:, 0, 0] + matrices[:, 1, 1] - 2 * matrices[:, 0, 1]
    return Contrast(chronic, episodic, tuple(variances.tolist()), found.words, found.reconstructed)


def _by_study(contrasts: Sequence[Contrast]) -> tuple[tuple[Contrast, ...], ...]:
    studies = dict.fromkeys(contrast.chronic.study for contrast in contrasts)
    return tuple(
        tuple(contrast for contrast in contrasts if contrast.chronic.study == study)
        for study in studies
    )
