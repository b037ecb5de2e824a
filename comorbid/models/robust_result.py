"""The result of cluster-robust inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.effects.scales import SCALES, printed
from comorbid.effects.table import Effects
from comorbid.models import text
from comorbid.models.robust_fit import Clustered
from comorbid.models.sandwich import Adjusted, Correction, freedom
from comorbid.models.wald import WaldTest, find_terms

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.predictions import Predictions

TABLE = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Robust(Frozen):
    """Coefficients of a fit with cluster-robust tests and intervals; made by `robust`.

    Attributes
    ----------
    clustered : Clustered
        The fit and the clusters of its effects; ``fit`` is the fit.
    correction : {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"}
    level : float
        Of the intervals, a proportion.
    names : tuple of p str
        The coefficients.
    estimate, se, statistic, df, p_value, ci_low, ci_high : arrays of shape (p,)
        On the analysis scale; estimates are those of the fit. nan for a coefficient that rests
        on a single cluster.
    vcov : array of shape (p, p)
        Cluster-robust covariances of the coefficients.
    omnibus : WaldTest
        Of all coefficients but the intercept; of the intercept where it stands alone.
    cluster : str
        The column of the clusters.
    m, k : int
        Numbers of clusters and of effects.
    adjusted : Adjusted
        What each cluster adds to the sandwich.
    warnings : tuple of str
        Those of the fit, and what cannot be relied on.
    assumed : mapping of str to float
        What the working model of `che` assumes: ``rho``.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.5], vi=[0.04] * 6,
    ...                      studies=["A", "A", "B", "B", "C", "C"])
    >>> cb.robust(cb.pool(effects)).to_frame()["df"].round(3).to_dict()
    {'Intercept': 2.0}
    """

    clustered: Clustered
    correction: Correction
    level: float
    names: tuple[str, ...]
    estimate: Array
    se: Array
    statistic: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    vcov: Array
    omnibus: WaldTest
    cluster: str
    m: int
    k: int
    adjusted: Adjusted
    warnings: tuple[str, ...]
    assumed: Mapping[str, float] = field(default_factory=dict)

    @property
    def fit(self) -> Any:
        """The fit that the tests are of."""
        return self.clustered.fit

    @property
    def effects(self) -> Effects:
        """The effects of the fit."""
        effects: Effects = self.fit.effects
        return effects

    @property
    def coefficients(self) -> Array:
        """The estimates."""
        return self.estimate

    @property
    def ci(self) -> Array:
        """The intervals, of shape (p, 2)."""
        return np.stack([self.ci_low, self.ci_high], axis=1)

    def wald(self, terms: str | Sequence[str]) -> WaldTest:
        """Test that some coefficients, or the levels of a term, are all 0: HTZ for CR2 and CR3."""
        rows = find_terms(self.names, self.clustered.terms, terms)
        return wald_test(self.clustered, self.adjusted, self.correction, rows, np.isnan(self.se))

    def predict(self, new_data: pd.DataFrame | Mapping[str, Any] | None = None) -> Predictions:
        """Predict mean effects, and effects of new studies: see `predict_robust`."""
        from comorbid.models.robust_predictions import predict_robust

        return predict_robust(self, new_data)

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients indexed by term, in full precision.

        Columns ``estimate, se, statistic, df, p_value, ci_low, ci_high``; analysis scale.
        """
        import pandas as pd

        columns = {name: getattr(self, name) for name in TABLE}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="term"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number, in full precision, and the settings."""
        made = self.fit.made
        ends = {name: getattr(self, name) for name in ("estimate", "ci_low", "ci_high")}
        scale = self.effects.scale
        mean = {"on_scale": printed(ends, scale)} if self.names == ("Intercept",) else {}
        return {
            "measure": made["measure"],
            "method": made["method"],
            "test": "t",
            "correction": self.correction,
            "cluster": self.cluster,
            "clusters": self.m,
            "k": self.k,
            "level": self.level,
            "ids": list(made["ids"]),
            "names": list(self.names),
            **{name: getattr(self, name).tolist() for name in (*TABLE, "vcov")},
            **mean,
            **({"assumed": dict(self.assumed)} if self.assumed else {}),
            "omnibus": self.omnibus.to_dict(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        table = self.to_frame().to_string(
            float_format=text.number,
            formatters={"p_value": text.p_value},
            na_rep="-",
            index_names=False,
        )
        freedom = (
            "Satterthwaite" if self.correction in ("CR2", "CR3") else "clusters - coefficients"
        )
        lines = [
            f"Cluster-robust inference ({self.correction}; k = {self.k} in {self.m} clusters of "
            f"{self.cluster}; df: {freedom})",
            *self._working_model(),
            "",
            table,
        ]
        if self.names != ("Intercept",):
            lines += ["", self.omnibus.summary()]
        elif self.effects.scale != "identity":
            back = SCALES[self.effects.scale].back
            at, low, high = back([*self.estimate, *self.ci_low, *self.ci_high]).tolist()
            percent = f"{100 * self.level:g}%"
            ends = text.pair((low, high), 2)
            lines += ["", f"As {self.effects.measure}: {text.number(at, 2)} ({percent} CI {ends})"]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def _working_model(self) -> list[str]:
        if not self.assumed:
            return []
        listed = ", ".join(f"{name} = {value:g}" for name, value in self.assumed.items())
        components = ", ".join(
            f"{component.name} {text.number(component.value)}" for component in self.fit.components
        )
        return [
            f"working model: correlated and hierarchical effects, {listed}; variances {components}"
        ]

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def wald_test(
    fit: Clustered,
    found: Adjusted,
    correction: Correction,
    rows: Sequence[int],
    alone: Mask | None = None,
) -> WaldTest:
    r"""Test that q coefficients are all 0.

    With :math:`Q = \hat\beta_T' V_T^{-1} \hat\beta_T` and the cluster-robust V, for CR2 and CR3 the
    test HTZ with :math:`\eta` of `freedom`, for others the naive F with m clusters:

    .. math:: \frac{\eta - q + 1}{\eta q} Q \sim F_{q, \eta - q + 1}, \qquad
       Q / q \sim F_{q, m - p}

    nan where the degrees of freedom are not positive, V is singular, or one of the coefficients
    rests on a single cluster (``alone``).
    """
    beta, v = np.asarray(fit.fit.estimate).reshape(-1)[list(rows)], found.vcov[np.ix_(rows, rows)]
    names, q = tuple(fit.names[i] for i in rows), len(rows)
    sd = np.sqrt(np.diagonal(v))
    nothing = WaldTest(names, float("nan"), q, float("nan"), float("nan"))
    if (alone is not None and alone[list(rows)].any()) or not (sd > 0).all():
        return nothing
    if np.linalg.eigvalsh(v / np.outer(sd, sd))[0] < 1e-12:
        return nothing
    statistic, df = float(beta @ np.linalg.solve(v, beta)) / q, float(fit.working.m - fit.working.p)
    if correction in ("CR2", "CR3"):
        eta = freedom(fit.working, found, np.eye(fit.working.p)[list(rows)])
        df = eta - q + 1
        if not df > 0:
            return nothing
        statistic *= df / eta
    return WaldTest(names, statistic, q, df, float(special.fdtrc(q, df, statistic)))
