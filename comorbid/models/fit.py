"""The fit: pool effects, and hold the result with everything that says how it was made."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning, ModelError
from comorbid.models import text
from comorbid.models.estimators import ESTIMATORS, Estimator
from comorbid.models.kernel import Batch, Test, fit_batch

if TYPE_CHECKING:
    import pandas as pd

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scaled:
    """A fit's estimate and intervals on the scale that people read, such as odds ratios.

    ``ci`` and ``pi`` are (low, high) pairs; nan where an interval does not exist.
    """

    measure: str
    estimate: float
    ci: Pair
    pi: Pair


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A pooled association; made by `pool`.

    Attributes
    ----------
    effects : Effects
        The effects pooled, without the missing ones.
    estimator : Estimator
        Of tau2; ``method`` is its id.
    test : {"z", "t", "knha", "adhoc"}
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value : float
        Pooled effect on the analysis scale (log for ratios), its standard error, and its
        two-sided test against no association.
    ci, pi : (float, float)
        Confidence and prediction interval on the analysis scale.
    df : float
        Degrees of freedom of the test; inf for z.
    tau2, i2, h2 : float
        Between-study variance (analysis scale, squared), its percentage of the total variance at
        the typical sampling variance, and the ratio of the two variances.
    q, q_p : float
        Cochran's Q on k - 1 degrees of freedom and its p-value.
    k : int
        Number of studies pooled.
    weights : array of shape (k,)
        Percentages that sum to 100.
    warnings : tuple of str
        What could not be given, and why; what was left out.
    """

    effects: Effects
    estimator: Estimator
    test: Test
    level: float
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Pair
    pi: Pair
    df: float
    tau2: float
    i2: float
    h2: float
    q: float
    q_p: float
    k: int
    weights: Array
    warnings: tuple[str, ...]

    @property
    def method(self) -> str:
        """Id of the estimator of tau2."""
        return self.estimator.id

    def on_scale(self) -> Scaled:
        """Return estimate and intervals back-transformed, for ratios as ratios."""
        back = SCALES[self.effects.scale].back
        values = back([self.estimate, *self.ci, *self.pi]).tolist()
        return Scaled(
            self.effects.measure, values[0], (values[1], values[2]), (values[3], values[4])
        )

    def intervals(self) -> dict[str, Pair]:
        """Return the confidence interval by each test that the Handbook sets side by side.

        With two or three studies no single one can be relied on: ``z`` ignores that tau2 is
        estimated, ``knha`` (Knapp-Hartung) may be too wide or too narrow, ``adhoc`` is
        Knapp-Hartung never narrower than z. Analysis scale.
        """
        tests: tuple[Test, ...] = ("z", "knha", "adhoc")
        return {
            test: pool(self.effects, method=self.estimator, test=test, level=self.level).ci
            for test in tests
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the studies indexed by label: ``estimate, se, ci_low, ci_high, weight``.

        Analysis scale, full precision; the intervals are each study's own, at the fit's level.
        """
        import pandas as pd
        from scipy import special

        se = np.sqrt(self.effects.vi)
        half = special.ndtri((1 + self.level) / 2) * se
        columns = {
            "estimate": self.effects.yi,
            "se": se,
            "ci_low": self.effects.yi - half,
            "ci_high": self.effects.yi + half,
            "weight": self.weights,
        }
        return pd.DataFrame(columns, index=pd.Index(self.effects.labels, name="label"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number, on the analysis scale and in full precision, and the settings."""
        return {
            "measure": self.effects.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "k": self.k,
            "ids": list(self.effects.ids),
            "estimate": self.estimate,
            "se": self.se,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "pi_low": self.pi[0],
            "pi_high": self.pi[1],
            "df": self.df,
            "tau2": self.tau2,
            "i2": self.i2,
            "h2": self.h2,
            "q": self.q,
            "q_p": self.q_p,
            "weights": self.weights.tolist(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        return text.fit_summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def pool(
    effects: Effects,
    *,
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
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
        ``HS``, ``HSk``, ``SJ``, ``ML``, ``REML``, ``EB``, ``PM`` or ``PMM``.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal; t with k - 1 degrees of freedom; Knapp and Hartung's standard error
        with t; the same but never below that of z.
    level : float
        Of the confidence and prediction interval, a proportion between 0 and 1.

    Returns
    -------
    Fit
        With one study its own z interval; with none an error.

    Raises
    ------
    DataError
        If no effect is left.
    ModelError
        If a setting is none of those allowed.

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
    estimator = find_estimator(method)
    check_settings(test, level)
    usable = ~(np.isnan(effects.yi) | np.isnan(effects.vi))
    notes = list(effects.warnings)
    if not usable.all():
        left_out = ", ".join(np.array(effects.labels)[~usable])
        notes.append(f"left out, no effect: {left_out}")
        warnings.warn(notes[-1], DataWarning, stacklevel=2)
        effects = effects.take(np.flatnonzero(usable))
    if effects.k == 0:
        raise DataError("no effect to pool: every row is missing its effect or its variance")
    batch = fit_batch(
        effects.yi[:, None], effects.vi[:, None], estimator=estimator, test=test, level=level
    )
    return _as_fit(effects, batch, estimator, test, level, notes)


def find_estimator(method: str | Estimator) -> Estimator:
    """Return the estimator of this id; an `Estimator` is returned as it is."""
    if isinstance(method, Estimator):
        return method
    known = {estimator.id: estimator for estimator in ESTIMATORS}
    if method not in known:
        raise ModelError(f"method is {method!r}; use one of {', '.join(known)}")
    return known[method]


def check_settings(test: str, level: float) -> None:
    """Raise `ModelError` unless the test exists and the level is a proportion."""
    if test not in get_args(Test):
        raise ModelError(f"test is {test!r}; use one of {', '.join(get_args(Test))}")
    if not 0 < level < 1:
        raise ModelError(f"level is {level!r}; give a proportion between 0 and 1, such as 0.95")


def _as_fit(
    effects: Effects,
    batch: Batch,
    estimator: Estimator,
    test: Test,
    level: float,
    notes: list[str],
) -> Fit:
    value = {name: float(column[0]) for name, column in batch.columns().items()}
    weights = 1 / (effects.vi + (value["tau2"] if effects.k > 1 else 0.0))
    weights *= 100 / weights.sum()
    weights.flags.writeable = False
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
        weights=weights,
        warnings=(*notes, *few_studies_notes(effects.k, estimator.id)),
    )


def few_studies_notes(k: int, method: str) -> tuple[str, ...]:
    """Say what a fit of so few studies cannot give."""
    if k == 1:
        return (
            "one study: nothing is pooled; its own interval (z) is given, and tau2, I2, the test "
            "of heterogeneity and a prediction interval cannot be",
        )
    if k == 2 and method != "EE":
        return (
            "two studies: tau2 rests on one difference, and the t distribution has one degree of "
            "freedom; neither the interval nor the prediction interval can be relied on",
        )
    if method == "EE":
        return ("equal-effects model: no prediction interval, as it assumes one true effect",)
    return ()
