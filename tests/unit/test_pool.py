from __future__ import annotations

import math

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.estimators import Estimator

# Ashina 2018 (pure migraine) and Bejia 2005, from the bundled data.
TWO = cb.Effects(
    yi=np.log([1.2, 2.55]),
    vi=[(math.log(2.1 / 0.7) / 3.92) ** 2, (math.log(4.38 / 1.49) / 3.92) ** 2],
    labels=["Ashina", "Bejia"],
    measure="OR",
)


def first(count: int) -> cb.Effects:
    effects = cb.effects(cb.datasets.headache_back_pain())
    return effects.take(range(count))


def test_one_study_gives_what_can_be_given() -> None:
    effects = cb.Effects(yi=[0.5], vi=[0.04], measure="OR")
    fit = cb.pool(effects)
    assert (fit.estimate, fit.se) == (0.5, 0.2)
    assert fit.ci == pytest.approx((0.5 - 1.959963985 * 0.2, 0.5 + 1.959963985 * 0.2), rel=1e-9)
    assert np.isnan([fit.tau2, fit.i2, fit.h2, fit.q, fit.q_p, *fit.pi]).all()
    assert fit.weights.tolist() == [100.0]
    assert "nothing is pooled" in fit.warnings[0]
    assert "one study" in fit.summary()


def test_two_studies_say_what_cannot_be_relied_on() -> None:
    fit = cb.pool(TWO)
    assert fit.df == 1
    assert "neither the interval nor the prediction interval" in fit.warnings[0]
    assert "classic (z)" in fit.summary()


def test_two_studies_paule_mandel_is_a_closed_form() -> None:
    """With k = 2, Q(tau2) = (y1 - y2)^2 / (v1 + v2 + 2 tau2) = 1."""
    fit = cb.pool(TWO, method="PM")
    y, v = TWO.yi, TWO.vi
    assert fit.tau2 == pytest.approx(((y[0] - y[1]) ** 2 - v.sum()) / 2, rel=1e-12)


def test_intervals_stand_side_by_side() -> None:
    intervals = cb.pool(TWO).intervals()
    assert list(intervals) == ["z", "knha", "adhoc"]
    for test, ends in intervals.items():
        assert ends == cb.pool(TWO, test=test).ci  # type: ignore[arg-type]


def test_adhoc_is_never_narrower_than_z() -> None:
    """Three nearly equal effects: the Knapp-Hartung standard error is below the classic one."""
    effects = cb.Effects(yi=[0.50, 0.51, 0.52], vi=[0.04, 0.05, 0.03])
    se = {test: cb.pool(effects, test=test).se for test in ("z", "knha", "adhoc")}  # type: ignore[arg-type]
    assert se["knha"] < se["z"] == se["adhoc"]


def test_missing_effects_are_left_out_with_a_warning() -> None:
    effects = cb.Effects(yi=[0.5, math.nan, 0.7], vi=[0.04, math.nan, 0.03], labels=list("ABC"))
    with pytest.warns(cb.DataWarning, match="left out, no effect: B"):
        fit = cb.pool(effects)
    assert fit.k == 2
    assert fit.effects.labels == ("A", "C")
    assert "left out, no effect: B" in fit.warnings


def test_nothing_to_pool_is_an_error() -> None:
    with pytest.raises(cb.DataError, match="no effect to pool"):
        cb.pool(cb.Effects(yi=[], vi=[]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "reml"}, "use one of EE, DL, HE, HS, HSk, SJ, ML, REML, EB, PM, PMM"),
        ({"test": "hksj"}, "use one of z, t, knha, adhoc"),
        ({"level": 95}, "give a proportion"),
    ],
)
def test_errors_list_the_allowed_values(settings: dict[str, object], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        cb.pool(TWO, **settings)  # type: ignore[arg-type]


def test_equal_effects_has_no_prediction_interval() -> None:
    fit = cb.pool(first(6), method="EE", test="z")
    assert fit.tau2 == 0
    assert np.isnan(fit.pi).all()


def test_prediction_interval_is_the_fits_own() -> None:
    """Closed form: estimate +- t(k - 1) sqrt(se^2 + tau2); t(5) quantile from R's qt(.975, 5)."""
    fit = cb.pool(first(6))
    half = 2.570581835636314 * math.sqrt(fit.se**2 + fit.tau2)
    assert fit.pi == pytest.approx((fit.estimate - half, fit.estimate + half), rel=1e-12)


def test_an_estimator_can_be_given_as_a_value() -> None:
    fixed = Estimator("FIXED", "a fixed tau2", lambda yi, vi: np.full(yi.shape[1], 0.2), "none")
    fit = cb.pool(first(6), method=fixed)
    assert (fit.tau2, fit.method) == (0.2, "FIXED")
    assert cb.leave_one_out(fit).batch.tau2.tolist() == [0.2] * 6


def test_identical_effects_do_not_fail() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5, 0.5, 0.5], vi=[0.1, 0.2, 0.3]))
    assert fit.tau2 == 0
    assert fit.ci == (0.5, 0.5)
    assert math.isinf(fit.statistic)


def test_leave_one_out_of_two_and_of_one() -> None:
    table = cb.leave_one_out(cb.pool(TWO)).to_frame()
    assert table["k"].tolist() == [1, 1]
    assert table.loc["Ashina", "estimate"] == TWO.yi[1]
    assert table["reason"].tolist() == ["one study is left: nothing is pooled"] * 2
    alone = cb.leave_one_out(cb.pool(cb.Effects(yi=[0.5], vi=[0.04]))).to_frame()
    assert np.isnan(alone["estimate"].iloc[0])
    assert alone["reason"].iloc[0] == "no study is left"


def test_refit_tables_have_the_fixed_columns() -> None:
    table = cb.leave_one_out(cb.pool(first(6))).to_frame()
    assert list(table.columns) == [
        *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "pi_low", "pi_high"),
        *("tau2", "i2", "h2", "q", "q_p", "k"),
    ]


def test_results_cannot_be_changed() -> None:
    fit = cb.pool(first(6))
    with pytest.raises(AttributeError):
        fit.estimate = 0.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        fit.weights[0] = 1.0


def test_to_dict_is_complete_and_plain() -> None:
    values = cb.pool(first(6)).to_dict()
    assert values["ids"][0] == "ghandour2004-1"
    assert {"estimate", "ci_low", "pi_high", "tau2", "weights", "warnings"} <= values.keys()
    assert all(not isinstance(value, np.generic | np.ndarray) for value in values.values())


def test_html_view_escapes_labels() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5, 0.2], vi=[0.1, 0.1], labels=["<b>A</b>", "B"]))
    assert "<b>" not in cb.leave_one_out(fit)._repr_html_()
    assert fit._repr_html_().startswith("<pre>")


def test_scaled_values_are_back_transformed() -> None:
    scaled = cb.pool(TWO).on_scale()
    assert scaled.estimate == pytest.approx(math.exp(cb.pool(TWO).estimate), rel=1e-15)
