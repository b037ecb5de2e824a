"""Trim and fill, fail-safe N, excess significance, and Henmi and Copas' interval."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from golden_data import effects_of
from scipy import integrate, special, stats

import comorbid as cb
from comorbid.bias.excess import count_distribution, excess_significance
from comorbid.bias.fail_safe import fail_safe_n
from comorbid.bias.henmi_copas import henmi_copas
from comorbid.bias.trim_and_fill import trim_and_fill

FUNNEL = cb.Effects(
    yi=[0.1, 0.15, 0.2, 0.4, 0.6, 0.7, 0.9], vi=[0.01, 0.01, 0.02, 0.05, 0.09, 0.12, 0.2]
)


def bcg(**settings: object) -> cb.Fit:
    return cb.pool(effects_of("dat.bcg", "OR"), **settings)  # type: ignore[arg-type]


def test_filled_studies_mirror_the_trimmed_ones() -> None:
    fit = cb.pool(FUNNEL, method="EE", test="z")
    found = trim_and_fill(fit)
    k0 = found.k0
    assert (k0, found.side) == (3, "left")
    kept = fit.effects.take(range(fit.k - k0))
    centre = cb.pool(kept, method="EE", test="z").estimate
    filled = found.to_dict()["filled_yi"]
    assert sorted(filled) == pytest.approx(sorted(2 * centre - fit.effects.yi[-k0:]), rel=1e-12)
    assert found.to_frame()["filled"].sum() == k0
    assert found.effects.source[-k0:] == ("filled",) * k0
    assert found.fit.k == fit.k + k0
    assert found.original is fit


def test_mirrored_effects_miss_studies_on_the_other_side() -> None:
    mirrored = cb.Effects(yi=-FUNNEL.yi, vi=FUNNEL.vi)
    for method, estimator in itertools.product(("REML", "EE", "DL"), ("L0", "R0")):
        left, right = (
            trim_and_fill(cb.pool(effects, method=method), estimator=estimator)  # type: ignore[arg-type]
            for effects in (FUNNEL, mirrored)
        )
        assert (left.side, right.side) == ("left", "right")
        assert left.k0 == right.k0
        assert left.fit.estimate == pytest.approx(-right.fit.estimate, rel=1e-12)


def test_trim_and_fill_keeps_weights_of_the_analyst() -> None:
    # R 4.2.2, metafor 3.8-1: trimfill(rma(yi, vi, data=dat.bcg (OR), weights=1:13, method="DL")).
    fit = bcg(method="DL", test="z", weights=np.arange(1.0, 14.0))
    found = trim_and_fill(fit, side="right")
    assert found.k0 == 6
    assert found.fit.estimate == pytest.approx(-0.0813410739659, rel=1e-9)
    assert found.fit.se == pytest.approx(0.2424632475187, rel=1e-9)
    with pytest.raises(cb.ModelError, match="no side can be chosen with weights of yours"):
        trim_and_fill(fit)


def test_trim_and_fill_of_equal_effects_finds_nothing_missing() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5] * 6, vi=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    for estimator in ("L0", "R0", "Q0"):
        found = trim_and_fill(fit, estimator=estimator, side="left")  # type: ignore[arg-type]
        assert found.k0 == 0
        assert found.fit.estimate == pytest.approx(0.5)


def test_trim_and_fill_mistakes_are_named() -> None:
    fit = cb.pool(FUNNEL)
    cases: list[tuple[cb.Fit, dict[str, object], str]] = [
        (fit, {"estimator": "L1"}, "estimator is 'L1'; use one of L0, R0, Q0"),
        (fit, {"side": "top"}, "side is 'top'; use one of left, right"),
        (cb.pool(FUNNEL.take([0])), {}, "one study"),
        (cb.pool(FUNNEL.take([0, 5])), {}, "no side can be chosen: k = 2.*give side="),
        (cb.pool(cb.Effects(yi=[1, 2, 3], vi=[1, 1, 1])), {}, "no side can be chosen: every"),
    ]
    for case, settings, message in cases:
        with pytest.raises(cb.ModelError, match=message):
            trim_and_fill(case, **settings)  # type: ignore[arg-type]


def test_fail_safe_n_is_the_first_number_that_is_enough() -> None:
    fit = bcg(test="z")
    yi, vi, k = fit.effects.yi, fit.effects.vi, fit.k
    n = fail_safe_n(fit, kind="rosenthal").n
    z = (yi / np.sqrt(vi)).sum()
    assert (
        stats.norm.sf(abs(z) / math.sqrt(k + n))
        >= 0.05
        > stats.norm.sf(abs(z) / math.sqrt(k + n - 1))
    )
    found = fail_safe_n(fit, kind="rosenberg")
    weighted = cb.pool(fit.effects, method="EE", test="z")
    more = [
        cb.Effects(yi=[*yi, *[0.0] * int(m)], vi=[*vi, *[weighted.k / (1 / vi).sum()] * int(m)])
        for m in (found.n, found.n - 1)
    ]
    p_values = [cb.pool(effects, method="EE", test="z").p_value for effects in more]
    assert p_values[0] >= 0.05 > p_values[1]
    general = fail_safe_n(cb.pool(fit.effects, method="EE"), kind="general")
    assert general.n == found.n
    assert general.p_value_with == pytest.approx(p_values[0], rel=1e-9)


def test_general_fail_safe_n_with_a_target_is_orwins_for_equal_effects() -> None:
    fit = bcg(method="EE")
    for target in (0.05, -0.05, 0.2):
        orwin = fail_safe_n(fit, kind="orwin", target=target)
        general = fail_safe_n(fit, kind="general", target=target)
        assert orwin.n == general.n
        assert orwin.target == general.target == -abs(target)
    assert fail_safe_n(fit, kind="orwin", target=9.0).n == 0
    assert fail_safe_n(fit, kind="general", target=9.0).n == 0


def test_fail_safe_n_beyond_ten_million_is_infinite() -> None:
    fit = cb.pool(cb.Effects(yi=[1.0, 1.1], vi=[1e-9, 1e-9]), method="EE")
    for kind in ("rosenthal", "rosenberg", "general"):
        found = fail_safe_n(fit, kind=kind)  # type: ignore[arg-type]
        assert found.n == math.inf
        assert "more than 10,000,000" in found.summary()


def test_large_general_fail_safe_n_is_found_by_halving() -> None:
    fit = cb.pool(cb.Effects(yi=[1.0, 1.3, 0.9], vi=[1e-4, 2e-4, 1e-4]), method="EE")
    found = fail_safe_n(fit, kind="general")
    assert found.n == fail_safe_n(fit, kind="rosenberg").n > 20_000


def test_fail_safe_n_mistakes_are_named() -> None:
    fit = bcg()
    cases: list[tuple[dict[str, object], str]] = [
        ({"kind": "orwins"}, "kind is 'orwins'; use one of rosenthal, orwin"),
        ({"alpha": 5}, "alpha is 5; give a proportion"),
        ({"target": 0.1}, "kind 'rosenthal' has no target"),
        ({"kind": "orwin", "target": 0.0}, "no number of null studies reaches it"),
        ({"kind": "general", "target": math.nan}, "target is nan"),
    ]
    for settings, message in cases:
        with pytest.raises(cb.ModelError, match=message):
            fail_safe_n(fit, **settings)  # type: ignore[arg-type]


def test_number_of_significant_studies_has_its_exact_distribution() -> None:
    power = np.array([0.1, 0.35, 0.8, 0.5])
    expected = np.zeros(5)
    for events in itertools.product((0, 1), repeat=4):
        expected[sum(events)] += np.prod(np.where(events, power, 1 - power))
    assert count_distribution(power[:, None])[:, 0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("alternative", ["two.sided", "greater", "less"])
def test_power_is_that_averaged_over_the_true_effects(alternative: str) -> None:
    fit = bcg(test="z")
    found = excess_significance(fit, alternative=alternative)  # type: ignore[arg-type]
    c = stats.norm.isf(0.025 if alternative == "two.sided" else 0.05)

    def density(theta: float, se: float) -> float:
        above = special.ndtr(theta / se - c) if alternative != "less" else 0.0
        below = special.ndtr(-theta / se - c) if alternative != "greater" else 0.0
        return float((above + below) * stats.norm.pdf(theta, fit.estimate, math.sqrt(fit.tau2)))

    for se, power in zip(np.sqrt(fit.effects.vi), found.power, strict=True):
        reach = 12 * math.sqrt(fit.tau2)
        ends = (fit.estimate - reach, fit.estimate + reach)
        value = integrate.quad(density, *ends, args=(se,), epsabs=1e-12, limit=200)[0]
        assert power == pytest.approx(value, abs=1e-10)


def test_excess_tests_follow_their_formulas() -> None:
    fit = bcg(method="EE", test="z")
    exact, binom, chi2 = (
        excess_significance(fit, test=test)  # type: ignore[arg-type]
        for test in ("exact", "binom", "chi2")
    )
    o, e, k = exact.observed, exact.expected, fit.k
    assert binom.p_value == pytest.approx(stats.binom.sf(o - 1, k, e / k), rel=1e-12)
    assert chi2.statistic == pytest.approx((o - e) ** 2 / e + (o - e) ** 2 / (k - e), rel=1e-12)
    assert chi2.p_value == pytest.approx(stats.chi2.sf(chi2.statistic, 1) / 2, rel=1e-12)
    for found in (exact, binom, chi2):
        assert math.copysign(1, found.limit) == math.copysign(1, fit.estimate)
        power = special.ndtr(found.limit / np.sqrt(fit.effects.vi) - stats.norm.isf(0.025))
        power += special.ndtr(-found.limit / np.sqrt(fit.effects.vi) - stats.norm.isf(0.025))
        at_limit = {
            "exact": count_distribution(power[:, None])[o:, 0].sum(),
            "binom": stats.binom.sf(o - 1, k, power.mean()),
        }
        if found.test in at_limit:
            assert at_limit[found.test] == pytest.approx(0.10, rel=1e-9)


def test_no_limit_where_nothing_is_significant() -> None:
    fit = cb.pool(cb.Effects(yi=[0.1, -0.2, 0.05], vi=[0.1, 0.2, 0.3]), method="EE")
    found = excess_significance(fit)
    assert (found.observed, found.p_value) == (0, pytest.approx(1.0, rel=1e-15))
    assert math.isnan(found.limit)


def test_excess_where_every_study_is_significant() -> None:
    fit = cb.pool(cb.Effects(yi=[1.0, 1.2, 0.9], vi=[0.01, 0.02, 0.01]), method="EE")
    for test in ("exact", "binom", "chi2"):
        found = excess_significance(fit, test=test)  # type: ignore[arg-type]
        assert found.observed == 3
        assert 0.0 < found.limit < fit.estimate
        assert found.p_value > 0.1


def test_excess_significance_mistakes_are_named() -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"test": "z"}, "test is 'z'; use one of exact, binom, chi2"),
        ({"alternative": "both"}, "alternative is 'both'; use one of two.sided"),
        ({"alpha": 0.0}, "alpha is 0.0; give a proportion"),
        ({"limit_alpha": 2}, "limit_alpha is 2"),
    ]
    for settings, message in cases:
        with pytest.raises(cb.ModelError, match=message):
            excess_significance(bcg(), **settings)  # type: ignore[arg-type]


def miss_probability(vi: np.ndarray, tau2: float, u: float) -> float:
    """Henmi and Copas' probability from matrices and adaptive quadrature, written once more."""
    w = 1 / vi
    k, w1, w2 = w.size, w.sum(), (w**2).sum() / w.sum()
    spread = np.diag(vi + tau2)
    quadratic = np.diag(w) - np.outer(w, w) / w1
    along = spread @ w / w1
    variance = w @ spread @ w / w1**2
    rest = spread - np.outer(along, along) / variance
    product = quadratic @ rest

    def density(r: float) -> float:
        m = along * r / math.sqrt(w1) / variance
        mean = np.trace(product) + m @ quadratic @ m
        var = 2 * np.trace(product @ product) + 4 * m @ quadratic @ rest @ quadratic @ m
        bound = k - 1 + (w1 - w2) * (r**2 / u**2 - 1) / w2
        below = stats.gamma.cdf(bound, mean**2 / var, scale=var / mean)
        return float(below * stats.norm.pdf(r, 0, math.sqrt(w1 * variance)))

    width = math.sqrt(w1 * variance)
    cuts = [u, *(u + width * np.array([0.5, 1, 2, 4, 12]))]
    parts = [
        integrate.quad(density, a, b, epsabs=1e-13, epsrel=1e-11, limit=200)[0]
        for a, b in itertools.pairwise(cuts)
    ]
    return 2 * math.fsum(parts)


@pytest.mark.parametrize(("name", "measure"), [("dat.bcg", "RD"), ("dat.hine1989", "OR")])
def test_henmi_copas_interval_has_the_probability_it_should(name: str, measure: str) -> None:
    """Where the interval differs from metafor's by 1e-4: ours solves the equation."""
    fit = cb.pool(effects_of(name, measure))
    found = henmi_copas(fit)
    assert miss_probability(fit.effects.vi, found.tau2, found.critical) == pytest.approx(
        0.05, abs=1e-10
    )


def test_henmi_copas_of_two_studies_and_of_heavy_ones() -> None:
    for yi, vi in (([0.1, 0.9], [0.02, 0.03]), ([0.0, 1.0, 2.0], [1e-12, 1.0, 1e-3])):
        fit = cb.pool(cb.Effects(yi=yi, vi=vi))
        found = henmi_copas(fit)
        assert found.ci[0] < found.estimate < found.ci[1]
        missed = miss_probability(fit.effects.vi, found.tau2, found.critical)
        assert missed == pytest.approx(0.05, abs=1e-6)
    with pytest.raises(cb.ModelError, match="one study"):
        henmi_copas(cb.pool(cb.Effects(yi=[1.0], vi=[1.0])))


def test_four_views() -> None:
    fit = bcg()
    results = [
        trim_and_fill(fit, estimator="R0"),
        *(fail_safe_n(fit, kind=kind) for kind in ("rosenthal", "orwin", "rosenberg", "general")),  # type: ignore[arg-type]
        excess_significance(fit),
        henmi_copas(fit),
    ]
    for result in results:
        json.dumps(result.to_dict())
        assert repr(result) == result.summary()
        assert result._repr_html_().startswith("<pre>")
        assert not result.to_frame().empty
    assert "none missing" in results[0].summary()
    assert not results[5].power.flags.writeable
