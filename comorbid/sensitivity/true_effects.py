"""True effects: what share of them lies beyond a threshold, and what bias would lower it."""

from __future__ import annotations

import math
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

    def effects(yi: Array, vi: Array, at: Fit | Batch) -> Array:
        lam = np.sqrt(at.tau2 / (at.tau2 + vi))
        return np.asarray(sign * reading.log_ratio(at.estimate + lam * (yi - at.estimate)))

    yi, vi = fit.effects.yi[:, None], fit.effects.vi[:, None]
    picked = np.random.default_rng(seed).integers(0, fit.k, size=(n, fit.k)).T
    drawn, failures = _refits(fit, picked)
    others = effects(yi, vi, leave_one_out(fit).batch)
    np.fill_diagonal(others, -np.inf)
    found = effects(yi, vi, fit)
    samples = effects(fit.effects.yi[picked], fit.effects.vi[picked], drawn)
    notes = [f"{failures:,} of {n:,} refits failed and are left out"] if failures else []
    answers = []
    for name, statistic, bounds in (
        ("share", _share_beyond, (0.0, 1.0)),
        ("bias factor", _factor_needed, (1.0, math.inf)),
    ):
        value = float(statistic(found, asked, fit.k)[0])
        many = statistic(samples, asked, fit.k)
        if (many == value).all():
            answers.append(Estimated(value))
            notes.append(f"{name}: no interval, for it is the same in all data sets drawn")
            continue
        spread, note = distribution(
            value,
            many,
            interval="bca",
            level=asked.level,
            bounds=bounds,
            without=statistic(others, asked, fit.k - 1),
        )
        answers.append(Estimated(value, spread.se, spread.ci))
        notes += [f"{name}: {note}"] if note and not math.isnan(value) else []
    share, factor = answers
    strength = Estimated(
        confounding_strength(factor.estimate),
        math.nan,
        (confounding_strength(factor.ci[0]), confounding_strength(factor.ci[1])),
    )
    return Answer(share, factor, strength, tuple(notes))


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


def _share_beyond(effects: Array, asked: Question, k: int) -> Array:
    share = (effects - asked.shift > asked.q).sum(axis=0) / k
    return np.where(np.isnan(effects).any(axis=0), np.nan, share)


def _factor_needed(effects: Array, asked: Question, k: int) -> Array:
    """Return the factor that leaves as many effects above the threshold as the share allows."""
    if math.isnan(asked.r):
        return np.full(effects.shape[1], np.nan)
    left = math.floor(asked.r * k + _ROUNDING)
    # The first effect that must come down to the threshold.
    next_one = -np.sort(-effects, axis=0)[left]
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(np.maximum(next_one - asked.q, 0.0)))
