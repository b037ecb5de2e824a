"""Sections of the core, each built alone, from no study to many."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from golden_data import DATA

import comorbid as cb
from comorbid.document.blocks import Block, Figure, Note, Paragraph, Table
from comorbid.document.sections import certainty as certainty_section, heterogeneity, sensitivity
from comorbid.document.sections.notices import notes
from comorbid.findings import Findings, findings
from comorbid.models.spread import spread
from comorbid.testing import build_section, studies_csv

OWN = (
    *("summary", "summary-of-findings", "certainty", "forest", "heterogeneity", "influence"),
    "funnel",
)
HUGE = {"yi": [0.1, 0.9, 2.0, 3.5, 5.0], "vi": [1e-4] * 5}
ALIKE = {"yi": [0.5, 0.51, 0.5, 0.49, 0.5], "vi": [0.05] * 5}
BOTH = "The estimates of the 3 studies do not all lie on one side of 1"
SOME = {"yi": [0.1, 0.9, 0.4, 1.3], "vi": [0.03, 0.08, 0.02, 0.05]}


def fit(yi: list[float], vi: list[float], **settings: Any) -> cb.Fit:
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR"), **settings)


def text(blocks: tuple[Block, ...]) -> str:
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Paragraph | Note):
            inline = (block.text,) if isinstance(block.text, str) else block.text
            parts += [run if isinstance(run, str) else getattr(run, "text", "") for run in inline]
            parts += [block.title] if isinstance(block, Note) else []
        elif isinstance(block, Table):
            parts += [cell for row in block.rows for cell in row]
    return " ".join(parts)


def titles(blocks: tuple[Block, ...]) -> list[str]:
    return [block.title for block in blocks if isinstance(block, Note) and block.title]


def of(given: dict[str, list[float]], **settings: Any) -> tuple[Block, ...]:
    found = fit(**given, **settings)
    return heterogeneity.heterogeneity(found, spread(found))


@pytest.mark.parametrize("k", [1, 2, 3, 12])
@pytest.mark.parametrize("name", [*OWN, "leave-one-out", "cumulative"])
def test_every_section_is_built_alone_from_one_study_on(name: str, k: int) -> None:
    studies = studies_csv(k, year=[1990 + i for i in range(k)])
    blocks = build_section(name, studies=studies)
    assert blocks
    found = titles(blocks)
    assert len(set(found)) == len(found)
    assert "There is nothing to report here" not in found


@pytest.mark.parametrize("name", [*OWN, "methods", "studies"])
def test_no_study_is_said_and_is_no_error(name: str) -> None:
    studies = studies_csv(2, estimate=["", ""], ci_low=["", ""], ci_high=["", ""])
    with pytest.warns(cb.DataWarning):
        section = build_section(name, studies=studies)
    said = text(section)
    assert "No study is pooled" in said


def test_cumulative_without_years_says_of_which_study() -> None:
    studies = studies_csv(3, year=["1990", "", "2000"])
    said = text(build_section("cumulative", studies=studies))
    assert "there is no year of study-2." in said


def test_heterogeneity_of_one_study() -> None:
    blocks = of({"yi": [0.5], "vi": [0.03]})
    assert text(blocks) == "With one study nothing can be said about differences between studies."


def test_heterogeneity_of_two_studies_has_an_interval_and_says_that_it_is_wide() -> None:
    said = text(of({"yi": [0.5, 0.6], "vi": [0.03, 0.08]}))
    assert "with 2 studies neither says much" in said
    assert "The 95 % interval of tau² reaches from 0 to 5.04: the data agree with no" in said
    assert "what is called low (25 %) and what is called high (75 %)" in said
    assert "tau² is estimated as 0" in said


def test_huge_heterogeneity() -> None:
    said = text(of(HUGE))
    assert "over 99 %" in said
    assert "leaves out 0: sampling error alone does not account" in said
    assert "called low" not in said


def test_estimates_more_alike_than_chance() -> None:
    """The Q-profile interval is empty where Q at 0 is below the quantile 0.025 of chi-squared."""
    found = fit(**ALIKE)
    assert found.heterogeneity().warnings
    said = text(of(ALIKE))
    assert "holds nothing above 0: the estimates are more alike than sampling error" in said
    assert "that it is not small does not show that they have" in said


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"method": "EE", "test": "z"}, "The equal-effects model takes all studies to have one"),
        ({"tau2": 0.1}, "Tau2 was set and not estimated"),
    ],
)
def test_models_without_an_estimated_tau2_give_the_reason(
    settings: dict[str, Any], reason: str
) -> None:
    blocks = of(SOME, **settings)
    assert reason in text(blocks)
    assert not any(isinstance(block, Table | Figure) for block in blocks)


@pytest.mark.parametrize("method", ["REML", "ML", "DL", "PM"])
def test_numbers_of_heterogeneity_are_those_of_the_fit(method: str) -> None:
    found = fit(**SOME, method=method)
    result = spread(found)
    assert result.intervals is not None
    assert result.intervals.tau2 == found.tau2
    assert result.intervals.tau2_ci == found.tau2_ci()
    locked = result.to_dict()
    assert locked["intervals"]["tau2"] == found.tau2
    # Half the 0.95 quantile of chi-squared with one degree of freedom.
    assert locked["curve"]["drop"] == pytest.approx(3.841458820694124 / 2, rel=1e-9)


def test_influence_of_few_studies_and_of_none_flagged() -> None:
    two = fit([0.5, 0.6], [0.03, 0.08])
    (only,) = sensitivity.influence(two, cb.influence(two))
    assert "fewer than three studies" in text((only,))
    same = fit([0.1, 0.5, 0.2, 0.4, 0.3, 0.35], [0.05] * 6, test="z")
    said = sensitivity.influence(same, cb.influence(same))
    assert "flag none of the 6 studies." in text(said)
    assert not any(isinstance(block, Table) for block in said)


def test_influence_lists_those_flagged_alone() -> None:
    far = fit([0.1, 0.2, 0.3, 2.0, 0.4], [0.03, 0.08, 0.02, 0.05, 0.04])
    found = cb.influence(far)
    blocks = sensitivity.influence(far, found)
    (table,) = (block for block in blocks if isinstance(block, Table))
    flagged = [n for n, flag in zip(found.labels, found.flagged, strict=True) if flag]
    assert [row[0] for row in table.rows] == flagged == ["Study 4"]
    assert "flag 1 of the 5 studies: Study 4." in text(blocks)
    assert "the audit's outliers are judged without that. DFFITS" in table.note
    same = fit([0.1, 0.2, 0.3, 2.0, 0.4], [0.03, 0.08, 0.02, 0.05, 0.04], test="z")
    (table,) = (b for b in sensitivity.influence(same, cb.influence(same)) if isinstance(b, Table))
    assert "from the fit without the study. DFFITS" in table.note


def test_three_intervals_stand_beside_each_other_where_there_are_few() -> None:
    few = fit([0.1, 0.9], [0.03, 0.08])
    (note,) = notes(few, about=("average",))
    ends = [cb.prose.interval((math.exp(a), math.exp(b))) for a, b in few.intervals().values()]
    assert (
        f"stand side by side (95 %): classic (normal) {ends[0]}, Knapp-Hartung {ends[1]} and ad "
        f"hoc Knapp-Hartung {ends[2]}, the last never narrower than the first "
    ) in text((note,))
    assert "side by side" not in text(notes(fit(**SOME), about=("average",)))


def test_a_second_maximum_is_said_to_be_where_it_is_and_how_much_lower() -> None:
    """A data set of the source with maxima at 0.0965 and 0: tests/golden/data/README.md.

    Its log-likelihoods, 0.74550 and 0.39257, differ by 0.353.
    """
    case = json.loads((DATA / "reml-global-maximum.json").read_text())[0]
    two = cb.pool(cb.Effects(yi=case["yi"], vi=case["vi"]))
    said = text(notes(two, about=("heterogeneity",)))
    assert "has 2 maxima; the highest is used" in said
    assert "They are at tau² = 0.0965 and 0, the highest first; at the other the log-" in said
    assert "likelihood is lower by 0.353" in said


def test_notices_stand_in_the_sections_that_they_are_about() -> None:
    assert titles(build_section("funnel", studies=studies_csv(9))) == ["Fewer than 10 studies"]
    assert titles(build_section("funnel", studies=studies_csv(10))) == []
    for name in ("summary", "forest"):
        assert "Only 3 studies" in titles(build_section(name, studies=studies_csv(3)))


def test_facts_about_certainty_are_counted() -> None:
    """The people are those of estimates.csv; the intervals that miss the average are counted."""
    studies = cb.datasets.headache_back_pain()
    pooled = cb.pool(cb.effects(studies))
    found = findings(pooled, studies=studies)
    assert (found.k, found.above, found.below) == (6, 6, 0)
    assert found.participants == 8250 + 88 + 404206 + 796 + 350 + 9944
    assert found.without_n == ()
    table = pooled.to_frame()
    miss = (table["ci_low"] > pooled.estimate) | (table["ci_high"] < pooled.estimate)
    assert found.apart == int(miss.sum()) == len(table[miss])
    assert found.times == pytest.approx(pooled.on_scale().ci[1] / pooled.on_scale().ci[0])
    assert not found.asymmetry_assessable


@pytest.mark.parametrize(
    ("yi", "expected"),
    [
        ([0.5], "There is one study, with no other"),
        ([0.5, 0.7], "The estimates of both studies lie above 1; the confidence interval of none"),
        ([-0.5, -0.7, -0.9], "The estimates of all 3 studies lie below 1; "),
        ([-0.5, 0.7, 0.9], f"{BOTH} (2 above, 1 below); "),
        ([-0.5, 0.0, 0.9], f"{BOTH} (1 above, 1 below, 1 at it); "),
    ],
)
def test_inconsistency_in_words(yi: list[float], expected: str) -> None:
    found = fit(yi, [0.04] * len(yi))
    facts = Findings(
        k=found.k,
        participants=0,
        without_n=(),
        above=sum(y > 0 for y in yi),
        below=sum(y < 0 for y in yi),
        at=sum(y == 0 for y in yi),
        apart=0,
        pairs=0,
        overlapping=0,
        times=2.0,
    )
    assert certainty_section.inconsistency(found, facts).startswith(expected)


def test_summary_of_findings_gives_no_level_of_certainty() -> None:
    said = text(build_section("summary-of-findings", studies=studies_csv(12)))
    assert "No level of certainty" in said
    for word in ("high", "moderate", "very low", "serious"):
        assert word not in said
    facts = text(build_section("certainty", studies=studies_csv(12)))
    assert "can be assessed, with 12 studies: Egger's test gives p = " in facts


@pytest.mark.parametrize("k", [2, 12])
def test_what_is_printed_of_two_maxima_and_of_huge_intervals_is_locked(k: int) -> None:
    """A section with a number that is not locked cannot be built."""
    cases = json.loads((DATA / "reml-global-maximum.json").read_text())
    case = next(case for case in cases if case["maxima"] > 1 and len(case["yi"]) == 12)
    yi, vi = ([3.0, -2.0], [0.2, 0.3]) if k == 2 else (case["yi"], case["vi"])
    columns = {
        name: [f"{math.exp(y + z * math.sqrt(v)):.6g}" for y, v in zip(yi, vi, strict=True)]
        for name, z in (("estimate", 0.0), ("ci_low", -1.959964), ("ci_high", 1.959964))
    }
    for name in ("summary", "summary-of-findings", "certainty", "heterogeneity", "influence"):
        assert build_section(name, studies=studies_csv(k, **columns))
