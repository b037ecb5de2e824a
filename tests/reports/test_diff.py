"""`comorbid diff`: real edits of the headache report, and what a reader is told of each."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import comorbid as cb
from comorbid.cli import main
from comorbid.report.changes import Move, Turn

HEADACHE = Path(__file__).parents[2] / "reports/headache-back-pain"
SECTIONS = 'sections = ["forest", "leave-one-out"]\nformats = ["html"]\n'


def build(folder: Path, edit: Callable[[str], str], define: Callable[[str], str]) -> Path:
    """Build a short report of the headache studies, edited."""
    folder.mkdir()
    definition = (HEADACHE / "report.toml").read_text(encoding="utf-8")
    head, _, rest = definition.partition("sections = [")
    _, _, overrides = rest.partition("[[override]]")
    definition = define(f"{head}{SECTIONS}\n[[override]]{overrides}")
    # The tables are edited, and what metafor gives for the committed ones is no longer about them.
    definition = re.sub("second_engine = .*\n", "", definition)
    (folder / "report.toml").write_text(definition, encoding="utf-8")
    rows = (HEADACHE / "studies.csv").read_text(encoding="utf-8")
    (folder / "studies.csv").write_text(edit(rows), encoding="utf-8")
    for name in ("treatments.csv", "references.bib"):
        shutil.copy(HEADACHE / name, folder)
    cb.build(folder).save()
    return folder


def same(text: str) -> str:
    return text


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("diff") / "old", same, same)


def without(start: str) -> Callable[[str], str]:
    return lambda rows: "".join(r for r in rows.splitlines(True) if not r.startswith(start))


def test_a_report_is_the_same_as_itself(old: Path) -> None:
    found = cb.diff(old, new=old)
    assert found.same
    assert found.summary() == "no difference"
    assert CliRunner().invoke(main, ["diff", str(old), str(old)]).exit_code == 0


def test_a_study_removed_and_added_again(old: Path, tmp_path: Path) -> None:
    new = build(tmp_path / "new", without("bejia2005"), same)
    found = cb.diff(old, new=new)
    (study,) = found.studies
    assert (study.id, study.kind, str(study)) == (
        "bejia2005-1",
        "removed",
        "- Bejia 2005 (bejia2005-1)",
    )
    moves = {move.name: move for move in found.moves if move.fit == "pool"}
    # The pool without Bejia 2005 is the row of leave-one-out that the older report has.
    lock = json.loads((old / "results.json").read_text(encoding="utf-8"))["results"]
    rows = lock["leave-one-out"]["values"]
    row = rows["labels"].index("Bejia 2005")
    assert moves["average"].new == pytest.approx(math.exp(rows["estimate"][row]), rel=1e-9)
    assert moves["average"].old == pytest.approx(
        math.exp(lock["pool"]["values"]["estimate"]), rel=1e-12
    )
    assert (moves["k"].old, moves["k"].new, moves["k"].change) == (6, 5, -1)
    assert moves["k"].relative == pytest.approx(-1 / 6)
    back = cb.diff(new, new=old)
    assert [study.kind for study in back.studies] == ["added"]
    done = CliRunner().invoke(main, ["diff", str(old), str(new)])
    assert done.exit_code == 1
    assert "studies: 1\n  - Bejia 2005 (bejia2005-1)\npooled numbers:" in done.output
    assert "pool, k: 6 -> 5 (-1, -17 %)" in done.output


def test_an_edited_row_and_an_interval_that_crosses_no_association(
    old: Path, tmp_path: Path
) -> None:
    def wide(rows: str) -> str:
        """Give Yoon 2013's row an odds ratio below 1."""
        assert "2.1,1.7,2.6" in rows
        return rows.replace("2.1,1.7,2.6", "0.5,0.4,0.62")

    found = cb.diff(old, new=build(tmp_path / "new", wide, same))
    (study,) = found.studies
    assert study.kind == "edited"
    assert study.cells == {
        "estimate": ("2.1", "0.5"),
        "ci_low": ("1.7", "0.4"),
        "ci_high": ("2.6", "0.62"),
    }
    crossed = {(c.fit, c.interval): c for c in found.crossings}
    prediction = crossed["pool", "prediction"]
    assert prediction.includes
    assert prediction.null == 1
    assert str(prediction).startswith("pool, prediction interval: 1.43 to 3.69 -> ")
    assert str(prediction).endswith("now includes 1")
    # Without the edited row the report is as before: no crossing there.
    assert ("leave-one-out: Yoon 2013", "prediction") not in crossed
    assert ("leave-one-out: Swain 2014", "prediction") in crossed
    assert found.to_dict()["moves"][0]["change"] == found.moves[0].change


def test_settings_decisions_and_sections(old: Path, tmp_path: Path) -> None:
    def other(text: str) -> str:
        text = text.replace("level = 0.95", "level = 0.9").replace('"knha"', '"z"')
        text = text.replace('"leave-one-out"]', '"influence"]')
        first, mark, rest = text.partition("[[override]]")
        return f"{first}{mark}{rest.partition(mark)[0]}"

    found = cb.diff(old, new=build(tmp_path / "new", same, other))
    assert found.studies == ()
    changed = {change.name: (change.old, change.new) for change in found.settings}
    assert changed["level"] == (0.95, 0.9)
    assert changed["test"] == ("knha", "z")
    assert changed["sections"] == ("forest, leave-one-out", "forest, influence")
    (decision,) = found.overrides
    assert decision.name == "swain2014-1"
    assert decision.new is None
    assert {change.name: change.new for change in found.analyses} == {
        "leave-one-out": None,
        "influence": "there",
    }
    assert found.lines > 0
    assert found.values > 0


def test_a_lock_alone_and_a_version(old: Path, tmp_path: Path) -> None:
    lock = json.loads((old / "results.json").read_text(encoding="utf-8"))
    lock["software"]["numpy"] = "1.0"
    lock["settings"]["plugins"] = ["comorbid-x@1.0"]
    changed = tmp_path / "other.json"
    changed.write_text(json.dumps(lock), encoding="utf-8")
    found = cb.diff(old, new=changed)
    assert found.studies == ()  # of a lock alone those pooled, on both sides
    assert [(c.name, c.new) for c in found.software] == [("numpy", "1.0")]
    assert [str(change) for change in found.plugins] == ["comorbid-x: none -> 1.0"]


def test_a_pdf_alone(tmp_path: Path) -> None:
    def with_pdf(text: str) -> str:
        return text.replace('["html"]', '["pdf"]')

    first = build(tmp_path / "first", same, with_pdf)
    second = build(tmp_path / "second", without("bejia2005"), with_pdf)
    for one, other in ((first, second), (first / "report.pdf", second / "report.pdf")):
        found = cb.diff(one, new=other)
        assert [study.label for study in found.studies] == ["Bejia 2005"]
        assert found.moves


def test_what_cannot_be_compared_is_wrong_usage(old: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for bad in (str(empty), str(tmp_path / "absent"), str(HEADACHE / "studies.csv")):
        done = CliRunner().invoke(main, ["diff", str(old), bad])
        assert done.exit_code == 2
    with pytest.raises(cb.ReportError, match="no such file"):
        cb.diff(old, new=empty)


@pytest.mark.parametrize(
    ("old", "new", "share"), [(2.0, 2.01, "+0.5 %"), (1.0, 0.02, "-98 %"), (1.0, 14.6, "+1,360 %")]
)
def test_a_change_in_percent_is_written_out(old: float, new: float, share: str) -> None:
    assert str(Move("pool", "average", old, new)).endswith(f", {share})")


def test_an_average_on_the_other_side_is_remarked_though_no_interval_crossed(
    tmp_path: Path,
) -> None:
    """Two invented studies each; both intervals include 1, and none crosses it."""
    for name, estimates in (("old", (1.2, 1.1)), ("new", (0.9, 0.8))):
        folder = tmp_path / name
        folder.mkdir()
        rows = [f"{id_},OR,{y},{y / 3},{y * 3}" for id_, y in zip("ab", estimates, strict=True)]
        table = "\n".join(["study_id,measure,estimate,ci_low,ci_high", *rows])
        (folder / "studies.csv").write_text(table, encoding="utf-8")
        definition = f'id = "a"\ntitle = "A"\ndate = 2026-01-31\ndata = "studies.csv"\n{SECTIONS}'
        (folder / "report.toml").write_text(definition, encoding="utf-8")
        cb.build(folder).save()
    found = cb.diff(tmp_path / "old", new=tmp_path / "new")
    assert found.crossings == ()
    turn = next(turn for turn in found.turns if turn.fit == "pool")
    assert turn.null == 1
    assert (turn.old, turn.new) == (pytest.approx(math.sqrt(1.32)), pytest.approx(math.sqrt(0.72)))
    assert "averages on the other side of no association: " in found.summary()
    assert str(turn).startswith("pool, average: 1.15 (")
    assert ") -> 0.849 (" in str(turn)
    assert str(turn).endswith("), now below 1")
    assert len(found.to_dict()["turns"]) == 3  # with the leave-one-out averages of one study
    back = cb.diff(tmp_path / "new", new=tmp_path / "old")
    assert str(back.turns[0]).endswith("), now above 1")
    assert cb.diff(tmp_path / "old", new=tmp_path / "old").turns == ()


def test_an_average_without_an_interval_changes_sides_too() -> None:
    assert str(Turn("pool", 0.0, -0.2, 0.1, None, (-1.0, 1.2))) == (
        "pool, average: -0.2 -> 0.1 (-1 to 1.2), now above 0"
    )
