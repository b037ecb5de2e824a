"""Mantel-Haenszel and Peto: closed forms, zero cells, input, results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import comorbid as cb
from comorbid.effects.zeros import Zeros
from comorbid.models.mantel_haenszel import mantel_haenszel
from comorbid.models.peto import peto
from comorbid.sensitivity.baujat import baujat
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.subsets import subsets

MEASURES = ("OR", "RR", "RD", "IRR", "IRD")
TABLES: dict[str, list[Any]] = {
    "label": ["A", "B", "C", "D"],
    "ai": [10, 5, 7, 3],
    "bi": [90, 95, 40, 60],
    "ci": [4, 2, 9, 5],
    "di": [96, 98, 41, 70],
}
RATES = {"x1i": [10, 5, 7], "t1i": [100.0, 80.0, 300.0], "x2i": [4, 2, 9], "t2i": [90, 85, 310.0]}
# A table with an empty cell, and one without events.
SPARSE = {"ai": [0, 5, 3, 0], "n1i": [20, 30, 25, 10], "ci": [4, 0, 6, 0], "n2i": [22, 28, 27, 12]}


def of(measure: str) -> dict[str, list[Any]]:
    return RATES if measure.startswith("I") else TABLES


def row(tables: dict[str, list[Any]], *keep: int) -> dict[str, list[Any]]:
    return {name: [values[i] for i in keep] for name, values in tables.items()}


def test_odds_ratio_is_the_ratio_of_sums() -> None:
    """Mantel and Haenszel 1959: sum(ad/n) / sum(bc/n), written out."""
    a, b, c, d = (np.array(TABLES[name], dtype=float) for name in ("ai", "bi", "ci", "di"))
    n = a + b + c + d
    expected = math.log((a * d / n).sum() / (b * c / n).sum())
    fit = mantel_haenszel(TABLES)
    assert math.isclose(fit.estimate, expected, rel_tol=1e-14)
    assert np.allclose(fit.weights, 100 * (b * c / n) / (b * c / n).sum(), rtol=1e-14)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_table_gives_its_own_effect(measure: str) -> None:
    """With one table each sum has one term, and the variances are those of the single effect."""
    table = row(of(measure), 0)
    fit = mantel_haenszel(table, measure=measure)
    assert math.isclose(fit.estimate, fit.effects.yi[0], rel_tol=1e-12)
    if measure != "RD":  # Sato's variance is another one.
        assert math.isclose(fit.se**2, fit.effects.vi[0], rel_tol=1e-12)
    assert (fit.k, fit.k_yi) == (1, 1)
    assert math.isnan(fit.q)
    assert math.isnan(fit.i2)


def test_sato_variance_of_one_table() -> None:
    """Sato 1989 with one table of group sizes 100 and 100, 10 and 4 events, by hand.

    P = (100^2 * 4 - 100^2 * 10 + 0) / 200^2 = -1.5, Q = (10 * 96 + 4 * 90) / 400 = 3.3,
    R = 50, difference 0.06: (0.06 * -1.5 + 3.3) / 50^2.
    """
    fit = mantel_haenszel(row(TABLES, 0), measure="RD")
    assert math.isclose(fit.se**2, (0.06 * -1.5 + 3.3) / 2500, rel_tol=1e-12)


def test_peto_is_observed_minus_expected_over_variance() -> None:
    """Yusuf 1985, one table: 14 events of 200 people, of which 7 are expected in group 1."""
    fit = peto(row(TABLES, 0))
    variance = 14 * 186 * 100 * 100 / (200**2 * 199)
    assert math.isclose(fit.estimate, (10 - 7) / variance, rel_tol=1e-14)
    assert math.isclose(fit.se, variance**-0.5, rel_tol=1e-14)


def test_q_of_peto_counts_the_tables_that_it_compares() -> None:
    """A table without events has an effect with 1/2 added, but no part in Q or its freedom."""
    tables = {"ai": [10, 5, 0], "bi": [90, 95, 50], "ci": [4, 2, 0], "di": [96, 98, 50]}
    two, three = peto(tables), peto(tables, zeros=Zeros(drop00="no"))
    assert (three.k_yi, three.k_pos, three.q_df) == (3, 2, 1)
    assert (three.q, three.q_p) == (two.q, two.q_p)
    assert three.q_p == pytest.approx(stats.chi2.sf(three.q, 1), rel=1e-12)
    assert "Q(df = 1)" in three.summary()


@pytest.mark.parametrize("measure", MEASURES)
def test_swapped_groups_give_the_opposite(measure: str) -> None:
    pairs = (("ai", "ci"), ("bi", "di"), ("x1i", "x2i"), ("t1i", "t2i"))
    table = of(measure)
    other = dict(table)
    for first, second in pairs:
        if first in table:
            other[first], other[second] = table[second], table[first]
    fit, back = (mantel_haenszel(x, measure=measure) for x in (table, other))
    assert math.isclose(fit.estimate, -back.estimate, rel_tol=1e-12)
    assert math.isclose(fit.se, back.se, rel_tol=1e-12)


def test_breslow_day_is_zero_where_all_odds_ratios_are_equal() -> None:
    """Three tables with the odds ratio 6: each observed cell is the one expected."""
    fit = mantel_haenszel(
        {"ai": [3, 9, 30], "bi": [10, 10, 10], "ci": [4, 3, 5], "di": [80, 20, 10]}
    )
    assert fit.breslow_day is not None
    assert fit.tarone is not None
    assert math.isclose(fit.on_scale().estimate, 6, rel_tol=1e-12)
    assert abs(fit.breslow_day.statistic) < 1e-20
    assert fit.tarone.df == 2


def test_totals_may_stand_for_the_second_cells() -> None:
    totals = {
        "ai": TABLES["ai"],
        "ci": TABLES["ci"],
        "n1i": [100, 100, 47, 63],
        "n2i": [100, 100, 50, 75],
    }
    assert mantel_haenszel(totals).estimate == mantel_haenszel(TABLES).estimate


def test_studies_are_pooled_from_their_counts() -> None:
    """Three primary rows of the bundled review have their four counts; the others are left out."""
    studies = cb.datasets.headache_back_pain()
    frame = studies.primary().frame
    complete = frame[["ai", "bi", "ci", "di"]].notna().all(axis=1)
    with pytest.warns(cb.DataWarning, match="left out, counts are missing: Sjolie 2002"):
        fit = mantel_haenszel(studies)
    assert fit.effects.ids == tuple(frame.loc[complete, "estimate_id"])
    assert fit.k == 3
    with pytest.warns(cb.DataWarning):
        assert "As OR: 2.74" in peto(studies).summary()


@pytest.mark.parametrize("drop", ["no", "yes"])
def test_tables_without_events_count_for_risk_differences_unless_dropped(drop: str) -> None:
    """R with metafor 3.8-1: rma.mh(measure="RD", drop00=c(TRUE, FALSE)) and c(TRUE, TRUE)."""
    pooled = Zeros(to="none", drop00=drop)  # type: ignore[arg-type]
    fit = mantel_haenszel(SPARSE, measure="RD", pooled_zeros=pooled)
    expected = {"no": (4, -0.0188479261301), "yes": (3, -0.0215576686989)}[drop]
    assert fit.k == expected[0]
    assert math.isclose(fit.estimate, expected[1], rel_tol=1e-10)
    assert fit.k_yi == 3


@pytest.mark.parametrize(
    ("single", "pooled", "expected"),
    [
        ("only0", "only0", (-0.183649616579, 0.476125571824, 5.661362770823)),
        ("all", "all", (-0.1739715937335, 0.4667580470916, 5.5882404116874)),
        ("if0all", "if0all", (-0.1739715937335, 0.4667580470916, 5.5882404116874)),
        ("only0", "all", (-0.1739715937335, 0.4667580470916, 5.6742645082667)),
    ],
)
def test_zero_cells_are_treated_for_effects_and_for_pooling(
    single: str, pooled: str, expected: tuple[float, float, float]
) -> None:
    """R with metafor 3.8-1: rma.mh(add=c(.5, .5), to=c(single, pooled), drop00=c(TRUE, TRUE))."""
    zeros, pooled_zeros = (Zeros(add=0.5, to=to, drop00="yes") for to in (single, pooled))  # type: ignore[arg-type]
    fit = mantel_haenszel(SPARSE, zeros=zeros, pooled_zeros=pooled_zeros)
    assert np.allclose((fit.estimate, fit.se, fit.q), expected, rtol=1e-10)


def test_if0all_looks_at_the_tables_that_are_selected() -> None:
    """Without the tables that have zeros, nothing is added in a refit."""
    zeros = Zeros(add=0.5, to="if0all", drop00="yes")
    tables = {
        name: [*TABLES[name], value]
        for name, value in zip(("ai", "bi", "ci", "di"), (0, 20, 5, 15), strict=True)
    }
    refit = leave_one_out(mantel_haenszel(tables, zeros=zeros, pooled_zeros=zeros)).batch
    without = mantel_haenszel(TABLES)
    assert math.isclose(refit.estimate[4], without.estimate, rel_tol=1e-14)
    assert math.isclose(refit.q[4], without.q, rel_tol=1e-12)
    with_zero = mantel_haenszel(
        {name: values[1:] for name, values in tables.items()}, zeros=zeros, pooled_zeros=zeros
    )
    assert math.isclose(refit.estimate[0], with_zero.estimate, rel_tol=1e-14)
    assert math.isclose(refit.q[0], with_zero.q, rel_tol=1e-12)


@pytest.mark.parametrize("measure", [*MEASURES, "PETO"])
def test_refits_are_fits_of_the_other_tables(measure: str) -> None:
    tables = of(measure)

    def pooled(*keep: int) -> Any:
        chosen = row(tables, *keep)
        return peto(chosen) if measure == "PETO" else mantel_haenszel(chosen, measure=measure)

    size = len(next(iter(tables.values())))
    everything = pooled(*range(size))
    without = leave_one_out(everything).to_frame()
    added = cumulative(everything, by=[2, 0, 1, *range(3, size)]).to_frame()
    for i in range(size):
        direct = pooled(*(j for j in range(size) if j != i))
        for name in ("estimate", "se", "q", "h2"):
            assert math.isclose(without[name].iloc[i], getattr(direct, name), rel_tol=1e-12), name
    two = pooled(0, 2)
    assert math.isclose(added["estimate"].iloc[1], two.estimate, rel_tol=1e-12)
    assert len(subsets(everything)) == 2**size - 1


def test_baujat_of_tables_sums_to_q() -> None:
    fit = mantel_haenszel(TABLES)
    assert math.isclose(baujat(fit).x.sum(), fit.q, rel_tol=1e-12)


def test_no_events_at_all_determine_no_ratio() -> None:
    fit = mantel_haenszel({"ai": [0, 0], "bi": [9, 8], "ci": [0, 0], "di": [7, 6]})
    assert math.isnan(fit.estimate)
    assert math.isnan(fit.se)
    assert (fit.k, fit.k_yi, fit.k_pos) == (2, 0, 0)
    assert fit.cmh is not None
    assert math.isnan(fit.cmh.statistic)
    assert "2 tables have a zero cell" in fit.summary()
    assert fit.warnings[-1] == "the tables do not determine the pooled effect"
    assert math.isnan(peto({"ai": [0], "bi": [9], "ci": [0], "di": [7]}).estimate)
    assert (
        leave_one_out(fit).reasons
        == ("the refit failed: its studies, or their weights, give no finite estimate",) * 2
    )


def test_empty_tables_add_nothing() -> None:
    tables = {name: [*TABLES[name], 0] for name in ("ai", "bi", "ci", "di")}
    for measure in ("OR", "RR", "RD"):
        fit, plain = (
            mantel_haenszel(tables, measure=measure),
            mantel_haenszel(TABLES, measure=measure),
        )
        assert math.isclose(fit.estimate, plain.estimate, rel_tol=1e-14)
        assert math.isclose(fit.se, plain.se, rel_tol=1e-14)


def test_huge_counts_stay_finite() -> None:
    scaled = {name: [1e8 * x for x in TABLES[name]] for name in ("ai", "bi", "ci", "di")}
    fit, plain = mantel_haenszel(scaled), mantel_haenszel(TABLES)
    assert math.isclose(fit.estimate, plain.estimate, rel_tol=1e-12)
    assert math.isclose(fit.se * 1e4, plain.se, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ai": [10, -5, 7, 3]}, "B: ai is -5; it must be 0 or more"),
        ({"ci": [4, math.inf, 9, 5]}, "B: ci is inf"),
        ({"ai": [10, 5]}, "the columns differ in length: .*ai 2"),
        ({"ai": ["ten", 5, 7, 3]}, r"ai\[0\] is 'ten'; give numbers"),
        ({"ai": [math.nan] * 4}, "no table to pool: every row misses a count"),
        ({"label": ["A", "A", "C", "D"]}, "label repeats: A"),
    ],
)
def test_impossible_tables_are_refused(change: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        mantel_haenszel({**TABLES, **change})


def test_missing_columns_are_named() -> None:
    with pytest.raises(cb.DataError, match="OR needs the columns ai bi ci di, or ai n1i ci n2i"):
        mantel_haenszel({"ai": [1], "bi": [2]})
    with pytest.raises(cb.DataError, match="t1i is 0; it must be more than 0"):
        mantel_haenszel({**RATES, "t1i": [0, 80, 300]}, measure="IRR")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"measure": "HR"}, "use one of OR, RR, RD, IRR, IRD"),
        ({"correction": "yates"}, "use one of continuity, none"),
        ({"level": 95}, "level is 95"),
    ],
)
def test_unknown_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        mantel_haenszel(TABLES, **settings)


def test_rows_without_counts_and_repeated_studies_are_noted() -> None:
    frame = pd.DataFrame({**TABLES, "study_id": ["S", "S", "T", "U"], "year": [1, 2, 3, 4]})
    frame.loc[3, "ai"] = np.nan
    with pytest.warns(cb.DataWarning) as caught:
        fit = mantel_haenszel(frame)
    assert [str(w.message) for w in caught] == list(fit.warnings)
    assert fit.warnings[0] == "left out, counts are missing: D"
    assert "taken as independent: S" in fit.warnings[1]
    assert leave_one_out(fit, by="study_id").labels == ("S", "T")
    assert cumulative(fit, by="year").labels == ("A", "B", "C")


@pytest.mark.parametrize("fit", [mantel_haenszel(TABLES), peto(TABLES)], ids=["MH", "Peto"])
def test_four_views(fit: Any) -> None:
    frame = fit.to_frame()
    assert frame.index.tolist() == TABLES["label"]
    assert frame.columns.tolist() == ["estimate", "se", "ci_low", "ci_high", "weight"]
    assert math.isclose(frame["weight"].sum(), 100, rel_tol=1e-12)
    stored = fit.to_dict()
    assert stored["estimate"] == fit.estimate
    assert stored["method"] in ("MH", "PETO")
    assert repr(fit) == fit.summary()
    assert fit._repr_html_().startswith("<pre>")
    assert not fit.weights.flags.writeable
    with pytest.raises(AttributeError):
        fit.estimate = 0.0


def test_summary_shows_the_tests() -> None:
    summary = mantel_haenszel(TABLES).summary()
    for title in ("Cochran-Mantel-Haenszel test", "Breslow-Day test", "Tarone's test", "As OR:"):
        assert title in summary
    assert "Tarone" not in mantel_haenszel(TABLES, measure="RD").summary()
