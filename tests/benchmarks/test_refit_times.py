"""One set of studies, fitted and refitted: comorbid beside metafor.

Both sides fit by REML with Knapp and Hartung's test; 14 studies, as in the headache review, whose
effects here are a seeded simulation. metafor runs in one process, comorbid on all cores.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from bench import Bench, Work
from data import effects, simulated
from memory import used
from r_side import Array, Control, Found, Metafor
from scipy import stats
from table import Row, Target

import comorbid as cb
from comorbid.models.compiled import available

pytestmark = pytest.mark.benchmark

COLUMNS = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2")


def test_one_fit(bench: Bench) -> None:
    data = effects(14)
    fit = cb.pool(data)

    def check(found: Found) -> dict[str, float]:
        low, high = fit.ci
        ours = (fit.estimate, fit.se, low, high, fit.tau2, fit.i2)
        return dict(zip(COLUMNS, ours, strict=True))

    bench.measure(
        Work(
            "one fit, k = 14",
            ours=lambda: cb.pool(data),
            theirs=partial(_r, bench.r, "one", 14, 100),
            check=check,
            least=Target(times=10),
            goal=Target(times=30),
            said="cb.pool() and rma.uni(), to the finished result",
        )
    )


@pytest.mark.parametrize("k", [14, 100])
def test_leave_one_out(bench: Bench, k: int) -> None:
    fit = cb.pool(effects(k))
    batch = cb.leave_one_out(fit).batch
    bench.measure(
        Work(
            f"leave-one-out, k = {k}",
            ours=lambda: cb.leave_one_out(fit),
            theirs=partial(_r, bench.r, "left_out", k, 0),
            check=lambda found: {"estimate": batch.estimate, "tau2": batch.tau2},
            least=Target(times=1000 if k == 100 else None),
            goal=Target(times=3000 if k == 100 else None),
            said="cb.leave_one_out() and leave1out()",
        )
    )


def test_leave_one_out_of_1000(bench: Bench) -> None:
    """Metafor needs seconds for each; one is fitted and counted 1,000 times."""
    fit = cb.pool(effects(1000))
    batch = cb.leave_one_out(fit).batch
    left = 500
    bench.measure(
        Work(
            "leave-one-out, k = 1000",
            ours=lambda: cb.leave_one_out(fit),
            theirs=partial(_r, bench.r, "without", 1000, left),
            check=lambda found: {name: getattr(batch, name)[left - 1] for name in COLUMNS},
            sample=1000,
            runs=3,
            said="cb.leave_one_out(), and rma.uni() without one study, 1,000 times its time",
        )
    )


@pytest.mark.parametrize("k", [14, 100])
def test_influence(bench: Bench, k: int) -> None:
    fit = cb.pool(effects(k))
    ours = cb.influence(fit)
    bench.measure(
        Work(
            f"influence, k = {k}",
            ours=lambda: cb.influence(fit),
            theirs=partial(_r, bench.r, "influential", k, 0),
            check=lambda found: {
                "rstudent": ours.rstudent,
                "cook.d": ours.cook_d,
                "tau2": ours.tau2_del,
            },
            runs=3,
            said="cb.influence() and influence()",
        )
    )


def test_permutations(bench: Bench) -> None:
    """All 2^14 flips of signs; metafor's time is that of 200 random ones, scaled up.

    Results are compared for the first 8 studies, of which both sides try all 256.
    """
    regression = cb.regress(effects(14), "~ 1")
    p_value = cb.permutation_test(cb.regress(effects(14).take(range(8)), "~ 1")).p_value[0]

    def theirs(control: Control) -> Found:
        return _r(bench.r, "permuted", 14, 200, control)

    if bench.r is not None:
        yi, vi = simulated(14)
        exact = bench.r.do("permuted", yi[:8], vi[:8], control="exact")
        assert exact.columns["p_value"] == pytest.approx([p_value], abs=1e-12)
    bench.measure(
        Work(
            "permutation test, k = 14, exact",
            ours=lambda: cb.permutation_test(regression),
            theirs=theirs,
            sample=2**14 / 200,
            runs=3,
            said="cb.permutation_test(cb.regress(effects, '~ 1')), all 2^14 flips of signs, and"
            " permutest(rma.uni()), 200 of them scaled up; of 8 studies both try all 256, and p is"
            " the same",
        )
    )


@pytest.mark.parametrize("k", [14, 20])
def test_subsets(bench: Bench, k: int) -> None:
    fit = cb.pool(effects(k))
    every = cb.subsets(fit)
    assert len(every) == 2**k - 1
    if available():
        compiled = cb.subsets(fit, engine="compiled")
        np.testing.assert_allclose(compiled.tau2, every.tau2, rtol=1e-9, atol=1e-9)
    number = 300

    def check(found: Found) -> dict[str, Array]:
        at = found.columns["subset"].astype(int) - 1
        assert len(at) == number
        # Of a single study metafor's tau2 is 0; here there is none.
        tau2 = np.where(every.k[at] == 1, 0.0, every.tau2[at])
        return {"estimate": every.estimate[at], "tau2": tau2}

    small = k == 14
    bench.measure(
        Work(
            f"all {len(every):,} subsets, k = {k}",
            ours=lambda: cb.subsets(fit),
            compiled=(lambda: cb.subsets(fit, engine="compiled")) if available() else None,
            theirs=partial(_r, bench.r, "some_subsets", k, number),
            check=check,
            sample=len(every) / number,
            runs=3,
            least=Target(times=2000) if small else Target(most=4.0),
            goal=Target(times=5000) if small else Target(most=1.0),
            said=f"cb.subsets(), and gosh() of {number} random subsets scaled up",
        )
    )


def test_memory_of_subsets(bench: Bench) -> None:
    megabytes = used("cb.subsets(cb.pool(effects(20)))").megabytes
    bench.report.rows.append(
        Row("  its memory, of the whole process", megabytes, unit="MB", least=Target(most=1000))
    )


def test_bootstrap(bench: Bench) -> None:
    """Metafor fits 300 data sets drawn from the same model, as a loop in R would."""
    fit = cb.pool(effects(14))
    n, number = 10_000, 300
    result = cb.bootstrap(fit, n=n, seed=1)
    if available():
        compiled = cb.bootstrap(fit, n=n, seed=1, engine="compiled")
        np.testing.assert_allclose(compiled.batch.tau2, result.batch.tau2, rtol=1e-9, atol=1e-9)
    yi, vi = _drawn(fit, number)
    ours = [cb.pool(cb.Effects(yi=y, vi=v)) for y, v in zip(yi.T, vi.T, strict=True)]

    def theirs(control: Control) -> Found:
        assert bench.r is not None
        return bench.r.do("many", yi, vi, control=control)

    def check(found: Found) -> dict[str, Array]:
        # The same model, another draw: Kolmogorov and Smirnov's test with fixed seeds.
        for name in ("estimate", "tau2"):
            column = found.columns[name]
            drawn = column[~np.isnan(column)]
            assert stats.ks_2samp(getattr(result.batch, name), drawn).pvalue > 0.001
        return {
            name: np.array([getattr(one, name) for one in ours]) for name in ("estimate", "tau2")
        }

    bench.measure(
        Work(
            "10,000 bootstraps, k = 14",
            ours=lambda: cb.bootstrap(fit, n=n, seed=1),
            compiled=(
                (lambda: cb.bootstrap(fit, n=n, seed=1, engine="compiled")) if available() else None
            ),
            theirs=theirs,
            check=check,
            sample=n / number,
            runs=3,
            least=Target(times=2000),
            goal=Target(times=5000),
            said=f"cb.bootstrap(), parametric, and rma.uni() in a loop over {number} data sets"
            " drawn from the same model, scaled up, with the same distribution of results",
        )
    )


def _drawn(fit: cb.Fit, number: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(7)
    vi = np.repeat(fit.effects.vi[:, None], number, axis=1)
    return rng.normal(fit.estimate, np.sqrt(vi + fit.tau2)), vi


def _r(r: Metafor | None, work: str, k: int, number: int, control: Control) -> Found:
    assert r is not None
    return r.do(work, *simulated(k), number=number, control=control)
