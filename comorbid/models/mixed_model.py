"""Mixed model: effects, design, sampling covariances and random terms, in well-scaled units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Index
from comorbid.models.clusters import stacks_of
from comorbid.models.covariance_result import Covariance
from comorbid.models.partition import components
from comorbid.models.profiled import Likelihood, Profiled
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
    together : array of shape (k,) or None
        For each effect the number of those that V makes it depend on; None for variances.
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
    together: Index | None
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
        groupings = [term.group for term in self.terms]
        if self.together is not None:
            groupings.append(self.together)
        return components(groupings, None, self.k)

    def surface(self) -> Surface:
        """Return the likelihood of variances, by group sums where the model allows it."""
        structures = tuple(term.structure for term in self.terms)
        terms = [term.term for term in self.terms]
        found = equations(self.columns, self.scaled_v, self.together, terms, self.method)
        return Surface(found, structures)

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
    return MixedModel(
        yi=yi,
        x=x,
        v=v,
        together=v.together if isinstance(v, Covariance) else None,
        terms=ordered,
        method=method,
        unit=unit,
        root=root,
        centre=centre,
        columns=np.vstack([columns.T, rest]),
    )


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
    own, weighed = _weighed(model)
    x, y = model.columns[:-1], model.columns[-1]
    wx, wy = weighed[:-1], weighed[-1]
    vcov = np.linalg.inv(wx @ x.T)
    beta = vcov @ (x @ wy)
    diagonal = own - np.einsum("ai,ab,bi->i", wx, vcov, wx)
    hat = np.einsum("ai,ab,bi->i", x, vcov, wx)
    return float((y - beta @ x) @ (wy - beta @ wx)), diagonal / model.unit**2, hat


def _weighed(model: MixedModel) -> tuple[Array, Array]:
    """Return the diagonal of the inverse of V, and its products with the columns."""
    if not isinstance(model.v, Covariance) or model.together is None:
        independent = model.unit**2 / model.vi
        return independent, independent * model.columns
    own, weighed = np.empty(model.k), np.empty_like(model.columns)
    order = np.argsort(model.together, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(model.together))[:-1])
    for stack in stacks_of(rows):
        w = np.linalg.inv(model.v.among(stack.rows)) * model.unit**2
        own[stack.rows] = np.einsum("bss->bs", w)
        weighed[:, stack.rows] = (w @ model.columns.T[stack.rows]).transpose(2, 0, 1)
    return own, weighed
