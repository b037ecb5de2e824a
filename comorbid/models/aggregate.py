"""Aggregation: one row a study of several dependent effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_choice, check_type, is_missing, is_number, numbers
from comorbid.effects.arrays import Array, Index
from comorbid.effects.scales import base_name
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError
from comorbid.models.clusters import Clusters, clusters_of, named, stacks_of
from comorbid.models.covariance import covariance
from comorbid.models.covariance_result import Covariance, of_correlations
from comorbid.models.sampling_covariance import check_covariance

Weighting = Literal["inverse-variance", "equal"]
# A covariance between studies above this share of their variances is no rounding.
_INDEPENDENT = 1e-10


def aggregate(
    effects: Effects,
    *,
    by: Any = "study_id",
    rho: float | None = None,
    V: Covariance | ArrayLike | None = None,  # noqa: N803, as in metafor and the formulas
    weights: Weighting = "inverse-variance",
) -> Effects:
    r"""Pool the effects within each study, so that there is one row a study.

    With the covariances :math:`V_j` of the effects of study j,

    .. math:: y_j = \frac{1'V_j^{-1} y}{1'V_j^{-1} 1}, \quad v_j = \frac{1}{1'V_j^{-1} 1}
       \qquad \text{or} \qquad y_j = \bar y, \quad v_j = \frac{1'V_j 1}{m_j^2}

    by inverse variance, or with equal weights. As with metafor's `aggregate`, the effects of a
    study are taken as estimates of one true effect: what they differ by beyond V is lost.

    Parameters
    ----------
    effects : Effects
        k rows, several of one study; rows without an effect are left out, with a note in the
        result's warnings.
    by : str or sequence of k
        A column, or one value an effect: what becomes a row.
    rho : float, optional
        A correlation assumed of the effects of a study, from -1 / (m - 1) to 1 for m effects; 0
        for independent ones.
    V : Covariance or array_like of shape (k, k), optional
        Their covariances in place of ``rho``: what `covariance` returns, with ``time`` and ``phi``
        as metafor's ``struct="CAR"``, or a matrix with the effects' variances on its diagonal.
    weights : {"inverse-variance", "equal"}

    Returns
    -------
    Effects
        In the order in which the studies come first, with their names as labels and ids.
        Moderators that are numbers are averaged; others are kept where they agree within a study
        and None where they do not. Rows in which a moderator is missing have no part in it.

    Raises
    ------
    DataError
        If a study's name is missing, V is not that of these effects, joins effects of different
        studies, or is not positive definite.
    ModelError
        If not exactly one of ``rho`` and ``V`` is given, or rho is out of its range.

    References
    ----------
    Borenstein M, Hedges LV, Higgins JPT, Rothstein HR (2009). Introduction to Meta-Analysis,
    chapter 24. doi:10.1002/9780470743386
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.2, 0.4, 0.9], vi=[0.04, 0.04, 0.1], studies=["A", "A", "B"])
    >>> means = aggregate(effects, rho=0.5)
    >>> means.labels, means.yi.round(3).tolist(), means.vi.round(3).tolist()
    (('A', 'B'), [0.3, 0.9], [0.03, 0.1])
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    check_choice("weights", weights, get_args(Weighting))
    if (rho is None) == (V is None):
        raise ModelError("give one of rho and V: how the effects of a study depend")
    clusters = clusters_of(effects, by, name="by")
    rows = np.flatnonzero(~(np.isnan(effects.yi) | np.isnan(effects.vi)))
    if not rows.size:
        raise DataError("no effect to aggregate: every row is missing its effect or its variance")
    used = effects.take(rows.tolist())
    parts = clusters_of(used, [clusters.names[i] for i in clusters.of[rows]], name="by")
    v = (
        covariance(used, cluster=[parts.names[i] for i in parts.of], rho=rho)
        if V is None
        else _given(V, effects, rows)
    )
    _check_apart(v, parts.of, used)
    y, variances = np.empty(len(parts.names)), np.empty(len(parts.names))
    for stack in stacks_of(parts.rows()):
        at = stack.rows
        blocks = v.among(at)
        w = _weights(blocks, weights, at, used)
        y[stack.numbers] = (w * used.yi[at]).sum(axis=1)
        variances[stack.numbers] = np.einsum("bi,bij,bj->b", w, blocks, w)
    notes = (*effects.warnings, *_outside(y, used.yi, parts))
    if rows.size < effects.k:
        missing = np.setdiff1d(np.arange(effects.k), rows)
        notes = (*notes, f"left out, no effect: {named(missing, effects.labels)}")
    return _effects(used, y, variances, parts, notes)


def _given(v: object, effects: Effects, rows: Index) -> Covariance:
    """Return the covariances of the rows used; independent ones are in no block."""
    found = check_covariance(v, effects, rows)
    if isinstance(found, Covariance):
        return found
    return of_correlations(effects.take(rows), [], how="a matrix")


def _outside(y: Array, yi: Array, parts: Clusters) -> tuple[str, ...]:
    """Return a note on means below or above all of the effects that they are of."""
    beyond = [
        name
        for mean, name, rows in zip(y, parts.names, parts.rows(), strict=True)
        if rows.size > 1 and not _near_range(mean, yi[rows])
    ]
    if not beyond:
        return ()
    return (
        f"the mean lies outside the range of its own effects, as one that is correlated with a far "
        f"more precise one has a negative weight: {', '.join(beyond)}; lower the correlation, or "
        "use weights='equal'",
    )


def _near_range(mean: float, yi: Array) -> bool:
    """Return whether a mean is between the least and the greatest effect, rounding aside."""
    slack = 1e-9 * float(np.abs(yi).max())
    return bool(yi.min() - slack <= mean <= yi.max() + slack)


def _check_apart(v: Covariance, of: Index, effects: Effects) -> None:
    """Raise `DataError` if effects of different rows depend on each other."""
    for rows, matrix in v.blocks:
        sd = np.sqrt(effects.vi[rows])
        other = of[rows][:, None] != of[rows]
        joined = np.argwhere(other & (np.abs(matrix) > _INDEPENDENT * np.outer(sd, sd)))
        if joined.size:
            i, j = rows[joined[0]]
            raise DataError(
                f"V joins {effects.labels[i]} and {effects.labels[j]}, which become different "
                "rows; give by= a column in which they are one"
            )


def _weights(blocks: Array, weights: str, at: Index, effects: Effects) -> Array:
    """Return weights that sum to 1 for blocks of shape (b, s, s)."""
    size = blocks.shape[1]
    if weights == "equal":
        return np.full(at.shape, 1 / size)
    sd = np.sqrt(effects.vi[at])
    least = np.linalg.eigvalsh(blocks / (sd[:, :, None] * sd[:, None, :]))[:, 0]
    bad = np.flatnonzero(least < _INDEPENDENT)
    if bad.size:
        raise DataError(
            f"V is not positive definite among {named(at[bad[0]], effects.labels)}; lower their "
            "correlations, or use weights='equal'"
        )
    w = np.linalg.solve(blocks, np.ones((len(blocks), size, 1)))[:, :, 0]
    return np.asarray(w / w.sum(axis=1, keepdims=True))


def _effects(
    effects: Effects,
    y: Array,
    variances: Array,
    parts: Clusters,
    notes: tuple[str, ...],
) -> Effects:
    rows = parts.rows()
    ni = np.array([_common(effects.ni[r].tolist(), np.nan) for r in rows])
    return Effects(
        yi=y,
        vi=variances,
        labels=parts.names,
        measure=effects.measure,
        scale=effects.scale if np.isnan(ni).any() else base_name(effects.scale),
        source=tuple(_common([effects.source[i] for i in r], "given") for r in rows),
        moderators={
            name: _joined(name, values, rows) for name, values in effects.moderators.items()
        },
        overrides=effects.overrides,
        warnings=notes,
        ni=ni,
    )


def _joined(name: str, values: Sequence[Any], rows: list[Index]) -> list[Any]:
    """Return a moderator by study: the mean of numbers, otherwise what all known ones are."""
    known = [[i for i in r if not is_missing(values[i])] for r in rows]
    if all(value is None or is_number(value) for value in values):
        column = numbers(name, values)
        return [float(column[r].mean()) if r else float("nan") for r in known]
    return [_common([values[i] for i in r], None) for r in known]


def _common(values: list[Any], otherwise: Any) -> Any:
    """Return the value that all have, or another, as where there is none."""
    same = values and all(value == values[0] for value in values)
    return values[0] if same else otherwise
