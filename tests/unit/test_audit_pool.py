"""What an audit finds with effects and a fit, and what repairs do to the pool.

The small tables are made for the check they stand under; their numbers are no study's.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

import comorbid as cb
from comorbid.audited.audit import audit
from comorbid.audited.pool import Pool, pool_of
from comorbid.audited.pool_checks import ALPHA
from comorbid.audited.repairs import with_effects
from comorbid.document.sections.audit import audit_findings
from comorbid.models.kernel import fit_batch
from comorbid.models.settings import find_estimator
from comorbid.studies.finding import Audit, Effect, Finding, Repair
from comorbid.studies.read import studies_from_bytes

TABLE = "study_id,measure,estimate,se"
FITTING = ("a,OR,2.0,0.2", "b,OR,2.2,0.2", "c,OR,1.9,0.2", "d,OR,2.1,0.2")


def table(*lines: str) -> cb.Studies:
    return studies_from_bytes("\n".join(lines).encode(), source="s.csv")


def found(studies: cb.Studies, code: str, **settings: Any) -> list[Finding]:
    return [f for f in audit(studies, **settings).findings if f.code == code]


def only(studies: cb.Studies, code: str, **settings: Any) -> Finding:
    (finding,) = found(studies, code, **settings)
    return finding


# 2x2 counts 51 125 24 150: odds ratio 2.55 (1.49 to 4.38), standard error 0.2757;
# risk ratio (51/176)/(24/174) = 2.101 (1.36 to 3.25), standard error 0.2230
COUNTS = "51,125,24,150"
BOTH = "study_id,measure,estimate,ci_low,ci_high,ci_level,ai,bi,ci,di"


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        ("OR,2.55,1.49,4.38,0.95", ""),
        ("OR,2.55,1.62,4.01,0.90", ""),
        ("RR,2.10,1.36,3.25,0.95", ""),
        # 1/2.55 = 0.392, 1/4.38 = 0.228, 1/1.49 = 0.671
        ("OR,0.39,0.23,0.67,0.95", "reversed-direction"),
        ("RR,0.48,0.31,0.74,0.95", "reversed-direction"),
        ("RR,2.55,1.49,4.38,0.95", "counts-disagree"),
        ("RD,0.15,0.07,0.24,0.95", ""),  # 51/176 - 24/174 = 0.1518 +- 1.96 x 0.0431
        ("RD,0.52,0.43,0.61,0.95", "counts-disagree"),
        # that of 90 %: its columns of 75 and 275 allow no less than sqrt(4/75 + 4/275) = 0.2605
        ("OR,2.55,1.62,4.01,0.95", "impossible-interval interval-not-reproduced"),
        ("OR,2.55,2.00,3.25,0.95", "impossible-interval"),
        ("OR,2.55,1.00,6.50,0.95", "interval-not-reproduced"),
        ("OR,2.55,1.45,4.48,0.95", ""),  # about as wide, as by another method
    ],
)
def test_figures_are_reproduced_from_counts(row: str, codes: str) -> None:
    found = {f.code for f in audit(table(BOTH, f"a,{row},{COUNTS}")).findings}
    assert found == set(codes.split())


def test_another_level_is_named() -> None:
    finding = only(table(BOTH, f"a,OR,2.55,1.62,4.01,0.95,{COUNTS}"), "interval-not-reproduced")
    assert finding.found.endswith("They fit if the interval is one of 90 %.")


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        # R 4.2.2, fisher.test(matrix(c(2, 40, 9, 30), 2, byrow = TRUE)): 0.01671 to 0.90745; by
        # Woolf 0.167 (0.034 to 0.829), with a standard error of 0.8182
        ("OR,0.167,0.017,0.907,0.95,2,40,9,30", {"asymmetric-interval"}),
        ("OR,0.167,0.008,3.500,0.95,2,40,9,30", {"interval-not-reproduced"}),
    ],
)
def test_exact_intervals_of_small_counts_are_wider(row: str, codes: set[str]) -> None:
    assert {f.code for f in audit(table(BOTH, f"a,{row}")).findings} == codes


def test_an_interval_without_width_is_compared_without_a_ratio() -> None:
    finding = only(table(BOTH, f"a,OR,2.55,2.55,2.55,0.95,{COUNTS}"), "impossible-interval")
    assert "a standard error of 0 for" in finding.found


@pytest.mark.parametrize(
    ("header", "row", "code"),
    [
        # 5.1 - 3.2 = 1.9, and 1.8 to 2.0 as the means are rounded; se sqrt(4/25 + 4/25) = 0.566
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "MD,1.83,0.566,5.1,2.0,25,3.2,2.0,25", ""),
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "MD,2.15,0.566,5.1,2.0,25,3.2,2.0,25", "counts-disagree"),
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "MD,-1.9,0.566,5.1,2.0,25,3.2,2.0,25", "reversed-direction"),
        (
            "m1i,sd1i,n1i,m2i,sd2i,n2i",
            "MD,1.9,4.0,5.1,2.0,25,3.2,2.0,25",
            "interval-not-reproduced",
        ),
        # variances 4/10 + 16/100 = 0.56, or pooled (9 4 + 99 16)/108 (1/10 + 1/100) = 1.65
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "MD,1.9,0.748,5.1,2.0,10,3.2,4.0,100", ""),
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "MD,1.9,1.285,5.1,2.0,10,3.2,4.0,100", ""),
        # d = 0.95, g = 0.935: either may be printed
        ("m1i,sd1i,n1i,m2i,sd2i,n2i", "SMD,0.95,0.298,5.1,2.0,25,3.2,2.0,25", ""),
        ("ri,ni", "ZCOR,0.30,0.11,0.30,85", ""),
        ("ri,ni", "ZCOR,0.03,0.11,0.30,85", "counts-disagree"),
        ("xi,ni", "PR,0.25,0.043,25,100", ""),
        ("xi,ni", "PR,0.52,0.043,25,100", "counts-disagree"),
        # (9/100)/(16/100) = 0.5625, se sqrt(1/9 + 1/16) = 0.4167
        ("x1i,t1i,x2i,t2i", "IRR,0.56,0.417,9,100,16,100", ""),
        ("x1i,t1i,x2i,t2i", "IRR,1.78,0.417,9,100,16,100", "reversed-direction"),
    ],
)
def test_figures_are_reproduced_from_other_input(header: str, row: str, code: str) -> None:
    studies = table(f"study_id,measure,estimate,se,{header}", f"a,{row}")
    assert {f.code for f in audit(studies).findings} == ({code} if code else set())


def test_counts_of_zero_are_not_compared() -> None:
    studies = table(BOTH, "a,OR,2.55,0.10,65.0,0.95,0,125,24,150")
    assert not found(studies, "counts-disagree")


def test_nearly_all_weight() -> None:
    # weights 1/0.01^2 = 10,000 and three of 1/0.2^2 = 25: 99.26 %
    finding = only(table(TABLE, "big,OR,2.0,0.01", *FITTING[:3]), "nearly-all-weight")
    assert finding.rows == ("big",)
    assert finding.found.startswith("big has 99 % of the weight of 4 studies under the common")
    assert finding.effects[0].after.k == 3
    assert not found(table(TABLE, *FITTING), "nearly-all-weight")
    assert not found(table(TABLE, *FITTING[:1]), "nearly-all-weight")
    # of two studies one has half the weight of the pool whatever they are
    assert not found(table(TABLE, *FITTING[:2]), "nearly-all-weight")


def test_outliers_are_those_of_the_deleted_residuals() -> None:
    studies = table(TABLE, *FITTING, "far,OR,9.0,0.2", "e,OR,2.05,0.2")
    finding = only(studies, "outlier")
    z = cb.rstudent(cb.pool(cb.effects(studies), test="z")).z[4]
    assert finding.rows == ("far",)
    assert f"{z:.1f} standard errors above" in finding.found
    # R: qt(1 - 0.05 / 12, df = 4) is 4.851
    assert "beyond 4.9 standard errors" in finding.expected
    assert not found(table(TABLE, *FITTING, "e,OR,2.05,0.2"), "outlier")
    assert not found(table(TABLE, *FITTING[:2], "far,OR,9.0,0.2"), "outlier")


def test_few_pools_without_outliers_have_a_study_beyond_the_limit() -> None:
    # simulated: 10 studies of one model, variances from 0.001 to 1 and tau2 0.03, the worst of
    # 4 to 40 studies and tau2 0 to 3
    rng = np.random.default_rng(1)
    k, n, tau2 = 10, 4000, 0.03
    vi = np.exp(rng.uniform(np.log(0.001), 0.0, (k, n)))
    yi = rng.normal(size=(k, n)) * np.sqrt(vi + tau2)
    limit = -stats.t.ppf(ALPHA / (2 * k), k - 2)
    beyond = np.zeros(n, dtype=bool)
    for i in range(k):
        others = np.where(np.arange(k)[:, None] == i, np.inf, vi)
        fits = fit_batch(yi, others, estimator=find_estimator("REML"), test="z", level=0.95)
        beyond |= np.abs(yi[i] - fits.estimate) > limit * np.sqrt(vi[i] + fits.tau2 + fits.se**2)
    assert 1 / 20 < beyond.mean() < 1 / 8
    finding = only(table(TABLE, *FITTING, "far,OR,9.0,0.2", "e,OR,2.05,0.2"), "outlier")
    assert "in simulations about one in eight at most" in finding.expected


def test_one_on_the_other_side_whose_inverse_fits() -> None:
    studies = table(TABLE, *FITTING, "other,OR,0.5,0.2")
    finding = only(studies, "reversed-direction")
    assert (finding.severity, finding.rows) == ("note", ("other",))
    assert finding.found.startswith(
        "other, 0.5, is beyond chance on the other side of no association than the"
    )
    assert "its inverse, 2, would be" in finding.found
    after = cb.pool(cb.effects(table(TABLE, *FITTING, "other,OR,2.0,0.2"))).on_scale()
    assert finding.effects[0].after.estimate == pytest.approx(after.estimate)
    # an inverse that fits no better, one within chance, and a measure without a direction
    assert not found(table(TABLE, *FITTING, "other,OR,0.05,0.2"), "reversed-direction")
    assert not found(table(TABLE, *FITTING, "other,OR,0.9,0.5"), "reversed-direction")
    # two of them, beside others that have no doubt about their side
    sure = [f"s{i},OR,2.0,0.1" for i in range(8)]
    two = table(TABLE, *sure, "one,OR,0.5,0.2", "two,OR,0.5,0.2")
    assert [f.rows for f in found(two, "reversed-direction")] == [("one",), ("two",)]
    means = [row.replace("OR", "MN") for row in (*FITTING, "other,OR,-2.0,0.2")]
    assert not found(table(TABLE, *means), "reversed-direction")


def test_the_effect_of_a_repair_is_that_of_the_pool_made_with_it() -> None:
    studies = cb.datasets.headache_back_pain()
    counts = cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible.")
    (effect,) = only(studies, "impossible-interval").effects
    for pooled, fit in (
        (effect.before, cb.pool(cb.effects(studies))),
        (effect.after, cb.pool(cb.effects(studies, overrides=[counts]))),
        (effect.common_before, cb.pool(cb.effects(studies), method="EE", test="z")),
    ):
        on_scale = fit.on_scale()
        assert (pooled.estimate, pooled.ci_low, pooled.ci_high) == pytest.approx(
            (on_scale.estimate, *on_scale.ci)
        )
        assert (pooled.tau2, pooled.k) == (pytest.approx(fit.tau2), fit.k)
    assert not effect.in_force


def test_a_decision_is_undone_before_and_known_to_be_in_force() -> None:
    studies = cb.datasets.headache_back_pain()
    counts = cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible.")
    (plain,) = only(studies, "impossible-interval").effects
    (decided,) = only(studies, "impossible-interval", overrides=[counts]).effects
    assert decided.in_force
    assert (decided.before, decided.after) == (plain.before, plain.after)


def test_a_row_is_left_out_of_the_pool_as_decided() -> None:
    studies = cb.datasets.headache_back_pain()
    counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    out = cb.Override("swain2014-1", use="exclude", reason="It lies far from the others.")
    with_counts = cb.pool(cb.effects(studies, overrides=[counts])).on_scale().estimate
    without = cb.pool(cb.effects(studies, overrides=[out])).on_scale().estimate
    (effect,) = only(studies, "outlier", overrides=[counts]).effects
    assert (effect.before.estimate, effect.after.estimate) == pytest.approx((with_counts, without))
    assert not effect.in_force
    # decided already: before is the pool with it
    repair = Repair("by leaving out swain2014-1", exclude=("swain2014-1",))
    pool = pool_of(studies, measure="OR", overrides=[out], method="REML", test="knha", level=0.95)
    assert isinstance(pool, Pool)
    finding = Finding("a-code", "note", (), "", "", "", (repair,))
    (effect,) = with_effects([finding], pool)[0].effects
    assert effect.in_force
    assert (effect.before.k, effect.after.k) == (6, 5)


def test_rows_out_of_the_pool_have_findings_without_effects() -> None:
    header = "study_id,estimate_id,primary,measure,estimate,ci_low,ci_high,n"
    studies = table(header, "a,1,no,OR,2.00,1.95,2.05,100", "a,2,yes,OR,2.00,1.00,4.00,200")
    finding = only(studies, "impossible-interval")
    assert (finding.rows, finding.effects) == (("1",), ())


def test_settings_are_those_of_the_pool() -> None:
    studies = cb.datasets.headache_back_pain()
    settings: dict[str, Any] = {"method": "DL", "test": "z", "level": 0.90}
    (effect,) = only(studies, "impossible-interval", **settings).effects
    fit = cb.pool(cb.effects(studies), **settings).on_scale()
    assert (effect.before.ci_low, effect.before.ci_high) == pytest.approx(fit.ci)


def test_nothing_left_to_pool() -> None:
    studies = table("study_id,measure,estimate,ci_low,ci_high,n", "a,OR,2.00,1.95,2.05,100")
    (effect,) = only(studies, "impossible-interval").effects
    assert effect.after.k == 0
    assert effect.summary() == "Repaired by leaving out a, nothing is left to pool."


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("study_id,m", "a,1"), "the table names no measure and has no 2x2 counts; give measure="),
        (("study_id,ai,bi,ci,di", "a,0,0,1,2"), "no row gives an effect of measure OR"),
        (("study_id,measure,estimate,ai,bi,ci,di", "a,OR,,0,1,0,1"), ""),
    ],
)
def test_a_table_that_cannot_be_pooled_is_audited_all_the_same(
    lines: tuple[str, ...], reason: str
) -> None:
    found = audit(table(*lines))
    assert found.not_pooled.startswith(reason)
    assert ("not pooled: " in repr(found)) is bool(reason)


def test_what_cannot_be_said_is_said() -> None:
    none = cb.datasets.headache_back_pain().select(
        {"headache": ["migraine"], "study_id": ["yoon2013"]}
    )
    found = audit(none)
    reason = "the table names no measure and has no 2x2 counts"
    assert f"; not pooled: {reason}" in found.summary()
    assert "weights, outliers and directions not looked at" in found.summary()
    (*_, last) = audit_findings(found)
    assert isinstance(last, cb.Paragraph)
    assert str(last.text).startswith(f"No repair can be tried: {reason}")


@pytest.mark.parametrize("row", ["c,RR,2.00,1.98,2.02,100", "c,RR,0.69,0.40,0.98,100"])
def test_a_finding_about_a_row_of_another_measure_has_no_effect_on_the_pool(row: str) -> None:
    header = "study_id,measure,estimate,ci_low,ci_high,n"
    rows = ("a,OR,2.00,1.00,4.00,200", "b,OR,2.10,1.00,4.41,200", row)
    about = [finding for finding in audit(table(header, *rows)).findings if finding.rows == ("c",)]
    # 2.00 (1.98 to 2.02) is too narrow for 100 people; 0.69 stands in the middle as a logarithm
    assert {"impossible-interval", "ratio-on-log-scale"} & {finding.code for finding in about}
    assert all(finding.effects == () for finding in about)


def test_a_row_of_another_measure_does_not_keep_the_others_from_their_pool() -> None:
    header = "study_id,measure,estimate,ci_low,ci_high,n"
    rows = ("a,OR,2.00,1.95,2.05,100", "b,OR,2.00,1.00,4.00,200", "c,RR,2.00,1.00,4.00,100")
    found = audit(table(header, *rows))
    assert {finding.code for finding in found.findings} == {
        *("impossible-interval", "mixed-measures", "nearly-all-weight")
    }
    (effect,) = found.findings[0].effects
    assert (effect.measure, effect.before.k, effect.after.k) == ("OR", 2, 1)


def test_the_measure_is_the_one_of_most_rows() -> None:
    rows = [row.replace("OR", "HR") for row in FITTING]
    finding = only(table(TABLE, *rows, "far,HR,9.0,0.2", "e,HR,2.0,0.2"), "outlier")
    assert finding.effects[0].measure == "HR"


def test_one_row_of_each_study_is_a_repair_with_two_ends() -> None:
    studies = table(
        "study_id,estimate_id,measure,estimate,se",
        *("a,1,OR,2,0.2", "a,2,OR,3,0.2", "b,3,OR,2,0.2"),
    )
    effects = only(studies, "several-rows-per-study").effects
    assert [(effect.repair, effect.after.k) for effect in effects] == [
        ("with the first row of each study alone", 2),
        ("with the last row of each study alone", 2),
    ]
    assert effects[0].after.estimate == pytest.approx(2.0)
    # equal variances: exp of the mean of log 3 and log 2
    assert effects[1].after.estimate == pytest.approx(np.sqrt(6))


def test_what_a_repair_does_is_said_once() -> None:
    said = cb.audit(cb.datasets.headache_back_pain()).summary()
    assert said.count("Repaired with the counts of ghandour2004-1") == 1
    assert max(len(line) for line in said.splitlines() if not line.startswith("note: ")) <= 100


def test_views_have_the_effects() -> None:
    found = cb.audit(cb.datasets.headache_back_pain())
    effect = json.loads(json.dumps(found.to_dict()))["findings"][0]["effects"][0]
    assert set(effect) == set(Effect.__dataclass_fields__)
    assert found.to_frame().loc[0, "effect"] == found.findings[0].effects[0].summary()


def test_the_section_lists_a_repair_once_with_what_it_is_for() -> None:
    blocks = audit_findings(cb.audit(cb.datasets.headache_back_pain()))
    _, repairs = (block for block in blocks if isinstance(block, cb.Table))
    assert repairs.rows[0] == (
        "with the counts of ghandour2004-1",
        "impossible interval and asymmetric interval",
        *("2.28 (1.86 to 2.80)", "2.30 (1.87 to 2.82)"),
        *("2.11 (2.11 to 2.12)", "2.87 (2.82 to 2.92)"),
        "no",
    )
    assert [row[1] for row in repairs.rows[1:]] == [
        *("asymmetric interval", "mixed adjustment", "mixed adjustment"),
        *("nearly all weight", "outlier"),
    ]


def test_the_section_of_nothing_and_of_notes_without_repairs() -> None:
    assert len(audit_findings(Audit(()))) == 1
    note = Finding("a-code", "note", (), "So it should be.", "So it is.", "Do this.")
    (block,) = audit_findings(Audit((note,)))
    assert isinstance(block, cb.Table)
    assert block.rows == (("a code", "So it is. So it should be."),)


def test_the_section_warns_of_what_is_wrong_and_tabulates_what_need_not_be() -> None:
    rows = ("a", "b")
    findings = (
        Finding("an-error", "error", ("a",), "So it should be.", "So it is.", ""),
        Finding("a-warning", "warning", (), "So it should be.", "So it is.", ""),
        Finding("one-row", "note", rows[:1], "Expected.", "Found.", ""),
        Finding("two-rows", "note", rows, "Expected.", "Found.", ""),
    )
    *loud, table = audit_findings(Audit(findings))
    assert [(block.title, block.kind) for block in loud if isinstance(block, cb.Note)] == [
        ("Error: an error (a)", "caution"),
        ("Warning: a warning", "caution"),
    ]
    assert isinstance(table, cb.Table)
    assert [row[1] for row in table.rows] == [
        "Found. Expected. Row: a.",
        "Found. Expected. Rows: a, b.",
    ]


def test_the_section_of_very_many_findings_is_cut() -> None:
    rows = tuple(f"row{i}" for i in range(20))
    notes = tuple(Finding(f"code-{i}", "note", rows, "", "", "") for i in range(100))
    blocks = audit_findings(Audit(notes))
    assert len(blocks) == 2
    assert isinstance(blocks[0], cb.Table)
    assert len(blocks[0].rows) == 60
    assert blocks[0].rows[0][1].endswith("row11 and others.")
    assert isinstance(blocks[-1], cb.Paragraph)
    assert str(blocks[-1].text).startswith("Not all findings are shown.")


def test_an_override_of_no_row_is_an_error() -> None:
    override = cb.Override("ghandour2004-9", use="counts", reason="of a test")
    with pytest.raises(cb.DataError, match="no such row; did you mean ghandour2004-1"):
        cb.audit(cb.datasets.headache_back_pain(), overrides=[override])
