"""The pool of tables with few events: when two steps are in doubt, and one step beside them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from golden_data import DATA

import comorbid as cb
from comorbid.document.sections.one_step import doubt, one_step
from comorbid.testing import build_section, studies_csv
from comorbid.testing.kit import csv_text

Cells = tuple[int, int, int, int]
"""Events and others of group 1, and of group 2."""


def counts(tables: Sequence[Cells], **columns: Sequence[object]) -> str:
    cells = dict(zip(("ai", "bi", "ci", "di"), zip(*tables, strict=True), strict=True))
    ids = [f"study-{i + 1}" for i in range(len(tables))]
    return csv_text({"study_id": ids, **cells, **columns})


def printed(studies: str) -> str:
    """What the section on the pool says, notes with their titles."""
    return text(build_section("forest", studies=studies))


def text(blocks: Sequence[cb.Block]) -> str:
    return " ".join(
        f"{getattr(block, 'title', '')} {_words(block.text)}"
        for block in blocks
        if isinstance(block, cb.Note | cb.Paragraph)
    )


def _words(inline: object) -> str:
    runs = inline if isinstance(inline, tuple) else (inline,)
    return "".join(run for run in runs if isinstance(run, str))


def nielweise() -> list[Cells]:
    with (Path(DATA) / "dat.nielweise2007.csv").open(encoding="utf-8") as file:
        rows = [{k: r[k] for k in ("ai", "n1i", "ci", "n2i")} for r in csv.DictReader(file)]
    values = [{name: int(float(cell)) for name, cell in row.items()} for row in rows]
    return [(r["ai"], r["n1i"] - r["ai"], r["ci"], r["n2i"] - r["ci"]) for r in values]


def test_catheters_of_nielweise_2007() -> None:
    # metafor 3.8-1: rma.glmm(measure="OR", model="CM.EL"), in the golden file of the data set
    path = Path(DATA) / "dat.nielweise2007.json.gz"
    golden = json.loads(gzip.decompress(path.read_bytes()))
    exact = golden["more"]["glmm_OR"]["CM.EL"]
    low, high = (np.exp(exact[name]) for name in ("ci.lb", "ci.ub"))
    found = printed(counts(nielweise()))
    assert "Of 18 tables of counts 6 have a cell of 0, 14 have an expected cell below 5" in found
    assert "3 have an expected cell below 1" in found
    assert f"the average odds ratio is {np.exp(exact['beta']):.2f}" in found
    assert f"({low:.2f} to {high:.2f})" in found.replace("95 % normal interval ", "")
    assert "from the counts of 17 tables themselves, with the exact likelihood" in found
    assert "The average in two steps has 1 more study, without events to learn from" in found


def rare(k: int, ratio: float = 2.0) -> list[Cells]:
    """Simulated: two groups of 150, with events at 1 % in the second; seed 20260131."""
    random = np.random.default_rng(20260131)
    ci, ai = random.binomial(150, 0.01, size=k), random.binomial(150, 0.01 * ratio, size=k)
    return [(int(a), 150 - int(a), int(c), 150 - int(c)) for a, c in zip(ai, ci, strict=True)]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("k", [2, 3, 12])
def test_simulated_rare_events(k: int, ratio: float) -> None:
    found = printed(counts(rare(k, ratio)))
    assert "should not be relied on alone" in found
    assert "In one step" in found or "There is no average in one step" in found
    assert "nan" not in found


def test_large_tables_have_their_exact_likelihood_too() -> None:
    tables = [(15_000, 90_000, 12_000, 91_000), (0, 50, 3, 49), (2, 40, 1, 41)]
    found = printed(counts(tables))
    columns = dict(zip(("ai", "bi", "ci", "di"), zip(*tables, strict=True), strict=True))
    fit = cb.glmm(columns, model="CM.EL")
    assert "from the counts of 3 tables themselves, with the exact likelihood" in found
    assert f"the average odds ratio is {fit.on_scale().estimate:.2f}" in found


def test_nothing_is_added_where_no_cell_is_0() -> None:
    tables = [(3, 97, 6, 94), (2, 98, 6, 94), (4, 60, 2, 59)]
    found = printed(counts(tables))
    assert "With few events it is neither: the average should not be relied on alone" in found
    assert "cells of 0" not in found
    assert "the logarithm of each estimate" in found
    zero = printed(counts([*tables, (0, 50, 3, 47)]))
    assert "it is neither, and what is added to cells of 0 moves it" in zero


def test_a_risk_difference_is_no_logarithm() -> None:
    sparse = cb.sparse({"ai": [0, 2], "bi": [50, 48], "ci": [3, 5], "di": [47, 45]})
    said = doubt(sparse, "RD")
    assert "The average above takes each estimate as normal" in said
    assert "logarithm" not in said


def test_no_event_in_one_group_has_no_average_in_one_step() -> None:
    found = printed(counts([(0, 50, 3, 47), (0, 60, 2, 58), (0, 40, 1, 39)]))
    assert "There is no average in one step:" in found
    assert "Of 3 tables of counts 3 have a cell of 0" in found


@pytest.mark.parametrize(
    "studies",
    [
        studies_csv(5),
        counts([(30, 70, 20, 80), (40, 60, 25, 75), (35, 65, 30, 70)]),
    ],
)
def test_without_counts_or_with_many_events_nothing_is_said(studies: str) -> None:
    found = printed(studies)
    assert "Few events" not in found
    assert "one step" not in found


@pytest.mark.parametrize("tables", [[(1, 50, 3, 47)], [(0, 50, 0, 50)]])
def test_of_one_study_there_is_no_average_to_doubt(tables: list[Cells]) -> None:
    assert "Few events" not in printed(counts(tables))


def test_reported_studies_are_beside_tables() -> None:
    tables = [(1, 99, 4, 96), (2, 98, 6, 94), (1, 60, 2, 59), (0, 0, 0, 0)]
    blank = [*[""] * 3, "2.0"]
    studies = counts(
        tables, measure=["", "", "", "OR"], estimate=blank, se=[*[""] * 3, "0.3"]
    ).replace("0,0,0,0", ",,,")
    found = printed(studies)
    assert "Of 3 tables of counts" in found
    assert "has 1 more study, without events to learn from or without counts." in found


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (rare(12, 6.0), "Both intervals exclude no association."),
        (rare(3, 1.0), "Both intervals include no association."),
    ],
)
def test_what_the_two_averages_exclude(tables: list[Cells], expected: str) -> None:
    assert expected in printed(counts(tables))


def sparse_and(y: float, se: float) -> str:
    """What is said of an average in two steps at y, beside that of simulated tables."""
    cells = dict(zip(("ai", "bi", "ci", "di"), zip(*rare(12, 6.0), strict=True), strict=True))
    fit = cb.pool(cb.Effects(yi=[y, y], vi=[2 * se**2] * 2, measure="OR"), test="z")
    return text(one_step(fit, cb.sparse(cells), cb.glmm(cells, model="CM.EL"), ""))


def test_two_averages_that_disagree() -> None:
    assert "They lie on different sides of no association." in sparse_and(-0.5, 0.1)
    assert "Only the interval in two steps includes no association." in sparse_and(0.5, 1.0)
