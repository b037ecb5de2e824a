"""The section on bias that no study measured: what it says at every number of studies."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid.document.sections import missing_evidence, unmeasured
from comorbid.testing import build_section, registry, studies_csv
from comorbid.testing.kit import build_document

BCG = Path(__file__).parents[1] / "golden" / "data" / "dat.bcg.csv"

ID = "unmeasured-bias"
CELLS = ("tpos", "tneg", "cpos", "cneg")


def texts(blocks: Any) -> str:
    """All words of paragraphs, notes and tables."""
    found = []
    for block in blocks:
        if isinstance(block, cb.Table):
            found += [" | ".join(row) for row in (block.header, *block.rows)]
        else:
            runs = (block.text,) if isinstance(block.text, str) else block.text
            found.append("".join(run if isinstance(run, str) else "[]" for run in runs))
    return "\n".join(found)


def kinds(blocks: Any) -> list[str]:
    return [type(block).__name__ for block in blocks]


def said(*ratios: str, measure: str = "OR", **options: object) -> str:
    """What the section says of studies with these ``estimate,ci_low,ci_high``."""
    rows = [f"s{i},{measure},{ratio}" for i, ratio in enumerate(ratios)]
    studies = "\n".join(["study_id,measure,estimate,ci_low,ci_high", *rows])
    return texts(build_section(ID, studies=studies, options={ID: options}))


def bcg_fit() -> cb.Fit:
    with BCG.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = ([float(row[name]) for row in rows] for name in CELLS)
    return cb.pool(cb.escalc("OR", **dict(zip(("ai", "bi", "ci", "di"), counts, strict=True))))


def bcg(**options: object) -> str:
    with BCG.open(encoding="utf-8") as file:
        cells = [[row[name] for name in CELLS] for row in csv.DictReader(file)]
    rows = [f"s{i},{','.join(row)}" for i, row in enumerate(cells)]
    studies = "\n".join(["study_id,ai,bi,ci,di", *rows])
    return texts(build_section(ID, studies=studies, options={ID: options}))


def test_one_study_has_an_e_value_and_nothing_else() -> None:
    """sqrt(4) = 2, and its lower end sqrt(2.25) = 1.5: 2 + sqrt(2), and 1.5 + sqrt(0.75)."""
    blocks = build_section(
        ID, studies="study_id,measure,estimate,ci_low,ci_high\na,OR,4,2.25,7.111\n"
    )
    assert kinds(blocks) == ["Paragraph", "Paragraph", "Paragraph", "Note"]
    text = texts(blocks)
    assert "the odds ratio of the one study is 2.00 (95 % confidence interval 1.50 to 2.67)" in text
    assert "risk ratios of at least 3.41 each" in text
    assert "for the interval to include no association, risk ratios of 2.37 could do" in text
    assert "With one study there is no choice" in text


def test_two_studies_that_include_no_association() -> None:
    text = said("1.6,1.1,2.3", "2.5,1.3,4.8")
    assert "the interval includes no association without any" in text
    assert "Both studies have a two-sided p-value below 0.05" in text
    assert "no sign that there was no such preference" in text
    assert "The interval of the average includes no association as it is; no study need be" in text
    assert "against it with fewer than ten studies" in text
    assert "Null studies of the median precision | – | none needed" in text


def test_a_null_result_has_no_affirmative_study() -> None:
    text = said("1.1,0.7,1.7", "0.8,0.5,1.3", "1.2,0.8,1.8")
    assert (
        "None of the 3 studies has a two-sided p-value below 0.05 and lies on the same side" in text
    )
    assert "there is no S-value" in text


def test_the_other_direction_reads_the_same() -> None:
    up = said("2,1.6,2.5", "3,2,4.5", "1.5,1,2.25", "2.2,1.5,3.2")
    down = said(
        "0.5,0.4,0.625", "0.333333,0.222222,0.5", "0.666667,0.444444,1", "0.454545,0.3125,0.666667"
    )
    for text in (up, down):
        assert "3 of the 4 studies have a two-sided p-value below 0.05" in text
        assert "in the worst case s2 alone counts, with an odds ratio of " in text
        assert " (its own 95 % confidence interval " in text
        assert "with one such study that says little" in text
        assert "Preference for small p-values (S-value) | none" in text
    assert up.split("E-value) | ")[1].split("\n")[0] == down.split("E-value) | ")[1].split("\n")[0]


def test_ten_studies_have_a_share_of_true_effects() -> None:
    text = bcg()
    assert "Of the true effects an estimated 92 % (95 % confidence interval 69 % to 100 %)" in text
    assert "have an odds ratio below 1. Confounding of the same strength in all studies" in text
    assert (
        "would leave no more than 10 % of them there if it multiplied risk ratios by 2.05" in text
    )
    assert "8 of the 13 studies have a two-sided p-value below 0.05" in text
    assert "they alone count, with an odds ratio of 0.87 (95 % confidence" in text
    assert "cannot be relied on" in text
    number = cb.tipping_point(bcg_fit()).typical.k
    assert f"If {number:.0f} studies more, of the median precision" in text
    assert "A single one that found it would not do, whatever its size" in text


def test_options_are_used_and_checked() -> None:
    assert "as for rare outcomes, the average odds ratio is 0.47" in bcg(outcome="rare")
    text = bcg(q=0.8, r=0.2)
    assert "have an odds ratio below 0.80" in text
    assert "leave no more than 20 % of them" in text
    with pytest.raises(cb.ReportError, match=r"\[analyses.unmeasured-bias\]: outcome is 'usual'"):
        bcg(outcome="usual")
    with pytest.raises(cb.ReportError, match=r"\[analyses.unmeasured-bias\]: r is 20"):
        bcg(r=20)


@pytest.mark.parametrize(
    ("measure", "row", "option", "words"),
    [
        ("RR", "2,1.5,2.667", {}, "The risk ratio of the one study is 2.00"),
        ("HR", "2,1.5,2.667", {}, "Read as a risk ratio, by an approximation, the hazard ratio"),
        ("SMD", "0.5,0.2,0.8", {}, "by an approximation, the standardised mean difference"),
        ("MD", "0.5,0.2,0.8", {}, "No risk ratio stands for this mean difference: it has no E-v"),
        ("RD", "0.1,0.05,0.15", {}, "No risk ratio stands for this risk difference"),
        (
            "RD",
            "0.1,0.05,0.15",
            {"baseline_risk": 0.2},
            "at the baseline risk given, the risk diff",
        ),
    ],
)
def test_measures(
    measure: str, row: str, option: dict[str, float], words: str, tmp_path: Path
) -> None:
    write(tmp_path, measure, [f"a,{measure},{row}"], option)
    assert words in cb.build(tmp_path).render("markdown").decode().replace("\n", " ")


def write(folder: Path, measure: str, rows: list[str], option: dict[str, float]) -> None:
    text = "\n".join(["study_id,measure,estimate,ci_low,ci_high", *rows, ""])
    (folder / "studies.csv").write_text(text, encoding="utf-8")
    lines = [f"{name} = {value}" for name, value in option.items()]
    (folder / "report.toml").write_text(
        f'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\nmeasure = "{measure}"\n'
        f'sections = ["{ID}", "references"]\n[analyses.{ID}]\n' + "\n".join(lines),
        encoding="utf-8",
    )


def test_without_a_study_and_without_a_null_there_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "studies.csv").write_text("study_id,xi,ni\na,5,20\nb,7,30\n", encoding="utf-8")
    (tmp_path / "report.toml").write_text(
        f'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\nmeasure = "PLO"\n'
        f'sections = ["{ID}"]\n',
        encoding="utf-8",
    )
    report = cb.build(tmp_path)
    assert "no value of no association" in texts(report.document.sections[0].blocks)
    (tmp_path / "studies.csv").write_text(studies_csv(1), encoding="utf-8")
    (tmp_path / "report.toml").write_text(
        f'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\nsections = ["{ID}"]\n'
        '[[override]]\nestimate = "study-1"\nuse = "exclude"\nreason = "Of other people."\n',
        encoding="utf-8",
    )
    blocks = cb.build(tmp_path).document.sections[0].blocks
    assert len(blocks) == 1
    assert "pooled" in texts(blocks)


def test_no_cause_is_claimed_and_the_limits_are_said() -> None:
    text = bcg()
    for word in ("cause", "due to", "robust", "significant"):
        assert word not in text.lower()
    assert "not about what brings it about" in text
    assert "nothing here says that there are such" in text


def test_conditions_are_named() -> None:
    fit = cb.pool(cb.Effects(yi=[0.9, 0.7, 0.8], vi=[0.03, 0.08, 0.02], measure="OR"))
    found = cb.e_value(fit)
    assert "associated with a and with b by" in unmeasured.confounding(fit, found, ("a", "b"))
    assert "with exposure and outcome by" in unmeasured.confounding(fit, found, None)


def test_a_model_of_one_common_effect_has_a_size_of_one_null_study() -> None:
    fit = cb.pool(
        cb.Effects(yi=[0.9, 0.7, 0.5], vi=[0.04, 0.03, 0.02], measure="OR", ni=[100, 130, 200]),
        method="EE",
        test="z",
    )
    text = missing_evidence.missing(fit, cb.tipping_point(fit))
    assert "A single one that found it would need a standard error of 0.0" in text
    assert " people, and would have " in text
    assert "% of the weight." in text


def test_a_selection_that_suffices_is_given_as_a_ratio() -> None:
    """The S-values are 26.02 by weights 1 / (v + tau2), and 1 for an interval that includes 0."""
    fit = cb.pool(
        cb.Effects(yi=[0.9, 0.7, 0.5, 0.1, -0.2], vi=[0.04, 0.03, 0.02, 0.03, 0.05], measure="OR")
    )
    found = cb.s_value(fit)
    w = 1 / (fit.effects.vi + fit.tau2)
    ratio = -(w * fit.effects.yi)[:3].sum() / (w * fit.effects.yi)[3:].sum()
    text = missing_evidence.publication(fit, found)
    assert f"Such results would have to be {ratio:.2f} times as likely to be published" in text
    assert "the interval of this method includes no association as it is" in text
    assert "they alone count, with an odds ratio of 0.96" in text


def test_what_is_printed_is_locked() -> None:
    computed, _ = build_document([ID], registry(), studies_csv(11), {}, {})
    results: Any = computed.lock()["results"]
    values = results[ID]["values"]
    assert set(values) == {"e_value", "true_effects", "s_value", "tipping", "studies"}
    assert values["e_value"]["measure"] == "OR"
    assert values["tipping"]["typical"]["k"] >= 0
