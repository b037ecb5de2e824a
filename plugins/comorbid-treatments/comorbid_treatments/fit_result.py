"""The result of a network fit: effects of every treatment against every other one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import comorbid as cb
from comorbid_treatments.networks import Array, Network

if TYPE_CHECKING:
    import pandas as pd

Pair = tuple[float, float]

MATRICES = (*("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "pi_low", "pi_high"),)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFit:
    """A network meta-analysis; made by `fit`.

    Matrices have a row and a column for each of ``network.treatments``: the treatment of the row
    against that of the column, analysis scale.

    Attributes
    ----------
    network : Network
        What was fitted.
    method : str
        How tau2 was estimated; ``EE`` is the common-effects model.
    level : float
        Of the intervals, a proportion.
    tau2 : float
        Variance of a contrast between trials, one for the whole network; 0 for ``EE``, nan if
        there are no degrees of freedom for it.
    estimate, se, statistic, p_value, ci_low, ci_high : arrays of shape (n, n)
        Effects with their standard errors, z statistics, two-sided p-values and intervals.
    pi_low, pi_high : arrays of shape (n, n)
        Prediction intervals, from t with ``q_df`` degrees of freedom; nan for ``EE`` and where
        tau2 could not be estimated.
    covariance : array of shape (n, n)
        Of the treatments' effects as deviations from their mean: the pseudoinverse of the weighted
        Laplacian of the network.
    q, q_p : float
        Test of heterogeneity and inconsistency together (generalised Cochran's Q).
    q_df : int
        Its degrees of freedom: independent rows less n - 1.
    i2 : float
        Percentage :math:`(Q - df)/Q`; nan without degrees of freedom.
    i2_ci : (float, float)
        Its interval, from that of H (Higgins and Thompson's test-based method).
    warnings : tuple of str
        What is worth knowing.
    """

    network: Network
    method: str
    level: float
    tau2: float
    estimate: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    covariance: Array
    q: float
    q_df: int
    q_p: float
    i2: float
    i2_ci: Pair
    warnings: tuple[str, ...]

    @property
    def used_tau2(self) -> float:
        """The tau2 that the weights rest on: 0 where it could not be estimated."""
        return 0.0 if math.isnan(self.tau2) else self.tau2

    def to_frame(self, *, against: str | None = None) -> pd.DataFrame:
        """Return every treatment against one, by default the reference, indexed by treatment.

        Columns ``estimate, se, statistic, p_value, ci_low, ci_high, pi_low, pi_high``.
        """
        import pandas as pd

        net = self.network
        column = net.position(net.reference if against is None else against)
        kept = [i for i in range(net.n) if i != column]
        index = pd.Index([net.treatments[i] for i in kept], name="treatment")
        return pd.DataFrame({m: getattr(self, m)[kept, column] for m in MATRICES}, index=index)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, matrices as lists of rows."""
        numbers = {name: getattr(self, name) for name in ("tau2", "q", "q_df", "q_p", "i2")}
        return {
            "network": self.network.to_dict(),
            "labels": list(self.network.treatments),
            "method": self.method,
            "level": self.level,
            **numbers,
            "i2_ci": list(self.i2_ci),
            **{name: getattr(self, name).tolist() for name in MATRICES},
            "on_scale": self._printed(),
            "warnings": list(self.warnings),
        }

    def _printed(self) -> dict[str, Any]:
        """Return estimates and intervals on the printed scale."""
        back = np.exp if self.network.scale == "log" else np.positive
        names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
        return {name: back(getattr(self, name)).tolist() for name in names}

    def summary(self) -> str:
        """Return the effects against the reference as text."""
        net = self.network
        model = "common effects" if self.method == "EE" else f"random effects ({self.method})"
        head = (
            f"Network meta-analysis, {model}: {net.k} trials, {net.n} treatments, measure "
            f"{net.measure}, against {net.reference}"
        )
        tail = (
            f"tau2 {cb.prose.small(self.tau2)}, I2 {cb.prose.percent(self.i2, 1)}, "
            f"Q(df = {self.q_df}) = {self.q:.4f}, {cb.prose.p_value(self.q_p)}"
        )
        return "\n".join([head, str(self.to_frame().round(4)), tail, *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))
