"""What holds for every multilevel model: seeded simulations of effects, groups and covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import comorbid as cb

EXAMPLES = settings(max_examples=40, deadline=None)
MODELS: list[dict[str, Any]] = [
    {"random": "study_id / estimate_id"},
    {"random": "study_id"},
    {"random": ["study_id", "outcome"]},
    {"random": "outcome | study_id", "struct": "CS"},
    {"random": "outcome | study_id", "struct": "UN"},
    {"random": "study_id / estimate_id", "rho": 0.5},
]
CLOSE = 1e-6


def simulated(seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Effects of 4 to 12 studies with 2 or 3 rows each, and covariances of their errors."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 4, rng.integers(4, 13))
    study = np.repeat(np.arange(sizes.size), sizes)
    k = study.size
    vi = 10 ** rng.uniform(-2.5, -0.5, k)
    tau = rng.choice([0.0, 0.1, 0.6], 2)
    yi = rng.normal(0, tau[0], sizes.size)[study] + rng.normal(0, np.sqrt(vi + tau[1] ** 2))
    outcome = np.concatenate([np.arange(size) for size in sizes])
    v = 0.5 * np.sqrt(np.outer(vi, vi)) * (study[:, None] == study)
    np.fill_diagonal(v, vi)
    table = {
        "yi": yi,
        "vi": vi,
        "labels": [f"row {i}" for i in range(k)],
        "studies": [f"s{i}" for i in study],
        "moderators": {"outcome": [f"o{i}" for i in outcome]},
    }
    return table, v


def fit(table: dict[str, Any], v: np.ndarray, model: dict[str, Any], **more: Any) -> cb.Multilevel:
    given_ = {name: value for name, value in model.items() if name != "rho"}
    if "rho" in model:
        given_["V"] = v
    return cb.multilevel(cb.Effects(**table), **given_, **more)


def usable(table: dict[str, Any], v: np.ndarray, model: dict[str, Any]) -> cb.Multilevel | None:
    try:
        return fit(table, v, model)
    except cb.ModelError:  # two outcomes that never meet, or that have one group
        return None


def check_same(a: cb.Multilevel, b: cb.Multilevel, factor: float = 1.0) -> None:
    scale = np.abs(a.effects.yi).max()
    assert b.estimate == pytest.approx(factor * a.estimate, rel=CLOSE, abs=CLOSE * factor * scale)
    assert b.se == pytest.approx(factor * a.se, rel=CLOSE)
    n = a.k - a.p if a.method == "REML" else a.k
    assert b.log_likelihood == pytest.approx(a.log_likelihood - n * np.log(factor), abs=1e-7)
    variances = [[c.value for c in f.components if c.kind == "variance"] for f in (a, b)]
    typical = float(np.median(a.effects.vi))
    # Sorted, as other names put the levels of an outcome into another order.
    ours, theirs = np.sort(variances[0]) * factor**2, np.sort(variances[1])
    assert theirs == pytest.approx(ours, rel=1e-4, abs=1e-5 * typical * factor**2)


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.sampled_from(MODELS))
def test_the_order_of_rows_does_not_matter(seed: int, model: dict[str, Any]) -> None:
    table, v = simulated(seed)
    first = usable(table, v, model)
    if first is None:
        return
    order = np.random.default_rng(seed).permutation(table["yi"].size)
    moved = {
        "yi": table["yi"][order],
        "vi": table["vi"][order],
        "labels": [table["labels"][i] for i in order],
        "studies": [table["studies"][i] for i in order],
        "moderators": {"outcome": [table["moderators"]["outcome"][i] for i in order]},
    }
    check_same(first, fit(moved, v[np.ix_(order, order)], model))


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.sampled_from(MODELS))
def test_names_of_groups_do_not_matter(seed: int, model: dict[str, Any]) -> None:
    table, v = simulated(seed)
    first = usable(table, v, model)
    if first is None:
        return
    renamed = {f"s{i}": f"{(7 * i) % 13:02d}" for i in range(13)}
    other = {"o0": "z", "o1": "y", "o2": "x"}
    outcomes = [other[o] for o in table["moderators"]["outcome"]]
    moved = {
        **table,
        "studies": [renamed[s] for s in table["studies"]],
        "moderators": {"outcome": outcomes},
    }
    check_same(first, fit(moved, v, model))


@EXAMPLES
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(MODELS),
    st.sampled_from([1e-4, 0.3, 1.0, 7.0, 1e5]),
    st.sampled_from(["REML", "ML"]),
)
def test_effects_in_other_units(
    seed: int, model: dict[str, Any], factor: float, method: Any
) -> None:
    table, v = simulated(seed)
    if usable(table, v, model) is None:
        return
    first = fit(table, v, model, method=method)
    scaled = {**table, "yi": factor * table["yi"], "vi": factor**2 * table["vi"]}
    check_same(first, fit(scaled, factor**2 * v, model, method=method), factor)


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.sampled_from(["REML", "ML"]))
def test_one_row_a_study_is_a_pool(seed: int, method: Any) -> None:
    table, _ = simulated(seed)
    effects = cb.Effects(yi=table["yi"], vi=table["vi"])
    ours = cb.multilevel(effects, random="study_id", method=method)
    pool = cb.pool(effects, method=method, test="z")
    assert ours.log_likelihood == pytest.approx(pool.log_likelihood, abs=1e-9)
    assert ours.sigma2[0] == pytest.approx(pool.tau2, rel=1e-6, abs=1e-9)
    assert ours.estimate[0] == pytest.approx(pool.estimate, rel=1e-7, abs=1e-9)


def test_a_maximum_that_starts_with_equal_variances_miss() -> None:
    """By ML with a variance for each outcome: four starts agreed on a maximum 0.153 lower."""
    table, v = simulated(5034)
    model = {"random": "outcome | study_id", "struct": "DIAG"}
    found = fit(table, v, model, method="ML")
    assert found.log_likelihood == pytest.approx(-11.742341, abs=1e-5)
    assert found.search.lower == (0.153057,)


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.sampled_from(["REML", "ML"]))
def test_no_point_of_a_fine_grid_is_higher(seed: int, method: Any) -> None:
    """Both variances of a three-level model from 0 to 100 times a typical one."""
    table, v = simulated(seed)
    found = fit(table, v, MODELS[0], method=method)
    steps = np.append(0.0, np.geomspace(1e-3, 10, 40)) * np.sqrt(found.model.typical)
    surface = found.model.surface()
    grid = np.array([(a, b) for a in steps for b in steps])
    assert surface.heights(grid).max() <= found.log_likelihood - found.model.constant + 1e-9
