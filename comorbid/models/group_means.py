"""Group means: what the rows of each group say by themselves, and what they weigh in the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.clusters import stacks_of
from comorbid.models.covariance_result import Covariance
from comorbid.models.frames import as_text
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level
from comorbid.models.solution import solution
from comorbid.models.student import t_quantile
from comorbid.models.views import frame

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel

_COLUMNS = ("k", "estimate", "se", "ci_low", "ci_high", "weight")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupMeans(Recorded):
    """The means of the groups' own rows; made by `Multilevel.group_means`.

    Attributes
    ----------
    by : str
        The column of the groups.
    groups : tuple of str
        In the order of their first rows.
    group : integer array of shape (rows,)
        The position among them of the group of each row of the fit.
    k : integer array of shape (n,)
        Rows of each group.
    estimate, se, ci_low, ci_high : arrays of shape (n,)
        Mean and its normal interval, on the analysis scale.
    weight : array of shape (n,)
        In the mean of all, in per cent; nan if the model has moderators.
    """

    by: str
    groups: tuple[str, ...]
    group: Index
    k: Index
    estimate: Array
    se: Array
    ci_low: Array
    ci_high: Array
    weight: Array

    def to_frame(self) -> pd.DataFrame:
        """Return ``k, estimate, se, ci_low, ci_high, weight`` by group, in full precision."""
        return frame(self.groups, self.by, {name: getattr(self, name) for name in _COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return settings, groups and columns as plain values."""
        columns = {name: getattr(self, name).tolist() for name in ("group", *_COLUMNS)}
        return {"by": self.by, **self.made(), "groups": list(self.groups), **columns}

    def summary(self) -> str:
        """Return the table as text."""
        return f"Means of the rows of each {self.by}, analysis scale\n{as_text(self.to_frame())}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def group_means(fit: Multilevel, level: float | None = None) -> GroupMeans:
    r"""Return the mean of the rows of each group of the first random term, by themselves.

    .. math:: \bar y_j = \frac{1'V_j^{-1}y_j}{1'V_j^{-1}1}, \qquad
       \mathrm{se}_j^2 = \frac{1}{1'V_j^{-1}1}

    with the sampling covariances :math:`V_j` of its rows: the inverse-variance mean, of one true
    effect in the group. No other group and no variance component has a part in it; `blup` draws
    rows to what the others say.

    Parameters
    ----------
    fit : Multilevel
    level : float, optional
        Of the intervals, a proportion; by default the fit's.

    Returns
    -------
    GroupMeans

    Raises
    ------
    ModelError
        If the level is no proportion.

    Notes
    -----
    What ``aggregate`` of metafor makes of the rows with the same V.
    """
    level = fit.level if level is None else level
    check_level(level)
    term = fit.model.terms[0]
    first = np.sort(np.unique(term.group, return_index=True)[1])
    position = np.empty(len(first), dtype=np.intp)
    position[term.group[first]] = np.arange(len(first))
    group = position[term.group]
    estimate, variance = _means(fit, group)
    se = np.sqrt(variance)
    half = float(t_quantile(np.array(np.inf), (1 + level) / 2)) * se
    weight = np.full(len(first), np.nan)
    if fit.design.intercept_only:
        weight = np.bincount(group, row_weights(fit)).astype(float)
    return GroupMeans(
        by=term.columns[-1],
        groups=tuple(term.groups[i] for i in term.group[first]),
        group=group,
        k=np.bincount(group),
        estimate=estimate,
        se=se,
        ci_low=estimate - half,
        ci_high=estimate + half,
        weight=weight,
        **fit.made | {"level": level},
    )


def row_weights(fit: Multilevel) -> Array:
    r"""Return what each row weighs in the mean of all, in per cent; negative ones are possible.

    .. math:: w = 100 \, \frac{W1}{1'W1}

    with the inverse W of the marginal covariances: the mean is :math:`w'y / 100`.

    Raises
    ------
    ModelError
        If the model has moderators: each of its coefficients has other weights.

    Notes
    -----
    ``weights(fit, type="rowsum")`` of metafor.
    """
    if not fit.design.intercept_only:
        raise ModelError(f"{fit.formula} has no single mean, and so no weights in it; use ~ 1")
    weights = solution(fit).weighed_design()[:, 0]
    return np.asarray(100 * weights / weights.sum())


def diagonal_weights(fit: Multilevel) -> Array:
    """Return the share of each row in the diagonal of W, in per cent, whatever the moderators.

    Notes
    -----
    ``weights(fit, type="diagonal")`` of metafor.
    """
    weights = np.empty(fit.k)
    for block in fit.blocks:
        weights[block.rows] = np.diagonal(block.weights)
    return np.asarray(100 * weights / weights.sum())


def _means(fit: Multilevel, group: Index) -> tuple[Array, Array]:
    """Return the inverse-variance mean of each group, and its variance."""
    v, yi = fit.model.v, fit.effects.yi
    if not isinstance(v, Covariance):
        precision = np.bincount(group, 1 / v)
        return np.bincount(group, yi / v) / precision, 1 / precision
    order = np.argsort(group, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(group))[:-1])
    estimate, variance = np.empty(len(rows)), np.empty(len(rows))
    for stack in stacks_of(rows):
        own = np.linalg.solve(v.among(stack.rows), np.ones((*stack.rows.shape, 1)))[..., 0]
        precision = own.sum(axis=1)
        estimate[stack.numbers] = (own * yi[stack.rows]).sum(axis=1) / precision
        variance[stack.numbers] = 1 / precision
    return estimate, variance
