"""Fits as the sandwich takes them: weights and working covariances, cluster by cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.clusters import Clusters, clusters_of
from comorbid.models.design_matrix import INTERCEPT
from comorbid.models.fitted import Fitted
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.sandwich import Working, working
from comorbid.models.settings import dependence_notes


class Clustered(NamedTuple):
    """A fit and the clusters of its effects.

    Attributes
    ----------
    fit : Fit, Regression or Multilevel
    clusters : Clusters
    working : Working
    names : tuple of p str
        The coefficients.
    terms : mapping of str to sequence of int
        Coefficients of each term of the formula.
    tested : tuple of int
        Those of the omnibus test.
    """

    fit: Any
    clusters: Clusters
    working: Working
    names: tuple[str, ...]
    terms: Mapping[str, Sequence[int]]
    tested: tuple[int, ...]

    @property
    def names_of_clusters(self) -> tuple[str, ...]:
        """Those with a part in the sandwich: of effects that have a weight."""
        weights = getattr(self.fit, "raw_weights", np.ones(len(self.clusters.of)))
        part = np.bincount(self.clusters.of, weights > 0, len(self.clusters.names)) > 0
        return tuple(n for n, has in zip(self.clusters.names, part, strict=True) if has)

    @property
    def fit_notes(self) -> tuple[str, ...]:
        """The notes on the fit, but for dependence within studies if the clusters hold it."""
        effects = self.fit.effects
        pairs = set(zip(effects.studies, self.clusters.of.tolist(), strict=True))
        apart = len(pairs) > len(set(effects.studies))
        answered = () if apart else dependence_notes(effects)
        return tuple(note for note in self.fit.warnings if note not in answered)


def clustered(fit: object, cluster: object) -> Clustered:
    """Return a fit of `pool`, `regress` or `multilevel` with the clusters of its effects.

    Raises
    ------
    DataError
        If it is no such fit, or a cluster is missing.
    ModelError
        If there is one cluster, or not more than coefficients, or effects of different clusters
        depend on each other in the model.
    """
    known: Any = fit
    if not (isinstance(fit, Fitted | Multilevel)):
        remedy = "give what pool(), regress() or multilevel() returns"
        raise DataError([Problem(f"fit is of type {type(fit).__name__}", remedy)])
    clusters = clusters_of(known.effects, cluster)
    rows = clusters.rows()
    if isinstance(fit, Fitted):
        # Effects that the analyst gave no weight have no part in the sandwich either.
        rows = [r[fit.raw_weights[r] > 0] for r in rows]
        rows = [r for r in rows if r.size]
    m, p = len(rows), int(known.p)
    if m <= p:
        raise ModelError(
            f"{m} {'cluster' if m == 1 else 'clusters'} for {p} "
            f"{'coefficient' if p == 1 else 'coefficients'}: a cluster-robust variance needs more "
            "clusters than coefficients; leave moderators out, or name a finer column of clusters"
        )
    if isinstance(fit, Fitted):
        tau2 = 0.0 if np.isnan(fit.tau2) else fit.tau2
        phi = fit.effects.vi + tau2
        weights = [np.diag(fit.raw_weights[r]) for r in rows]
        parts = working(fit.x, fit.residuals, rows, weights, [np.diag(phi[r]) for r in rows])
    else:
        w, phi_parts = _blocks(known, clusters, rows)
        parts = working(known.x, known.residuals, rows, w, phi_parts)
    design = getattr(fit, "design", None)
    if design is None:
        return Clustered(fit, clusters, parts, (INTERCEPT,), {}, (0,))
    return Clustered(fit, clusters, parts, design.names, design.terms, design.tested)


def _blocks(fit: Any, clusters: Clusters, rows: list[Index]) -> tuple[list[Array], list[Array]]:
    """Return weights and marginal covariances of each cluster from the model's own blocks."""
    place = np.empty(len(clusters.of), dtype=np.intp)
    for r in rows:
        place[r] = np.arange(r.size)
    w = [np.zeros((r.size, r.size)) for r in rows]
    phi = [np.zeros((r.size, r.size)) for r in rows]
    joined = fit.model.joined
    first = clusters.of[np.unique(joined, return_index=True)[1]][joined]
    if (apart := np.flatnonzero(first != clusters.of)).size:
        two = sorted((first[apart[0]], clusters.of[apart[0]]))
        raise ModelError(
            "the model lets effects of different clusters "
            f"({', '.join(clusters.names[i] for i in two)}) depend on each other; give cluster= "
            "the outermost grouping of the model, or leave out what is crossed with it"
        )
    for block in fit.blocks:
        of = clusters.of[block.rows[0]]
        at = np.ix_(place[block.rows], place[block.rows])
        w[of][at], phi[of][at] = block.weights, block.variance
    return w, phi
