"""The audit: what it finds in the bundled data, and each check on small tables.

The small tables are made for the check they stand under; their numbers are no study's.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

import comorbid as cb
from comorbid.audited.audit import audit
from comorbid.studies import Audit, Finding, Studies
from comorbid.studies.datasets import headache_back_pain
from comorbid.studies.published import Interval, Rounded
from comorbid.studies.read import studies_from_bytes


def table(text: str) -> Studies:
    return studies_from_bytes(text.encode(), source="s.csv")


def found(studies: Studies, code: str) -> list[Finding]:
    return [finding for finding in audit(studies).findings if finding.code == code]


def only(studies: Studies, code: str) -> Finding:
    (finding,) = found(studies, code)
    return finding


@pytest.fixture(scope="module")
def bundled() -> Audit:
    return audit(headache_back_pain())


def test_findings_of_the_bundled_data(bundled: Audit) -> None:
    assert [(finding.severity, finding.code, finding.rows) for finding in bundled.findings] == [
        ("error", "impossible-interval", ("ghandour2004-1",)),
        ("warning", "incomplete-coverage", ()),
        ("warning", "not-pooled-by-authors", ()),
        ("note", "asymmetric-interval", ("ghandour2004-1",)),
        ("note", "asymmetric-interval", ("swain2014-1",)),
        # by the column adjustment: Swain and Bejia crude; Sjolie, Ashina and Yoon adjusted
        ("note", "mixed-adjustment", ("swain2014-1", "bejia2005-1")),
        (
            "note",
            "several-rows-per-study",
            (
                *("ashina2018-1", "ashina2018-2", "ashina2018-3", "ashina2018-4", "ashina2018-5"),
                *("yoon2013-1", "yoon2013-2", "yoon2013-3", "yoon2013-4"),
            ),
        ),
        ("note", "outside-review-range", ("ashina2018-3", "yoon2013-3", "yoon2013-4")),
        ("note", "nearly-all-weight", ("ghandour2004-1",)),
        ("note", "outlier", ("swain2014-1",)),
    ]


def test_ghandour_is_impossible(bundled: Audit) -> None:
    finding = bundled.findings[0]
    # by hand: log(2.1/2.09)/3.92, log(2.15/2.085)/3.92, 4/sqrt(8250), Woolf on 816 1131 1584 4719
    assert math.log(2.1 / 2.09) / 3.92 == pytest.approx(0.0012, abs=5e-5)
    assert math.log(2.15 / 2.085) / 3.92 == pytest.approx(0.0078, abs=5e-5)
    assert math.sqrt(1 / 816 + 1 / 1131 + 1 / 1584 + 1 / 4719) == pytest.approx(0.054, abs=5e-4)
    assert finding.found == (
        "Ghandour 2004: the printed 95 % interval 2.09 to 2.1 means a standard error of 0.0012 for"
        " the log odds ratio, 0.0078 at the widest its digits allow; the 2x2 counts of the row give"
        " 0.054."
    )
    # 16 / (log(2.1/2.09)/3.92)^2 = 10.8 million; the survey weights go up to 10,360,601 girls.
    # The rows of the table are 816 + 1131 and 1584 + 4719: sqrt(4/1947 + 4/6303) = 0.0519
    assert finding.expected == (
        "No 2x2 table of 8,250 people gives less than 4/sqrt(n) = 0.044. No groups of 1,947 and"
        " 6,303 people give less than sqrt(4/n1 + 4/n2) = 0.052. As printed it takes 10,800,000"
        " people or more."
    )
    assert finding.remedy == "Use the counts of ghandour2004-1 in place of its printed interval."


def test_an_impossible_interval_without_counts() -> None:
    finding = only(
        table("study_id,measure,estimate,ci_low,ci_high,n\na,OR,2.00,1.95,2.05,100\n"),
        "impossible-interval",
    )
    assert finding.remedy.startswith("Check the interval against the paper, or exclude a")
    assert "0.013" in finding.found
    # 16 / (log(2.05/1.95) / 3.919928)^2 = 98,300
    assert finding.expected.endswith("= 0.4. As printed it takes 98,300 people or more.")


@pytest.mark.parametrize(
    ("row", "impossible"),
    [
        # 4/sqrt(400) = 0.2; the ends 1.00 and 2.19 give log(2.19)/3.92 = 0.19996 as printed, and
        # more than 0.2 at the widest; 1.000 and 2.180 give at most 0.1992
        ("OR,1.48,1.00,2.19,0.95,400", False),
        ("OR,1.480,1.000,2.180,0.95,400", True),
        # the same ends as a 90 % interval mean a larger standard error
        ("OR,1.480,1.000,2.180,0.90,400", False),
        # a log hazard ratio of 400 people may have 2/sqrt(400) = 0.1
        ("HR,1.480,1.000,2.180,0.95,400", False),
        ("OR,1.480,1.000,2.180,0.95,", False),
    ],
)
def test_the_bound_allows_for_rounding_level_and_missing_n(row: str, impossible: bool) -> None:
    studies = table(f"study_id,measure,estimate,ci_low,ci_high,ci_level,n\na,{row}\n")
    assert bool(found(studies, "impossible-interval")) is impossible


def test_the_larger_of_n_and_n_analysed_sets_the_bound() -> None:
    header = "study_id,measure,estimate,ci_low,ci_high,n,n_analysed"
    # 4/sqrt(400) = 0.2, 4/sqrt(441) = 0.19; the interval gives about 0.199
    assert not found(table(f"{header}\na,OR,1.48,1.000,2.180,441,400\n"), "impossible-interval")
    assert found(table(f"{header}\na,OR,1.48,1.000,2.180,400,380\n"), "impossible-interval")


def test_swain_may_only_be_rounded(bundled: Audit) -> None:
    finding = bundled.findings[4]
    # by hand: log(2.9/2.8)/3.92 = 0.00895, log(2.95/2.75)/3.92 = 0.0179, log(2.85/2.85) = 0
    assert finding.found == (
        "Swain 2014: the estimate 2.9 is printed equal to the upper end of its interval 2.8 to 2.9."
        " Rounding alone can explain it, but then the standard error of 0.009 that the interval"
        " gives may be anything from 0 to 0.018."
    )


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ("OR,2.00,1.00,4.00", None),
        ("OR,2.80,1.00,4.00", "warning"),
        ("RR,2.80,1.00,4.00", "warning"),
        ("RD,0.25,0.10,0.40", None),  # not analysed as a logarithm
        ("OR,2.0,1.3,2.8", None),  # sqrt(1.35 x 2.85) = 1.9615 is 2.0
        ("OR,2.00,1.30,2.80", "warning"),  # sqrt(1.305 x 2.805) = 1.913 is not 2.00
        ("OR,2.0,2.0,2.0", "note"),
        ("OR,2.00,2.00,4.00", "warning"),
    ],
)
def test_asymmetry_beyond_the_printed_digits(row: str, severity: str | None) -> None:
    studies = table(f"study_id,measure,estimate,ci_low,ci_high\na,{row}\n")
    severities = [finding.severity for finding in found(studies, "asymmetric-interval")]
    assert severities == ([] if severity is None else [severity])


def test_asymmetry_shows_its_numbers() -> None:
    # sqrt(0.995 x 3.995) = 1.9937, sqrt(1.005 x 4.005) = 2.0062
    studies = table("study_id,measure,estimate,ci_low,ci_high\na,OR,2.80,1.00,4.00\n")
    assert only(studies, "asymmetric-interval").found == (
        "a: the middle of 1.00 to 4.00 is 2, and between 1.99 and 2.01 for all its digits say, but"
        " the estimate is 2.80."
    )


HEADER = "study_id,measure,estimate,se,ai,bi,ci,di"


@pytest.mark.parametrize(
    ("estimate", "adjustment", "disagrees"),
    [
        ("2.55", "crude", False),
        ("2.6", "", False),  # 2.55 rounds to 2.6 or to 2.5
        ("2.5", "", False),
        ("2.56", "crude", True),
        ("2.4", "unclear", True),
        ("2.4", "unadjusted", True),
        ("2.4", "adjusted", False),
        ("2.4", "Adjusted for age", False),
    ],
)
def test_counts_are_compared_with_crude_estimates(
    estimate: str, adjustment: str, disagrees: bool
) -> None:
    # 51 x 150 / (125 x 24) = 2.55
    studies = table(f"{HEADER},adjustment\na,OR,{estimate},0.27,51,125,24,150,{adjustment}\n")
    assert bool(found(studies, "counts-disagree")) is disagrees


def test_both_odds_ratios_are_named() -> None:
    studies = table(f"{HEADER}\na,OR,2.4,0.27,51,125,24,150\n")
    assert only(studies, "counts-disagree").found == (
        "a: the odds ratio is printed as 2.4, and its 2x2 counts give 2.550."
    )


def test_products_of_large_counts_do_not_overflow() -> None:
    swain = headache_back_pain().select({"study_id": ["swain2014"]})
    assert not found(swain, "counts-disagree")


@pytest.mark.parametrize("row", ["OR,2.4,0.27,0,125,24,150", "HR,2.4,0.27,51,125,24,150"])
def test_no_comparison_with_a_zero_count_or_a_measure_of_other_input(row: str) -> None:
    assert not found(table(f"{HEADER}\na,{row}\n"), "counts-disagree")


@pytest.mark.parametrize(
    ("n", "n_analysed", "severity", "text"),
    [
        ("10", "", None, ""),
        ("12", "10", None, ""),
        ("9", "", "error", "the 2x2 counts add up to 10, n is 9."),
        ("12", "9", "error", "the 2x2 counts add up to 10, n_analysed is 9."),
        ("1200", "", "warning", "the 2x2 counts add up to 10, n is 1,200."),
        ("10", "11", "warning", "the 2x2 counts add up to 10, n_analysed is 11."),
        ("", "", None, ""),
    ],
)
def test_counts_and_people(n: str, n_analysed: str, severity: str | None, text: str) -> None:
    studies = table(f"study_id,ai,bi,ci,di,n,n_analysed\na,1,2,3,4,{n},{n_analysed}\n")
    findings = found(studies, "counts-exceed-n")
    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])
    assert all(finding.found == f"a: {text}" for finding in findings)


def test_counts_that_contradict_n_are_no_remedy_for_an_interval() -> None:
    # percentages of 180 and 405 people in place of counts: 47 of 100 and 25 of 100
    header = "study_id,measure,estimate,ci_low,ci_high,ai,bi,ci,di,n"
    studies = table(f"{header}\na,OR,2.66,1.84,3.86,47,53,25,75,585\n")
    # 4/sqrt(585) = 0.165, which log(3.86/1.84)/3.92 = 0.189 exceeds; sqrt(4/100 + 4/100) = 0.283
    interval = only(studies, "impossible-interval")
    assert interval.remedy == (
        "Compare the interval and the counts of a with the paper: its counts do not add up to its"
        " people, so that either can be wrong."
    )
    assert [effect.repair for effect in interval.effects] == ["by leaving out a"]
    assert only(studies, "counts-exceed-n").found == (
        "a: the 2x2 counts add up to 200, n is 585. They may be percentages."
    )


@pytest.mark.parametrize(
    ("counts", "n", "noted"),
    [
        ("47,53,25,75", "", True),
        ("47,53,25,76", "", True),  # 25.4 and 75.6, each rounded up or down by itself
        ("47,53,25,77", "", False),
        ("47,53,25,75", "200", False),  # n says that there are so many people
        ("47,52,25,70", "", False),
    ],
)
def test_counts_that_may_be_percentages(counts: str, n: str, noted: bool) -> None:
    studies = table(f"study_id,ai,bi,ci,di,n\na,{counts},{n}\n")
    assert bool(found(studies, "percentage-for-count")) is noted


def test_an_odds_ratio_given_as_a_risk_ratio_is_named() -> None:
    # (51/176) / (24/174) = 2.1009 and (51 * 150) / (125 * 24) = 2.55
    header = "study_id,measure,estimate,ci_low,ci_high,ai,bi,ci,di"
    studies = table(f"{header}\na,RR,2.55,1.49,4.38,51,125,24,150\n")
    assert only(studies, "counts-disagree").found == (
        "a: the risk ratio is printed as 2.55, and its 2x2 counts give 2.1009. Their odds ratio is"
        " 2.5500, as printed."
    )
    studies = table(f"{header}\na,OR,2.10,1.36,3.25,51,125,24,150\n")
    assert only(studies, "counts-disagree").found.endswith(
        "Their risk ratio is 2.1009, as printed."
    )
    studies = table(f"{header}\na,RR,3.55,2.49,5.06,51,125,24,150\n")
    assert "as printed." not in only(studies, "counts-disagree").found


def test_coverage_is_computed(bundled: Audit) -> None:
    assert bundled.findings[1].found == (
        "The table holds 6 of 14 studies, 92 % of participants (423,634 of 460,195)."
    )
    part = headache_back_pain().select({"study_id": ["bejia2005"]})
    assert "1 of 14 studies, 0 % of participants (350 of" in only(part, "incomplete-coverage").found
    assert not found(replace(part, review=None), "incomplete-coverage")


def test_a_complete_and_pooled_review_gives_no_finding() -> None:
    studies = headache_back_pain().select({"study_id": ["bejia2005"]})
    assert studies.review is not None
    whole = replace(studies.review, studies=1, participants=350, pooled_by_authors=True)
    assert audit(replace(studies, review=whole)).findings == ()


def test_the_authors_reason_is_quoted(bundled: Audit) -> None:
    assert bundled.findings[2].found == (
        "The authors of the review (doi:10.1186/s10194-019-1031-y) did not pool its studies and"
        ' gave the reason: "Study heterogeneity meant statistical pooling was not possible."'
    )
    studies = headache_back_pain()
    assert studies.review is not None
    silent = replace(studies, review=replace(studies.review, why_not_pooled=""))
    assert only(silent, "not-pooled-by-authors").found.endswith("without a reason on record.")


def test_several_rows(bundled: Audit) -> None:
    assert bundled.findings[6].found == (
        "Several rows are about the same people: ashina2018 has 5, yoon2013 has 4."
    )
    assert not found(headache_back_pain().primary(), "several-rows-per-study")


def test_several_rows_without_a_primary_column_are_a_warning() -> None:
    finding = only(
        table("study_id,estimate_id,measure,estimate,se\na,1,OR,2,1\na,2,OR,3,1\nb,3,OR,2,1\n"),
        "several-rows-per-study",
    )
    assert (finding.severity, finding.rows) == ("warning", ("1", "2"))
    assert finding.found.endswith("a has 2; more than one row is in the main pool for a.")
    assert "Add a column primary" in finding.remedy


def test_the_remedy_for_several_rows_runs() -> None:
    rows = "study_id,estimate_id,measure,estimate,se\na,1,OR,2,1\na,2,OR,3,1\nb,3,OR,2,1\n"
    studies = table(rows)
    remedy = only(studies, "several-rows-per-study").remedy
    code = remedy.partition("in a multilevel model: ")[2].removesuffix(".")
    found = eval(code, {"cb": cb, "studies": studies})
    assert (found.k, found.m, found.cluster) == (3, 2, "study_id")


def test_the_remedy_for_several_rows_asks_for_a_measure_that_it_cannot_know() -> None:
    header = "study_id,estimate_id,"
    counts = table(f"{header}ai,bi,ci,di\na,1,5,50,6,70\na,2,7,50,8,60\nb,3,9,40,5,90\n")
    assert 'measure="OR", rows="all"' in only(counts, "several-rows-per-study").remedy
    means = table(f"{header}x1i,t1i,x2i,t2i\na,1,5,50,6,70\na,2,7,50,8,60\nb,3,9,40,5,90\n")
    remedy = only(means, "several-rows-per-study").remedy
    assert 'cb.effects(studies, measure=measure, rows="all"), rho=0.6), with the id of' in remedy
    code = remedy.partition("in a multilevel model: ")[2].partition(", with the id")[0]
    found = eval(code, {"cb": cb, "studies": means, "measure": "IRR"})
    assert (found.k, found.m) == (3, 2)


def test_views(bundled: Audit) -> None:
    frame = bundled.to_frame()
    names = ["code", "severity", "rows", "expected", "found", "effect", "remedy"]
    assert list(frame.columns) == names
    assert frame.loc[0, "rows"] == "ghandour2004-1"
    assert json.loads(json.dumps(bundled.to_dict()))["findings"][0]["rows"] == ["ghandour2004-1"]
    assert bundled.summary().splitlines()[0] == "1 error, 2 warnings, 7 notes"
    assert repr(bundled) == bundled.summary()
    assert "impossible-interval" in bundled._repr_html_()


def test_nothing_found() -> None:
    nothing = audit(table("study_id,measure,estimate,se\na,OR,2,1\n"))
    assert nothing.findings == ()
    assert nothing.summary() == "nothing found"
    assert nothing.to_frame().empty


def test_the_audit_of_no_rows() -> None:
    none = headache_back_pain().select({"headache": ["migraine"], "study_id": ["yoon2013"]})
    assert {finding.code for finding in audit(none).findings} == {
        "incomplete-coverage",
        "not-pooled-by-authors",
    }


def test_rounded_numbers_have_exact_ranges() -> None:
    assert (Rounded("2.8").high, Rounded("2.9").low) == (2.85, 2.85)
    assert (Rounded("28").low, Rounded("28").decimals, Rounded("2.10").decimals) == (27.5, 0, 2)
    interval = Interval(Rounded("2.8"), Rounded("2.9"), 0.95)
    assert interval.se_narrowest == 0
    # 1.959964 is the 97.5 % point of the normal distribution
    assert interval.se == pytest.approx(math.log(2.9 / 2.8) / (2 * 1.959964), rel=1e-6)
