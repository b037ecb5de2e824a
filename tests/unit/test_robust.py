from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import comorbid as cb
from comorbid.models.cluster_robust import robust_means
from comorbid.models.sandwich import Correction


def simulated(sizes: list[int], seed: int = 1) -> cb.Effects:
    rng = np.random.default_rng(seed)
    studies = np.repeat(np.arange(len(sizes)), sizes)
    k = studies.size
    return cb.Effects(
        yi=rng.normal(size=len(sizes))[studies] * 0.3 + rng.normal(size=k) * 0.3,
        vi=rng.uniform(0.02, 0.2, k),
        studies=studies.tolist(),
        measure="OR",
        moderators={"x": rng.normal(size=k), "z": rng.normal(size=len(sizes))[studies]},
    )


SIZES = [1, 3, 2, 3, 1, 4, 2]


def test_one_effect_each_with_equal_weights_is_the_mean_with_its_own_error() -> None:
    y = np.array([0.3, 0.9, -0.2, 0.5])
    fit = cb.pool(cb.Effects(yi=y, vi=[0.1] * 4))
    found = cb.robust(fit, vcov="CR2")
    assert_allclose(found.se, y.std(ddof=1) / 2, rtol=1e-12)
    assert_allclose(found.df, 3, rtol=1e-12)
    # With m = k and equal weights the factors of HC1 and HC3 are 4/3 and (4/3)^2.
    plain = cb.robust(fit, vcov="CR0").se
    for vcov, factor in (("CR1", 4 / 3), ("CR1p", 4 / 3), ("CR1S", 4 / 3), ("CR3", 16 / 9)):
        assert_allclose(cb.robust(fit, vcov=vcov).se ** 2, factor * plain**2, rtol=1e-12)


def test_cr3_is_the_jackknife_over_clusters() -> None:
    # (I - H_j)^-1 e_j are the residuals from fits without cluster j at the same tau2, so that V is
    # the sum of squares of what each cluster moves the coefficients by.
    effects = simulated(SIZES)
    fit = cb.regress(effects, "~ x")
    moved = []
    for study in dict.fromkeys(effects.studies):
        rest = effects.take([i for i, s in enumerate(effects.studies) if s != study])
        moved.append(cb.regress(rest, "~ x", tau2=fit.tau2).estimate - fit.estimate)
    assert_allclose(cb.robust(fit, vcov="CR3").vcov, np.transpose(moved) @ moved, rtol=1e-9)


@pytest.mark.parametrize("ratio", [1.0, 1e-4, 1e-8])
def test_cr2_is_unbiased_under_the_working_model(ratio: float) -> None:
    # E[V] = sum of g'(I - H) Phi (I - H)'g, which must be the model's own variance: also where
    # one effect of a study has a far smaller variance than the others.
    effects = simulated(SIZES)
    vi = np.array(effects.vi)
    vi[[1, 4, 7, 11]] *= ratio
    effects = cb.Effects(
        yi=effects.yi, vi=vi, studies=effects.studies, moderators=effects.moderators
    )
    fit = cb.regress(effects, "~ x + z", method="REML" if ratio == 1 else "EE")
    of = cb.robust(fit).clustered.working
    x, w = fit.x, np.diag(fit.raw_weights)
    phi = np.diag(fit.effects.vi + fit.tau2)
    hat = np.eye(fit.k) - x @ of.bread @ x.T @ w
    around = hat @ phi @ hat.T
    found = cb.robust(fit)
    expected = np.zeros((3, 3))
    for part, g in zip(of.parts, found.adjusted.g, strict=True):
        for number, weights in zip(part.numbers, g, strict=True):
            rows = np.flatnonzero(found.clustered.clusters.of == number)
            expected += weights.T @ around[np.ix_(rows, rows)] @ weights
    assert_allclose(expected, of.vcov, rtol=1e-8)
    assert_allclose(of.vcov, fit.vcov / fit.s2, rtol=1e-8)


def test_effects_of_one_study_whose_variances_lie_far_apart() -> None:
    # 80-digit arithmetic of the definition (mpmath): the square root of M X'W A e e'A'W X M, summed
    # over studies, with A = D (D B D)^(-1/2) D. A variance is a hundred millionth of the others.
    effects = cb.Effects(
        yi=[0.12, -0.31, 0.44, 0.05, 0.27, -0.18, 0.36, 0.61],
        vi=[2e-9, 0.2, 0.15, 3e-9, 0.25, 0.1, 1e-9, 0.3],
        studies=list("aaabbbcc"),
        moderators={"x": [0.3, -1.1, 0.8, 1.5, -0.4, 0.2, -0.9, 0.6]},
    )
    mean = cb.robust(cb.pool(effects, method="EE"))
    assert_allclose(mean.se, 0.11212706882816535, rtol=1e-9)
    slope = cb.robust(cb.regress(effects, "~ x", method="EE"))
    assert_allclose(slope.se, [0.036635285943809714, 0.0391545960002981], rtol=1e-9)


def test_the_units_of_a_moderator_make_no_difference() -> None:
    effects = simulated(SIZES)
    tests = []
    for unit in (1.0, 1e9):
        columns = {"x": np.array(effects.moderators["x"]) * unit, "z": effects.moderators["z"]}
        again = cb.Effects(
            yi=effects.yi, vi=effects.vi, studies=effects.studies, moderators=columns
        )
        tests.append(cb.robust(cb.regress(again, "~ x + z")).omnibus)
    assert_allclose(tests[1].df_denominator, tests[0].df_denominator, rtol=1e-6)
    assert_allclose(tests[1].p_value, tests[0].p_value, rtol=1e-6)


def test_degrees_of_freedom_are_those_of_the_quadratic_form() -> None:
    # 2 E[V]^2 / Var[V] by the eigenvalues of the form y'Qy, without sums by coefficient.
    fit = cb.regress(simulated(SIZES), "~ x")
    found = cb.robust(fit)
    of = found.clustered.working
    x, w = fit.x, np.diag(fit.raw_weights)
    root = np.diag(np.sqrt(fit.effects.vi + fit.tau2))
    hat = np.eye(fit.k) - x @ of.bread @ x.T @ w
    for c in range(2):
        form = np.zeros((fit.k, fit.k))
        for part, g in zip(of.parts, found.adjusted.g, strict=True):
            for number, weights in zip(part.numbers, g, strict=True):
                vector = np.zeros(fit.k)
                vector[found.clustered.clusters.of == number] = weights[:, c]
                form += np.outer(hat.T @ vector, hat.T @ vector)
        values = np.linalg.eigvalsh(root @ form @ root)
        assert_allclose(found.df[c], values.sum() ** 2 / (values**2).sum(), rtol=1e-8)


def test_the_mean_agrees_with_means_of_many_weights() -> None:
    effects = simulated(SIZES)
    # Effects of one study with one variance, as robust_means takes them.
    study = np.array([int(s) for s in effects.studies])
    vi = np.linspace(0.03, 0.2, len(SIZES))[study]
    fit = cb.pool(cb.Effects(yi=effects.yi, vi=vi, studies=effects.studies), method="EE")
    means = robust_means(fit.effects.yi, vi, (1 / vi)[:, None], study)
    found = cb.robust(fit)
    assert_allclose(found.se, means.se, rtol=1e-9)
    assert_allclose(found.df, means.df, rtol=1e-9)


def test_order_of_rows_and_names_of_clusters_make_no_difference() -> None:
    effects = simulated(SIZES)
    order = np.random.default_rng(5).permutation(effects.k)
    other = effects.take(order.tolist())
    first, second = (cb.robust(cb.regress(e, "~ x + z")) for e in (effects, other))
    assert_allclose(first.vcov, second.vcov, rtol=1e-8)
    assert_allclose(first.df, second.df, rtol=1e-8)
    assert_allclose(first.omnibus.p_value, second.omnibus.p_value, rtol=1e-8)


def test_a_multilevel_model_of_one_level_is_a_pool() -> None:
    effects = simulated(SIZES)
    level = cb.robust(cb.multilevel(effects, random="estimate_id"))
    pooled = cb.robust(cb.pool(effects))
    for name in ("estimate", "se", "df", "p_value"):
        assert_allclose(getattr(level, name), getattr(pooled, name), rtol=1e-6)


def test_effects_without_weight_have_no_part() -> None:
    # As clubSandwich, which leaves them out: the fit of the others at the same tau2. One cluster is
    # left with no effect, and two with fewer.
    effects = simulated(SIZES)
    weights = np.linspace(1, 2, effects.k)
    weights[[0, 2, 7]] = 0
    fit = cb.regress(effects, "~ x", weights=weights)
    rest = np.flatnonzero(weights)
    alone = cb.regress(
        effects.take(rest.tolist()), "~ x", weights=weights[rest], tau2=float(fit.tau2)
    )
    for vcov in ("CR0", "CR1S", "CR2", "CR3"):
        first, second = (cb.robust(each, vcov=vcov) for each in (fit, alone))
        assert (first.m, first.k) == (second.m, second.k) == (6, 13)
        assert_allclose(first.se, second.se, rtol=1e-10)
        assert_allclose(first.df, second.df, rtol=1e-9)


def test_a_cluster_is_one_whether_its_number_is_whole_or_has_a_point() -> None:
    fit = cb.pool(simulated([2, 2, 2]))
    assert cb.robust(fit, cluster=[1, 1.0, 2.0, 2, np.float64(3), "3"]).m == 3


def test_clusters_inside_the_groups_of_a_model_are_refused() -> None:
    fit = cb.multilevel(simulated(SIZES))
    # The first two rows of the first study with several.
    with pytest.raises(cb.ModelError, match=r"different clusters \(Study 2, Study 3\) depend on"):
        cb.robust(fit, cluster="estimate_id")
    wider = [str(int(study) // 2) for study in fit.effects.studies]
    assert cb.robust(fit, cluster=wider).m == 4


def with_dummy(formula: str) -> cb.Regression:
    effects = simulated(SIZES)
    alone = [float(s == "3") for s in effects.studies]
    columns = {"x": effects.moderators["x"], "alone": alone, "rest": [1 - a for a in alone]}
    return cb.regress(
        cb.Effects(yi=effects.yi, vi=effects.vi, studies=effects.studies, moderators=columns),
        formula,
    )


@pytest.mark.parametrize("vcov", ["CR0", "CR2", "CR3"])
def test_a_coefficient_that_rests_on_one_cluster_has_no_standard_error(vcov: Correction) -> None:
    found = cb.robust(with_dummy("~ 0 + rest + alone"), vcov=vcov)
    assert np.isnan(found.se).tolist() == [False, True]
    assert math.isnan(found.omnibus.p_value)
    assert not math.isnan(found.wald("rest").p_value)
    assert "alone (100 % of its variance, model's" in found.summary()


def test_a_coefficient_that_rests_on_one_cluster_in_part_is_noted() -> None:
    # Its estimate is the difference of a mean of one cluster, whose residuals sum to 0 whatever
    # the data, and one of the others: the share of the variance that the first has is lost.
    fit = with_dummy("~ alone")
    found = cb.robust(fit, vcov="CR0")
    weights, one = fit.raw_weights, np.array(fit.effects.moderators["alone"]) == 1
    share = (1 / weights[one].sum()) / (1 / weights[one].sum() + 1 / weights[~one].sum())
    note = next(note for note in found.warnings if "single cluster" in note)
    assert note.startswith(f"alone ({100 * share:.0f} % of its variance")
    assert_allclose(found.se[1], found.se[0], rtol=1e-9)
    with pytest.raises(cb.ModelError, match="alone: rests, at least in part, on a single clust"):
        cb.wild_bootstrap(fit, coefficients="alone")


def test_a_cluster_of_one_that_a_coefficient_fits_exactly_adds_nothing() -> None:
    # dat.gibson2002 (metadat 1.2-0) as standardised mean differences to six digits: four of five
    # types are those of one study each, whose residuals are 0 but for rounding. CR2 is that of
    # clubSandwich 0.5.8 with metafor 3.8-1, coef_test(rma.mv(yi, vi, mods = ~ type, random =
    # ~ 1 | a), vcov = "CR2", cluster = a); CR3, which it refuses as singular, that of the other
    # nine studies at the same sigma2.
    yi = [-0.236133, -0.51053, 0.320896, -0.103795, -0.780367, -0.192977, -0.244484, -0.497814]
    yi += [-0.150352, 0.04844, -0.258929, 0.193721, -0.327713]
    vi = [0.038787, 0.014968, 0.097336, 0.020976, 0.061493, 0.04059, 0.035066, 0.103098, 0.014847]
    vi += [0.018409, 0.062069, 0.021729, 0.082763]
    types = ["t1"] * 9 + ["t2", "t3", "t4", "t5"]
    effects = cb.Effects(yi=yi, vi=vi, moderators={"type": types})
    fit = cb.multilevel(effects, "~ type", random="study_id", test="t")
    for vcov, se, df in (("CR2", 0.07957611834, 6.782183503), ("CR3", 0.0850588895, 6.570722495)):
        found = cb.robust(fit, vcov=vcov)
        assert_allclose(found.se, se, rtol=1e-6)
        assert_allclose(found.df, df, rtol=1e-6)
        assert "rests, at least in part, on a single cluster" in found.warnings[-1]


def test_few_degrees_of_freedom_are_said() -> None:
    found = cb.robust(cb.pool(simulated([2, 3, 1])))
    assert "degrees of freedom below 4 (Intercept" in found.summary()


def test_degrees_of_freedom_just_below_four_are_not_printed_as_four() -> None:
    # Six studies, all rows, one correlation: 3.9977, which one digit would make 4.0.
    effects = cb.effects(cb.datasets.headache_back_pain(), rows="all")
    found = cb.robust(cb.multilevel(effects, V=cb.covariance(effects, rho=0.6)))
    assert 3.95 < found.df[0] < 4
    assert f"below 4 (Intercept {found.df[0]:.4f})" in found.summary()


def test_dependence_is_said_unless_the_clusters_hold_it() -> None:
    effects = simulated([2, 3, 1, 2])
    note = "several effects of one study are taken as independent: 0, 1, 3; allow for"
    for fit in (cb.pool(effects), cb.regress(effects, "~ x")):
        assert note in fit.summary()
        assert note not in cb.robust(fit).summary()
        assert note in cb.robust(fit, cluster="estimate_id").summary()
    assert note not in cb.wild_bootstrap(cb.pool(effects), draws=19).summary()
    assert note not in cb.multilevel(effects).summary()
    assert "independent" not in cb.pool(cb.aggregate(effects, rho=0.5)).summary()
    assert "independent" not in cb.pool(simulated([1] * 4)).summary()


def test_clusters_that_do_not_differ_are_said() -> None:
    effects = cb.Effects(yi=[0.5] * 6, vi=[0.02] * 6, studies=list("AABBCC"))
    with np.errstate(all="raise"):
        found = cb.robust(cb.pool(effects, test="z"))
    assert_allclose(found.se, 0, atol=1e-12)
    assert "the clusters do not differ at all as to Intercept" in found.summary()
    assert "do not differ" not in cb.robust(cb.pool(simulated(SIZES))).summary()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda fit: cb.robust(fit, cluster=["a"] * fit.k),
            "1 cluster for 2 coefficients: a cluster-robust variance needs more clusters than",
        ),
        (lambda fit: cb.robust(fit, cluster=list("ab") * 8), "2 clusters for 2 coefficients"),
        (lambda fit: cb.robust(fit, cluster=["a", None] * 8), "cluster is missing for Study 2, "),
        (lambda fit: cb.robust(fit, cluster=["a"]), "cluster has 1 values for 16 effects"),
        (lambda fit: cb.robust(fit, vcov="HC1"), "vcov is 'HC1'; use one of CR0, CR1, CR1p"),
        (lambda fit: cb.robust(fit.effects), r"fit is of type Effects; give what pool\(\), regre"),
        (
            lambda fit: cb.robust(cb.covariance(fit.effects, rho=0.5)),
            "fit is of type Covariance; give",
        ),
        (lambda fit: cb.robust(fit).wald("y"), "there is no coefficient or term y"),
        (lambda fit: cb.wild_bootstrap(fit, draws=5), "draws is 5; give a whole number of at le"),
    ],
)
def test_what_cannot_be_is_said(call: Any, message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=message):
        call(cb.regress(simulated(SIZES), "~ x"))


@pytest.mark.parametrize("vcov", ["CR0", "CR2"])
def test_all_patterns_of_signs_are_refits(vcov: Correction) -> None:
    # Each pattern by itself: new effects, the same tau2, and the sandwich of the refit.
    effects = simulated([2, 3, 1, 2, 3])
    fit = cb.regress(effects, "~ x")
    found = cb.wild_bootstrap(fit, vcov=vcov)
    null = cb.pool(effects, tau2=fit.tau2)
    residuals = np.array(null.residuals)
    if vcov == "CR2":
        of = cb.robust(null)
        phi = np.diag(effects.vi + fit.tau2)
        hat = np.eye(effects.k) - np.ones((effects.k, 1)) @ (
            null.raw_weights[None] / null.raw_weights.sum()
        )
        around = hat @ phi @ hat.T
        for number in range(5):
            rows = np.flatnonzero(of.clustered.clusters.of == number)
            root = np.sqrt(phi[np.ix_(rows, rows)])
            values, vectors = np.linalg.eigh(root @ around[np.ix_(rows, rows)] @ root)
            residuals[rows] = (
                root @ (vectors / np.sqrt(values)) @ vectors.T @ root @ residuals[rows]
            )
    expected = []
    clusters = cb.robust(fit).clustered.clusters.of
    for signs in itertools.product([1, -1], repeat=4):
        eta = np.array([1, *signs])[clusters]
        again = cb.Effects(
            yi=null.estimate + eta * residuals,
            vi=effects.vi,
            studies=effects.studies,
            moderators=effects.moderators,
        )
        refit = cb.robust(cb.regress(again, "~ x", tau2=fit.tau2), vcov=vcov)
        expected.append(refit.statistic[1] ** 2)
    assert_allclose(np.sort(found.draws), np.sort(expected), rtol=1e-7)
    observed = cb.robust(fit, vcov=vcov).statistic[1] ** 2
    assert_allclose(found.statistic, observed, rtol=1e-9)
    assert found.p_value == np.mean(np.array(expected) >= observed * (1 - 1e-9))


def test_no_pattern_of_signs_makes_p_zero() -> None:
    # With CR2 and CR3 the pattern of no changes is not the observed statistic, and none may reach
    # it; the observed one is then counted as itself (seeded simulation with a strong slope).
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    effects = cb.Effects(
        yi=x + 0.01 * rng.normal(size=12),
        vi=[0.01] * 12,
        studies=list("aabbccddeeff"),
        moderators={"x": x},
    )
    found = cb.wild_bootstrap(cb.regress(effects, "~ x"), vcov="CR3")
    assert found.enumeration == "all"
    assert found.p_value >= 1 / 32
    assert found.p_value == max((found.draws >= found.statistic).sum(), 1) / 32


def test_without_adjustment_the_observed_statistic_is_one_of_the_patterns() -> None:
    fit = cb.regress(simulated(SIZES), "~ x + z")
    found = cb.wild_bootstrap(fit, vcov="CR0")
    assert_allclose(found.draws[0], found.statistic, rtol=1e-9)
    assert found.p_value >= 1 / 64


def test_random_draws_are_those_of_their_seed() -> None:
    fit = cb.pool(simulated([2] * 14))
    first, again, other = (cb.wild_bootstrap(fit, seed=s, weights="webb") for s in (1, 1, 2))
    assert first.p_value == again.p_value
    assert not np.array_equal(first.draws, other.draws)
    assert first.enumeration == "random"
    # The exact test has 2^13 patterns: random signs are close to it.
    exact = cb.wild_bootstrap(fit, draws=2**13)
    signs = cb.wild_bootstrap(fit, draws=8000)
    assert exact.enumeration == "all"
    assert abs(signs.p_value - exact.p_value) < 4 * math.sqrt(0.25 / 8000)


def p_of(fit: cb.Regression, value: float, **settings: Any) -> float:
    """P of the slope being ``value``: that of 0 after as much is taken off the effects."""
    effects, x = fit.effects, np.array(fit.effects.moderators["x"])
    moved = cb.Effects(
        yi=effects.yi - value * x,
        vi=effects.vi,
        studies=effects.studies,
        moderators=effects.moderators,
    )
    return cb.wild_bootstrap(cb.regress(moved, "~ x", tau2=fit.tau2), **settings).p_value


@pytest.mark.parametrize(
    "settings",
    [{}, {"vcov": "CR0"}, {"vcov": "CR3", "weights": "webb", "draws": 399}, {"draws": 63}],
)
def test_ends_of_the_interval_are_where_the_test_begins_to_reject(settings: Any) -> None:
    fit = cb.regress(simulated([3, 2, 3, 1, 4, 2, 3, 2]), "~ x")
    found = cb.wild_bootstrap(fit, **settings)
    assert p_of(fit, 0.0, **settings) == found.p_value
    for level in (0.8, 0.95):
        for end in found.ci(level=level):
            step = 1e-6 * (end - fit.estimate[1])
            inside, outside = (p_of(fit, end + s, **settings) for s in (-step, step))
            assert outside <= 1 - level < inside


def found_at(effects: cb.Effects, level: float) -> tuple[float, float]:
    return cb.wild_bootstrap(cb.pool(effects)).ci(level=level)


def test_the_interval_of_a_mean() -> None:
    # Six studies of one effect each, all alike in precision: of the 32 patterns of signs, p is
    # 1 / 32 where the value tested lies below all effects and above 1 / 32 where it lies above one,
    # as then another pattern has a larger mean for the same sum of squares.
    effects = cb.Effects(yi=[0.3, 0.4, 0.2, 0.6, 0.9, 0.5], vi=[0.04] * 6)
    found = cb.wild_bootstrap(cb.pool(effects), vcov="CR0")
    assert_allclose(found.ci(level=1 - 1 / 32), [0.2, 0.9], rtol=1e-9)
    assert found.ci(level=0.98) == (-math.inf, math.inf)
    assert cb.wild_bootstrap(cb.pool(effects, level=0.8)).ci() == found_at(effects, 0.8)


def test_the_interval_of_clusters_that_do_not_differ_has_no_width() -> None:
    effects = cb.Effects(yi=[0.5] * 12, vi=[0.02] * 12, studies=list("AABBCCDDEEFF"))
    with np.errstate(all="raise"):
        found = cb.wild_bootstrap(cb.pool(effects, test="z"))
    assert_allclose(found.ci(), 0.5, rtol=1e-9)


def test_an_interval_is_of_one_coefficient() -> None:
    found = cb.wild_bootstrap(cb.regress(simulated(SIZES), "~ x + z"))
    with pytest.raises(cb.ModelError, match="x, z are tested together; an interval is of one"):
        found.ci()
    with pytest.raises(cb.ModelError, match="level"):
        cb.wild_bootstrap(cb.pool(simulated(SIZES))).ci(level=95)


def test_few_patterns_are_said() -> None:
    assert "p cannot be below 0.125" in cb.wild_bootstrap(cb.pool(simulated([2] * 4))).summary()


def test_draws_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = cb.regress(simulated(SIZES), "~ x")
    whole = cb.wild_bootstrap(fit).draws
    monkeypatch.setattr("comorbid.models.wild_draws._CELLS", 64)
    assert_allclose(cb.wild_bootstrap(fit).draws, whole, rtol=1e-12)
