"""The sandwich: what cluster-robust variances of a linear estimator are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.clusters import stacks_of

Correction = Literal["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)
# An eigenvalue of the residuals' covariance, as a share of the largest, that is 0 but for rounding.
_NOTHING = 1e-10
# A share of a variance that is 0 but for rounding.
_NOTHING_OF = 1e-6


class Part(NamedTuple):
    """Clusters of s effects each.

    Attributes
    ----------
    numbers : integer array of shape (b,)
        Of the clusters.
    x : array of shape (b, s, p)
    e : array of shape (b, s)
        Residuals.
    w, phi : arrays of shape (b, s, s)
        Weights, and the covariances of the working model.
    """

    numbers: Index
    x: Array
    e: Array
    w: Array
    phi: Array


class Working(NamedTuple):
    r"""A weighted fit of k effects in m independent clusters, with p coefficients.

    Attributes
    ----------
    parts : tuple of Part
    bread : array of shape (p, p)
        :math:`M = (X'WX)^{-1}`.
    meat : array of shape (p, p)
        :math:`S = X'W\Phi WX`, so that MSM are the covariances by the working model.
    m, k : int
    """

    parts: tuple[Part, ...]
    bread: Array
    meat: Array
    m: int
    k: int

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return len(self.bread)

    @property
    def vcov(self) -> Array:
        """Covariances of the coefficients by the working model."""
        return self.bread @ self.meat @ self.bread


def working(
    x: Array, e: Array, rows: list[Index], w: Sequence[Array], phi: Sequence[Array]
) -> Working:
    """Put a fit together.

    Parameters
    ----------
    x : array of shape (k, p)
    e : array of shape (k,)
    rows : list of m integer arrays
        Positions of each cluster's effects.
    w, phi : sequences of m arrays of shape (s, s)
        Weights and covariances of each cluster's effects in that order.
    """
    parts = tuple(
        Part(
            stack.numbers,
            x[stack.rows],
            e[stack.rows],
            np.stack([w[i] for i in stack.numbers]),
            np.stack([phi[i] for i in stack.numbers]),
        )
        for stack in stacks_of(rows)
    )
    return of_parts(parts, len(rows), sum(r.size for r in rows))


def of_parts(parts: tuple[Part, ...], m: int, k: int) -> Working:
    """Put a fit together from its clusters by size."""
    wx = [part.w @ part.x for part in parts]
    bread = sum(np.einsum("bsp,bsq->pq", a.x, b) for a, b in zip(parts, wx, strict=True))
    meat = sum(np.einsum("bsp,bst,btq->pq", b, a.phi, b) for a, b in zip(parts, wx, strict=True))
    inverse = np.linalg.inv(np.asarray(bread))
    return Working(parts, (inverse + inverse.T) / 2, np.asarray(meat), m, k)


class Adjusted(NamedTuple):
    r"""What each cluster adds to the sandwich, for the p coefficients.

    With the adjustment :math:`A_j` and :math:`g_j = A_j'W_jX_jM`, the variance of the coefficients
    is :math:`\sum_j g_j'e_j e_j'g_j`, times ``factor``.

    Attributes
    ----------
    u : array of shape (m, p)
        :math:`g_j'e_j`.
    a, b : arrays of shape (m, p, p)
        :math:`X_j'g_j` and :math:`X_j'W_j\Phi_j g_j`; the last axis is that of coefficients.
    c : array of shape (m, p, p)
        :math:`g_j'\Phi_j g_j`.
    factor : float
    g : tuple of arrays of shape (b, s, p)
        By part, as the fit has them.
    """

    u: Array
    a: Array
    b: Array
    c: Array
    factor: float
    g: tuple[Array, ...]

    @property
    def vcov(self) -> Array:
        """The cluster-robust covariances of the coefficients."""
        return np.asarray(self.factor * (self.u.T @ self.u))


def adjusted(fit: Working, vcov: Correction) -> Adjusted:
    """Return what each cluster adds under a correction."""
    u = np.empty((fit.m, fit.p))
    a, b, c = (np.empty((fit.m, fit.p, fit.p)) for _ in range(3))
    kept = []
    for part in fit.parts:
        wxm = part.w @ part.x @ fit.bread
        g = np.swapaxes(adjustments(fit, part, vcov), 1, 2) @ wxm
        kept.append(g)
        u[part.numbers] = np.einsum("bsp,bs->bp", g, part.e)
        phi_g = part.phi @ g
        a[part.numbers] = np.swapaxes(part.x, 1, 2) @ g
        b[part.numbers] = np.swapaxes(part.x, 1, 2) @ part.w @ phi_g
        c[part.numbers] = np.swapaxes(g, 1, 2) @ phi_g
    return Adjusted(u, a, b, c, _factor(fit, vcov), tuple(kept))


def _factor(fit: Working, vcov: Correction) -> float:
    m, p, k = fit.m, fit.p, fit.k
    if vcov == "CR1":
        return m / (m - 1)
    if vcov == "CR1p":
        return m / (m - p)
    if vcov == "CR1S":
        return m * (k - 1) / ((m - 1) * (k - p))
    return 1.0


def adjustments(fit: Working, part: Part, vcov: Correction) -> Array:
    r"""Return the matrices :math:`A_j` of shape (b, s, s) that residuals are multiplied by.

    For CR2 :math:`A_j = D_j' (D_j B_j D_j')^{-1/2} D_j` with any root :math:`D_j'D_j = \Phi_j` and
    the covariances :math:`B_j` of the residuals under the working model; for CR3
    :math:`A_j = (I - H_j)^{-1}`. Directions in which residuals cannot differ from 0 but for
    rounding, compared to what they would without a fit, are left out of the inverses. These are
    taken of residuals in units of their own variances, as one effect of a cluster may be more
    precise than another by many orders of magnitude.
    """
    eye = np.broadcast_to(np.eye(part.x.shape[1]), part.w.shape)
    if vcov not in ("CR2", "CR3"):
        return eye
    d, inverse = _roots(part.phi)
    turned, back = np.swapaxes(d, 1, 2), np.swapaxes(inverse, 1, 2)
    if vcov == "CR3":
        rest = eye - _fitted(fit, part, d, inverse)
        largest = np.maximum(np.linalg.norm(rest, ord=2, axis=(1, 2)), _NOTHING)
        inside = np.linalg.pinv(rest, rcond=_NOTHING * np.maximum(1, 1 / largest))
        return np.asarray(turned @ inside @ back)
    values, vectors, none = _residuals(fit, part, d, inverse)
    # A root of what CR2 takes the inverse root of: half as many orders of magnitude apart.
    half = d @ turned @ (vectors * np.sqrt(np.where(none, 0.0, values))[:, None, :])
    u, size, _ = np.linalg.svd(half)
    used = np.arange(size.shape[1]) < (~none).sum(axis=1, keepdims=True)
    scaled = u * np.where(used, 1 / np.where(used, size, 1.0), 0.0)[:, None, :]
    return np.asarray(turned @ scaled @ np.swapaxes(u, 1, 2) @ d)


def _roots(phi: Array) -> tuple[Array, Array]:
    r"""Return D with :math:`D'D = \Phi`, and its inverse, each of shape (b, s, s).

    The root of the correlations times the standard deviations.
    """
    sd = np.sqrt(np.diagonal(phi, axis1=1, axis2=2))
    correlation = phi / (sd[:, :, None] * sd[:, None, :])
    eye = np.broadcast_to(np.eye(phi.shape[1]), phi.shape)
    root = inverse = eye
    if (correlation * (1 - eye)).any():
        root, inverse = _power(correlation, 0.5), _power(correlation, -0.5)
    return root * sd[:, None, :], inverse / sd[:, :, None]


def _fitted(fit: Working, part: Part, d: Array, inverse: Array) -> Array:
    """Return the hat matrices of each cluster in units of its working model."""
    z = np.swapaxes(inverse, 1, 2) @ part.x
    return z @ fit.bread @ np.swapaxes(part.x, 1, 2) @ part.w @ np.swapaxes(d, 1, 2)


def _residuals(fit: Working, part: Part, d: Array, inverse: Array) -> tuple[Array, Array, Mask]:
    """Return what covariances residuals have in units of the working model: 1 without a fit.

    Eigenvalues (b, s), eigenvectors (b, s, s), and which directions are 0 but for rounding.
    """
    z = np.swapaxes(inverse, 1, 2) @ part.x
    crossed = _fitted(fit, part, d, inverse)
    inside = np.eye(part.x.shape[1]) - crossed - np.swapaxes(crossed, 1, 2)
    values, vectors = np.linalg.eigh(inside + z @ fit.vcov @ np.swapaxes(z, 1, 2))
    none = values < _NOTHING * np.maximum(values.max(axis=1, keepdims=True), 1)
    return np.asarray(values), np.asarray(vectors), np.asarray(none)


def _power(matrices: Array, power: float) -> Array:
    """Return a power of symmetric matrices; of what is 0 in them but for rounding, 0."""
    values, vectors = np.linalg.eigh((matrices + np.swapaxes(matrices, -1, -2)) / 2)
    small = values <= _NOTHING * values.max(axis=-1, keepdims=True)
    scaled = np.where(small, 0.0, np.where(small, 1.0, values) ** power)
    return np.asarray((vectors * scaled[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def share_on_one(fit: Working) -> Array:
    r"""Return the share of the variance of each of p coefficients that rests on single clusters.

    The residuals of a cluster that alone tells a coefficient apart are 0 in some direction,
    whatever the data, and say nothing of how far it may be off: with weights
    :math:`r_j = W_jX_jM` in the estimate, and the projection :math:`N_j` on such directions in
    the metric of :math:`\Phi_j`, it is the share of the variance that :math:`N_jr_j` have. The
    sandwich is too small by it, and 0 where it is 1.
    """
    lost = np.zeros(fit.p)
    for part in fit.parts:
        d, inverse = _roots(part.phi)
        _, vectors, none = _residuals(fit, part, d, inverse)
        along = np.swapaxes(vectors, 1, 2) @ d @ part.w @ part.x @ fit.bread
        lost += np.einsum("bs,bsp->p", none.astype(float), along**2)
    share = lost / np.diagonal(fit.vcov)
    return np.asarray(np.where(share > _NOTHING_OF, share, 0.0))


def _own(fit: Working, found: Adjusted) -> Array:
    """Return the (m, p, p) matrices that the clusters' terms are expected to be."""
    crossed = np.swapaxes(found.b, 1, 2) @ fit.bread @ found.a
    a = np.swapaxes(found.a, 1, 2) @ fit.vcov @ found.a
    return np.asarray(found.c - crossed - np.swapaxes(crossed, 1, 2) + a)


def freedom(fit: Working, found: Adjusted, chosen: Array) -> float:
    r"""Return the degrees of freedom of q combinations of the coefficients.

    For one combination Satterthwaite's, :math:`\nu = (\operatorname{tr} P)^2 / \sum_{ij} P_{ij}^2`
    with :math:`P_{ij} = p_i'\Phi p_j` for the vectors by which the j-th term of the sandwich is
    :math:`(p_j'y)^2`. For several :math:`\eta` of Tipton and Pustejovsky's HTZ,

    .. math:: \eta = \frac{q(q + 1)}{\sum_{s,t} \operatorname{Var}(d_{st})}, \qquad
       \sum_{s,t} \operatorname{Var}(d_{st}) = \sum_{i,j} (\operatorname{tr} P_{ij})^2 +
       \operatorname{tr} P_{ij}^2

    for the sandwich d divided by the root of its expectation on both sides. Sums over pairs of
    clusters are taken through matrices of the coefficients' size.

    Parameters
    ----------
    chosen : array of shape (q, p)
    """
    expected = chosen @ _own(fit, found).sum(axis=0) @ chosen.T
    sd = np.sqrt(np.maximum(np.diagonal(expected), 0))
    if not (sd > 0).all() or np.linalg.eigvalsh(expected / np.outer(sd, sd))[0] <= 0:
        return float("nan")
    # In units of the coefficients' standard errors, whatever those of the moderators.
    sides = chosen.T / sd @ _power(expected / np.outer(sd, sd), -0.5)
    a, b = found.a @ sides, found.b @ sides
    c = np.swapaxes(sides, 0, 1) @ found.c @ sides
    q, zero = sides.shape[1], np.zeros_like(fit.bread)
    inner = np.block([[fit.vcov, -fit.bread], [-fit.bread, zero]])
    low = np.concatenate([a, b], axis=1)
    sums = np.einsum("jus,jvt->stuv", low, low)
    k = inner @ sums
    # The part of all pairs, and what the cluster's own adds to its own.
    variance = np.einsum("stuv,tsvu->", k, k) + np.einsum("tsuv,tsvu->", k, k)
    own = np.swapaxes(low, 1, 2) @ inner @ low
    for one, two, times in ((c, c, 1), (c, own, 2)):
        traces = np.einsum("jss->j", one) * np.einsum("jss->j", two)
        variance += times * float(traces.sum() + np.einsum("jst,jts->", one, two))
    return float(q * (q + 1) / variance)
