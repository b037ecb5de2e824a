"""All subsets and bootstrap: what is drawn, what is kept, intervals, edges, failures."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.models.estimators import Estimator
from comorbid.sensitivity import membership, refitting
from comorbid.sensitivity.bootstrap import bootstrap
from comorbid.sensitivity.intervals import distribution
from comorbid.sensitivity.subsets import subsets

YI = [0.10, 0.42, 0.95, -0.20, 0.60, 1.30]
VI = [0.03, 0.08, 0.02, 0.05, 0.04, 0.10]
EFFECTS = cb.Effects(yi=YI, vi=VI, labels=list("ABCDEF"), measure="OR")


def simulated(k: int) -> cb.Effects:
    rng = np.random.default_rng(k)
    vi = rng.uniform(0.01, 0.3, k)
    return cb.Effects(yi=rng.normal(0.3, np.sqrt(vi + 0.05)), vi=vi)


@pytest.mark.parametrize("method", ["EE", "DL", "REML", "PM"])
def test_every_subset_is_there_once_and_is_a_fit_of_its_own(method: str) -> None:
    fit = cb.pool(EFFECTS, method=method)
    result = subsets(fit)
    assert len(result) == result.total == 63
    found = {tuple(np.flatnonzero(column)) for column in result.members().T}
    every = {c for n in range(1, 7) for c in itertools.combinations(range(6), n)}
    assert found == every
    for row in (6, 30, 62):
        chosen = np.flatnonzero(result.members()[:, row])
        direct = cb.pool(EFFECTS.take(chosen), method=method)
        for name in ("estimate", "tau2", "i2", "q"):
            assert math.isclose(
                getattr(result, name)[row], getattr(direct, name), rel_tol=1e-9, abs_tol=1e-12
            )
        assert result.k[row] == direct.k


def test_single_studies_have_an_estimate_only() -> None:
    result = subsets(cb.pool(EFFECTS))
    one = result.k == 1
    assert result.estimate[one].tolist() == YI
    assert np.isnan(result.tau2[one]).all()
    assert np.isnan(result.i2[one]).all()
    assert np.isnan(result.q[one]).all()
    assert not result.failures


def test_membership_is_told_by_label_and_by_matrix() -> None:
    result = subsets(cb.pool(EFFECTS))
    matrix = result.members()
    for j, label in enumerate("ABCDEF"):
        assert (result.includes(label) == matrix[j]).all()
    assert (matrix.sum(axis=0) == result.k).all()
    assert result.members(slice(5, 8)).shape == (6, 3)
    assert result.packed.shape == (63, 1)
    assert not result.packed.flags.writeable
    with pytest.raises(cb.ModelError, match="no study 'G'; the studies are A, B"):
        result.includes("G")


@pytest.mark.parametrize(
    ("k", "limit"), [(12, 500), (10, 1000), (21, 3000), (70, 2000), (64, 1000)]
)
def test_random_subsets_are_distinct_and_fair(k: int, limit: int) -> None:
    """Each study is in about half of the subsets: within 5 standard deviations of the share."""
    result = subsets(cb.pool(simulated(k), method="EE"), limit=limit, seed=7)
    assert len(result) == limit
    assert result.total == 2**k - 1
    assert len({row.tobytes() for row in result.packed}) == limit
    assert (result.k > 0).all()
    share = result.members().mean(axis=1)
    assert np.abs(share - 0.5).max() < 5 * 0.5 / math.sqrt(limit)
    assert (result.members().sum(axis=0) == result.k).all()


def test_seeds_decide_the_sample() -> None:
    fit = cb.pool(simulated(30))
    first, again, other = (subsets(fit, limit=200, seed=seed) for seed in (1, 1, 2))
    assert (first.packed == again.packed).all()
    assert np.array_equal(first.estimate, again.estimate)
    assert not (first.packed == other.packed).all()


def test_limit_decides_between_all_and_a_sample() -> None:
    fit = cb.pool(simulated(5))
    assert len(subsets(fit, limit=31)) == 31
    assert len(subsets(fit, limit=30)) == 30
    assert len(subsets(fit, limit=1)) == 1


def test_all_but_a_few_subsets_can_be_drawn() -> None:
    """Where most subsets are wanted, no time is lost on drawing the same again."""
    packed = membership.random_subsets(16, 2**16 - 2, np.random.default_rng(1))
    assert len({row.tobytes() for row in packed}) == 2**16 - 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, "limit is 0; give a whole number of at least 1"),
        ({"limit": 1e6}, "limit is 1000000.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
    ],
)
def test_settings_of_subsets_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        subsets(cb.pool(EFFECTS), **settings)


def test_views_of_subsets() -> None:
    result = subsets(cb.pool(EFFECTS))
    frame = result.to_frame()
    assert frame.columns.tolist() == ["estimate", "i2", "tau2", "q", "k"]
    assert len(frame) == 63
    stored = result.to_dict()
    assert stored["n"] == stored["total"] == 63
    assert stored["estimate"][0] == frame["estimate"].min()
    assert stored["estimate"][3] == frame["estimate"].median()
    assert "All 63 subsets of 6 studies (REML)" in result.summary()
    assert "30 random ones of the 63 subsets" in subsets(cb.pool(EFFECTS), limit=30).summary()
    assert repr(result) == result.summary()
    assert result._repr_html_().startswith("<pre>")


@pytest.mark.parametrize("k", [1, 2])
def test_subsets_of_few_studies(k: int) -> None:
    result = subsets(cb.pool(EFFECTS.take(range(k))))
    assert len(result) == 2**k - 1
    assert np.isnan(result.tau2).sum() == k
    assert math.isnan(result.to_dict()["tau2"][0]) == (k == 1)


@pytest.mark.parametrize("method", ["EE", "REML"])
def test_parametric_estimates_spread_as_the_model_says(method: str) -> None:
    """Equal effects: exactly normal with the standard error of the fit; REML close to it."""
    fit = cb.pool(simulated(40), method=method, test="z")
    result = bootstrap(fit, n=4000, seed=3)
    assert abs(result.estimate.bias) < 5 * fit.se / math.sqrt(4000)
    assert math.isclose(result.estimate.se, fit.se, rel_tol=0.06)
    assert np.allclose(result.estimate.ci, fit.ci, atol=0.25 * fit.se)
    if method == "EE":
        assert result.tau2 == dataclasses.replace(result.tau2, value=0, bias=0, se=0, ci=(0, 0))
        assert stats.kstest((result.batch.estimate - fit.estimate) / fit.se, "norm").pvalue > 0.001


def test_nonparametric_data_sets_are_studies_drawn_again() -> None:
    fit = cb.pool(EFFECTS, method="EE", test="z")
    result = bootstrap(fit, n=2000, seed=3, kind="nonparametric")
    assert result.batch.estimate.min() >= min(YI) - 1e-12
    assert result.batch.estimate.max() <= max(YI) + 1e-12
    assert (result.batch.k == 6).all()
    assert result.estimate.ci[0] < fit.estimate < result.estimate.ci[1]


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_data_sets_are_pooled_with_the_weights_of_the_analyst(kind: Any) -> None:
    """Weights for two studies only: the others never enter the estimate."""
    weights = np.array([1.0, 0, 3, 0, 0, 0])
    fit = cb.pool(EFFECTS, method="DL", test="z", weights=weights)
    result = bootstrap(fit, n=400, seed=8, kind=kind)
    if kind == "parametric":
        share = weights / weights.sum()
        spread = math.sqrt((share**2 * (np.array(VI) + fit.tau2)).sum())
        assert math.isclose(result.estimate.se, spread, rel_tol=0.15)
    else:
        given = result.batch.estimate[np.isfinite(result.batch.estimate)]
        assert ((given >= YI[0] - 1e-12) & (given <= YI[2] + 1e-12)).all()
        assert "of 400 refits failed and are left out" in result.warnings[0]


def test_basic_is_percentile_mirrored_and_cut_off() -> None:
    fit = cb.pool(EFFECTS)
    percentile, basic = (
        bootstrap(fit, n=1000, seed=5, interval=interval)  # type: ignore[arg-type]
        for interval in ("percentile", "basic")
    )
    low, high = percentile.estimate.ci
    assert np.allclose(basic.estimate.ci, (2 * fit.estimate - high, 2 * fit.estimate - low))
    assert basic.tau2.ci[0] == max(0, 2 * fit.tau2 - percentile.tau2.ci[1])
    assert basic.i2.ci[1] <= 100


def test_bca_ends_agree_with_scipy() -> None:
    """scipy.stats.bootstrap, method BCa, of a mean: same draws, same ends but for interpolation."""
    values = np.random.default_rng(4).gamma(1.5, size=40)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(5), method="BCa"
    )
    without = (values.sum() - values) / 39
    ours, note = distribution(
        float(values.mean()),
        theirs.bootstrap_distribution,
        interval="bca",
        level=0.95,
        bounds=(-math.inf, math.inf),
        without=without,
    )
    assert note == ""
    assert np.allclose(ours.ci, theirs.confidence_interval, rtol=2e-3)


def test_percentile_ends_are_order_statistics() -> None:
    """Davison and Hinkley 1997, p. 203: of 999 draws the 25th and the 975th."""
    found, _ = distribution(
        0.5,
        np.random.default_rng(1).permutation(np.arange(1.0, 1000.0)),
        interval="percentile",
        level=0.95,
        bounds=(-math.inf, math.inf),
        without=np.empty(0),
    )
    assert np.allclose(found.ci, (25, 975), rtol=1e-12)


def test_bca_without_a_basis_is_nan_with_a_note() -> None:
    """With two studies, leaving one out leaves no tau2 from which to take the skewness."""
    fit = cb.pool(EFFECTS.take([0, 2]))
    result = bootstrap(fit, n=200, kind="nonparametric", interval="bca")
    assert np.isnan(result.tau2.ci).all()
    assert any(note.startswith("tau2: no bca interval") for note in result.warnings)


def test_the_same_seed_gives_the_same_result_in_any_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = cb.pool(EFFECTS)
    for kind in ("parametric", "nonparametric"):
        whole = bootstrap(fit, n=300, seed=9, kind=kind)  # type: ignore[arg-type]
        with monkeypatch.context() as patched:
            patched.setattr(refitting, "_CELLS", 50)
            parts = bootstrap(fit, n=300, seed=9, kind=kind)  # type: ignore[arg-type]
        assert np.allclose(whole.batch.estimate, parts.batch.estimate, rtol=1e-12)
        other = bootstrap(fit, n=300, seed=10, kind=kind)  # type: ignore[arg-type]
        assert not np.allclose(whole.batch.estimate, other.batch.estimate)


def test_one_study_has_a_parametric_interval_and_no_tau2() -> None:
    fit = cb.pool(EFFECTS.take([0]))
    result = bootstrap(fit, n=2000, seed=1)
    assert math.isclose(result.estimate.se, math.sqrt(VI[0]), rel_tol=0.1)
    assert math.isnan(result.tau2.value)
    assert np.isnan(result.tau2.ci).all()
    assert "tau2: does not exist, or does not vary" in result.warnings
    same = bootstrap(fit, n=100, seed=1, kind="nonparametric")
    assert np.isnan(same.estimate.ci).all()
    assert same.warnings[0] == "estimate: does not exist, or does not vary"


def test_failed_data_sets_stay_as_nan_and_are_counted() -> None:
    def tau2(yi: Array, vi: Array) -> Array:
        if (yi[0] > 0.3).any():
            raise cb.ModelError("too large")
        return np.full(yi.shape[1], 0.1)

    fit = dataclasses.replace(cb.pool(EFFECTS), estimator=Estimator("F", "f", tau2, "none"))
    result = bootstrap(fit, n=500, seed=2)
    failed = np.isnan(result.batch.estimate)
    assert 0 < failed.sum() < 500
    assert result.warnings[0] == (
        f"{failed.sum()} of 500 refits failed and are left out: the refit failed: too large"
    )
    assert np.isfinite(result.estimate.ci).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "wild"}, "kind is 'wild'; use one of parametric, nonparametric"),
        ({"interval": "normal"}, "use one of percentile, basic, bca"),
        ({"interval": "bca"}, "'bca' needs kind='nonparametric'"),
        ({"n": 39}, "n is 39; give a whole number of at least 40"),
        ({"n": 1000.5}, "n is 1000.5"),
        ({"seed": -3}, "seed is -3"),
    ],
)
def test_settings_of_bootstrap_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        bootstrap(cb.pool(EFFECTS), **settings)


def test_views_of_bootstrap() -> None:
    result = bootstrap(cb.pool(EFFECTS), n=100, seed=1)
    frame = result.to_frame()
    assert frame.columns.tolist()[:4] == ["estimate", "se", "statistic", "p_value"]
    assert len(frame) == 100
    stored = result.to_dict()
    assert stored["estimate"]["ci"] == list(result.estimate.ci)
    assert (stored["n"], stored["seed"], stored["kind"]) == (100, 1, "parametric")
    assert "100 parametric bootstrap data sets (REML)" in result.summary()
    assert repr(result) == result.summary()
    assert result._repr_html_().startswith("<pre>")
