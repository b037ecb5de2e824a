"""The fit: pool effects under a random-effects or the equal-effects model."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_type
from comorbid.effects.arrays import Array
from comorbid.effects.few_events import few_events_notes
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning
from comorbid.models.estimators import Estimator
from comorbid.models.fitted import Pair as Pair
from comorbid.models.kernel import Batch, Test, fit_batch
from comorbid.models.pooled import Fit as Fit, Scaled as Scaled
from comorbid.models.settings import (
    check_determined,
    check_settings as check_settings,
    check_weights,
    dependence_notes,
    few_studies_notes as few_studies_notes,
    find_estimator as find_estimator,
    no_spread_notes,
    with_fixed_tau2,
)


def pool(
    effects: Effects,
    *,
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
    tau2: float | None = None,
    weights: ArrayLike | None = None,
) -> Fit:
    r"""Pool effects under a random-effects or the equal-effects model.

    .. math:: y_i = \mu + u_i + e_i, \qquad u_i \sim N(0, \tau^2), \quad e_i \sim N(0, v_i)

    Parameters
    ----------
    effects : Effects
        One effect a study, independent of each other; rows that are nan are left out with a
        warning.
    method : str or Estimator
        How tau2 is estimated: ``EE`` (the equal-effects model, without tau2), ``DL``, ``HE``,
        ``HS``, ``HSk``, ``SJ``, ``ML``, ``REML``, ``EB``, ``PM``, ``PMM``, ``GENQ`` or ``GENQM``
        (with the ``weights``), ``DLIT`` or ``SJIT``.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal; t with k - 1 degrees of freedom; Knapp and Hartung's standard error
        with t; the same but never below that of z.
    level : float
        Of the confidence and prediction interval, a proportion between 0 and 1.
    tau2 : float, optional
        A between-study variance to use in place of an estimate; analysis scale, squared.
    weights : array_like of shape (rows,), optional
        Weights for the pooled effect in place of those of the model, one a row of ``effects``,
        not negative; the methods ``GENQ`` and ``GENQM`` also estimate tau2 with them. The standard
        error is that of a mean with such weights.

    Returns
    -------
    Fit
        With one study its own z interval; with none an error.

    Raises
    ------
    DataError
        If ``effects`` are none or none is left, or weights are missing, negative, too large or
        too small, or all 0.
    ModelError
        If a setting is none of those allowed, or tau2 cannot be estimated with these weights.

    References
    ----------
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> round(fit.on_scale().estimate, 2), fit.k
    (2.0, 3)
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    estimator = with_fixed_tau2(find_estimator(method), tau2)
    check_settings(test, level)
    usable = ~(np.isnan(effects.yi) | np.isnan(effects.vi))
    given = None if weights is None else check_weights(weights, effects, usable)
    notes = list(effects.warnings)
    if not usable.all():
        left_out = ", ".join(np.array(effects.labels)[~usable])
        notes.append(f"left out, no effect: {left_out}")
        warnings.warn(notes[-1], DataWarning, stacklevel=2)
        effects = effects.take(np.flatnonzero(usable))
    if effects.k == 0:
        raise DataError("no effect to pool: every row is missing its effect or its variance")
    batch = fit_batch(
        effects.yi[:, None],
        effects.vi[:, None],
        estimator=estimator,
        test=test,
        level=level,
        weights=None if given is None else given[:, None],
    )
    return _as_fit(effects, batch, estimator, test, level, notes, given)


def _as_fit(
    effects: Effects,
    batch: Batch,
    estimator: Estimator,
    test: Test,
    level: float,
    notes: list[str],
    given: Array | None,
) -> Fit:
    value = {name: column.item() for name, column in batch.columns().items()}
    if given is not None:
        check_determined(value["tau2"], effects.k, 1)
    _check_numbers(value, effects)
    return Fit(
        effects=effects,
        estimator=estimator,
        test=test,
        level=level,
        **{n: value[n] for n in ("estimate", "se", "statistic", "p_value")},
        ci=(value["ci_low"], value["ci_high"]),
        pi=(value["pi_low"], value["pi_high"]),
        df=float("inf") if test == "z" or effects.k == 1 else effects.k - 1.0,
        **{n: value[n] for n in ("tau2", "i2", "h2", "q", "q_p")},
        k=effects.k,
        warnings=(
            *notes,
            *dependence_notes(effects),
            *few_events_notes(effects.warnings),
            *few_studies_notes(effects.k, estimator),
            *no_spread_notes(value["se"]),
        ),
        user_weights=given,
    )


def _check_numbers(value: dict[str, float], effects: Effects) -> None:
    """Raise unless the fit is made of numbers."""
    if not (math.isfinite(value["estimate"]) and math.isfinite(value["se"])):
        raise DataError(
            "effects or variances are too large or too small to compute with (variances from "
            f"{effects.vi.min():g} to {effects.vi.max():g}); check them for typing errors"
        )
