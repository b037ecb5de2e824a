"""Penalised logistic: a common odds ratio that stays finite when events are rare."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import optimize, special

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.measures import find_measure
from comorbid.effects.zeros import Drop00
from comorbid.errors import DataError, ModelError
from comorbid.models.counts import read_counts
from comorbid.models.cumulants import log_choose
from comorbid.models.inferred import absent, check_test, check_whole_counts, inference, own_effects
from comorbid.models.jets import Jet, parameters
from comorbid.models.one_step import OneStep
from comorbid.models.student import t_quantile, t_tail

if TYPE_CHECKING:
    from comorbid.models.counts import Tables

_STEPS, _HALVINGS, _LITTLE, _NOTHING = 200, 40, 1e-9, 1e-20
# A step that gains less than this may seem to gain nothing, from the rounding of large counts.
_LOST = 1e-5


def penalised_logistic(
    tables: Tables,
    *,
    interval: Literal["wald", "profile"] = "wald",
    drop00: Drop00 = "no",
    test: Literal["z", "t"] = "z",
    level: float = 0.95,
) -> OneStep:
    r"""Pool 2x2 tables by logistic regression with Firth's penalty, under equal effects.

    With study effects :math:`\mu_i`, :math:`\mathrm{logit}\,\pi_{ig} = \mu_i + \beta x_g`,
    :math:`x = 1, 0`, and weights :math:`w_{ig} = n_{ig} \pi_{ig} (1 - \pi_{ig})`, it maximises

    .. math:: \ell^* = \ell(\mu, \beta) + \tfrac12 \log |I(\mu, \beta)|, \quad
       |I| = \prod_i (w_{i1} + w_{i2})\, \sum_i \frac{w_{i1} w_{i2}}{w_{i1} + w_{i2}}

    The penalty takes away the first-order bias of the estimate and keeps it finite where one
    group has no events at all. Of a single table the result is the odds ratio with 1/2 added to
    each cell. Tables without events stay: the penalty gives them a little weight, so that the
    sizes of their groups move the estimate slightly; where all are without, a note says that the
    estimate is the penalty's alone.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row, as in `mantel_haenszel`.
    interval : {"wald", "profile"}
        From the standard error, as R's meta does for its method LRP; or by the profile of the
        penalised likelihood, which Heinze and Schemper advise, with its likelihood-ratio test.
    drop00 : {"no", "yes"}
        ``yes``, as meta's default: tables without events, or with nothing else, in both groups
        are left out.
    test : {"z", "t"}
        Standard normal, or t with k - 1 degrees of freedom, also for the root of the likelihood
        ratio.
    level : float
        Of the interval, a proportion between 0 and 1.

    Returns
    -------
    OneStep
        ``log_likelihood`` is the penalised one, and the standard error that of the information
        without the penalty.

    Raises
    ------
    DataError
        If counts are missing everywhere, negative, infinite or no whole numbers.
    ModelError
        If a setting is none of those allowed, or the penalised likelihood has no maximum.

    References
    ----------
    Firth D (1993). Biometrika 80:27-38. doi:10.1093/biomet/80.1.27
    Heinze G, Schemper M (2002). Statistics in Medicine 21:2409-2419. doi:10.1002/sim.1047

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.penalised_logistic({"ai": [0], "n1i": [50], "ci": [3], "n2i": [52]})
    >>> round(fit.on_scale().estimate, 4), round((0.5 / 50.5) / (3.5 / 49.5), 4)
    (0.14, 0.14)
    """
    check_choice("interval", interval, ("wald", "profile"))
    check_choice("drop00", drop00, ("no", "yes"))
    check_test(test, level)
    counts = read_counts(tables, find_measure("OR"))
    check_whole_counts(counts)
    a, b, c, d = counts.values
    empty = (a + c == 0) | (b + d == 0)
    used = ((a + b > 0) & (c + d > 0)) & ~(empty & (drop00 == "yes"))
    if not used.any():
        raise DataError(
            "no table has people in both groups, and events and others: nothing to pool"
        )
    data = _Tables(*(cells[used] for cells in counts.values))
    k = int(used.sum())
    found = _fit(data, None)
    se = 1 / math.sqrt(found.information)
    effects = own_effects(counts)
    inferred = inference(found.effect, se, math.nan, k, test, level)
    if interval == "profile":
        inferred |= _profiled(data, found, inferred["df"], level)
    return OneStep(
        effects=effects,
        model="LRP",
        method="EE",
        test=test,
        level=level,
        **inferred,
        **absent(
            "se_tau2", "sigma2", "rho", "i2", "h2", "qe_wld", "qe_wld_p", "qe_lrt", "qe_lrt_p"
        ),
        tau2=0.0,
        qe_df=k - 1,
        log_likelihood=found.height,
        parameters=k + 1,
        observations=2 * k,
        k=k,
        k_yi=int(np.isfinite(effects.vi).sum()),
        informative=used,
        nodes=0,
        starts=1,
        agreed=1,
        gradient=found.gain,
        warnings=(*counts.warnings, *_notes(counts.labels, used, empty)),
    )


def _notes(labels: tuple[str, ...], used: Mask, empty: Mask) -> list[str]:
    notes = ["equal-effects model: no prediction interval, as it assumes one true effect"]
    if not used.all():
        notes.append(f"left out, a group is empty or drop00 says so: {_listed(labels, ~used)}")
    if empty[used].all():
        notes.append(
            "no table has both events and others: the estimate and its interval are of the "
            "penalty alone, and say nothing of the association"
        )
    elif (empty & used).any():
        notes.append(
            "no events, or nothing else, in both groups: kept, as the penalty gives them a little "
            f"weight: {_listed(labels, empty & used)}"
        )
    return notes


def _listed(labels: tuple[str, ...], chosen: Mask) -> str:
    return ", ".join(label for label, is_so in zip(labels, chosen, strict=True) if is_so)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Study effects and log odds ratio, the penalised log-likelihood, and a step's gain."""

    studies: Array
    effect: float
    height: float
    information: float
    gain: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """The cells of k tables."""

    a: Array
    b: Array
    c: Array
    d: Array

    def parts(self, studies: Array, effect: float) -> tuple[Jet, Jet, Array, Array]:
        """Return what each table adds to the sums, with derivatives by its own effect and beta.

        The penalised log-likelihood is the sum of the first and half the log of the sum of the
        second, which is the information on beta; the last two are the weights of group 1 and of
        both.
        """
        m, beta = parameters(np.vstack([studies, np.full_like(studies, effect)]))
        one, two = _group(m + beta, self.a, self.b), _group(m, self.c, self.d)
        total = one[1] + two[1]
        own = one[0] + two[0] + total.log() * 0.5
        information = one[1] * two[1] * total.power(-1.0)
        return own.only(), information.only(), one[1].value[0], total.value[0]

    def at(self, studies: Array, effect: float) -> _Point:
        """Return a point with its penalised log-likelihood."""
        own, information, *_ = self.parts(studies, effect)
        total = float(information.value.sum())
        return _Point(studies, effect, float(own.value.sum()) + math.log(total) / 2, total)


def _group(eta: Jet, events: Array, others: Array) -> tuple[Jet, Jet]:
    """Return a group's log-likelihoods and weights n p (1 - p)."""
    n = events + others
    p, q = special.expit(eta.value), special.expit(-eta.value)
    w = n * p * q
    height = log_choose(n, events) - events * np.logaddexp(0.0, -eta.value)
    height = height - others * np.logaddexp(0.0, eta.value)
    return (
        eta.map((height, events * q - others * p, -w)),
        eta.map((w, w * (q - p), w * (1 - 6 * p * q))),
    )


def _fit(data: _Tables, effect: float | None) -> _Point:
    """Climb to the maximum by Newton steps that go up; with a fixed effect if one is given."""
    events, others = data.a + data.c + 0.5, data.b + data.d + 0.5
    at, little = data.at(np.log(events / others), effect or 0.0), _LITTLE
    for _ in range(_STEPS):
        moves, move, gain = _step(*data.parts(at.studies, at.effect), fixed=effect is not None)
        if gain <= _NOTHING or little >= gain > at.gain / 4:
            return replace(at, gain=gain)
        scale = min(1.0, 3 / max(abs(move), float(np.abs(moves).max())))
        for _ in range(_HALVINGS):
            new = data.at(at.studies + scale * moves, at.effect + scale * move)
            if new.height > at.height or gain <= little:
                at = replace(new, gain=gain)
                break
            scale /= 2
        else:
            if gain > _LOST or little == _LOST:
                break
            at, little = replace(at, gain=math.inf), _LOST
    raise ModelError(
        f"the penalised likelihood has no maximum that was found: a step would gain {gain:g}"
    )


def _step(
    own: Jet, information: Jet, weight: Array, both: Array, *, fixed: bool
) -> tuple[Array, float, float]:
    """Return Newton's steps of study effects and beta, and what they would gain.

    The curvature is an arrow and, from the log of a sum, a matrix of rank one. Where it is not
    that of a maximum, Fisher's information is taken in its place.
    """
    total = information.value.sum()
    slopes = own.first + information.first / (2 * total)
    side = information.first / total
    curvature = -own.second - information.second / (2 * total)
    score, tilt = slopes[1].sum(), side[1].sum()

    def solved(x: Array, y: float) -> tuple[Array, float]:
        last = 0.0 if fixed else (y - (cross / first * x).sum()) / schur
        return (x - cross * last) / first, float(last)

    first, cross = curvature[0, 0], curvature[0, 1]
    first = np.where(first > both / 1000, first, both)
    schur = curvature[1, 1].sum() - (cross**2 / first).sum()
    (moves, move), (turns, turn) = solved(slopes[0], score), solved(side[0], tilt)
    share = (side[0] @ moves + tilt * move) / (2 + side[0] @ turns + tilt * turn)
    moves, move = moves - share * turns, move - share * turn
    gain = float(slopes[0] @ moves + score * move) / 2
    if gain >= 0 and (fixed or schur > 0):
        return moves, float(move), gain
    first, cross, schur = both, weight, total
    moves, move = solved(slopes[0], score)
    return moves, move, float(slopes[0] @ moves + score * move) / 2


def _profiled(data: _Tables, found: _Point, df: float, level: float) -> dict[str, Any]:
    """Return interval and test by the profile of the penalised likelihood."""
    top = found.height
    if not df > 0:
        return {"ci": (math.nan, math.nan), "statistic": math.nan, "p_value": math.nan}
    farthest = float(t_quantile(np.array(df), (1 + level) / 2))

    def root(effect: float) -> float:
        return math.sqrt(max(0.0, 2 * (top - _fit(data, effect).height)))

    ends = []
    for sign in (-1.0, 1.0):
        width = farthest / math.sqrt(found.information)
        while root(found.effect + sign * width) < farthest:
            width *= 2
            if width > 1e3:
                raise ModelError("the profile of the penalised likelihood is flat: use 'wald'")
        inner, outer = found.effect, found.effect + sign * width
        ends.append(float(optimize.brentq(lambda x: root(x) - farthest, inner, outer, xtol=1e-10)))
    statistic = math.copysign(root(0.0), found.effect)
    p = 2 * float(t_tail(np.array(df), np.array(abs(statistic))))
    return {"ci": (ends[0], ends[1]), "statistic": statistic, "p_value": p}
