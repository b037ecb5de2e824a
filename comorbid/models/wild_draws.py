"""Wild draws: the statistics that draws of a wild cluster bootstrap give, for all draws at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.models.robust_fit import Clustered
from comorbid.models.sandwich import Adjusted, Correction, Working, adjustments, of_parts

EQUAL = 1e-9
"""Statistics within this share of the observed one are equal to it but for rounding."""
# Cells of the arrays of one block of draws.
_CELLS = 2**21


def share(as_large: Mask, every: bool) -> Array:
    """Return p by the draws (n, ...) that are as large as the observed one, which counts as one."""
    number, n = as_large.sum(axis=0), len(as_large)
    return np.asarray(np.maximum(number, 1) / n if every else (1 + number) / (1 + n))


def null_residuals(
    of: Clustered, rows: Sequence[int], vcov: Correction, y: list[Array]
) -> list[Array]:
    """Return the adjusted residuals of y in the model without some coefficients.

    ``y``, and what is returned, are values by part, as the fit's parts are.
    """
    kept = [i for i in range(of.working.p) if i not in set(rows)]
    if not kept:
        return y
    parts = of.working.parts
    null = of_parts(tuple(p._replace(x=p.x[:, :, kept]) for p in parts), of.working.m, of.working.k)
    xwy = sum(np.einsum("bsp,bst,bt->p", n.x, n.w, v) for n, v in zip(null.parts, y, strict=True))
    at = null.bread @ np.asarray(xwy)
    return [
        np.einsum("bst,bt->bs", adjustments(null, n, vcov), v - n.x @ at)
        for n, v in zip(null.parts, y, strict=True)
    ]


def moved(
    fit: Working, found: Adjusted, residuals: list[Array], rows: Sequence[int]
) -> tuple[Array, Array]:
    """Return what each cluster's residuals move, of shapes (m, p) and (m, q).

    The coefficients, and its own term of the sandwich for the coefficients ``rows``.
    """
    pushed = np.empty((fit.m, fit.p))
    u = np.empty((fit.m, len(rows)))
    for part, g, e in zip(fit.parts, found.g, residuals, strict=True):
        we = np.einsum("bst,bt->bs", part.w, e)
        pushed[part.numbers] = np.einsum("bsp,bs->bp", part.x, we) @ fit.bread
        u[part.numbers] = np.einsum("bsq,bs->bq", g[:, :, rows], e)
    return pushed, u


def all_statistics(
    fit: Working, found: Adjusted, residuals: list[Array], rows: Sequence[int], eta: Array
) -> Array:
    """Return the statistics of n draws, given by multipliers of shape (n, m).

    The residuals of the whole model in draw b are those of ``eta * residuals``, as what the null
    model expects is in the whole model's columns.
    """
    pushed, u = moved(fit, found, residuals, rows)
    a = found.a[:, :, rows]
    blocks = []
    for some in in_blocks(eta, len(rows) + fit.p):
        shift = some @ pushed
        each = some[:, :, None] * u - np.einsum("jpq,np->njq", a, shift)
        blocks.append(statistics_of(shift[:, rows], each))
    return np.concatenate(blocks)


def in_blocks(eta: Array, width: int) -> Iterator[Array]:
    """Yield the multipliers of some draws after another, for arrays of ``width`` a cluster."""
    size = max(1, _CELLS // (eta.shape[1] * width))
    for start in range(0, len(eta), size):
        yield eta[start : start + size]


def statistics_of(beta: Array, u: Array) -> Array:
    """Return F of coefficients (n, q) with what each cluster adds to their variance, (n, m, q)."""
    variance = np.einsum("njq,njr->nqr", u, u)
    scale = np.sqrt(np.einsum("nqq->nq", variance))
    unit = scale + (scale == 0)
    inside = variance / (unit[:, :, None] * unit[:, None, :])
    values, vectors = np.linalg.eigh(inside)
    along = np.einsum("nqr,nq->nr", vectors, beta / unit)
    nothing = values <= 1e-12
    parts = np.where(
        nothing, np.where(along == 0, 0.0, np.inf), along**2 / np.where(nothing, 1, values)
    )
    return np.asarray(parts.sum(axis=1) / beta.shape[1])


def patterns(m: int) -> Array:
    """Return all patterns of signs of m clusters up to a common sign."""
    bits = (np.arange(2 ** (m - 1))[:, None] >> np.arange(m - 1)) & 1
    return np.concatenate([np.ones((len(bits), 1)), 1.0 - 2.0 * bits], axis=1)


def random_signs(names: Sequence[str], weights: str, draws: int, seed: int) -> Array:
    """Return random multipliers of m clusters, of shape (draws, m).

    They go to the clusters by their names, so that the order of rows makes no difference.
    """
    values = np.array([1.0, -1.0])
    if weights == "webb":
        half = np.sqrt([0.5, 1.0, 1.5])
        values = np.concatenate([half, -half])
    drawn = np.random.default_rng(seed).choice(values, size=(draws, len(names)))
    return np.asarray(drawn[:, np.argsort(np.argsort(names))])
