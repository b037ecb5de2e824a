"""Multilevel models: against closed forms, against matrices written out, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.dense_blocks import DenseBlocks
from comorbid.models.mixed_equations import MixedEquations, Term
from comorbid.models.nested_levels import NestedLevels
from comorbid.models.structures import Structure
from comorbid.models.variance_components import meaningless

STUDIES = list("AAABBCCDDEEF")
OUTCOMES = list("xyzxyxyxyzyx")


def simulated(seed: int = 1, k: int = 12, **settings: Any) -> cb.Effects:
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.02, 0.2, k)
    yi = rng.normal(0.4, np.sqrt(vi)) + rng.normal(0, 0.4, 26)[np.arange(k) // 2]
    settings.setdefault("studies", STUDIES if k == 12 else None)
    settings = {name: value for name, value in settings.items() if value is not None}
    return cb.Effects(yi=yi, vi=vi, **settings)


def written_out(fit: cb.Multilevel) -> float:
    """The log-likelihood by dense matrices, from the components of a fit with blocks."""
    m = np.zeros((fit.k, fit.k))
    for block in fit.blocks:
        m[np.ix_(block.rows, block.rows)] = block.variance
        assert np.allclose(block.variance @ block.weights, np.eye(block.rows.size), atol=1e-10)
    w, x, y = np.linalg.inv(m), fit.x, fit.effects.yi
    xwx = x.T @ w @ x
    assert fit.estimate == pytest.approx(np.linalg.solve(xwx, x.T @ w @ y), rel=1e-9)
    assert fit.vcov == pytest.approx(np.linalg.inv(xwx), rel=1e-8)
    rest = y - x @ fit.estimate
    n = fit.k - fit.p if fit.method == "REML" else fit.k
    value = n * math.log(2 * math.pi) + np.linalg.slogdet(m)[1] + rest @ w @ rest
    if fit.method == "REML":
        value += np.linalg.slogdet(xwx)[1] - np.linalg.slogdet(x.T @ x)[1]
    return float(-value / 2)


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"random": "study_id"},
        {"random": ["study_id", "estimate_id"], "formula": "~ dose"},
        {"random": ["study_id", "outcome"]},
        {"random": "outcome | study_id", "struct": "CS"},
        {"random": "outcome | study_id", "struct": "HCS"},
        {"random": "outcome | study_id", "struct": "AR"},
        {"random": "outcome | study_id", "struct": "DIAG", "formula": "~ 0 + outcome"},
        {"random": "outcome | study_id", "struct": "UN"},
        {"random": ["outcome | study_id", "estimate_id"], "struct": "AR"},
        {"random": ["outcome | study_id", "region"], "struct": "CS"},
        {"random": ["outcome | study_id", "outcome | region"], "struct": ["CS", "DIAG"]},
    ],
)
def test_the_likelihood_is_that_of_matrices_written_out(
    settings: dict[str, Any], method: str
) -> None:
    regions = list("pqpqrrpqrpqr")
    columns = {"outcome": OUTCOMES, "dose": list(range(12)), "region": regions}
    effects = simulated(moderators=columns)
    given = {"formula": "~ 1", **settings, "method": method}
    fit = cb.multilevel(effects, given.pop("formula"), **given)
    assert fit.log_likelihood == pytest.approx(written_out(fit), abs=1e-9)
    assert fit.search.gradient < 1e-6


def test_one_row_a_study_is_a_pool() -> None:
    effects = simulated(3, 10)
    ours, pool = cb.multilevel(effects, random="study_id"), cb.pool(effects, test="z")
    assert ours.sigma2.tolist() == pytest.approx([pool.tau2], rel=1e-8)
    assert ours.estimate.tolist() == pytest.approx([pool.estimate], rel=1e-9)
    assert ours.se.tolist() == pytest.approx([pool.se], rel=1e-9)
    assert ours.log_likelihood == pytest.approx(pool.log_likelihood, abs=1e-9)
    assert (ours.aic, ours.bic, ours.aicc) == pytest.approx((pool.aic, pool.bic, pool.aicc))
    assert ours.heterogeneity.total == pytest.approx(pool.i2, rel=1e-8)
    assert (ours.qe, ours.qe_p) == pytest.approx((pool.q, pool.q_p), rel=1e-9)
    on_scale = ours.on_scale()
    assert on_scale.pi == pytest.approx(pool.predict().pi, rel=1e-8)
    blup = cb.blup(pool)
    assert ours.blup().pred.tolist() == pytest.approx(blup.pred.tolist(), rel=1e-8)
    assert ours.blup().se.tolist() == pytest.approx(blup.se.tolist(), rel=1e-8)
    ranef = cb.ranef(pool).to_frame()
    found = ours.ranef().to_frame().loc["study_id"].loc[list(ranef.index)]
    assert found["pred"].tolist() == pytest.approx(ranef["pred"].tolist(), rel=1e-7)
    assert found["se"].tolist() == pytest.approx(ranef["se"].tolist(), rel=1e-7)
    interval = ours.confint().to_frame().loc["study_id", ["ci_low", "ci_high"]].tolist()
    assert interval == pytest.approx(pool.tau2_ci("PL"), rel=1e-6)


def test_nothing_but_chance_is_the_equal_effects_model() -> None:
    effects = cb.Effects(
        yi=[0.31, 0.29, 0.3, 0.32, 0.3, 0.28], vi=[0.04] * 6, studies=list("AABBCC")
    )
    fit, pool = cb.multilevel(effects), cb.pool(effects, method="EE", test="z")
    assert fit.sigma2.tolist() == [0.0, 0.0]
    assert fit.search.boundary == ("study_id", "study_id/estimate_id")
    assert fit.estimate.tolist() == pytest.approx([pool.estimate], rel=1e-12)
    assert fit.se.tolist() == pytest.approx([pool.se], rel=1e-12)
    assert len(fit.warnings) == 2
    assert "study_id is 0, at the end of its range" in fit.warnings[0]


def test_a_balanced_design_has_a_closed_form() -> None:
    """Analysis of variance: within 0.0325 - 0.02, between 0.1283 - 0.0325 / 2, by hand."""
    yi = [0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8]
    effects = cb.Effects(yi=yi, vi=[0.02] * 8, studies=list("AABBCCDD"))
    fit = cb.multilevel(effects)
    means = np.reshape(yi, (4, 2)).mean(axis=1)
    within = float((np.diff(np.reshape(yi, (4, 2)), axis=1) ** 2).sum()) / 2 / 4
    between = float(means.var(ddof=1)) - within / 2
    assert fit.sigma2.tolist() == pytest.approx([between, within - 0.02], rel=1e-9)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_group_sums_and_matrices_agree(method: Any) -> None:
    """Three nested levels, with slopes, by Sherman and Morrison and by dense blocks."""
    rng = np.random.default_rng(5)
    k = 60
    fine = np.arange(k) // 2
    middle = fine // 4
    top = middle // 3
    columns = np.vstack([np.ones(k), rng.normal(size=k), rng.normal(size=k)])
    vi = rng.uniform(0.5, 2, k)
    groups = [top, fine, middle, np.arange(k)]
    zeros = np.zeros(k, dtype=np.intp)
    terms = [Term(group, zeros, 1) for group in groups]
    sums = MixedEquations(NestedLevels(columns, vi, groups), 2, (), method)
    dense = MixedEquations(DenseBlocks(columns, vi, terms), 2, (), method)
    sigma2 = [rng.uniform(0, 2, (5, 1, 1)) for _ in groups]
    sigma2[0][0] = sigma2[3][1] = 0.0
    for ours, theirs in zip(sums.evaluate(sigma2), dense.evaluate(sigma2), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    "structure",
    [
        Structure("intercept"),
        Structure("DIAG", 3),
        Structure("CS", 4, -1 / 3),
        Structure("HCS", 3, -0.5),
        Structure("UN", 4),
        Structure("UN", 4, order=(2, 0, 1, 3)),
        Structure("UN", 3, order=(1, 2, 0), rho_fixed=True),
        Structure("CS", 4, -1 / 3, rho_fixed=True),
        Structure("AR", 4),
    ],
)
def test_slopes_of_structures_are_those_of_differences(structure: Structure) -> None:
    theta = np.random.default_rng(7).normal(0.3, 0.6, (2, structure.size))
    slopes = structure.slopes(theta)
    for i in range(structure.size):
        h = 1e-6 * np.eye(structure.size)[i]
        expected = (structure.matrix(theta + h) - structure.matrix(theta - h)) / 2e-6
        assert slopes[:, i] == pytest.approx(expected, abs=1e-8)
    assert np.linalg.eigvalsh(structure.matrix(theta)).min() > -1e-12


def test_two_outcomes_hcs_is_un() -> None:
    effects = simulated(moderators={"outcome": list("xy" * 6)}, studies=list("AABBCCDDEEFF"))
    hcs, un = (
        cb.multilevel(effects, random="outcome | study_id", struct=struct)
        for struct in ("HCS", "UN")
    )
    assert hcs.log_likelihood == pytest.approx(un.log_likelihood, abs=1e-9)
    assert hcs.tau2.tolist() == pytest.approx(un.tau2.tolist(), rel=1e-5, abs=1e-9)


def test_a_compound_symmetric_structure_is_two_levels() -> None:
    effects = simulated(moderators={"outcome": OUTCOMES})
    levels = cb.multilevel(effects)
    both = cb.multilevel(effects, random="estimate_id | study_id", struct="CS")
    assert both.tau2[0] == pytest.approx(levels.sigma2.sum(), rel=1e-6)
    assert both.rho[0] == pytest.approx(levels.sigma2[0] / levels.sigma2.sum(), rel=1e-6)


def test_covariances_of_0_are_none() -> None:
    effects = simulated()
    plain, given = cb.multilevel(effects), cb.multilevel(effects, V=np.diag(effects.vi))
    assert plain.to_dict() == given.to_dict()


def test_rows_without_effect_are_left_out_of_v_too() -> None:
    effects = simulated()
    yi = effects.yi.copy()
    yi[3] = np.nan
    v = np.where(np.equal.outer(STUDIES, STUDIES), 0.01, 0.0)
    np.fill_diagonal(v, effects.vi)
    gap = cb.Effects(yi=yi, vi=effects.vi, studies=STUDIES)
    with pytest.warns(cb.DataWarning, match="left out, no effect: Study 4"):
        fit = cb.multilevel(gap, V=v)
    rest = [i for i in range(12) if i != 3]
    expected = cb.multilevel(effects.take(rest), V=v[np.ix_(rest, rest)])
    assert fit.estimate.tolist() == expected.estimate.tolist()
    assert fit.warnings[0] == "left out, no effect: Study 4"


def test_all_rows_of_a_study_table() -> None:
    studies = cb.datasets.headache_back_pain()
    reason = "The printed interval is impossible for so many people."
    counts = [
        cb.Override(name, use="counts", reason=reason) for name in ("ghandour2004-1", "swain2014-1")
    ]
    effects = cb.effects(studies, rows="all", overrides=counts)
    fit = cb.multilevel(effects)
    assert fit.k == effects.k > len(set(effects.studies)) == fit.components[0].groups
    assert "As OR:" in fit.summary()
    assert fit.on_scale().estimate == pytest.approx(math.exp(fit.estimate[0]))


def test_the_profile_is_highest_at_the_estimate() -> None:
    fit = cb.multilevel(
        simulated(moderators={"outcome": OUTCOMES}), random="outcome | study_id", struct="UN"
    )
    for component in fit.components:
        if math.isnan(component.value):
            continue
        profile = fit.profile(component.name, points=5)
        assert profile.log_likelihood.max() == pytest.approx(fit.log_likelihood, abs=1e-6)
        assert component.value in profile.values.tolist()


def test_new_data_need_the_level_that_intervals_depend_on() -> None:
    effects = simulated(moderators={"outcome": OUTCOMES, "dose": list(range(12))})
    fit = cb.multilevel(effects, "~ dose", random="outcome | study_id", struct="DIAG")
    at = fit.predict({"dose": [1, 2], "outcome": ["x", "y"]})
    width = (at.pi_high - at.pi_low) / 2 / 1.959963984540054
    assert width**2 - at.se**2 == pytest.approx(fit.tau2[:2], abs=1e-12)
    with pytest.raises(cb.DataError, match="no column outcome; the prediction intervals depend"):
        fit.predict({"dose": [1]})
    with pytest.raises(cb.DataError, match="row Row 1: outcome is q; the data fitted have x, y, z"):
        fit.predict({"dose": [1], "outcome": ["q"]})


def test_likelihood_ratio() -> None:
    effects = simulated(moderators={"dose": list(range(12))})
    three, two = cb.multilevel(effects), cb.multilevel(effects, random="study_id")
    test = cb.likelihood_ratio(two, three)
    assert test.statistic == pytest.approx(2 * (three.log_likelihood - two.log_likelihood))
    assert (test.df, test.parameters) == (1, (3, 2))
    # The data show no variance of rows: a statistic of 0 is the least there is.
    assert (test.statistic, test.p_value, test.p_mixture) == (0, 1, 1)
    assert "study_id/estimate_id adds is at the end of its range" in test.warnings[0]
    assert "for one variance use p_mixture" in test.warnings[0]
    single = cb.likelihood_ratio(three, cb.pool(effects))
    assert single.log_likelihood[1] == pytest.approx(cb.pool(effects).log_likelihood)
    moderated = cb.multilevel(effects, "~ dose")
    with pytest.raises(cb.ModelError, match="with different coefficients cannot be compared"):
        cb.likelihood_ratio(moderated, three)
    with pytest.raises(cb.ModelError, match="have 3 parameters each: neither contains the other"):
        cb.likelihood_ratio(three, three)
    with pytest.raises(cb.ModelError, match="of different effects"):
        cb.likelihood_ratio(three, cb.multilevel(effects.take(range(11)), random="study_id"))
    with pytest.raises(cb.ModelError, match="by REML and ML"):
        cb.likelihood_ratio(three, cb.multilevel(effects, random="study_id", method="ML"))
    v = np.diag(effects.vi) + 0.001
    np.fill_diagonal(v, effects.vi)
    with pytest.raises(cb.ModelError, match="different sampling covariances"):
        cb.likelihood_ratio(three, cb.multilevel(effects, random="study_id", V=v))
    both = [cb.multilevel(effects, f, method="ML") for f in ("~ dose", "~ 1")]
    assert cb.likelihood_ratio(*both).warnings == ()


def test_likelihood_ratio_refuses_a_model_without_the_other_s_moderators() -> None:
    effects = simulated(moderators={"dose": list(range(12)), "site": list("abc") * 4})
    dose, site, each = (
        cb.multilevel(effects, f, method="ML") for f in ("~ dose", "~ site", "~ dose + site")
    )
    with pytest.raises(cb.ModelError, match="does not contain the moderators of the smaller"):
        cb.likelihood_ratio(dose, site)
    assert cb.likelihood_ratio(each, dose).df == 2
    # The same moderator on another scale is no other model.
    assert cb.likelihood_ratio(each, cb.multilevel(effects, "~ 0 + site", method="ML")).df == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"random": "study"}, None),
        ({"random": "stody_id"}, "there is no column stody_id; did you mean study_id"),
        ({"random": "a | b / c"}, "cannot be read; write"),
        ({"random": []}, r"random is \[\]; write"),
        ({"random": "same"}, "random term same: same has one group; its variance cannot be told"),
        ({"random": "own / estimate_id"}, "own and own/estimate_id: every group is a single row"),
        ({"random": ["study_id", "copy"]}, "study_id and copy: their groups are the same"),
        ({"random": ["outcome | study_id", "estimate_id"]}, "both give each row an effect of its"),
        ({"random": "outcome | study_id", "struct": "XX"}, "use one of CS, HCS, UN, DIAG, AR"),
        ({"random": "same | study_id"}, "same is 1 in every row; use random='study_id'"),
        ({"random": "copy | study_id"}, "no group of study_id has two levels of copy"),
        ({"random": "rare | study_id", "struct": "UN"}, "b and c never occur in one group"),
        ({"random": "half | study_id", "struct": "UN"}, "x and y never occur in one group"),
        ({"random": "outcome | study_id", "struct": ["CS", "UN"]}, "struct has 2 values for 1"),
        ({"random": ["outcome | study_id"] * 3}, "give two at most"),
        ({"struct": "UN"}, r"struct is 'UN', but no random term is of the form 'inner \| outer'"),
        ({"random": "study_id", "struct": "CS"}, "or leave struct out"),
        ({"random": "outcome | study_id", "struct": 3}, "struct is 3; use one of CS"),
        ({"random": "study_id", "formula": "~ 0 + copy"}, "account for each of its groups"),
        ({"method": "DL"}, "method is 'DL'; use one of REML, ML"),
        ({"test": "knha"}, "test is 'knha'; use one of z, t"),
        ({"dfs": 3}, "dfs is 3; use one of residual, contain"),
        ({"random": "gaps"}, "Study 2: no gaps; give its group"),
    ],
)
def test_what_the_groups_cannot_tell_is_refused(settings: dict[str, Any], message: str) -> None:
    columns = {
        "outcome": OUTCOMES,
        "same": [1] * 12,
        "own": list(range(12)),
        "copy": STUDIES,
        "rare": ["a", "b", *["a", "c"] * 5],
        "half": list("xxzyzxzyzxzx"),
        "gaps": ["a", None, *"bcdebcdebc"],
    }
    given = {"formula": "~ 1", **settings}
    effects = simulated(moderators=columns)
    if message is None:
        assert cb.multilevel(effects, given.pop("formula"), **given).components[0].groups == 6
        return
    with pytest.raises(cb.ComorbidError, match=message):
        cb.multilevel(effects, given.pop("formula"), **given)


def test_covariances_that_cannot_be() -> None:
    effects = simulated()
    v = np.diag(effects.vi)
    with pytest.raises(cb.DataError, match=r"V has shape .* for 12 effects; give a square matrix"):
        cb.multilevel(effects, V=v[:3])
    lopsided = v.copy()
    lopsided[0, 1] = 0.01
    with pytest.raises(cb.DataError, match=r"not symmetric: 0\.01 for Study 1 and Study 2, and 0"):
        cb.multilevel(effects, V=lopsided)
    with pytest.raises(cb.DataError, match="diagonal of V is not the variances of Study 1, Study"):
        cb.multilevel(effects, V=2 * v)
    contradictory = v.copy()
    sd = np.sqrt(effects.vi)
    for i, j, rho in ((0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)):
        contradictory[i, j] = contradictory[j, i] = rho * sd[i] * sd[j]
    with pytest.raises(cb.DataError) as caught:
        cb.multilevel(effects, V=contradictory)
    message = str(caught.value)
    assert "not positive definite among Study 1, Study 2, Study 3" in message
    # The eigenvalue is 1 - 2 * 0.9; correlations of 1 / 1.8 of these are as far as it goes.
    assert "smallest eigenvalue -0.8" in message
    assert "correlations of 0.55 times these" in message
    shrunk = v + 0.55 * (contradictory - v)
    assert cb.multilevel(effects, V=shrunk).k == 12


def test_a_correlation_that_a_coefficient_takes_up_is_refused() -> None:
    # dat.hasselblad1998 (metadat 1.2-0) against no contact, without zeros. Only study 2 has two
    # treatments, one of them in no other study, so that its mean fits whatever rho is: metafor
    # 3.8-1, rma.mv(yi, V, mods = ~ 0 + trt, random = ~ trt | study), has the log-likelihood
    # -18.80991 at rho = -0.49, 0, 0.5 and 0.9 alike, and returns where it starts, 0.5.
    study = [1, 2, 2, 3, 4, 7, 8, 10, 11, 12, 13, 17, 18, 20, 21, 22, 23, 24]
    treatment = ["individual"] * 2 + ["group"] + ["individual"] * 15
    for row in (8, 9, 13):
        treatment[row] = "self-help"
    ai = [363, 23, 10, 9, 237, 31, 26, 17, 77, 21, 107, 8, 34, 19, 143, 36, 73, 54]
    n1i = [714, 140, 138, 205, 1561, 98, 95, 77, 694, 535, 761, 90, 237, 149, 1031, 504, 675, 888]
    ci = [75, 9, 9, 2, 58, 3, 1, 6, 79, 18, 64, 5, 20, 8, 95, 15, 78, 69]
    n2i = [731, 140, 140, 106, 549, 100, 31, 39, 702, 671, 642, 62, 234, 116, 1107, 187, 584, 1177]
    effects = cb.escalc(
        "OR", ai=ai, n1i=n1i, ci=ci, n2i=n2i, moderators={"study": study, "trt": treatment}
    )
    without = [n - events for events, n in zip(ci, n2i, strict=True)]
    v = cb.covariance(effects, cluster="study", control={"ci": ci, "di": without})
    with pytest.raises(cb.ModelError, match=r"do not determine tau2, rho: the likelihood is"):
        cb.multilevel(effects, "~ 0 + trt", random="trt | study", V=v)
    assert cb.multilevel(effects, random="trt | study", V=v).search.gradient < 1e-6


def test_terms_that_share_the_part_common_to_a_group_are_refused() -> None:
    """Of two terms within one grouping with struct CS only tau2 rho + gamma2 phi is determined.

    rho tau2 and phi gamma2 are both a variance of the groups as wholes, whatever the data.
    """
    rng = np.random.default_rng(1)
    site = np.repeat(np.arange(30), 6)
    kind = np.tile(list("aabbcc"), 30)
    row = np.tile(np.arange(6), 30)
    for spread in (0.0, 0.5):
        yi = np.repeat(rng.normal(size=30), 6) + spread * np.repeat(rng.normal(size=90), 2)
        effects = cb.Effects(
            yi=yi + 0.6 * rng.normal(size=180),
            vi=[0.1] * 180,
            moderators={"site": site.tolist(), "kind": kind.tolist(), "row": row.tolist()},
        )
        with pytest.raises(cb.ModelError, match="cannot be told apart"):
            cb.multilevel(effects, random=["kind | site", "row | site"], struct="CS")


def test_at_the_end_of_a_range_other_coordinates_still_count() -> None:
    """A CS correlation of 1 leaves the variance: a flat direction along it is still looked for."""
    effects = simulated(moderators={"outcome": OUTCOMES})
    (term,) = cb.multilevel(effects, random="outcome | study_id", struct="CS").model.terms
    fold = np.array([True, False])
    assert not meaningless([term], np.array([0.0, 1.0]), fold).any()
    hcs = replace(term, structure=Structure("HCS", 3))
    one, two = np.array([False, True, True, False]), np.array([False, False, True, False])
    assert meaningless([hcs], np.ones(4), one).tolist() == [False, False, False, True]
    assert not meaningless([hcs], np.ones(4), two).any()
    un = replace(term, structure=Structure("UN", 3))
    first, last = np.arange(6) == 0, np.arange(6) == 2
    assert meaningless([un], np.ones(6), first).tolist() == [False] * 3 + [True, True, False]
    assert not meaningless([un], np.ones(6), last).any()


def test_the_correlation_of_a_single_effect_that_varies_is_none() -> None:
    """With the variance of all levels but one 0 no correlation has a part in G."""
    structure = Structure("HCS", 3)
    variances, rho = structure.natural(np.array([1.2, 0.0, 0.0, 0.3]))
    assert variances.tolist() == pytest.approx([1.2**4, 0, 0])
    assert np.isnan(rho).all()
    assert np.isfinite(structure.natural(np.array([1.2, 0.4, 0.0, 0.3]))[1]).all()


def test_a_maximum_where_one_level_hardly_varies() -> None:
    """Simulated (seed 5103, rounded): climbs from even variances end 2.16 below, at rho = -0.5.

    The likelihood at a point near the maximum is that of matrices written out.
    """
    site = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 9, 10]
    level = [1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 0, 2, 0, 0]
    yi = [2.29, -0.02, -0.68, 0.12, -1.19, -0.83, -0.69, -2.06, -1.76, 0.02, 0.18, 0.11, -1.04]
    yi += [-0.23, -0.44, 0.85, 0.69, -0.38, -1.65, 0.56, 2.55, 0.46]
    vi = [59.29, 1.01, 1.01, 0.02, 0.19, 3.1, 0.81, 26.31, 0.29, 0.2, 0.05, 0.52, 0.42, 2.57, 0.17]
    vi += [12.13, 0.7, 16.64, 1.13, 0.84, 1.34, 1.32]
    same = np.equal.outer(site, site)
    v = np.where(same, 0.95, 0.0) * np.sqrt(np.outer(vi, vi))
    np.fill_diagonal(v, vi)
    table = {"site": site, "level": level}
    fit = cb.multilevel(
        cb.Effects(yi=yi, vi=vi, moderators=table),
        "~ 0 + C(level)",
        random="level | site",
        struct="HCS",
        V=v,
    )
    sd = np.sqrt([3.71, 1.03, 0.0])[level]
    w, x = np.linalg.inv(v + same * np.outer(sd, sd)), np.eye(3)[level]
    xwx = x.T @ w @ x
    rest = np.array(yi) - x @ np.linalg.solve(xwx, x.T @ w @ yi)
    minus = 19 * math.log(2 * math.pi) - np.linalg.slogdet(w)[1] + rest @ w @ rest
    minus += np.linalg.slogdet(xwx)[1] - np.linalg.slogdet(x.T @ x)[1]
    assert fit.log_likelihood == pytest.approx(-minus / 2, abs=1e-5)
    assert fit.log_likelihood >= -minus / 2
    assert min(fit.search.lower) == pytest.approx(2.157, abs=1e-3)


def far_apart(spread: float) -> cb.Effects:
    """Eight studies of three rows that vary less than by chance."""
    means = np.random.default_rng(0).normal(size=8) * spread
    yi = np.repeat(means, 3) + np.tile([-0.5, 0.0, 0.5], 8)
    return cb.Effects(yi=yi, vi=[1.0] * 24, studies=np.repeat(np.arange(8), 3).tolist())


def test_where_the_search_ends_on_a_slope_it_is_refused() -> None:
    """A balanced design has a closed form: the variance of the means less 1 / 3.

    With 100,000 standard errors between studies rounding hides the slope, and the climbs ended up
    to 2.7 % away.
    """
    effects = far_apart(100.0)
    between = np.var(effects.yi.reshape(8, 3).mean(axis=1), ddof=1) - 1 / 3
    assert cb.multilevel(effects).sigma2.tolist() == pytest.approx([between, 0], rel=1e-7)
    with pytest.raises(cb.ModelError, match="no maximum that could be found"):
        cb.multilevel(far_apart(1e5))


def test_scattered_starts_find_a_correlation_of_minus_1() -> None:
    """A seeded simulation, rounded, whose other maximum, tau2 of 0, is 0.00026 lower.

    metafor 3.8-1: rma.mv(yi, vi, mods = ~ 0 + i, random = ~ i | s, struct = "AR", method = "ML")
    has the log-likelihood -18.12426585, tau2 0.002492 and rho -1; with tau2 = 0, -18.12452501.
    """
    yi = [1.1426, -0.2015, -0.3992, 0.2264, 0.8762, 0.3788, -0.3961, -1.2579, 0.0504, -1.232]
    yi += [0.4931, -0.1053, -0.9126, 0.2084, 0.7016]
    vi = [10.695, 0.068262, 3.3476, 8.6231, 0.50295, 0.14576, 0.36851, 1.9232, 1.4345, 0.22291]
    vi += [0.12801, 2.9637, 1.5487, 0.87527, 0.53684]
    columns = {
        "s": [0, 1, 1, 2, 2, 3, 6, 6, 7, 8, 8, 9, 9, 10, 10],
        "i": [f"level {i}" for i in (0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1)],
    }
    effects = cb.Effects(yi=yi, vi=vi, moderators=columns)
    fit = cb.multilevel(effects, "~ 0 + i", random="i | s", struct="AR", method="ML")
    assert fit.log_likelihood == pytest.approx(-18.12426585, abs=1e-8)
    assert fit.tau2.tolist() == pytest.approx([0.002492], abs=1e-6)
    assert fit.rho.tolist() == pytest.approx([-1], abs=1e-6)
    assert fit.search.lower == pytest.approx((0.00026,), abs=1e-6)
