"""Checks of means, standard deviations and percentages; the tables are made for the checks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

import comorbid as cb
from comorbid.studies import Finding, Studies
from comorbid.studies.audit import audit
from comorbid.studies.read import studies_from_bytes


def table(*lines: str) -> Studies:
    return studies_from_bytes("\n".join(lines).encode(), source="s.csv")


def found(studies: Studies) -> list[Finding]:
    return list(audit(studies).findings)


MEANS = "study_id,m1i,sd1i,n1i,m2i,sd2i,n2i"


def test_a_mean_that_whole_numbers_do_not_have() -> None:
    # 145/28 = 5.179, 146/28 = 5.214
    (finding,) = found(table(f"{MEANS},items", "a,5.19,1.60,28,5.21,1.60,28,1"))
    assert (finding.code, finding.severity, finding.rows) == ("impossible-mean", "error", ("a",))
    assert finding.found == "a: m1i is 5.19, sd1i 1.60, of 28 people."
    assert finding.expected == (
        "A mean of whole numbers is their sum over their number (GRIM); next to it are 5.179 and"
        " 5.214."
    )
    assert finding.remedy.startswith("Compare m1i, sd1i, n1i with the paper")


@pytest.mark.parametrize("header", [MEANS, f"{MEANS},scale_low", f"{MEANS},items"])
def test_nothing_is_tested_without_a_declaration(header: str) -> None:
    """Continuous outcomes have any mean: an empty cell, or no column, declares nothing."""
    more = "," * header.removeprefix(MEANS).count(",")
    assert not found(table(header, f"a,5.19,3.00,28,5.19,9.99,28{more}"))


def test_trailing_zeros_are_read_from_the_file() -> None:
    # 61/12 = 5.083: 5.1 to one decimal, never 5.10
    assert not found(table(f"{MEANS},items", "a,5.1,2,12,5.0,2,12,1"))
    (finding,) = found(table(f"{MEANS},items", "a,5.10,2,12,5.0,2,12,1"))
    assert "m1i is 5.10" in finding.found


def test_a_decimal_comma() -> None:
    text = f"{MEANS},items\na,5,19,1,60,28,5,21,1,60,28,1\n"
    text = text.replace(",", ";").replace("5;19", "5,19").replace("1;60", "1,60")
    (finding,) = found(table(text.replace("5;21", "5,21")))
    assert finding.found == "a: m1i is 5.19, sd1i 1.60, of 28 people."


def test_several_items_make_finer_scores() -> None:
    # rsprite2: 5.18 is possible for 14 people with 2 items each
    assert not found(table(f"{MEANS},items", "a,5.18,1.60,14,5.18,1.60,14,2"))
    assert len(found(table(f"{MEANS},items", "a,5.18,1.60,14,5.18,1.60,14,1"))) == 2


@pytest.mark.parametrize(
    ("figures", "code", "severity", "expected"),
    [
        # sum 21 of 5 on 1 to 7: from 4 4 4 4 5 to 7 7 5 1 1
        ("4.20,3.10", "impossible-sd", "error", "from 0.447 to 3.03."),
        ("4.20,0.40", "impossible-sd", "error", "from 0.447 to 3.03."),
        ("7.20,0.50", "impossible-mean", "error", "A mean on a scale from 1 to 7 lies on it."),
        ("4.20,1.64", None, "", ""),
        # of squares 99 and 101 give 1.64 and 1.79, and 100 is even while the sum is odd
        ("4.20,1.72", "impossible-sd", "warning", "odd exactly if their sum is"),
    ],
)
def test_scales_of_whole_numbers(
    figures: str, code: str | None, severity: str, expected: str
) -> None:
    header = "study_id,mi,sdi,ni,items,scale_low,scale_high"
    findings = found(table(header, f"a,{figures},5,1,1,7"))
    assert [finding.code for finding in findings] == ([] if code is None else [code])
    assert all(finding.severity == severity for finding in findings)
    assert all(expected in finding.expected for finding in findings)


def test_counts_have_a_low_end_alone() -> None:
    # all 21 days of one of 5 people: standard deviation 9.39
    header = "study_id,mi,sdi,ni,items,scale_low"
    assert not found(table(header, "a,4.20,9.39,5,1,0"))
    (finding,) = found(table(header, "a,4.20,9.41,5,1,0"))
    assert finding.expected.endswith("is from 0.447 to 9.39.")


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        # at most sqrt(3 x 7 x 20/19) = 4.702 around 3 on 0 to 10, 4.713 around 3.05
        ("3.0,4.7,20", None),
        ("3.0,4.72,20", None),
        ("3.0,4.8,20", "impossible-sd"),
        ("10.0,0.0,20", None),
        ("10.4,1.0,20", "impossible-mean"),
        ("-1,1.0,20", "impossible-mean"),
        ("3.0,,20", None),
        ("3.0,9.9,1", None),
    ],
)
def test_continuous_scales(figures: str, code: str | None) -> None:
    header = "study_id,mi,sdi,ni,scale_low,scale_high"
    findings = found(table(header, f"a,{figures},0,10"))
    assert [finding.code for finding in findings] == ([] if code is None else [code])


def test_a_scale_that_is_none_is_passed_over() -> None:
    header = "study_id,mi,sdi,ni,scale_low,scale_high"
    assert not found(table(header, "a,99.0,50.0,20,10,0", "b,99,50,20,,10"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("33.3,3", None),
        ("33.0,3", "next to 33.0 % are 0 (0.00 %) and 1 (33.33 %)."),
        ("33.3,10", "next to 33.3 % are 3 (30.00 %) and 4 (40.00 %)."),
        ("34,8250", None),
        ("101,200", "is a whole number of them, from none to all."),
        (",3", None),
        ("33.0,", None),
    ],
)
def test_percentages(cells: str, expected: str | None) -> None:
    findings = found(table("study_id,female_percent_of_n,n", f"a,{cells}"))
    assert len(findings) == (expected is not None)
    for finding in findings:
        assert (finding.code, finding.severity) == ("impossible-percentage", "warning")
        assert finding.expected.endswith(str(expected))


def test_percentages_say_in_their_name_of_what() -> None:
    header = "study_id,percent_of_n1i,n1i,percent_of_n2i,n2i,n_analysed,percent,percent_of_all"
    studies = table(header, "a,17,12,18,12,3,11,11", "b,17,11,18,11,3,11,11")
    assert [(f.rows, f.found) for f in found(studies)] == [
        (("a",), "a: percent_of_n2i is 18 % of 12 people."),
        (("b",), "b: percent_of_n1i is 17 % of 11 people."),
    ]


def test_text_in_place_of_figures_is_passed_over() -> None:
    assert not found(table("study_id,percent_of_n,n", "a,about a third,3"))
    assert not found(table(f"{MEANS},items", "a,n/a,1.6,28,5.19,1.6,28,some"))


CELLS = ["", "0", "1", "7", "28", "5.19", "5.2", "-3", "1e300", "1e-300", "9007199254740992"]
COLUMNS = ["mi", "sdi", "ni", "items", "scale_low", "scale_high", "percent_of_ni"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(CELLS), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_odd_figures_are_findings_or_nothing(cells: list[str]) -> None:
    audited = cb.audit(table(",".join(["study_id", *COLUMNS]), ",".join(["a", *cells])))
    assert audited.summary()
    assert all(finding.rows == ("a",) for finding in audited.findings)
