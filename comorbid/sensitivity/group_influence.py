"""Group influence: how strongly each study, with all its rows, pulls on a multilevel fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models import text
from comorbid.models.frames import as_text, labelled
from comorbid.models.group_residuals import GroupResiduals, own_variances, squared_length, tails
from comorbid.models.marginal import covariances, matrices_at
from comorbid.models.multilevel_refits import component_name
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.recorded import Recorded
from comorbid.sensitivity.group_deletion import GroupDeletion, component_values, without_groups

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("k", "x2", "x2_p", "cook_d", "cov_r", "q_del", "hat")
_ROUNDING = 1e-12
_NO_LEVEL = "its rows have a level that no other group has: no covariances are known for them"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeletedGroupResiduals(GroupResiduals):
    """Standardised deleted residuals of a multilevel fit; made by `rstudent`.

    Attributes are those of `GroupResiduals`.
    """

    title: ClassVar[str] = "Standardised deleted residuals"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupInfluence(Recorded):
    """Influence diagnostics of a multilevel fit, one value a group; made by `influence`.

    Attributes
    ----------
    by : str
        The column of the groups.
    labels : tuple of m str
        The groups, in the order of their first rows.
    names : tuple of p str
        The coefficients.
    components : tuple of c str
        The variances and correlations.
    k : integer array of shape (m,)
        Rows of each group.
    x2, x2_p : arrays of shape (m,)
        Squared length of a group's deleted residuals by their covariances, and the tail of the
        chi-squared distribution with k degrees of freedom.
    cook_d : array of shape (m,)
        Squared distance that the coefficients move, by their covariances.
    cov_r : array of shape (m,)
        Determinant of the covariances of the coefficients without the group over that with it.
    q_del : array of shape (m,)
        Test of residual heterogeneity without the group.
    hat : array of shape (m,)
        Leverage: the sum over the group's rows.
    dfbs : array of shape (p, m)
        Change of each coefficient, in standard errors.
    variances_del : array of shape (c, m)
        The components without the group.
    flagged : boolean array of shape (m,)
        Whether any of the three limits is passed.
    reasons : tuple of m str
        Why a row is incomplete, or empty.
    """

    by: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    components: tuple[str, ...]
    k: Index
    x2: Array
    x2_p: Array
    cook_d: Array
    cov_r: Array
    q_del: Array
    hat: Array
    dfbs: Array
    variances_del: Array
    flagged: Mask
    reasons: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the diagnostics by group, and ``reason`` when a row is incomplete.

        Columns ``k, x2, x2_p, cook_d, cov_r, q_del, hat``; ``NAME_del`` of each component;
        ``dfbs`` of a mean, or ``dfbs_NAME`` of each coefficient; ``flagged``.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        pairs = zip(self.components, self.variances_del, strict=True)
        columns |= {f"{name}_del": values for name, values in pairs}
        alone = self.names == ("Intercept",)
        for name, values in zip(self.names, self.dfbs, strict=True):
            columns["dfbs" if alone else f"dfbs_{name}"] = values
        return labelled(self.labels, columns | {"flagged": self.flagged}, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return groups, settings and columns as plain lists."""
        lists = ("labels", "names", "components", "reasons")
        columns = (*_COLUMNS, "dfbs", "variances_del", "flagged")
        return {
            "by": self.by,
            **self.made(),
            **{name: list(getattr(self, name)) for name in lists},
            **{name: getattr(self, name).tolist() for name in columns},
        }

    def summary(self) -> str:
        """Return the table as text, and which groups are flagged."""
        names = [label for label, flag in zip(self.labels, self.flagged, strict=True) if flag]
        return "\n".join(
            [
                f"Influence of each group by {self.by} ({self.method}, "
                f"{text.TEST_NAMES[self.test]})",
                as_text(self.to_frame()),
                f"Influential: {', '.join(names) or 'none'}",
                *text.reason_notes(self.labels, self.reasons),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def group_influence(fit: Multilevel, by: str | None) -> GroupInfluence:
    r"""Return the influence of each group of rows on the coefficients.

    .. math:: \mathrm{cook.d}_j = (\hat\beta - \hat\beta_{(-j)})'V^{-1}
       (\hat\beta - \hat\beta_{(-j)}), \qquad \mathrm{cov.r}_j = |V_{(-j)}| / |V|, \qquad
       \mathrm{dfbs}_{aj} = \frac{\hat\beta_a - \hat\beta_{a(-j)}}{\sqrt{[U_{(-j)}]_{aa}}}

    where :math:`U_{(-j)}` are the covariances that the coefficients of all rows have at the
    components without the group.
    """
    found = without_groups(fit, by)
    residuals, reasons = _residuals(found)
    change = fit.estimate[:, None] - found.collect(lambda of: of.estimate)
    cook_d = (change * np.linalg.solve(fit.vcov, change)).sum(axis=0)
    dfbs = change / np.sqrt(_variances(found))
    leverage = _leverage(fit)
    hat = np.array([leverage[rows].sum() for rows in found.rows])
    size = np.linalg.slogdet(fit.vcov)[1]
    return GroupInfluence(
        by=found.by,
        labels=found.labels,
        names=fit.names,
        components=tuple(component_name(component) for component in fit.components),
        k=found.sizes,
        x2=residuals[2],
        x2_p=tails(residuals[2], found.sizes),
        cook_d=cook_d,
        cov_r=np.exp(found.collect(lambda of: np.linalg.slogdet(of.vcov)[1]) - size),
        q_del=found.collect(lambda of: of.qe),
        hat=hat,
        dfbs=dfbs,
        variances_del=component_values(found),
        flagged=_flagged(cook_d, hat, dfbs),
        reasons=reasons,
        **fit.made,
    )


def group_rstudent(fit: Multilevel, by: str | None) -> DeletedGroupResiduals:
    r"""Return each row against what the fit without its group expects.

    .. math:: z_i = \frac{y_i - x_i'\hat\beta_{(-j)}}{\sqrt{S_{ii}}}, \qquad
       X^2_j = e_j'S_{jj}^{-1}e_j, \qquad S_{jj} = M_{jj} + X_jV_{(-j)}X_j' - C - C', \quad
       C = X_jV_{(-j)}X_{(-j)}'M_{(-j)}^{-1}M_{(-j)j}

    all at the components without the group; C is 0 where its rows depend on no others.
    """
    found = without_groups(fit, by)
    (resid, se, x2), reasons = _residuals(found)
    group = np.empty(fit.k, dtype=np.intp)
    for j, rows in enumerate(found.rows):
        group[rows] = j
    return DeletedGroupResiduals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=np.divide(resid, se, out=np.full(fit.k, np.nan), where=se > 0),
        reasons=tuple(reasons[j] for j in group),
        by=found.by,
        groups=found.labels,
        group=group,
        x2=x2,
        x2_p=tails(x2, found.sizes),
        **fit.made,
    )


def _residuals(found: GroupDeletion) -> tuple[tuple[Array, Array, Array], tuple[str, ...]]:
    """Return deleted residuals and their standard errors by row, their lengths by group."""
    fit, reasons = found.fit, list(found.reasons)
    resid, se = np.full(fit.k, np.nan), np.full(fit.k, np.nan)
    x2 = np.full(len(found.rows), np.nan)
    block = _block_of(fit)
    for j, (without, rows) in enumerate(zip(found.without, found.rows, strict=True)):
        if without is None:
            continue
        resid[rows] = fit.effects.yi[rows] - fit.x[rows] @ without.estimate
        matrices = matrices_at(fit, without)
        if matrices is None:
            reasons[j] = _NO_LEVEL
            continue
        size = covariances(fit, matrices, rows)
        around = np.flatnonzero(np.isin(block, block[rows]))
        variance = size + _expected(fit, without, matrices, rows, np.setdiff1d(around, rows))
        se[rows] = np.sqrt(own_variances(variance, size))
        x2[j] = squared_length(resid[rows], variance, size)
    return (resid, se, x2), tuple(reasons)


def _block_of(fit: Multilevel) -> Index:
    """Return for each row the number of the block of rows that depend on each other."""
    block = np.empty(fit.k, dtype=np.intp)
    for number, each in enumerate(fit.blocks):
        block[each.rows] = number
    return block


def _expected(
    fit: Multilevel, without: Multilevel, matrices: list[Array], rows: Index, around: Index
) -> Array:
    """Return the covariances of what is expected of rows, less those with their own effects.

    ``around`` are the rows fitted that depend on them.
    """
    x, v = fit.x[rows], without.vcov
    if not around.size:
        return np.asarray(x @ v @ x.T)
    joint = covariances(fit, matrices, np.concatenate([around, rows]))
    n = around.size
    weighted = np.linalg.solve(joint[:n, :n], joint[:n, n:])
    crossed = x @ v @ fit.x[around].T @ weighted
    return np.asarray(x @ v @ x.T - crossed - crossed.T)


def _variances(found: GroupDeletion) -> Array:
    """Return the variances (p, m) of the coefficients of all rows at each refit's components."""
    fit, unit2 = found.fit, found.fit.model.unit**2
    at = [None if of is None else matrices_at(fit, of) for of in found.without]
    known = [j for j, matrices in enumerate(at) if matrices is not None]
    variances = np.full((fit.p, len(at)), np.nan)
    if not known:
        return variances
    stacked = zip(*(matrices for matrices in at if matrices is not None), strict=True)
    engine = fit.model.surface().engine
    unit_vcov = engine.profile([np.stack(part) / unit2 for part in stacked]).unit_vcov
    back = np.linalg.inv(fit.model.root) * fit.model.unit
    variances[:, known] = np.einsum("ab,mbc,ac->am", back, unit_vcov, back)
    return variances


def _leverage(fit: Multilevel) -> Array:
    """Return the diagonal of the hat matrix."""
    hat = np.empty(fit.k)
    for block in fit.blocks:
        x = fit.x[block.rows]
        hat[block.rows] = np.einsum("ia,ab,bi->i", x, fit.vcov, x.T @ block.weights)
    return hat


def _flagged(cook_d: Array, hat: Array, dfbs: Array) -> Mask:
    """Apply the limits to m groups; what is nan passes none."""
    p, m = dfbs.shape
    return np.asarray(
        (special.chdtr(p, cook_d) > 0.5)
        | (hat > 3 * p / m * (1 + _ROUNDING))
        | (np.abs(dfbs) > 1).any(axis=0)
    )
