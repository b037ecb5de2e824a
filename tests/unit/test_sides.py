"""What values below and above no effect mean: declared in `report.toml`, said below the forest."""

from __future__ import annotations

from pathlib import Path

import pytest

import comorbid as cb
from comorbid.document.sections import results
from comorbid.testing import studies_csv

TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["forest"]
formats = ["markdown"]
"""


def built(folder: Path, lines: str, studies: str = "") -> cb.Report:
    (folder / "studies.csv").write_text(studies or studies_csv(3), encoding="utf-8")
    (folder / "report.toml").write_text(TOML + lines, encoding="utf-8")
    return cb.build(folder)


def test_the_caption_says_what_the_sides_mean(tmp_path: Path) -> None:
    report = built(tmp_path, 'sides = ["rarer by up to 3 %", "more common"]\n')
    (figure,) = (b for b in report.document.sections[0].blocks if isinstance(b, cb.Figure))
    assert figure.caption.endswith(
        " Left of the line of no effect: rarer by up to 3 %; right of it: more common."
    )
    plain = built(tmp_path, "").document.sections[0].blocks
    assert not any("Left of the line" in str(block) for block in plain)


def test_the_caption_of_a_difference() -> None:
    fit = cb.pool(cb.Effects(yi=[0.1, 0.4], vi=[0.02, 0.03], measure="MD"))
    figure = results.forest(fit, spread=False, sides=("better", "worse"))[0]
    assert isinstance(figure, cb.Figure)
    assert figure.caption.endswith(" Left of the line of no effect: better; right of it: worse.")


@pytest.mark.parametrize("value", ['["one"]', '["one", "two", "three"]', '"one"', "[1, 2]"])
def test_there_are_two_of_them(tmp_path: Path, value: str) -> None:
    with pytest.raises(cb.ReportError, match=r"sides is .*; give (two texts|a list of names)"):
        built(tmp_path, f"sides = {value}\n")


def test_a_measure_without_no_effect_has_no_sides(tmp_path: Path) -> None:
    studies = "study_id,xi,ni\na,3,10\nb,4,12\n"
    with pytest.raises(cb.ReportError, match="the measure PLO has no value of no effect; leave"):
        built(tmp_path, 'measure = "PLO"\nsides = ["few", "many"]\n', studies)
