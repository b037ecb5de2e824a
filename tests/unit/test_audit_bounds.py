"""The least standard errors, each worked out by hand, and what is found below them.

The rows are made for the bound they stand under; their numbers are no study's.
"""

from __future__ import annotations

import math

import pytest

from comorbid.audited.audit import audit
from comorbid.studies.bounds import bounds
from comorbid.studies.finding import Finding
from comorbid.studies.published import published_rows
from comorbid.studies.read import studies_from_bytes

Z = 1.959964


def found(header: str, *rows: str) -> list[Finding]:
    lines = [f"s{i},{row}" for i, row in enumerate(rows, start=1)]
    text = "\n".join([f"study_id,{header}", *lines])
    return list(audit(studies_from_bytes(text.encode(), source="s.csv")).findings)


def impossible(header: str, row: str) -> Finding | None:
    findings = [f for f in found(header, row) if f.code == "impossible-interval"]
    return findings[0] if findings else None


def least(header: str, row: str) -> list[float]:
    studies = studies_from_bytes(f"study_id,{header}\na,{row}\n".encode(), source="s.csv")
    return [bound.least for bound in bounds(published_rows(studies)[0])]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        # 4/sqrt(100); groups of 20 and 80, columns of 40 and 60
        (
            "measure,estimate,se,ai,bi,ci,di",
            "OR,1.5,1,10,10,30,50",
            [0.4, math.sqrt(4 / 20 + 4 / 80), math.sqrt(4 / 40 + 4 / 60)],
        ),
        ("measure,estimate,se,n1i,n2i", "OR,1.5,1,20,80", [0.4, math.sqrt(4 / 20 + 4 / 80)]),
        # V = 20 80 40 60 / (100^2 99)
        (
            "measure,estimate,se,ai,bi,ci,di",
            "PETO,1.5,1,10,10,30,50",
            [4 * math.sqrt(99) / 100, math.sqrt(100**2 * 99 / (20 * 80 * 40 * 60))],
        ),
        # a risk ratio of 2 or 0.5 is 1.995 or 1 / 0.505 at the nearest to 1
        ("measure,estimate,se,n", "RR,2.00,1,100", [math.sqrt(0.995 / 100)]),
        ("measure,estimate,se,n", "RR,0.50,1,100", [math.sqrt((1 / 0.505 - 1) / 100)]),
        # 40 events in groups of 20 and 80: the second has the lower risk; 4/40 - 1/20 - 1/80
        (
            "measure,estimate,se,ai,bi,ci,di",
            "RR,2.00,1,19,1,21,59",
            [math.sqrt(0.995 / 100), math.sqrt(0.995 / 80), math.sqrt(4 / 40 - 1 / 20 - 1 / 80)],
        ),
        # With a count of 0 and 1/2 added to each: groups of 21 and 81, or of 21 and 5 with 2
        # events; 4/40 - 1/20 - 1/80 is less than 4/41 - 1/21 - 1/81.
        (
            "measure,estimate,se,ai,bi,ci,di",
            "RR,2.00,1,20,0,20,60",
            [math.sqrt(0.995 / 100), math.sqrt(0.995 / 81), math.sqrt(4 / 40 - 1 / 20 - 1 / 80)],
        ),
        (
            "measure,estimate,se,ai,bi,ci,di",
            "OR,1.5,1,0,20,1,3",
            [4 / math.sqrt(26), math.sqrt(4 / 21 + 4 / 5), math.sqrt(4 / 2 + 4 / 24)],
        ),
        ("measure,estimate,se,n", "RR,1.0,1,100", []),
        ("measure,estimate,se,n", "RD,0.20,1,100", [math.sqrt(0.195 * 0.805 / 100)]),
        ("measure,estimate,se,n", "RD,-0.20,1,100", [math.sqrt(0.195 * 0.805 / 100)]),
        ("measure,estimate,se,n", "RD,0.0,1,100", []),
        ("measure,estimate,se,n", "HR,1.5,1,100", [0.2]),
        ("measure,estimate,se,x1i,x2i", "IRR,1.5,1,9,16", [0.4]),
        ("measure,estimate,se,n", "IRR,1.5,1,100", []),
        # J = 1 - 3 / (4 100 - 9), and two per cent for rounding
        (
            "measure,estimate,se,n1i,n2i",
            "SMD,0.1,1,20,80",
            [
                0.98 * (1 - 3 / 391) * 0.2,
                0.98 * (1 - 3 / 391) * math.sqrt(1 / 20 + 1 / 80),
            ],
        ),
        ("measure,estimate,se,n", "ZCOR,0.1,1,100", [0.1]),
        # 100 x 0.195 x 0.805 = 15.6975 and 100 x 0.205 x 0.795 = 16.2975
        (
            "measure,estimate,ci_low,ci_high,n",
            "PR,0.20,0.1,0.3,100",
            [math.sqrt(15.6975) / (100 + Z**2)],
        ),
        (
            "measure,estimate,ci_low,ci_high,n",
            "PLO,0.20,0.1,0.3,100",
            [2 * math.asinh(Z / (2 * math.sqrt(16.2975))) / Z],
        ),
        # adjusted risk ratios, risk differences and mean differences may have less
        ("measure,estimate,se,n,adjustment", "RR,2.00,1,100,adjusted", []),
        ("measure,estimate,se,n,adjustment", "RD,0.20,1,100,adjusted", []),
        ("measure,estimate,se,n,adjustment", "SMD,0.20,1,100,adjusted", []),
        ("measure,estimate,se,n", "MD,0.20,1,100", []),
    ],
)
def test_least_standard_errors(header: str, row: str, expected: list[float]) -> None:
    assert least(header, row) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("measure", "counts", "y", "v"),
    [
        # R 4 with metafor 3.8-1: escalc(measure, ai=, bi=, ci=, di=), which adds 1/2 to each count
        ("OR", (2, 0, 36, 1), -1.5824, 3.0941),
        ("RR", (0, 14, 1, 3), -2.1972, 2.4000),
        ("PETO", (0, 10, 3, 7), -1.7500, 1.1667),
    ],
)
def test_half_a_person_in_each_count_is_possible(
    measure: str, counts: tuple[int, ...], y: float, v: float
) -> None:
    ends = ",".join(f"{math.exp(y + z * math.sqrt(v)):.5f}" for z in (0, -Z, Z))
    header = "measure,estimate,ci_low,ci_high,ai,bi,ci,di"
    row = f"{measure},{ends},{','.join(map(str, counts))}"
    assert impossible(header, row) is None
    # half as wide it is still found
    narrow = ",".join(f"{math.exp(y + z * math.sqrt(v)):.5f}" for z in (0, -Z / 2, Z / 2))
    finding = impossible(header, f"{measure},{narrow},{','.join(map(str, counts))}")
    assert finding is not None
    assert ", 1/2 added to each count," in finding.expected


def test_a_standard_error_is_held_against_the_bound_too() -> None:
    finding = impossible("measure,estimate,se,n", "OR,1.5,0.2,100")
    assert finding is not None
    assert finding.found == (
        "s1: the standard error given is 0.2 for the log odds ratio, 0.25 at the widest its digits"
        " allow."
    )


@pytest.mark.parametrize(
    ("adjustment", "severity"),
    [("crude", "error"), ("", "error"), ("adjusted for age", "warning"), ("matched", "warning")],
)
def test_models_and_matching_may_give_less(adjustment: str, severity: str) -> None:
    finding = impossible("measure,estimate,se,n,adjustment", f"OR,1.5,0.2,100,{adjustment}")
    assert finding is not None
    assert finding.severity == severity


def test_a_correlation_is_compared_on_fishers_scale() -> None:
    # arctanh(0.72) - arctanh(0.68) = 0.0785, over 3.92 is 0.020; 1/sqrt(100) = 0.1
    finding = impossible("measure,estimate,ci_low,ci_high,ni", "COR,0.700,0.680,0.720,100")
    assert finding is not None
    assert "means a standard error of 0.02 on Fisher's scale" in finding.found
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        # log(4)/3.92 = 0.3536
        ("OR,2.00,1.00,4.00,0.95,0.354", []),
        ("OR,2.00,1.00,4.00,0.95,0.4", []),  # one digit: 0.35 to 0.45
        ("OR,2.00,1.00,4.00,0.95,0.42", ["precision-disagrees"]),
        # log(4) / (2 x 1.644854) = 0.4214
        ("OR,2.00,1.00,4.00,0.90,0.42", []),
    ],
)
def test_interval_and_standard_error_give_each_other(row: str, codes: list[str]) -> None:
    findings = found("measure,estimate,ci_low,ci_high,ci_level,se", row)
    assert [finding.code for finding in findings] == codes
    if codes:
        assert findings[0].found.endswith("They would fit if the interval were one of 90 %.")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("MD,1.0,-1.0,3.0", ""),
        ("MD,1.0,-1.0,4.0", "asymmetric-interval"),
        ("RD,0.10,0.02,0.30", "asymmetric-interval"),
        # noncentral t: up to a tenth of half the width
        ("SMD,1.00,0.05,1.92", ""),
        ("SMD,1.00,0.05,3.00", "asymmetric-interval"),
        # tanh(arctanh(0.5) +- 0.4) = 0.1483, 0.7394; 0.5 +- 0.3
        ("COR,0.50,0.15,0.74", ""),
        ("COR,0.50,0.20,0.80", ""),
        ("ZCOR,0.50,0.40,0.90", "asymmetric-interval"),
        # proportions have intervals of many kinds
        ("PR,0.10,0.01,0.45", ""),
        # log(1.80) +- 1.96 x 0.2 would be 1.22 to 2.66
        ("OR,1.80,1.00,2.60", "ratio-on-log-scale"),
        ("HR,0.50,0.10,0.90", "ratio-on-log-scale"),
        ("HR,0.50,0.10,0.95", "asymmetric-interval"),
    ],
)
def test_where_an_estimate_stands_in_its_interval(row: str, code: str) -> None:
    findings = found("measure,estimate,ci_low,ci_high", row)
    assert [finding.code for finding in findings] == ([code] if code else [])


def test_the_repair_of_a_logarithm_is_its_ratio() -> None:
    (finding,) = found("measure,estimate,ci_low,ci_high", "OR,0.59,0.20,0.98")
    assert finding.repairs[0].values["s1"]["estimate"] == pytest.approx(math.exp(0.59))
    # one study: the pool is its own interval
    assert finding.effects[0].after.estimate == pytest.approx(math.exp(0.59))
    assert finding.effects[0].after.ci_low == pytest.approx(math.exp(0.59 - 0.39))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("PR,34,0.1", "percentage-for-proportion"),
        ("PR,1.0,0.1", ""),
        ("RD,-12.5,4", "percentage-for-proportion"),
        ("PR,-0.2,0.1", "percentage-for-proportion"),
        ("PR,340,0.1", "impossible-value"),
        ("ZCOR,1.2,0.1", "impossible-value"),
        ("MD,34,0.1", ""),
    ],
)
def test_values_beyond_their_measure(row: str, code: str) -> None:
    findings = found("measure,estimate,se", row)
    assert [finding.code for finding in findings if finding.severity == "error"] == (
        [code] if code else []
    )


def test_the_repair_of_a_percentage_is_a_hundredth() -> None:
    (finding,) = found("measure,estimate,ci_low,ci_high", "PR,34,30,38")
    assert finding.repairs[0].values == {"s1": {"estimate": 0.34, "ci_low": 0.3, "ci_high": 0.38}}
    assert finding.effects[0].after.estimate == pytest.approx(0.34)


def test_people_are_counted_up_to_a_population() -> None:
    finding = impossible("measure,estimate,se,n", "OR,1.5,1e-300,100")
    assert finding is not None
    assert finding.expected == "No 2x2 table of 100 people gives less than 4/sqrt(n) = 0.4."


def test_bounds_that_are_the_same_but_for_rounding_are_said_once() -> None:
    # groups of 50 and 50: 0.98 * 2/sqrt(100) * (1 - 3/(4*100 - 9)) = 0.1945 by either formula
    finding = impossible(
        "measure,estimate,ci_low,ci_high,n,n1i,n2i", "SMD,0.50,0.48,0.52,100,50,50"
    )
    assert finding is not None
    assert finding.expected.count(" = 0.19.") == 1
    assert "groups of 50 and 50" not in finding.expected


@pytest.mark.parametrize("measure", ["OR", "PETO", "RR", "RD", "HR", "SMD", "COR", "PR"])
@pytest.mark.parametrize("counts", ["0,0,5,1", "5,1,0,0", "0,0,0,0", "0,5,0,5", "5,0,5,0"])
@pytest.mark.parametrize("n", ["", "20"])
def test_a_group_of_nobody_and_a_table_of_nobody_stop_nothing(
    measure: str, counts: str, n: str
) -> None:
    header = "measure,estimate,ci_low,ci_high,ai,bi,ci,di,n,ni"
    findings = found(header, f"{measure},0.50,0.49,0.51,{counts},{n},0")
    assert not any("inf" in f.found or "nan" in f.expected for f in findings)
