"""No maximum of a likelihood of tau2 is missed, in a batch or alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from comorbid.models.design import DesignProjection
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import fit_batch
from comorbid.models.likelihood import ML, REML, Likelihood
from comorbid.models.maxima import all_maxima
from comorbid.models.projection import Projection
from comorbid.models.scan import scan
from comorbid.models.settings import find_estimator

Array = NDArray[np.float64]
LIKELIHOODS = pytest.mark.parametrize("likelihood", [ML, REML], ids=["ML", "REML"])


def hard(k: int, orders: float, n: int = 1500) -> tuple[Array, Array]:
    """Data sets whose variances are orders apart and whose effects are a few standard errors."""
    rng = np.random.default_rng([k, int(10 * orders)])
    vi = 10 ** rng.uniform(-orders, 0, (k, n))
    return rng.standard_t(3, (k, n)) * np.sqrt(vi * rng.choice([0.5, 1.0, 2.0], n)), vi


def maxima_on_a_fine_grid(data: Projection, likelihood: Likelihood) -> NDArray[np.intp]:
    """Count changes of the score from plus to minus among 3,000 values, and falls from 0 on."""
    lowest, highest = data.lowest, data.highest
    past = np.log((highest + 10 * data.unweighted()[0]) / lowest)
    count = np.zeros(data.k.size, dtype=np.intp)
    rising = np.ones(data.k.size, dtype=np.bool_)
    for share in np.linspace(0, 1, 3000):
        score = likelihood.score(data.at(lowest * np.expm1(share * past), slice(None)))
        count += rising & (score <= 0)
        rising = score > 0
    return count


@LIKELIHOODS
@pytest.mark.parametrize("k", [3, 5, 9])
@pytest.mark.parametrize("orders", [0.5, 1.5, 4.0])
def test_every_maximum_is_found(likelihood: Likelihood, k: int, orders: float) -> None:
    data = Intercept(*hard(k, orders))
    expected = maxima_on_a_fine_grid(data, likelihood)
    found = np.bincount(all_maxima(data, likelihood).column, minlength=expected.size)
    # Between neighbours on the grid there may be two more, which almost are none.
    assert (found >= expected).all()
    assert (found > expected).mean() < 0.002
    if orders > 1:
        assert (found > 1).any()


@LIKELIHOODS
def test_every_maximum_is_found_with_moderators(likelihood: Likelihood) -> None:
    yi, vi = hard(8, 2.0, n=300)
    x = np.column_stack([np.ones(8), np.arange(8.0)])
    data = DesignProjection(yi, vi, x)
    expected = maxima_on_a_fine_grid(data, likelihood)
    found = np.bincount(all_maxima(data, likelihood).column, minlength=expected.size)
    assert (found >= expected).all()
    assert (found > expected).mean() < 0.01


@LIKELIHOODS
def test_brackets_hold_their_maximum(likelihood: Likelihood) -> None:
    data = Intercept(*hard(6, 3.0))
    found = scan(data, likelihood)
    low, high = (likelihood.score(data.at(tau2, found.column)) for tau2 in (found.low, found.high))
    assert (low > 0).all()
    assert (high <= 0).all()
    assert ((found.low <= found.start) & (found.start <= found.high)).all()


def test_maxima_between_0_and_the_smallest_variance() -> None:
    """Numbers 3349 and 4912 of these rise from a minimum below the smallest variance.

    With metafor 3.8-1, rma(yi, vi, method="REML", control=list(threshold=1e-14)) gives the same.
    """
    rng = np.random.default_rng(2019)
    vi = rng.uniform(0.01, 0.3, (14, 100_000))
    yi = rng.normal(0.7, np.sqrt(vi + 0.03))
    estimator = find_estimator("REML")
    some = slice(3000, 5000)
    fits = fit_batch(yi[:, some], vi[:, some], estimator=estimator, test="knha", level=0.95)
    for number, tau2 in ((3349, 0.01066772996), (4912, 0.007058711008)):
        at = [number]
        alone = fit_batch(yi[:, at], vi[:, at], estimator=estimator, test="knha", level=0.95)
        assert alone.tau2[0] == fits.tau2[number - 3000]
        assert alone.tau2[0] == pytest.approx(tau2, rel=1e-8)


def test_equal_variances_need_no_search() -> None:
    """Closed form: tau2 is the variance of the effects less the common sampling variance."""
    yi = np.random.default_rng(3).normal(0, 1, (7, 50))
    vi = np.full((7, 50), 0.6)
    found = fit_batch(yi, vi, estimator=find_estimator("REML"), test="knha", level=0.95)
    expected = np.maximum(0, yi.var(axis=0, ddof=1) - 0.6)
    assert found.tau2 == pytest.approx(expected, rel=1e-12, abs=1e-15)
