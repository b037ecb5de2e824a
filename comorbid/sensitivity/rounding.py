"""Rounding: how far a pool may be off because published numbers are rounded."""

from __future__ import annotations

import numpy as np

from comorbid.checks import check_whole
from comorbid.effects.arrays import Array, Index
from comorbid.effects.measures import null_of
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.fit import Fit
from comorbid.models.fitted import Pair
from comorbid.models.kernel import Batch, fit_batch
from comorbid.models.pooled import check_fit
from comorbid.sensitivity.mean_bounds import mean_bounds
from comorbid.sensitivity.printed_values import PrintedValues, printed_values
from comorbid.sensitivity.rounding_result import QUANTITIES, OfStudy, Range, Rounding

_MIDDLE = (0.025, 0.975)
# Studies times data sets that are made at most.
_CELLS = 20_000_000
_REMEDY = (
    "counts are exact, and numbers given as yi and vi have no printed digits; make the effects "
    "with effects() from a table with estimates and intervals that read_studies() has read"
)


def rounding(fit: Fit, *, n: int = 10_000, seed: int = 1) -> Rounding:
    r"""Propagate the rounding of printed numbers through the pool.

    A printed 2.9 (2.8-2.9) stands for every value that prints so: 2.9 for 2.85 to 2.95. The
    numbers of each study are drawn uniformly within their digits, given that the estimate lies in
    its interval, and each draw of all studies is pooled as the fit was. What such draws give is the
    range that rounding alone leaves open, with nothing of the sampling error. Effects from counts
    or other exact input stay as they are.

    Where weights do not depend on the effects, which is so for a common effect (``EE``), a fixed
    tau2 and weights of the analyst, exact bounds of the estimate

    .. math:: \frac{\sum w_i y_i}{\sum w_i}, \qquad y_i \in [y_i^-, y_i^+], \quad
       w_i \in \left[\frac1{s_i^{+2} + \tau^2}, \frac1{s_i^{-2} + \tau^2}\right]

    are given too, s the standard errors: nothing that prints so can give more or less. They ignore
    that an estimate near an end of its interval leaves that end less room, and so may be wider than
    what can occur.

    Which study's digits matter most is the variance of the pooled estimate where those of one study
    alone are drawn and the others stay as printed, over the sum of these.

    Parameters
    ----------
    fit : Fit
        Of effects that `effects` made from a table with printed estimates.
    n : int
        Draws of all studies; those of single studies are another n, shared out evenly.
    seed : int
        Of the random draw; the same seed gives the same result.

    Returns
    -------
    Rounding
        With a note on what comes with a p-value, which is taken as exact.

    Raises
    ------
    DataError
        If no effect comes from printed numbers, as those given as ``yi`` and ``vi`` or made from
        counts, or ``fit`` is not what `pool` returns.
    ModelError
        If n or seed is no whole number within its limits, or n too large for so many studies.

    References
    ----------
    JCGM 101:2008. Evaluation of measurement data: propagation of distributions using a Monte Carlo
    method. doi:10.59161/JCGM101-2008

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.effects(cb.datasets.headache_back_pain()), method="EE", test="z")
    >>> found = cb.rounding(fit, n=1000)
    >>> found.bounds_of, np.exp(found.bounds).round(3).tolist()
    ('common effect', [2.085, 2.95])
    >>> [of.label for of in found.studies if of.percent > 50]
    ['Ghandour 2004']
    """
    check_fit(fit)
    check_whole("n", n, least=100)
    check_whole("seed", seed, least=0)
    rows = np.flatnonzero([digits is not None for digits in fit.effects.digits])
    if not rows.size:
        raise DataError([Problem("no effect comes from printed numbers", _REMEDY)])
    if 2 * n * fit.k > _CELLS:
        raise ModelError(f"n is {n} for {fit.k} studies; give at most {_CELLS // (2 * fit.k)}")
    digits = [own for own in fit.effects.digits if own is not None]
    values = printed_values(digits, fit.effects.yi[rows], fit.effects.vi[rows], fit.effects.scale)
    batch, each = _refits(fit, values, rows, n, seed)
    bounds, bounds_of = _bounds(fit, values, rows)
    null = null_of(fit.effects.measure)
    side = np.sign(np.maximum(0, batch.ci_low - null)) - np.sign(
        np.maximum(0, null - batch.ci_high)
    )
    own = np.sign(max(0, fit.ci[0] - null)) - np.sign(max(0, null - fit.ci[1]))
    return Rounding(
        ranges={name: _range(_of_fit(fit, name), getattr(batch, name)) for name in QUANTITIES},
        bounds=bounds,
        bounds_of=bounds_of,
        studies=_of_studies(fit, rows, each),
        conclusion="" if np.isnan(null) else "excludes" if own else "includes",
        changed=0 if np.isnan(null) else int((side != own).sum()),
        null=null,
        n=n,
        seed=seed,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=(*_notes(fit, values, rows), *fit.warnings),
    )


def _refits(
    fit: Fit, values: PrintedValues, rows: Index, n: int, seed: int
) -> tuple[Batch, list[Array]]:
    """Return n refits with all digits drawn, and estimates with those of each study alone."""
    rng = np.random.default_rng(seed)
    drawn = values.draw(rng, n)
    each = n // rows.size
    data = (fit.effects.yi, fit.effects.vi)
    own = [np.repeat(part[:, None], n + each * rows.size, axis=1) for part in data]
    for part, numbers in zip(own, drawn, strict=True):
        part[rows, :n] = numbers
        for i, row in enumerate(rows):
            part[row, n + i * each : n + (i + 1) * each] = numbers[i, :each]
    found = fit_batch(
        own[0],
        own[1],
        estimator=fit.estimator,
        test=fit.test,
        level=fit.level,
        weights=fit.arrays[2],
    )
    together = Batch(**{name: column[:n] for name, column in found.columns().items()})
    return together, np.split(found.estimate[n:], rows.size)


def _bounds(fit: Fit, values: PrintedValues, rows: Index) -> tuple[Pair, str]:
    """Return the exact bounds of the estimate, and why there are any."""
    effects = fit.effects.yi.copy(), fit.effects.yi.copy()
    errors = np.sqrt(fit.effects.vi), np.sqrt(fit.effects.vi)
    for whole, part in zip(
        (*effects, *errors), (*values.ends()[0], *values.ends()[1]), strict=True
    ):
        whole[rows] = part
    if fit.user_weights is not None:
        return mean_bounds(effects, (fit.user_weights, fit.user_weights)), "weights of the analyst"
    tau2 = 0.0 if fit.method == "EE" else fit.estimator.fixed
    if tau2 is None:
        return (float("nan"), float("nan")), ""
    with np.errstate(divide="ignore"):
        weights = 1 / (errors[1] ** 2 + tau2), 1 / (errors[0] ** 2 + tau2)
    return mean_bounds(effects, weights), "common effect" if fit.method == "EE" else "fixed tau2"


def _range(value: float, drawn: Array) -> Range:
    """Return how a quantity varies over the draws."""
    known = drawn[np.isfinite(drawn)]
    if not known.size:
        return Range(value, *[float("nan")] * 4)
    low, high = np.quantile(known, _MIDDLE).tolist()
    return Range(value, low, high, float(known.min()), float(known.max()))


def _of_fit(fit: Fit, name: str) -> float:
    """Return a quantity of the fit by the name that refit tables give it."""
    quantity, _, end = name.partition("_")
    if quantity in ("ci", "pi"):
        pair: Pair = getattr(fit, quantity)
        return pair[end == "high"]
    return float(getattr(fit, name))


def _of_studies(fit: Fit, rows: Index, each: list[Array]) -> tuple[OfStudy, ...]:
    """Return what the digits of each study alone do to the estimate."""
    variances = np.array([estimates.var() for estimates in each])
    with np.errstate(invalid="ignore"):
        percent = (100 * variances / variances.sum()).tolist()
    middle = np.quantile(each, _MIDDLE, axis=1).T.tolist()
    return tuple(
        OfStudy(fit.effects.labels[row], str(fit.effects.digits[row]), low, high, share)
        for row, (low, high), share in zip(rows, middle, percent, strict=True)
    )


def _notes(fit: Fit, values: PrintedValues, rows: Index) -> list[str]:
    """Say of which printed numbers something is taken for granted."""
    labels = np.array(fit.effects.labels)[rows]
    from_p = np.isnan(values.low[0]) & np.isnan(values.se[0])
    return [f"{label}: its p-value is taken as exact" for label in labels[from_p]]
