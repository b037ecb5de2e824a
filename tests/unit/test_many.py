"""Pools of many groups: each is what `pool` gives of its rows, whatever stands around them."""

from __future__ import annotations

import inspect
import json
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from golden_data import ITERATIVE, analyses, dataset, difference, effects_of
from golden_univariate import NEGLIGIBLE
from hypothesis import given, settings, strategies as st

import comorbid as cb
from comorbid.audited.pool_checks import MOST, NEARLY_ALL
from comorbid.many.adjust import adjust_p, null_share
from comorbid.many.core import pool_groups
from comorbid.many.fitting import fit
from comorbid.many.flags import flags_of
from comorbid.many.groups import group
from comorbid.many.rows import read_rows
from comorbid.many.settings import RESULT_COLUMNS, kernel_for, settings_for
from comorbid.models import compiled
from comorbid.models.notices import FEW

NAN = math.nan
FIT_COLUMNS = ("estimate", "se", "statistic", "p_value", "tau2", "i2", "h2", "q", "q_p", "k")
KERNELS = ["numpy", pytest.param("compiled", marks=pytest.mark.skipif(
    not compiled.available(), reason="numba is not installed"))]  # fmt: skip


def long_table(*, groups: int = 150, seed: int = 1, most: int = 60) -> pd.DataFrame:
    """A seeded simulation: random effects around a mean a group, in random order, with gaps."""
    rng = np.random.default_rng(seed)
    k = np.concatenate([np.arange(1, most + 1), rng.integers(1, most + 1, groups - most)])
    group = np.repeat(np.arange(groups), k)
    vi = rng.uniform(0.005, 0.4, group.size)
    tau2 = np.where(rng.random(groups) < 0.3, 0, rng.gamma(1, 0.1, groups))
    yi = rng.normal(rng.normal(0, 0.5, groups)[group], np.sqrt(vi + tau2[group]))
    table = pd.DataFrame(
        {
            "exposure": [f"E{g % 17}" for g in group],
            "outcome": group // 17,
            "yi": np.where(rng.random(group.size) < 0.03, NAN, yi),
            "vi": np.where(rng.random(group.size) < 0.02, NAN, vi),
        }
    )
    return table.iloc[rng.permutation(group.size)].reset_index(drop=True)


TABLE = long_table()
BY = ["exposure", "outcome"]


def alone(rows: pd.DataFrame, **how: Any) -> dict[str, Any]:
    """What the functions for a single pool give of the rows of a group."""
    usable = rows.dropna(subset=["yi", "vi"])
    if not len(usable):
        return dict.fromkeys([*FIT_COLUMNS, "ci_low", "loo_low"], NAN) | {"k": 0}
    fit = cb.pool(cb.Effects(yi=usable.yi, vi=usable.vi), **how)
    found = {name: getattr(fit, name) for name in FIT_COLUMNS}
    found |= {"ci_low": fit.ci[0], "ci_high": fit.ci[1], "pi_low": fit.pi[0], "pi_high": fit.pi[1]}
    if fit.k < 2:
        return found | {"loo_low": NAN, "loo_high": NAN}
    without = cb.leave_one_out(fit).to_frame()
    crossed = (without.ci_low > 0) | (without.ci_high < 0)
    return found | {
        "loo_low": without.estimate.min(),
        "loo_high": without.estimate.max(),
        "loo_crosses_null": bool((crossed != (fit.ci[0] > 0 or fit.ci[1] < 0)).any()),
    }


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    "how",
    [
        {"method": "REML", "test": "knha"},
        {"method": "DL", "test": "z"},
        {"method": "PM", "test": "adhoc", "level": 0.9},
        {"method": "EE", "test": "t"},
        {"method": "SJ", "test": "knha"},
    ],
    ids=lambda how: f"{how['method']}-{how['test']}",
)
def test_each_group_is_the_pool_of_its_rows(how: dict[str, Any], kernel: Any) -> None:
    found = pool_groups(TABLE, settings_for(TABLE, by=BY, kernel=kernel, **how))
    assert len(found) == 150
    rows = dict(iter(TABLE.groupby(BY)))
    for row in found.to_dict("records"):
        own = rows[row["exposure"], row["outcome"]]
        expected = alone(own, **how)
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-10, abs=1e-12, nan_ok=True), name
        assert row["missing"] == len(own) - row["k"]


def test_groups_agree_with_metafor() -> None:
    """All golden analyses at once: metafor 5.0-1, see tests/golden/data/README.md."""
    parts = []
    for name, measure in analyses():
        effects = effects_of(name, measure)
        parts.append(
            pd.DataFrame({"data": f"{name} {measure}", "yi": effects.yi, "vi": effects.vi})
        )
    found = cb.pool_many(pd.concat(parts), by="data").to_frame().set_index("data")
    names = {"estimate": "beta", "se": "se", "ci_low": "ci.lb", "ci_high": "ci.ub", "tau2": "tau2"}
    names |= {"i2": "I2", "q": "QE", "k": "k"}
    compared = 0
    for (name, measure), part in zip(analyses(), parts, strict=True):
        golden = dataset(name)["analyses"][measure]["fits"]["REML"]["knha"]
        row = found.loc[f"{name} {measure}"]
        floor = {"tau2": NEGLIGIBLE * part.vi.min(), "i2": 100 * NEGLIGIBLE}
        for ours, theirs in names.items():
            off = difference(row[ours], golden[theirs], floor.get(ours, 1e-300))
            assert off < ITERATIVE, (name, measure, ours)
            compared += 1
    assert compared == 8 * 61


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_group_depends_on_its_own_rows_alone_to_the_bit(kernel: Any) -> None:
    how = settings_for(TABLE, by=BY, kernel=kernel)
    whole = pool_groups(TABLE, how).set_index(BY)
    rng = np.random.default_rng(3)
    for size in (1, 7, 100):
        some = rng.permutation(len(whole))[:size]
        chosen = whole.index[np.sort(some)]
        part = TABLE[TABLE.set_index(BY).index.isin(chosen)]
        found = pool_groups(part, how).set_index(BY)
        pd.testing.assert_frame_equal(found, whole.loc[chosen], check_exact=True)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_groups_does_not_matter_to_the_bit(random: Any) -> None:
    table = TABLE.iloc[:600]
    groups = [rows for _, rows in table.groupby(BY)]
    random.shuffle(groups)
    how = settings_for(TABLE, by=BY)
    expected = pool_groups(table, how)
    pd.testing.assert_frame_equal(pool_groups(pd.concat(groups), how), expected, check_exact=True)


@pytest.mark.parametrize(
    "given_as",
    [
        lambda table: table.assign(exposure=table.exposure.astype("category")),
        lambda table: table.assign(exposure=table.exposure.astype(object)),
        lambda table: table.astype({"yi": "Float64", "outcome": "Int16"}),
    ],
    ids=["category", "object", "pandas types"],
)
def test_a_frame_of_any_types_gives_the_same_bits(given_as: Any) -> None:
    expected = cb.pool_many(TABLE, by=BY, method="DL").to_frame()
    found = cb.pool_many(given_as(TABLE), by=BY, method="DL").to_frame()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_the_result_is_in_the_order_of_its_keys() -> None:
    table = pd.DataFrame({"a": ["b", "é", "Z", "b", "10", "9"], "b": [10, 1, 2, 9, 1, 1]})
    found = cb.pool_many(table.assign(yi=0.1, vi=0.2), by=["a", "b"]).to_frame()
    assert found[["a", "b"]].to_numpy().tolist() == [
        *(["10", 1], ["9", 1], ["Z", 2], ["b", 9], ["b", 10], ["é", 1])
    ]
    assert found.columns.tolist() == ["a", "b", *RESULT_COLUMNS]


def test_effects_come_from_counts_as_escalc_computes_them() -> None:
    """Of the 2 x 2 tables of dat.bcg, the last with a zero cell; escalc is tested by itself."""
    cells = {"ai": [4, 6, 3, 0], "bi": [119, 300, 228, 20], "ci": [11, 29, 11, 3]}
    table = pd.DataFrame({**cells, "di": [128, 274, 209, 17], "g": list("aabb")})
    found = cb.pool_many(table, by="g", measure="OR").to_frame()
    for i, letter in enumerate("ab"):
        rows = table[table.g == letter].drop(columns="g")
        fit = cb.pool(cb.escalc("OR", **{name: rows[name] for name in rows}))
        assert found.estimate[i] == pytest.approx(fit.estimate, rel=1e-14)
        assert found.se[i] == pytest.approx(fit.se, rel=1e-14)


def test_a_printed_estimate_goes_before_counts() -> None:
    table = pd.DataFrame(
        {
            "g": ["a", "a", "b"],
            "estimate": [2.0, NAN, 1.5],
            "ci_low": [1.0, NAN, 1.2],
            "ci_high": [4.0, NAN, 1.875],
            "ai": [9, 10, 5],
            "bi": [9, 20, 5],
            "ci": [9, 5, 5],
            "di": [9, 25, 5],
        }
    )
    found = cb.pool_many(table, by="g", measure="OR").to_frame()
    effects = cb.escalc("OR", **{name: table[name] for name in table if name != "g"})
    assert found.estimate[0] == pytest.approx(cb.pool(effects.take([0, 1])).estimate)
    # An interval of a factor of 1.25 on either side: se = log(1.25) / 1.959964.
    assert found.estimate[1] == pytest.approx(math.log(1.5))
    assert found.se[1] == pytest.approx(math.log(1.25) / 1.959963984540054)


def test_effects_that_are_there_go_before_a_printed_estimate_and_counts() -> None:
    more = {"estimate": 9.0, "se": 0.1, "ai": 1, "bi": 2, "ci": 3, "di": 4}
    found = cb.pool_many(TABLE.assign(**more), by=BY, measure="OR", method="DL").to_frame()
    expected = cb.pool_many(TABLE, by=BY, measure="OR", method="DL").to_frame()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_columns_may_have_other_names_and_standard_errors() -> None:
    table = TABLE.assign(b=TABLE.yi, se=np.sqrt(TABLE.vi)).drop(columns=["yi", "vi"])
    found = cb.pool_many(table, by=BY, columns={"yi": "b", "sei": "se"}, method="DL").to_frame()
    expected = cb.pool_many(TABLE, by=BY, method="DL").to_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_rows_left_out_are_counted_and_a_group_without_any_stays() -> None:
    table = pd.DataFrame({"g": ["a", "a", "b", "b"], "yi": [0.1, NAN, NAN, 0.2]})
    table = table.assign(vi=[0.1, 0.1, 0.1, NAN])
    found = cb.pool_many(table, by="g")
    frame = found.to_frame()
    assert (found.groups, found.estimates, found.missing) == (2, 1, 3)
    assert frame[["k", "missing"]].to_numpy().tolist() == [[1, 1], [0, 2]]
    assert frame["flags"].tolist() == ["one-study missing-rows", "no-study missing-rows"]
    assert frame.reason[1].startswith("no study is left")
    assert frame.loc[1, list(FIT_COLUMNS[:-1])].isna().all()
    assert math.isnan(frame.p_adjusted[1])
    assert "3 rows without effect or variance left out" in found.summary()


def flags(yi: list[float], vi: list[float], **how: Any) -> set[str]:
    table = pd.DataFrame({"g": "a", "yi": yi, "vi": vi})
    return set(cb.pool_many(table, by="g", **how).to_frame()["flags"][0].split())


def test_every_flag_is_described() -> None:
    how = settings_for(TABLE, by=BY)
    groups = group(read_rows(TABLE, how))
    known = flags_of(groups, fit(groups, how).fits, estimated=True)
    text = inspect.getdoc(cb.PooledGroups) or ""
    assert re.findall(r"^\* ``([a-z0-9-]+)``:", text, re.MULTILINE) == list(known)
    assert f"{NEARLY_ALL:g} % of the weight of a common effect" in text
    assert f"{MOST:g} % of the weight in the pool" in text
    assert FEW == (2, 3)


def test_flags_say_what_limits_a_row() -> None:
    far = [0.0, 2.0, 4.0, 6.0]
    assert flags(far, [0.1] * 4) == set()
    assert flags(far[:3], [0.1] * 3) == {"few-studies"}
    assert flags(far[:3], [0.1] * 3, method="EE") == set()
    assert flags([0.1, 0.2, 0.1, 0.2], [0.1] * 4) == {"tau2-zero"}
    assert flags([0.1], [0.1]) == {"one-study"}
    assert flags([0.1, 0.1], [0.1, 0.1]) == {"few-studies", "tau2-zero", "no-spread"}
    # 90 % of the common-effect weight: 1 / 0.01 of 1 / 0.01 + 3 / 0.27 = 111.1.
    assert flags(far, [0.0099, 0.27, 0.27, 0.27]) == {"nearly-all-weight"}
    assert flags(far, [0.0101, 0.27, 0.27, 0.27]) == set()


def test_keys_of_more_values_than_a_number_has_room_for() -> None:
    rng = np.random.default_rng(4)
    names = [f"k{i}" for i in range(6)]
    table = pd.DataFrame({name: rng.permutation(3000) for name in names}).assign(yi=0.1, vi=0.2)
    table = pd.concat([table, table.iloc[:7]], ignore_index=True)
    found = cb.pool_many(table, by=names, method="DL").to_frame()
    expected = table.groupby(names, as_index=False).size()
    assert found[names].equals(expected[names])
    assert found.k.tolist() == expected["size"].tolist()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_group_that_cannot_be_fitted_says_why_and_leaves_the_others_alone(kernel: Any) -> None:
    bad = pd.DataFrame({"exposure": "E0", "outcome": [-1] * 3 + [1000] * 2})
    bad = bad.assign(yi=[1e300, -1e300, 1, 0, 1e300], vi=0.1)
    how = settings_for(TABLE, by=BY, kernel=kernel)
    found = pool_groups(pd.concat([bad, TABLE]), how)
    failed = found.outcome.isin([-1, 1000])
    assert found[failed].k.tolist() == [3, 2]
    assert found.loc[failed, [*FIT_COLUMNS[:-1], "loo_low"]].isna().all(axis=None)
    assert all("not-fitted" in words for words in found[failed]["flags"])
    assert all("check them for typing errors" in reason for reason in found[failed].reason)
    others = found[~failed].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, pool_groups(TABLE, how), rtol=1e-10)


def test_one_study_may_decide_whether_the_interval_includes_no_association() -> None:
    # Without the last, all are 1 with a variance of 0.01; with it the interval is wide.
    table = pd.DataFrame({"g": ["a"] * 5, "yi": [1.0, 1.1, 0.9, 1.0, -9.0], "vi": 0.01})
    frame = cb.pool_many(table, by="g").to_frame()
    assert frame.loo_crosses_null.tolist() == [True]
    # Beside no association at log(1) = 0 nothing changes for effects that all lie far from it.
    frame = cb.pool_many(table.iloc[:4], by="g").to_frame()
    assert frame.loo_crosses_null.tolist() == [False]
    frame = cb.pool_many(table.iloc[:1], by="g").to_frame()
    assert frame.loo_crosses_null.isna().tolist() == [True]
    # A proportion has no value of no association.
    counts = pd.DataFrame({"g": "a", "xi": [4, 9, 5], "mi": [10, 10, 10]})
    frame = cb.pool_many(counts, by="g", measure="PLO").to_frame()
    assert frame.loo_crosses_null.isna().tolist() == [True]


P = np.array([0.0001, 0.01, 0.02, 0.03, 0.04, 0.2, 0.41, 0.7, NAN, 0.02])
# R 4.2.2: p.adjust(c(0.0001, 0.01, 0.02, 0.03, 0.04, 0.2, 0.41, 0.7, NA, 0.02), "BH")
P_BH = [0.0009, 0.045, 0.045, 0.054, 0.06, 0.25714285714285717, 0.46125, 0.7, NAN, 0.045]


def test_benjamini_and_hochberg_as_r_does() -> None:
    np.testing.assert_allclose(adjust_p(P, adjust="BH"), P_BH, rtol=1e-14)
    assert np.isnan(adjust_p(np.array([NAN]), adjust="BH")).all()


def test_storey_is_benjamini_and_hochberg_times_the_share_of_nulls() -> None:
    # (1 + #{p > 0.5}) / (0.5 m) = 2 / 4.5 for the nine p-values above.
    assert null_share(P) == pytest.approx(4 / 9)
    np.testing.assert_allclose(adjust_p(P, adjust="storey"), np.array(P_BH) * 4 / 9, rtol=1e-14)
    assert null_share(np.full(9, 0.001)) == pytest.approx(1 / 4.5)  # never 0
    assert null_share(np.linspace(0.6, 0.9, 5)) == 1.0
    assert math.isnan(null_share(np.full(2, NAN)))


def test_storey_estimates_the_share_of_nulls() -> None:
    """A seeded simulation: 70 % uniform p-values, the others near 0."""
    rng = np.random.default_rng(11)
    p = np.concatenate([rng.random(70_000), rng.random(30_000) ** 30])
    # Of the others 1 - 0.5 ** (1 / 30) = 2.3 % lie above 0.5: 0.7 + 0.3 * 0.0228 / 0.5 = 0.7137.
    assert null_share(p) == pytest.approx(0.7137, abs=0.01)


def test_p_values_are_adjusted_over_all_groups() -> None:
    found = cb.pool_many(TABLE, by=BY, adjust="storey")
    frame = found.to_frame()
    np.testing.assert_array_equal(
        frame.p_adjusted, adjust_p(frame.p_value.to_numpy(), adjust="storey")
    )
    assert found.null_share == null_share(frame.p_value.to_numpy())
    assert "p_adjusted" not in cb.pool_many(TABLE, by=BY, adjust="none").to_frame()


def test_the_result_is_a_frozen_value() -> None:
    found = cb.pool_many(TABLE, by=BY)
    with pytest.raises(ValueError, match="read-only"):
        found.columns["estimate"][0] = 1.0
    again = pickle.loads(pickle.dumps(found))
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame(), check_exact=True)
    assert json.loads(json.dumps(found.to_dict()))["groups"] == 150
    assert found.to_dict()["missing"] == found.missing  # of all, beside the column of that name
    assert found.to_dict()["columns"]["missing"] == found.to_frame()["missing"].tolist()
    assert found.kernel == kernel_for(len(TABLE)) == "numpy"


GOOD = pd.DataFrame({"g": ["a", "a", "b"], "yi": [0.1, 0.2, 0.3], "vi": [0.1, 0.2, 0.1]})


@pytest.mark.parametrize(
    ("table", "how", "message"),
    [
        (GOOD.iloc[:0], {}, "table has no rows; add an estimate"),
        (GOOD, {"by": "h"}, "by names h, which the table lacks; its columns are g, yi, vi"),
        (GOOD, {"by": []}, r"by is \[\]; name one or several columns, each once"),
        (GOOD, {"by": ["g", "g"]}, "name one or several columns, each once"),
        (GOOD, {"columns": {"vi": "v"}}, "columns names v, which the table lacks"),
        (GOOD, {"columns": {"wi": "yi"}}, "GEN is not computed from wi; give yi, vi; or yi, sei"),
        (GOOD.drop(columns="vi"), {}, "GEN lacks vi; give yi, vi; or yi, sei"),
        (GOOD.drop(columns="yi"), {"measure": "OR"}, "OR lacks ai, bi, ci, di"),
        (GOOD.rename(columns={"g": "k"}), {"by": "k"}, "by names k, which the result has too"),
        (GOOD[["g", "yi", "vi", "vi"]], {}, "the table has several columns vi; rename all but"),
        (GOOD.rename(columns={"g": 7}), {"by": "7"}, "by names 7, which the table lacks"),
        (GOOD.assign(vi=[0.1, 0, -1]), {}, "row 2: vi is 0; it must be more than 0\n  row 3: vi"),
        (GOOD.assign(vi=[0.1, math.inf, 1]), {}, "row 2: vi is inf; it must be more than 0"),
        (GOOD.assign(yi=[0.1, -math.inf, 1]), {}, "row 2: yi is -inf; it must be a finite"),
        (GOOD.assign(sei=[-1, 1, 1]).drop(columns="vi"), {}, "row 1: sei is -1; it must be more"),
        (GOOD.assign(yi=["0.1", "x", "1"]), {}, r"yi\[0\] is '0.1', yi\[1\] is 'x'"),
        (GOOD.assign(g=["a", None, "b"]), {}, "row 2: g is missing; give every row its key"),
        (GOOD.assign(g=["a", 1, "b"]), {}, "g has names and whole numbers; a key is names"),
        (GOOD.assign(g=[0.5, 1, 2]), {}, "g has 0.5; a key is names"),
        (GOOD.assign(g=[True, False, True]), {}, "g has True; a key is names"),
        (GOOD.assign(g=[[1], [1], [2]]), {}, r"g has \[1\]; a key is names"),
        (GOOD.assign(yi=[1j, 2, 3]), {}, r"yi\[0\] is 1j"),
        (GOOD, {"adjust": "holm"}, "adjust is 'holm'; use one of BH, storey, none"),
        (GOOD, {"method": "GENQ"}, "GENQ needs weights of the analyst; choose another method"),
        (GOOD, {"level": 95}, "level is 95"),
        (5, {}, "table is 5; give a DataFrame, an Arrow table"),
    ],
)
def test_what_cannot_be_pooled_is_said(table: Any, how: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=message):
        cb.pool_many(table, **{"by": "g", **how})


def test_all_problems_are_said_at_once_but_not_endlessly() -> None:
    bad = GOOD.assign(vi=[0.1, -1, -2], g=["a", None, "b"])
    with pytest.raises(cb.DataError, match="row 2: g is missing"):
        cb.pool_many(bad, by="g")
    many = pd.DataFrame({"g": "a", "yi": 0.1, "vi": [-1.0] * 200_000})
    with pytest.raises(cb.DataError) as caught:
        cb.pool_many(many, by="g")
    assert len(caught.value.problems) == 21
    assert str(caught.value).endswith("and more; the first 20 are named")


def test_pyarrow_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("comorbid.many.pool_many.find_spec", lambda name: None)
    named = r"pip install 'comorbid\[parquet\]', or give a DataFrame and no out"
    with pytest.raises(cb.DataError, match=named):
        cb.pool_many("estimates.parquet", by="g")
    with pytest.raises(cb.DataError, match=named):
        cb.pool_many(GOOD, by="g", out=tmp_path / "pools.parquet")
    assert cb.pool_many(GOOD, by="g").groups == 2
