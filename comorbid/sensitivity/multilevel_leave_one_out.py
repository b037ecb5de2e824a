"""Multilevel leave-one-out: how much the result depends on each study with all its rows."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.design_matrix import INTERCEPT
from comorbid.models.multilevel_refits import MultilevelRefits, component_name
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.robust import robust
from comorbid.models.robust_result import TABLE, Robust
from comorbid.sensitivity.group_deletion import GroupDeletion, component_values, without_groups

# A row: the coefficients by `TABLE`, of shape (7, p), and the prediction interval of a mean.
_Row = tuple[Array, Array]


def multilevel_leave_one_out(fit: Multilevel | Robust, by: str | None) -> MultilevelRefits:
    """Refit a multilevel model, with its robust tests if it has them, without each group."""
    model = multilevel_of(fit)
    if isinstance(fit, Robust) and by is None and fit.cluster != "given":
        by = fit.cluster
    found = without_groups(model, by)
    rows, reasons = _rows(fit, found)
    tables = np.stack([table for table, _ in rows], axis=-1)
    heads = [component_name(component) for component in model.components]
    return MultilevelRefits(
        kind="leave-one-out",
        by=found.by,
        labels=found.labels,
        names=model.names,
        components=tuple(heads),
        **dict(zip(TABLE, tables, strict=True)),
        pi_low=np.array([interval[0] for _, interval in rows]),
        pi_high=np.array([interval[1] for _, interval in rows]),
        variances=component_values(found),
        i2=found.collect(lambda of: of.heterogeneity.total),
        q=found.collect(lambda of: of.qe),
        q_p=found.collect(lambda of: of.qe_p),
        log_likelihood=found.collect(lambda of: of.log_likelihood),
        k=model.k - found.sizes,
        reasons=reasons,
        formula=model.formula,
        scale=model.effects.scale,
        inference=fit.correction if isinstance(fit, Robust) else "model",
        **model.made,
    )


def multilevel_of(fit: Multilevel | Robust) -> Multilevel:
    """Return the multilevel model that robust tests are of, or the model itself.

    Raises
    ------
    DataError
        If the tests are of another fit.
    """
    model = fit.fit if isinstance(fit, Robust) else fit
    if isinstance(model, Multilevel):
        return model
    raise DataError(
        [
            Problem(
                "fit is a Robust of what pool() or regress() returned",
                "refit that without each cluster: leave_one_out(found.fit, by=...); or make it of "
                "multilevel(), whose refits keep the robust intervals",
            )
        ]
    )


def _rows(fit: Multilevel | Robust, found: GroupDeletion) -> tuple[list[_Row], tuple[str, ...]]:
    """Return the rows of the table, and why they are incomplete."""
    rows, reasons = [], list(found.reasons)
    for i, without in enumerate(found.without):
        again: Multilevel | Robust | None = without
        if without is not None and isinstance(fit, Robust):
            again, reasons[i] = _robust(fit, without, found.rows[i])
        rows.append(_row(again, found.fit.p))
        if again is None and without is not None:
            rows[-1][0][0] = without.estimate
    return rows, tuple(reasons)


def _robust(fit: Robust, without: Multilevel, own: Index) -> tuple[Robust | None, str]:
    """Return the robust tests of a refit by the clusters of the fit, or why there are none."""
    clusters = fit.clustered.clusters
    left = np.delete(clusters.of, own)
    try:
        names = [clusters.names[j] for j in left]
        return robust(without, cluster=names, vcov=fit.correction, level=fit.level), ""
    except ModelError as error:
        return None, f"no robust interval: {' '.join(str(error).split())}"


def _row(fit: Multilevel | Robust | None, p: int) -> _Row:
    """Return the row of a fit; nan without one, or where there is no single prediction."""
    nothing = np.full(2, np.nan)
    if fit is None:
        return np.full((len(TABLE), p), np.nan), nothing
    table = np.array([getattr(fit, name) for name in TABLE])
    at = fit.predict() if fit.names == (INTERCEPT,) else None
    if at is None or len(at.labels) > 1:
        return table, nothing
    return table, np.array([at.pi_low[0], at.pi_high[0]])
