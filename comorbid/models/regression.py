"""Meta-regression: how the association depends on what is known of each study."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_type, is_text, shown
from comorbid.effects.arrays import Array, read_only
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning, ModelError, Problem
from comorbid.models.design_matrix import Design, check_columns, check_size, sparse_notes
from comorbid.models.estimators import Estimator
from comorbid.models.explained import explained
from comorbid.models.formula import make_design, usable_rows
from comorbid.models.kernel import Test, fit_designs
from comorbid.models.regression_result import TABLE, Regression as Regression
from comorbid.models.settings import (
    check_determined,
    check_settings,
    check_weights,
    dependence_notes,
    few_studies_notes,
    find_estimator,
    with_fixed_tau2,
)

# Beyond it, or its inverse, cubes of weights overflow.
_RANGE = 1e100


def regress(
    effects: Effects,
    formula: str = "~ 1",
    *,
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
    tau2: float | None = None,
    weights: ArrayLike | None = None,
) -> Regression:
    r"""Fit a mixed-effects meta-regression.

    .. math:: y_i = x_i'\beta + u_i + e_i, \qquad u_i \sim N(0, \tau^2), \quad e_i \sim N(0, v_i)

    With weights of the analyst on the diagonal of A, the coefficients are
    :math:`(X'AX)^{-1}X'Ay`, and their covariances those that follow from the model.

    Parameters
    ----------
    effects : Effects
        One effect a study, independent of each other. Rows without an effect, or without a value
        of a moderator that the formula uses, are left out with a warning.
    formula : str
        Moderators, columns of ``effects.to_frame()``: ``"~ year + C(population)"``. Text is a
        factor, and ``C()`` makes one of numbers; its first level in sorted order is the
        reference. ``a:b`` is an interaction, ``a*b`` stands for ``a + b + a:b``, ``0 +`` leaves
        the intercept out; ``log``, ``exp``, ``sqrt``, ``center``, ``scale``, ``poly``, ``bs`` and
        ``I()`` for arithmetic may be used, and numpy's element-wise functions as ``np.log1p``;
        other Python is refused.
    method : str or Estimator
        How tau2 is estimated, as in `pool`.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal; t with k - p degrees of freedom; Knapp and Hartung's covariances with t;
        the same but never below those of z.
    level : float
        Of the intervals, a proportion between 0 and 1.
    tau2 : float, optional
        A between-study variance to use in place of an estimate; analysis scale, squared.
    weights : array_like of shape (rows,), optional
        Weights for the coefficients in place of those of the model, one a row of ``effects``, not
        negative; the methods ``GENQ`` and ``GENQM`` also estimate tau2 with them.

    Returns
    -------
    Regression
        With ``"~ 1"`` the same as `pool`.

    Raises
    ------
    DataError
        If ``effects`` are none or no row is left, a transformation gives no finite number, an
        effect or variance is beyond 1e100 or its inverse, or weights are missing, negative, too
        large or too small, or all 0.
    ModelError
        If the formula cannot be read or names an unknown column; if its columns are collinear,
        constant, or more than the studies allow, also among the studies with a weight above 0; if
        a setting is none of those allowed, or tau2 cannot be estimated with these weights.

    References
    ----------
    Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). Statistics in Medicine 14:395-411.
    doi:10.1002/sim.4780140406
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03
    Jackson D, Turner R, Rhodes K, Viechtbauer W (2014). BMC Medical Research Methodology 14:103.
    doi:10.1186/1471-2288-14-103

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> regression = regress(effects, "~ year")
    >>> regression.to_frame()["estimate"].round(4).to_dict()
    {'Intercept': -46.8358, 'year': 0.0236}
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    if not is_text(formula):
        raise ModelError(f'formula is {shown(formula)}; give text, such as "~ year"')
    estimator = with_fixed_tau2(find_estimator(method), tau2)
    check_settings(test, level)
    rows, left_out = usable_rows(effects, formula)
    for note in left_out:
        warnings.warn(note, DataWarning, stacklevel=2)
    used = np.isin(np.arange(effects.k), rows)
    given = None if weights is None else check_weights(weights, effects, used)
    effects = effects if used.all() else effects.take(rows)
    _check_range(effects)
    design = make_design(formula, effects.to_frame())
    check_size(design, estimated=estimator.id != "EE" and estimator.fixed is None)
    check_columns(design)
    if given is not None and not given.all():
        weighted = replace(design, x=design.x[given > 0])
        check_columns(weighted, among="all studies with a weight above 0")
    few = few_studies_notes(effects.k, estimator) if design.intercept_only else ()
    shared = dependence_notes(effects)
    notes = (*effects.warnings, *left_out, *shared, *few, *sparse_notes(design))
    return _fitted(effects, design, estimator, test, level, given, notes)


def _check_range(effects: Effects) -> None:
    """Raise `DataError` if squares and products of effects and weights could overflow."""
    extreme = (effects.vi < 1 / _RANGE) | (effects.vi > _RANGE) | (np.abs(effects.yi) > _RANGE)
    problems = [
        Problem(
            f"{effects.labels[i]}: effect {effects.yi[i]:g} with variance {effects.vi[i]:g} is too "
            "large or too small to compute with",
            "check it for a typing error",
        )
        for i in np.flatnonzero(extreme)
    ]
    if problems:
        raise DataError(problems)


def _fitted(
    effects: Effects,
    design: Design,
    estimator: Estimator,
    test: Test,
    level: float,
    given: Array | None,
    notes: tuple[str, ...],
) -> Regression:
    yi, vi = effects.yi[:, None], effects.vi[:, None]
    weights = None if given is None else given[:, None]
    fits = fit_designs(
        yi, vi, design.moderators, estimator=estimator, test=test, level=level, weights=weights
    )
    numbers: dict[str, Any] = {
        name: float(getattr(fits, name)[0]) for name in ("df", "tau2", "i2", "h2", "qe", "qe_p")
    }
    if given is not None:
        check_determined(numbers["tau2"], effects.k, len(design.names))
    arrays: dict[str, Any] = {name: read_only(getattr(fits, name)[:, 0]) for name in TABLE[1:]}
    qm, qm_p = fits.wald(design.tested)
    return Regression(
        effects=effects,
        design=design,
        estimator=estimator,
        test=test,
        level=level,
        estimate=read_only(fits.coefficients[:, 0]),
        vcov=read_only((fits.unit_vcov * fits.s2)[:, :, 0]),
        r2=explained(yi, vi, weights, design, numbers["tau2"], estimator),
        qm=float(qm[0]),
        qm_df=len(design.tested),
        qm_p=float(qm_p[0]),
        k=effects.k,
        fits=fits,
        warnings=notes,
        user_weights=given,
        **arrays,
        **numbers,
    )
