"""Regression and rank tests for asymmetry, and PET-PEESE."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import dataset
from scipy import stats

import comorbid as cb
from comorbid.bias.asymmetry import asymmetry
from comorbid.bias.pet_peese import pet_peese
from comorbid.bias.rank_test import rank_test

Y, V = [0.9, 0.7, 0.5, 0.3, 0.25], [0.30, 0.20, 0.08, 0.03, 0.01]


def bcg(**more: object) -> tuple[cb.Fit, dict[str, np.ndarray]]:
    data = dataset("dat.bcg")
    analysis, table = data["analyses"]["OR"], data["cols2x2"]
    ai, n1i, ci, n2i = (np.array(table[name], dtype=float) for name in ("ai", "n1i", "ci", "n2i"))
    counts = {"ai": ai, "bi": n1i - ai, "ci": ci, "di": n2i - ci}
    effects = cb.Effects(
        yi=analysis["yi"], vi=analysis["vi"], labels=analysis["slab"], measure="OR", **more
    )  # type: ignore[arg-type]
    return cb.pool(effects, method="REML", test="z"), counts


@pytest.mark.parametrize(
    ("test", "statistic", "p_value", "limit", "slope"),
    [
        # R 4.2.2, dat.bcg: lm(yi ~ x, weights = w) with the response, x and w of each paper.
        ("harbord", -1.256474344045, 0.234971952122, -0.230842623249, -2.092991540794),
        ("peters", -1.3624761993970, 0.2002917922841, -0.4293084258020, -563.6882039133434),
        ("macaskill", 4.72149613088, 6.27925091964e-04, math.nan, 6.12987027417e-06),
        ("deeks", -1.80181252295840, 0.09901593137029, -0.00904252370528, -50.29716994003313),
    ],
)
def test_count_tests_agree_with_regressions_in_r(
    test: str, statistic: float, p_value: float, limit: float, slope: float
) -> None:
    fit, counts = bcg()
    found = asymmetry(fit, test=test, **counts)  # type: ignore[arg-type]
    assert found.statistic == pytest.approx(statistic, rel=1e-8)
    assert found.p_value == pytest.approx(p_value, rel=1e-7)
    assert found.limit == pytest.approx(limit, rel=1e-7, nan_ok=True)
    assert found.slope == pytest.approx(slope, rel=1e-8)
    assert (found.df, found.k, found.model) == (11.0, 13, "lm")


def test_harbord_is_the_regression_of_scores_on_information() -> None:
    """Z / sqrt(V) on sqrt(V), unweighted: the intercept is the bias (Harbord 2006)."""
    fit, counts = bcg()
    a, b, c, d = (counts[name] for name in ("ai", "bi", "ci", "di"))
    n = a + b + c + d
    z = a - (a + b) * (a + c) / n
    v = (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))
    line = stats.linregress(np.sqrt(v), z / np.sqrt(v))
    found = asymmetry(fit, test="harbord", **counts)  # type: ignore[arg-type]
    assert found.slope == pytest.approx(line.intercept, rel=1e-9)
    assert found.slope_se == pytest.approx(line.intercept_stderr, rel=1e-9)
    assert found.limit == pytest.approx(line.slope, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "predictor", "statistic", "p_value"),
    [
        # R 4.2.2, metafor 3.8-1: regtest(rma(yi, vi, control=list(threshold=1e-14)), ...).
        ("rma", "sqrtni", 2.4921386808671, 0.0126976448649),
        ("lm", "sqrtni", 4.78096727466, 5.70526163187e-04),
        ("lm", "ni", 4.71148572460, 6.38170187087e-04),
    ],
)
def test_predictors_beyond_the_golden_files(
    model: str, predictor: str, statistic: float, p_value: float
) -> None:
    fit, counts = bcg()
    found = asymmetry(fit, model=model, predictor=predictor, **counts)  # type: ignore[arg-type]
    assert found.statistic == pytest.approx(statistic, rel=1e-7)
    assert found.p_value == pytest.approx(p_value, rel=1e-6)
    assert math.isnan(found.limit)


def test_classical_form_is_eggers_regression_of_deviates_on_precision() -> None:
    fit, _ = bcg()
    se = np.sqrt(fit.effects.vi)
    line = stats.linregress(1 / se, fit.effects.yi / se)
    found = asymmetry(fit)
    assert found.slope == pytest.approx(line.intercept, rel=1e-9)
    assert found.limit == pytest.approx(line.slope, rel=1e-9)
    t = line.intercept / line.intercept_stderr
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 11), rel=1e-9)


def test_sizes_come_from_argument_effects_moderators_or_counts() -> None:
    fit, counts = bcg()
    n = sum(counts.values())
    expected = asymmetry(fit, predictor="ninv", ni=n).p_value
    assert asymmetry(fit, predictor="ninv", **counts).p_value == expected  # type: ignore[arg-type]
    assert asymmetry(bcg(ni=n)[0], predictor="ninv").p_value == expected
    columns = {name: values.tolist() for name, values in counts.items()}
    from_moderators = bcg(moderators=columns)[0]
    assert asymmetry(from_moderators, predictor="ninv").p_value == expected
    assert asymmetry(from_moderators, test="peters").k == 13


def test_tables_that_tell_nothing_are_left_out_by_name() -> None:
    fit, counts = bcg()
    counts["ai"][2] = counts["ci"][2] = 0.0
    found = asymmetry(fit, test="peters", **counts)  # type: ignore[arg-type]
    assert found.k == 12
    assert "empty group: Rosenthal et al, 1960" in " ".join(found.warnings)


def test_caution_below_ten_studies() -> None:
    few = cb.pool(cb.Effects(yi=Y, vi=V))
    for result in (asymmetry(few), asymmetry(few, model="rma"), rank_test(few), pet_peese(few)):
        assert "With 5 studies, fewer than 10, neither a funnel plot nor a test" in " ".join(
            result.warnings
        )
        assert "fewer than 10" in result.summary()
    fit, _ = bcg()
    assert asymmetry(fit).warnings == rank_test(fit).warnings == ()


def test_mistakes_are_named() -> None:
    fit, counts = bcg()
    few = cb.pool(cb.Effects(yi=Y[:2], vi=V[:2]))
    same = cb.pool(cb.Effects(yi=Y, vi=[0.1] * 5))
    line = cb.pool(cb.Effects(yi=np.sqrt(V) * 3 + 1, vi=V))
    ratio = cb.pool(cb.Effects(yi=Y, vi=V, measure="RR"))
    weighted = cb.pool(cb.Effects(yi=Y, vi=V), weights=[1, 1, 1, 1, 2])
    cases: list[tuple[cb.Fit, dict[str, object], str]] = [
        (few, {}, "k = 2: a line through two"),
        (same, {}, "every study has the same sei"),
        (line, {}, "the effects lie on one line"),
        (fit, {"test": "begg"}, "test is 'begg'; use one of egger, harbord"),
        (fit, {"model": "ols"}, "model is 'ols'; use one of lm, rma"),
        (fit, {"predictor": "n"}, "predictor is 'n'; use one of sei"),
        (fit, {"test": "peters"}, "needs 2x2 counts"),
        (fit, {"test": "peters", "model": "rma", **counts}, "has its own model"),
        (ratio, {"test": "peters"}, "is for log odds ratios and the effects are RR"),
        (fit, {"predictor": "ninv"}, "needs the number of people"),
        (fit, {"test": "deeks", "ai": counts["ai"]}, "bi, ci, di missing"),
        (fit, {"test": "deeks", **counts, "ci": counts["ci"][:3]}, "ci has shape"),
        (fit, {"test": "deeks", **counts, "di": counts["di"] * -1}, "Aronson, 1948: di is"),
        (fit, {"predictor": "ni", "ni": np.zeros(13)}, "Aronson, 1948: ni is 0.0"),
        (
            fit,
            {"predictor": "ni", "ni": ["many"] * 13},
            r"ni\[0\] is 'many', .* and 10 more; ",
        ),
        (weighted, {"model": "rma"}, "takes no weights of yours"),
    ]
    for case, settings, message in cases:
        with pytest.raises((cb.ModelError, cb.DataError), match=message):
            asymmetry(case, **settings)  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="k = 2"):
        pet_peese(few)
    with pytest.raises(cb.ModelError, match="alpha is 5"):
        pet_peese(fit, alpha=5)


def test_rank_test_without_ties_is_kendalls() -> None:
    fit, _ = bcg()
    yi, vi = fit.effects.yi, fit.effects.vi
    mean = (yi / vi).sum() / (1 / vi).sum()
    standardised = (yi - mean) / np.sqrt(vi - 1 / (1 / vi).sum())
    expected = stats.kendalltau(standardised, vi, method="exact")
    found = rank_test(fit)
    assert (found.tau, found.p_value) == pytest.approx(tuple(expected), rel=1e-12)
    assert found.distribution == "exact"
    assert rank_test(fit, distribution="normal").distribution == "normal"


def test_rank_test_with_ties_is_normal_and_says_so() -> None:
    fit = cb.pool(cb.Effects(yi=[0.1, 0.1, 0.5, 0.9, 0.4], vi=[0.2, 0.2, 0.3, 0.4, 0.1]))
    found = rank_test(fit)
    assert found.distribution == "normal"
    assert "tied" in found.warnings[0]
    # R 4.2.2, metafor 3.8-1: ranktest(c(.1,.1,.5,.9,.4), c(.2,.2,.3,.4,.1)).
    assert (found.tau, found.p_value) == pytest.approx((0.555555555556, 0.193205677956), rel=1e-10)


@pytest.mark.parametrize("distribution", ["exact", "normal"])
def test_rank_test_of_two_studies_is_exact(distribution: str) -> None:
    """Either order of two ranks is as extreme as the other: p = 1 in closed form."""
    fit = cb.pool(cb.Effects(yi=[0.1, 0.6], vi=[0.01, 0.09]))
    found = rank_test(fit, distribution=distribution)
    assert (found.p_value, found.distribution) == (1.0, "exact")
    assert abs(found.tau) == pytest.approx(1)
    noted = [note for note in found.warnings if "normal approximation needs three" in note]
    assert len(noted) == (distribution == "normal")


def test_rank_test_keeps_digits_when_one_study_has_all_the_weight() -> None:
    """The difference from the mean of the heavy study is a sum of tiny parts, never 0 or nan."""
    fit = cb.pool(cb.Effects(yi=[1.0, 2.0, 0.5, 3.0], vi=[1e-18, 1.0, 2.0, 3.0]), method="EE")
    found = rank_test(fit)
    # By hand: -1.417 / sqrt(1.833) = -1.05, then 1, -0.35 and 1.15; 5 of 6 pairs agree.
    assert found.tau == pytest.approx(2 / 3)


def test_rank_test_mistakes_are_named() -> None:
    with pytest.raises(cb.ModelError, match="one study"):
        rank_test(cb.pool(cb.Effects(yi=[1.0], vi=[1.0])))
    with pytest.raises(cb.ModelError, match="no order to correlate"):
        rank_test(cb.pool(cb.Effects(yi=Y, vi=[0.1] * 5)))
    with pytest.raises(cb.ModelError, match="distribution is 'asymptotic'; use one of exact"):
        rank_test(cb.pool(cb.Effects(yi=Y, vi=V)), distribution="asymptotic")  # type: ignore[arg-type]


def test_pet_peese_chooses_by_the_one_sided_test_of_pet() -> None:
    effect = cb.pool(cb.Effects(yi=Y, vi=V))
    found = pet_peese(effect)
    assert found.p_value == pytest.approx(asymmetry(effect).limit_p / 2)
    assert (found.chosen, found.estimate) == ("PEESE", asymmetry(effect, predictor="vi").limit)
    none = pet_peese(effect, alpha=1e-9)
    assert (none.chosen, none.estimate) == ("PET", asymmetry(effect).limit)
    against = cb.pool(cb.Effects(yi=[0.9, 0.8, 0.2, -0.02, -0.05], vi=[0.3, 0.2, 0.08, 0.01, 0.01]))
    assert against.estimate > 0 > asymmetry(against).limit
    assert pet_peese(against).p_value > 0.5
    assert pet_peese(against).chosen == "PET"


def test_four_views() -> None:
    fit, _ = bcg()
    for result in (asymmetry(fit), asymmetry(fit, predictor="vi"), rank_test(fit), pet_peese(fit)):
        json.dumps(result.to_dict())
        assert repr(result) == result.summary()
        assert result._repr_html_().startswith("<pre>")
        assert not result.to_frame().empty
    frame = asymmetry(fit).to_frame()
    assert list(frame.columns) == ["estimate", "se", "statistic", "p_value"]
    assert frame.loc["slope", "p_value"] == asymmetry(fit).p_value
    assert list(pet_peese(fit).to_frame().index) == ["PET", "PEESE"]


def test_rank_test_of_very_many_studies_is_normal() -> None:
    rng = np.random.default_rng(8)
    fit = cb.pool(cb.Effects(yi=rng.normal(size=1001), vi=rng.uniform(0.1, 2.0, 1001)), method="EE")
    found = rank_test(fit)
    assert found.distribution == "normal"
    assert "more than 1000 studies" in found.warnings[0]
