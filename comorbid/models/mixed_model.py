"""Mixed model: effects, design, sampling covariances and random terms, in well-scaled units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Index
from comorbid.models.covariance_result import Covariance
from comorbid.models.dense_blocks import DenseBlocks
from comorbid.models.partition import components
from comorbid.models.profiled import Likelihood, Profiled, profiled
from comorbid.models.random_terms import Random
from comorbid.models.splits import equations
from comorbid.models.variance_components import parts_of
from comorbid.models.variance_search import Surface


@dataclass(frozen=True, slots=True, eq=False)
class MixedModel(Frozen):
    r"""The model :math:`y = X\beta + Zu + e`, with e of known covariances V.

    Effects are measured in units of a typical standard error, from what least squares expect, and
    the columns of the design are made orthogonal; what is returned is in the units given.

    Attributes
    ----------
    yi : array of shape (k,)
    x : array of shape (k, p)
    v : array of shape (k,) or Covariance
        Sampling variances, or covariances.
    terms : tuple of Random
    method : {"REML", "ML"}
    unit : float
        The typical standard error, a power of 2.
    root : array of shape (p, p)
        What the orthogonal columns are times, to give the design.
    centre : array of shape (p,)
        The coefficients by weighted least squares.
    columns : array of shape (p + 1, k)
        The orthogonal columns and the effects, as the likelihood takes them.
    """

    yi: Array
    x: Array
    v: Array | Covariance
    terms: tuple[Random, ...]
    method: Likelihood
    unit: float
    root: Array
    centre: Array
    columns: Array

    @property
    def k(self) -> int:
        """Number of effects."""
        return int(self.yi.size)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.x.shape[1])

    @property
    def vi(self) -> Array:
        """Sampling variances."""
        return self.v.vi if isinstance(self.v, Covariance) else self.v

    @property
    def scaled_v(self) -> Array | Covariance:
        """V in units of the search."""
        v, square = self.v, self.unit**2
        return v.times(1 / square) if isinstance(v, Covariance) else v / square

    @property
    def joined(self) -> Index:
        """For each effect the number of those that depend on it, of shape (k,)."""
        pairs = self.v.pairs if isinstance(self.v, Covariance) else None
        return components([term.group for term in self.terms], pairs, self.k)

    def surface(self) -> Surface:
        """Return the likelihood of variances, by group sums where the model allows it."""
        structures = tuple(term.structure for term in self.terms)
        terms = [term.term for term in self.terms]
        return Surface(equations(self.columns, self.scaled_v, terms, self.method), structures)

    @property
    def typical(self) -> float:
        """A variance of about the size of all random effects, in units of the search."""
        spread = float((self.columns[-1] ** 2).sum()) / max(self.k - self.p, 1)
        vi = self.vi / self.unit**2
        return max(spread - float(vi.mean()), 0.1 * spread, 0.05)

    @property
    def constant(self) -> float:
        """What a height of the search lacks of the log-likelihood."""
        n = self.k - self.p if self.method == "REML" else self.k
        orthogonal = self.p * np.log(self.k) if self.method == "REML" else 0.0
        return float(-(n * np.log(2 * np.pi) - orthogonal + 2 * n * np.log(self.unit)) / 2)

    def estimates(self, found: Profiled) -> tuple[Array, Array]:
        """Return coefficients (p,) and their covariances (p, p), of a batch of one point."""
        back = np.linalg.inv(self.root) * self.unit
        return self.centre + back @ found.coefficients[0], back @ found.unit_vcov[0] @ back.T

    def matrices(self, theta: Array) -> list[Array]:
        """Return G of each term at one point (n,), each of shape (1, q, q), in search units."""
        parts = parts_of(self.terms, theta[None])
        return [term.structure.matrix(part) for term, part in zip(self.terms, parts, strict=True)]


def mixed_model(
    yi: Array,
    x: Array,
    v: Array | Covariance,
    terms: Sequence[Random],
    method: Likelihood,
) -> MixedModel:
    """Return the model of effects (k,) with a design (k, p) and sampling covariances."""
    vi = v.vi if isinstance(v, Covariance) else v
    unit = float(2.0 ** np.round(np.log2(np.median(vi)) / 2))
    size = np.abs(x).max(axis=0)
    basis, upper = np.linalg.qr(x / size)
    root = upper * size / np.sqrt(len(x))
    columns = basis * np.sqrt(len(x))
    w = unit / np.sqrt(vi)
    start = np.linalg.lstsq(columns * w[:, None], yi * w, rcond=None)[0]
    rest = (yi - columns @ start) / unit
    centre = np.linalg.solve(root, start)
    excess = rest**2 - vi / unit**2
    ordered = tuple(_ordered(term, excess) for term in terms)
    return MixedModel(yi, x, v, ordered, method, unit, root, centre, np.vstack([columns.T, rest]))


def _ordered(term: Random, excess: Array) -> Random:
    """Return the term with the levels of UN by their spread, for a better conditioned root."""
    if term.structure.id != "UN":
        return term
    spread = np.bincount(term.inner, excess) / np.bincount(term.inner)
    order = tuple(int(i) for i in np.argsort(-spread, kind="stable"))
    return replace(term, structure=replace(term.structure, order=order))


def common_mean(model: MixedModel) -> tuple[float, Array, Array]:
    r"""Return what the effects say without random effects.

    .. math:: Q_E = y'P_0y, \qquad P_0 = V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1}

    Returns
    -------
    q : float
    diagonal : array of shape (k,)
        Of :math:`P_0`, in the units of the effects.
    hat : array of shape (k,)
        The diagonal of :math:`X(X'V^{-1}X)^{-1}X'V^{-1}`.
    """
    if not isinstance(model.v, Covariance):
        return _independent(model)
    dense = DenseBlocks(model.columns, model.scaled_v, ())
    weighed = dense.weigh(())
    found = profiled(weighed.products, weighed.log_det, "REML")
    q, diagonal, hat = 0.0, np.empty(model.k), np.empty(model.k)
    for blocks, at in zip(dense.blocks, weighed.parts, strict=True):
        real, rows = blocks.stack.real, blocks.stack.rows
        wx = at.columns[0, ..., :-1]
        rest = blocks.columns[..., -1] - blocks.columns[..., :-1] @ found.coefficients[0]
        q += float(np.einsum("ms,mst,mt->", rest, at.w[0], rest))
        shared = np.einsum("msa,ab,msb->ms", wx, found.unit_vcov[0], wx)
        own = np.einsum("mss->ms", at.w[0]) - shared
        lever = np.einsum("msa,ab,msb->ms", blocks.columns[..., :-1], found.unit_vcov[0], wx)
        diagonal[rows[real]] = own[real] / model.unit**2
        hat[rows[real]] = lever[real]
    return q, diagonal, hat


def _independent(model: MixedModel) -> tuple[float, Array, Array]:
    """Return the same without covariances."""
    x, y = model.columns[:-1], model.columns[-1]
    w = model.unit**2 / model.vi
    vcov = np.linalg.inv((x * w) @ x.T)
    rest = y - (vcov @ (x @ (w * y))) @ x
    lever = w * np.einsum("ai,ab,bi->i", x, vcov, x)
    return float((w * rest**2).sum()), w * (1 - lever) / model.unit**2, lever
