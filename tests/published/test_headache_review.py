"""Vivekanantham A, Edwin C, Pincus T, Matharu M, Parsons H, Underwood M (2019). Headache and back.

The association between headache and low back pain: a systematic review. The Journal of Headache and
Pain 20:82, doi:10.1186/s10194-019-1031-y: single odds ratios of its Table 3, and how much of it is
public.
Read: the review's Table 3, as comorbid/studies/data/headache-back-pain/NOTES.md says. The review
pools nothing: the pools are those tabulated in these notes, by metafor 5.0-1, REML with threshold
1e-14, Knapp-Hartung.
"""

from __future__ import annotations

import csv
import io
import math
from importlib import resources

import pytest

import comorbid as cb
from comorbid.document import prose
from comorbid.studies.read import studies_from_bytes

GHANDOUR = cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible.")
SWAIN = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
COUNTS = (GHANDOUR, SWAIN)


def without(estimate: str) -> cb.Override:
    return cb.Override(estimate, use="exclude", reason="Not in this pool.")


def instead(estimate: str) -> cb.Override:
    return cb.Override(estimate, use="primary", reason="Sensitivity row.")


def pooled(*overrides: cb.Override, **settings: str) -> cb.Fit:
    studies = cb.datasets.headache_back_pain()
    return cb.pool(cb.effects(studies, measure="OR", overrides=overrides), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("overrides", "k", "estimate", "ci", "pi", "i2", "tau2"),
    [
        ((*COUNTS, without("yoon2013-1")), 5, 2.34, (1.80, 3.03), (1.30, 4.19), 87.0, 0.035370),
        (
            (GHANDOUR, without("swain2014-1"), without("yoon2013-1")),
            *(4, 2.13, (1.86, 2.43), (1.86, 2.43), 0.0, 0.0),
        ),
        (COUNTS, 6, 2.29, (1.88, 2.80), (1.43, 3.69), 83.8, 0.028069),
        ((*COUNTS, instead("yoon2013-2")), 6, 2.43, (1.99, 2.96), (1.54, 3.84), 84.1, 0.025765),
        ((*COUNTS, instead("yoon2013-3")), 6, 3.06, (1.41, 6.64), (0.45, 20.78), 98.6, 0.464523),
    ],
)
def test_reference_pools_to_the_printed_digits(
    overrides: tuple[cb.Override, ...],
    k: int,
    estimate: float,
    ci: tuple[float, float],
    pi: tuple[float, float],
    i2: float,
    tau2: float,
) -> None:
    fit = pooled(*overrides)
    scaled = fit.on_scale()
    assert fit.k == k
    assert round(scaled.estimate, 2) == estimate
    assert tuple(round(end, 2) for end in scaled.ci) == ci
    assert tuple(round(end, 2) for end in scaled.pi) == pi
    assert round(fit.i2, 1) == i2
    assert round(fit.tau2, 6) == tau2


def test_primary_pool_in_full() -> None:
    fit = pooled(*COUNTS)
    assert round(fit.estimate, 10) == 0.8302511413
    assert round(fit.se, 10) == 0.0770856561
    assert round(fit.q, 10) == 42.5167854060
    assert fit.df == 5


def test_other_rows_are_the_pools_with_another_row_of_yoon() -> None:
    """NOTES: 2.43 (1.99-2.96) with Yoon 2.7, 3.06 (1.41-6.64) with Yoon 13.7."""
    studies = cb.datasets.headache_back_pain()
    fit = cb.pool(cb.effects(studies, overrides=COUNTS))
    refits = cb.other_rows(fit, studies=studies, overrides=COUNTS)
    rows = dict(zip(refits.labels, refits.on_scale(), strict=True))
    found = {label: (row.estimate, *row.ci) for label, row in rows.items()}
    assert tuple(round(x, 2) for x in found["Yoon 2013 (2)"]) == (2.43, 1.99, 2.96)
    assert tuple(round(x, 2) for x in found["Yoon 2013 (3)"]) == (3.06, 1.41, 6.64)
    assert len(refits.labels) == 7


def test_common_effect_with_and_without_the_impossible_interval() -> None:
    """NOTES: 2.12 with Ghandour's printed interval (97 % of the weight), 2.84 with its counts."""
    printed = pooled(SWAIN, without("yoon2013-1"), method="EE")
    repaired = pooled(*COUNTS, without("yoon2013-1"), method="EE")
    assert prose.value(printed.on_scale().estimate) == "2.12"
    assert round(printed.weights[0]) == 97
    assert prose.value(repaired.on_scale().estimate) == "2.84"
    assert round(repaired.weights[2]) == 98


@pytest.mark.parametrize(
    ("estimate", "printed"),
    [
        ("bejia2005-1", (2.55, 1.49, 4.38)),
        ("ghandour2004-1", (2.15, None, None)),
        ("swain2014-1", (2.857, 2.819, 2.896)),
    ],
)
def test_counts_reproduce_the_odds_ratio(
    estimate: str, printed: tuple[float, float | None, float | None]
) -> None:
    """NOTES, traps 2, 3 and 4: Woolf's interval of the rebuilt 2x2 tables."""
    studies = cb.datasets.headache_back_pain()
    counts = cb.Override(estimate, use="counts", reason="The table is rebuilt.")
    effects = cb.effects(studies, overrides=[counts])
    row = effects.ids.index(estimate)
    half = 1.959964 * math.sqrt(effects.vi[row])
    digits = 3 if estimate.startswith("swain") else 2
    found = [math.exp(effects.yi[row] + shift) for shift in (0.0, -half, half)]
    for value, expected in zip(found, printed, strict=True):
        assert expected is None or round(value, digits) == expected


def test_coverage_of_the_review() -> None:
    """The review has 14 studies and 460,195 participants; 6 with 423,634 are public (92 %)."""
    studies = cb.datasets.headache_back_pain()
    assert studies.review is not None
    coverage = studies.review.coverage(studies)
    assert (coverage.studies, coverage.of_studies) == (6, 14)
    assert (coverage.participants, coverage.of_participants) == (423_634, 460_195)
    assert round(100 * coverage.share) == 92


def test_the_audit_says_what_ghandours_interval_does() -> None:
    """Trap 1 of the notes: 0.0012 printed, at least 0.044, 0.054 from the counts; 2.12 and 2.84."""
    table3 = ["ghandour2004", "sjolie2002", "swain2014", "ashina2018", "bejia2005"]
    studies = cb.datasets.headache_back_pain().select({"study_id": table3})
    found = cb.audit(studies, overrides=[SWAIN]).findings[0]
    assert (found.code, found.severity, found.rows) == (
        *("impossible-interval", "error"),
        ("ghandour2004-1",),
    )
    assert "a standard error of 0.0012 for the log odds ratio" in found.found
    assert found.found.endswith("the 2x2 counts of the row give 0.054.")
    assert "gives less than 4/sqrt(n) = 0.044" in found.expected
    (effect,) = found.effects
    assert prose.value(effect.common_before.estimate) == "2.12"
    assert prose.value(effect.common_after.estimate) == "2.84"
    # and the weights that go with them: 97 % Ghandour's interval, then 98 % Swain's counts
    for overrides, label in (((SWAIN,), "Ghandour 2004 has 97 %"), (COUNTS, "Swain 2014 has 98 %")):
        said = [finding.found for finding in cb.audit(studies, overrides=overrides).findings]
        assert any(text.startswith(label) for text in said)


def test_traps_that_the_audit_can_see() -> None:
    """The notes number them; 2, 8 and 9 are in no row of the table, and 4 is right to the digit."""
    ashina = {f"ashina2018-{i}" for i in range(1, 6)}
    yoon = {f"yoon2013-{i}" for i in range(1, 5)}
    traps = {
        (1, "impossible-interval"): {"ghandour2004-1"},
        (3, "asymmetric-interval"): {"swain2014-1"},
        (5, "several-rows-per-study"): ashina,
        (6, "several-rows-per-study"): yoon,
        (7, "outside-review-range"): {"ashina2018-3", "yoon2013-3", "yoon2013-4"},
    }
    findings = cb.audit(cb.datasets.headache_back_pain()).findings
    for (_, code), rows in traps.items():
        assert rows <= {row for finding in findings if finding.code == code for row in finding.rows}
    assert not any("bejia2005-1" in f.rows for f in findings if f.severity != "note")


def test_a_risk_ratio_among_odds_ratios_is_found() -> None:
    """Trap 10: Jones 2003, a risk ratio of 1.6 (0.97 to 2.8), in the table as one more row."""
    data = resources.files("comorbid.studies") / "data/headache-back-pain/estimates.csv"
    rows = list(csv.DictReader(io.StringIO(data.read_text(encoding="utf-8"))))
    jones = {"estimate_id": "jones2003-1", "study_id": "jones2003", "primary": "yes"}
    jones |= {"measure": "RR", "estimate": "1.6", "ci_low": "0.97", "ci_high": "2.8"}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows([*rows, jones])
    found = cb.audit(studies_from_bytes(text.getvalue().encode(), source="with-jones.csv"))
    (mixed,) = (finding for finding in found.findings if finding.code == "mixed-measures")
    assert mixed.rows == ("jones2003-1",)
    # the effects of other findings are those on the odds ratios
    assert found.findings[0].effects[0].before.k == 6
