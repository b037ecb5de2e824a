"""Meta-regression: how the association depends on what is known of each study."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from comorbid.checks import check_type, is_text, shown
from comorbid.effects.arrays import Array
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning, ModelError, Problem
from comorbid.models.design import DesignProjection
from comorbid.models.design_fits import DesignFits, fit_designs
from comorbid.models.design_matrix import Design, check_columns, check_size, sparse_notes
from comorbid.models.estimators import Estimator
from comorbid.models.formula import make_design, usable_effects
from comorbid.models.information import explained, is_estimated, likelihoods, se_of_tau2
from comorbid.models.kernel import Test
from comorbid.models.regression_result import TABLE, Regression as Regression
from comorbid.models.settings import check_settings, few_studies_notes, find_estimator

# Beyond it, or its inverse, cubes of weights overflow.
_RANGE = 1e100


def regress(
    effects: Effects,
    formula: str = "~ 1",
    *,
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
) -> Regression:
    r"""Fit a mixed-effects meta-regression.

    .. math:: y_i = x_i'\beta + u_i + e_i, \qquad u_i \sim N(0, \tau^2), \quad e_i \sim N(0, v_i)

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
        ``I()`` for arithmetic may be used. A formula is evaluated as Python code.
    method : str or Estimator
        How tau2 is estimated, as in `pool`.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal; t with k - p degrees of freedom; Knapp and Hartung's covariances with t;
        the same but never below those of z.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    Regression
        With ``"~ 1"`` the same as `pool`.

    Raises
    ------
    DataError
        If ``effects`` are none or no row is left, a transformation gives no finite number, or an
        effect or variance is beyond 1e100 or its inverse.
    ModelError
        If the formula cannot be read or names an unknown column; if its columns are collinear,
        constant, or more than the studies allow; if a setting is none of those allowed.

    References
    ----------
    Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). Statistics in Medicine 14:395-411.
    doi:10.1002/sim.4780140406
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

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
    estimator = find_estimator(method)
    check_settings(test, level)
    effects, notes = usable_effects(effects, formula)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    _check_range(effects)
    design = make_design(formula, effects.to_frame())
    check_size(design, estimated=is_estimated(estimator))
    check_columns(design)
    fits = fit_designs(
        effects.yi[:, None],
        effects.vi[:, None],
        design.x,
        estimator=estimator,
        test=test,
        level=level,
    )
    notes = [*effects.warnings, *notes]
    few = few_studies_notes(effects.k, estimator.id) if design.intercept_only else ()
    notes += [*few, *sparse_notes(design)]
    return _as_regression(effects, design, fits, estimator, test, level, notes)


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


def _as_regression(
    effects: Effects,
    design: Design,
    fits: DesignFits,
    estimator: Estimator,
    test: Test,
    level: float,
    notes: Sequence[str],
) -> Regression:
    arrays: dict[str, Any] = {name: _frozen(getattr(fits, name)[:, 0]) for name in TABLE[1:]}
    values = ("df", "tau2", "i2", "h2", "qe", "qe_p")
    numbers: dict[str, Any] = {name: float(getattr(fits, name)[0]) for name in values}
    qm, qm_p = fits.wald(design.tested)
    data = DesignProjection(effects.yi[:, None], effects.vi[:, None], design.x)
    tau2 = np.nan_to_num(fits.tau2)
    with np.errstate(all="ignore"):
        ml, reml = likelihoods(data, tau2, estimator)
        se_tau2 = se_of_tau2(data, tau2, estimator)
    return Regression(
        effects=effects,
        design=design,
        estimator=estimator,
        test=test,
        level=level,
        estimate=_frozen(fits.coefficients[:, 0]),
        vcov=_frozen((fits.unit_vcov * fits.s2)[:, :, 0]),
        se_tau2=se_tau2,
        r2=explained(effects, design, fits, estimator),
        qm=float(qm[0]),
        qm_df=len(design.tested),
        qm_p=float(qm_p[0]),
        k=effects.k,
        p=len(design.names),
        ml=ml,
        reml=reml,
        fits=fits,
        warnings=tuple(notes),
        **arrays,
        **numbers,
    )


def _frozen(values: Array) -> Array:
    array = values.copy()
    array.flags.writeable = False
    return array
