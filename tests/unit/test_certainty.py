"""Certainty: facts computed, judgements as given, and a level only where all was judged."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from test_results import CELLS

import comorbid as cb
from comorbid.certainty import Certainty
from comorbid.document.sections import certainty as section
from comorbid.findings import findings
from comorbid.grade import ALLOWED, DOWN, START, UP
from comorbid.information_size import information_size
from comorbid.models.spread import spread
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section, studies_csv

WHY = "for a reason"
NOT = {name: ("undetected" if name == "publication_bias" else "not serious", WHY) for name in DOWN}


def table(k: int = 10, **columns: Any) -> cb.Studies:
    return studies_from_bytes(studies_csv(k, **columns).encode(), source="studies.csv")


def counts(rows: list[tuple[int, int, int, int]], measure: str) -> tuple[cb.Fit, cb.Studies]:
    lines = [
        "study_id,ai,bi,ci,di",
        *(f"s{i},{a},{b},{c},{d}" for i, (a, b, c, d) in enumerate(rows)),
    ]
    studies = studies_from_bytes("\n".join(lines).encode(), source="studies.csv")
    return cb.pool(cb.effects(studies, measure=measure)), studies


def found(k: int = 10, **given: Any) -> Certainty:
    studies = table(k, **given.pop("columns", {}))
    return cb.certainty(cb.pool(cb.effects(studies)), studies=studies, **given)


# The level


@pytest.mark.parametrize(
    ("start", "changed", "level"),
    [
        ("high", {}, "high"),
        ("low", {}, "low"),
        ("high", {"risk_of_bias": "serious"}, "moderate"),
        ("high", {"risk_of_bias": "serious", "publication_bias": "strongly suspected"}, "low"),
        ("high", {"imprecision": "very serious", "inconsistency": "serious"}, "very low"),
        ("low", {"indirectness": "very serious", "imprecision": "very serious"}, "very low"),
        ("low", {"large_effect": "large"}, "moderate"),
        ("low", {"large_effect": "very large", "dose_response": "yes"}, "high"),
        ("low", {"large_effect": "no", "plausible_confounding": "no"}, "low"),
    ],
)
def test_levels_follow_grade(start: str, changed: dict[str, str], level: str) -> None:
    """GRADE guidelines 1 and 3: the sum of the steps of each domain.

    Guyatt 2011, doi:10.1016/j.jclinepi.2010.04.026; Balshem 2011,
    doi:10.1016/j.jclinepi.2010.07.015.
    """
    judgements = NOT | {name: (rating, WHY) for name, rating in changed.items()}
    assert found(start=(start, WHY), judgements=judgements).rating == level


@pytest.mark.parametrize("missing", ["start", *DOWN])
def test_without_one_judgement_there_is_no_level(missing: str) -> None:
    start = None if missing == "start" else ("low", WHY)
    judgements = {name: one for name, one in NOT.items() if name != missing}
    one = found(start=start, judgements=judgements)
    assert (one.rating, one.not_judged) == ("", (missing,))
    said = section.rating(one)
    assert said.startswith("No level of certainty is given")
    assert section._NAMES.get(missing, "where it starts").lower() in said


def test_every_sum_of_judgements_is_one_of_the_four_levels() -> None:
    ratings = [[(rating, WHY) for rating in allowed] for allowed in DOWN.values()]
    for start, *down in itertools.product(START, *ratings):
        one = found(3, start=(start, WHY), judgements=dict(zip(DOWN, down, strict=True)))
        total = START[start] + sum(
            ALLOWED[name][r] for name, (r, _) in zip(DOWN, down, strict=True)
        )
        expected = {4: "high", 3: "moderate", 2: "low"}.get(total, "very low")
        assert one.rating == expected


def test_what_grade_does_rarely_is_said() -> None:
    judgements = NOT | {"imprecision": ("serious", WHY), "large_effect": ("large", WHY)}
    one = found(start=("high", WHY), judgements=judgements)
    assert [note[:8] for note in one.warnings] == ["rated up", "begins a"]


def test_all_that_is_wrong_with_judgements_is_said_at_once() -> None:
    with pytest.raises(cb.DataError) as caught:
        found(
            start=("medium", WHY),
            judgements={"luck": ("serious", WHY), "imprecision": ("serious", " ")},
        )
    said = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "'luck' is no domain; use one of start, risk_of_bias" in said
    assert "give one of low, high, and why" in said
    assert "give one of not serious, serious, very serious, and why" in said


# The facts


def test_pairs_of_intervals_that_overlap_are_counted_one_by_one() -> None:
    studies = table(12)
    fit = cb.pool(cb.effects(studies))
    half = stats.norm.ppf(0.975) * np.sqrt(fit.effects.vi)
    ends = list(zip(fit.effects.yi - half, fit.effects.yi + half, strict=True))
    pairs = list(itertools.combinations(ends, 2))
    facts = findings(fit, studies=studies)
    assert facts.pairs == len(pairs) == 66
    assert facts.overlapping == sum(a[0] <= b[1] and b[0] <= a[1] for a, b in pairs)


@pytest.mark.parametrize(
    ("p1", "p2", "each"),
    [(0.15, 0.2, 905.3658), (0.075, 0.1, 2004.209)],
)
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_size_of_equal_groups_is_that_of_r(measure: str, p1: float, p2: float, each: float) -> None:
    """R 4.2.2: power.prop.test(p1 = .2, p2 = .15, power = .8)$n and of .1 and .075."""
    fit, studies = counts([(300, 700, round(1000 * p2), 1000 - round(1000 * p2))], measure)
    threshold = {"RR": p1 / p2, "OR": p1 / (1 - p1) * (1 - p2) / p2, "RD": p1 - p2}[measure]
    size = information_size(fit, studies=studies, threshold=threshold)
    assert size.needed == 2 * math.ceil(each)
    assert (size.risk, size.people) == (pytest.approx(p2), 2000)
    assert size.other == pytest.approx(p1)


@pytest.mark.parametrize("r", [0.2, 1.0, 7.5])
def test_a_study_of_this_size_has_the_power(r: float) -> None:
    """The power of the test of two proportions in groups of unequal size has its own formula.

    Z = (z sqrt(p q / (w1 w2)) - d sqrt(N)) / sqrt(p1 q1 / w1 + p2 q2 / w2), power 1 - Phi(Z), with
    the shares w of the groups and p their mean risk (Fleiss, Tytun and Ury 1980, without the
    correction for continuity).
    """
    n1, n2 = 4000, round(4000 * r)
    c = round(0.1 * n2)
    fit, studies = counts([(500, n1 - 500, c, n2 - c)], "RR")
    size = information_size(fit, studies=studies, threshold=1.5)
    p1, p2, w1, w2 = size.other, size.risk, n1 / (n1 + n2), n2 / (n1 + n2)
    mean = w1 * p1 + w2 * p2
    z = stats.norm.ppf(0.975) * math.sqrt(mean * (1 - mean) / (w1 * w2))
    z -= (p1 - p2) * math.sqrt(size.needed)
    z /= math.sqrt(p1 * (1 - p1) / w1 + p2 * (1 - p2) / w2)
    assert 1 - stats.norm.cdf(z) == pytest.approx(0.8, abs=0.002)


def test_where_the_size_cannot_be_said_is_why() -> None:
    one = found(threshold=1.25)
    assert one.size is not None
    assert one.size.reason == "the counts of 10 of the 10 studies are not known"
    fit, studies = counts([(30, 70, 20, 80)], "RR")
    beyond = information_size(fit, studies=studies, threshold=6.0)
    assert "allows no risk in group 1" in beyond.reason
    other, _ = counts([(30, 70, 20, 80)], "PHI")
    assert "is defined here for OR, RR, RD, not for PHI" in (
        information_size(other, studies=studies, threshold=0.2).reason
    )


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf, 1.0, "1.25", True])
def test_a_threshold_that_is_none_is_refused(threshold: Any) -> None:
    with pytest.raises(cb.ModelError, match="give the smallest OR that matters"):
        found(threshold=threshold)


def test_null_and_threshold_are_in_the_interval_or_not() -> None:
    studies = table(10)
    fit = cb.pool(cb.effects(studies))
    low, high = fit.on_scale().ci
    for value, inside in ((low - 0.01, False), (low + 0.01, True), (high + 0.01, False)):
        one = cb.certainty(fit, studies=studies, threshold=value)
        assert (one.crosses_null, one.crosses_threshold) == (low <= 1 <= high, inside)
        where = section.threshold(fit, one).split("; the confidence interval ")[1]
        expected = "includes it" if inside else "lies above" if value < low else "lies below"
        assert where.startswith(expected)


def test_judgements_of_studies_come_from_the_table() -> None:
    columns = {"rob_overall": ["high", "low", "low"], "indirectness": ["low", "some concerns", ""]}
    one = found(3, columns=columns)
    assert one.bias is not None
    assert one.indirectness == {"low": 1, "some": 1, "not judged": 1}
    said = section.risk_of_bias(one)
    assert said.startswith("Overall: low risk in 2 studies (")
    assert "high risk in 1 study (" in said
    none = found(3)
    assert none.bias is None
    assert section.risk_of_bias(none) == "The study table has no judgements."
    by_domain = found(3, columns={"rob_a": ["low"] * 3})
    assert "no overall judgement" in section.risk_of_bias(by_domain)


def test_tests_of_small_studies_begin_at_ten() -> None:
    assert found(9).tests == ()
    assert "fewer than 10 studies" in section.small_studies(found(9))
    (egger,) = found(10).tests
    assert egger.p_value == cb.asymmetry(cb.pool(cb.effects(table(10)))).p_value
    rows = list(zip(*(CELLS[name] for name in ("ai", "bi", "ci", "di")), strict=True))
    fit, studies = counts(rows, "OR")
    tests = cb.certainty(fit, studies=studies).tests
    assert [test.test for test in tests] == ["harbord", "peters"]


def test_a_fit_of_another_table_is_refused() -> None:
    fit = cb.pool(cb.Effects(yi=[0.1], vi=[0.1], ids=["z"]))
    with pytest.raises(cb.DataError, match="no row has the id 'z'; give the fit of effects"):
        cb.certainty(fit, studies=table(2))


# Words


@pytest.mark.parametrize("k", [1, 2, 3, 12])
@pytest.mark.parametrize("judged", [False, True])
def test_the_section_is_built_from_one_study_on(k: int, judged: bool) -> None:
    options = {"threshold": 1.25}
    if judged:
        options |= {name: list(one) for name, one in NOT.items()}
        options |= {"start": ["low", "they are surveys"], "large_effect": ["large", "it is"]}
    columns = {"rob_overall": ["low"] * k, "indirectness": ["high"] * k} if judged else {}
    blocks = build_section(
        "certainty", studies=studies_csv(k, **columns), options={"certainty": options}
    )
    (profile,) = [block for block in blocks if isinstance(block, cb.Table)]
    assert len(profile.rows) == (6 if judged else 5)
    assert all(row[2].startswith("Not judged") is not judged for row in profile.rows)
    said = str(blocks[0].text)
    assert ("certainty of the evidence is moderate" in said) is judged
    if judged:
        assert "starts at low (they are surveys); it goes up one level for large effect." in said
    if k == 1:
        assert profile.rows[1][1].startswith("There is one study, with no other")
    if k == 2:
        assert "Their two intervals " in profile.rows[1][1]


def test_no_level_is_named_that_nobody_judged() -> None:
    for name in ("certainty", "summary-of-findings"):
        blocks = build_section(name, studies=studies_csv(12))
        cells = [c for b in blocks if isinstance(b, cb.Table) for row in b.rows for c in row]
        for word in ("High", "Moderate", "Low", "Very low", "Serious"):
            assert word not in cells
        said = " ".join(str(b.text) for b in blocks if isinstance(b, cb.Paragraph))
        assert "it is a matter of judgement, and nothing was judged" in said


def test_the_summary_of_findings_names_the_level() -> None:
    options = {name: list(one) for name, one in NOT.items()} | {"start": ["high", "trials"]}
    blocks = build_section(
        "summary-of-findings", studies=studies_csv(3), options={"certainty": options}
    )
    (row,) = blocks[0].rows
    assert row[-1] == "High"
    assert "nothing moves it" in str(blocks[1].text)


def test_a_judgement_without_a_reason_stops_the_build_with_its_place() -> None:
    with pytest.raises(
        cb.ReportError, match=r"report.toml: \[analyses.certainty\]: imprecision is"
    ):
        build_section(
            "certainty", studies=studies_csv(3), options={"certainty": {"imprecision": "serious"}}
        )


def test_a_null_result_and_one_on_the_other_side() -> None:
    for mean, words in (
        (0.0, "includes 1, no association"),
        (-1.0, "leaves out 1, no association"),
    ):
        log = [mean - 0.05, mean, mean + 0.05]
        ends = {
            name: [f"{math.exp(y + z * 0.2):.4f}" for y in log]
            for name, z in (("estimate", 0), ("ci_low", -1.96), ("ci_high", 1.96))
        }
        studies = table(3, **ends)
        fit = cb.pool(cb.effects(studies), test="z")
        one = cb.certainty(fit, studies=studies, threshold=0.75)
        assert words in section.imprecision(fit, one.findings)
        blocks = section.certainty(fit, spread(fit), one)
        assert len(blocks) == 2


def test_every_rating_has_steps_and_only_upgrades_go_up() -> None:
    assert all(step <= 0 for allowed in DOWN.values() for step in allowed.values())
    assert all(step >= 0 for allowed in UP.values() for step in allowed.values())
    frame = found(start=("low", WHY), judgements=NOT).to_frame()
    assert frame.loc["imprecision", "rating"] == "not serious"
    assert math.isnan(frame.loc["large_effect", "steps"])
