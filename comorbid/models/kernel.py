"""The kernel: fits a batch of data sets at once. Every fit and every refit goes through it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.blocks import in_blocks
from comorbid.models.compiled import Counted, Engine, check_engine, compiles, solve_columns
from comorbid.models.design import DesignProjection
from comorbid.models.estimators import Estimator
from comorbid.models.fits import Batch as Batch, DesignFits as DesignFits
from comorbid.models.inference import infer
from comorbid.models.intercept import Intercept
from comorbid.models.long import LONG, Long
from comorbid.models.projection import Projection
from comorbid.models.single import FEW, TINY as TINY, fit_single, takes
from comorbid.models.solved import solve_block
from comorbid.models.spare import Spare
from comorbid.models.student import Test as Test, t_quantile as t_quantile, t_tail as t_tail

# Numbers held at a time, with a design p of them a study: few enough for the processor's cache, and
# enough that two threads seldom wait for each other.
_CELLS, _DESIGN_CELLS = 2**18, 2**15


def fit_batch(
    yi: Array,
    vi: Array,
    *,
    estimator: Estimator,
    test: Test,
    level: float,
    weights: Array | None = None,
    engine: Engine = "numpy",
) -> Batch:
    r"""Fit the random- or equal-effects model to n data sets.

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i}, \quad
       \mathrm{se} = \sqrt{s^2 / \textstyle\sum w_i}, \quad w_i = \frac1{v_i + \hat\tau^2}

    with :math:`s^2 = 1` for the tests z and t,
    :math:`s^2 = \sum w_i (y_i - \hat\mu)^2 / (k - 1)` for knha, and the larger of the two for
    adhoc. The prediction interval is
    :math:`\hat\mu \pm c \sqrt{\mathrm{se}^2 + \hat\tau^2}` with the same quantile c.
    With weights a of the analyst

    .. math:: \hat\mu = \frac{\sum a_i y_i}{\sum a_i}, \quad
       \mathrm{se} = \frac{s \sqrt{\sum a_i^2 (v_i + \hat\tau^2)}}{\sum a_i}

    where :math:`s^2` stays that of the weights w.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    estimator : Estimator
        Of tau2.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal, or t with k - 1 degrees of freedom.
    level : float
        Of the intervals, a proportion.
    weights : array of shape (k, n) or (k, 1), optional
        The analyst's weights, not negative.
    engine : {"numpy", "compiled"}
        ``compiled`` needs numba, and agrees to rounding. What it does not know is left to NumPy:
        other methods than EE, DL, ML, REML, EB and PM, the analyst's weights, and arrays of more
        than 4,096 rows.

    Returns
    -------
    Batch
        With no study all is nan; with one there is no tau2, test of heterogeneity or prediction,
        and the interval is the study's own (z). nan where the weights sum to 0, or leave a method
        that needs them nothing to estimate tau2 from.

    Raises
    ------
    ModelError
        If the estimator gives a negative tau2, or needs weights and there are none, or numba is
        not installed.

    References
    ----------
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). BMJ Open 6:e010247.
    doi:10.1136/bmjopen-2015-010247
    """
    check_engine(engine)
    k, n = yi.shape
    compiled = engine == "compiled" and k <= LONG and weights is None and compiles(estimator)
    if n == 1 and k <= FEW and weights is None and not compiled and takes(estimator):
        alone = fit_single(yi, vi, estimator=estimator, test=test, level=level)
        if alone is not None:
            return alone

    def block(at: slice, spare: Spare) -> Batch:
        if compiled:
            found = _fit_compiled(yi[:, at], vi[:, at], estimator, test, level)
        else:
            own = _columns(weights, at)
            found = _fit_block(yi[:, at], vi[:, at], None, own, estimator, test, level, spare)
        return as_batch(found, equal=estimator.id == "EE", level=level)

    return in_blocks(n, 1 if k > LONG else max(1, _CELLS // max(1, k)), block)


def as_batch(found: DesignFits, *, equal: bool, level: float) -> Batch:
    """Return the fits of means alone as the columns of refit tables, with prediction intervals."""
    estimate, se = found.coefficients[0], found.se[0]
    between = np.nan if equal else found.tau2
    spread = t_quantile(found.df, (1 + level) / 2) * np.sqrt(se**2 + between)
    return Batch(
        estimate=estimate,
        se=se,
        statistic=found.statistic[0],
        p_value=found.p_value[0],
        ci_low=found.ci_low[0],
        ci_high=found.ci_high[0],
        pi_low=estimate - spread,
        pi_high=estimate + spread,
        tau2=found.tau2,
        i2=found.i2,
        h2=found.h2,
        q=found.qe,
        q_p=found.qe_p,
        k=found.k.astype(np.intp),
    )


def fit_designs(
    yi: Array,
    vi: Array,
    x: Array | None,
    *,
    estimator: Estimator,
    test: Test,
    level: float,
    weights: Array | None = None,
    engine: Engine = "numpy",
) -> DesignFits:
    r"""Fit the mixed-effects meta-regression to n data sets.

    .. math:: y_i = x_i'\beta + u_i + e_i, \qquad
       \hat\beta = (X'WX)^{-1}X'Wy, \quad \mathrm{cov}\,\hat\beta = s^2 (X'WX)^{-1}, \quad
       w_i = \frac1{v_i + \hat\tau^2}

    with :math:`s^2 = 1` for the tests z and t,
    :math:`s^2 = \sum w_i (y_i - x_i'\hat\beta)^2 / (k - p)` for knha, and the larger of the two
    for adhoc. With weights of the analyst on the diagonal of A, and :math:`v_i + \hat\tau^2` on
    that of M,

    .. math:: \hat\beta = (X'AX)^{-1}X'Ay, \qquad
       \mathrm{cov}\,\hat\beta = s^2 (X'AX)^{-1} X'AMAX (X'AX)^{-1}

    where :math:`s^2` stays that of the weights w.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    x : array of shape (k, p) or (k, p, n), or None
        The design, with its column of ones if it has an intercept; shared or one a data set. None
        for a mean alone, which is computed in closed form.
    estimator : Estimator
        Of tau2; one that knows moderators if there is a design.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal, or t with k - p degrees of freedom.
    level : float
        Of the intervals, a proportion.
    weights : array of shape (k, n) or (k, 1), optional
        The analyst's weights, not negative.
    engine : {"numpy", "compiled"}
        As in `fit_batch`, of means alone.

    Returns
    -------
    DesignFits
        All is nan where the studies, or their weights, cannot tell the coefficients apart. With as
        many studies as coefficients there is no tau2 and the tests are z.

    Raises
    ------
    ModelError
        If the estimator knows no moderators, or needs weights and there are none, or numba is not
        installed.

    References
    ----------
    Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). Statistics in Medicine 14:395-411.
    doi:10.1002/sim.4780140406
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482

    Examples
    --------
    Two data sets with the same design, the second without the last study:

    >>> from comorbid.models.settings import find_estimator
    >>> x = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    >>> yi = np.array([[0.1, 0.1], [0.4, 0.4], [0.3, 0.3], [0.9, 0.9]])
    >>> vi = np.array([[0.02, 0.02], [0.03, 0.03], [0.02, 0.02], [0.04, np.inf]])
    >>> fits = fit_designs(yi, vi, x, estimator=find_estimator("DL"), test="z", level=0.95)
    >>> fits.coefficients[1].round(3).tolist(), fits.k.tolist()
    ([0.214, 0.1], [4.0, 3.0])
    """
    if x is not None and estimator.moderated is None:
        raise ModelError(f"the estimator {estimator.id} of tau2 knows no moderators")
    check_engine(engine)
    k, n = yi.shape
    alone = x is None and weights is None and k <= LONG
    compiled = engine == "compiled" and alone and compiles(estimator)
    if x is None:
        size = 1 if k > LONG else max(1, _CELLS // max(1, k))
    else:
        size = max(1, _DESIGN_CELLS // max(1, k * x.shape[1]))

    def block(at: slice, spare: Spare) -> DesignFits:
        if compiled:
            return _fit_compiled(yi[:, at], vi[:, at], estimator, test, level)
        design = x[..., at] if x is not None and x.ndim == 3 else x
        own = _columns(weights, at)
        return _fit_block(yi[:, at], vi[:, at], design, own, estimator, test, level, spare)

    return in_blocks(n, size, block)


def _columns(weights: Array | None, at: slice) -> Array | None:
    """Return the weights of some data sets; a single column is that of all."""
    return weights if weights is None or weights.shape[1] == 1 else weights[:, at]


def _fit_block(
    yi: Array,
    vi: Array,
    x: Array | None,
    weights: Array | None,
    estimator: Estimator,
    test: Test,
    level: float,
    spare: Spare,
) -> DesignFits:
    # Numbers that overflow become nan or inf, which estimators and results show.
    with np.errstate(all="ignore"):
        data = _prepared(yi, vi, x, weights, spare)
        unit = _unit(data, estimator)
        if unit is not None:
            yi, vi = yi / unit, vi / unit / unit
            data = _prepared(yi, vi, x, weights, spare)
        solved = solve_block(data, yi, vi, estimator)
        found = infer(data, solved, equal=estimator.id == "EE", test=test, level=level)
    return found if unit is None else _scaled(found, unit)


def _fit_compiled(
    yi: Array, vi: Array, estimator: Estimator, test: Test, level: float
) -> DesignFits:
    with np.errstate(all="ignore"):
        data = Counted(np.isfinite(vi).sum(axis=0, dtype=np.float64), vi)
        unit = _unit(data, estimator)
        if unit is not None:
            yi, vi = yi / unit, vi / unit / unit
        solved = solve_columns(yi, vi, estimator)
        found = infer(data, solved, equal=estimator.id == "EE", test=test, level=level)
    return found if unit is None else _scaled(found, unit)


def _prepared(
    yi: Array, vi: Array, x: Array | None, weights: Array | None, spare: Spare
) -> Projection:
    """Return a block of data sets as the estimators of tau2 take them."""
    if x is not None:
        return DesignProjection(yi, vi, x, weights)
    if len(vi) > LONG and weights is None:
        member = np.isfinite(vi[:, 0])
        if np.count_nonzero(member) > LONG:
            own = slice(None) if member.all() else member
            return Long(yi[own, 0], vi[own, 0])
    return Intercept(yi, vi, weights, spare)


def _unit(data: Projection | Counted, estimator: Estimator) -> Array | None:
    """Return the units that data sets are fitted in, powers of 2; None if all are as they are.

    In units between the smallest and the largest standard error no power of a weight overflows;
    powers of 2 round nothing.
    """
    ordinary = (data.lowest > TINY) & (data.lowest < 1 / TINY) | (data.k == 0)
    if ordinary.all() or estimator.moderated is None or estimator.fixed is not None:
        return None
    middle = np.sqrt(np.sqrt(data.lowest) * np.sqrt(data.highest))
    return np.where(ordinary, 1.0, np.ldexp(1.0, np.frexp(middle)[1]))


def _scaled(found: DesignFits, unit: Array) -> DesignFits:
    """Return fits of effects in multiples of ``unit`` in the effects' own units."""
    names = ("coefficients", "se", "ci_low", "ci_high", "root")
    scaled = {name: getattr(found, name) * unit for name in names}
    return replace(found, tau2=found.tau2 * unit * unit, **scaled)
