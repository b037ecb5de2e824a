"""The compiled kernel: the same numbers as the NumPy one, and the same bits whatever is beside."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_data import analyses, effects_of

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import compiled
from comorbid.models.fits import Batch
from comorbid.models.groups import Groups, fit_groups
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import fit_batch
from comorbid.models.likelihood import ML, REML
from comorbid.models.settings import find_estimator

METHODS = ("EE", "DL", "PM", "EB", "ML", "REML")
TESTS = ("z", "t", "knha", "adhoc")
EPS = np.finfo(float).eps
SHIFTED = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")

needs_numba = pytest.mark.skipif(not compiled.available(), reason="numba is not installed")


def settings(method: str = "REML", test: str = "knha") -> dict[str, Any]:
    return {"estimator": find_estimator(method), "test": test, "level": 0.95}


def simulated(k: int, n: int, *, orders: float = 1.0, seed: int = 1) -> tuple[Array, Array]:
    """Effects with variances over so many orders of magnitude, and no, some or much tau2."""
    rng = np.random.default_rng(seed)
    vi = 10.0 ** rng.uniform(-orders, 0, (k, n))
    tau2 = rng.choice([0.0, 0.02, 0.1, 1.0], n)
    return rng.normal(0.3, np.sqrt(vi + tau2)), vi


def condition(yi: Array, vi: Array, method: str, tau2: Array) -> Array:
    """By how much rounding of what is 0 at tau2 > 0 is multiplied in tau2, relatively."""
    data = Intercept(yi, vi)
    with np.errstate(all="ignore"):
        if method == "DL":
            q = data.at(np.zeros(tau2.size), slice(None)).q
            found = q / np.abs(q - (data.k - 1))
        else:
            at = data.at(tau2, slice(None))
            size, slope = at.q, at.ypp
            if method in ("ML", "REML"):
                size, slope = at.ypp, (ML if method == "ML" else REML).curvature(at)
            found = size / np.abs(slope * tau2)
    return np.where(tau2 > 0, found, 1.0)


def differences(left: Batch, right: Batch) -> Array:
    """The largest relative difference of each fit; what may be near 0 relative to its error."""
    error = dict.fromkeys(SHIFTED, left.se) | {"statistic": np.ones(left.k.size)}
    largest = np.zeros(left.k.size)
    for field in fields(Batch):
        a, b = (getattr(batch, field.name) for batch in (left, right))
        assert np.isnan(a).tolist() == np.isnan(b).tolist(), field.name
        scale = np.maximum(np.abs(a), error.get(field.name, 0.0))
        with np.errstate(all="ignore"):
            largest = np.fmax(largest, np.where(a == b, 0.0, np.abs(a - b) / scale))
    return largest


def check_same(yi: Array, vi: Array, method: str, test: str = "knha") -> None:
    """Compare the two kernels: 1e-12, and where 0 is ill-conditioned what rounding leaves."""
    numpy = fit_batch(yi, vi, **settings(method, test))
    fast = fit_batch(yi, vi, engine="compiled", **settings(method, test))
    bound = 1e-12
    if method != "EE":
        bound = np.fmax(bound, 4 * EPS * np.sqrt(len(yi)) * condition(yi, vi, method, numpy.tau2))
    found = differences(numpy, fast)
    assert (found <= bound).all(), (found / bound).max()
    assert np.median(found) < 1e-14


# -- the same numbers ----------------------------------------------------------------------------


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_golden_data_sets(method: str) -> None:
    for name, measure in analyses():
        effects = effects_of(name, measure)
        yi, vi = effects.yi[:, None], effects.vi[:, None]
        for test in TESTS:
            numpy = fit_batch(yi, vi, **settings(method, test))
            fast = fit_batch(yi, vi, engine="compiled", **settings(method, test))
            bound = 1e-12
            if method != "EE":
                bound = max(bound, 4 * EPS * condition(yi, vi, method, numpy.tau2)[0])
            assert differences(numpy, fast)[0] <= bound, (name, measure, test)


@needs_numba
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_simulated_data_sets(method: str, test: str) -> None:
    for k in (2, 3, 7, 30):
        check_same(*simulated(k, 200, seed=k), method, test)


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_studies_that_do_not_belong(method: str) -> None:
    yi, vi = simulated(9, 300)
    vi[np.random.default_rng(2).random(vi.shape) < 0.6] = np.inf
    k = np.isfinite(vi).sum(axis=0)
    assert {0, 1, 2} <= set(k.tolist())
    check_same(yi, vi, method)


@needs_numba
@pytest.mark.parametrize("scale", [2.0**-330, 2.0**-100, 2.0**100, 2.0**330])
@pytest.mark.parametrize("method", METHODS)
def test_units(method: str, scale: float) -> None:
    yi, vi = simulated(8, 50)
    one = fit_batch(yi, vi, engine="compiled", **settings(method))
    other = fit_batch(yi * scale, vi * scale**2, engine="compiled", **settings(method))
    assert (other.tau2 / scale**2).tolist() == pytest.approx(one.tau2.tolist(), 1e-13, nan_ok=True)
    assert (other.estimate / scale).tolist() == pytest.approx(one.estimate.tolist(), 1e-13)
    assert other.i2.tolist() == pytest.approx(one.i2.tolist(), rel=1e-13)


def height(yi: Array, vi: Array, method: str, tau2: Array) -> Array:
    """The log-likelihood of each data set (a column) at tau2 of shape (g, n), as in its formula."""
    w = 1 / (vi[:, None] + tau2)
    total = w.sum(axis=0)
    mean = (w * yi[:, None]).sum(axis=0) / total
    q = (w * (yi[:, None] - mean) ** 2).sum(axis=0)
    return np.log(w).sum(axis=0) - q - (np.log(total) if method == "REML" else 0.0)


@needs_numba
@pytest.mark.parametrize("method", ["ML", "REML"])
def test_no_maximum_is_missed(method: str) -> None:
    # Where a likelihood has several maxima, none on a fine grid is higher than the one found.
    several = 0
    for k in (3, 4, 6, 10):
        for orders in (1.0, 3.0, 6.0):
            yi, vi = simulated(k, 2000, orders=orders, seed=k)
            tau2 = fit_batch(yi, vi, engine="compiled", **settings(method)).tau2
            low = vi.min(axis=0)
            grid = low * np.expm1(np.linspace(0, np.log(100 / low), 800))
            on_grid = height(yi, vi, method, grid)
            found = height(yi, vi, method, tau2[None])[0]
            assert (found >= on_grid.max(axis=0) - 1e-9).all(), (k, orders)
            inner = (on_grid[1:-1] > on_grid[:-2]) & (on_grid[1:-1] > on_grid[2:])
            several += (inner.sum(axis=0) + (on_grid[0] > on_grid[1]) > 1).sum()
    assert several > 50


@needs_numba
def test_maxima_between_rungs_that_a_ladder_of_twos_does_not_see() -> None:
    rng = np.random.default_rng(2019)
    vi = rng.uniform(0.01, 0.3, (14, 100_000))
    yi = rng.normal(0.7, np.sqrt(vi + 0.03))
    chosen = [3349, 4912]
    tau2 = fit_batch(yi, vi, engine="compiled", **settings()).tau2[chosen]
    # metafor 3.8-1, rma(yi, vi, method="REML"), and the maximum on a fine grid.
    assert tau2.tolist() == pytest.approx([0.010668, 0.007059], abs=1e-6)
    grid = np.linspace(0, 1, 100_001)[:, None]
    best = height(yi[:, chosen], vi[:, chosen], "REML", grid).max(axis=0)
    found = height(yi[:, chosen], vi[:, chosen], "REML", tau2[None])[0]
    assert (found >= best).all()


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_computed_is_the_same_error(method: str) -> None:
    yi = np.array([[0.0, 0.0], [1e150, 1.0], [0.5, 0.5]])
    vi = np.array([[1e-150, 1.0], [1.0, 1.0], [1.0, 1.0]])
    answers = []
    for engine in ("numpy", "compiled"):
        try:
            answers.append(fit_batch(yi, vi, engine=engine, **settings(method)).tau2[1:].tolist())
        except ModelError as error:
            answers.append(str(error))
    assert answers[0] == pytest.approx(answers[1])


@needs_numba
def test_what_is_not_compiled_is_left_to_numpy() -> None:
    yi, vi = simulated(6, 40)
    for method in ("HE", "SJ", "PMM"):
        left, right = (
            fit_batch(yi, vi, engine=engine, **settings(method)) for engine in ("numpy", "compiled")
        )
        assert left.tau2.tolist() == right.tau2.tolist()
    weights = np.arange(1.0, 7.0)[:, None]
    left, right = (
        fit_batch(yi, vi, weights=weights, engine=engine, **settings())
        for engine in ("numpy", "compiled")
    )
    assert left.estimate.tolist() == right.estimate.tolist()
    yi, vi = simulated(5_000, 1)
    left, right = (
        fit_batch(yi, vi, engine=engine, **settings()) for engine in ("numpy", "compiled")
    )
    assert left.tau2.tolist() == right.tau2.tolist()


# -- the same bits -------------------------------------------------------------------------------


def bits(batch: Batch) -> list[bytes]:
    return [getattr(batch, field.name).tobytes() for field in fields(Batch)]


def part(batch: Batch, at: Any) -> Batch:
    return Batch(**{field.name: getattr(batch, field.name)[at] for field in fields(Batch)})


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_a_data_set_has_the_same_bits_in_any_batch(method: str) -> None:
    yi, vi = simulated(5, 10_000, orders=3.0)
    whole = fit_batch(yi, vi, engine="compiled", **settings(method))
    order = np.random.default_rng(1).permutation(10_000)
    mixed = fit_batch(yi[:, order], vi[:, order], engine="compiled", **settings(method))
    assert bits(part(whole, order)) == bits(mixed)
    for column in (0, 1, 4711):
        one = slice(column, column + 1)
        alone = fit_batch(yi[:, one], vi[:, one], engine="compiled", **settings(method))
        assert bits(alone) == bits(part(whole, one))


@needs_numba
def test_several_threads_may_call_it_at_once() -> None:
    yi, vi = simulated(12, 5_000)
    expected = bits(fit_batch(yi, vi, engine="compiled", **settings()))
    with ThreadPoolExecutor(8) as threads:
        jobs = [
            threads.submit(fit_batch, yi, vi, engine="compiled", **settings()) for _ in range(16)
        ]
    assert [bits(job.result()) for job in jobs] == [expected] * 16


# -- groups --------------------------------------------------------------------------------------


def table(sizes: list[int], seed: int = 1) -> tuple[Array, Array, Any]:
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(sizes)).astype(np.int64)
    vi = rng.uniform(0.01, 0.3, offsets[-1])
    return rng.normal(0.15, np.sqrt(vi + 0.03)), vi, offsets


def ranges(groups: Groups) -> dict[str, Array]:
    return {field.name: getattr(groups, field.name) for field in fields(Groups)[1:]}


ENGINES = ["numpy", pytest.param("compiled", marks=needs_numba)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", ["EE", "DL", "REML", "HE"])
@pytest.mark.parametrize("test", TESTS)
def test_groups_are_pool_and_leave_one_out(engine: Any, method: str, test: Any) -> None:
    sizes = [5, 2, 0, 31, 1, 14, 32, 33, 0]
    yi, vi, offsets = table(sizes)
    found = fit_groups(yi, vi, offsets, null=0.1, engine=engine, **settings(method, test))
    assert found.fits.k.tolist() == sizes
    for g in np.flatnonzero(np.array(sizes) > 1):
        own = slice(offsets[g], offsets[g + 1])
        fit = cb.pool(cb.Effects(yi=yi[own], vi=vi[own]), method=method, test=test)
        batch = cb.leave_one_out(fit).batch
        assert found.fits.estimate[g] == pytest.approx(fit.estimate, rel=1e-12)
        assert found.fits.p_value[g] == pytest.approx(fit.p_value, rel=1e-11)
        assert found.loo_low[g] == pytest.approx(batch.estimate.min(), rel=1e-11)
        assert found.loo_high[g] == pytest.approx(batch.estimate.max(), rel=1e-11)
        assert found.loo_ci_low[g] == pytest.approx(batch.ci_low.min(), rel=1e-11)
        assert found.loo_ci_high[g] == pytest.approx(batch.ci_high.max(), rel=1e-11)
        other = (batch.estimate > 0.1) != (fit.estimate > 0.1)
        assert found.loo_side[g] == other.any()
        excluding = (batch.ci_low > 0.1) | (batch.ci_high < 0.1)
        own_excludes = fit.ci[0] > 0.1 or fit.ci[1] < 0.1
        assert found.loo_excludes[g] == (excluding != own_excludes).any()
    few = np.array(sizes) < 2
    for name, values in ranges(found).items():
        missing = np.isnan(values) if values.dtype == float else ~values
        assert missing[few].all(), name


@pytest.mark.parametrize("engine", ENGINES)
def test_groups_without_a_study_or_a_group(engine: Any) -> None:
    nothing = np.empty(0)
    found = fit_groups(nothing, nothing, np.array([0, 0, 0]), engine=engine, **settings())
    assert np.isnan(found.fits.estimate).tolist() == [True, True]
    assert np.isnan(found.loo_low).tolist() == [True, True]
    assert fit_groups(nothing, nothing, np.array([0]), engine=engine, **settings()).fits.k.size == 0


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_compiled_groups_are_those_of_numpy(method: str) -> None:
    sizes = np.random.default_rng(5).integers(0, 40, 200).tolist()
    yi, vi, offsets = table(sizes, 5)
    vi[offsets[7] : offsets[8]] *= 1e-80  # in other units
    slow, fast = (
        fit_groups(yi, vi, offsets, engine=engine, **settings(method))
        for engine in ("numpy", "compiled")
    )
    assert differences(slow.fits, fast.fits).max() < 1e-11
    for name, values in ranges(slow).items():
        other = ranges(fast)[name]
        if values.dtype == bool:
            assert values.tolist() == other.tolist(), name
        else:
            assert np.abs(values - other)[~np.isnan(values)].max() < 1e-12, name
            assert np.isnan(values).tolist() == np.isnan(other).tolist(), name


@needs_numba
def test_a_group_has_the_same_bits_in_any_partition() -> None:
    sizes = np.random.default_rng(6).integers(0, 61, 600).tolist()
    yi, vi, offsets = table(sizes, 6)
    whole = fit_groups(yi, vi, offsets, engine="compiled", **settings())
    for begin, end in ((0, 1), (17, 18), (100, 350), (350, 600)):
        own = slice(offsets[begin], offsets[end])
        some = fit_groups(
            *(yi[own], vi[own], offsets[begin : end + 1] - offsets[begin]),
            engine="compiled",
            **settings(),
        )
        assert bits(some.fits) == bits(part(whole.fits, slice(begin, end)))
        for name, values in ranges(some).items():
            assert values.tobytes() == ranges(whole)[name][begin:end].tobytes(), name


# -- refits --------------------------------------------------------------------------------------


def fit_of(k: int, method: str, **changed: Any) -> cb.Fit:
    yi, vi = (values[:, 0] for values in simulated(k, 1, seed=3))
    return cb.pool(cb.Effects(yi=yi, vi=vi), method=method, **changed)


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_bootstraps(method: str) -> None:
    fit = fit_of(8, method)
    n, seed = 5000, 3
    numpy, fast = (
        cb.bootstrap(fit, n=n, seed=seed, engine=engine) for engine in ("numpy", "compiled")
    )
    drawn = np.random.default_rng(seed).standard_normal((n, 8)).T
    vi = np.repeat(fit.effects.vi[:, None], n, axis=1)
    yi = fit.estimate + np.sqrt(vi + np.nan_to_num(fit.tau2)) * drawn
    bound = 1e-12
    if method != "EE":
        bound = np.fmax(bound, 12 * EPS * condition(yi, vi, method, numpy.batch.tau2))
    found = differences(numpy.batch, fast.batch)
    assert (found <= bound).all(), (found / bound).max()
    assert np.median(found) < 1e-14
    assert fast.estimate.ci == pytest.approx(numpy.estimate.ci, rel=1e-12)
    assert fast.i2.ci == pytest.approx(numpy.i2.ci, rel=1e-9)


@needs_numba
@pytest.mark.parametrize("method", METHODS)
def test_all_subsets(method: str) -> None:
    fit = fit_of(12, method)
    numpy, fast = (cb.subsets(fit, engine=engine) for engine in ("numpy", "compiled"))
    member = numpy.members()
    yi = np.where(member, fit.effects.yi[:, None], 0.0)
    vi = np.where(member, fit.effects.vi[:, None], np.inf)
    bound = np.full(len(numpy), 1e-12)
    if method != "EE":
        bound = np.fmax(bound, 16 * EPS * condition(yi, vi, method, numpy.tau2))
    assert numpy.k.tolist() == fast.k.tolist()
    for name in ("estimate", "tau2", "i2"):
        ours, theirs = getattr(fast, name), getattr(numpy, name)
        assert np.isnan(ours).tolist() == np.isnan(theirs).tolist(), name
        scale = np.maximum(np.abs(theirs), 0.1 if name == "estimate" else 0.0)
        assert (np.isnan(ours) | (np.abs(ours - theirs) <= bound * scale)).all(), name
        assert np.nanmedian(np.abs(ours - theirs)) <= 1e-14 * np.nanmax(scale), name
    assert fast.q == pytest.approx(numpy.q, rel=1e-11, abs=1e-13, nan_ok=True)


@needs_numba
def test_what_is_not_compiled_is_the_same_in_both_engines() -> None:
    weighted = fit_of(6, "REML", weights=np.arange(1.0, 7.0))
    for fit in (weighted, fit_of(6, "SJ")):
        numpy, fast = (cb.subsets(fit, engine=engine) for engine in ("numpy", "compiled"))
        assert fast.tau2.tobytes() == numpy.tau2.tobytes()
        numpy, fast = (cb.bootstrap(fit, n=100, engine=engine) for engine in ("numpy", "compiled"))
        assert bits(fast.batch) == bits(numpy.batch)


# -- numba stays out of the way ------------------------------------------------------------------


def test_without_numba_the_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.util, "find_spec", lambda _name: None)
    yi, vi = simulated(3, 2)
    with pytest.raises(ModelError, match=r"comorbid\[fast\]"):
        fit_batch(yi, vi, engine="compiled", **settings())
    with pytest.raises(ModelError, match=r"comorbid\[fast\]"):
        fit_groups(*table([3, 4]), engine="compiled", **settings())
    fit = fit_of(4, "REML")
    for refits in (cb.bootstrap, cb.subsets):
        with pytest.raises(ModelError, match=r"comorbid\[fast\]"):
            refits(fit, engine="compiled")
        with pytest.raises(ModelError, match="engine is 'fortran'; use one of numpy, compiled"):
            refits(fit, engine="fortran")


def test_numba_is_imported_by_none_who_does_not_ask_for_it() -> None:
    code = (
        "import sys, comorbid as cb\n"
        "fit = cb.pool(cb.Effects(yi=[0.1, 0.5, 0.9, 0.2], vi=[0.03, 0.05, 0.02, 0.04]))\n"
        "cb.leave_one_out(fit), cb.bootstrap(fit, n=5000, seed=1), cb.subsets(fit)\n"
        "assert 'numba' not in sys.modules and 'comorbid.models.lanes' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.plugins
def test_reports_are_computed_in_numpy() -> None:
    code = (
        "import sys, comorbid as cb\n"
        "cb.build(sys.argv[1])\n"
        "assert 'comorbid.models.lanes' not in sys.modules\n"
    )
    folder = Path(__file__).parents[2] / "reports" / "headache-back-pain"
    subprocess.run([sys.executable, "-c", code, folder], check=True)


@needs_numba
def test_where_nothing_can_be_written_it_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from comorbid.models import lanes

    def njit(*, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(numba, "njit", njit)
    function, options = lanes.jit(abs)
    assert function is abs
    assert options == {"nogil": True, "error_model": "numpy"}
