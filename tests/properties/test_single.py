"""A single small data set has, to the bit, what it has in a batch, without NumPy's help."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from comorbid.models.fits import Batch
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import fit_batch
from comorbid.models.likelihood import REML
from comorbid.models.maxima import all_maxima
from comorbid.models.settings import find_estimator
from comorbid.models.single import FEW, fit_single, takes
from comorbid.models.student import Test

Array = NDArray[np.float64]
TESTS: tuple[Test, ...] = ("z", "t", "knha", "adhoc")
SPREADS = ("alike", "the same", "rounded", "orders apart", "tiny", "with gaps")


def simulated(spread: str, k: int, n: int, seed: int) -> tuple[Array, Array]:
    """Data sets with and without heterogeneity, their variances alike or apart."""
    rng = np.random.default_rng(seed)
    vi = {
        "alike": rng.uniform(0.01, 0.3, (k, n)),
        "the same": np.full((k, n), 0.1),
        "rounded": rng.integers(1, 9, (k, n)) / 8,
        "orders apart": 10 ** rng.uniform(-6, 2, (k, n)),
        "tiny": 1e-50 * 10 ** rng.uniform(-3, 3, (k, n)),
        "with gaps": np.where(rng.random((k, n)) < 0.3, np.inf, rng.uniform(0.01, 0.3, (k, n))),
    }[spread]
    size = np.where(np.isinf(vi), 1.0, vi)
    yi = rng.normal(0.5, 1, (k, n)) * np.sqrt(size + rng.choice([0, 0.3, 3], n) * np.median(size))
    return (np.round(4 * yi) / 4 if spread == "rounded" else yi), vi


def alone(yi: Array, vi: Array, method: str, test: Test) -> Batch | None:
    return fit_single(yi, vi, estimator=find_estimator(method), test=test, level=0.9)


def compared(yi: Array, vi: Array, method: str, test: Test) -> float:
    """Assert that each data set has alone what it has in a batch; return the share that could."""
    batch = fit_batch(yi, vi, estimator=find_estimator(method), test=test, level=0.9)
    found = 0
    for i in range(yi.shape[1]):
        one = alone(yi[:, [i]], vi[:, [i]], method, test)
        if one is not None:
            found += 1
            for name, values in one.columns().items():
                expected = getattr(batch, name)[[i]]
                assert values.dtype == expected.dtype, name
                assert values.tobytes() == expected.tobytes(), name
    return found / yi.shape[1]


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_every_number_of_studies(method: str, spread: str) -> None:
    shares = [
        compared(*simulated(spread, k, 6, seed=k), method, TESTS[k % 4]) for k in range(2, FEW + 1)
    ]
    assert np.mean(shares) > 0.8


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("k", [2, 3, 7, 14])
def test_many_data_sets(k: int, method: str, test: Test) -> None:
    shares = [compared(*simulated(s, k, 60, seed=99), method, test) for s in SPREADS]
    assert np.mean(shares) > 0.8


def test_which_estimators_are_known() -> None:
    known = [name for name in ("EE", "DL", "ML", "REML", "PM") if takes(find_estimator(name))]
    assert known == ["ML", "REML"]


def test_the_kernel_asks_here_for_one_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def noted(yi: Array, vi: Array, **settings: object) -> None:
        asked.append(yi.shape)

    monkeypatch.setattr("comorbid.models.kernel.fit_single", noted)
    for k, n in ((5, 1), (5, 2), (FEW, 1), (FEW + 1, 1)):
        yi, vi = simulated("alike", k, n, seed=1)
        for method in ("REML", "DL"):
            fit_batch(yi, vi, estimator=find_estimator(method), test="knha", level=0.95)
    assert asked == [(5, 1), (FEW, 1)]


# What is left to the batch: no and one study, effects all the same, units to change, variances that
# are missing or too far apart, effects that overflow or are missing.
LEFT = (
    ([1.0, 2.0], [np.inf, np.inf]),
    ([1.0, 2.0], [0.1, np.inf]),
    ([1.0, 1.0, 1.0], [0.1, 0.2, 0.3]),
    ([1.0, 2.0], [1e-70, 1e-70]),
    ([1.0, 2.0], [1e70, 1e70]),
    ([1.0, 2.0], [1e-50, 1e300]),
    ([1.0, 2.0, 3.0], [0.1, np.nan, 0.2]),
    ([1.0, 2.0], [0.0, 1.0]),
    ([-1e200, 1e200], [0.1, 0.2]),
    ([1.0, np.nan], [0.1, 0.2]),
    ([1.0, np.inf], [0.1, 0.2]),
)


@pytest.mark.parametrize(("yi", "vi"), LEFT)
def test_what_is_left_to_the_batch(yi: list[float], vi: list[float]) -> None:
    assert alone(np.array([yi]).T, np.array([vi]).T, "REML", "knha") is None


def test_several_maxima_are_left_to_the_batch() -> None:
    """A tight group of effects, and others far apart: one maximum near 0 and one beyond."""
    effects = np.array([[-0.79, -0.81, -0.77, 2.0, -6.0, 7.0, -8.0]]).T
    variances = np.array([[0.001, 0.001, 0.001, 3.0, 3.0, 4.0, 4.0]]).T
    with np.errstate(all="ignore"):
        assert all_maxima(Intercept(effects, variances), REML).tau2.size == 2
    assert alone(effects, variances, "REML", "knha") is None
