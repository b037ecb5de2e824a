"""Dependent effects at the edges: what cannot be fitted is said in the words of the call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import comorbid as cb


def effects(studies: str = "AABBCCDD", **settings: Any) -> cb.Effects:
    """Made up for the messages."""
    yi = [0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8][: len(studies)]
    vi = [0.02, 0.03, 0.02, 0.04, 0.05, 0.02, 0.03, 0.02][: len(studies)]
    return cb.Effects(yi=yi, vi=vi, studies=list(studies), **settings)


@pytest.mark.parametrize(
    ("studies", "settings", "message"),
    [
        ("ABCD", {}, "study='study_id': every study has one effect, so that none are correlated"),
        ("ABCD", {}, r"robust\(pool\(effects\)\), or of regress\(\), is the same model"),
        ("AABB", {"study": "estimate_id"}, "study='estimate_id': every study has one effect"),
        ("AABB", {"study": "foo"}, "study: there is no column foo; there are: study, study_id"),
        ("AABB", {"study": "studyid"}, "study: there is no column studyid; did you mean study_id"),
        ("AAAA", {}, "study='study_id': all effects are of one study, A"),
        ("AABB", {"study": ["A", "A", "B", "B"]}, "study is .*; give the name of a column"),
        ("AABB", {"formula": 3}, "formula is 3; give text"),
        ("AABB", {"formula": "~ dose"}, "2 clusters for 2 coefficients.*leave moderators out, or"),
    ],
)
def test_che_speaks_of_its_own_arguments(
    studies: str, settings: dict[str, Any], message: str
) -> None:
    given = effects(studies, moderators={"dose": [1, 2, 3, 5]})
    with pytest.raises(cb.ModelError, match=message):
        cb.che(given, **settings)


def test_che_looks_at_the_rows_that_it_uses() -> None:
    given = effects("AABB", moderators={"dose": [1, None, 3, None]})
    assert cb.che(given).k == 4
    with pytest.raises(cb.ModelError, match="every study has one effect"):
        cb.che(given, "~ dose")
    one = cb.Effects(yi=[0.1, 0.2, np.nan], vi=[0.1] * 3, studies=list("AAB"))
    with pytest.raises(cb.ModelError, match="all effects are of one study, A"):
        cb.che(one)


@pytest.mark.parametrize("names", ["AABBCCDE", "AABBCCCC"])
@pytest.mark.parametrize("name", ["study", "study_id"])
def test_a_moderator_that_says_otherwise_than_the_studies_is_refused(name: str, names: str) -> None:
    given = effects(moderators={name: list(names)})
    for call in (
        cb.multilevel,
        cb.che,
        lambda e: cb.robust(cb.pool(e)),
        lambda e: cb.aggregate(e, rho=0),
    ):
        with pytest.raises(cb.DataError, match=f"moderator {name} groups the effects otherwise"):
            call(given)
    same = effects(moderators={name: list("xxyyzzww")})
    assert cb.che(same, study=name).estimate == pytest.approx(cb.che(effects()).estimate)
    # Without studies= the moderator is what there is.
    alone = cb.Effects(yi=given.yi, vi=given.vi, moderators={"study_id": list("AABBCCDD")})
    assert cb.che(alone).estimate.tolist() == cb.che(effects()).estimate.tolist()


def test_of_one_row_a_study_robust_of_a_pool_is_the_same() -> None:
    """The remedy that che gives: with one effect a study its variances are one."""
    given = effects("ABCDEFGH")
    remedy = cb.robust(cb.pool(given))
    model = cb.robust(cb.multilevel(given, random="study_id"))
    assert remedy.estimate == pytest.approx(model.estimate, rel=1e-8)
    assert remedy.se == pytest.approx(model.se, rel=1e-7)
    assert remedy.df == pytest.approx(model.df, rel=1e-7)


def test_a_pool_of_dependent_rows_names_a_remedy_that_runs() -> None:
    given = effects()
    note = next(n for n in cb.pool(given).warnings if "taken as independent: A, B, C, D" in n)
    assert "che(effects, rho=0.6)" in note
    assert cb.che(given, rho=0.6).m == 4


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_random_draws_do_not_depend_on_the_order_of_rows(weights: Any) -> None:
    given = effects("AABBCCDD")
    other = given.take([7, 2, 0, 5, 4, 3, 6, 1])
    settings = {"weights": weights, "draws": 99 if weights == "webb" else 19}
    one, two = (cb.wild_bootstrap(cb.pool(e), **settings) for e in (given, other))
    assert one.p_value == two.p_value
    assert sorted(one.draws) == pytest.approx(sorted(two.draws), rel=1e-9)


def test_random_draws_of_the_clusters_that_have_a_weight() -> None:
    given = effects("AABBCCDD")
    fit = cb.pool(given, weights=[0, 0, 1, 2, 1, 1, 2, 1])
    found = cb.wild_bootstrap(fit, weights="webb", draws=99)
    assert found.clustered.working.m == 3
    assert found.draws.size == 99


@pytest.mark.parametrize("random", ["study_id / estimate_id", "study_id"])
def test_a_single_effect_is_no_multilevel_model(random: str) -> None:
    message = r"Study 1 is the only effect: .*; pool\(\) gives it with its own interval"
    with pytest.raises(cb.ModelError, match=message):
        cb.multilevel(effects("A"), random=random)
    nothing = cb.Effects(yi=[], vi=[], studies=[])
    with pytest.raises(cb.DataError, match="every moderator: there are no rows"):
        cb.multilevel(nothing)


@pytest.mark.parametrize("formula", ["~ site", "~ site + dose", "~ C(site)", "~ dose + dose:site"])
def test_a_factor_of_one_level_is_refused(formula: str) -> None:
    given = effects(moderators={"site": ["x"] * 8, "dose": [1, 2, 3, 4, 5, 7, 6, 9]})
    message = "adds nothing to the others" if ":" in formula else "is the same for all studies"
    for fit in (cb.multilevel, cb.regress, cb.che):
        with pytest.raises(cb.ModelError, match=message):
            fit(given, formula)


def test_new_data_without_rows_are_refused() -> None:
    given = effects(moderators={"dose": [1, 2, 3, 4, 5, 7, 6, 9]})
    for fit in (cb.multilevel(given), cb.multilevel(given, "~ dose"), cb.regress(given, "~ dose")):
        for nothing in (pd.DataFrame(), {"dose": []}):
            with pytest.raises(cb.DataError, match="new data has no row"):
                fit.predict(nothing)


def test_a_table_of_covariances_in_another_order_is_refused() -> None:
    """The variances are equal, so that the diagonal alone cannot tell."""
    given = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9], vi=[0.02] * 4, studies=list("AABB"))
    table = cb.covariance(given, rho=0.5).to_frame()
    fit = cb.multilevel(given, V=table)
    order = list(given.labels[::2] + given.labels[1::2])
    moved = table.loc[order, order]
    for wrong in (moved, moved.set_axis(list(given.ids[::2] + given.ids[1::2]), axis="index")):
        with pytest.raises(cb.DataError, match="V has its index in another order than the effects"):
            cb.multilevel(given, V=wrong)
    labels = list(given.labels)
    again = cb.multilevel(given, V=moved.loc[labels, labels])
    assert again.estimate.tolist() == fit.estimate.tolist()
    unnamed = pd.DataFrame(table.to_numpy())
    assert cb.multilevel(given, V=unnamed).estimate.tolist() == fit.estimate.tolist()


def test_the_remedy_for_a_wrong_diagonal_runs() -> None:
    given = effects()
    v = 2 * np.asarray(cb.covariance(given, rho=0.5))
    with pytest.raises(cb.DataError, match="in their order, or give them its diagonal as vi"):
        cb.multilevel(given, V=v)
    other = cb.Effects(yi=given.yi, vi=np.diagonal(v), studies=given.studies)
    assert cb.multilevel(other, V=v).k == 8


SINGULAR = np.array([[1.0, 1.0, 0.2], [1.0, 1.0, 0.2], [0.2, 0.2, 1.0]])
INDEFINITE = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])


@pytest.mark.parametrize(
    ("matrix", "why"), [(SINGULAR, "determined by"), (INDEFINITE, "contradict")]
)
def test_the_remedy_for_a_matrix_that_is_not_positive_definite_is_the_nearest(
    matrix: Any, why: str
) -> None:
    given = cb.Effects(yi=[0.1, 0.3, 0.6, 0.5], vi=[1.0] * 4, studies=list("AAAB"))
    v = np.eye(4)
    v[:3, :3] = matrix
    for call in (cb.multilevel, cb.aggregate):
        with pytest.raises(cb.DataError, match=f"among Study 1, Study 2, Study 3: .*{why}") as e:
            call(given, V=v)
        factor = float(str(e.value).split("correlations of ")[1].split(" times")[0])
        for share, works in ((factor, True), (factor + 0.011, False)):
            shrunk = share * (v - np.eye(4)) + np.eye(4)
            assert (np.linalg.eigvalsh(shrunk)[0] > 1e-3) == works
        assert cb.aggregate(given, V=factor * (v - np.eye(4)) + np.eye(4)).k == 2


def test_one_table_has_no_i2() -> None:
    tables = {"ai": [3, 0], "n1i": [50, 50], "ci": [6, 0], "n2i": [50, 50]}
    text = cb.glmm(tables, model="UM.RS").summary()
    assert "I^2 and H^2: none, as fewer than two tables have an effect of their own" in text
    assert "-%" not in text
    assert "-%" not in cb.pool(effects("A")).summary()


def test_a_level_that_the_coefficients_fit_exactly_has_no_i2() -> None:
    """One row of z with its own mean: nothing is left to compare its variance with."""
    columns = {"outcome": ["x", "y", "x", "y", "x", "y", "x", "z"]}
    fit = cb.multilevel(
        effects(moderators=columns),
        "~ 0 + outcome",
        random="outcome | study_id",
        struct="HCS",
        method="ML",
    )
    shares = fit.heterogeneity
    assert np.isnan(shares.i2).tolist() == [False, False, True]
    assert np.isnan(shares.typical[2])
    text = fit.summary()
    assert "tau2[z] -   (tau2[z]: none, as the coefficients fit each of its effects)" in text
    assert shares.summary().endswith("I^2 tau2[z]: -")
    assert fit.to_dict()["heterogeneity"]["names"] == ["tau2[x]", "tau2[y]", "tau2[z]"]


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_one_table_has_no_tau2(model: Any) -> None:
    fit = cb.glmm({"ai": [3], "n1i": [50], "ci": [6], "n2i": [50]}, model=model)
    assert np.isnan([fit.tau2, fit.i2, fit.h2, *fit.pi]).all()
    assert "tau^2" not in fit.summary()
    assert "one table: nothing is pooled; tau2 and a prediction interval cannot be" in fit.summary()
    assert cb.pool(effects("A")).tau2 != cb.pool(effects("A")).tau2  # nan in a pool too
    with pytest.raises(cb.ModelError, match="use glmm\\(\\) of several tables"):
        fit.tau2_ci()


def test_likelihoods_that_differ_by_rounding_are_the_same() -> None:
    flat = cb.Effects(yi=[0.3] * 6, vi=[0.05, 0.02, 0.03, 0.04, 0.07, 0.06], studies=list("AABBCC"))
    test = cb.likelihood_ratio(cb.multilevel(flat), cb.pool(flat))
    assert test.p_value == pytest.approx(1, abs=1e-4)
    assert test.p_mixture == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("figure", ["caterpillar", "profile"])
def test_figures_say_that_they_take_multilevel_fits(figure: str) -> None:
    with pytest.raises(cb.DataError, match=r"regress\(\) or multilevel\(\) returns"):
        getattr(cb.figures, figure)(3)
