"""Leave-one-out, cumulative, influence, residuals, Baujat: selections, orders, edges, failures."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.models.estimators import Estimator
from comorbid.sensitivity import refitting
from comorbid.sensitivity.baujat import baujat
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.influence import influence
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.refitting import _NO_ESTIMATE
from comorbid.sensitivity.residuals import rstudent
from comorbid.sensitivity.subsets import subsets

YI = [0.10, 0.42, 0.95, -0.20, 0.60, 1.30]
VI = [0.03, 0.08, 0.02, 0.05, 0.04, 0.10]
EFFECTS = cb.Effects(
    yi=YI,
    vi=VI,
    labels=list("ABCDEF"),
    measure="OR",
    studies=["s1", "s1", "s2", "s3", "s3", "s4"],
    moderators={
        "country": ["DK", "IT", "DK", "FR", "IT", "DK"],
        "year": [2004, 1999, 2010, 1999, 2001, 2015],
        "gap": [1, None, 2, 3, 4, 5],
        "mixed": [1, "a", 2, 3, 4, 5],
    },
)
METHODS = ("EE", "DL", "REML", "PM")
TESTS = ("z", "t", "knha", "adhoc")


def part(*rows: int) -> cb.Effects:
    return EFFECTS.take(rows)


@pytest.mark.parametrize("by", ["country", "study_id"])
def test_a_cluster_is_left_out_as_a_whole(by: str) -> None:
    values = EFFECTS.studies if by == "study_id" else EFFECTS.moderators[by]
    fit = cb.pool(EFFECTS)
    refits = leave_one_out(fit, by=by)
    assert refits.labels == tuple(dict.fromkeys(values))
    for i, label in enumerate(refits.labels):
        rest = cb.pool(part(*(j for j, value in enumerate(values) if value != label)))
        assert refits.batch.k[i] == rest.k
        for name in ("estimate", "se", "tau2", "q"):
            assert math.isclose(
                getattr(refits.batch, name)[i], getattr(rest, name), rel_tol=1e-10, abs_tol=1e-12
            )


def test_leaving_out_the_only_cluster_leaves_nothing() -> None:
    effects = dataclasses.replace(EFFECTS, moderators={"all": ["x"] * 6})
    refits = leave_one_out(cb.pool(effects), by="all")
    assert refits.reasons == ("no study is left",)
    assert math.isnan(refits.batch.estimate[0])


def test_columns_that_cannot_be_gone_by_are_refused() -> None:
    fit = cb.pool(EFFECTS)
    with pytest.raises(cb.ModelError, match="have the columns: study_id, country, year"):
        leave_one_out(fit, by="sex")
    with pytest.raises(cb.DataError, match="B has no gap; fill it in"):
        leave_one_out(fit, by="gap")
    with pytest.raises(cb.DataError, match="B has no gap"):
        cumulative(fit, by="gap")
    with pytest.raises(cb.ModelError, match="'mixed', whose values cannot be put in order"):
        cumulative(fit, by="mixed")


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        (None, "ABCDEF"),
        ("year", "BDEACF"),
        ("precision", "CAEDBF"),
        (list("FEDCBA"), "FEDCBA"),
        ([2, 0, 1, 5, 4, 3], "CABFED"),
        (np.array([2, 0, 1, 5, 4, 3]), "CABFED"),
    ],
)
def test_cumulative_orders(by: Any, labels: str) -> None:
    """Equal years keep the order of the effects: B before D."""
    fit = cb.pool(EFFECTS, test="z")
    table = cumulative(fit, by=by).to_frame()
    assert "".join(table.index) == labels
    assert table["k"].tolist() == [1, 2, 3, 4, 5, 6]
    for n in range(2, 7):
        direct = cb.pool(part(*("ABCDEF".index(label) for label in labels[:n])), test="z")
        assert math.isclose(table["estimate"].iloc[n - 1], direct.estimate, rel_tol=1e-10)
    assert math.isclose(table["estimate"].iloc[-1], fit.estimate, rel_tol=1e-10)


def test_first_cumulative_row_has_no_heterogeneity_and_says_so() -> None:
    """A rule of comorbid: of one study tau2, I2, H2 and Q do not exist."""
    for method in METHODS:
        refits = cumulative(cb.pool(EFFECTS, method=method))
        first = refits.to_frame().iloc[0]
        assert first[["tau2", "i2", "h2", "q", "q_p", "pi_low"]].isna().all()
        assert (first["estimate"], first["se"]) == (YI[0], math.sqrt(VI[0]))
        assert refits.reasons == ("one study: nothing is pooled", "", "", "", "", "")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (list("ABCDE"), "the order names F 0 times; name it once"),
        (list("ABCDEE"), "E 2 times.*|F 0 times"),
        (list("ABCDEG"), "the order names 'G'; use labels, or positions from 0"),
        ([1, 2, 3, 4, 5, 6], "the order names 6"),
    ],
)
def test_orders_that_miss_a_study_are_refused(order: Any, message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        cumulative(cb.pool(EFFECTS), by=order)


def by_definition(fit: cb.Fit, i: int) -> dict[str, float]:
    """Return the diagnostics of study i from two fits, after Viechtbauer and Cheung 2010."""
    rest = cb.pool(
        fit.effects.take([j for j in range(fit.k) if j != i]), method=fit.estimator, test=fit.test
    )
    vi = fit.effects.vi
    others = 1 / (np.delete(vi, i) + rest.tau2)
    factor = rest.se**2 * others.sum()
    change = fit.estimate - rest.estimate
    hat = fit.weights[i] / 100
    dfbs_se = math.sqrt(factor / (1 / (vi + rest.tau2)).sum())
    own = factor * (vi[i] + rest.tau2)
    return {
        "rstudent": (fit.effects.yi[i] - rest.estimate) / math.sqrt(own + rest.se**2),
        "dffits": change / math.sqrt(hat * own),
        "cook_d": change**2 / fit.se**2,
        "cov_r": rest.se**2 / fit.se**2,
        "tau2_del": rest.tau2,
        "q_del": rest.q,
        "hat": hat,
        "weight": fit.weights[i],
        "dfbs": change / dfbs_se,
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_influence_is_what_its_definition_says(method: str, test: Any) -> None:
    fit = cb.pool(EFFECTS, method=method, test=test)
    table = influence(fit).to_frame()
    for i in range(fit.k):
        for name, expected in by_definition(fit, i).items():
            assert math.isclose(table[name].iloc[i], expected, rel_tol=1e-8, abs_tol=1e-12), name
    assert table.columns.tolist() == [*by_definition(fit, 0), "flagged"]


# R with metafor 3.8-1: influence(rma(yi, vi, weights=c(1,2,3,1,1,2), test=TEST)) of the effects
# above, threshold=1e-14: rstudent, cook.d, cov.r, tau2.del, dfbs of the first and last study.
WEIGHTED = {
    "z": [
        [-1.0851656314, 0.072948506518, 1.2510316018, 0.2504853155, -0.26199196643],
        [1.3624549895, 0.424822503654, 0.9283685364, 0.1719362087, 0.73523522423],
    ],
    "knha": [
        [-1.0746791736, 0.071229148446, 1.2455008366, 0.2504853155, -0.25946021681],
        [1.3923139720, 0.414809659862, 0.8680239843, 0.1719362087, 0.75134832585],
    ],
}


@pytest.mark.parametrize("test", ["z", "knha"])
def test_influence_with_weights_of_the_analyst(test: Any) -> None:
    fit = cb.pool(EFFECTS, test=test, weights=[1, 2, 3, 1, 1, 2])
    table = influence(fit).to_frame()
    columns = ["rstudent", "cook_d", "cov_r", "tau2_del", "dfbs"]
    assert np.allclose(table[columns].iloc[[0, 5]], WEIGHTED[test], rtol=1e-8)
    assert (table["dffits"] == table["dfbs"]).all()
    assert np.allclose(table["hat"], np.array([1, 2, 3, 1, 1, 2]) / 10)
    assert np.allclose(baujat(fit).x[:2], (1.2762429934, 0.2145369766), rtol=1e-8)


def test_influence_with_a_fixed_tau2() -> None:
    """R with metafor 3.8-1: influence(rma(yi, vi, tau2=0.1, test="knha")), first study."""
    table = influence(cb.pool(EFFECTS, tau2=0.1, test="knha")).to_frame()
    columns = ["rstudent", "dffits", "cook_d", "cov_r", "hat", "dfbs"]
    expected = [-0.8913959632, -0.43235018725, 0.194935135858, 1.28817169, 0.1904474002]
    assert np.allclose(table[columns].iloc[0], [*expected, -0.43235018725], rtol=1e-9)
    assert (table["tau2_del"] == 0.1).all()


def test_leaving_out_the_only_study_with_weight_leaves_no_estimate() -> None:
    fit = cb.pool(EFFECTS, method="DL", weights=[1, 0, 0, 0, 0, 0])
    refits = leave_one_out(fit)
    assert refits.reasons[0] == _NO_ESTIMATE
    assert math.isnan(refits.batch.estimate[0])
    assert np.isfinite(refits.batch.estimate[1:]).all()


def test_each_limit_flags_by_itself() -> None:
    """Of 4 studies: 3 sqrt(1/3) = 1.732; the median of chi-squared(1) is 0.455; 3/4 for hat."""
    from comorbid.sensitivity.influence import _flagged

    calm = np.zeros(4)
    for position, (below, above) in enumerate(
        [(1.73, 1.74), (0.454, 0.456), (0.74, 0.76), (1, 1.01)]
    ):
        values = [calm.copy() for _ in range(4)]
        values[position][:2] = below, above
        values[3] = values[3][None]
        assert _flagged(*values).tolist() == [False, True, False, False]
    assert _flagged(np.array([-1.74]), *[np.zeros(1)] * 2, np.zeros((1, 1))).tolist() == [False]
    missing = np.full(4, np.nan)
    assert not _flagged(missing, missing, missing, missing[None]).any()


@pytest.mark.parametrize("test", TESTS)
def test_influence_of_two_studies(test: Any) -> None:
    """What needs the tau2 of the one study left is nan; the equal-effects model needs none."""
    table = influence(cb.pool(part(0, 2), test=test)).to_frame()
    assert table[["rstudent", "dffits", "dfbs", "tau2_del", "q_del"]].isna().all(axis=None)
    assert table[["cook_d", "cov_r", "hat", "weight"]].notna().all(axis=None)
    assert set(table["reason"]) == {"one study is left: nothing is pooled"}
    equal = influence(cb.pool(part(0, 2), method="EE", test="z")).to_frame()
    expected = (YI[0] - YI[2]) / math.sqrt(VI[0] + VI[2])
    assert np.allclose(equal["rstudent"], [expected, -expected], rtol=1e-12)
    assert equal["tau2_del"].tolist() == [0, 0]


def test_influence_of_one_study_is_empty_but_not_an_error() -> None:
    fit = cb.pool(part(0))
    table = influence(fit).to_frame()
    assert table[["rstudent", "dffits", "cook_d", "tau2_del"]].isna().all(axis=None)
    assert table["reason"].tolist() == ["no study is left"]
    assert not table["flagged"].any()
    assert np.isnan(rstudent(fit).z).all()
    assert np.isnan(baujat(fit).y).all()


def test_equal_effects_studies_divide_nothing_by_nothing_silently() -> None:
    """All effects equal: the Knapp-Hartung error is 0, and the ratios to it do not exist."""
    effects = cb.Effects(yi=[0.5] * 4, vi=[0.02, 0.03, 0.04, 0.05])
    for method in METHODS:
        fit = cb.pool(effects, method=method, test="knha")
        table = influence(fit).to_frame()
        assert np.isnan(table["cov_r"]).all() or np.isfinite(table["cov_r"]).all()
        assert not table["flagged"].any()
        assert np.isnan(rstudent(fit).z).all() or np.isfinite(rstudent(fit).z).all()
        assert len(baujat(fit).to_frame()) == 4


def test_weights_over_12_orders_of_magnitude() -> None:
    effects = cb.Effects(yi=[0.1, 0.2, 0.5, 0.4, 0.3], vi=10.0 ** np.array([-9, -6, -3, 0, 3]))
    for method in METHODS:
        fit = cb.pool(effects, method=method)
        table = influence(fit).to_frame()
        assert np.isfinite(table.to_numpy(dtype=float)).all()
        assert math.isclose(table["hat"].sum(), 1, rel_tol=1e-12)
        for i in range(fit.k):
            for name, expected in by_definition(fit, i).items():
                assert math.isclose(table[name].iloc[i], expected, rel_tol=1e-7), (method, name)


def test_baujat_of_equal_effects_sums_to_q() -> None:
    fit = cb.pool(EFFECTS, method="EE")
    points = baujat(fit)
    assert math.isclose(points.x.sum(), fit.q, rel_tol=1e-12)
    without = cb.pool(part(1, 2, 3, 4, 5), method="EE", test="z")
    change = (cb.pool(EFFECTS, method="EE", test="z").estimate - without.estimate) ** 2
    equal = baujat(cb.pool(EFFECTS, method="EE", test="z"))
    assert math.isclose(equal.y[0], change / without.se**2, rel_tol=1e-12)


def failing(limit: float) -> Estimator:
    """Return an estimator that raises for a batch with a data set of largest effect ``limit``."""

    def tau2(yi: Array, vi: Array) -> Array:
        if (np.where(np.isfinite(vi), yi, 0).max(axis=0) >= limit).any():
            raise cb.ModelError("no tau2 for such an effect")
        return np.full(yi.shape[1], 0.1)

    return Estimator("FAIL", "fails on purpose", tau2, "none")


def test_a_refit_that_fails_stays_as_nan_with_its_reason() -> None:
    fit = dataclasses.replace(cb.pool(EFFECTS), estimator=failing(1.3))
    refits = leave_one_out(fit)
    reason = "the refit failed: no tau2 for such an effect"
    assert refits.reasons == (*[reason] * 5, "")
    assert np.isnan(refits.batch.estimate[:5]).all()
    assert np.isfinite(refits.batch.estimate[5])
    assert refits.batch.k.tolist() == [5] * 6
    assert cumulative(fit).reasons == ("one study: nothing is pooled", "", "", "", "", reason)
    diagnosed = influence(fit).to_frame()
    assert diagnosed["reason"].tolist() == [*[reason] * 5, ""]
    assert np.isfinite(diagnosed["rstudent"].iloc[5])
    chosen = subsets(fit)
    last = chosen.includes("F") & (chosen.k > 1)
    assert np.isnan(chosen.estimate[last]).all()
    assert np.isfinite(chosen.estimate[~last]).all()
    assert sorted(chosen.failures) == np.flatnonzero(last).tolist()


def test_a_refit_without_a_finite_tau2_says_so() -> None:
    estimator = Estimator("NAN", "nan", lambda yi, vi: np.full(yi.shape[1], np.nan), "none")
    fit = dataclasses.replace(cb.pool(EFFECTS), estimator=estimator)
    assert set(leave_one_out(fit).reasons) == {
        "the refit failed: its studies, or their weights, give no finite estimate"
    }


def test_mistakes_in_an_estimator_are_not_hidden() -> None:
    def tau2(yi: Array, vi: Array) -> Array:
        raise TypeError("a mistake")

    fit = dataclasses.replace(cb.pool(EFFECTS), estimator=Estimator("X", "x", tau2, "none"))
    with pytest.raises(TypeError, match="a mistake"):
        leave_one_out(fit)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the last digit: sums over studies may be added in another order."""
    fit = cb.pool(EFFECTS)
    whole = [leave_one_out(fit).to_frame(), cumulative(fit).to_frame(), subsets(fit).to_frame()]
    monkeypatch.setattr(refitting, "_CELLS", 1)
    for table, parts in zip(
        whole,
        [leave_one_out(fit).to_frame(), cumulative(fit).to_frame(), subsets(fit).to_frame()],
        strict=True,
    ):
        columns = [name for name in table if name != "reason"]
        assert np.allclose(table[columns], parts[columns], rtol=1e-12, atol=1e-13, equal_nan=True)


@pytest.mark.parametrize("function", [influence, rstudent, baujat])
def test_four_views(function: Any) -> None:
    result = function(cb.pool(EFFECTS))
    frame = result.to_frame()
    assert frame.index.tolist() == list("ABCDEF")
    stored = result.to_dict()
    assert stored["labels"] == list("ABCDEF")
    for name in frame:
        assert stored[name] == frame[name].tolist()
    assert repr(result) == result.summary()
    assert "<table" in result._repr_html_()
    one = function(cb.pool(part(0)))
    assert "Note: A: no study is left" in one.summary()
    with pytest.raises(AttributeError):
        result.labels = ()


def test_summary_names_the_influential() -> None:
    effects = cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05], labels=list("ABCD"))
    assert "Influential: D" in influence(cb.pool(effects)).summary()
    calm = cb.Effects(yi=[0.1, 0.2, 0.15, 0.12], vi=[0.03, 0.03, 0.03, 0.03])
    assert "Influential: none" in influence(cb.pool(calm, test="z")).summary()
