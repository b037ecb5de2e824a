"""Forest plots, caterpillar plots and profiles of multilevel fits."""

from __future__ import annotations

import csv
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from test_figures_radial import upright
from test_figures_svg import GOLDEN, Picture, assert_printable

import comorbid as cb
from comorbid.document.figures import multilevel_words
from comorbid.document.figures.study_rows import weight

# metafor 3.8-1 (R 4.2.2) on dat.assink2016 with V = vcalc(vi, cluster = study, obs = esid,
# rho = 0.6): aggregate(dat, cluster = study, V = V), estimates and square roots of variances.
MEANS = [
    *(0.1628769718864, 0.4060364167810, 1.0790033025829, -0.0447000000000, 1.5490000000000),
    *(-0.0549784902301, 1.0072443640063, 0.3695000000000, 0.1378620134780, 0.1167368082904),
    *(0.5257654801492, 0.2804613516221, 0.3018290985544, 0.0355932812036, 0.0908211983970),
    *(0.0180987797403, -0.0552031685795),
]
ERRORS = [
    *(0.1403448351597, 0.0746480494949, 0.2883998561491, 0.1819340539866, 0.3720215047548),
    *(0.1462529344852, 0.2334207447009, 0.1410673597967, 0.1644893398924, 0.1035794170905),
    *(0.1069224277208, 0.0530478477857, 0.1048796713225, 0.0378823795482, 0.3562118890346),
    *(0.1298593514726, 0.0849428402909),
]
# weights(res, type = "rowsum") of res = rma.mv(yi, V, random = ~ 1 | study/esid), by study, and
# their range.
WEIGHTS = [
    *(6.79883716979, 6.73232776876, 4.34482625603, 3.47213815316, 2.49370775421, 6.10398357782),
    *(5.50357870168, 3.65174826064, 5.03478000390, 7.15844717954, 7.90729819076, 8.14141038516),
    *(5.51369291243, 8.14931759411, 3.52811886908, 7.51550741906, 7.95027980387),
]
RANGE = (-0.52409026402, 3.65174826064)
# profile(res, sigma2 = 1 or 2, xlim = c(0, 0.3), steps = 4).
AT = [0.0, 0.1, 0.2, 0.3]
HEIGHTS = [
    [-76.6812662233, -72.8179118376, -73.7680106521, -74.9178110866],
    [-262.2814858346, -75.5238858333, -73.6768112425, -78.4992495604],
]
# profile(res, rho = 1, xlim = c(-1, 1), steps = 21) of rma.mv(yi, V, mods = ~ outcome - 1,
# random = ~ outcome | trial, struct = "UN") on dat.berkey1998, at -0.6, -0.2, 0, 0.4, 0.8, 1.
RHO = [-0.6, -0.2, 0.0, 0.4, 0.8, 1.0]
RHO_HEIGHTS = [1.7694548816, 2.8740017955, 3.2012447150, 3.6158553131, 3.5677246770, 2.9062066513]


def rows_of(name: str) -> dict[str, list[str]]:
    with open(GOLDEN / f"dat.{name}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


@cache
def assink() -> cb.Multilevel:
    """Return the three-level fit of dat.assink2016 with errors correlated by 0.6."""
    data = rows_of("assink2016")
    vi, study = np.array(data["vi"], dtype=float), np.array(data["study"])
    v = 0.6 * np.sqrt(np.outer(vi, vi)) * (study[:, None] == study)
    np.fill_diagonal(v, vi)
    pairs = zip(data["study"], data["esid"], strict=True)
    effects = cb.Effects(
        yi=np.array(data["yi"], dtype=float),
        vi=vi,
        studies=[f"study{name}" for name in data["study"]],
        labels=[f"Study {name}: {number}" for name, number in pairs],
        measure="SMD",
    )
    return cb.multilevel(effects, V=v)


@cache
def berkey(formula: str = "~ 0 + outcome", struct: Any = "UN") -> cb.Multilevel:
    """Return the bivariate fit of dat.berkey1998 with its sampling covariances."""
    data = rows_of("berkey1998")
    k = len(data["yi"])
    v = np.zeros((k, k))
    for i in range(0, k, 2):
        v[i : i + 2, i : i + 2] = [
            [float(data["v1i"][row]), float(data["v2i"][row])] for row in (i, i + 1)
        ]
    effects = cb.Effects(
        yi=np.array(data["yi"], dtype=float),
        vi=np.diagonal(v),
        studies=data["trial"],
        labels=[f"{a}, {o}" for a, o in zip(data["author"], data["outcome"], strict=True)],
        moderators={"outcome": data["outcome"]},
        measure="MD",
    )
    return cb.multilevel(effects, formula, V=v, random="outcome | study_id", struct=struct)


def alike(k: int = 8, groups: int = 4, **settings: Any) -> cb.Effects:
    random = np.random.default_rng(20260131)
    vi = np.exp(random.normal(-3.0, 0.8, k))
    yi = random.normal(0.5, 0.4, k) + random.normal(0, np.sqrt(vi))
    settings.setdefault("studies", [f"S{i % groups}" for i in range(k)])
    return cb.Effects(yi=yi, vi=vi, measure="OR", **settings)


def test_group_means_are_those_of_metafor() -> None:
    means = assink().group_means()
    assert means.groups == tuple(f"study{i}" for i in range(1, 18))
    assert means.estimate.tolist() == pytest.approx(MEANS, abs=1e-11)
    assert means.se.tolist() == pytest.approx(ERRORS, abs=1e-11)
    half = 1.959963984540054 * np.array(ERRORS)
    assert means.ci_high.tolist() == pytest.approx((MEANS + half).tolist(), abs=1e-9)
    assert means.k.sum() == 100
    wide = assink().group_means(0.99)
    assert (wide.ci_low < means.ci_low).all()
    assert wide.level == 0.99


def test_weights_are_those_of_metafor() -> None:
    fit = assink()
    assert fit.group_means().weight.tolist() == pytest.approx(WEIGHTS, abs=2e-6)
    assert (fit.weights.min(), fit.weights.max()) == pytest.approx(RANGE, abs=2e-6)
    assert fit.weights @ fit.effects.yi / 100 == pytest.approx(fit.estimate[0], rel=1e-12)


def test_means_with_independent_errors_are_inverse_variance_means() -> None:
    effects = alike()
    means = cb.multilevel(effects).group_means()
    for i, name in enumerate(means.groups):
        own = effects.take([j for j in range(8) if effects.studies[j] == name])
        pool = cb.pool(own, method="EE", test="z")
        assert means.estimate[i] == pytest.approx(pool.estimate, rel=1e-12)
        assert means.se[i] == pytest.approx(pool.se, rel=1e-12)


def test_groups_keep_the_order_of_their_first_rows() -> None:
    effects = alike(studies=list("CCABBACB"))
    means = cb.multilevel(effects, random="study_id").group_means()
    assert means.groups == ("C", "A", "B")
    assert means.group.tolist() == [0, 0, 1, 2, 2, 1, 0, 2]


def test_moderators_have_no_weights_in_one_mean() -> None:
    fit = berkey()
    assert np.isnan(fit.group_means().weight).all()
    with pytest.raises(cb.ModelError, match="no single mean"):
        _ = fit.weights


def test_a_forest_with_moderators_draws_what_is_fitted_to_each_row() -> None:
    fit = berkey()
    figure = cb.figures.forest(fit)
    picture = Picture(figure)
    texts = [words.text for words in picture.words]
    at = fit.predict().estimate
    assert {f"{x:.2f}".replace("-", "−") for x in at} <= set(texts)
    assert "All together" not in texts
    assert "its own mean" not in figure.caption
    assert figure.alt.startswith("Forest plot of 10 estimates of 5 studies with the moderators")
    assert "Test of the coefficients: QM = " in figure.alt
    slope = cb.figures.forest(berkey("~ outcome"))
    assert "Test of the moderators: QM = " in slope.alt
    assert "on 1 df" in slope.alt


def test_group_means_print_and_store_what_they_are() -> None:
    means = assink().group_means()
    assert means.to_frame().loc["study4", "estimate"] == pytest.approx(-0.0447)
    assert means.to_dict()["by"] == "study_id"
    assert means.summary().startswith("Means of the rows of each study_id")
    assert "<table" in means._repr_html_()


def test_a_forest_has_each_study_with_its_rows_and_own_mean() -> None:
    fit = assink()
    figure = cb.figures.forest(fit)
    assert_printable(figure)
    texts = [
        Picture(part).line_of(words.y - 0.33 * words.size)
        for part in figure.parts
        for words in Picture(part).words
    ]
    found = [line for i, line in enumerate(texts) if line not in texts[:i]]
    assert ["Study 1"] in found
    assert ["Its own mean, k = 22", "0.53 (0.32 to 0.74)", "7.9 %"] in found
    # A study with one row is that row.
    assert ["Study 4: 1", "−0.04 (−0.40 to 0.31)", "3.5 %"] in found
    assert ["Study 4"] not in found
    # predict(res) of metafor 3.8-1: 0.3678 (0.1786 to 0.5570), -0.6016 to 1.3371.
    assert ["All together (k = 100)", "0.37 (0.18 to 0.56)", "100.0 %"] in found
    assert ["95 % prediction interval", "(−0.60 to 1.34)"] in found
    means = [line for line in found if line[0].startswith("Its own mean")]
    assert len(means) == sum(fit.group_means().k > 1)


def test_the_diamond_of_a_study_spans_its_own_interval() -> None:
    fit = cb.multilevel(alike())
    picture = Picture(cb.figures.forest(fit))
    value, means = picture.scale(), fit.group_means()
    drawn = [picture.corners(name)[:, 0] for name in picture.drawn("diamond")]
    spans = [(value(x.min()), value(x.max())) for x in drawn]
    expected = [*zip(means.ci_low, means.ci_high, strict=True), (fit.ci_low[0], fit.ci_high[0])]
    assert np.array(spans) == pytest.approx(np.array(expected), abs=1e-3)


def test_the_words_say_which_mean_it_is() -> None:
    figure = cb.figures.forest(assink())
    assert "inverse-variance mean of a study’s rows by their sampling covariances" in figure.alt
    assert "their inverse-variance mean, without a part of the others" in figure.caption
    assert "ranges from −0.06 (Study 17) to 1.08 (Study 3)." in figure.alt
    assert "sampling variances" in cb.figures.forest(cb.multilevel(alike())).alt


def test_few_studies_are_said_to_be_few() -> None:
    note = "With 2 studies neither the pooled interval nor the prediction can be relied on."
    fit = cb.multilevel(alike(k=5, groups=2), random="study_id")
    assert note in cb.figures.forest(fit).alt
    assert "can be relied on" not in cb.figures.forest(cb.multilevel(alike())).alt


def test_each_level_with_its_own_variance_has_a_prediction() -> None:
    fit = berkey("~ 1", "HCS")
    figure = cb.figures.forest(fit)
    assert_printable(figure)
    at = fit.predict({"outcome": ["AL", "PD"]})
    for name, low, high in zip(("AL", "PD"), at.pi_low, at.pi_high, strict=True):
        said = f"interval for {name} {low:.2f} to {high:.2f}.".replace("-", "−")
        assert said in figure.alt
    assert Picture(figure).find("PD: 95 % prediction interval")
    assert "by level" in figure.caption


def test_one_row_a_study_has_no_own_means() -> None:
    fit = cb.multilevel(alike(studies=()), random="study_id")
    figure = cb.figures.forest(fit)
    assert_printable(figure)
    assert "wn mean" not in figure.alt + figure.caption
    assert len(Picture(figure).drawn("diamond")) == 1


def test_other_groups_are_called_by_their_column() -> None:
    moderators = {"district": ["11", "11", "12", "12", "12", "86", "86", "11"]}
    fit = cb.multilevel(alike(moderators=moderators), random="district / estimate_id")
    figure = cb.figures.forest(fit)
    assert "8 estimates in 3 groups by district" in figure.alt
    assert Picture(figure).find("district: 86")


@pytest.mark.parametrize(
    ("name", "labels", "shown"),
    [
        ("ashina2018", ["Ashina 2018", "Ashina 2018 (2)"], "Ashina 2018"),
        ("ashina2018", ["Ashina 2018", "Other"], "ashina2018"),
        ("S1", ["Study 1", "Study 2"], "S1"),
        ("…", ["A", "B"], "…"),
        ("7", ["A", "B"], "Study 7"),
    ],
)
def test_a_study_is_called_as_its_rows_are_if_that_is_the_same(
    name: str, labels: list[str], shown: str
) -> None:
    assert multilevel_words.group_name(name, "study_id", labels) == shown


def test_a_negative_weight_is_printed_as_one() -> None:
    assert weight(-0.52) == "−0.5 %"
    texts = [w.text for part in cb.figures.forest(assink()).parts for w in Picture(part).words]
    assert "−0.5 %" in texts


def test_a_caterpillar_has_the_levels_in_order() -> None:
    fit = assink()
    figure = cb.figures.caterpillar(fit)
    assert_printable(figure)
    found = fit.ranef().to_frame().loc["study_id"].sort_values("pred")
    first = Picture(figure.parts[0])
    across = first.scale(log=False)
    places = [across(first.middle(name)[0]) for name in first.drawn("circle")]
    assert places[:17] == pytest.approx(found["pred"].tolist(), abs=1e-3)
    texts = [words.text for words in first.words]
    assert "study_id (17 groups, σ² = 0.081)" in texts
    assert "study_id/estimate_id (100 groups, σ² = 0.155)" in texts
    lowest = f"{found['pred'].iloc[0]:.2f}".replace("-", "−")
    assert f"17 groups, σ² = 0.081: from {lowest} (" in figure.alt


def test_a_caterpillar_of_ratios_is_of_ratios() -> None:
    effects = alike(studies=())
    for fit in (cb.pool(effects), cb.multilevel(effects, random="study_id", test="t")):
        figure = cb.figures.caterpillar(fit)
        found = cb.ranef(fit) if isinstance(fit, cb.Fit) else fit.ranef()
        best = int(found.pred.argmax())
        ends = (found.pi_low[best], found.pi_high[best])
        low, high = (f"{math.exp(x):.2f}" for x in ends)
        assert f"to {math.exp(found.pred[best]):.2f} (Study {best + 1}, {low} to {high})" in (
            figure.alt
        )


def test_a_caterpillar_names_what_is_far_from_expected() -> None:
    effects = cb.Effects(yi=[0.0, 0.1, 0.0, 3.0], vi=[0.01] * 4, measure="MD")
    alt = cb.figures.caterpillar(cb.pool(effects, test="z")).alt
    found = cb.ranef(cb.pool(effects, test="z"))
    outside = [i for i in range(4) if found.pi_low[i] > 0 or found.pi_high[i] < 0]
    assert outside == [3]
    assert "1 interval excludes 0.00: Study 4." in alt


@pytest.mark.parametrize("method", ["REML", "EE"])
def test_a_caterpillar_without_spread_is_refused(method: str) -> None:
    effects = cb.Effects(yi=[0.1, 0.1, 0.1], vi=[0.1] * 3, measure="OR")
    with pytest.raises(cb.ModelError, match="every random effect is 0"):
        cb.figures.caterpillar(cb.pool(effects, method=method))


def test_a_level_without_spread_stands_beside_others() -> None:
    effects = alike(studies=list("AABBCCDD"))
    fit = cb.multilevel(effects)
    assert 0 in fit.sigma2
    assert fit.sigma2.max() > 0
    assert_printable(cb.figures.caterpillar(fit))


def test_what_has_no_random_effects_has_no_caterpillar() -> None:
    with pytest.raises(cb.DataError):
        cb.figures.caterpillar(alike())  # type: ignore[arg-type]


def test_profiles_are_those_of_metafor() -> None:
    fit = assink()
    figure = cb.figures.profile(fit)
    assert_printable(figure)
    for part, component, expected in zip(figure.parts, fit.components, HEIGHTS, strict=True):
        profile = fit.profile(component.name, values=AT)
        assert profile.log_likelihood.tolist() == pytest.approx(expected, abs=1e-6)
        picture = Picture(part)
        across, height = picture.scale(log=False), upright(picture)
        points = picture.corners("profile")
        x = [across(place) for place in points[:, 0]]
        drawn = np.interp(AT[2], x, [height(place) for place in points[:, 1]])
        assert drawn == pytest.approx(expected[2], abs=0.01)
        assert across(picture.middle("highest")[0]) == pytest.approx(component.value, abs=1e-3)
        region = picture.corners("interval")[:, 0]
        ends = [across(region.min()), across(region.max())]
        assert ends == pytest.approx([profile.ci_low, profile.ci_high], abs=1e-3)


def test_the_profile_holds_its_interval() -> None:
    fit = cb.multilevel(alike())
    table = fit.confint().to_frame()
    for component in fit.components:
        profile = fit.profile(component.name, points=9)
        ends = table.loc[component.name, ["ci_low", "ci_high"]].tolist()
        assert [profile.ci_low, profile.ci_high] == pytest.approx(ends, abs=1e-9)
        assert {*ends, component.value} <= {*profile.values.tolist()}


def test_the_profile_of_a_correlation_finds_where_a_variance_is_0() -> None:
    """From -1 to -0.7 nothing fits better than a variance of 0, where the correlation is none.

    metafor's climb at -0.8 ends lower, at 0.583.
    """
    fit = berkey()
    name = "rho[AL, PD]"
    profile = fit.profile(name, values=RHO)
    assert profile.log_likelihood.tolist() == pytest.approx(RHO_HEIGHTS, abs=1e-6)
    flat = fit.profile(name, values=[-1.0, -0.9, -0.8, -0.7]).log_likelihood
    none = fit.profile("tau2[PD]", values=[0.0]).log_likelihood[0]
    assert flat.tolist() == pytest.approx([none] * 4, abs=1e-6)


def test_a_correlation_of_what_does_not_vary_has_no_profile() -> None:
    effects = cb.Effects(
        yi=[0.11, 0.1, 0.1, 0.09, 0.1, 0.1],
        vi=[0.1] * 6,
        studies=list("AABBCC"),
        moderators={"outcome": list("xyxyxy")},
        measure="MD",
    )
    fit = cb.multilevel(effects, random="outcome | study_id", struct="CS")
    assert math.isnan(fit.rho[0])
    figure = cb.figures.profile(fit)
    assert_printable(figure)
    assert not figure.parts
    assert "For ρ there is none: a variance that it is of is 0." in figure.alt


def test_leave_one_out_of_a_robust_fit_draws_its_intervals() -> None:
    effects = alike(10, 5)
    found = cb.che(effects, rho=0.5)
    refits = cb.leave_one_out(found)
    figure = cb.figures.leave_one_out(refits, fit=found)
    assert_printable(figure)
    texts = [words.text for words in Picture(figure).words]
    assert "None left out (k = 10)" in " ".join(texts)
    low, high = (float(np.exp(end[0, 0])) for end in (refits.ci_low, refits.ci_high))
    assert any(f"({low:.2f} to {high:.2f})" in text for text in texts)
    assert "cluster-robust intervals (CR2) by study_id." in figure.alt
    assert "z interval" not in figure.alt
    assert "each study left out in turn with all its rows" in figure.caption
    for fit in (found.fit, cb.pool(effects), cb.robust(found.fit, vcov="CR1")):
        with pytest.raises(cb.ModelError, match="made from another fit"):
            cb.figures.leave_one_out(refits, fit=fit)
    with pytest.raises(cb.ModelError, match="of a pooled effect"):
        cb.figures.leave_one_out(cb.leave_one_out(cb.regress(effects, "~ vi")), fit=found)


def test_leave_one_out_says_where_there_is_no_interval() -> None:
    found = cb.robust(cb.multilevel(alike(4, 2), random="study_id"))
    with pytest.raises(cb.ModelError, match="no refit has an interval"):
        cb.figures.leave_one_out(cb.leave_one_out(found), fit=found)


def test_the_plot_of_coefficients_is_refused() -> None:
    fit = berkey("~ outcome")
    with pytest.raises(cb.ModelError, match="of a mean"):
        cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit)
