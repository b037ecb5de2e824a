"""What a data set gives depends, to the bit, on nothing but that data set."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray

from comorbid.models import kernel
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.fits import Batch, DesignFits
from comorbid.models.kernel import fit_batch, fit_designs
from comorbid.models.settings import find_estimator

Array = NDArray[np.float64]
# The integrals of GENQM are taken as far as the largest data set of a block needs.
METHODS = tuple(estimator.id for estimator in ESTIMATORS if estimator.id != "GENQM")
N = 700


def mixed(seed: int, k: int = 9, n: int = N) -> tuple[Array, Array]:
    """Data sets of 2 to k studies in any rows, their variances alike or orders apart, or tiny."""
    rng = np.random.default_rng(seed)
    orders = rng.choice([0.0, 0.5, 1.0, 3.0, 9.0], n)
    vi = 10.0 ** (
        -orders * rng.uniform(0, 1, (k, n)) + rng.choice([0.0, -3.0, -80.0], n, p=[0.8, 0.15, 0.05])
    )
    tau = rng.choice([0.0, 0.1, 1.0, 30.0], n) * np.sqrt(vi.max(axis=0))
    yi = rng.standard_t(3, (k, n)) * np.sqrt(vi + tau**2)
    size = rng.integers(2, k + 1, n)
    place = rng.permuted(np.tile(np.arange(k)[:, None], n), axis=0)
    return yi, np.where(place < size, vi, np.inf)


def fitted(yi: Array, vi: Array, method: str) -> Batch:
    weights = np.where(np.isinf(vi), 0.0, 1 / np.sqrt(vi)) if method == "GENQ" else None
    estimator = find_estimator(method)
    return fit_batch(yi, vi, estimator=estimator, test="knha", level=0.95, weights=weights)


def same(one: Batch | DesignFits, other: Batch | DesignFits, at: slice | list[int]) -> None:
    for name in one.__slots__:
        expected, found = getattr(other, name)[..., at], getattr(one, name)
        assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f"), name


@pytest.mark.parametrize("method", METHODS)
def test_alone_and_among_others(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    yi, vi = mixed(1)
    together = fitted(yi, vi, method)
    for i in range(0, N, 7):
        same(fitted(yi[:, [i]], vi[:, [i]], method), together, [i])
    for cells in (9, 27, 500, 3000):
        monkeypatch.setattr(kernel, "_CELLS", cells)
        same(fitted(yi, vi, method), together, slice(None))
    order = np.random.default_rng(2).permutation(N)
    same(fitted(yi[:, order], vi[:, order], method), together, order.tolist())


@pytest.mark.parametrize("method", METHODS)
def test_with_rows_of_padding(method: str) -> None:
    yi, vi = mixed(3)
    alone = fitted(yi, vi, method)
    for rows in (1, 5):
        nothing = np.full((rows, N), 1e6)
        same(
            fitted(np.vstack([yi, nothing]), np.vstack([vi, nothing + np.inf]), method),
            alone,
            slice(None),
        )


@pytest.mark.parametrize("method", ["REML", "DL", "PM"])
def test_whatever_the_number_of_threads(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    yi, vi = mixed(4)
    monkeypatch.setattr(kernel, "_CELLS", 600)
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        found.append(fitted(yi, vi, method))
    same(found[1], found[0], slice(None))
    same(found[2], found[0], slice(None))


@pytest.mark.parametrize("method", ["DL", "REML", "ML", "PM", "HE", "SJ"])
@pytest.mark.parametrize("p", [2, 3])
def test_meta_regressions_alone_and_among_others(method: str, p: int) -> None:
    rng = np.random.default_rng(5)
    n, k = 120, 12
    vi = 10.0 ** rng.uniform(-2, 0, (k, n))
    yi = rng.normal(size=(k, n)) * np.sqrt(vi + 0.1)
    vi = np.where(rng.random((k, n)) < 0.15, np.inf, vi)
    x = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])

    def fitted(at: slice) -> DesignFits:
        estimator = find_estimator(method)
        return fit_designs(yi[:, at], vi[:, at], x, estimator=estimator, test="knha", level=0.95)

    together = fitted(slice(None))
    for start in range(0, n, 13):
        for width in (1, 2, 5):
            at = slice(start, min(n, start + width))
            same(fitted(at), together, at)
