from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import comorbid as cb
from comorbid.models.arrangements import arrangements, count_arrangements
from comorbid.models.design import DesignProjection
from comorbid.models.kernel import DesignFits, fit_designs
from comorbid.models.permutation import permutation_test
from comorbid.models.regression import Regression, regress
from comorbid.models.settings import find_estimator
from comorbid.sensitivity.influence import influence

COLUMNS = ("coefficients", "se", "p_value", "ci_low", "tau2", "i2", "h2", "qe", "qe_p", "k", "df")


def effects(k: int = 9, seed: int = 4) -> cb.Effects:
    """Seeded simulation: effects that rise with x, in three groups."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=k)
    vi = rng.uniform(0.02, 0.2, k)
    return cb.Effects(
        yi=0.4 * x + rng.normal(0, np.sqrt(vi + 0.05)),
        vi=vi,
        measure="OR",
        moderators={"x": x.tolist(), "group": [("a", "b", "c")[i % 3] for i in range(k)]},
    )


def fits(
    yi: Any, vi: Any, x: Any, method: str = "REML", test: Any = "knha", level: float = 0.95
) -> DesignFits:
    return fit_designs(yi, vi, x, estimator=find_estimator(method), test=test, level=level)


def assert_same(found: DesignFits, expected: DesignFits, column: int, rel: float = 1e-9) -> None:
    for name in COLUMNS:
        a, b = getattr(found, name)[..., column], getattr(expected, name)[..., 0]
        assert a == pytest.approx(b, rel=rel, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("method", ["DL", "REML", "PM", "SJ", "EE"])
def test_batch_of_masks_equals_fits_of_the_parts(method: str) -> None:
    data = regress(effects(), "~ x + group")
    members = np.random.default_rng(1).random((9, 40)) < 0.8
    found = fits(
        np.repeat(data.effects.yi[:, None], 40, axis=1),
        np.where(members, data.effects.vi[:, None], np.inf),
        data.design.x,
        method,
    )
    for i, member in enumerate(members.T):
        part = data.effects.take(np.flatnonzero(member))
        x = data.design.x[member]
        if np.linalg.matrix_rank(x) < 4:
            assert np.isnan(found.coefficients[:, i]).all()
            continue
        expected = fits(part.yi[:, None], part.vi[:, None], x, method)
        assert_same(found, expected, i)


def test_each_data_set_may_have_its_own_design() -> None:
    data = regress(effects(), "~ x")
    rng = np.random.default_rng(2)
    order = rng.permuted(np.tile(np.arange(9)[:, None], 30), axis=0)
    yi, vi = (np.repeat(a[:, None], 30, axis=1) for a in (data.effects.yi, data.effects.vi))
    x = np.moveaxis(data.design.x[order], 2, 1)
    vi[4, 7] = np.inf
    x[4, :, 7] = np.nan
    found = fits(yi, vi, x)
    for i in range(30):
        keep = np.isfinite(vi[:, i])
        expected = fits(yi[keep, i : i + 1], vi[keep, i : i + 1], x[keep, :, i])
        assert_same(found, expected, i)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    data = regress(effects(), "~ x")
    yi = data.effects.yi[:, None] + np.random.default_rng(3).normal(0, 0.1, (9, 23))
    vi = np.repeat(data.effects.vi[:, None], 23, axis=1)
    whole = fits(yi, vi, data.design.x)
    monkeypatch.setattr("comorbid.models.kernel._CELLS", 100)
    parts = fits(yi, vi, data.design.x)
    assert parts.coefficients.shape == (2, 23)
    assert parts.coefficients == pytest.approx(whole.coefficients, rel=1e-12)
    assert parts.wald([0, 1])[0] == pytest.approx(whole.wald([0, 1])[0], rel=1e-9)


def test_more_coefficients_than_studies_are_nan() -> None:
    data = regress(effects(), "~ x + group")
    vi = np.where(np.arange(9)[:, None] < 3, data.effects.vi[:, None], np.inf)
    found = fits(data.effects.yi[:, None], vi, data.design.x)
    assert np.isnan(found.coefficients).all()
    assert np.isnan(found.wald([1])[0]).all()


def exact_traces(vi: list[float], x: list[float]) -> tuple[float, float]:
    """Traces of P and PP with an intercept and x, in rational numbers."""
    w = [1 / Fraction(v) for v in vi]
    z = [Fraction(value) for value in x]
    s0, s1 = sum(w), sum(a * b for a, b in zip(w, z, strict=True))
    s2 = sum(a * b * b for a, b in zip(w, z, strict=True))
    area = s0 * s2 - s1 * s1
    p = [
        [
            (w[i] if i == j else 0)
            - w[i] * w[j] * (s2 - s1 * (z[i] + z[j]) + s0 * z[i] * z[j]) / area
            for j in range(len(w))
        ]
        for i in range(len(w))
    ]
    return float(sum(p[i][i] for i in range(len(w)))), float(sum(c * c for row in p for c in row))


def test_traces_keep_their_digits_beside_huge_weights() -> None:
    x = [0.0, 1.0, 2.0, 5.0, 3.0]
    for vi in ([1e-13, 0.1, 0.2, 0.3, 0.1], [1e-13, 1e-12, 0.2, 0.3, 0.1], [0.3, 0.1, 1, 1, 1]):
        data = DesignProjection(
            np.zeros((5, 1)), np.array(vi)[:, None], np.column_stack([np.ones(5), x])
        )
        found = data.at(np.zeros(1), np.zeros(1, dtype=np.intp))
        trace_p, trace_pp = exact_traces(vi, x)
        assert found.trace_p[0] == pytest.approx(trace_p, rel=1e-11)
        assert found.trace_pp[0] == pytest.approx(trace_pp, rel=1e-11)


def test_predictions_at_new_values() -> None:
    found = regress(effects(), "~ x + group", method="DL")
    one = found.predict({"x": 0.5, "group": ["a", "b"]})
    assert one.labels == ("Row 1", "Row 2")
    assert one.estimate[1] - one.estimate[0] == pytest.approx(found.estimate[2])
    table = found.predict(pd.DataFrame({"group": ["b"], "x": [0.5]}, index=["new"]))
    assert table.labels == ("new",)
    assert table.estimate[0] == pytest.approx(one.estimate[1])
    row = np.array([1, 0.5, 1, 0])
    assert found.names == ("Intercept", "x", "group[T.b]", "group[T.c]")
    assert table.se[0] ** 2 == pytest.approx(row @ found.vcov @ row)
    assert table.pi_low[0] <= table.ci_low[0] < table.estimate[0]
    scaled = table.on_scale()[0]
    assert scaled.estimate == pytest.approx(math.exp(table.estimate[0]))
    assert list(table.to_frame().columns) == [
        *("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high"),
    ]
    assert json.loads(json.dumps(table.to_dict()))["labels"] == ["new"]
    assert "as OR" in repr(table)
    assert "<table" in table._repr_html_()


def test_predictions_for_the_studies_themselves() -> None:
    found = regress(effects(), "~ x")
    assert found.predict().labels == found.effects.labels
    assert found.predict().estimate == pytest.approx(found.design.x @ found.estimate)
    assert np.isnan(regress(effects(), "~ x", method="EE").predict().pi_low).all()


def test_predictions_remember_where_a_moderator_was_centred() -> None:
    found = regress(effects(), "~ center(x)")
    plain = regress(effects(), "~ x")
    assert found.predict({"x": [0.0, 3.0]}).estimate == pytest.approx(
        plain.predict({"x": [0.0, 3.0]}).estimate
    )


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"x": 1.0}, "new data: no column group"),
        ({"x": [1.0, None], "group": "a"}, "row Row 2: a moderator is missing"),
        ({"x": 1.0, "group": ["a", "d"]}, "row Row 2: group is 'd'; the data fitted have a, b, c"),
        ({"x": [1.0, 2.0, 3.0], "group": ["a", "b"]}, "columns of different lengths"),
    ],
)
def test_new_data_are_checked(new: dict[str, Any], message: str) -> None:
    found = regress(effects(), "~ x + group")
    with pytest.raises(cb.DataError, match=message):
        found.predict(new)


def test_new_data_outside_a_transformation() -> None:
    found = regress(effects(), "~ log(5 + x)")
    with pytest.raises(cb.DataError, match="finite number"):
        found.predict({"x": -6.0})


@pytest.mark.parametrize("test", ["z", "knha"])
def test_wald_tests(test: Any) -> None:
    found = regress(effects(), "~ x + group", test=test)
    every = found.wald(["x", "group"])
    assert (every.statistic, every.p_value) == pytest.approx((found.qm, found.qm_p))
    one = found.wald("x")
    assert one.statistic == pytest.approx(found.statistic[1] ** 2)
    assert one.p_value == pytest.approx(found.p_value[1])
    assert found.wald("group").names == ("group[T.b]", "group[T.c]")
    assert list(one.to_frame().columns) == ["statistic", "df", "df_denominator", "p_value"]
    assert one.to_dict()["names"] == ["x"]
    assert ("QM(df = 1)" if test == "z" else "F(df1 = 1, df2 = 5)") in repr(one)
    assert one._repr_html_().startswith("<pre>")
    with pytest.raises(cb.ModelError, match="no coefficient or term groop; did you mean group"):
        found.wald("groop")
    with pytest.raises(cb.ModelError, match="name a term"):
        found.wald([])


def test_variance_inflation() -> None:
    found = regress(effects(), "~ x + group").vif()
    assert found.names == ("x", "group[T.b]", "group[T.c]")
    assert found.terms == ("x", "group")
    # With two terms, each is as collinear with the other.
    assert found.gvif[0] == pytest.approx(found.gvif[1])
    assert found.gvif[0] == pytest.approx(found.vif[0])
    table = found.to_frame()
    assert table.loc["group", "gsif"] == pytest.approx(found.gvif[1] ** 0.25)
    assert "By term:" in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["terms"] == ["x", "group"]
    assert found._repr_html_().startswith("<pre>")
    with pytest.raises(cb.ModelError, match="needs a moderator"):
        regress(effects(), "~ 1").vif()


def test_arrangements_are_all_and_distinct() -> None:
    for sizes in ([3], [1, 1, 1, 1], [2, 3], [2, 1, 2]):
        groups = [group for group, size in enumerate(sizes) for _ in range(size)]
        expected = sorted(set(itertools.permutations(groups)))
        assert count_arrangements(sizes) == len(expected)
        found = arrangements(sizes, np.arange(len(expected)))
        assert [tuple(row) for row in found.T.tolist()] == expected


def brute_force(found: Regression) -> list[float]:
    """P-values from refits one by one, in every order of the design's rows."""
    yi, vi, x = found.effects.yi[:, None], found.effects.vi[:, None], found.design.x
    reached = np.zeros(found.p)
    orders = list(itertools.permutations(range(found.k)))
    for order in orders:
        one = fits(yi, vi, x[list(order)], found.method, found.test)
        reached += np.abs(one.statistic[:, 0]) >= np.abs(found.statistic) - 1e-8
    return list(reached / len(orders))


@pytest.mark.parametrize("formula", ["~ x", "~ group", "~ 0 + group"])
def test_exact_permutation_test_is_that_of_all_orders(formula: str) -> None:
    found = regress(effects(5), formula, method="DL", test="knha")
    test = permutation_test(found)
    assert test.exact
    assert test.repetitions == (120 if formula == "~ x" else 30)
    assert test.p_value == pytest.approx(brute_force(found))


def test_random_permutations_repeat_by_seed_and_come_close() -> None:
    found = regress(effects(7), "~ x", method="DL")
    exact = permutation_test(found)
    first, second = (permutation_test(found, repetitions=4000, seed=8) for _ in range(2))
    assert first.p_value.tolist() == second.p_value.tolist()
    assert not first.exact
    assert (first.repetitions, first.seed) == (4000, 8)
    assert first.p_value == pytest.approx(exact.p_value, abs=0.03)
    assert first.p_value.min() >= 1 / 4000
    flips = regress(effects(7), "~ 1", method="DL")
    assert permutation_test(flips, repetitions=4000, seed=8).p_value == pytest.approx(
        permutation_test(flips).p_value, abs=0.03
    )


def test_permutation_settings_are_checked() -> None:
    many = regress(effects(25), "~ x")
    with pytest.raises(cb.ModelError, match=r"more than 1,000,000; give a number"):
        permutation_test(many)
    with pytest.raises(cb.ModelError, match="need a seed"):
        permutation_test(many, repetitions=100)
    for bad in (1, 0, "all", 2.5, True):
        with pytest.raises(cb.ModelError, match="use 'exact' or a number"):
            permutation_test(many, repetitions=bad, seed=1)  # type: ignore[arg-type]


def test_permutation_views() -> None:
    test = permutation_test(regress(effects(5), "~ x", method="DL"))
    assert list(test.to_frame().columns) == ["statistic", "p_value"]
    assert json.loads(json.dumps(test.to_dict()))["repetitions"] == 120
    assert "120 all arrangements" in repr(test)
    assert test._repr_html_().startswith("<pre>")


@pytest.mark.parametrize("test", ["z", "knha", "adhoc"])
def test_influence_is_what_refits_say(test: Any) -> None:
    data = effects()
    found = regress(data, "~ x", test=test)
    result = influence(found)
    for i in (0, 5):
        without = regress(data.take([j for j in range(9) if j != i]), "~ x", test=test)
        moved = found.estimate - without.estimate
        assert result.tau2_del[i] == pytest.approx(without.tau2)
        assert result.q_del[i] == pytest.approx(without.qe)
        assert result.cook_d[i] == pytest.approx(moved @ np.linalg.inv(found.vcov) @ moved)
        assert result.cov_r[i] == pytest.approx(
            np.linalg.det(without.vcov) / np.linalg.det(found.vcov)
        )
        table = cb.leave_one_out(found).to_frame()
        columns = [f"estimate_{name}" for name in found.names]
        assert table[columns].iloc[i].tolist() == pytest.approx(without.estimate.tolist())
    assert result.hat.sum() == pytest.approx(2)
    assert result.weight.sum() == pytest.approx(100)


def test_influence_says_what_cannot_be_refitted() -> None:
    data = cb.Effects(
        yi=[0.1, 0.4, 0.3, 0.8, 0.5],
        vi=[0.02, 0.03, 0.02, 0.04, 0.03],
        labels=list("ABCDE"),
        moderators={"group": list("aabbc")},
    )
    result = influence(regress(data, "~ group", method="DL"))
    apart = "its studies, or their weights, cannot tell the coefficients apart"
    assert result.reasons[4] == apart
    assert np.isnan(result.cook_d[4])
    assert not result.flagged[4] or result.hat[4] > 3 * 3 / 5
    assert result.to_frame()["reason"].tolist()[4] == apart
    assert "Influential" in repr(result)
    assert "<table" in result._repr_html_()
    json.dumps(result.to_dict())
    few = influence(regress(data.take(range(4)), "~ 0 + I(yi > 0)", method="DL"))
    assert few.reasons == ("", "", "", "")
    tight = influence(regress(data.take([0, 1, 2]), "~ group", method="DL"))
    assert "as many studies as coefficients" in tight.reasons[0]
