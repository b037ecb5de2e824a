"""Group residuals: rows of a multilevel fit, and its groups, against what the model expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index
from comorbid.models.clusters import clusters_of
from comorbid.models.marginal import covariances, first_column
from comorbid.models.residuals import Residuals
from comorbid.models.views import frame

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel

_NOTHING = 1e-10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupResiduals(Residuals):
    """Standardised residuals of a multilevel fit, by row and by group; made by `rstandard`.

    Attributes
    ----------
    by : str
        The column of the groups.
    groups : tuple of m str
        In the order of their first rows.
    group : integer array of shape (k,)
        The position among them of the group of each row.
    x2, x2_p : arrays of shape (m,)
        Squared length of a group's residuals by their covariances, and the tail of the chi-squared
        distribution with as many degrees of freedom as it has rows; nan where the covariances are
        singular.
    """

    title: ClassVar[str] = "Standardised residuals"

    by: str
    groups: tuple[str, ...]
    group: Index
    x2: Array
    x2_p: Array

    def group_frame(self) -> pd.DataFrame:
        """Return ``k, x2, x2_p`` by group, in full precision."""
        columns = {"k": np.bincount(self.group), "x2": self.x2, "x2_p": self.x2_p}
        return frame(self.groups, self.by, columns)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        columns = {name: getattr(self, name).tolist() for name in ("group", "x2", "x2_p")}
        own = {"by": self.by, "groups": list(self.groups), **columns}
        return super(GroupResiduals, self).to_dict() | own

    def summary(self) -> str:
        """Return the tables of rows and of groups as text."""
        groups = self.group_frame().to_string(float_format="{:.4f}".format, na_rep="-")
        rows = super(GroupResiduals, self).summary()
        return f"{rows}\n\nGroups by {self.by}, chi-squared with k degrees of freedom\n{groups}"


def group_rstandard(fit: Multilevel, by: str | None) -> GroupResiduals:
    r"""Return the internally standardised residuals of a multilevel fit.

    .. math:: z_i = \frac{y_i - x_i'\hat\beta}{\sqrt{S_{ii}}}, \qquad
       X^2_j = e_j'S_{jj}^{-1}e_j, \qquad S = M - X(X'M^{-1}X)^{-1}X'
    """
    groups = clusters_of(fit.effects, first_column(fit) if by is None else by, name="by")
    matrices = [g[0] * fit.model.unit**2 for g in fit.model.matrices(fit.theta)]
    resid, variance, x2 = fit.residuals, np.empty(fit.k), np.empty(len(groups.names))
    for j, rows in enumerate(groups.rows()):
        size = covariances(fit, matrices, rows)
        own = size - fit.x[rows] @ fit.vcov @ fit.x[rows].T
        variance[rows] = own_variances(own, size)
        x2[j] = squared_length(resid[rows], own, size)
    se = np.sqrt(variance)
    return GroupResiduals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=np.divide(resid, se, out=np.full(fit.k, np.nan), where=se > 0),
        reasons=("",) * fit.k,
        by=groups.by,
        groups=groups.names,
        group=groups.of,
        x2=x2,
        x2_p=tails(x2, groups.sizes),
        **fit.made,
    )


def own_variances(variance: Array, size: Array) -> Array:
    """Return the diagonal of covariances, 0 where it is no more than rounding of their size."""
    own = np.diagonal(variance)
    return np.asarray(np.where(own > _NOTHING * np.diagonal(size), own, 0.0))


def squared_length(resid: Array, variance: Array, size: Array) -> float:
    """Return e'S^-1 e; nan where S is singular compared to covariances without a fit."""
    own = np.sqrt(np.diagonal(size))
    scaled = variance / np.outer(own, own)
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] <= _NOTHING:
        return float("nan")
    return float(resid @ np.linalg.solve(variance, resid))


def tails(x2: Array, sizes: Index) -> Array:
    """Return the tails of chi-squared with the rows of each group as degrees of freedom."""
    return np.asarray(special.chdtrc(np.asarray(sizes, dtype=np.float64), x2))
