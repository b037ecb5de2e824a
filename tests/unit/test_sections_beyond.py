"""Sections beyond the main pool: what each says of none, one, two and many studies."""

from __future__ import annotations

import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.burden import burden
from comorbid.calls import Calls
from comorbid.contributions import Deviation
from comorbid.document.sections import (
    burden as people_section,
    deviations,
    regression,
    small_studies,
    subgroups as subgroup_section,
)
from comorbid.people import people
from comorbid.report.build import build_with
from comorbid.report.definition import read_definition
from comorbid.sensitivity.without_overrides import ALL, without_overrides
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section, registry, studies_csv
from comorbid.testing.kit import build_document

STUDIES = cb.datasets.headache_back_pain()
OVERRIDES = (
    cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible."),
    cb.Override("swain2014-1", use="counts", reason="The interval is rounded."),
)
DEFAULTS = {"method": "REML", "test": "knha", "level": 0.95}
BURDEN = {"condition1": "one", "p1": 0.2, "source1": "a register"} | {
    "condition2": "two",
    "p2": 1 / 30,
    "source2": "a survey",
}


def fit(yi: list[float], vi: list[float], **settings: Any) -> cb.Fit:
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR"), **settings)


def texts(blocks: tuple[cb.Block, ...]) -> str:
    """All words of paragraphs and notes."""
    found = []
    for block in blocks:
        if isinstance(block, cb.Paragraph | cb.Note):
            parts = (block.text,) if isinstance(block.text, str) else block.text
            found += [
                part if isinstance(part, str) else getattr(part, "text", "") for part in parts
            ]
    return " ".join(found)


def kinds(blocks: tuple[cb.Block, ...]) -> list[str]:
    return [type(block).__name__ for block in blocks]


# Subgroups


def by_sex(sexes: str) -> cb.Subgroups:
    k = len(sexes)
    effects = cb.Effects(
        yi=[0.5 + 0.1 * i for i in range(k)], vi=[0.03] * k, moderators={"sex": list(sexes)}
    )
    return cb.subgroups(effects, by="sex")


@pytest.mark.parametrize(
    ("sexes", "sentence"),
    [
        ("f", "The one study has sex f: there is nothing to compare."),
        ("ff", "Each of the 2 studies has sex f: there is nothing to compare."),
        ("fm", "Not pooled, with 1 study each: f and m; what they found is part of the test."),
        ("ffm", "Not pooled, with 1 study: m; what it found is part of the test."),
    ],
)
def test_small_subgroups_are_said_to_be(sexes: str, sentence: str) -> None:
    assert subgroup_section.between(by_sex(sexes)).endswith(sentence)


def test_a_difference_between_small_subgroups_is_no_conclusion() -> None:
    assert subgroup_section.between(by_sex("fmfm")).startswith(
        "With 2 studies in the smallest subgroup these data cannot tell whether the effect differs"
    )
    apart = cb.Effects(
        yi=[0.5, 0.6, 2.4, 2.5], vi=[0.03] * 4, moderators={"sex": ["f", "f", "m", "m"]}
    )
    found = subgroup_section.between(cb.subgroups(apart, by="sex", test="z"))
    assert found.startswith("The averages by sex differ by more than their standard errors explain")
    assert found.endswith("2 studies, and what the difference is due to cannot be told.")
    large = subgroup_section.between(by_sex("fffffmmmmm"))
    assert large.startswith("Whether the effect differs by sex: test between subgroups: Q = ")
    assert "p " in large


def test_several_columns_are_several_comparisons() -> None:
    studies = studies_csv(12, sex=["f", "m"] * 6, age=["old"] * 6 + ["young"] * 6)
    options = {"subgroups": {"by": ["sex", "age"]}}
    blocks = build_section("subgroups", studies=studies, options=options)
    parts = ["Heading", "Paragraph", "Figure"]
    assert kinds(blocks) == [*parts, *parts, "Note"]
    assert "2 comparisons are made, and no p-value is corrected" in texts(blocks)


def test_an_unknown_column_is_named_in_the_definition() -> None:
    with pytest.raises(cb.ReportError, match=r"report.toml: \[analyses.subgroups\]: no column 'x'"):
        build_section("subgroups", options={"subgroups": {"by": ["x"]}})


def test_when_a_comparison_was_decided_on_is_said_or_not_declared() -> None:
    ages = ["old", "old", "young"] * 2
    studies = studies_csv(6, sex=["f", "m"] * 3, age=ages, place=["a", "b"] * 3)
    own = {
        "by": ["sex", "age", "place"],
        "prespecified": "age",
        "exploratory": ["place"],
        "rationale": "they may differ",
    }
    blocks = build_section("subgroups", studies=studies, options={"subgroups": own})
    said = [block.text for block in blocks if isinstance(block, cb.Paragraph)]
    ends = ("was prespecified is not declared.", "before the data were seen.", "is exploratory.")
    assert [str(text).endswith(end) for text, end in zip(said, ends, strict=True)] == [True] * 3


def test_a_comparison_is_decided_on_once_and_is_one_that_is_made() -> None:
    own = {"by": ["year"], "prespecified": ["year", "sex"], "exploratory": ["year"]}
    table = studies_csv(4, year=[1999, 2000, 2001, 2002])
    with pytest.raises(cb.ReportError) as caught:
        build_section("subgroups", studies=table, options={"subgroups": own})
    assert [problem.message.partition(": ")[2] for problem in caught.value.problems] == [
        "'year' is prespecified and exploratory",
        "'sex' is not among by",
    ]


# Meta-regression


def on_dose(k: int, formula: str = "~ dose", **columns: Any) -> tuple[cb.Block, ...]:
    studies = studies_csv(k, dose=[float(i) for i in range(k)], **columns)
    return build_section(
        "meta-regression", studies=studies, options={"meta-regression": {"formula": formula}}
    )


@pytest.mark.parametrize(("k", "studies"), [(1, "1 study"), (2, "2 studies")])
def test_too_few_studies_for_a_regression(k: int, studies: str) -> None:
    blocks = on_dose(k)
    assert texts(blocks) == (
        f"The meta-regression ~ dose of {studies} on 2 coefficients could not be fitted: it needs "
        "more studies than coefficients."
    )


def test_what_is_collinear_is_said() -> None:
    blocks = on_dose(6, "~ dose + twice", twice=[2.0 * i for i in range(6)])
    assert "could not be fitted: twice is collinear with dose" in texts(blocks)


def test_a_wrong_formula_stops_the_build() -> None:
    with pytest.raises(cb.ReportError, match=r"\[analyses.meta-regression\]: .*dosis"):
        on_dose(5, "~ dosis")


def test_the_handbook_is_named_below_ten_studies_a_coefficient() -> None:
    assert "section 10.11.5.1" in texts(on_dose(9))
    assert "Cochrane Handbook" not in texts(on_dose(10))
    assert "Cochrane Handbook" in texts(on_dose(19, "~ dose + x", x=[i**2 for i in range(19)]))


def test_a_plot_is_of_one_number() -> None:
    assert kinds(on_dose(10)) == ["Paragraph", "Figure", "Table", "Note"]
    assert "Figure" not in kinds(on_dose(9))
    assert "Figure" not in kinds(on_dose(10, "~ sex", sex=["f", "m"] * 5))
    assert "Figure" not in kinds(on_dose(6, "~ C(year)", year=[2001, 2002] * 3))


def test_a_factor_with_one_level_is_no_moderator() -> None:
    blocks = on_dose(4, "~ sex", sex=["f"] * 4)
    assert texts(blocks) == (
        "The meta-regression ~ sex of 4 studies on 1 coefficient could not be fitted: sex is the "
        "same for all studies."
    )
    assert texts(on_dose(4, "~ 1")) == "The formula ~ 1 leaves no moderator that differs."


def test_the_test_of_moderators_is_z_or_f() -> None:
    effects = cb.Effects(
        yi=[0.1, 0.4, 0.5, 0.9, 1.2],
        vi=[0.03, 0.08, 0.02, 0.05, 0.04],
        measure="SMD",
        moderators={"year": [1990, 1995, 2001, 2008, 2012]},
    )
    z = regression.moderators(cb.regress(effects, "~ year", test="z"))
    assert z.startswith("The effects (standardised mean difference) of 5 studies are regressed on")
    assert "QM = " in z
    assert "on 1 degree of freedom" in z
    equal = cb.regress(effects, "~ year", method="EE", test="z")
    assert regression.left(equal, tau2_without=0.0).startswith("Test of what is left: QE = ")


def left(yi: list[float], vi: float) -> str:
    effects = cb.Effects(yi=yi, vi=[vi] * 6, moderators={"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})
    without = cb.pool(effects).tau2
    return regression.left(cb.regress(effects, "~ x"), tau2_without=without)


def test_r2_is_of_the_variance_without_moderators() -> None:
    """With one v for all, REML has tau2 = max(0, s2 - v), s2 the residual variance on k - p.

    R2 = 1 - tau2 / (tau2 without moderators).
    """
    yi = np.array([-0.7, -0.5, -0.2, 0.3, 0.4, 0.7])
    x = np.arange(6) - 2.5
    slope = (x @ yi) / (x @ x)
    total, residual = np.var(yi, ddof=1), np.sum((yi - slope * x) ** 2) / 4
    before, after = total - 0.005, residual - 0.005
    assert left(yi.tolist(), 0.005).startswith(
        f"Without moderators the between-study variance (tau²) is {before:.3f}, with them "
        f"{after:.3g}: {100 * (1 - after / before):.0f} % less (R²), an imprecise estimate that"
    )


def test_r2_is_0_where_moderators_leave_no_less() -> None:
    larger = left([0.0, 1.0, 0.0, 1.0, 0.0, 0.9], 0.02)
    assert "it is not less, and R² is 0 % by convention. Test" in larger
    none = left([0.1, 0.2, 0.1, 0.2, 0.1, 0.2], 0.5)
    assert "(tau²) is 0, with them 0: there is none to account for, and R² is 0 % by" in none


def test_that_nothing_is_found_is_said_only_where_nothing_is() -> None:
    words = "That no relation is found does not show that there is none."
    x = {"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
    for yi, nothing in (([0, 1, 2, 3, 4, 5.1], False), ([0, 1, 0, 1, 0, 1.1], True)):
        effects = cb.Effects(yi=yi, vi=[0.02] * 6, moderators=x)
        blocks = regression.regression(cb.regress(effects, "~ x"), tau2_without=0.5)
        assert (words in texts(blocks)) is nothing


# Small-study effects


def test_below_ten_studies_there_is_no_test() -> None:
    for k in (1, 2, 9):
        blocks = build_section("funnel", studies=studies_csv(k))
        assert kinds(blocks) == ["Note"]
        assert "p = " not in texts(blocks)


def test_printed_odds_ratios_get_eggers_test_with_its_caveat() -> None:
    said = texts(build_section("funnel", studies=studies_csv(12)))
    assert "Egger's test of 12 effects" in said
    assert "may find asymmetry too often" in said


def test_a_test_that_cannot_be_computed_says_why() -> None:
    """All standard errors are the same: there is nothing for an effect to change with."""
    rows = [f"s{i},OR,{y},{y / 2},{y * 2}" for i, y in enumerate((1.0, 1.5, 2.0, 2.5, 3.0) * 2)]
    studies = "\n".join(["study_id,measure,estimate,ci_low,ci_high", *rows])
    said = texts(build_section("funnel", studies=studies))
    assert "Egger cannot be computed: " in said


def test_odds_ratios_of_counts_get_the_tests_that_avoid_it() -> None:
    """The tests agree with `cb.asymmetry` on the same counts."""
    lines = ["study_id,ai,bi,ci,di"]
    cells = [(10 + i, 80 + 3 * i, 8 + i % 3, 90 + 2 * i) for i in range(11)]
    lines += [f"s{i},{','.join(map(str, row))}" for i, row in enumerate(cells)]
    said = texts(build_section("funnel", studies="\n".join(lines) + "\n"))
    columns = dict(zip(("ai", "bi", "ci", "di"), zip(*cells, strict=True), strict=True))
    pooled = cb.pool(cb.escalc("OR", **columns))
    for test in ("harbord", "peters"):
        found = cb.asymmetry(pooled, test=test, **columns)  # type: ignore[arg-type]
        assert small_studies.tested(found) in said
    assert "Egger" not in said


def test_trim_and_fill_says_one_none_and_the_other_side() -> None:
    yi = [0.1, 0.15, 0.2, 0.4, 0.6, 0.7, 0.9]
    vi = [0.01, 0.01, 0.02, 0.05, 0.09, 0.12, 0.2]
    other = small_studies.filling(cb.trim_and_fill(fit([-y for y in yi], vi)))
    assert other.startswith("Trim-and-fill (estimator L0) adds 3 studies on the right; with them")
    none = cb.trim_and_fill(fit([0.4, 0.5, 0.6, 0.5], [0.03] * 4), side="left")
    assert none.k0 == 0
    assert small_studies.filling(none) == (
        "Trim-and-fill (estimator L0) finds no study to add on the left"
    )


# Burden


def told(yi: list[float], vi: list[float], **given: Any) -> str:
    return people_section.implied(people(burden(fit(yi, vi), p1=0.2, p2=1 / 30, **given)))


def test_more_fewer_and_none() -> None:
    more = told([0.8, 0.9, 0.85], [0.01, 0.01, 0.01])
    assert " more than independence would give (from " in more
    assert "includes none" not in more
    fewer = told([-0.8, -0.9, -0.85], [0.01, 0.01, 0.01])
    assert " fewer than independence would give (from " in fewer
    assert fewer.count("fewer") == 3
    assert "which includes none" in told([0.5, -0.6, 0.1], [0.03, 0.03, 0.03])


def test_one_study_has_no_prediction_interval() -> None:
    assert "prediction" not in told([0.5], [0.03])
    assert "95 % prediction interval" in told([0.5, 0.9, 0.8], [0.03, 0.03, 0.04])


def test_numbers_of_people_add_up() -> None:
    """Margins in closed form: both + one alone = size * p."""
    found = people(burden(fit([0.7], [0.01]), p1=0.2, p2=0.05), size=1000)
    assert found.both.estimate + found.only_1 == pytest.approx(200, rel=1e-12)
    assert found.both.estimate + found.only_2 == pytest.approx(50, rel=1e-12)
    total = found.both.estimate + found.only_1 + found.only_2 + found.neither
    assert total == pytest.approx(1000, rel=1e-12)
    assert found.expected.estimate == pytest.approx(10, rel=1e-12)


def test_two_studies_far_apart_have_ends_all_the_same() -> None:
    """With t on 1 degree of freedom a simulated log odds ratio can be beyond what exp holds."""
    wide = fit([-3.0, 3.0], [0.03, 0.08])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = burden(wide, p1=(0.2, 0.1, 0.3), p2=0.03)
    assert 0 <= found.both.ci[0] < found.both.ci[1] <= 0.03 + 1e-12


def test_sources_are_printed_and_no_cause_is_claimed() -> None:
    blocks = build_section("burden", options={"burden": BURDEN})
    said = texts(blocks)
    assert "one, 20.0 % of people (a register); two, 3.3 % of people (a survey)." in said
    assert kinds(blocks) == ["Paragraph", "Note", "Paragraph", "Figure", "Table", "Paragraph"]
    for word in ("cause", "attributable", "due to", "effect of"):
        assert word not in said


def test_a_population_is_spoken_of_where_it_is_given() -> None:
    blocks = build_section("burden", options={"burden": BURDEN | {"population": 66e6}})
    said = texts(blocks)
    assert "Among 66,000,000 people that would be " in said
    # OR exp(0.5...) and margins 0.2 and 1/30: the whole and the thousand are the same share.
    found = people(burden(fit([0.5], [0.03]), p1=0.2, p2=1 / 30), size=66e6)
    told_of = people_section.in_population(found, ("one", "two"))
    extra = found.both.estimate - 66e6 * 0.2 / 30
    assert f": {float(f'{extra:.3g}'):,.0f} more than that (from " in told_of
    fewer = people(burden(fit([-0.5], [0.03]), p1=0.2, p2=1 / 30), size=66e6)
    assert " fewer than that (from " in people_section.in_population(fewer, ("one", "two"))


def test_the_table_has_phi_and_both_excess_fractions() -> None:
    """Levin's formula, p2 (RR - 1) / (1 + p2 (RR - 1)), from the risk ratio that is printed."""
    blocks = build_section("burden", options={"burden": BURDEN})
    (table,) = [block for block in blocks if isinstance(block, cb.Table)]
    rows = {row[0]: row[1] for row in table.rows}
    ratio = float(rows["Risk ratio of one, with and without two"])
    share = (ratio - 1) / 30 / (1 + (ratio - 1) / 30)
    assert float(rows["Excess fraction of one"]) == pytest.approx(share, abs=0.0005)
    assert 0 < float(rows["Phi, the correlation of the two"]) < 1
    assert "nothing here shows that" in table.note


def test_a_note_on_the_conditions_stands_among_what_is_assumed() -> None:
    options = {"burden": BURDEN | {"note": "None of the 3 studies is about them"}}
    said = texts(build_section("burden", options=options))
    assert "by the two conditions. None of the 3 studies is about them. The numbers count" in said
    plain = texts(build_section("burden", options={"burden": BURDEN}))
    assert "by the two conditions. The numbers count people who have both" in plain


def test_rare_conditions_are_told_of_more_people() -> None:
    options = {"burden": BURDEN | {"p1": 0.002, "p2": 0.001}}
    assert "of 1,000,000 people would be expected" in texts(
        build_section("burden", options=options)
    )


def test_a_prevalence_that_is_none_and_one_that_is_missing_are_named() -> None:
    with pytest.raises(cb.ReportError, match=r"report.toml: \[analyses.burden\]: p1 is 20"):
        build_section("burden", options={"burden": BURDEN | {"p1": 20}})
    with pytest.raises(cb.ReportError, match="no source2, who says so"):
        build_section(
            "burden", options={"burden": {k: v for k, v in BURDEN.items() if k != "source2"}}
        )


def test_an_association_near_its_end_is_told_of_a_million() -> None:
    rows = ["study_id,measure,estimate,ci_low,ci_high", "a,OR,1e-9,0.9e-9,1.111e-9"]
    said = texts(build_section("burden", studies="\n".join(rows), options={"burden": BURDEN}))
    assert "of 1,000,000 people" in said
    assert "implies that 0.0 have both" in said


# Deviations


def test_undoing_each_decision_is_the_pool_without_it() -> None:
    pooled = cb.pool(cb.effects(STUDIES, overrides=OVERRIDES))
    found = without_overrides(pooled, studies=STUDIES, overrides=OVERRIDES)
    assert found.labels == ("Ghandour 2004 (counts)", "Swain 2014 (counts)", ALL)
    for i, rest in enumerate((OVERRIDES[1:], OVERRIDES[:1], ())):
        without = cb.pool(cb.effects(STUDIES, overrides=rest))
        assert found.batch.estimate[i] == pytest.approx(without.estimate, rel=1e-9)
        assert found.batch.pi_low[i] == pytest.approx(without.pi[0], rel=1e-9)


def test_undoing_an_exclusion_brings_the_study_back() -> None:
    exclude = cb.Override("ashina2018-1", use="exclude", reason="Too small.")
    pooled = cb.pool(cb.effects(STUDIES, overrides=[exclude]))
    found = without_overrides(pooled, studies=STUDIES, overrides=[exclude])
    assert (pooled.k, found.batch.k.tolist()) == (5, [6])
    assert found.batch.estimate[0] == pytest.approx(cb.pool(cb.effects(STUDIES)).estimate)
    left_out = deviations.not_pooled(pooled, STUDIES)
    assert deviations.not_pooled_words(left_out) == (
        "Not pooled is 1 study of the table: Ashina 2018."
    )
    assert (
        deviations.not_pooled_words(("a", "b")) == "Not pooled are 2 studies of the table: a and b."
    )


def test_a_decision_that_the_effects_need_says_so() -> None:
    text = (
        "study_id,measure,estimate,ci_low,ci_high\n"
        "a,OR,2.0,1.0,4.0\nb,OR,3.0,1.5,6.0\nc,RR,2.0,1.0,4.0\n"
    )
    studies = studies_from_bytes(text.encode(), source="s.csv")
    exclude = cb.Override(studies.frame["estimate_id"][2], use="exclude", reason="A risk ratio.")
    pooled = cb.pool(cb.effects(studies, overrides=[exclude]))
    found = without_overrides(pooled, studies=studies, overrides=[exclude])
    assert "reports RR, not OR" in found.reasons[0]
    assert deviations.undoing(pooled, found) == (
        "The effects cannot be computed without these decisions."
    )


def test_no_decision_no_deviation_and_defaults() -> None:
    said = texts(build_section("deviations"))
    assert "No decision about a single estimate was made." in said
    assert "No protocol of this analysis is named, and no deviation is declared." in said
    assert "Estimator of tau², interval and level are the defaults." in said


def test_a_declared_deviation_may_hold_numbers(tmp_path: Path) -> None:
    (tmp_path / "studies.csv").write_text(
        "study_id,measure,estimate,ci_low,ci_high\na,OR,2,1,4\nb,OR,3,1.5,6\n", encoding="utf-8"
    )
    (tmp_path / "report.toml").write_text(
        """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["deviations"]
[[deviation]]
what = "We searched 7 of 9 databases until 2031."
why = "The budget was 3.7 % smaller."
""",
        encoding="utf-8",
    )
    assert "7 of 9 databases" in cb.build(tmp_path).render("markdown").decode()


@pytest.mark.parametrize("number", [1, 2])
def test_decisions_of_the_summary_are_not_listed_again(number: int) -> None:
    chosen = OVERRIDES[:number]
    pooled = cb.pool(cb.effects(STUDIES, overrides=chosen))
    blocks = deviations.deviations(
        pooled,
        without_overrides(pooled, studies=STUDIES, overrides=chosen),
        left_out=(),
        studies=STUDIES,
        overrides=chosen,
        declared=[],
        defaults=DEFAULTS,
        preset="",
        protocol=False,
        reasons=False,
    )
    said = {1: "1 decision stands", 2: "2 decisions stand"}[number]
    assert f"{said} in the summary, with reasons." in texts(blocks)
    assert "Items" not in kinds(blocks)
    assert "Table" in kinds(blocks)


def test_deviations_and_settings_are_listed() -> None:
    pooled = cb.pool(cb.effects(STUDIES, overrides=OVERRIDES), method="DL", level=0.9)
    refits = without_overrides(pooled, studies=STUDIES, overrides=OVERRIDES)
    declared = [Deviation("No search for grey literature.", "No time was left.")]
    blocks = deviations.deviations(
        pooled,
        refits,
        left_out=(),
        studies=STUDIES,
        overrides=OVERRIDES,
        declared=[(d.what, d.why) for d in declared],
        defaults=DEFAULTS,
        preset="",
        protocol=False,
    )
    items = [block for block in blocks if isinstance(block, cb.Items)]
    assert items[1].items == ((cb.Strong("No search for grey literature."), " No time was left."),)
    assert deviations.settings(pooled, DEFAULTS, preset="") == (
        "Other than by default: estimator of tau² DL in place of REML and level 90 % in place of "
        "95 %."
    )
    assert "The confidence interval excludes 1 with and without them." in texts(blocks)


def test_settings_are_compared_with_the_preset() -> None:
    pooled = fit([0.5, 0.9, 0.2], [0.03, 0.08, 0.02], method="DL", test="z")
    own = cb.find_preset("revman5")
    defaults = {**own.settings(pooled.effects), "level": 0.95}
    assert deviations.settings(pooled, defaults, preset="revman5") == (
        "Estimator of tau², interval and level are those of the preset revman5."
    )
    other = fit([0.5, 0.9, 0.2], [0.03, 0.08, 0.02], method="PM", test="z")
    assert deviations.settings(other, defaults, preset="revman5") == (
        "Other than by the preset revman5: estimator of tau² PM in place of DL."
    )


def test_a_measure_of_a_plugin_goes_through_all_of_them(tmp_path: Path) -> None:
    def rate(rows: Any) -> Any:
        return rows["x"] / rows["n"], rows["x"] / rows["n"] ** 2

    measure = cb.Measure("RATE", "rate", ("x", "n"), rate, "identity", 0.0, "")
    plugin = types.ModuleType("one")
    plugin.comorbid_measures = cb.hookimpl(lambda: [measure])  # type: ignore[attr-defined]
    (tmp_path / "studies.csv").write_text(
        "study_id,x,n\na,5,100\nb,7,90\nc,9,200\nd,3,20\n", encoding="utf-8"
    )
    (tmp_path / "report.toml").write_text(
        """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
measure = "RATE"
sections = ["other-rows", "subgroups", "meta-regression", "multiverse", "deviations"]
[analyses]
subgroups = { by = "x" }
meta-regression = { formula = "~ x" }
[[override]]
estimate = "d"
use = "exclude"
reason = "It is of other people."
""",
        encoding="utf-8",
    )
    report = build_with(read_definition(tmp_path), registry(plugin), Calls())
    results: Any = report.lock["results"]
    assert results["multiverse"]["values"]["measure"] == "RATE"
    assert results["overrides"]["values"]["without"]["k"] == [4]


def test_without_a_study_each_says_why_there_is_nothing(tmp_path: Path) -> None:
    sections = ["subgroups", "meta-regression", "funnel", "multiverse", "burden", "deviations"]
    (tmp_path / "studies.csv").write_text(studies_csv(1), encoding="utf-8")
    (tmp_path / "report.toml").write_text(
        f"""
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = {sections}
[analyses]
subgroups = {{ by = "n" }}
meta-regression = {{ formula = "~ n" }}
[analyses.burden]
condition1 = "one"
p1 = 0.2
source1 = "a register"
condition2 = "two"
p2 = 0.1
source2 = "a survey"
[[override]]
estimate = "study-1"
use = "exclude"
reason = "It is of other people."
""",
        encoding="utf-8",
    )
    report = cb.build(tmp_path)
    for section in report.document.sections[: len(sections)]:
        assert len(section.blocks) == 1, section.id
        assert "pooled" in texts(section.blocks)


def test_what_the_sections_need_is_locked() -> None:
    options: dict[str, dict[str, object]] = {
        "subgroups": {"by": "sex"},
        "meta-regression": {"formula": "~ dose"},
        "burden": BURDEN,
    }
    studies = studies_csv(11, sex=["f", "m"] * 5 + ["f"], dose=[float(i) for i in range(11)])
    sections = ["subgroups", "meta-regression", "funnel", "multiverse", "burden", "deviations"]
    computed, _ = build_document(sections, registry(), studies, {}, options)
    results: Any = computed.lock()["results"]
    assert results["subgroups"]["values"]["by"]["sex"]["labels"] == ["f", "m"]
    assert results["meta-regression"]["values"]["ends"]["at"] == [0.0, 10.0]
    assert results["small-study-effects"]["values"]["tests"]["egger"]["k"] == 11
    assert results["multiverse"]["values"]["ways"] == 180
    assert results["burden"]["values"]["people"]["size"] == 1000.0
    assert results["overrides"]["values"]["without"]["labels"] == []
