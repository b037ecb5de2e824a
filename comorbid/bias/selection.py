"""Selection models: the effect if results were published by their p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comorbid.bias.selection_grid import SelectionGrid, smooth_grid, step_grid
from comorbid.bias.selection_result import SelectionModel, as_model
from comorbid.bias.selection_search import Search, search
from comorbid.bias.weight_functions import LARGEST, WEIGHT_FUNCTIONS
from comorbid.checks import check_choice, numbers, shown
from comorbid.effects.arrays import Array
from comorbid.errors import DataError, ModelError
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit

if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["step", "beta", "halfnorm", "negexp", "logistic", "power"]
    Alternative = Literal["greater", "less", "two.sided"]

_KINDS = ("step", *WEIGHT_FUNCTIONS)
_ALTERNATIVES = ("greater", "less", "two.sided")
_STEP_STARTS = (1.0, 0.3, 0.05, 4.0)


def selection_model(
    fit: Fit,
    *,
    kind: Kind = "step",
    steps: Sequence[float] | None = None,
    alternative: Alternative = "greater",
    delta: Sequence[float | None] | None = None,
) -> SelectionModel:
    r"""Estimate the effect together with how results were selected by their p-values.

    A result with the p-value p is published with a probability proportional to w(p), so that
    those published have the density

    .. math:: \frac{w(p_i) f(y_i; \mu, v_i + \tau^2)}{\int w(p(y)) f(y; \mu, v_i + \tau^2) dy},
       \qquad p_i = 1 - \Phi(y_i / \sqrt{v_i})

    (``less``: :math:`\Phi`; ``two.sided``: twice the smaller). :math:`\mu, \tau^2` and
    :math:`\delta` have their maximum likelihood:

    ============ =====================================================================
    kind         w(p)
    ============ =====================================================================
    ``step``     :math:`\delta_j` for p in the j-th interval of ``steps``, :math:`\delta_1 = 1`
    ``beta``     :math:`p^{\delta_1 - 1} (1 - p)^{\delta_2 - 1}`
    ``halfnorm`` :math:`\exp(-\delta p^2)`
    ``negexp``   :math:`\exp(-\delta p)`
    ``logistic`` :math:`2 \exp(-\delta p) / (1 + \exp(-\delta p))`
    ``power``    :math:`(1 - p)^\delta`
    ============ =====================================================================

    For ``beta`` and ``power`` p-values are kept 0.00001 away from 0 and 1, and every parameter
    lies between 0 (``beta``: 0.00001) and 100. Such likelihoods often have several maxima: the
    search starts from many points, the highest maximum is reported, and the others are named.

    Parameters
    ----------
    fit : Fit
        Where the effects come from. An equal-effects fit keeps tau2 at 0; otherwise its method
        and its test play no part.
    kind : {"step", "beta", "halfnorm", "negexp", "logistic", "power"}
    steps : sequence of float, optional
        Of kind ``step``, which needs them: the upper ends of its intervals of p, such as 0.025
        for one-sided p-values; 1 is added. Of the smooth kinds but ``beta``: one threshold up to
        which w is 1.
    alternative : {"greater", "less", "two.sided"}
        Which results are favoured: positive, negative, or large ones either way.
    delta : sequence of float or None, optional
        Values at which parameters are fixed, None where they are estimated.

    Returns
    -------
    SelectionModel

    Raises
    ------
    ModelError
        If there are fewer studies than parameters, the likelihood has no maximum, or a setting is
        none of those allowed.
    DataError
        If ``fit`` is not what `pool` returns, or ``steps`` or ``delta`` are no lists of numbers.

    References
    ----------
    Vevea JL, Hedges LV (1995). Psychometrika 60:419-435. doi:10.1007/BF02294384
    Vevea JL, Woods CM (2005). Psychological Methods 10:428-443. doi:10.1037/1082-989X.10.4.428
    Citkowicz M, Vevea JL (2017). Psychological Methods 22:28-41. doi:10.1037/met0000119
    Preston C, Ashby D, Smyth R (2004). Journal of Evaluation in Clinical Practice 10:313-322.
    doi:10.1111/j.1365-2753.2003.00457.x

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.6, 0.5, 0.3, 0.25, 0.1, 0.2],
    ...                      vi=[0.15, 0.1, 0.09, 0.05, 0.03, 0.01, 0.02, 0.03])
    >>> found = cb.selection_model(cb.pool(effects), steps=[0.025])
    >>> round(found.estimate, 4), found.lrt_df
    (0.1218, 1)
    """
    check_fit(fit)
    cuts = _check(fit, kind, steps, alternative, delta)
    sign = -1.0 if alternative == "less" else 1.0
    grid = _grid(fit, kind, cuts, sign, alternative == "two.sided")
    low, high = _bounds(kind, cuts, delta)
    free = int((low < high).sum())
    parameters = free + (1 if fit.method == "EE" else 2)
    if fit.k < parameters:
        raise ModelError(
            f"{parameters} parameters and k = {fit.k}: the model needs as many studies as "
            "parameters; use fewer steps, fix delta, or pool more studies"
        )
    found = search(
        Search(
            yi=sign * fit.effects.yi,
            vi=fit.effects.vi,
            grid=grid,
            low=low,
            high=high,
            starts=_starts(kind, low.size),
            equal_effects=fit.method == "EE",
        )
    )
    return as_model(fit, kind, cuts, alternative, grid, found, free)


def _check(
    fit: Fit,
    kind: str,
    steps: Sequence[float] | None,
    alternative: str,
    delta: Sequence[float | None] | None,
) -> tuple[float, ...]:
    """Return the cuts of p, with 1 at the end for kind step."""
    for name, value, values in (
        ("kind", kind, _KINDS),
        ("alternative", alternative, _ALTERNATIVES),
    ):
        check_choice(name, value, values)
    cuts = () if steps is None else tuple(sorted(set(_values("steps", steps))))
    if not all(0 < cut <= 1 for cut in cuts):
        raise ModelError(f"steps are {list(cuts)}; each is a p-value above 0 and at most 1")
    if kind == "step":
        cuts = (*(cut for cut in cuts if cut < 1), 1.0)
        if len(cuts) == 1:
            raise ModelError("kind 'step' needs steps below 1, such as steps=[0.025]")
    elif (cuts and kind == "beta") or len(cuts) > 1 or 1.0 in cuts:
        takes = "no steps" if kind == "beta" else "at most one step, below 1"
        raise ModelError(f"steps are {list(cuts)}; kind {kind!r} takes {takes}")
    size = len(cuts) if kind == "step" else WEIGHT_FUNCTIONS[kind].size
    if delta is not None and len(_values("delta", delta)) != size:
        given = len(_values("delta", delta))
        raise ModelError(f"delta has {given} values and kind {kind!r} has {size} parameters")
    return cuts


def _values(name: str, values: object) -> tuple[float, ...]:
    """Return numbers as a tuple, None as nan."""
    found = numbers(name, values)
    if found.ndim != 1:
        raise DataError(f"{name} is {shown(values)}; give a list of numbers")
    return tuple(found.tolist())


def _grid(
    fit: Fit, kind: str, cuts: tuple[float, ...], sign: float, two_sided: bool
) -> SelectionGrid:
    z = sign * fit.effects.yi / np.sqrt(fit.effects.vi)
    if kind == "step":
        return step_grid(cuts, z, two_sided=two_sided)
    threshold = cuts[0] if cuts else None
    return smooth_grid(WEIGHT_FUNCTIONS[kind], z, two_sided=two_sided, threshold=threshold)


def _bounds(
    kind: str, cuts: tuple[float, ...], delta: Sequence[float | None] | None
) -> tuple[Array, Array]:
    """Return the bounds of the parameters, equal where one is fixed; without the first step."""
    size = len(cuts) - 1 if kind == "step" else WEIGHT_FUNCTIONS[kind].size
    lowest = 0.0 if kind == "step" else WEIGHT_FUNCTIONS[kind].lowest
    low, high = np.full(size, lowest), np.full(size, LARGEST)
    given = list(delta) if delta is not None else [None] * (len(cuts) if kind == "step" else size)
    if kind == "step":
        if given[0] not in (None, 1):
            raise ModelError(f"delta[0] is {given[0]}; weights are relative to the first step's, 1")
        given = given[1:]
    for i, value in enumerate(given):
        if value is None or math.isnan(value):
            continue
        if not lowest <= value <= LARGEST:
            raise ModelError(f"a delta is {value}; give values from {lowest:g} to {LARGEST:g}")
        low[i] = high[i] = value
    return low, high


def _starts(kind: str, size: int) -> Array:
    if kind == "step":
        return np.tile(np.array(_STEP_STARTS), (size, 1))
    return np.array(WEIGHT_FUNCTIONS[kind].starts).T
