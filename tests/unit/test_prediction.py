from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import comorbid as cb

# Invented to be easy to follow.
FOUR = cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05])

# 13 placebo-controlled trials of cisapride (Hartung and Knapp 2001, doi:10.1002/sim.1009, table
# 1): responders and patients, with 1/2 added to every cell.
EVENTS_1 = np.array([15, 12, 29, 42, 14, 44, 14, 29, 10, 17, 38, 19, 21]) + 0.5
EVENTS_2 = np.array([9, 1, 18, 31, 6, 17, 7, 23, 3, 6, 12, 22, 19]) + 0.5
FAILURES_1 = np.array([16, 16, 34, 56, 22, 54, 17, 58, 14, 26, 44, 29, 38]) + 1 - EVENTS_1
FAILURES_2 = np.array([16, 16, 34, 56, 22, 55, 15, 58, 15, 27, 45, 30, 38]) + 1 - EVENTS_2
CISAPRIDE = cb.Effects(
    yi=np.log(EVENTS_1 * FAILURES_2 / (FAILURES_1 * EVENTS_2)),
    vi=1 / EVENTS_1 + 1 / EVENTS_2 + 1 / FAILURES_1 + 1 / FAILURES_2,
    measure="OR",
)


def test_default_is_the_fits_own() -> None:
    for test in ("z", "t", "knha", "adhoc"):
        fit = cb.pool(FOUR, test=test)  # type: ignore[arg-type]
        assert fit.prediction_interval() == pytest.approx(fit.pi, rel=1e-12)
        assert fit.predict().ci == pytest.approx(fit.ci, rel=1e-12)


def test_rules_in_closed_form() -> None:
    """Each rule's standard error and quantile, written out."""
    fit = cb.pool(FOUR)
    classic = cb.pool(FOUR, test="z").se
    rules = {
        "simple": (0.0, stats.norm.ppf(0.95)),
        "normal": (classic, stats.norm.ppf(0.95)),
        "t": (fit.se, stats.t.ppf(0.95, 3)),
        "riley": (fit.se, stats.t.ppf(0.95, 2)),
        "HTS": (classic, stats.t.ppf(0.95, 2)),
        "HK": (fit.se, stats.t.ppf(0.95, 2)),
    }
    for rule, (se, quantile) in rules.items():
        half = quantile * math.sqrt(se**2 + fit.tau2)
        expected = fit.estimate - half, fit.estimate + half
        assert fit.prediction_interval(rule, 0.9) == pytest.approx(expected, rel=1e-10)


def test_rules_that_do_not_depend_on_the_fits_test() -> None:
    for rule in ("simple", "normal", "HTS", "HK", "KR"):
        one, other = (
            cb.pool(FOUR, test=test).prediction_interval(rule)  # type: ignore[arg-type]
            for test in ("z", "adhoc")
        )
        assert one == pytest.approx(other, rel=1e-12)


def test_kenward_roger_from_the_general_formulas() -> None:
    """Kenward and Roger 1997, doi:10.2307/2533558, with matrices, and Partlett and Riley 2017.

    One variance parameter whose derivative of the covariance is I: P = -X'S^-2 X,
    Q = X'S^-3 X, W = 2 / tr(PP); the adjusted variance is F + 2 F W (Q - P F P) F.
    """
    fit = cb.pool(CISAPRIDE)
    x = np.ones((13, 1))
    inverse = np.diag(1 / (CISAPRIDE.vi + fit.tau2))
    f = np.linalg.inv(x.T @ inverse @ x)
    projection = inverse - inverse @ x @ f @ x.T @ inverse
    w = 2 / np.trace(projection @ projection)
    p, q = -x.T @ inverse @ inverse @ x, x.T @ inverse @ inverse @ inverse @ x
    variance = float((f + 2 * f @ (w * (q - p @ f @ p)) @ f)[0, 0])
    freedom = 2 / w / (variance * float(p[0, 0])) ** 2 - 1
    found = fit.predict(method="KR")
    assert found.pi_df == pytest.approx(freedom, rel=1e-10)
    assert found.pi_se == pytest.approx(math.sqrt(variance + fit.tau2), rel=1e-10)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(variance + fit.tau2)
    assert found.pi == pytest.approx((fit.estimate - half, fit.estimate + half), rel=1e-9)


def test_bootstrap_of_nagashima_reproduces_its_authors() -> None:
    """The vignette of their R package pimeta 1.1.4 prints 4.141 [0.533, 33.692] from 25,000 draws.

    That is the authors' random error: intervals of 25,000 draws spread by 2 to 3 %.
    """
    fit = cb.pool(CISAPRIDE, method="DL", test="z")
    assert round(fit.on_scale().estimate, 3) == 4.141
    low, high = np.exp(fit.prediction_interval("NNF", draws=400_000))
    assert low == pytest.approx(0.533, rel=0.04)
    assert high == pytest.approx(33.692, rel=0.04)


def test_bootstrap_is_seeded() -> None:
    fit = cb.pool(FOUR)
    one, same, other = (
        fit.prediction_interval("NNF", draws=2_000, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert math.isnan(fit.predict(method="NNF", draws=100).pi_se)


def test_bootstrap_of_tau2_follows_its_confidence_distribution() -> None:
    """Of draws of tau2, the share below a value is the probability that Q exceeds its own there."""
    from comorbid.models.confidence_draws import _draw_tau2
    from comorbid.models.generalised import GeneralisedQ
    from comorbid.models.intercept import Intercept

    shares = np.linspace(0.001, 0.999, 997)
    drawn = _draw_tau2(FOUR.yi, FOUR.vi, shares)
    data = Intercept(FOUR.yi[:, None], FOUR.vi[:, None])
    form = GeneralisedQ(data, 1 / data.vi)
    at_zero = form.below(np.zeros(1), np.zeros(1, dtype=np.intp))[0][0]
    back = form.below(drawn, np.zeros(997, dtype=np.intp))[0]
    expected = np.where(shares < at_zero, shares, at_zero)
    assert np.abs(back - expected).max() < 1e-4


def test_bootstrap_of_identical_effects_is_a_point() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5, 0.5, 0.5], vi=[0.1, 0.2, 0.3]))
    assert fit.prediction_interval("NNF", draws=100) == pytest.approx((0.5, 0.5))


def test_too_few_studies_for_a_rule() -> None:
    fit = cb.pool(FOUR.take([0, 1]))
    for rule in ("riley", "HTS", "HK"):
        found = fit.predict(method=rule)
        assert np.isnan(found.pi).all()
        assert "too few studies" in found.warnings[0]


@pytest.mark.parametrize("method", ["EE", "REML"])
def test_without_between_study_variance_nothing_is_predicted(method: str) -> None:
    effects = FOUR if method == "EE" else FOUR.take([0])
    found = cb.pool(effects, method=method).predict(method="HTS")
    assert np.isnan(found.pi).all()
    assert "no between-study variance" in found.warnings[0]
    assert "Note:" in found.summary()


@pytest.mark.parametrize(
    ("fit", "settings", "message"),
    [
        (cb.pool(FOUR), {"method": "Riley"}, "use one of default, simple, normal, t, riley, HTS"),
        (cb.pool(FOUR, method="DL"), {"method": "KR"}, "belongs to REML without weights"),
        (cb.pool(FOUR, weights=[1, 2, 3, 4]), {"method": "KR"}, "belongs to REML without weights"),
        (cb.pool(FOUR, weights=[1, 2, 3, 4]), {"method": "NNF"}, "pool without weights"),
        (cb.pool(FOUR), {"method": "NNF", "draws": 1}, "give a whole number of at least 2"),
        (cb.pool(FOUR), {"level": 1.0}, "give a proportion"),
    ],
)
def test_wrong_settings_are_named(fit: cb.Fit, settings: dict[str, object], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        fit.predict(**settings)  # type: ignore[arg-type]


def test_views() -> None:
    found = cb.pool(CISAPRIDE).predict(method="HTS")
    table = found.to_frame()
    assert list(table.columns) == [
        *("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "pi_se", "pi_df")
    ]
    assert table.loc["HTS", "pi_df"] == 11
    assert found.to_dict()["pi"] == list(found.pi)
    assert "HTS: classic standard error, t with k - 2" in repr(found)
    assert "OR 4.1394 (95% CI" in found.summary()
    assert found._repr_html_().startswith("<pre>")
