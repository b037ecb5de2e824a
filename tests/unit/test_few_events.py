"""Few events: effects of sparse tables say that their pool cannot be relied on alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import comorbid as cb

SAID = "few events in the counts of "
MANY = {"ai": [40, 30, 25], "n1i": [400, 300, 250], "ci": [35, 20, 30], "n2i": [380, 310, 260]}


def said(effects: cb.Effects) -> bool:
    return any(SAID in note for note in cb.pool(effects).warnings)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize(
    ("ai", "n1i", "few"),
    [
        (40, 400, False),
        (0, 400, True),  # a cell of 0
        (1, 6, True),  # an expected cell below 1: 6 x 36 / 386 = 0.56
        (12, 40, True),  # one below 5 in three tables: 40 x 47 / 420 = 4.5
    ],
)
def test_cochrans_rule(measure: str, ai: int, n1i: int, few: bool) -> None:
    counts = MANY | {"ai": [ai, 30, 25], "n1i": [n1i, 300, 250]}
    assert cb.sparse(counts).doubtful is few
    assert said(cb.escalc(measure, **counts)) is few


def test_one_table_in_five_may_have_an_expected_cell_below_5() -> None:
    counts = {name: [values[0]] * 4 for name, values in MANY.items()}
    counts = {
        name: [*counts[name], last] for name, last in zip(MANY, (12, 40, 35, 380), strict=True)
    }
    assert not said(cb.escalc("OR", **counts))


def test_printed_estimates_and_other_measures_say_nothing() -> None:
    assert not said(cb.escalc("OR", estimate=[1.2, 2.0], ci_low=[0.9, 1.1], ci_high=[1.6, 3.6]))
    assert not said(cb.escalc("PETO", **MANY | {"ai": [1, 2, 1], "ci": [2, 0, 3]}))


def test_only_tables_whose_counts_are_used_count() -> None:
    """Ghandour's counts are large, and the rows with printed intervals have no small ones."""
    studies = cb.datasets.headache_back_pain()
    assert not any(SAID in note for note in cb.effects(studies, measure="OR").warnings)


def test_a_study_table_names_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    rows = [f"study{i},Study {i},{i},90,1,80" for i in range(7)] + ["large,Large,30,90,25,90"]
    path.write_text("\n".join(["study_id,label,ai,bi,ci,di", *rows, ""]), encoding="utf-8")
    effects = cb.effects(cb.read_studies(path), measure="OR")
    note = next(note for note in cb.pool(effects).warnings if SAID in note)
    five = "Study 0, Study 1, Study 2, Study 3, Study 4"
    assert note.startswith(f"few events in the counts of {five} and others: ")
