from __future__ import annotations

import math

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.estimators import Estimator
from comorbid.models.random_effects import blup, ranef
from comorbid.models.residuals import rstandard
from comorbid.models.selections import refit

# Ashina 2018 (pure migraine) and Bejia 2005, from the bundled data.
TWO = cb.Effects(
    yi=np.log([1.2, 2.55]),
    vi=[(math.log(2.1 / 0.7) / 3.92) ** 2, (math.log(4.38 / 1.49) / 3.92) ** 2],
    labels=["Ashina", "Bejia"],
    measure="OR",
)


# Invented to be easy to follow; what R makes of them was printed by metafor 3.8-1.
FOUR = cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05], labels=list("ABCD"))


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
    assert "neither the prediction interval nor any one confidence interval" in fit.summary()
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


def test_weights_of_the_analyst() -> None:
    """R: rma(y, v, weights=1:4, method="DL", test="knha"), predict(), weights()."""
    fit = cb.pool(FOUR, method="DL", weights=[1, 2, 3, 4])
    assert fit.estimate == pytest.approx(0.83, rel=1e-12)
    assert fit.se == pytest.approx(0.29281061586989, rel=1e-12)
    assert fit.ci == pytest.approx((-0.10185406262298, 1.76185406262298), rel=1e-11)
    assert fit.pi == pytest.approx((-0.92981828481423, 2.58981828481423), rel=1e-11)
    assert fit.tau2 == pytest.approx(0.22004504504505, rel=1e-11)
    assert fit.weights.tolist() == pytest.approx([10, 20, 30, 40])
    assert fit.to_dict()["user_weights"] == [1, 2, 3, 4]
    assert "weights of the analyst" in fit.summary()


def test_weights_of_the_model_change_nothing() -> None:
    own = cb.pool(FOUR)
    same = cb.pool(FOUR, weights=own.weights)
    assert same.estimate == pytest.approx(own.estimate, rel=1e-12)
    assert same.se == pytest.approx(own.se, rel=1e-12)


def test_generalised_q_estimator() -> None:
    """R: rma(y, v, method="GENQ", weights=1:4)."""
    fit = cb.pool(FOUR, method="GENQ", test="z", weights=[1, 2, 3, 4])
    assert fit.tau2 == pytest.approx(0.23771428571429, rel=1e-12)
    assert fit.se_tau2 == pytest.approx(0.24904311166989, rel=1e-12)
    assert fit.se == pytest.approx(0.29088534805708, rel=1e-12)


@pytest.mark.parametrize(("method", "power"), [("DL", 1), ("HE", 0)])
def test_generalised_q_holds_older_methods(method: str, power: int) -> None:
    """DerSimonian and Kacker 2007, doi:10.1016/j.cct.2006.04.004: special cases by weights."""
    weights = FOUR.vi**-power
    general = cb.pool(FOUR, method="GENQ", weights=weights)
    assert general.tau2 == pytest.approx(cb.pool(FOUR, method=method).tau2, rel=1e-12)
    assert general.se_tau2 == pytest.approx(cb.pool(FOUR, method=method).se_tau2, rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2, 3], r"weights has shape \(3,\) for 4 effects"),
        ([1, -2, 3, 4], "B: weight -2.0; a weight must be 0, or between 1e-100 and 1e"),
        ([1, 2, math.inf, math.nan], "C: weight inf.*\n.*D: weight nan"),
        ([0, 0, 0, 0], "the weights sum to 0"),
    ],
)
def test_wrong_weights_are_named(weights: list[float], message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        cb.pool(FOUR, weights=weights)


@pytest.mark.parametrize("method", ["GENQ", "GENQM"])
def test_generalised_q_needs_weights(method: str) -> None:
    with pytest.raises(cb.ModelError, match="need the analyst's weights"):
        cb.pool(FOUR, method=method)
    with pytest.raises(cb.ModelError, match="at least two studies need a weight above 0"):
        cb.pool(FOUR, method=method, weights=[0, 0, 1, 0])


def test_weights_go_with_the_rows_that_are_used() -> None:
    gap = cb.Effects(yi=[0.1, math.nan, 0.9], vi=[0.03, math.nan, 0.08])
    with pytest.warns(cb.DataWarning, match="left out"):
        fit = cb.pool(gap, weights=[1, math.nan, 3])
    assert fit.weights.tolist() == [25, 75]


def test_leave_one_out_keeps_weights_and_fixed_tau2() -> None:
    settings: dict[str, object] = {"tau2": 0.1, "test": "z"}
    fit = cb.pool(FOUR, weights=[1, 2, 3, 4], **settings)  # type: ignore[arg-type]
    table = cb.leave_one_out(fit).to_frame()
    rest = cb.pool(FOUR.take([0, 2, 3]), weights=[1, 3, 4], **settings)  # type: ignore[arg-type]
    assert table.loc["B", "estimate"] == pytest.approx(rest.estimate, rel=1e-12)
    assert table.loc["B", "se"] == pytest.approx(rest.se, rel=1e-12)
    assert table["tau2"].tolist() == [0.1] * 4


def test_a_refit_without_weight_keeps_its_row() -> None:
    fit = cb.pool(FOUR, weights=[1, 0, 0, 0])
    refits = refit(fit, "selections", list("ABCD"), ~np.eye(4, dtype=bool))
    assert np.isnan(refits.batch.estimate).tolist() == [True, False, False, False]
    assert refits.reasons[0] == "the weights of its studies give no estimate"


def test_fixed_tau2() -> None:
    """R: rma(y, v, tau2=0.1, test="z"), predict(), logLik(), AIC()."""
    fit = cb.pool(FOUR, tau2=0.1, test="z")
    assert (fit.tau2, fit.method) == (0.1, "REML")
    assert fit.estimate == pytest.approx(0.629046898638427, rel=1e-12)
    assert fit.se == pytest.approx(0.188151289433749, rel=1e-12)
    assert fit.pi == pytest.approx((-0.092158350423181, 1.350252147700034), rel=1e-12)
    assert fit.i2 == pytest.approx(72.691552062868368, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(-2.847597724119840, rel=1e-12)
    assert fit.aic == pytest.approx(7.695195448239680, rel=1e-12)
    assert math.isnan(fit.se_tau2)
    assert fit.to_dict()["tau2_fixed"] == 0.1
    assert "tau^2 fixed by the analyst" in fit.summary()


@pytest.mark.parametrize("tau2", [-0.1, math.nan, math.inf])
def test_impossible_tau2_is_an_error(tau2: float) -> None:
    with pytest.raises(cb.ModelError, match="give a finite variance of at least 0"):
        cb.pool(FOUR, tau2=tau2)


def test_equal_effects_have_no_tau2_to_fix() -> None:
    with pytest.raises(cb.ModelError, match="has no tau2 to fix"):
        cb.pool(FOUR, method="EE", tau2=0.1)


def test_an_estimator_with_a_negative_tau2_is_an_error() -> None:
    wrong = Estimator("WRONG", "a negative tau2", lambda yi, vi: np.full(yi.shape[1], -1.0), "none")
    with pytest.raises(cb.ModelError, match="the estimator WRONG gives a negative tau2"):
        cb.pool(FOUR, method=wrong)


def test_an_estimator_without_a_standard_error_has_none() -> None:
    plain = Estimator("PLAIN", "a constant", lambda yi, vi: np.full(yi.shape[1], 0.2), "none")
    fit = cb.pool(FOUR, method=plain)
    assert math.isnan(fit.se_tau2)
    assert "(SE" not in fit.summary()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_beyond_computing_are_an_error() -> None:
    effects = cb.Effects(yi=[1e200, 0.1], vi=[1e-310, 0.1])
    with pytest.raises(cb.DataError, match="too large or too small to compute with"):
        cb.pool(effects, method="EE")
    with pytest.raises(cb.ModelError, match="no likelihood of tau2 can be computed"):
        cb.pool(effects, method="REML")


def contrasts(k: int) -> np.ndarray:
    """Return k - 1 orthonormal contrasts: what the restricted likelihood is the likelihood of."""
    return np.linalg.svd(np.ones((1, k)))[2][1:]


def normal_log_density(x: np.ndarray, covariance: np.ndarray) -> float:
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    return float(-(log_det + x @ np.linalg.solve(covariance, x)) / 2)


def test_likelihoods_are_normal_densities() -> None:
    """By definition: ML of the effects, REML of contrasts between them."""
    fit = cb.pool(FOUR, method="ML")
    covariance = np.diag(FOUR.vi + fit.tau2)
    full = normal_log_density(FOUR.yi - fit.estimate, covariance)
    k = contrasts(4)
    restricted = normal_log_density(k @ FOUR.yi, k @ covariance @ k.T)
    assert fit.log_likelihood == fit.ml.log_likelihood == pytest.approx(full, rel=1e-12)
    assert fit.reml.log_likelihood == pytest.approx(restricted, rel=1e-12)


def test_knapp_hartung_of_equal_effects_is_no_certainty() -> None:
    """As in metafor 3.8-1 the standard error is 0; only here it is said what that is worth."""
    equal = cb.Effects(yi=[0.4, 0.4, 0.4], vi=[0.1, 0.2, 0.05])
    fit = cb.pool(equal, test="knha")
    assert (fit.se, fit.ci) == (0.0, (0.4, 0.4))
    assert "the Knapp-Hartung standard error is 0" in fit.warnings[-1]
    assert cb.pool(equal, test="adhoc").warnings == cb.pool(equal, test="z").warnings == ()


def test_likelihood_with_weights_does_not_depend_on_a_common_part_of_the_effects() -> None:
    """Multiples of 2^-20 shifted by 2^20 are exact, so that both fits have the same residuals."""
    yi, vi = np.array([3.0, 7.0, -2.0, 12.0]) / 2**20, np.array([2.0, 1.0, 5.0, 3.0]) / 2**40
    near, far = (
        cb.pool(cb.Effects(yi=yi + shift, vi=vi), weights=[1, 3, 2, 5]) for shift in (0, 2.0**20)
    )
    assert far.log_likelihood == pytest.approx(near.log_likelihood, rel=1e-13)
    assert far.ml.deviance == pytest.approx(near.ml.deviance, rel=1e-12)


def test_criteria_follow_from_the_likelihood() -> None:
    fit = cb.pool(FOUR)
    twice = -2 * fit.reml.log_likelihood
    assert (fit.deviance, fit.aic) == pytest.approx((twice, twice + 4))
    assert fit.bic == pytest.approx(twice + 2 * math.log(3))
    assert fit.aicc == pytest.approx(twice + 4 * 4 / (4 - 3))
    assert cb.pool(FOUR, method="EE").aic == pytest.approx(
        2 - 2 * cb.pool(FOUR, method="EE").log_likelihood
    )


def test_one_study_has_no_restricted_likelihood() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5], vi=[0.04]))
    assert math.isnan(fit.log_likelihood)
    assert math.isnan(fit.se_tau2)
    assert fit.ml.log_likelihood == pytest.approx(-math.log(2 * math.pi * 0.04) / 2)


def test_predictions_for_single_studies() -> None:
    """Both views of the same thing, and their limit at tau2 = 0."""
    fit = cb.pool(FOUR)
    assert (ranef(fit).pred + fit.estimate).tolist() == pytest.approx(blup(fit).pred.tolist())
    none = blup(cb.pool(FOUR, method="EE"))
    assert none.pred.tolist() == [cb.pool(FOUR, method="EE").estimate] * 4
    assert list(blup(fit).to_frame().columns) == ["pred", "se", "pi_low", "pi_high"]
    assert repr(ranef(fit)).startswith("Random effects of the studies (REML, Knapp-Hartung)")
    assert blup(fit).to_dict()["pred"] == blup(fit).pred.tolist()
    assert "<td>" in blup(fit)._repr_html_()
    with pytest.raises(cb.ModelError, match="fit without weights"):
        blup(cb.pool(FOUR, weights=[1, 2, 3, 4]))


def test_standardised_residuals_by_matrices() -> None:
    """Their covariance is (I - H) M (I - H)' with the hat matrix H (Hedges and Olkin 1985)."""
    for weights in (None, np.array([1.0, 2, 3, 4])):
        fit = cb.pool(FOUR, weights=weights)
        hat = np.ones((4, 1)) * fit.weights / 100
        rest = np.eye(4) - hat
        se = np.sqrt(np.diag(rest @ np.diag(FOUR.vi + fit.tau2) @ rest.T))
        found = rstandard(fit)
        assert found.se.tolist() == pytest.approx(se.tolist(), rel=1e-12)
        assert found.z.tolist() == pytest.approx(((FOUR.yi - fit.estimate) / se).tolist())
    assert np.isnan(rstandard(cb.pool(cb.Effects(yi=[0.5], vi=[0.04]))).z).all()
    assert repr(found).startswith("Standardised residuals (REML, Knapp-Hartung)")
    assert list(found.to_frame().columns) == ["resid", "se", "z"]
    assert found.to_dict()["labels"] == list("ABCD")
    assert "<td>" in found._repr_html_()


def test_one_study_keeps_the_tau2_that_the_analyst_fixes() -> None:
    """rma(yi=0.5, vi=0.04, tau2=0.05, method="DL") and predict() of metafor 3.8-1."""
    one = cb.pool(cb.Effects(yi=[0.5], vi=[0.04]), method="DL", test="z", tau2=0.05)
    assert (one.tau2, one.se) == (0.05, pytest.approx(0.3, rel=1e-15))
    assert one.ci == pytest.approx((-0.0880, 1.0880), abs=5e-5)
    assert one.pi == one.predict().pi == pytest.approx((-0.2334, 1.2334), abs=5e-5)
    assert one.ml.log_likelihood == pytest.approx(0.2850343, abs=5e-8)
    assert np.isnan([one.i2, one.h2, one.q, one.q_p]).all()
    assert "fixed tau2" in one.warnings[-1]
    assert cb.ranef(one).pred.tolist() == [0.0]
    for rule in ("HTS", "NNF"):
        assert np.isnan(one.predict(method=rule).pi).all()
        assert "too few studies" in one.predict(method=rule).warnings[0]
    three = cb.pool(cb.Effects(yi=[0.5, 0.1, 0.9], vi=[0.04, 0.2, 0.1]), test="z", tau2=0.05)
    assert cb.cumulative(three).batch.se[0] == pytest.approx(0.3, rel=1e-15)
