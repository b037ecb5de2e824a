"""What a second engine made of a report's fits: kept in a file, printed while it is about them.

Where R is not asked, the locked values themselves stand for its answer, or these changed by a
stated factor: the file and the words are tested, and not metafor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from metafor_here import needs_metafor

import comorbid as cb
from comorbid.cli import main
from comorbid.document.sections.provenance import second_engine
from comorbid.engines import QUANTITIES, SecondEngine
from comorbid.report.kept_fits import dump_fits, judge, read_fits
from comorbid.report.lock import as_json, read_lock
from comorbid.report.renew import renew
from comorbid.report.second_engine import Refitted, Task, tasks_of

REPORTS = Path(__file__).parents[2] / "reports"
FILE = "second-engine.json"
NAMED = f'second_engine = "{FILE}"\n'
DEFINITION = (
    'id = "a"\ntitle = "A"\ndate = 2026-01-31\ndata = "studies.csv"\nmeasure = "RR"\n'
    'sections = ["forest", "leave-one-out", "provenance"]\nformats = ["html"]\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    studies = (REPORTS / "bcg-vaccine/studies.csv").read_bytes()
    (tmp_path / "studies.csv").write_bytes(studies)
    (tmp_path / "report.toml").write_text(DEFINITION + NAMED, encoding="utf-8")
    return tmp_path


def values(k: int = 4) -> dict[str, Any]:
    """Return the results of a pool of so many studies, simulated with a fixed seed, as locked."""
    yi = [0.31, -0.12, 0.54, 0.27, 0.08][:k]
    fit = cb.pool(cb.Effects(yi=yi, vi=[0.04, 0.02, 0.09, 0.05, 0.03][:k]))
    found = {"pool": fit, "leave-one-out": cb.leave_one_out(fit)}
    return {id_: as_json(result.to_dict()) for id_, result in found.items()}


def answered(results: dict[str, Any], change: Callable[[Task], float] = lambda _: 1.0) -> Refitted:
    """Return an answer that is what is locked, the standard error of each times a factor."""
    tasks, _ = tasks_of({id_: {"values": own} for id_, own in results.items()})
    again = [{**task.locked, "se": task.locked["se"] * change(task)} for task in tasks]
    return Refitted("4.2.2", "3.8-1", tuple(tasks), tuple(again))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    found = answered(values(), lambda _: 1.25)
    path = tmp_path / FILE
    path.write_bytes(dump_fits(found))
    assert read_fits(path) == found
    # Leave-one-out fits share the effects of the pool: each stands there once.
    assert len(json.loads(path.read_bytes())["effects"]) == 4


def test_of_the_same_results_it_stands() -> None:
    results = values()
    found = judge(answered(results), results)
    assert (found.outdated, found.fits, found.left_out) == ((), 5, ())
    assert found.agrees
    assert judge(answered(results, lambda _: 1.001), results).agrees is False


def test_rounding_on_another_machine_does_not_matter() -> None:
    kept, here = answered(values()), values()
    here["pool"]["yi"][0] += 1e-16
    here["pool"]["tau2"] *= 1 + 1e-12
    assert judge(kept, here).outdated == ()


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a value", lambda own: own.update(estimate=own["estimate"] * (1 + 1e-7))),
        ("an effect", lambda own: own["yi"].__setitem__(0, own["yi"][0] + 1e-7)),
        ("a variance", lambda own: own["vi"].__setitem__(3, own["vi"][3] * 1.0001)),
        ("the estimator", lambda own: own.update(method="ML")),
        ("the test", lambda own: own.update(test="z")),
        ("the level", lambda own: own.update(level=0.9)),
    ],
)
def test_a_fit_that_is_another_now_is_named(what: str, change: Callable[[Any], None]) -> None:
    kept, here = answered(values()), values()
    change(here["pool"])
    found = judge(kept, here)
    assert "pool" in found.outdated, what
    assert not found.agrees


def test_fits_that_came_or_went_are_named() -> None:
    kept, here = answered(values()), values()
    del here["leave-one-out"]
    gone = judge(kept, here).outdated
    assert gone == tuple(f"leave-one-out: Study {i}" for i in (1, 2, 3, 4))
    more = {**values(), "more": values(3)["pool"]}
    assert judge(kept, more).outdated == ("more",)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.update(format=2),
        lambda held: held.update(metafor="3.8-1 and a claim"),
        lambda held: held.update(r=4),
        lambda held: held["fits"].append(held["fits"][0]),
        lambda held: held["fits"][0].update(effects=[99]),
        lambda held: held["fits"][0].update(level="much"),
        lambda held: held["fits"][0].update(name=None),
        lambda held: held["fits"][0]["metafor"].pop("q"),
        lambda held: held["effects"][0].update(yi=10**400),
        lambda held: held.clear(),
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, change: Callable[[Any], None]) -> None:
    held = json.loads(dump_fits(answered(values())))
    change(held)
    path = tmp_path / FILE
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"does not hold the fits .*build --second-engine"):
        read_fits(path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"7", b"[" * 100_000])
def test_a_file_that_is_no_such_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(cb.ReportError, match="does not hold the fits of a second engine"):
        read_fits(tmp_path / FILE)


def said(found: SecondEngine) -> str:
    block = second_engine(found)
    title = f"{block.title}: " if isinstance(block, cb.Note) and block.title else ""
    runs = (block.text,) if isinstance(block.text, str) else block.text
    return title + "".join(run if isinstance(run, str) else "[metafor]" for run in runs)


def found(**changes: Any) -> SecondEngine:
    largest = {name: (1e-15, "pool") for name in QUANTITIES}
    largest["tau2"] = (2.34567e-12, "leave-one-out: Ng 1999")
    return replace(SecondEngine("4.2.2", "3.8-1", 5, (), largest), **changes)


def test_the_largest_difference_is_said_with_its_quantity_and_fit() -> None:
    assert said(found()) == (
        "R's metafor 3.8-1 (R 4.2.2) [metafor] made 5 fits of this report again, from the same "
        "effects with the same settings: the largest relative difference is 2.35e-12, of tau² "
        "(leave-one-out: Ng 1999). Compared are average, standard error, both intervals, tau², I², "
        "Q and its p-value. No other kind of result, such as a regression, was made again."
    )


def test_what_was_not_made_again_is_counted() -> None:
    one = said(found(fits=1, left_out=("migraine: one study",)))
    assert "made 1 fit of this report again" in one
    assert "1 further fit was not (one study). No other kind" in one
    two = said(found(left_out=("a: one study", "b: effects not in the lock", "c: one study")))
    assert "3 further fits were not (one study: 2; effects not in the lock: 1). No" in two
    none = said(found(fits=0, largest={}, left_out=("pool: one study",)))
    assert none == "R's metafor 3.8-1 (R 4.2.2) made no fit of this report again (one study)."


def test_a_difference_is_a_caution() -> None:
    text = said(found(largest={"q": (3e-4, "pool"), "se": (1e-9, "pool")}))
    assert text.startswith("Two programs differ by more than 10⁻⁶: R's metafor 3.8-1")
    assert "the largest relative difference is 0.0003, of Q (pool)" in text
    lacking = said(found(largest={"pi_low": (float("inf"), "pool")}))
    assert "one of the two gives no value for the lower end of the prediction interval (pool)" in lacking


def test_what_no_longer_holds_is_not_printed() -> None:
    text = said(found(outdated=("pool", "other")))
    assert text.startswith("A comparison that no longer holds: R's metafor 3.8-1 was asked about an")
    assert "since then 2 fits are new, gone, or of other effects" in text
    assert "difference" not in text
    assert "2.35" not in text
    assert "since then 1 fit is new, gone" in said(found(outdated=("pool",)))


def test_a_report_prints_it_until_a_number_moves(folder: Path) -> None:
    (folder / "report.toml").write_text(DEFINITION, encoding="utf-8")
    cb.build(folder).save()
    lock = {id_: entry["values"] for id_, entry in read_lock(folder)["results"].items()}
    (folder / FILE).write_bytes(dump_fits(answered(lock, lambda _: 1 + 3e-9)))
    (folder / "report.toml").write_text(DEFINITION + NAMED, encoding="utf-8")

    cb.build(folder).save()
    locked = read_lock(folder)
    text = "\n".join(locked["document"]["lines"])
    assert "made 14 fits of this report again" in text
    assert "the largest relative difference is 3e-09, of the standard error (" in text
    assert FILE in locked["inputs"]
    assert cb.verify(folder).agrees

    studies = folder / "studies.csv"
    studies.write_text(studies.read_text(encoding="utf-8").replace("4,119,", "5,118,"), "utf-8")
    with pytest.warns(cb.ComorbidWarning, match=rf"{FILE} is not about .* 13 of the fits, such"):
        report = cb.build(folder)
    report.save()
    text = "\n".join(read_lock(folder)["document"]["lines"])
    assert "A comparison that no longer holds" in text
    assert "13 fits are new, gone, or of other effects" in text
    assert "largest relative difference" not in text


def test_a_report_whose_file_is_not_there_says_how_to_make_it(folder: Path) -> None:
    with pytest.raises(cb.ReportError, match=rf"{FILE}: no such file; make it with `comorbid build"):
        cb.build(folder)


def test_a_file_elsewhere_is_refused(folder: Path) -> None:
    text = DEFINITION + 'second_engine = "../second-engine.json"\n'
    (folder / "report.toml").write_text(text, encoding="utf-8")
    with pytest.raises(cb.ReportError, match="the name of a file inside the folder"):
        cb.build(folder)


def test_nothing_else_is_written_over(folder: Path) -> None:
    before = (folder / "studies.csv").read_bytes()
    for name in ("studies.csv", "./studies.csv"):
        text = f'{DEFINITION}second_engine = "{name}"\n'
        (folder / "report.toml").write_text(text, encoding="utf-8")
        with pytest.raises(cb.ReportError, match="not written over: name another file, or delete"):
            renew(folder)
    assert (folder / "studies.csv").read_bytes() == before


def test_a_report_that_names_no_file_is_told_so(folder: Path) -> None:
    (folder / "report.toml").write_text(DEFINITION, encoding="utf-8")
    done = CliRunner().invoke(main, ["build", "--second-engine", str(folder)])
    assert done.exit_code == 1
    assert 'names no file for what the second engine gives; add second_engine = "' in done.output


def test_it_is_not_written_while_watching(folder: Path) -> None:
    done = CliRunner().invoke(main, ["build", "--second-engine", "--watch", str(folder)])
    assert done.exit_code == 2
    assert "use one" in done.output


@needs_metafor
def test_one_command_asks_keeps_and_prints(folder: Path) -> None:
    done = CliRunner().invoke(main, ["build", "--second-engine", str(folder)])
    assert done.exit_code == 0, done.output
    assert "second engine: 14 fits agree (metafor " in done.output
    first = (folder / FILE).read_bytes()
    assert "made 14 fits of this report again" in "\n".join(read_lock(folder)["document"]["lines"])
    assert CliRunner().invoke(main, ["build", "--second-engine", str(folder)]).exit_code == 0
    assert (folder / FILE).read_bytes() == first


@pytest.mark.parametrize("path", sorted(REPORTS.glob(f"*/{FILE}")), ids=lambda path: path.parent.name)
def test_what_reports_keep_is_about_their_locked_numbers(path: Path) -> None:
    lock = {id_: entry["values"] for id_, entry in read_lock(path.parent)["results"].items()}
    found = judge(read_fits(path), lock)
    assert found.outdated == (), f"run `comorbid build --second-engine reports/{path.parent.name}`"
    assert found.agrees


def kept_and_built(folder: Path, change: Callable[[Task], float]) -> str:
    """Return the text of a report beside an answer that is changed by a factor."""
    (folder / "report.toml").write_text(DEFINITION, encoding="utf-8")
    cb.build(folder).save()
    lock = {id_: entry["values"] for id_, entry in read_lock(folder)["results"].items()}
    (folder / FILE).write_bytes(dump_fits(answered(lock, change)))
    (folder / "report.toml").write_text(DEFINITION + NAMED, encoding="utf-8")
    cb.build(folder).save()
    return "\n".join(read_lock(folder)["document"]["lines"])


def test_a_report_says_that_two_programs_differ(folder: Path) -> None:
    text = kept_and_built(folder, lambda task: 1.001 if task.name == "pool" else 1.0)
    assert "**Caution:** Two programs differ by more than 10⁻⁶" in text
    assert "the largest relative difference is 0.000999, of the standard error (pool)" in text


def test_a_report_says_that_one_program_gives_no_value(folder: Path) -> None:
    text = kept_and_built(folder, lambda task: float("nan") if task.name == "pool" else 1.0)
    assert "one of the two gives no value for the standard error (pool)" in text


def test_a_report_of_one_study_has_no_fit_to_make_again(folder: Path) -> None:
    rows = (folder / "studies.csv").read_text(encoding="utf-8").splitlines()[:2]
    (folder / "studies.csv").write_text("\n".join(rows), encoding="utf-8")
    text = kept_and_built(folder, lambda _: 1.0)
    assert "R's metafor 3.8-1 (R 4.2.2) made no fit of this report again (one study)." in text
