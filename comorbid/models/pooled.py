"""What a fit is: the pooled association, with everything that says how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.scales import SCALES, printed
from comorbid.models import text
from comorbid.models.compiled import Engine
from comorbid.models.fits import Outlines
from comorbid.models.fitted import Fitted, Pair
from comorbid.models.frames import of_studies, own_intervals
from comorbid.models.inference import factor
from comorbid.models.instead import check_kind
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import Batch, Test, as_batch, t_quantile
from comorbid.models.notices import notices
from comorbid.models.prediction import Prediction, predict

if TYPE_CHECKING:
    import pandas as pd

FEW = (2, 3)
"""Numbers of studies with which three tests' intervals are set side by side."""


@dataclass(frozen=True, slots=True, repr=False)
class Scaled:
    """A fit's estimate and intervals on the scale that people read, such as odds ratios.

    ``ci`` and ``pi`` are (low, high) pairs; nan where an interval does not exist.
    """

    measure: str
    estimate: float
    ci: Pair
    pi: Pair

    def __repr__(self) -> str:
        ends = f"CI {text.pair(self.ci)}; PI {text.pair(self.pi)}"
        return f"{self.measure} {text.number(self.estimate)} ({ends})"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Fit(Fitted):
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
    user_weights : array of shape (k,) or None
        The analyst's weights as given, if there are any.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> round(fit.estimate, 4), tuple(round(end, 4) for end in fit.ci)
    (0.693, (0.2809, 1.1052))
    """

    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Pair
    pi: Pair
    q: float
    q_p: float

    @property
    def i2_from_q(self) -> float:
        """I2 by its other definition, 100 (Q - df) / Q, not below 0; nan with one study.

        Of the method DL it is the same as `i2`, which is computed from tau2.
        """
        df = self.k - 1
        if not df:
            return float("nan")
        return 100 * max(0.0, 1 - df / self.q) if self.q > 0 else 0.0

    @property
    def x(self) -> Array:
        """The design: a column of ones."""
        return np.ones((self.k, 1))

    @property
    def moderators(self) -> None:
        """There are none."""

    @property
    def coefficients(self) -> Array:
        """The estimate."""
        return np.array([self.estimate])

    @property
    def projection(self) -> Intercept:
        """The studies as the kernel takes them, as a batch of one data set."""
        return Intercept(*self.arrays)

    def refit(self, members: Mask) -> Batch:
        """Refit n selections of the studies, given as a boolean array of shape (k, n)."""
        return as_batch(self.fits_of(members), equal=self.method == "EE", level=self.level)

    def outlines_of(self, members: Mask, engine: Engine = "numpy") -> Outlines | Batch:
        """Refit n selections of the studies without intervals and tests, if that is faster."""
        if self.user_weights is not None:
            return self.refit(members)
        from comorbid.models.shared_fits import outline_selections

        yi, vi = self.effects.yi, self.effects.vi
        return outline_selections(yi, vi, members, estimator=self.estimator, engine=engine)

    def predict(
        self,
        *,
        method: str = "default",
        level: float | None = None,
        draws: int = 25_000,
        seed: int = 1,
    ) -> Prediction:
        """Return the prediction for a new study by a named rule: see `predict`."""
        return predict(self, method=method, level=level, draws=draws, seed=seed)

    def prediction_interval(
        self,
        method: str = "default",
        level: float | None = None,
        *,
        draws: int = 25_000,
        seed: int = 1,
    ) -> Pair:
        """Return the prediction interval by a named rule: see `predict`."""
        return predict(self, method=method, level=level, draws=draws, seed=seed).pi

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
        ends = {}
        tests: tuple[Test, ...] = ("z", "knha", "adhoc")
        for test in tests:
            df = float("inf") if test == "z" or self.k == 1 else self.k - 1.0
            half = float(t_quantile(np.array(df), (1 + self.level) / 2)) * self.se_by(test)
            ends[str(test)] = self.estimate - half, self.estimate + half
        return ends

    def outside(self) -> tuple[str, ...]:
        """Return the studies outside the limits in which they would lie but for differences."""
        low, high = own_intervals(self.effects, self.level)
        apart = np.flatnonzero((self.estimate < low) | (self.estimate > high))
        return tuple(self.effects.labels[i] for i in apart)

    def se_by(self, test: Test) -> float:
        """Return the standard error that the estimate has by a test, not only the fit's own."""
        at = self.solution
        scale = factor(test, at.q, np.array([self.k - 1.0]))
        root = at.root[0, 0, 0]
        return float(np.sqrt(scale[0] * (root * root)))

    def to_frame(self) -> pd.DataFrame:
        """Return the studies indexed by label: ``estimate, se, ci_low, ci_high, weight``.

        Analysis scale, full precision; the intervals are each study's own, at the fit's level.
        """
        return of_studies(self.effects, self.weights, self.level)

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
            "q_df": self.k - 1,
            "q_p": self.q_p,
            "labels": list(self.effects.labels),
            "yi": self.effects.yi.tolist(),
            "vi": self.effects.vi.tolist(),
            "sei": np.sqrt(self.effects.vi).tolist(),
            "funnel": {
                "sei_low": float(np.sqrt(self.effects.vi.min())),
                "sei_high": float(np.sqrt(self.effects.vi.max())),
                "outside_studies": len(self.outside()),
            },
            "weights": self.weights.tolist(),
            "weights_total": float(self.weights.sum()),
            "on_scale": self._printed(),
            "warnings": list(self.warnings),
            "notices": [notice.to_dict() for notice in notices(self)],
            **self._by_the_analyst(),
        }

    def _printed(self) -> dict[str, Any]:
        """Return what is read on the printed scale, as a lock keeps it."""
        low, high = own_intervals(self.effects, self.level)
        values: dict[str, ArrayLike] = {
            "null": 0.0,
            "estimate": self.estimate,
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "pi_low": self.pi[0],
            "pi_high": self.pi[1],
            "yi": self.effects.yi,
            "yi_low": low,
            "yi_high": high,
        }
        found: dict[str, Any] = printed(values, self.effects.scale)
        if self.k in FEW:
            found["intervals"] = printed(self.intervals(), self.effects.scale)
        return found

    def summary(self) -> str:
        """Return the result as text."""
        return text.fit_summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def check_fit(fit: object, **instead: str) -> None:
    """Raise `DataError` unless it is what `pool` returns; see `check_kind`."""
    check_kind(fit, Fit, "give what pool() returns", **instead)
