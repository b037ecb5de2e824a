from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import special

import comorbid as cb
from comorbid.models.estimators import ESTIMATORS, Estimator, fix_tau2
from comorbid.models.intercept import Intercept
from comorbid.models.regression import Regression, regress
from comorbid.models.settings import find_estimator

METHODS = [one.id for one in ESTIMATORS if not one.id.startswith("GENQ")]
TESTS = ("z", "t", "knha", "adhoc")

# The first eight studies of the meta-analysis of Raudenbush (1984) on teachers' expectations.
YI = [0.03, 0.12, -0.14, 1.18, 0.26, -0.06, -0.02, -0.32]
VI = [0.0156, 0.0216, 0.0279, 0.1391, 0.1362, 0.0106, 0.0106, 0.0484]
MODERATORS: dict[str, list[Any]] = {
    "year": [1974, 1968, 1971, 1972, 1972, 1969, 1971, 1969],
    "weeks": [2.0, 21.0, 19.0, 0.0, 0.0, 3.0, 17.0, 24.0],
    "tester": ["aware", "aware", "aware", "aware", "blind", "aware", "blind", "aware"],
    "wave": [3, 1, 2, 1, 2, 3, 1, 2],
}


def effects(**more: list[Any]) -> cb.Effects:
    return cb.Effects(yi=YI, vi=VI, labels=list("ABCDEFGH"), moderators={**MODERATORS, **more})


def same(found: Regression, fit: cb.Fit) -> None:
    pairs = {
        "estimate": (found.estimate[0], fit.estimate),
        "se": (found.se[0], fit.se),
        "statistic": (found.statistic[0], fit.statistic),
        "p_value": (found.p_value[0], fit.p_value),
        "ci_low": (found.ci_low[0], fit.ci[0]),
        "ci_high": (found.ci_high[0], fit.ci[1]),
        "df": (found.df, fit.df),
        "tau2": (found.tau2, fit.tau2),
        "i2": (found.i2, fit.i2),
        "h2": (found.h2, fit.h2),
        "q": (found.qe, fit.q),
        "q_p": (found.qe_p, fit.q_p),
        "pi_low": (found.predict().pi_low[0], fit.pi[0]),
        "pi_high": (found.predict().pi_high[0], fit.pi[1]),
    }
    for name, (ours, theirs) in pairs.items():
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_intercept_alone_equals_pool(method: str, test: Any) -> None:
    found = regress(effects(), "~ 1", method=method, test=test)
    fit = cb.pool(effects(), method=method, test=test)
    same(found, fit)
    assert found.warnings == fit.warnings


@pytest.mark.parametrize("k", [1, 2])
def test_intercept_alone_equals_pool_with_few_studies(k: int) -> None:
    few = effects().take(range(k))
    for method in ("EE", "REML"):
        found, fit = regress(few, "~ 1", method=method), cb.pool(few, method=method)
        same(found, fit)
        assert found.warnings == fit.warnings


def exact_fit(found: Regression) -> tuple[list[float], list[float]]:
    """Coefficients and their variances at the fit's tau2, by Gauss in rational numbers."""
    x = [[Fraction(float(cell)) for cell in row] for row in found.design.x]
    y = [Fraction(float(value)) for value in found.effects.yi]
    tau2 = Fraction(found.tau2)
    w = [1 / (Fraction(float(value)) + tau2) for value in found.effects.vi]
    p = len(x[0])
    rows = [
        [sum(a * r[i] * r[j] for a, r in zip(w, x, strict=True)) for j in range(p)]
        + [sum(a * r[i] * b for a, r, b in zip(w, x, y, strict=True))]
        + [Fraction(int(i == j)) for j in range(p)]
        for i in range(p)
    ]
    for i in range(p):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(p):
            if j != i:
                factor = rows[j][i]
                rows[j] = [b - factor * a for a, b in zip(rows[i], rows[j], strict=True)]
    return [float(row[p]) for row in rows], [float(rows[i][p + 1 + i]) for i in range(p)]


@pytest.mark.parametrize("method", ["EE", "DL", "REML"])
def test_weights_over_twelve_orders_lose_no_digits(method: str) -> None:
    rng = np.random.default_rng(5)
    uneven = cb.Effects(
        yi=YI, vi=10.0 ** rng.permutation(np.linspace(-12, 0, 8)), moderators=MODERATORS
    )
    found = regress(uneven, "~ year + weeks", method=method, test="z")
    estimate, variance = exact_fit(found)
    assert found.estimate == pytest.approx(estimate, rel=1e-11)
    assert found.se**2 == pytest.approx(variance, rel=1e-11)


def test_moderators_far_from_zero_lose_no_digits() -> None:
    far = effects(late=[value + 1e8 for value in MODERATORS["weeks"]])
    near = regress(effects(), "~ weeks")
    found = regress(far, "~ late")
    assert found.estimate[1] == pytest.approx(near.estimate[1], rel=1e-7)
    assert found.tau2 == pytest.approx(near.tau2, rel=1e-7)


def test_factor_takes_the_first_level_in_order_as_reference() -> None:
    found = regress(effects(), "~ tester", method="EE", test="z")
    assert found.names == ("Intercept", "tester[T.blind]")
    groups = [
        cb.pool(effects().take(rows), method="EE").estimate for rows in ([0, 1, 2, 3, 5, 7], [4, 6])
    ]
    assert found.estimate == pytest.approx([groups[0], groups[1] - groups[0]])


def test_numbers_as_factor_and_no_intercept() -> None:
    found = regress(effects(), "~ 0 + C(wave)", method="EE", test="z")
    assert found.names == ("C(wave)[1]", "C(wave)[2]", "C(wave)[3]")
    assert found.estimate[2] == pytest.approx(cb.pool(effects().take([0, 5]), method="EE").estimate)
    assert found.qm_df == 3


def test_one_moderator_without_an_intercept() -> None:
    """Closed form; metafor 3.8-1 takes residuals from the mean here."""
    found = regress(effects(), "~ 0 + weeks", method="EE", test="z")
    x, y, w = np.array(MODERATORS["weeks"]), np.array(YI), 1 / np.array(VI)
    slope = (w * x * y).sum() / (w * x * x).sum()
    assert found.estimate == pytest.approx([slope])
    assert found.qe == pytest.approx((w * (y - slope * x) ** 2).sum())
    assert found.qm == pytest.approx(slope**2 * (w * x * x).sum())


def test_interaction_and_transformations() -> None:
    found = regress(effects(), "~ weeks * tester", method="DL")
    assert found.names[-1] == "weeks:tester[T.blind]"
    x = found.design.x
    assert (x[:, 3] == x[:, 1] * x[:, 2]).all()
    log = regress(effects(), "~ log(1 + weeks) + I(weeks > 2)", method="DL")
    assert log.design.x[:, 1] == pytest.approx(np.log1p(MODERATORS["weeks"]))
    assert regress(effects(), "~ sqrt(vi)").design.x[:, 1] == pytest.approx(np.sqrt(VI))


def test_moderator_with_a_space_in_its_name() -> None:
    named = effects(**{"year of birth": MODERATORS["year"]})
    found = regress(named, "~ `year of birth`")
    assert found.estimate == pytest.approx(regress(effects(), "~ year").estimate)


def test_missing_moderators_are_left_out_and_recorded() -> None:
    holes = effects(age=[30.0, None, 41.0, 28.0, 35.0, 52.0, float("nan"), 44.0])
    with pytest.warns(cb.DataWarning, match="left out, a moderator is missing: B, G"):
        found = regress(holes, "~ age")
    assert found.effects.labels == tuple("ACDEFH")
    assert found.warnings[0] == "left out, a moderator is missing: B, G"
    text = effects(country=["DK", "", "IT", "IT", "DK", None, "DK", "IT"])
    with pytest.warns(cb.DataWarning, match="B, F"):
        assert regress(text, "~ country").names == ("Intercept", "country[T.IT]")


def test_missing_effects_are_left_out() -> None:
    holes = cb.Effects(yi=[math.nan, *YI[1:]], vi=VI, moderators=MODERATORS)
    with pytest.warns(cb.DataWarning, match="left out, no effect: Study 1"):
        found = regress(holes, "~ weeks")
    expected = regress(effects().take(range(1, 8)), "~ weeks")
    assert found.estimate.tolist() == expected.estimate.tolist()
    empty = effects(age=[None] * 8)
    with pytest.raises(cb.DataError, match="a moderator is missing: A, B, C, D, E, F, G, H"):
        regress(empty, "~ age")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("~ wekks", "there is no column or function wekks; did you mean weeks?"),
        ("~ poly(wekks, 2)", "there is no column or function wekks; did you mean weeks?"),
        ("~ zzz", "there are: id, study, yi, vi, source, year"),
        ("~ foo(weeks)", "no column or function foo"),
        ("yi ~ weeks", "more than one side; the effects are the left side"),
        ("~ weeks | year", "more than one side"),
        ("~ weeks +", "cannot be read: .*write it like '~ year"),
        ("~ weeks)", "cannot be read"),
        ("~ 0", "no coefficient; use '~ 1'"),
        ("~ weeks + fixed", "fixed is the same for all studies; leave it out"),
        ("~ 0 + nothing", "nothing is 0 for all studies"),
        ("~ weeks + days", "days is collinear with weeks: it says nothing that they do not"),
        ("~ weeks + year + mix", "mix is collinear with Intercept, weeks, year"),
        ("~ 0 + tester + fixed", r"fixed is collinear with tester\[aware\], tester\[blind\]"),
        ("~ C(weeks) + year", r"8 coefficients \(Intercept 1, C\(weeks\) 6, year 1\) and 8 stud"),
        ("~ C(weeks) * year", "and 8 studies: leave moderators out or join levels"),
        ("~ I(weeks / 'a')", "cannot be evaluated"),
    ],
)
def test_what_is_wrong_with_a_formula_is_said(formula: str, message: str) -> None:
    bad = effects(
        fixed=[3] * 8,
        nothing=[0.0] * 8,
        days=[7 * value for value in MODERATORS["weeks"]],
        mix=[a + 2 * b - 5 for a, b in zip(MODERATORS["weeks"], MODERATORS["year"], strict=True)],
    )
    with pytest.raises(cb.ModelError, match=message):
        regress(bad, formula)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(cb.ModelError) as caught:
        regress(effects(), "~ wekks + yaer")
    assert len(caught.value.problems) == 2


def test_what_is_no_number_names_its_row() -> None:
    with pytest.raises(cb.DataError, match="D: log\\(weeks\\) is -inf") as caught:
        regress(effects(), "~ log(weeks)")
    assert len(caught.value.problems) == 2


def test_what_cannot_be_computed_with_names_its_row() -> None:
    bad = cb.Effects(yi=[*YI[:6], 1e200, 0.1], vi=[1e-300, *VI[1:]], labels=list("ABCDEFGH"))
    with pytest.raises(cb.DataError, match="2 problems") as caught:
        regress(bad, "~ 1")
    assert "A: effect 0.03 with variance 1e-300" in str(caught.value)
    assert "G: effect 1e+200" in str(caught.value)
    edge = cb.Effects(yi=YI, vi=[1e-99, 1e99, *VI[2:]], moderators=MODERATORS)
    for method in METHODS:
        assert np.isfinite(regress(edge, "~ weeks", method=method).estimate).all()


def test_as_many_coefficients_as_studies() -> None:
    three = effects().take([0, 1, 2])
    with pytest.raises(cb.ModelError, match="nothing is left to estimate tau2 from"):
        regress(three, "~ weeks + year", method="REML")
    found = regress(three, "~ weeks + year", method="EE", test="knha")
    assert found.qe == pytest.approx(0, abs=1e-12) or math.isnan(found.qe)
    assert np.isfinite(found.se).all()
    assert math.isinf(found.df)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "XX"}, "method is 'XX'; use one of EE"),
        ({"method": "GENQ"}, "GENQ and GENQM need the analyst.s weights"),
        ({"test": "chi"}, "test is 'chi'; use one of z"),
        ({"level": 95}, "give a proportion"),
        (
            {"method": Estimator("OWN", "own", lambda yi, vi: np.zeros(1), "none")},
            "OWN of tau2 knows no moderators",
        ),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        regress(effects(), "~ weeks", **settings)


def test_identical_effects_have_no_heterogeneity() -> None:
    flat = cb.Effects(yi=[0.5] * 8, vi=VI, moderators=MODERATORS)
    for method in METHODS:
        found = regress(flat, "~ weeks", method=method, test="z")
        assert found.tau2 == pytest.approx(0, abs=1e-12)
        assert found.estimate == pytest.approx([0.5, 0], abs=1e-12)
        assert found.r2 == 0


def test_r2_compares_with_the_mean() -> None:
    found = regress(effects(), "~ I(weeks > 2)", method="DL")
    without = cb.pool(effects(), method="DL")
    assert found.tau2 > 0
    assert found.r2 == pytest.approx(100 * (1 - found.tau2 / without.tau2))
    assert math.isnan(regress(effects(), "~ 0 + weeks", method="DL").r2)
    assert math.isnan(regress(effects(), "~ 1", method="DL").r2)
    cells = regress(effects(), "~ 0 + tester", method="DL")
    assert cells.r2 == pytest.approx(regress(effects(), "~ tester", method="DL").r2)


def test_log_likelihood_is_that_of_the_normal_distribution() -> None:
    found = regress(effects(), "~ weeks", method="ML", test="z")
    variance = np.array(VI) + found.tau2
    residual = np.array(YI) - found.design.x @ found.estimate
    expected = -0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance).sum()
    assert found.log_likelihood == pytest.approx(expected)
    assert found.aic == pytest.approx(-2 * expected + 2 * 3)
    assert found.bic == pytest.approx(-2 * expected + 3 * math.log(8))
    assert regress(effects(), "~ weeks").log_likelihood != found.log_likelihood


def test_few_studies_for_their_moderators_are_noted() -> None:
    text = "8 studies for 2 coefficients of moderators: the Cochrane Handbook"
    for formula in ("~ 0 + C(wave)", "~ weeks + year"):
        assert regress(effects(), formula).warnings[0].startswith(text)
    rng = np.random.default_rng(0)
    many = cb.Effects(
        yi=rng.normal(size=10), vi=[0.1] * 10, moderators={"x": rng.normal(size=10).tolist()}
    )
    assert regress(many, "~ x").warnings == ()


def test_tau2_may_be_fixed() -> None:
    fixed = regress(effects(), "~ weeks", method=fix_tau2(find_estimator("ML"), 0.1), test="z")
    variance = np.array(VI) + 0.1
    x = fixed.design.x / np.sqrt(variance)[:, None]
    expected = np.linalg.lstsq(x, np.array(YI) / np.sqrt(variance), rcond=None)[0]
    assert fixed.tau2 == 0.1
    assert fixed.estimate == pytest.approx(expected)
    assert math.isnan(fixed.se_tau2)
    assert fixed.aic == pytest.approx(-2 * fixed.log_likelihood + 2 * 2)


def test_standard_error_of_tau2() -> None:
    for method in ("DL", "HE", "ML", "REML", "PM", "SJ"):
        one = regress(effects(), "~ 1", method=method)
        se = find_estimator(method).se
        mean = Intercept(np.array(YI)[:, None], np.array(VI)[:, None])
        assert se is not None
        assert one.se_tau2 == pytest.approx(float(se(mean, np.array([one.tau2]))[0]))
        assert regress(effects(), "~ tester", method=method).se_tau2 > 0
    assert math.isnan(regress(effects(), "~ tester", method="EE").se_tau2)


def test_residual_heterogeneity_is_where_q_is_no_surprise() -> None:
    found = regress(effects(), "~ tester", method="DL")
    low, high = found.tau2_ci()
    for tau2, quantile in ((low, 0.975), (high, 0.025)):
        at = regress(effects(), "~ tester", method=fix_tau2(find_estimator("DL"), tau2))
        q = at.fits.s2[0] * 6
        assert q == pytest.approx(special.chdtri(6, 1 - quantile)) or tau2 == 0
    mean = regress(effects(), "~ 1", method="REML")
    for method in ("QP", "PL"):
        expected = cb.pool(effects()).heterogeneity(method).to_frame()
        assert mean.heterogeneity(method).to_frame().to_numpy() == pytest.approx(
            expected.to_numpy()
        )


@pytest.mark.parametrize(
    ("method", "interval", "message"),
    [
        ("EE", "QP", "has no tau2"),
        ("DL", "PL", "belongs to ML and REML, not DL"),
        ("REML", "GENQ", "needs a method with fixed weights"),
        ("REML", "HT", "use one of QP, GENQ, PL"),
    ],
)
def test_intervals_of_tau2_are_checked(method: str, interval: str, message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        regress(effects(), "~ weeks", method=method).tau2_ci(interval)


def test_no_interval_of_a_fixed_tau2() -> None:
    fixed = regress(effects(), "~ weeks", method=fix_tau2(find_estimator("ML"), 0.1))
    with pytest.raises(cb.ModelError, match="fixed, not estimated"):
        fixed.tau2_ci()


def test_views() -> None:
    found = regress(effects(), "~ weeks + tester", method="REML", test="knha")
    table = found.to_frame()
    assert list(table.columns) == [
        *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high"),
    ]
    assert table.index.name == "term"
    assert list(table.index) == ["Intercept", "weeks", "tester[T.blind]"]
    values = json.loads(json.dumps(found.to_dict()))
    assert values["formula"] == "~ weeks + tester"
    assert values["estimate"] == found.estimate.tolist()
    assert values["reml"]["aic"] == found.aic
    text = found.summary()
    assert "Mixed-effects meta-regression (k = 8; tau^2 estimator: REML" in text
    assert "F(df1 = 2, df2 = 5)" in text
    assert repr(found) == text
    assert found._repr_html_().startswith("<pre>")
    equal = regress(effects(), "~ weeks", method="EE", test="z").summary()
    assert "Equal-effects" in equal
    assert "QM(df = 1)" in equal


def test_arrays_are_read_only() -> None:
    found = regress(effects(), "~ weeks")
    for name in ("estimate", "se", "vcov"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 1.0


@pytest.mark.parametrize(("k", "group"), [(12, 2), (18, 3), (24, 4)])
def test_a_leverage_of_exactly_the_limit_is_not_flagged(k: int, group: int) -> None:
    """Closed form: in a group of n studies of equal precision it is 1/n, here 3p/k."""
    levels = ["a"] * group + ["b"] * (k - group)
    effects = cb.Effects(yi=np.zeros(k), vi=np.full(k, 0.1), moderators={"level": levels})
    found = cb.influence(cb.regress(effects, "~ 0 + level", method="EE", test="z"))
    assert found.hat[0] == pytest.approx(1 / group) == 3 * 2 / k
    assert not found.flagged.any()


def test_residuals_and_predictions_of_studies_with_moderators() -> None:
    """rstandard(), blup(), ranef() of metafor 3.8-1 for rma(yi, vi, mods = ~ ablat, test = "knha").

    The BCG risk ratios, by REML, studies 1, 4 and 13.
    """
    bcg = cb.escalc(
        "RR",
        ai=[4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
        bi=[119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
        ci=[11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
        di=[128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
        moderators={"ablat": [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]},
    )
    fit = regress(bcg, "~ ablat")
    residuals, blups, effects = cb.rstandard(fit), cb.blup(fit), cb.ranef(fit)
    expected = {
        "resid": (residuals.resid, [0.1396963566, -0.1797296994, 0.6915747672]),
        "se": (residuals.se, [0.6182464413, 0.2506301314, 0.3691286318]),
        "z": (residuals.z, [0.2259557795, -0.7171113004, 1.8735332553]),
        "blup": (blups.pred, [-1.0024720749, -1.4042279042, -0.3515324526]),
        "blup se": (blups.se, [0.2804342530, 0.1331689341, 0.2009608255]),
        "blup low": (blups.pi_low, [-1.6197037041, -1.6973307519, -0.7938442473]),
        "ranef": (effects.pred, [0.0265356156, -0.1424064136, 0.3573562628]),
        "ranef se": (effects.se, [0.2505377948, 0.2078777569, 0.2022003425]),
    }
    for name, (found, values) in expected.items():
        assert found[[0, 3, 12]].tolist() == pytest.approx(values, rel=1e-8), name


def test_the_only_study_of_a_level_has_no_standardised_residual() -> None:
    effects = cb.Effects(
        yi=[0.1, 0.4, 0.3, 0.9], vi=[0.02, 0.03, 0.05, 0.01], moderators={"level": list("aaab")}
    )
    found = cb.rstandard(regress(effects, "~ level", test="z"))
    assert found.se[3] == 0
    assert np.isnan(found.z).tolist() == [False, False, False, True]
