"""Nasty input at every public function of the statistics: a result, or an error of ours.

The calls below are right; each argument in turn is replaced by what somebody may come to give.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import comorbid as cb
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import studies_csv

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.ComorbidWarning")

K = 8
YI = [0.1, 0.4, 0.9, 0.3, -0.2, 0.5, 0.7, 0.2]
VI = [0.02, 0.05, 0.1, 0.03, 0.04, 0.06, 0.2, 0.01]
CELLS = {
    "ai": [10, 20, 5, 8, 3, 12, 30, 9],
    "bi": [90, 70, 30, 50, 20, 40, 80, 33],
    "ci": [7, 15, 6, 4, 2, 9, 20, 10],
    "di": [88, 75, 33, 49, 25, 44, 90, 40],
}
MODERATORS = {"year": list(range(1990, 1990 + K)), "sex": ["f", "m"] * 4, **CELLS}
EFFECTS = cb.Effects(yi=YI, vi=VI, measure="OR", moderators=MODERATORS)
FIT = cb.pool(EFFECTS)
DEPENDENT = cb.Effects(yi=YI, vi=VI, studies=list("AABBCCDD"), moderators=MODERATORS)
THREE_LEVELS = cb.multilevel(DEPENDENT)
TWO_LEVELS = cb.multilevel(DEPENDENT, random="estimate_id")
RISKS = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.15], vi=[0.001, 0.002, 0.001], measure="RD"))
REGRESSION = cb.regress(EFFECTS, "~ year")
STUDIES = cb.datasets.headache_back_pain()
JUDGED = studies_from_bytes(studies_csv(K, rob_overall=["low"] * K).encode(), source="judged.csv")

NAN, INF = math.nan, math.inf
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1, 95, 0.5, NAN, INF, -INF, 1e-300, 1 - 1e-16, 10**400, 2 + 1j),
    *("", "abc", "0.95", b"OR", pd.NA, pd.NaT, object(), np.float64(0.9), np.array([0.9])),
    *([], {}, (), set(), [1], ["a"], [[1] * K], [None] * K, [NAN] * K, [INF] * K, [0] * K),
    *([-1] * K, [1] * (K + 1), ["a"] * K, ["1"] * K, [1e308] * K, [1e-308] * K, [True] * K),
    np.array([object()] * K, dtype=object),
    np.array(["a", "b"]),
    np.datetime64("2020-01-01"),
    np.ma.masked_array(YI, mask=[True] + [False] * (K - 1)),
    pd.Series(YI, index=range(100, 100 + K)),
    pd.Series([str(y) for y in YI]),
    pd.array([1, None, *[3] * (K - 2)], dtype="Int64"),
    pd.DataFrame({"a": YI}),
    (y for y in YI),
]

CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Effects": (cb.Effects, {"yi": YI, "vi": VI}),
    "Override": (cb.Override, {"estimate": "a", "use": "counts", "reason": "why"}),
    "Zeros": (cb.Zeros, {}),
    "escalc OR": (cb.escalc, {"measure": "OR", **CELLS}),
    "escalc SMD": (cb.escalc, {"measure": "SMD", "di": YI, "n1i": 20, "n2i": 22}),
    "escalc ZCOR": (cb.escalc, {"measure": "ZCOR", "ri": YI, "ni": 30}),
    "escalc PFT": (cb.escalc, {"measure": "PFT", "xi": CELLS["ai"], "ni": 100}),
    "escalc IRR": (cb.escalc, {"measure": "IRR", "x1i": 5, "t1i": 10.0, "x2i": 4, "t2i": 12}),
    "escalc HR": (
        cb.escalc,
        {"measure": "HR", "estimate": 1.2, "ci_low": 0.8, "ci_high": 1.8, "ci_level": 0.9},
    ),
    "escalc p": (cb.escalc, {"measure": "OR", "estimate": [1.2], "p_value": [0.4]}),
    "escalc se": (cb.escalc, {"measure": "OR", "estimate": [1.2], "se": [0.4]}),
    "effects": (cb.effects, {"studies": STUDIES}),
    "find_measure": (cb.find_measure, {"measure": "OR"}),
    "convert": (cb.convert, {"effects": EFFECTS, "to": "RR", "baseline_risk": 0.2}),
    "means_from_quantiles": (
        cb.means_from_quantiles,
        {"n": [40] * K, "minimum": 1, "q1": 5, "median": 9, "q3": 12, "maximum": 20},
    ),
    "read_studies": (cb.read_studies, {"path": "no-such-file.csv"}),
    "audit": (cb.audit, {"studies": STUDIES}),
    "grim": (
        cb.grim,
        {"mean": ["5.1", "5.21"], "n": [28, 30], "sd": ["1.6", "2"], "low": 1, "high": 7},
    ),
    "grim of percentages": (cb.grim, {"mean": "5.1", "n": 28, "unit": "percent"}),
    "pool": (cb.pool, {"effects": EFFECTS}),
    "pool_many": (cb.pool_many, {"table": EFFECTS.to_frame(), "by": "sex"}),
    "regress": (cb.regress, {"effects": EFFECTS, "formula": "~ year"}),
    "multilevel": (cb.multilevel, {"effects": DEPENDENT, "V": np.diag(VI)}),
    "multilevel of outcomes": (
        cb.multilevel,
        {"effects": DEPENDENT, "formula": "~ sex", "random": "sex | study_id", "struct": "UN"},
    ),
    "likelihood_ratio": (cb.likelihood_ratio, {"a": THREE_LEVELS, "b": TWO_LEVELS}),
    "permutation_test": (cb.permutation_test, {"regression": REGRESSION, "repetitions": 20}),
    "influence of a regression": (cb.influence, {"fit": REGRESSION}),
    "covariance": (cb.covariance, {"effects": EFFECTS, "cluster": "sex", "rho": 0.5}),
    "covariance by type": (
        cb.covariance,
        {"effects": EFFECTS, "cluster": ["a"] * K, "rho": 0.5, "type": "sex", "rho_type": 0.4},
    ),
    "covariance by time": (cb.covariance, {"effects": EFFECTS, "time": "year", "phi": 0.5}),
    "covariance by control": (
        cb.covariance,
        {"effects": EFFECTS, "control": {"ci": "ci", "di": "di"}},
    ),
    "covariance by reference": (
        cb.covariance,
        {"effects": EFFECTS, "reference": {name: name for name in CELLS}},
    ),
    "covariance by overlap": (cb.covariance, {"effects": EFFECTS, "overlap": np.eye(K)}),
    "aggregate": (cb.aggregate, {"effects": EFFECTS, "by": "sex", "rho": 0.5}),
    "aggregate by V": (cb.aggregate, {"effects": EFFECTS, "by": "sex", "V": np.diag(VI)}),
    "robust": (cb.robust, {"fit": FIT}),
    "robust of a multilevel model": (cb.robust, {"fit": THREE_LEVELS}),
    "robust of a regression": (cb.robust, {"fit": REGRESSION, "cluster": list("abcdefgh")}),
    "che": (cb.che, {"effects": DEPENDENT}),
    "wild_bootstrap": (cb.wild_bootstrap, {"fit": REGRESSION, "draws": 99}),
    "mantel_haenszel": (cb.mantel_haenszel, {"tables": CELLS}),
    "peto": (cb.peto, {"tables": CELLS}),
    "glmm": (cb.glmm, {"tables": CELLS}),
    "beta_binomial": (cb.beta_binomial, {"tables": CELLS}),
    "penalised_logistic": (cb.penalised_logistic, {"tables": CELLS}),
    "sparse": (cb.sparse, {"tables": CELLS}),
    "profile": (cb.profile, {"fit": FIT, "points": 3}),
    "blup": (cb.blup, {"fit": FIT}),
    "ranef": (cb.ranef, {"fit": FIT}),
    "rstandard": (cb.rstandard, {"fit": FIT}),
    "leave_one_out": (cb.leave_one_out, {"fit": FIT}),
    "cumulative": (cb.cumulative, {"fit": FIT}),
    "influence": (cb.influence, {"fit": FIT}),
    "baujat": (cb.baujat, {"fit": FIT}),
    "rstudent": (cb.rstudent, {"fit": FIT}),
    "subsets": (cb.subsets, {"fit": FIT, "limit": 100}),
    "bootstrap": (cb.bootstrap, {"fit": FIT, "n": 50}),
    "multiverse": (cb.multiverse, {"studies": EFFECTS, "fit": FIT, "rules": {"f": {"sex": "f"}}}),
    "rounding": (cb.rounding, {"fit": cb.pool(cb.effects(STUDIES)), "n": 100}),
    "people": (cb.people, {"burden": cb.burden(FIT, p1=0.2, p2=0.1)}),
    "other_rows": (cb.other_rows, {"fit": cb.pool(cb.effects(STUDIES)), "studies": STUDIES}),
    "subgroups": (cb.subgroups, {"effects": EFFECTS, "by": "sex"}),
    "against_rest": (cb.against_rest, {"studies": STUDIES, "where": {"headache": ["migraine"]}}),
    "dependent_rows": (cb.dependent_rows, {"studies": STUDIES, "where": {"headache": ["chronic"]}}),
    "asymmetry": (cb.asymmetry, {"fit": FIT}),
    "rank_test": (cb.rank_test, {"fit": FIT}),
    "trim_and_fill": (cb.trim_and_fill, {"fit": FIT}),
    "fail_safe_n": (cb.fail_safe_n, {"fit": FIT}),
    "pet_peese": (cb.pet_peese, {"fit": FIT}),
    "excess_significance": (cb.excess_significance, {"fit": FIT}),
    "henmi_copas": (cb.henmi_copas, {"fit": FIT}),
    "e_value": (cb.e_value, {"fit": FIT}),
    "e_value of a risk difference": (cb.e_value, {"fit": RISKS, "baseline_risk": 0.2}),
    "s_value": (cb.s_value, {"fit": FIT}),
    "confounded_meta": (cb.confounded_meta, {"fit": FIT, "n": 100, "r": 0.1}),
    "confounded_meta parametric": (cb.confounded_meta, {"fit": FIT, "kind": "parametric"}),
    "tipping_point": (cb.tipping_point, {"fit": FIT}),
    "tipping_studies": (cb.tipping_studies, {"fit": FIT}),
    "burden": (cb.burden, {"fit": FIT, "p1": 0.2, "p2": 0.1}),
    "selection_model": (cb.selection_model, {"fit": FIT, "steps": [0.025]}),
    "risk_of_bias": (cb.risk_of_bias, {"studies": JUDGED, "fit": cb.pool(cb.effects(JUDGED))}),
    "certainty": (
        cb.certainty,
        {
            "fit": cb.pool(cb.effects(JUDGED)),
            "studies": JUDGED,
            "threshold": 1.25,
            "start": ("low", "why"),
            "judgements": {"imprecision": ("serious", "why")},
        },
    ),
}


def arguments(name: str) -> list[str]:
    function, right = CALLS[name]
    parameters = inspect.signature(function).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return list(dict.fromkeys([*named, *right]))


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in CALLS for argument in arguments(name)]
)
def test_what_cannot_be_used_is_an_error_of_ours(
    name: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where what is named like a file may be written
    function, right = CALLS[name]
    for value in NASTY:
        settings = {**right, argument: value}
        first = next(iter(inspect.signature(function).parameters.values()))
        by_position = first.kind is not first.KEYWORD_ONLY and first.name in settings
        positional = [settings.pop(first.name)] if by_position else []
        try:
            result = function(*positional, **settings)
        except cb.ComorbidError:
            continue
        if hasattr(result, "summary"):
            assert result.summary(), value
            result.to_dict()
            result.to_frame()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cb.Effects(yi=["a", 1], vi=[1, 1]), r"yi\[0\] is 'a'; give numbers, and nan"),
        (lambda: cb.Effects(yi=["0.5"], vi=[1]), r"yi\[0\] is '0.5'; give numbers"),
        (lambda: cb.Effects(yi=["a"] * 9, vi=[1] * 9), r"yi\[2\] is 'a' and 6 more; give"),
        (lambda: cb.Effects(yi={1.0}, vi=[1]), r"yi is \{1.0\}; give numbers"),
        (lambda: cb.Effects(yi=[10**400], vi=[1]), "yi cannot be read as numbers: int too large"),
        (lambda: cb.Effects(yi=[1], vi=[0]), "Study 1: variance 0.0; a variance must be positive"),
        (lambda: cb.Effects(yi=[1], vi=[1], labels="A"), "labels is 'A'; give a list of names"),
        (lambda: cb.Effects(yi=[1], vi=[1], labels=[None]), r"labels\[0\] is None; name every"),
        (lambda: cb.Effects(yi=[1, 2], vi=[1, 1], labels=[7, 7]), "labels repeat: 7"),
        (lambda: cb.Effects(yi=[1], vi=[1], ni=5), r"ni has shape \(\); give one value a study"),
        (lambda: cb.Effects(yi=[1], vi=[1], measure="or"), "measure is 'or'; give its scale too"),
        (lambda: cb.Effects(yi=[1], vi=[1], moderators={"x": 5}), "moderator x is 5; give a dict"),
        (
            lambda: cb.Effects(yi=[1], vi=[1], moderators={"yi": [5]}),
            "a moderator is named yi, as the effects are; rename it or leave it out, as ",
        ),
        (lambda: EFFECTS.take([True, False]), "a position is True; give a whole number from 0 to"),
        (lambda: EFFECTS.take([K]), "a position is 8; give a whole number from 0 to 7"),
        (lambda: cb.asymmetry(EFFECTS), r"fit is of type Effects; give what pool\(\) returns"),
        (
            lambda: cb.leave_one_out(EFFECTS),
            r"fit is of type Effects; give what pool\(\), regress\(\), m",
        ),
        (lambda: cb.effects(pd.DataFrame()), r"studies is of type DataFrame; read a table with"),
        (lambda: cb.fail_safe_n(FIT, alpha=5), "alpha is 5; give a proportion between 0 and 1"),
        (lambda: cb.cumulative(FIT, by=[1990, 1991]), "the order names 1990; use labels, or pos"),
        (lambda: cb.cumulative(FIT, by=[True, *range(1, K)]), "the order names True"),
        (
            lambda: cb.against_rest(STUDIES, where={"headache": 5}),
            r"where\['headache'\] is 5; give columns and a list of values",
        ),
    ],
)
def test_errors_name_the_place_and_the_remedy(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=message):
        call()


def test_numbers_come_from_whatever_holds_numbers() -> None:
    masked = np.ma.masked_array([9.0, 0.5], mask=[True, False])
    assert np.isnan(cb.Effects(yi=masked, vi=[1, 1]).yi).tolist() == [True, False]
    nullable = pd.array([1, None], dtype="Int64")
    assert np.isnan(cb.Effects(yi=nullable, vi=[1, 1]).yi).tolist() == [False, True]
    odd = pd.Series([0.1, 0.2], index=[7, 3])
    assert cb.Effects(yi=odd, vi=odd, labels=odd.index).to_frame()["yi"].to_dict() == {
        "7": 0.1,
        "3": 0.2,
    }
    table = pd.DataFrame({"year": [1990, 2000]})
    assert cb.Effects(yi=odd, vi=odd, moderators=table).moderators["year"] == (1990, 2000)
    assert cb.escalc("GEN", yi=odd, vi=odd, moderators=table).moderators["year"] == (1990, 2000)


def test_fail_safe_n_holds_at_the_ends_of_alpha() -> None:
    # Null studies bring a one-sided p-value up to 0.5 and no further; two-sided ones up to 1.
    assert cb.fail_safe_n(FIT, alpha=0.5).n == math.inf
    assert cb.fail_safe_n(FIT, alpha=0.9).n == math.inf
    # sum(z) = 40 and z(1e-20) = 9.262340, where 1 - 1e-20 is 1 in floating point:
    # (40 / 9.262340)^2 - 4 = 14.65, rounded up.
    strong = cb.pool(cb.Effects(yi=[10.0] * 4, vi=[1.0] * 4))
    assert cb.fail_safe_n(strong, alpha=1e-20).n == 15


def test_power_at_the_smallest_alpha_is_not_lost_to_rounding() -> None:
    # Phi(z) with alpha = 1e-20 needs z = 9.26, where 1 - alpha is 1 in floating point.
    found = cb.excess_significance(FIT, alpha=1e-20, test="exact")
    assert found.power.min() > 0


anything = st.one_of(
    st.floats(), st.integers(), st.none(), st.booleans(), st.text(max_size=3), st.complex_numbers()
)


@given(st.lists(st.tuples(anything, anything), max_size=6))
def test_effects_of_anything_are_usable_or_refused(pairs: list[tuple[Any, Any]]) -> None:
    try:
        effects = cb.Effects(yi=[y for y, _ in pairs], vi=[v for _, v in pairs])
    except cb.DataError:
        return
    both = ~np.isnan(effects.yi) & ~np.isnan(effects.vi)
    assert np.isfinite(effects.yi[both]).all()
    assert (effects.vi[both] > 0).all()
    assert not effects.yi.flags.writeable


@given(
    st.sampled_from(["OR", "RR", "RD", "PETO", "PHI", "YUQ", "AS", "OR2DL"]),
    st.lists(st.tuples(*[st.floats(-1e6, 1e6) | st.sampled_from([NAN, INF, 0.0])] * 4), min_size=1),
)
def test_counts_give_an_effect_with_a_variance_or_a_reason(
    measure: str, tables: list[tuple[float, ...]]
) -> None:
    cells = dict(zip(("ai", "bi", "ci", "di"), zip(*tables, strict=True), strict=True))
    try:
        effects = cb.escalc(measure, **cells)
    except cb.DataError:
        assert not all(0 <= cell < INF or math.isnan(cell) for row in tables for cell in row)
        return
    lacking = np.isnan(effects.yi) | np.isnan(effects.vi)
    assert np.isfinite(effects.yi[~lacking]).all()
    assert (effects.vi[~lacking] > 0).all()
    assert bool(effects.warnings) == bool(lacking.any())


@pytest.mark.parametrize(
    ("figure", "given", "maker"),
    [
        ("baujat_plot", FIT, "baujat()"),
        ("people", FIT, "people()"),
        ("subgroups", FIT, "subgroups()"),
        ("bubble", FIT, "regress()"),
        ("estimates", FIT, "effects()"),
        ("gosh", FIT, "subsets()"),
        ("influence_plot", FIT, "influence()"),
        ("specification_curve", FIT, "multiverse()"),
        ("qqnorm", FIT, "rstandard() or rstudent()"),
        *((name, EFFECTS, "pool()") for name in ("drapery", "funnel", "radial")),
        ("profile", EFFECTS, "pool()"),
    ],
)
def test_a_figure_of_something_else_says_what_to_give(
    figure: str, given: object, maker: str
) -> None:
    with pytest.raises(cb.DataError, match=re.escape(f"give what {maker}")):
        getattr(cb.figures, figure)(given)
