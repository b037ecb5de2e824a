"""The section: what it says of the table of the report, and of tables with more or less in them."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import comorbid_treatments as ct
import numpy as np
import pandas as pd
import pytest
from comorbid_treatments import figures
from comorbid_treatments.comparison import Comparison, run
from comorbid_treatments.sections import blocks
from comorbid_treatments.table import COLUMNS
from comorbid_treatments.text import scope
from scipy.special import ndtri

import comorbid as cb
from comorbid.studies.further import read_table

TABLE = Path(__file__).parents[3] / "reports" / "headache-back-pain" / "treatments.csv"
GIVEN = Path(__file__).parent / "data" / "low-back-pain-rmdq-uk.csv"
Z = float(ndtri(0.975))
YOGA, CBT = "yoga (12-class programme)", "group cognitive behavioural intervention + advice"


def compared(text: str, folder: Path) -> Comparison:
    """The analysis of a report with this table."""
    path = folder / "treatments.csv"
    path.write_text(text, encoding="utf-8")
    table = read_table(path, name="treatments", columns=COLUMNS)
    settings = SimpleNamespace(level=0.95)
    return run(SimpleNamespace(tables={"treatments": table}, settings=settings))


def words(comparison: Comparison) -> str:
    """Everything that a reader of the section reads, drawings by their words."""
    return " ".join(str(block) for block in blocks(comparison) if not isinstance(block, cb.Figure))


def given(replace: dict[str, str] | None = None) -> str:
    text = TABLE.read_text(encoding="utf-8")
    for old, new in (replace or {}).items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def report(tmp_path: Path) -> Comparison:
    return compared(given(), tmp_path)


def test_table_of_the_report_holds_the_trials_as_given() -> None:
    ours, theirs = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (TABLE, GIVEN))
    own = ["primary", "pooled_as", "pooled_reason", "rho"]
    assert [name for name in ours if name not in own] == list(theirs)
    unchanged = [name for name in theirs if name != "note"]
    assert ours[unchanged].equals(theirs[unchanged])
    # A note may say more than the one given.
    pairs = zip(ours["note"], theirs["note"], strict=True)
    assert all(long.startswith(short) for long, short in pairs)


def test_estimates_are_those_of_the_trials(report: Comparison) -> None:
    """A star of single trials: the network returns each trial, and differences of them."""
    assert report.results is not None
    fit = report.results.fit
    assert (fit.network.reference, fit.network.k, fit.network.n) == ("usual care", 5, 7)
    printed = {
        YOGA: (1.57, 0.42, 2.71),
        CBT: (1.3, 0.56, 2.06),
        "exercise classes": (1.35, 0.13, 2.57),
    }
    table = fit.to_frame()
    for name, (estimate, low, high) in printed.items():
        assert table.loc[name, "estimate"] == pytest.approx(estimate)
        assert table.loc[name, "se"] == pytest.approx((high - low) / 2 / Z)
    indirect = fit.to_frame(against=CBT).loc[YOGA]
    assert indirect["estimate"] == pytest.approx(1.57 - 1.3)
    errors = [(high - low) / 2 / Z for _, low, high in (printed[YOGA], printed[CBT])]
    assert indirect["se"] == pytest.approx(np.hypot(*errors))
    assert np.isnan(fit.tau2)
    assert np.isnan(table[["pi_low", "pi_high"]].to_numpy()).all()


def test_arms_of_uk_beam_share_their_comparator(report: Comparison) -> None:
    """Variance of the difference of two contrasts with correlation 0.5: v1 + v2 - sqrt(v1 v2)."""
    assert report.results is not None
    v = ((1.8 - 0.2) / 2 / Z) ** 2
    against = report.results.fit.to_frame(against="spinal manipulation")
    assert against.loc["manipulation + exercise", "estimate"] == pytest.approx(0.3)
    assert against.loc["manipulation + exercise", "se"] == pytest.approx(np.sqrt(v))


def test_scope_follows_the_conditions_of_the_table(report: Comparison) -> None:
    first = report.compared[0]
    assert scope([first]).startswith("These are trials of treatments for back pain, and none")
    other = dataclasses.replace(first, condition="neck pain")
    assert scope([first, other]).startswith("These are trials of treatments, and none of")
    assert scope([dataclasses.replace(first, outcome="migraine days a month")]) == ""


def test_section_says_what_the_trials_cannot_show(report: Comparison) -> None:
    text = words(report)
    for part in (
        "none of them measured headache: the outcome is RMDQ (0-24)",
        "5 trials compare 7 treatments; UK BEAM Trial Team 2004 has more than two arms",
        "values above 0 favour the treatment named first",
        "12 months (UK BEAM Trial Team 2004, Lamb 2010, Tilbrook 2011 and Hill 2011); 6 months "
        "(Klaber Moffett 1999)",
        "UK BEAM Trial Team 2004 also compared exercise classes, for which the table has an "
        "estimate at 3 months only",
        "the abstract gives no figure for exercise at 12 months",
        "no comparison was made by two trials, so the variance between trials (tau²) cannot be",
        "direct and indirect evidence cannot be tested against each other, since there is no "
        "closed loop of comparisons independent of a trial with more than two arms",
        "14 of 21 comparisons are indirect",
        "a comparison-adjusted funnel plot needs comparisons of at least two trials",
        "is an assumption, not a finding",
        "Without it the trials fall into 5 separate groups",
        "an active package; pooled only so that this trial is connected with the others",
        "share the arm 'usual care'; their correlation is assumed to be 0.5",
        "excludes 0 for 6 of 6 treatments; between the treatments themselves it does so for none "
        "of 15 comparisons",
        "no indirect evidence from other trials adds to it. A path over other treatments runs "
        "through other arms of the same trial.",
        "The network model is a common-effect model",
        "Not in the table of estimates: spinal manipulation vs manipulation + exercise of UK BEAM "
        "Trial Team 2004, which follows",
        "subacute/chronic LBP, 56 general practices",
        "Cite(keys=('ruecker2015',))",
        "Ranks without intervals mislead",
        "the interval of their difference includes no difference",
    ):
        assert part in text, part
    assert "prediction'" not in text


def test_what_the_trials_say_themselves_is_not_printed_again(report: Comparison) -> None:
    """No network column where every estimate and interval in it is the trial's, to the digit."""
    (table,) = (b for b in blocks(report) if getattr(b, "caption", "").startswith("Comparisons"))
    assert isinstance(table, cb.Table)
    assert table.header == ("Comparison", "Trials", "Trials alone (95 % interval)")
    assert "Contributions" not in words(report)
    assert report.results is not None
    assert report.pairs is not None
    network, alone = report.results.fit, report.pairs.to_frame()
    trials = network.network.to_frame()
    for first, second in zip(trials["treat1"], trials["treat2"], strict=True):
        i, j = network.network.position(first), network.network.position(second)
        row = alone.loc[f"{first} vs {second}"]
        assert network.estimate[i, j] == pytest.approx(row["estimate"], abs=1e-9)
        assert network.ci_low[i, j] == pytest.approx(row["ci_low"], abs=1e-9)


def test_sources_are_links_where_they_can_be(report: Comparison) -> None:
    (_, sources) = (block for block in blocks(report) if isinstance(block, cb.Items))
    assert len(sources.items) == 5
    ends = [item[-1] for item in sources.items]
    assert sum(isinstance(end, cb.Link) for end in ends) == 4
    # A link needs https; the one address without it is printed.
    (plain,) = (item for item in sources.items if isinstance(item[-1], str))
    assert plain == ("Klaber Moffett 1999", ": ", "http://eprints.whiterose.ac.uk/44/")


def test_a_trial_is_cited_where_the_report_has_its_paper(report: Comparison) -> None:
    made = blocks(report, papers={"ukbeam2004", "nobody1900"})
    (_, sources) = (block for block in made if isinstance(block, cb.Items))
    cited = [item[:2] for item in sources.items if isinstance(item[1], cb.Cite)]
    assert cited == [("UK BEAM Trial Team 2004 ", cb.Cite("ukbeam2004"))]


def test_section_claims_nothing_that_trials_do_not_show(report: Comparison) -> None:
    text = words(report).lower()
    for word in ("effective", "proven", "recommend", "superior", "significant", "cause", "works"):
        assert word not in text


def test_figures_have_words_and_the_same_bytes(report: Comparison) -> None:
    first, second = (
        [block for block in blocks(report) if isinstance(block, cb.Figure)] for _ in range(2)
    )
    assert first == second
    assert len(first) == 2
    assert "Three or more arms: UK BEAM Trial Team 2004." in first[0].alt
    assert f"{YOGA} 1.57 (0.42 to 2.71)" in first[1].alt


def test_league_has_an_empty_cell_where_no_trial_compared(report: Comparison) -> None:
    (league,) = (b for b in blocks(report) if getattr(b, "caption", "") == "League table")
    assert isinstance(league, cb.Table)
    assert league.header == ("Row against column", *"1234567")
    assert sum(row.count(".") for row in league.rows) == 14
    assert league.rows[0][0] == f"1 {YOGA}"


def edited(change: Callable[[dict[str, str]], dict[str, str] | None]) -> str:
    """The table of the report with every row changed, or left out."""
    rows = list(csv.DictReader(io.StringIO(given())))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in map(change, rows) if row is not None)
    return out.getvalue()


def test_without_pooling_there_is_no_network(tmp_path: Path) -> None:
    text = edited(lambda row: {**row, "pooled_as": "", "pooled_reason": ""})
    comparison = compared(text, tmp_path)
    assert comparison.results is None
    said = words(comparison)
    assert "Every comparator keeps the name that its trial gives it." in said
    assert "No trial connects these groups of treatments" in said
    assert "there is no network meta-analysis, league table or ranking" in said
    assert "1.57 (0.42 to 2.71)" in said
    assert "P-score" not in said
    assert comparison.to_dict()["results"] is None
    assert len(comparison.to_frame()) == 7


def test_no_row_and_one_row(tmp_path: Path) -> None:
    none = compared(edited(lambda row: {**row, "primary": "no"}), tmp_path)
    assert "no row that is compared" in words(none)
    assert none.to_frame().empty
    assert none.to_dict()["network"] is None
    yoga = edited(lambda row: row if row["trial_id"] == "tilbrook2011" else None)
    said = words(compared(yoga, tmp_path))
    assert "1 trial compares 2 treatments" in said
    assert "All results are those 12 months after entry." in said
    assert "excludes 0 for 1 of 1 treatment." in said


def at_three_months(row: dict[str, str]) -> dict[str, str]:
    """UK BEAM at 3 months, with the exercise arm that a second trial has as well."""
    if row["trial_id"] != "ukbeam2004":
        return row
    return {**row, "primary": "yes" if row["timepoint_months"] == "3" else "no"}


def test_inconsistent_evidence_is_said_to_disagree(tmp_path: Path) -> None:
    """A loop X : placebo, Y : placebo, X : Y whose three odds ratios 0.5, 2 and 4 cannot be."""
    rows = list(csv.DictReader(io.StringIO(given())))[:3]
    for row, (treatment, comparator, value) in zip(
        rows, (("X", "placebo", 0.5), ("Y", "placebo", 2.0), ("X", "Y", 4.0)), strict=True
    ):
        row.update(
            trial_id=treatment + comparator, author="", year="", treatment=treatment,
            comparator=comparator, measure="OR", estimate=f"{value}", ci_low=f"{value / 1.5}",
            ci_high=f"{value * 1.5}", primary="yes", pooled_as="", pooled_reason="", rho="",
        )  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    comparison = compared(out.getvalue(), tmp_path)
    said = words(comparison)
    assert "disagree by more than sampling error; heterogeneity may be" in said
    assert "A large p-value" not in said
    # By hand: 0.5 direct against 4 x 2 indirect, with tau2 in each of the three variances.
    assert comparison.results is not None
    v = (np.log(1.5) / Z) ** 2 + comparison.results.fit.tau2
    half = Z * np.sqrt(3 * v)
    low, high = (np.exp(np.log(0.5 / 8) + sign * half) for sign in (-1, 1))
    assert "Ratio (95 % interval)" in said
    assert f"0.0625 ({cb.prose.interval((low, high), 'log')})" in said


def test_two_trials_of_a_comparison_and_a_loop(tmp_path: Path) -> None:
    comparison = compared(edited(at_three_months), tmp_path)
    assert comparison.results is not None
    assert comparison.results.split.between.df == 1
    said = words(comparison)
    assert "Differences between designs, the test of consistency: Q = 0.0" in said
    assert "A large p-value does not show consistency" in said
    assert "one for all comparisons, is estimated as" in said
    assert "cannot be tested" not in said
    assert "Direct and indirect evidence" in said
    assert "'Network (95 % interval)'" in said
    assert "Contributions to the estimates against" in said
    assert "95 % prediction" in said
    drawn = [block.alt for block in blocks(comparison) if isinstance(block, cb.Figure)]
    assert any(alt.startswith("Comparison-adjusted funnel of 2 contrasts") for alt in drawn)
    assert comparison.small_values == "undesirable"


def test_where_negative_values_favour_the_treatment_the_ranks_turn(tmp_path: Path) -> None:
    def turned(row: dict[str, str]) -> dict[str, str]:
        ends = {"ci_low": f"-{row['ci_high']}", "ci_high": f"-{row['ci_low']}"}
        direction = row["direction"].replace("positive", "negative")
        return {**row, **ends, "estimate": f"-{row['estimate']}", "direction": direction}

    first, second = compared(given(), tmp_path), compared(edited(turned), tmp_path)
    assert first.results is not None
    assert second.results is not None
    assert second.results.p_scores == pytest.approx(first.results.p_scores)
    assert "values below 0 favour the treatment named first" in words(second)


def test_ratios_are_printed_as_ratios(tmp_path: Path) -> None:
    def ratio(row: dict[str, str]) -> dict[str, str]:
        return {**row, "measure": "OR"}

    said = words(compared(edited(ratio), tmp_path))
    assert "the odds ratio in RMDQ (0-24), where values above 1 favour" in said
    assert "interval excludes 1 for" in said
    # exp of the mean of the logs of the ends as printed: the estimate 1.57 stays.
    assert "1.57 (" in said


def wrong(tmp_path: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> str:
    with pytest.raises(cb.DataError) as error:
        compared(edited(change), tmp_path)
    return str(error.value).replace(str(tmp_path), "here")


def test_mistakes_in_the_table_name_file_and_line(tmp_path: Path) -> None:
    assert wrong(tmp_path, lambda row: {**row, "pooled_reason": ""}).startswith(
        "9 problems:\n  here/treatments.csv, line 2: 'best care in general practice' is pooled as "
        "'usual care' without a reason; give pooled_reason"
    )
    said = wrong(tmp_path, lambda row: {**row, "primary": "yes"})
    assert "ukbeam2004 must have one timepoint_months, not 3.0 (here/treatments.csv, line 2" in said
    assert "change it, or primary to no" in said


def test_mistakes_of_kind_are_found_by_the_columns(tmp_path: Path) -> None:
    said = wrong(tmp_path, lambda row: {**row, "measure": "points", "rho": "2", "direction": "up"})
    assert "column measure" in said
    assert "column rho" in said
    assert "column direction" in said
    said = wrong(tmp_path, lambda row: {**row, "ci_low": "9"})
    assert "line 2: the estimate 1.4 is not within 9 to 2.1; check all three" in said


def test_rows_that_do_not_belong_together(tmp_path: Path) -> None:
    def other(row: dict[str, str]) -> dict[str, str]:
        yoga = row["trial_id"] == "tilbrook2011"
        return {**row, "outcome": "pain (0-10)"} if yoga else row

    said = wrong(tmp_path, other)
    assert said.startswith("the rows that are compared must have one outcome, not RMDQ (0-24)")
    assert "pain (0-10) (here/treatments.csv, line 10)" in said


def test_treatment_spelled_two_ways_names_the_lines(tmp_path: Path) -> None:
    def other(row: dict[str, str]) -> dict[str, str]:
        best = row["trial_id"] == "best2010"
        return {**row, "pooled_as": "Usual  Care"} if best else row

    said = wrong(tmp_path, other)
    assert "one treatment in 2 spellings: 'usual care' (here/treatments.csv, line 5" in said
    assert "'Usual  Care' (here/treatments.csv, line 7); use one" in said


def test_shared_arm_without_a_correlation(tmp_path: Path) -> None:
    said = wrong(tmp_path, lambda row: {**row, "rho": ""})
    assert said.startswith("UK BEAM Trial Team 2004: 2 of the 3 contrasts of its 3 arms are given")


def test_trials_of_one_author_and_year_keep_their_ids(tmp_path: Path) -> None:
    def same(row: dict[str, str]) -> dict[str, str]:
        return {**row, "author": "Smith", "year": "2010"}

    labels = {entry.label for entry in compared(edited(same), tmp_path).compared}
    assert labels == {
        "ukbeam2004",
        "best2010",
        "tilbrook2011",
        "klabermoffett1999",
        "startback2011",
    }


def test_figures_that_cannot_be_drawn_say_why(report: Comparison) -> None:
    assert report.results is not None
    fit = report.results.fit
    with pytest.raises(cb.ModelError, match="no comparison was made by two trials"):
        figures.funnel(ct.funnel(fit, order=fit.network.treatments))
    with pytest.raises(cb.ModelError, match="fewer than two designs can be detached"):
        figures.net_heat(report.results.split)
