"""The intervals of a phenome-wide run against its truth, and the simulation against closed forms.

A share is compared with its nominal or long-run value at 4 binomial standard errors: by chance a
comparison fails once in 16,000 seeds, and the seeds are fixed.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import phenome
import pyarrow.parquet as pq
import pytest
import truth

import comorbid as cb

CONDITIONS = 100
LONG_RUN = {"z": 0.9431, "knha": 0.9482}
"""Coverage of 95 % intervals, REML, over the 499,500 pairs of `phenome` with the seed 2 and the
model "normal" (standard error 0.0003). For knha the nominal value would hold if the variances of a
pair's cohorts were equal; unequal ones cost a little, as in Röver C et al. (2015), BMC Med Res
Methodol 15:99, doi:10.1186/s12874-015-0091-1."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phenome") / "normal"
    phenome.write(out, conditions=CONDITIONS, seed=1, model="normal")
    return out


@pytest.fixture(scope="module")
def beside(folder: Path) -> pd.DataFrame:
    """Estimates with the truth of their pair."""
    rows = pq.read_table(folder / "estimates").to_pandas().astype(dict.fromkeys(truth.KEYS, str))
    true = (
        pq.read_table(folder / "truth.parquet").to_pandas().astype(dict.fromkeys(truth.KEYS, str))
    )
    return rows.merge(true, on=truth.KEYS, validate="m:1")


# -- The simulation --------------------------------------------------------------------------------


def test_every_pair_once_with_5_to_60_cohorts(folder: Path, beside: pd.DataFrame) -> None:
    true = pq.read_table(folder / "truth.parquet").to_pandas()
    assert len(true) == CONDITIONS * (CONDITIONS - 1) // 2
    assert not true.duplicated(truth.KEYS).any()
    assert (true["exposure"].astype(str) < true["outcome"].astype(str)).all()
    assert true["k"].min() == 5
    assert 40 < true["k"].max() <= 60
    assert not beside.duplicated([*truth.KEYS, "cohort"]).any()
    assert (
        beside.groupby(truth.KEYS)["k"].agg("size") == beside.groupby(truth.KEYS)["k"].first()
    ).all()


def test_both_directions_are_pairs_of_their_own() -> None:
    made = phenome.design(conditions=7, seed=3, directed=True)
    exposure, outcome = made.pair(np.arange(made.pairs))
    expected = [(a, b) for a in range(7) for b in range(7) if a != b]
    assert list(zip(exposure.tolist(), outcome.tolist(), strict=True)) == expected


def test_a_seed_gives_the_same_files_again(folder: Path, tmp_path: Path) -> None:
    def hashes(of: Path) -> dict[str, str]:
        return {
            str(path.relative_to(of)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(of.rglob("*"))
            if path.is_file()
        }

    phenome.write(tmp_path / "again", conditions=CONDITIONS, seed=1, model="normal")
    phenome.write(tmp_path / "other", conditions=CONDITIONS, seed=2, model="normal")
    assert hashes(tmp_path / "again") == hashes(folder)
    assert hashes(tmp_path / "other") != hashes(folder)


def test_estimates_scatter_about_the_truth_as_their_variances_say(beside: pd.DataFrame) -> None:
    # (y - mean)² / (v + tau2) is chi-squared on 1 degree of freedom: mean 1, variance 2.
    squared = (beside["yi"] - beside["mean"]) ** 2 / (beside["vi"] + beside["tau2"])
    assert abs(squared.mean() - 1) < 4 * np.sqrt(2 / len(squared))


def test_shares_of_a_table_have_its_margins_and_odds_ratio() -> None:
    rng = np.random.default_rng(5)
    p1, p2 = rng.uniform(1e-4, 0.4, (2, 1000))
    log_odds_ratio = rng.uniform(-4, 4, 1000)
    a, b, c, d = phenome.cells(p1, p2, log_odds_ratio)
    assert np.allclose(a + b, p1, rtol=1e-12)
    assert np.allclose(a + c, p2, rtol=1e-12)
    assert np.allclose(np.log(a * d / (b * c)), log_odds_ratio, atol=1e-9)


def test_counts_are_those_of_their_shares() -> None:
    # The variance of a multinomial count is n p (1 - p).
    shares = np.tile([[0.02], [0.1], [0.28], [0.6]], (1, 20_000))
    counts = phenome.draw(np.random.default_rng(6), np.full(20_000, 1000.0), shares)
    assert (counts.sum(axis=0) == 1000).all()
    error = counts.mean(axis=1) - 1000 * shares[:, 0]
    assert (np.abs(error) < 4 * np.sqrt(1000 * shares[:, 0] * (1 - shares[:, 0]) / 20_000)).all()


# -- The intervals ---------------------------------------------------------------------------------


def fits(folder: Path, **settings: Any) -> pd.DataFrame:
    """What `pool_many` finds beside the truth of each pair."""
    found = cb.pool_many(folder / "estimates", by=truth.KEYS, measure="OR", **settings)
    return truth.joined(found.to_frame(), pq.read_table(folder / "truth.parquet").to_pandas())


@pytest.fixture(scope="module")
def tests(folder: Path) -> dict[str, pd.DataFrame]:
    return {test: fits(folder, test=test) for test in LONG_RUN}


@pytest.mark.parametrize("test", LONG_RUN)
def test_intervals_hold_the_truth_as_often_as_in_the_long_run(
    tests: dict[str, pd.DataFrame], test: str
) -> None:
    assert abs(truth.confidence(tests[test]).off(LONG_RUN[test])) < 4


def test_homogeneous_pairs_hold_the_truth_in_95_percent(folder: Path) -> None:
    # Where tau2 is 0 the mean weighted by 1 / v is normal with variance 1 / sum of 1 / v, exactly.
    found = fits(folder, method="EE", test="z")
    assert abs(truth.confidence(found[found["tau2"] == 0]).off(0.95)) < 4
    assert truth.confidence(found[found["i2"] > 75]).value < 0.7  # and it is wrong elsewhere


@pytest.mark.parametrize("k", [3, 5, 14])
def test_equal_variances_give_knha_95_percent(k: int) -> None:
    # Weights are equal whatever tau2 is, so the interval is that of a t-test on the estimates; with
    # variances that vanish beside tau2 the prediction interval is that of one more normal value.
    rng = np.random.default_rng(k)
    n = 4000
    table = pd.DataFrame({"pair": np.repeat(np.arange(n), k), "yi": rng.normal(size=n * k)})
    found = cb.pool_many(table.assign(vi=1e-9), by="pair", test="knha").to_frame()
    found = found.assign(mean=0.0, further=rng.normal(size=n))
    assert abs(truth.confidence(found).off(0.95)) < 4
    assert abs(truth.prediction(found).off(0.95)) < 4


def test_estimates_are_unbiased_where_the_model_holds(tests: dict[str, pd.DataFrame]) -> None:
    mean, se = truth.bias(tests["knha"])
    assert abs(mean) < 4 * se


def test_discoveries_are_false_as_seldom_as_promised(tests: dict[str, pd.DataFrame]) -> None:
    # Benjamini and Hochberg's share is at most 5 % of the nulls' share, one half, if p-values are
    # right; p-values that are not adjusted give about 6 %, Bonferroni's below 0.1 %.
    share = truth.false_discoveries(tests["knha"])
    assert 0.01 < share.value < 0.05
    assert truth.discovered(tests["knha"]).value > 0.5


def test_counts_of_rare_conditions_bias_the_log_odds_ratio(tmp_path: Path) -> None:
    phenome.write(tmp_path / "counts", conditions=CONDITIONS, seed=1, model="counts")
    found = fits(tmp_path / "counts")
    rare, common = (found[found["expected_cases"].between(*ends)] for ends in [(0, 20), (100, 1e9)])
    assert truth.bias(rare)[0] > 4 * truth.bias(rare)[1]
    assert truth.bias(common)[0] < truth.bias(rare)[0] / 2
    assert truth.confidence(found).value > 0.9


@pytest.mark.benchmark
@pytest.mark.parametrize("model", ["normal", "counts"])
def test_phenome_of_1000_conditions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    start = time.perf_counter()
    total = phenome.write(tmp_path / model, conditions=1000, seed=1, model=model)
    made = time.perf_counter()
    found = {test: fits(tmp_path / model, test=test) for test in LONG_RUN}
    done = time.perf_counter()
    with capsys.disabled():
        print(f"\nA seeded simulation, model {model!r}: 499,500 pairs, {total:,} estimates,")
        print(f"made in {made - start:.1f} s, pooled twice and joined in {done - made:.1f} s.")
        print("% of intervals that hold the truth (standard error); REML\n" + truth.report(found))
    assert len(found["knha"]) == 499_500
