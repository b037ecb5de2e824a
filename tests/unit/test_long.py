"""One data set of very many studies: the same numbers as any other, in one order of sums."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray

from comorbid.models import long
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import Batch, fit_batch
from comorbid.models.likelihood import ML, REML
from comorbid.models.long import LONG, Long
from comorbid.models.maxima import all_maxima
from comorbid.models.settings import find_estimator

Array = NDArray[np.float64]
METHODS = tuple(estimator.id for estimator in ESTIMATORS if not estimator.id.startswith("GENQ"))
MOMENTS = ("w", "mean", "q", "ypp", "yppp", "trace_p", "trace_pp", "w2", "log_w", "log_xwx")
K = 20_011


def simulated(k: int = K, orders: float = 1.5, origin: float = 0.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(7)
    vi = 10 ** rng.uniform(-orders, 0, k)
    return origin + rng.normal(0.7, np.sqrt(vi + 0.03)), vi


def fitted(yi: Array, vi: Array, method: str) -> Batch:
    estimator = find_estimator(method)
    return fit_batch(yi, vi, estimator=estimator, test="knha", level=0.95)


def same(one: Batch, other: Batch, at: int = 0) -> None:
    for name, values in one.columns().items():
        wanted = other.columns()[name][at]
        assert values[0] == wanted or np.isnan([values[0], wanted]).all(), name


@pytest.mark.parametrize(("orders", "origin"), [(1.5, 0.0), (9.0, 0.0), (1.5, -1e4)])
def test_moments_are_those_of_any_data_set(orders: float, origin: float) -> None:
    yi, vi = simulated(orders=orders, origin=origin)
    data, other = Long(yi, vi), Intercept(yi[:, None], vi[:, None])
    tau2 = np.array([0.0, 1e-6, 0.03, 2.0, 1e4])
    for values in (tau2, tau2[:1], tau2[2:3]):
        found, expected = (each.at(values, slice(None)) for each in (data, other))
        for name in MOMENTS:
            wanted = getattr(expected, name)
            assert getattr(found, name) == pytest.approx(wanted, rel=1e-9), name
    for found, expected in zip(data.unweighted(), other.unweighted(), strict=True):
        assert found == pytest.approx(expected, rel=1e-10)
    assert data.variance() == pytest.approx(other.variance(), rel=1e-10)
    assert data.lowest == other.lowest
    assert data.highest == other.highest
    assert data.log_xx == other.log_xx


def test_moments_beside_one_study_that_outweighs_all_others() -> None:
    yi, vi = simulated()
    vi[12_345] = 1e-18
    data, other = Long(yi, vi), Intercept(yi[:, None], vi[:, None])
    for tau2 in (np.zeros(1), np.array([1e-12])):
        found, expected = (each.at(tau2, slice(None)) for each in (data, other))
        for name in MOMENTS:
            wanted = getattr(expected, name)
            assert getattr(found, name) == pytest.approx(wanted, rel=1e-9), name


@pytest.mark.parametrize("likelihood", [ML, REML], ids=["ML", "REML"])
def test_maxima_are_those_of_any_data_set(likelihood: object) -> None:
    yi, vi = simulated(orders=4.0)
    found, expected = (
        all_maxima(data, likelihood) for data in (Long(yi, vi), Intercept(yi[:, None], vi[:, None]))
    )
    assert found.tau2 == pytest.approx(expected.tau2, rel=1e-9)
    assert found.height == pytest.approx(expected.height, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_fits_are_those_of_any_data_set(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with missing rows, in another unit and in the company of another data set."""
    yi, vi = (values[:, None] for values in simulated())
    alone = fitted(yi, vi, method)
    padding = np.full((5_000, 1), np.inf)
    same(fitted(np.vstack([yi, 0 * yi[:5_000]]), np.vstack([vi, padding]), method), alone)
    scattered = np.full((2 * K, 1), np.inf)
    scattered[1::2] = vi
    same(fitted(np.repeat(yi, 2, axis=0), scattered, method), alone)
    same(alone, fitted(np.hstack([yi + 1, yi]), np.hstack([2 * vi, vi]), method), at=1)
    tiny = fitted(yi * 2.0**-110, vi * 2.0**-220, method)
    assert tiny.estimate == pytest.approx(alone.estimate * 2.0**-110, rel=1e-12)
    monkeypatch.setattr("comorbid.models.kernel.LONG", K)
    short = fitted(yi, vi, method)
    for name, values in alone.columns().items():
        assert values == pytest.approx(short.columns()[name], rel=1e-9, nan_ok=True), name


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    yi, vi = (values[:, None] for values in simulated())
    monkeypatch.setattr(long, "_TASK", 1)
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        found.append(fitted(yi, vi, "REML"))
    same(found[1], found[0])
    same(found[2], found[0])
    monkeypatch.setattr(long, "_TASK", 1000)
    same(fitted(yi, vi, "REML"), found[0])


def test_where_a_data_set_becomes_long() -> None:
    """Rows of others change nothing: as many studies, in a batch that has more."""
    for k in (LONG, LONG + 1):
        yi, vi = (values[:, None] for values in simulated(k))
        padding = np.full((10, 1), np.inf)
        more = fitted(np.vstack([yi, 0 * yi[:10]]), np.vstack([vi, padding]), "REML")
        same(fitted(yi, vi, "REML"), more)
