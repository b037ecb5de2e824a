"""The headache report, built and verified as its readers do."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.document.blocks import Note, Paragraph
from comorbid.registry import Declared
from comorbid.report import build as building, lock as locks, results
from comorbid.report.compose import compose
from comorbid.report.context import restricted
from comorbid.report.results import Computed
from comorbid.report.verify import compare_numbers

pytestmark = pytest.mark.plugins  # the report lists one

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"
INPUTS = (
    *("report.toml", "studies.csv", "treatments.csv", "references.bib"),
    *("second-engine.json", "results.json"),
)
OUTDATED = "second-engine.json is not about the numbers of this report"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed report's inputs and lock."""
    copy = tmp_path / "headache-back-pain"
    copy.mkdir()
    for name in INPUTS:
        shutil.copy(REPORT / name, copy)
    return copy


@pytest.fixture(scope="module")
def report() -> building.Report:
    return cb.build(REPORT)


def compute(report: building.Report) -> Computed:
    """The results of a report once more."""
    return results.compute(report.definition, report.plan.registry, Calls())


def text_of(report: building.Report, id_: str) -> str:
    section = next(entry for entry in report.document.sections if entry.id == id_)
    parts = []
    for block in section.blocks:
        if isinstance(block, Paragraph | Note):
            inline = (block.text,) if isinstance(block.text, str) else block.text
            parts += [part if isinstance(part, str) else part.text for part in inline]
            parts.append(block.title if isinstance(block, Note) else "")
        else:
            parts.append(str(block))
    return " ".join(parts)


def test_page_one_says_what_it_must(report: building.Report) -> None:
    text = text_of(report, "summary")
    for part in (
        "an odds ratio of 2.29 (95 % confidence interval 1.88 to 2.80)",
        "between 1.43 and 3.69 (95 % prediction interval)",
        "6 of 14 studies, 92 % of participants",
        "judged pooling not possible",
        "Study heterogeneity meant statistical pooling was not possible.",
        "not a finding of the review",
        "The review reports odds ratios from 1.55 (1.13 to 2.11) to 8.00 (5.30 to 12.10), of which "
        "8.00 lies outside the prediction interval.",
        "may share participants",
        "The prediction interval includes 1 with Yoon 2013 (3) and Yoon 2013 (4).",
        "Ghandour 2004",
        "impossible for 8,250 people",
        "Swain 2014",
        "rounded so far",
        "Yoon 2013 is one of the 14 is inferred",
    ):
        assert part in text
    assert text.index("prediction interval") < text.index("2.29")


def test_sections_are_in_the_order_of_the_definition(report: building.Report) -> None:
    ids = tuple(section.id for section in report.document.sections)
    assert ids == report.definition.sections
    origins = {section.id: section.origin for section in report.document.sections}
    assert origins["migraine"].startswith("comorbid-migraine@1.")


def test_committed_lock_is_what_a_build_gives(report: building.Report) -> None:
    assert report.moved == ()
    committed = json.loads((REPORT / "results.json").read_text(encoding="utf-8"))
    assert {**report.lock, "bytes": None} == {**committed, "bytes": None}


def test_build_writes_three_files_and_verifies(folder: Path) -> None:
    written = cb.build(folder).save()
    assert [path.name for path in written] == ["report.html", "report.pdf", "results.json"]
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*INPUTS, "report.html", "report.pdf"]
    )
    assert cb.verify(folder).agrees
    assert cb.verify(folder / "report.pdf").agrees


def edit_lock(folder: Path, change: object) -> None:
    path = folder / "results.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    change(lock)  # type: ignore[operator]
    path.write_text(json.dumps(lock, indent=1, sort_keys=True), encoding="utf-8")


def numbers_of(lines: list[str]) -> list[tuple[str, str]]:
    """Every value of the results, as its path and the text that the file has for it."""
    lock = json.loads("\n".join(lines), parse_float=str, parse_int=str)
    return [(path, str(value)) for path, value in locks.leaves(lock["results"], "results")]


NUMBER = re.compile(r'^(?P<before> +(?:"\w+": )?-?[\d.e+-]*)(?P<last>\d)(?P<after>,?)$')


def with_other_last_digits(lines: list[str], chosen: Sequence[int]) -> list[str]:
    """The lines of a lock, with the last digit of the number in each of those chosen changed."""
    changed = list(lines)
    for i in chosen:
        found = NUMBER.match(lines[i])
        assert found is not None
        changed[i] = f"{found['before']}{(int(found['last']) + 1) % 10}{found['after']}"
    return changed


def test_last_digit_of_any_number_makes_verify_fail_and_name_it(folder: Path) -> None:
    """Mutation of the lock: the last digit of all numbers at once, and of one in fifty alone."""
    path = folder / "results.json"
    lines = path.read_text(encoding="utf-8").splitlines()
    results = range(lines.index(' "results": {'), lines.index(' "settings": {'))
    numbers = [i for i in results if NUMBER.match(lines[i])]
    assert len(numbers) > 250
    before = numbers_of(lines)
    recomputed = compute(cb.build(folder)).lock()
    for chosen in (numbers, *([i] for i in numbers[::50])):
        changed = with_other_last_digits(lines, chosen)
        path.write_text("\n".join(changed), encoding="utf-8")
        names = {a[0] for a, b in zip(before, numbers_of(changed), strict=True) if a != b}
        assert len(names) == len(chosen)
        named = compare_numbers(locks.read_lock(folder), recomputed)
        assert {line.partition(": ")[0] for line in named} == names


def test_verify_names_the_number_on_the_command_line(folder: Path) -> None:
    def last_digit(lock: dict) -> None:  # type: ignore[type-arg]
        values = lock["results"]["pool"]["values"]
        values["estimate"] = math.nextafter(values["estimate"], 1)

    edit_lock(folder, last_digit)
    run = subprocess.run(
        [sys.executable, "-m", "comorbid", "verify", str(folder)], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert "numbers: 1 differs" in run.stdout
    assert "results.pool.values.estimate: locked 0.83025114" in run.stdout


def test_changed_input_is_named(folder: Path) -> None:
    path = folder / "studies.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1.7,1.2,2.5,", ",1.6,1.2,2.5,"))
    with pytest.warns(cb.ComorbidWarning, match=OUTDATED):
        found = cb.verify(folder)
    assert [line.split(":")[0] for line in found.inputs] == ["studies.csv"]
    assert any(line.startswith("results.pool.values.estimate") for line in found.numbers)
    with pytest.raises(cb.VerificationError, match="inputs: 1 differs"):
        found.raise_if_different()


def test_build_says_what_moved(folder: Path) -> None:
    path = folder / "studies.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1.7,1.2,2.5,", ",1.6,1.2,2.5,"))
    with pytest.warns(cb.ComorbidWarning, match=OUTDATED):
        moved = [difference.path for difference in cb.build(folder).moved]
    assert "results.pool.values.estimate" in moved
    assert "inputs.studies.csv" in moved


def test_verify_writes_nothing(folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    cb.verify(folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_unknown_section_is_an_error_with_a_suggestion(folder: Path) -> None:
    path = folder / "report.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"forest"', '"forrest"'))
    with pytest.raises(cb.ReportError, match="no section 'forrest'; did you mean 'forest'"):
        cb.build(folder)


def test_every_failing_section_is_reported_with_its_origin(
    report: building.Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(context: object) -> None:
        raise KeyError("k")

    def wrong(context: object) -> list[str]:
        return ["text"]

    computed = compute(report)
    sections = (
        Declared(cb.Section("a", "A", fail), "one@1"),  # type: ignore[arg-type]
        Declared(cb.Section("b", "B", wrong), "two@2"),  # type: ignore[arg-type]
    )
    broken = replace(computed, plan=replace(computed.plan, sections=sections))
    with pytest.raises(cb.ReportError) as caught:
        compose(broken, Calls())
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert [type(error) for error in caught.value.__cause__.exceptions] == [
        cb.PluginError,
        cb.ReportError,
    ]
    first, second = caught.value.problems
    assert first.message == "one@1, section 'a' fails: KeyError: 'k'"
    assert second.message == "two@2, section 'b' returns str"


def test_a_section_sees_only_what_it_needs(report: building.Report) -> None:
    computed = compute(report)
    reader = cb.Section("a", "A", lambda context: (), needs=("pool",))
    own = restricted(computed.context, reader)
    assert list(own.results) == ["pool"]
    with pytest.raises(TypeError):
        own.results["pool"] = None  # type: ignore[index]
    frame = own.studies.frame
    frame.loc[0, "estimate"] = 99.0
    assert computed.context.studies.frame.loc[0, "estimate"] == 2.1


def test_without_pango_everything_but_the_pdf_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(html: str, **others: object) -> bytes:
        raise cb.ReportError("the PDF cannot be made: apt-get install libpango-1.0-0")

    monkeypatch.setattr("comorbid.report.render.pdf.render_pdf", missing)
    with pytest.raises(cb.ReportError) as caught:
        cb.build(folder).save()
    assert "libpango-1.0-0" in str(caught.value)
    assert "written: report.html, results.json; not written: report.pdf" in str(caught.value)
    assert (folder / "report.html").exists()
    found = cb.verify(folder)
    assert found.agrees
    assert any(line.startswith("report.pdf: cannot be made here") for line in found.facts)


def test_the_processes_of_the_command_line_give_what_one_gives(folder: Path) -> None:
    (folder / "results.json").unlink()  # what is printed of software would be that of the lock
    subprocess.run([sys.executable, "-m", "comorbid", "build", folder], check=True)
    names = ("report.pdf", "report.html", "results.json")
    several = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    cb.build(folder).save()
    assert {name: (folder / name).read_bytes() for name in names} == several


@pytest.mark.slow
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    """Different processes, time zones, locales, hash seeds and working directories."""
    surroundings = [
        {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
        {"TZ": "Pacific/Auckland", "LC_ALL": "POSIX", "PYTHONHASHSEED": "2", "LANG": "de_DE.UTF-8"},
    ]
    outputs = []
    for number, variables in enumerate(surroundings):
        copy = tmp_path / str(number) / "headache-back-pain"
        copy.mkdir(parents=True)
        for name in INPUTS[:-1]:
            shutil.copy(REPORT / name, copy)
        where = copy if number else tmp_path
        subprocess.run(
            [sys.executable, "-m", "comorbid", "build", os.path.relpath(copy, where)],
            cwd=where,
            env={**os.environ, **variables},
            check=True,
            capture_output=True,
        )
        outputs.append(
            {n: (copy / n).read_bytes() for n in ("report.pdf", "report.html", "results.json")}
        )
    assert outputs[0] == outputs[1]


def test_interrupted_build_leaves_the_earlier_report_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cb.build(folder).save()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cb.build(folder).save()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
