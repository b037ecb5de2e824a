"""What holds for tests of asymmetry and adjustments on every data set: seeded simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import comorbid as cb
from comorbid.bias.asymmetry import asymmetry
from comorbid.bias.excess import excess_significance
from comorbid.bias.fail_safe import fail_safe_n
from comorbid.bias.henmi_copas import henmi_copas
from comorbid.bias.pet_peese import pet_peese
from comorbid.bias.rank_test import rank_test
from comorbid.bias.selection import selection_model
from comorbid.bias.trim_and_fill import trim_and_fill

Array = NDArray[np.float64]
Data = tuple[Array, Array]
# A straight line through weights 10^12 apart magnifies the rounding of shifted or scaled data.
CLOSE = 1e-5


@st.composite
def data_sets(
    draw: st.DrawFn,
    smallest: int = 1,
    orders: tuple[float, ...] = (1, 3, 12),
    kinds: tuple[str, ...] = ("plain", "plain", "rounded"),
) -> Data:
    """Effects and variances: nearly homogeneous to hugely different, some rounded or the same."""
    k = draw(st.integers(smallest, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from(orders))
    tau = draw(st.sampled_from([0.0, 1e-8, 0.3, 100.0]))
    vi = 10 ** (rng.uniform(-spread / 2, spread / 2, k) - 1)
    yi = rng.normal(0.4, np.sqrt(vi + tau**2))
    kind = draw(st.sampled_from(kinds))
    if kind == "rounded":
        yi, vi = np.round(yi, 1), np.ceil(vi * 10) / 10
    return (np.full(k, 0.4) if kind == "same" else yi), vi


def pooled(data: Data, method: str = "REML") -> cb.Fit:
    return cb.pool(cb.Effects(yi=data[0], vi=data[1]), method=method, test="z")


@settings(max_examples=150)
@given(data_sets(kinds=("plain", "rounded", "same")), st.sampled_from(["EE", "DL", "REML"]))
def test_every_analysis_gives_numbers_or_says_why_not(data: Data, method: str) -> None:
    fit = pooled(data, method)
    analyses = [
        lambda: asymmetry(fit).p_value,
        lambda: asymmetry(fit, model="rma").p_value,
        lambda: rank_test(fit).p_value,
        lambda: pet_peese(fit).p_value,
        lambda: henmi_copas(fit).se,
        *(
            lambda estimator=estimator: trim_and_fill(fit, estimator=estimator).fit.se
            for estimator in ("L0", "R0", "Q0")
        ),
        *(
            lambda kind=kind: fail_safe_n(fit, kind=kind, alpha=0.05).n
            for kind in ("rosenthal", "orwin", "rosenberg", "general")
        ),
        lambda: excess_significance(fit).p_value,
    ]
    for analysis in analyses:
        try:
            assert analysis() >= 0
        except cb.ModelError as error:
            assert str(error)  # noqa: PT017


@settings(max_examples=60)
@given(data_sets(smallest=3, orders=(1, 3), kinds=("plain",)), st.randoms(use_true_random=False))
def test_order_of_studies_makes_no_difference(data: Data, random: object) -> None:
    order = list(range(data[0].size))
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = pooled(data), pooled((data[0][order], data[1][order]))
    pairs = [
        (asymmetry(first).statistic, asymmetry(second).statistic),
        (asymmetry(first, model="rma").limit, asymmetry(second, model="rma").limit),
        (rank_or_nan(first), rank_or_nan(second)),
        (henmi_copas(first).ci[0], henmi_copas(second).ci[0]),
        (excess_significance(first).p_value, excess_significance(second).p_value),
        (fail_safe_n(first, kind="general").n, fail_safe_n(second, kind="general").n),
    ]
    for one, other in pairs:
        assert one == pytest.approx(other, rel=CLOSE, abs=1e-8, nan_ok=True)


def rank_or_nan(fit: cb.Fit) -> float:
    try:
        return rank_test(fit).p_value
    except cb.ModelError:
        return math.nan


@settings(max_examples=60)
@given(data_sets(smallest=3, orders=(1, 3), kinds=("plain",)), st.sampled_from([1e-4, 1.0, 1e3]))
def test_sign_and_unit_turn_the_result_with_them(data: Data, unit: float) -> None:
    yi, vi = data
    first, second = pooled(data), pooled((-unit * yi, unit**2 * vi))
    a, b = asymmetry(first), asymmetry(second)
    assert b.p_value == pytest.approx(a.p_value, rel=CLOSE, abs=1e-12)
    assert b.slope == pytest.approx(-a.slope, rel=CLOSE, abs=1e-7)
    assert rank_or_nan(second) == pytest.approx(rank_or_nan(first), nan_ok=True)
    left, right = henmi_copas(first), henmi_copas(second)
    assert right.critical == pytest.approx(left.critical, rel=CLOSE)
    assert excess_significance(second).p_value == pytest.approx(
        excess_significance(first).p_value, rel=CLOSE
    )


@settings(max_examples=60)
@given(data_sets(smallest=3, orders=(1, 3), kinds=("plain",)), st.sampled_from([-5.0, 0.01, 30.0]))
def test_a_shift_of_all_effects_moves_only_the_limit(data: Data, shift: float) -> None:
    first, second = pooled(data), pooled((data[0] + shift, data[1]))
    for model in ("lm", "rma"):
        a, b = (asymmetry(fit, model=model) for fit in (first, second))  # type: ignore[arg-type]
        assert b.slope == pytest.approx(a.slope, rel=CLOSE, abs=1e-7)
        assert b.limit == pytest.approx(a.limit + shift, rel=CLOSE, abs=1e-7)
    assert henmi_copas(second).critical == pytest.approx(henmi_copas(first).critical, rel=CLOSE)


@settings(max_examples=80)
@given(data_sets(smallest=3, orders=(1, 3)), st.sampled_from(["L0", "R0"]))
def test_trim_and_fill_is_settled(data: Data, estimator: str) -> None:
    """The filled studies lie on the missing side, and filling again by hand gives the same fit."""
    fit = pooled(data)
    try:
        found = trim_and_fill(fit, estimator=estimator, side="left")  # type: ignore[arg-type]
    except cb.ModelError as error:
        assert "settle" in str(error) or "missing" in str(error)  # noqa: PT017
        return
    assert 0 <= found.k0 < fit.k
    added = found.effects.yi[fit.k :]
    assert added.size == found.k0
    assert found.fit.estimate <= fit.estimate + 1e-9 * max(1.0, abs(fit.estimate))
    again = pooled((np.array(found.effects.yi), np.array(found.effects.vi)))
    assert again.estimate == found.fit.estimate


@settings(max_examples=40)
@given(
    data_sets(smallest=8, orders=(1, 2)),
    st.sampled_from(["step", "beta", "halfnorm", "negexp", "logistic", "power"]),
    st.sampled_from(["greater", "less", "two.sided"]),
    st.integers(0, 2**32 - 1),
)
def test_selection_model_is_at_the_highest_point(
    data: Data, kind: str, alternative: str, seed: int
) -> None:
    """At least as likely as no selection, and as the maxima with parameters fixed at random."""
    fit = pooled(data)
    settings_ = {"kind": kind, "alternative": alternative}
    if kind == "step":
        settings_["steps"] = [0.05]  # type: ignore[assignment]
    try:
        found = selection_model(fit, **settings_)  # type: ignore[arg-type]
    except cb.ModelError as error:
        assert "maximum" in str(error)  # noqa: PT017
        return
    assert found.log_likelihood >= fit_height(fit) - 1e-8
    assert found.gradient < 1e-5
    assert found.tau2 >= 0
    rng = np.random.default_rng(seed)
    delta = rng.uniform(0.01, 4.0, len(found.delta)).tolist()
    if kind == "step":
        delta[0] = 1.0
    fixed = selection_model(fit, delta=delta, **settings_)  # type: ignore[arg-type]
    assert found.log_likelihood >= fixed.log_likelihood - 1e-7


def fit_height(fit: cb.Fit) -> float:
    return cb.pool(fit.effects, method="ML", test="z").ml.log_likelihood
