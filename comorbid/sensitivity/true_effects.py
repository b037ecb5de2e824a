"""True effects: what share of them lies beyond a threshold, and what bias would lower it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index
from comorbid.models.fit import Fit
from comorbid.models.kernel import Batch, fit_batch
from comorbid.models.risk_ratios import RiskRatio, confounding_strength
from comorbid.sensitivity.confounding_result import Estimated
from comorbid.sensitivity.intervals import distribution
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.refitting import blank, refit_in_blocks

_MIDDLE = (0.15, 0.85)
_ROUNDING = 1e-9
_BOUNDS = {"share": (0.0, 1.0), "bias factor": (1.0, math.inf)}
# Numbers held at a time.
_CELLS = 2**21


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, on the log risk ratio scale, turned so that the effects that count are above.

    ``q`` is the threshold, ``shift`` what bias has added to the effects and ``sd`` its standard
    deviation, ``r`` the share to be reached or nan, ``level`` that of the intervals.
    """

    q: float
    shift: float
    sd: float
    r: float
    level: float


@dataclass(frozen=True, slots=True)
class NormalEffects:
    """A normal distribution of true effects, with the variances of its two parameters."""

    mean: float
    mean_variance: float
    tau2: float
    tau2_variance: float


class Answer(NamedTuple):
    """Share beyond the threshold, bias factor and strength to lower it, and notes."""

    prop: Estimated
    tmin: Estimated
    gmin: Estimated
    notes: tuple[str, ...]


def parametric(effects: NormalEffects, asked: Question) -> Answer:
    """Return share, bias factor, strength and notes where true effects are normal."""
    z = float(special.ndtri((1 + asked.level) / 2))
    tau2 = effects.tau2 - asked.sd**2
    distance = asked.q + asked.shift - effects.mean
    prop = float(special.ndtr(-distance / math.sqrt(tau2)))
    density = math.exp(-(distance**2) / tau2 / 2) / math.sqrt(2 * math.pi)
    se = density * math.sqrt(
        effects.mean_variance / tau2 + effects.tau2_variance * distance**2 / (4 * tau2**3)
    )
    share = Estimated(prop, se, _cut(prop, z * se, 0.0, 1.0))
    notes = []
    if not _MIDDLE[0] <= prop <= _MIDDLE[1]:
        notes.append(
            "the interval of a share below 0.15 or above 0.85 cannot be relied on; use 'calibrated'"
        )
    if math.isnan(se):
        notes.append("no intervals: the estimator of tau2 has no standard error")
    return Answer(share, *_bias_needed(effects, asked, z), tuple(notes))


def _bias_needed(effects: NormalEffects, asked: Question, z: float) -> tuple[Estimated, Estimated]:
    quantile = float(special.ndtri(1 - asked.r))
    with np.errstate(over="ignore"):
        t = float(np.exp(quantile * math.sqrt(effects.tau2) - asked.q + effects.mean))
    se = t * math.sqrt(
        effects.mean_variance + effects.tau2_variance * quantile**2 / (4 * effects.tau2)
    )
    ends = _cut(t, z * se, 1.0, math.inf)
    if not t > 1:
        # The strength has no derivative where no bias is needed.
        strengths = (confounding_strength(ends[0]), confounding_strength(ends[1]))
        return Estimated(max(t, 1.0), se, ends), Estimated(max(t, 1.0), math.nan, strengths)
    g = confounding_strength(t)
    g_se = se * (1 + (2 * t - 1) / (2 * math.sqrt(t * (t - 1))))
    return Estimated(t, se, ends), Estimated(g, g_se, _cut(g, z * g_se, 1.0, math.inf))


def _cut(value: float, half: float, least: float, most: float) -> tuple[float, float]:
    low, high = np.clip([value - half, value + half], least, most).tolist()
    return low, high


def calibrated(
    fit: Fit, reading: RiskRatio, asked: Question, *, sign: float, n: int, seed: int
) -> Answer:
    """Return share, bias factor, strength and notes from calibrated estimates of true effects."""
    yi, vi, k = fit.effects.yi, fit.effects.vi, fit.k

    def effects(y: Array, v: Array, mean: Array, tau2: Array) -> Array:
        """Return the calibrated estimates as the question has them."""
        return np.asarray(sign * reading.log_ratio(mean + np.sqrt(tau2 / (tau2 + v)) * (y - mean)))

    picked = np.random.default_rng(seed).integers(0, k, size=(n, k)).T
    drawn, failures = _refits(fit, picked)
    without = leave_one_out(fit).batch

    def of_samples(part: slice) -> Array:
        rows = picked[:, part]
        return effects(yi[rows], vi[rows], drawn.estimate[part], drawn.tau2[part])

    def of_others(part: slice) -> Array:
        found = effects(yi[:, None], vi[:, None], without.estimate[part], without.tau2[part])
        # The study left out is never above the threshold.
        found[np.arange(k)[part], np.arange(found.shape[1])] = -np.inf
        return found

    own = effects(yi[:, None], vi[:, None], np.array([fit.estimate]), np.array([fit.tau2]))
    value = _asked_of(own, asked, k)[:, 0]
    many = _in_blocks(lambda part: _asked_of(of_samples(part), asked, k), k, n)
    others = _in_blocks(lambda part: _asked_of(of_others(part), asked, k - 1), k, k)
    notes = [f"{failures:,} of {n:,} refits failed and are left out"] if failures else []
    answers = []
    for i, (name, bounds) in enumerate(_BOUNDS.items()):
        answer, note = _interval(float(value[i]), many[i], others[i], bounds, asked.level)
        answers.append(answer)
        notes += [f"{name}: {note}"] if note else []
    share, factor = answers
    low, high = (confounding_strength(end) for end in factor.ci)
    strength = Estimated(confounding_strength(factor.estimate), math.nan, (low, high))
    return Answer(share, factor, strength, tuple(notes))


def _interval(
    value: float, many: Array, without: Array, bounds: tuple[float, float], level: float
) -> tuple[Estimated, str]:
    """Return a value with its interval from the data sets drawn, or why it has none."""
    if math.isnan(value):
        return Estimated(), ""
    if (many == value).all():
        return Estimated(value), "no interval, for it is the same in all data sets drawn"
    spread, note = distribution(
        value, many, interval="bca", level=level, bounds=bounds, without=without
    )
    return Estimated(value, spread.se, spread.ci), note


def _in_blocks(statistic: Callable[[slice], Array], k: int, n: int) -> Array:
    """Return a statistic of shape (m, n) of n data sets of k studies, part by part."""
    size = max(1, _CELLS // k)
    parts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    return np.concatenate([statistic(part) for part in parts], axis=1)


def _refits(fit: Fit, picked: Index) -> tuple[Batch, int]:
    """Refit the studies picked, of shape (k, n)."""
    yi, vi = fit.effects.yi, fit.effects.vi

    def refit(data: tuple[Array, Array], rows: slice) -> Batch:
        return fit_batch(
            data[0][:, rows],
            data[1][:, rows],
            estimator=fit.estimator,
            test=fit.test,
            level=fit.level,
        )

    k = np.full(picked.shape[1], fit.k, dtype=np.intp)
    columns = blank(k)
    failures = refit_in_blocks(
        lambda block: (yi[picked[:, block]], vi[picked[:, block]]),
        refit,
        k=k,
        studies=fit.k,
        kept=columns,
    )
    return Batch(**columns), len(failures)


def _asked_of(effects: Array, asked: Question, k: int) -> Array:
    """Return the share and the factor of effects of shape (studies, n), as an array (2, n)."""
    share = (effects - asked.shift > asked.q).sum(axis=0) / k
    factor = np.full(share.shape, np.nan)
    if not math.isnan(asked.r):
        # The first effect that must come down to the threshold, if so many may stay above it.
        next_one = -np.sort(-effects, axis=0)[math.floor(asked.r * k + _ROUNDING)]
        with np.errstate(over="ignore"):
            factor = np.exp(np.maximum(next_one - asked.q, 0.0))
    return np.where(np.isnan(effects).any(axis=0), np.nan, np.array([share, factor]))
