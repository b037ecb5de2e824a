"""Checks of what the main pool puts together; the tables are made for the checks."""

from __future__ import annotations

import pytest

import comorbid as cb
from comorbid.studies import Finding, Studies
from comorbid.studies.audit import audit
from comorbid.studies.read import studies_from_bytes


def table(*lines: str) -> Studies:
    return studies_from_bytes("\n".join(lines).encode(), source="s.csv")


def found(studies: Studies, code: str) -> list[Finding]:
    return [finding for finding in audit(studies).findings if finding.code == code]


HEADER = "study_id,measure,estimate,ci_low,ci_high"


def test_mixed_measures() -> None:
    # Jones 2003: a risk ratio of 1.6 (0.97-2.8) among odds ratios
    studies = table(HEADER, "a,OR,2.55,1.49,4.38", "jones,RR,1.6,0.97,2.8", "c,OR,2.0,1.2,3.3")
    (finding,) = found(studies, "mixed-measures")
    assert (finding.severity, finding.rows) == ("warning", ("jones",))
    assert finding.found == (
        "Of the 3 rows of the main pool with an estimate the measure is OR on 2, RR on 1."
    )


def test_a_row_outside_the_pool_mixes_nothing() -> None:
    studies = table(
        f"{HEADER},primary,adjustment",
        "a,OR,2.55,1.49,4.38,yes,adjusted",
        "jones,RR,1.6,0.97,2.8,no,crude",
    )
    assert not found(studies, "mixed-measures")
    assert not found(studies, "mixed-adjustment")


def test_mixed_adjustment_of_the_bundled_data() -> None:
    finding = next(
        f for f in cb.audit(cb.datasets.headache_back_pain()).findings if "adjustm" in f.code
    )
    assert (finding.severity, finding.rows) == ("note", ("swain2014-1", "bejia2005-1"))
    assert finding.found == (
        "The main pool has 3 adjusted and 2 crude estimates; 1 of the 6 says neither."
    )
    assert [effect.after.k for effect in finding.effects] == [4, 3]


@pytest.mark.parametrize(
    ("words", "mixed"),
    [
        (("adjusted", "crude"), True),
        (("Adjusted for age", "unadjusted"), True),
        (("multivariable", "univariable"), True),
        (("adjusted", "unclear"), False),
        (("adjusted", ""), False),
        (("crude", "crude"), False),
    ],
)
def test_words_for_adjustment(words: tuple[str, str], mixed: bool) -> None:
    rows = [f"{id_},OR,2.0,1.0,4.0,{word}" for id_, word in zip("ab", words, strict=True)]
    assert bool(found(table(f"{HEADER},adjustment", *rows), "mixed-adjustment")) is mixed


def test_same_figures_in_two_studies() -> None:
    rows = ["a,OR,2.55,1.49,4.38", "b,OR,2.0,1.2,3.3", "c,OR,2.55,1.49,4.38"]
    (finding,) = found(table(HEADER, *rows), "same-figures")
    assert (finding.severity, finding.rows) == ("warning", ("a", "c"))
    assert finding.found == "a and c have the same figures: 2.55, 1.49, 4.38."
    assert finding.repairs[0].exclude == ("c",)


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        # 1.2, 0.8, 1.8 have 5 significant digits: others have them by chance
        (("a,OR,1.2,0.8,1.8,", "b,OR,1.2,0.8,1.8,"), "note"),
        (("a,OR,1.2,0.8,1.8,412", "b,OR,1.2,0.8,1.8,412"), "warning"),
        (("a,OR,1.2,0.8,1.8,412", "b,OR,1.2,0.8,1.8,413"), None),
        (("a,OR,2,1,4,", "b,OR,2,1,4,"), None),
    ],
)
def test_few_digits_may_be_the_same_by_chance(rows: tuple[str, str], severity: str | None) -> None:
    findings = found(table(f"{HEADER},n", *rows), "same-figures")
    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


def test_the_same_counts_with_other_estimates() -> None:
    header = f"{HEADER},ai,bi,ci,di"
    rows = ["a,OR,2.55,1.49,4.38,51,125,24,150", "b,OR,2.6,1.5,4.4,51,125,24,150"]
    (finding,) = found(table(header, *rows), "same-figures")
    assert finding.found == "a and b have the same figures: 51, 125, 24, 150."


def test_rows_of_one_study_are_another_finding() -> None:
    header = HEADER.replace("study_id", "study_id,estimate_id")
    studies = table(header, "a,1,OR,2.55,1.49,4.38", "a,2,OR,2.55,1.49,4.38")
    assert not found(studies, "same-figures")
    assert found(studies, "several-rows-per-study")


PLACE = f"{HEADER},author,year,country,n"


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ("b,OR,1.9,1.1,3.2,bejia,2007,Tunisia,500", "the first author and the country"),
        ("b,OR,1.9,1.1,3.2,Bejia et al.,2007,Tunisia,500", "the first author and the country"),
        ("b,OR,1.9,1.1,3.2,Bejiani,2007,Tunisia,622", None),
        ("b,OR,1.9,1.1,3.2,Bejia,2007,Tunisia,622", "the first author, the country and n"),
        ("b,OR,1.9,1.1,3.2,Bejia,2015,France,622", "the first author and n"),
        ("b,OR,1.9,1.1,3.2,Bejia,2015,Tunisia,500", None),
        ("b,OR,1.9,1.1,3.2,Bejia,2007,France,500", None),
        ("b,OR,1.9,1.1,3.2,Bejia,2007,,", None),
        ("b,OR,1.9,1.1,3.2,Sjolie,2005,Tunisia,622", None),
        ("b,OR,1.9,1.1,3.2,,2005,Tunisia,622", None),
    ],
)
def test_same_people(other: str, shared: str | None) -> None:
    studies = table(PLACE, "a,OR,2.55,1.49,4.38,Bejia,2005,Tunisia,622", other)
    findings = found(studies, "same-people")
    assert len(findings) == (shared is not None)
    for finding in findings:
        assert finding.severity == "note"
        assert finding.rows == ("a", "b")
        assert finding.found.endswith(f"share {shared}.")


def test_nothing_of_no_rows() -> None:
    a, b = "a,OR,2.55,1.49,4.38,1", "b,RR,2.55,1.49,4.38,2"
    none = table(f"{HEADER},dose", a, b).select({"dose": ["1"], "measure": ["RR"]})
    assert not audit(none).findings
