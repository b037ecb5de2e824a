"""Large input works or is refused, with the limit and what to do; all studies are simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import comorbid as cb
from comorbid.report.context import ROWS_LIMIT
from comorbid.studies.textfile import LIMIT_MB, LIMIT_ROWS

TOML = """
id = "many"
title = "Simulated studies"
date = 2026-01-31
data = "studies.csv"
formats = ["html"]
sections = ["summary", "methods", "provenance"]
"""
HEADER = "study_id,ai,bi,ci,di\n"


def rows(k: int) -> str:
    """Simulated 2x2 tables, with a seed."""
    counts = np.random.default_rng(1).integers(10, 500, size=(k, 4)).tolist()
    return HEADER + "".join(f"s{i},{a},{b},{c},{d}\n" for i, (a, b, c, d) in enumerate(counts))


def folder_of(k: int, folder: Path) -> Path:
    (folder / "report.toml").write_text(TOML, encoding="utf-8")
    (folder / "studies.csv").write_text(rows(k), encoding="utf-8")
    return folder


def test_a_report_of_5000_studies_is_refused_with_the_limit(tmp_path: Path) -> None:
    with pytest.raises(cb.DataError) as caught:
        cb.build(folder_of(5000, tmp_path))
    (problem,) = caught.value.problems
    assert problem.message == "5,000 rows; a report prints each, and the limit is 2,000"
    assert problem.remedy.startswith("`comorbid pool` and comorbid.pool() take any number")
    assert problem.file == str(tmp_path / "studies.csv")


def test_a_report_at_the_limit_is_made(tmp_path: Path) -> None:
    report = cb.build(folder_of(ROWS_LIMIT, tmp_path))
    assert report.plan.definition.id == "many"
    assert len(report.lock["results"]["pool"]["values"]["weights"]) == ROWS_LIMIT  # type: ignore[index]


def test_5000_studies_are_pooled_without_a_report(tmp_path: Path) -> None:
    studies = cb.read_studies(folder_of(5000, tmp_path) / "studies.csv")
    assert cb.pool(cb.effects(studies, measure="OR")).k == 5000


def test_a_table_above_the_limit_is_refused_with_it(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    with path.open("wb") as file:
        file.truncate(LIMIT_MB * 1_000_000 + 1)
    with pytest.raises(cb.DataError) as caught:
        cb.read_studies(path)
    (problem,) = caught.value.problems
    assert problem.message == "the file is larger than 50 MB, the limit for a table"
    assert problem.remedy.startswith("keep one row for each published figure")


@pytest.mark.slow
def test_a_table_of_too_many_rows_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(HEADER + "s,1,2,3,4\n" * (LIMIT_ROWS + 1), encoding="utf-8")
    with pytest.raises(cb.DataError) as caught:
        cb.read_studies(path)
    (problem,) = caught.value.problems
    assert problem.message == "the file has more than 200,000 rows, the limit for a table"
    assert problem.remedy == "keep one row for each published estimate"


@pytest.mark.slow
def test_a_table_of_50_mb_is_read(tmp_path: Path) -> None:
    """Of long notes, as tables grow large: about 10 s and 500 MB."""
    note = "x" * 4_000
    line = f"s{{}},10,90,5,95,{note}\n"
    size = 50_000_000 - len("study_id,ai,bi,ci,di,note\n")
    k = size // (len(line) + 3)
    text = "study_id,ai,bi,ci,di,note\n" + "".join(line.format(i) for i in range(k))
    path = tmp_path / "studies.csv"
    path.write_text(text + "\n" * (50_000_000 - len(text)), encoding="utf-8")
    assert path.stat().st_size == 50_000_000
    studies = cb.read_studies(path)
    assert len(studies) == k
    assert studies.frame["note"].iloc[-1] == note
