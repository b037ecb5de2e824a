"""S-values: how much publication bias it would take to explain a pooled effect away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from comorbid.bias.s_value_result import Favor, Model, SValue as SValue
from comorbid.checks import check_choice, check_proportion, numbers, shown
from comorbid.effects.arrays import Array, Index, Mask
from comorbid.effects.columns import column_values
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.cluster_robust import robust_means
from comorbid.models.crossings import first_crossings
from comorbid.models.fit import Fit
from comorbid.models.kernel import fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.settings import find_estimator, value_or_null
from comorbid.models.student import t_quantile, t_tail
from comorbid.models.views import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 1e6
_POINTS = 601
# Tipton's (2015) limit.
_FEW_DF = 4


class _Corrected(NamedTuple):
    estimate: Array
    se: Array
    df: Array


def s_value(
    fit: Fit,
    *,
    q: float | None = None,
    selection_ratio: ArrayLike = (),
    favor: Favor | None = None,
    alpha: float = 0.05,
    model: Model = "robust",
    by: str | None = None,
) -> SValue:
    r"""Give the publication bias that would bring the pooled effect, or its interval, to a value.

    Affirmative studies are those with a p-value below ``alpha`` in the favoured direction. If they
    are :math:`\eta` times as likely to be published as the others, the effect without this
    selection is estimated by giving them less weight than the others:

    .. math:: \hat\mu_\eta = \frac{\sum w_i y_i}{\sum w_i}, \qquad
       w_i = \frac{\pi_i}{v_i + \hat\tau^2}, \quad
       \pi_i = 1/\eta \text{ if affirmative, else } 1

    with the fit's own :math:`\hat\tau^2` and a cluster-robust standard error (CR2, with
    Satterthwaite's degrees of freedom) for ``robust``, and for ``fixed``, where all studies share
    one effect, with :math:`\tau^2 = 0` and
    :math:`\mathrm{se}^2 = \sum w_i^2 v_i / (\sum w_i)^2`, t with k - 1 degrees of freedom.

    The S-value is the smallest :math:`\eta \geq 1` at which the estimate, or the end of its
    interval, is no longer beyond ``q``. The worst case, :math:`\eta \to \infty`, is the pool of
    the studies that are not affirmative: if it is still beyond ``q``, no such selection explains
    the effect away. Selection by anything else than this one threshold is not covered.

    Parameters
    ----------
    fit : Fit
        Of all studies found. Its test and any weights play no part.
    q : float, optional
        Value to be reached, analysis scale; by default that of no association, against which the
        studies are tested in any case.
    selection_ratio : array_like of shape (n,), optional
        Ratios to give the corrected estimate for, 1 or more, beside 1 and the worst case.
    favor : {"positive", "negative"}, optional
        Direction of results that are more likely to be published; by default that of the pooled
        effect.
    alpha : float
        Two-sided p-value below which a study counts as significant.
    model : {"robust", "fixed"}
    by : str, optional
        Name of a moderator, or ``study_id``: effects with the same value are dependent. For
        ``robust`` only; by default each effect is by itself.

    Returns
    -------
    SValue
        An S-value is inf where no ratio up to a million suffices, and nan where all studies are
        affirmative or none is, so that such a selection cannot be seen in them.

    Raises
    ------
    ModelError
        If a setting is none of those allowed, or the measure has no value of no association and
        there is no ``q``.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for publication bias in meta-analyses.
    Journal of the Royal Statistical Society C 69:1091-1119. doi:10.1111/rssc.12440

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.5, 0.1, -0.2], vi=[0.04, 0.03, 0.02, 0.03, 0.05])
    >>> found = cb.s_value(cb.pool(effects), model="fixed")
    >>> round(found.estimate, 2), round(found.limit, 2), round(found.worst[0], 3)
    (106.25, 3.08, -0.012)
    """
    check_fit(fit)
    q = value_or_null(fit.effects.measure, q, name="q")
    rows = np.array([1.0, *_checked_ratios(selection_ratio), math.inf])
    _check(favor, alpha, model, by)
    null = null_of(fit.effects.measure)
    centre = q if math.isnan(null) else null
    favored: Favor = favor or ("negative" if fit.estimate < centre else "positive")
    sign = -1.0 if favored == "negative" else 1.0
    z = sign * (fit.effects.yi - centre) / np.sqrt(fit.effects.vi)
    affirmative = np.asarray(z > -special.ndtri(alpha / 2))
    cluster = _clusters(fit, by)
    pool = _pools(fit, affirmative, cluster, model)
    found = pool(rows)
    several = 0 < affirmative.sum() < fit.k
    return SValue(
        estimate=_first(lambda ratio: sign * (pool(ratio).estimate - q) <= 0, several),
        limit=_first(lambda ratio: _near_end(pool(ratio), fit.level, sign) <= sign * q, several),
        q=q,
        selection_ratio=frozen(rows),
        **_columns(found, fit.level, q),
        labels=fit.effects.labels,
        affirmative=frozen(affirmative),
        clusters=int(cluster.max()) + 1,
        favor=favored,
        alpha=alpha,
        model=model,
        tau2=0.0 if model == "fixed" else _tau2(fit),
        scale=fit.effects.scale,
        measure=fit.effects.measure,
        method=fit.method,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=(*fit.effects.warnings, *_notes(affirmative, found.df)),
    )


def _columns(found: _Corrected, level: float, q: float) -> dict[str, Array]:
    """Return the pools as the result keeps them, with test and interval."""
    half = t_quantile(found.df, (1 + level) / 2) * found.se
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(found.estimate - q) / found.se
    columns = {
        "corrected": found.estimate,
        "se": found.se,
        "df": found.df,
        "p_value": 2 * t_tail(found.df, distance),
        "ci_low": found.estimate - half,
        "ci_high": found.estimate + half,
    }
    return {name: frozen(values) for name, values in columns.items()}


def _pools(
    fit: Fit, affirmative: Mask, cluster: Index, model: Model
) -> Callable[[Array], _Corrected]:
    """Return the function from selection ratios (n,) to the corrected pools, of the same shape."""
    yi, vi = fit.effects.yi, fit.effects.vi

    def shares(ratio: Array) -> Array:
        return np.where(affirmative[:, None], 1 / ratio, 1.0)

    def robust(ratio: Array) -> _Corrected:
        weights = shares(ratio) / (vi + _tau2(fit))[:, None]
        return _Corrected(*robust_means(yi, vi, weights, cluster))

    def fixed(ratio: Array) -> _Corrected:
        share = shares(ratio)
        found = fit_batch(
            np.repeat(yi[:, None], ratio.size, axis=1),
            np.where(share > 0, vi[:, None], np.inf),
            estimator=find_estimator("EE"),
            test="t",
            level=fit.level,
            weights=share / vi[:, None],
        )
        return _Corrected(found.estimate, found.se, np.where(found.k > 1, found.k - 1.0, np.inf))

    return fixed if model == "fixed" else robust


def _first(reached: Callable[[Array], Mask], several: bool) -> float:
    """Return the first selection ratio at which something holds."""
    if not several:
        return math.nan
    points = np.geomspace(1.0, _MOST, _POINTS)[:, None]
    found = first_crossings(lambda ratio: reached(ratio.ravel()).reshape(ratio.shape), points)
    return math.inf if np.isnan(found[0]) else float(found[0])


def _near_end(found: _Corrected, level: float, sign: float) -> Array:
    """Return the end of the intervals that is nearer to what is not favoured, turned to be low."""
    return np.asarray(sign * found.estimate - t_quantile(found.df, (1 + level) / 2) * found.se)


def _tau2(fit: Fit) -> float:
    return 0.0 if math.isnan(fit.tau2) else fit.tau2


def _clusters(fit: Fit, by: str | None) -> Index:
    if by is None:
        return np.arange(fit.k)
    names = np.array([str(value) for value in column_values(fit.effects, by)])
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.intp)


def _notes(affirmative: Mask, df: Array) -> tuple[str, ...]:
    """Say where there are too few studies on one side, or in all."""
    count, k = int(affirmative.sum()), affirmative.size
    notes = []
    if count in (0, k):
        which = "every study is" if count else "no study is"
        notes.append(f"{which} affirmative: a selection of affirmative ones cannot be seen in them")
    elif count == k - 1:
        notes.append("one study is not affirmative: the worst case is that study alone")
    if (df < _FEW_DF).any():
        notes.append(f"fewer than {_FEW_DF} degrees of freedom: intervals cannot be relied on")
    return tuple(notes)


def _check(favor: str | None, alpha: float, model: str, by: str | None) -> None:
    if favor is not None:
        check_choice("favor", favor, get_args(Favor))
    check_proportion("alpha", alpha, such_as=0.05)
    check_choice("model", model, get_args(Model))
    if by is not None and model == "fixed":
        raise ModelError(
            "the model 'fixed' knows no dependent effects; use 'robust', or leave out by"
        )


def _checked_ratios(given: ArrayLike) -> Array:
    ratios = np.atleast_1d(numbers("selection_ratio", given))
    if ratios.ndim > 1 or not (np.isfinite(ratios) & (ratios >= 1)).all():
        raise ModelError(f"selection_ratio is {shown(given)}; give numbers of 1 or more")
    return ratios
