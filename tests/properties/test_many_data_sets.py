"""What holds for 20,000 seeded random data sets, fitted in batches as refits are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from comorbid.models.estimators import ESTIMATORS
from comorbid.models.kernel import Batch, fit_batch
from comorbid.models.settings import find_estimator

Array = NDArray[np.float64]
N = 1250
STUDIES = (2, 3, 5, 14)
ORDERS = (0.0, 1.0, 4.0, 12.0)
METHODS = tuple(estimator.id for estimator in ESTIMATORS)


def simulated(k: int, orders: float) -> tuple[Array, Array]:
    """Effects and variances (k, N): variances over orders of magnitude, from alike to far apart."""
    rng = np.random.default_rng([k, int(orders)])
    vi = 10 ** rng.uniform(-orders, 0, (k, N))
    tau = 10 ** rng.uniform(-4, 2, N) * rng.integers(0, 2, N)
    return rng.standard_t(2, (k, N)) * np.sqrt(vi + tau**2), vi


def fitted(yi: Array, vi: Array, method: str) -> Batch:
    weights = np.sqrt(1 / vi) if method.startswith("GENQ") else None
    estimator = find_estimator(method)
    return fit_batch(yi, vi, estimator=estimator, test="knha", level=0.95, weights=weights)


def heights(yi: Array, vi: Array, tau2: Array, *, restricted: bool) -> Array:
    """Log-likelihoods without constants, from Viechtbauer 2005, doi:10.3102/10769986030003261."""
    w = 1 / (vi + tau2)
    mean = (w * yi).sum(axis=0) / w.sum(axis=0)
    full = (np.log(w).sum(axis=0) - (w * (yi - mean) ** 2).sum(axis=0)) / 2
    return np.asarray(full - np.log(w.sum(axis=0)) / 2 if restricted else full)


@pytest.mark.parametrize("k", STUDIES)
@pytest.mark.parametrize("orders", ORDERS)
def test_likelihoods_are_at_their_global_maximum(k: int, orders: float) -> None:
    """No value on a grid of 700, of which neighbours differ by 5 %, is higher."""
    yi, vi = simulated(k, orders)
    yi = yi - yi[vi.argmin(axis=0), np.arange(N)]
    lowest, highest = vi.min(axis=0) / 100, 10 * (vi.max(axis=0) + np.ptp(yi, axis=0) ** 2)
    for method in ("REML", "ML"):
        restricted = method == "REML"
        found = heights(yi, vi, fitted(yi, vi, method).tau2, restricted=restricted)
        best = heights(yi, vi, np.zeros(N), restricted=restricted)
        for share in np.linspace(0, 1, 700):
            tau2 = lowest * (highest / lowest) ** share
            best = np.maximum(best, heights(yi, vi, tau2, restricted=restricted))
        assert (found >= best - 1e-9 * np.maximum(1, np.abs(best))).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_returns(method: str) -> None:
    for k in STUDIES:
        for orders in ORDERS:
            found = fitted(*simulated(k, orders), method)
            assert (found.tau2 >= 0).all()
            for name, column in found.columns().items():
                if not (method == "EE" and name.startswith("pi_")):
                    assert np.isfinite(column).all(), (name, k, orders)


@pytest.mark.parametrize("method", METHODS)
def test_a_data_set_does_not_depend_on_its_company(method: str) -> None:
    """Block by block and thread by thread: the same as alone, but for the order of a sum."""
    yi, vi = simulated(14, 1.0)
    together = fitted(np.tile(yi, 4), np.tile(vi, 4), method)
    for i in (0, 1, N - 1, N, 3 * N + 7):
        alone = fitted(yi[:, [i % N]], vi[:, [i % N]], method)
        for name, column in alone.columns().items():
            expected = together.columns()[name][i]
            assert column[0] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name
