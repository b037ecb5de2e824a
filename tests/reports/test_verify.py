"""Verification on its four levels: each is tampered with, found, and named; nothing else is.

The report is a small one of comorbid's own sections, from the study table that comes with it.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest

import comorbid as cb
from comorbid.report import build as building, context
from comorbid.report.facts import platform_facts

DEFINITION = """\
id = "small"
title = "A small report"
date = 2026-01-31
data = "data/studies.csv"
sections = ["methods", "forest", "provenance"]
"""
INPUTS = ("report.toml", "data/studies.csv")
FOREST = "The pooled effect"  # the title of the section with the one figure
LEVELS = ("inputs", "numbers", "document", "bytes")


def lay_out(folder: Path, definition: str = DEFINITION) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "report.toml").write_text(definition, encoding="utf-8")
    source = importlib.resources.files("comorbid.studies") / "data/headache-back-pain"
    (folder / "data/studies.csv").write_bytes((source / "estimates.csv").read_bytes())
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("verify") / "built")
    cb.build(folder).save()
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of the built report, to tamper with."""
    return shutil.copytree(built, tmp_path / "copy")


def edit_lock(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "results.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    change(lock)
    path.write_text(json.dumps(lock, indent=1, sort_keys=True), encoding="utf-8")


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def the_one(found: cb.Verification, level: str) -> str:
    """The only difference found, which is on this level."""
    assert [name for name in LEVELS if getattr(found, name)] == [level]
    assert f"{level}: 1 differs" in found.summary()
    (line,) = getattr(found, level)
    return str(line)


def test_what_was_built_agrees_on_every_level(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = cb.verify(folder)
    assert found.summary() == "inputs: agree\nnumbers: agree\ndocument: agree\nbytes: agree"
    assert found.agrees
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# Each level, tampered with


def test_a_byte_of_an_input(folder: Path) -> None:
    replace_in(folder / "data/studies.csv", ",1.7,1.2,2.5,", ",1.6,1.2,2.5,")
    found = cb.verify(folder)
    (line,) = found.inputs
    assert line.startswith("data/studies.csv: not the file that was locked; sha256 locked ")
    moved = [line for line in found.numbers if line.startswith("results.pool.values.estimate: ")]
    assert len(moved) == 1
    assert any(entry.startswith(f"{FOREST}, line ") for entry in found.document)
    assert any("report.html: made again here" in entry for entry in found.bytes)


def test_an_input_that_can_no_longer_be_read_or_is_gone(folder: Path) -> None:
    replace_in(folder / "data/studies.csv", ",1.7,1.2,2.5,", ",x,1.2,2.5,")
    found = cb.verify(folder)
    assert [line.partition(":")[0] for line in found.inputs] == ["data/studies.csv"]
    assert found.numbers[0].startswith("cannot be computed: ")
    assert "'x'" in found.numbers[0]
    (folder / "data/studies.csv").unlink()
    assert cb.verify(folder).inputs == ("data/studies.csv: missing",)
    (folder / "report.toml").write_text("id = ", encoding="utf-8")
    assert len(cb.verify(folder).inputs) == 2


def test_a_digit_of_a_number(folder: Path) -> None:
    def change(lock: dict[str, Any]) -> None:
        lock["results"]["pool"]["values"]["estimate"] += 1e-6

    edit_lock(folder, change)
    line = the_one(cb.verify(folder), "numbers")
    assert line.startswith("results.pool.values.estimate: locked 0.82388")


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [(FOREST, "95 %", "99 %"), ("Methods", "odds ratio", "risk ratio")],
)
def test_a_word_of_the_document(folder: Path, section: str, old: str, new: str) -> None:
    def change(lock: dict[str, Any]) -> None:
        lines = lock["document"]["lines"]
        start = lines.index(f"## {section}") + 1
        at = next(i for i in range(start, len(lines)) if old in lines[i])
        lines[at] = lines[at].replace(old, new, 1)

    edit_lock(folder, change)
    found = cb.verify(folder)
    assert [name for name in LEVELS if getattr(found, name)] == ["document"]
    place, edited = found.document
    assert place.startswith(section)
    assert new in place.split("\n")[1]
    assert old in place.split("\n")[2]
    assert edited == "the text in results.json was edited after it was locked"


def test_a_word_of_an_alternative_text(folder: Path) -> None:
    def change(lock: dict[str, Any]) -> None:
        lines = lock["document"]["lines"]
        figure = next(i for i, line in enumerate(lines) if "**Figure 1.**" in line)
        assert lines[figure + 2].startswith("> ")
        lines[figure + 2] += " It proves the point."

    edit_lock(folder, change)
    place = cb.verify(folder).document[0]
    assert place.startswith(f"{FOREST}, line ")
    assert "It proves the point." in place.split("\n")[1]


def test_a_byte_of_the_html(folder: Path) -> None:
    replace_in(folder / "report.html", "<p>", "<p>Hardly. ")
    line = the_one(cb.verify(folder), "bytes")
    assert line.startswith("report.html: the file in the folder is not the one that was locked\n")
    assert "+<p>Hardly. " in line


def test_another_font_in_the_html_is_shown_by_its_digest(folder: Path) -> None:
    replace_in(folder / "report.html", "data:font/woff2;base64,", "data:font/woff2;base64,AAAA")
    line = the_one(cb.verify(folder), "bytes")
    assert "data:font/woff2;" in line
    assert len(line) < 1000


def test_a_byte_of_the_pdf_that_no_reader_sees(folder: Path) -> None:
    path = folder / "report.pdf"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\n")
    line = the_one(cb.verify(folder), "bytes")
    assert line.startswith("report.pdf: the file in the folder is not the one that was locked\n")
    assert f"no word differs, a drawing may; first at byte {size + 1} of {size + 1}" in line


def test_a_pdf_that_is_broken(folder: Path) -> None:
    path = folder / "report.pdf"
    path.write_bytes(path.read_bytes()[:2000])
    line = the_one(cb.verify(folder), "bytes")
    assert line.startswith("report.pdf: the file in the folder is not the one that was locked\n")
    assert "is no PDF, or damaged" in line


def attach(path: Path, files: dict[str, bytes]) -> None:
    """Replace attachments of a PDF, or add to them."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for name, content in files.items():
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)
        pdf.save(path)


def test_an_attachment_replaced_in_the_pdf_of_a_folder(folder: Path) -> None:
    other = (folder / "data/studies.csv").read_bytes().replace(b",1.7,1.2,", b",1.6,1.2,")
    attach(folder / "report.pdf", {"data/studies.csv": other})
    line = the_one(cb.verify(folder), "bytes")
    assert line.startswith("report.pdf: the file in the folder is not the one that was locked\n")
    assert "its attachment 'data/studies.csv' is another than made here" in line


def test_a_drawing(folder: Path) -> None:
    edit_lock(folder, lambda lock: lock["bytes"].update(figures=["0" * 64]))
    line = the_one(cb.verify(folder), "bytes")
    assert line == f"Figure 1 (section {FOREST}): the drawing is not the one that was locked"


def test_a_digit_of_a_seal(folder: Path) -> None:
    def change(lock: dict[str, Any]) -> None:
        seal = lock["results"]["pool"]["seal"]
        lock["results"]["pool"]["seal"] = ("1" if seal[0] == "0" else "0") + seal[1:]

    edit_lock(folder, change)
    line = the_one(cb.verify(folder), "numbers")
    assert line.startswith("results.pool.values.")
    assert line.endswith(" is not what its seal says, which was edited")


def test_the_digest_of_a_page(folder: Path) -> None:
    edit_lock(folder, lambda lock: lock["bytes"]["files"].update({"report.html": "0" * 64}))
    found = cb.verify(folder)
    assert found.bytes == ("report.html: made again here, it is not the file that was locked",)


def test_pages_that_are_not_there_are_said_to_be_made_again(folder: Path) -> None:
    (folder / "report.pdf").unlink()
    (folder / "report.html").unlink()
    found = cb.verify(folder)
    assert found.agrees
    assert found.notes == (
        "report.html: not in the folder; the one made again was looked at",
        "report.pdf: not in the folder; the one made again was looked at",
    )
    assert found.notes[0] in found.summary()


# Another machine


@pytest.fixture
def another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other releases of what numbers and pages are made with; the numbers stay the same."""
    software = {**context._software(), "Python": "3.99.1", "scipy": "9.9"}

    def facts(**arguments: Any) -> dict[str, dict[str, str]]:
        here = platform_facts(**arguments)
        return {**here, "pages": {**here["pages"], "python": "3.99.1", "simd": "none"}}

    monkeypatch.setattr(context, "_software", lambda: software)
    monkeypatch.setattr(building, "platform_facts", facts)


@pytest.mark.usefixtures("another_machine")
def test_another_machine_agrees_and_leaves_the_lock_alone(folder: Path) -> None:
    before = (folder / "results.json").read_bytes()
    found = cb.verify(folder)
    assert found.agrees
    assert "bytes: not comparable here" in found.summary()
    assert "  simd: locked " in found.summary()
    assert [line.partition(":")[0] for line in found.facts] == ["python", "simd"]
    assert "report.pdf: the file in the folder is the one that was locked" in found.notes
    report = cb.build(folder)
    assert report.moved == ()
    assert "3.99.1" not in report.render("markdown").decode()
    report.save()
    assert (folder / "results.json").read_bytes() == before
    found = cb.verify(folder)  # the PDF, with its platform inside, is now that of this machine
    assert found.agrees
    assert found.notes == ("report.html: the file in the folder is the one that was locked",)


@pytest.mark.usefixtures("another_machine")
def test_a_number_that_moves_is_locked_with_the_software_it_moved_on(folder: Path) -> None:
    replace_in(folder / "data/studies.csv", ",1.7,1.2,2.5,", ",1.6,1.2,2.5,")
    report = cb.build(folder)
    assert report.lock["software"]["scipy"] == "9.9"
    assert "3.99.1" in report.render("markdown").decode()


@pytest.mark.usefixtures("another_machine")
def test_a_page_tampered_with_is_found_on_another_machine(folder: Path) -> None:
    replace_in(folder / "report.html", "<p>", "<p>Hardly. ")
    line = the_one(cb.verify(folder), "bytes")
    assert "not the one that was locked nor what this platform makes of the report" in line
    assert "+<p>Hardly. " in line


@pytest.mark.usefixtures("another_machine")
def test_a_pdf_with_other_words_is_found_on_another_machine(folder: Path, tmp_path: Path) -> None:
    """Pages of other data, to which the files of the report were attached."""
    with pikepdf.open(folder / "report.pdf") as pdf:
        files = {name: pdf.attachments[name].get_file().read_bytes() for name in pdf.attachments}
    assert cb.verify(folder / "report.pdf").agrees
    other = lay_out(tmp_path / "other")
    replace_in(other / "data/studies.csv", ",1.7,1.2,2.5,", ",1.6,1.2,2.5,")
    path = tmp_path / "forged.pdf"
    path.write_bytes(cb.build(other).pdf())
    attach(path, files)
    line = the_one(cb.verify(path), "bytes")
    assert line.startswith("report.pdf: does not show what is made of it here\n  -… ")
    assert "more" in line.split("\n")[-1]


@pytest.mark.usefixtures("another_machine")
def test_what_is_laid_over_the_pages_is_found_on_another_machine(folder: Path) -> None:
    path = folder / "report.pdf"
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.FreeText,
        Rect=[9, 9, 90, 90],
        Contents="9.9",
    )
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[1].Annots = pikepdf.Array([pdf.make_indirect(note)])
        pdf.save(path)
    assert "annotations /FreeText lie on its pages" in the_one(cb.verify(path), "bytes")


@pytest.mark.usefixtures("another_machine")
def test_words_marked_as_a_running_head_are_found_on_another_machine(folder: Path) -> None:
    path = folder / "report.pdf"
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.pages[1]
        page.add_resource(font, pikepdf.Name.Font, pikepdf.Name("/Forged"))
        page.contents_add(
            b"/Artifact BMC BT /Forged 30 Tf 100 500 Td (OR 99.5) Tj ET EMC", prepend=False
        )
        pdf.save(path)
    line = the_one(cb.verify(path), "bytes")
    assert "its running heads and feet have the words 99.5 OR" in line


def test_a_pdf_is_added_to_a_lock_made_without(
    folder: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_arguments: object, **_others: object) -> bytes:
        raise cb.ReportError("the PDF cannot be made: apt-get install libpango-1.0-0")

    for name in ("report.pdf", "results.json"):
        (folder / name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr("comorbid.report.render.pdf.render_pdf", missing)
        patch.setattr("comorbid.report.facts.pdf_facts", missing)
        with pytest.raises(cb.ReportError, match="libpango"):
            cb.build(folder).save()
        lock = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        assert list(lock["bytes"]["files"]) == ["report.html"]
        assert lock["bytes"]["platform"]["pdf"] == {}
        found = cb.verify(folder)
        assert found.agrees
        assert "bytes: agree" in found.summary()
    cb.build(folder).save()
    assert (folder / "results.json").read_bytes() == (built / "results.json").read_bytes()


# The PDF alone


def test_attachments_are_the_files(built: Path) -> None:
    lock = json.loads((built / "results.json").read_text(encoding="utf-8"))
    with pikepdf.open(built / "report.pdf") as pdf:
        files = {name: pdf.attachments[name].get_file() for name in pdf.attachments}
        assert sorted(files) == sorted([*INPUTS, "results.json"])
        for name in INPUTS:
            assert files[name].read_bytes() == (built / name).read_bytes()
        attached = json.loads(files["results.json"].read_bytes())
        assert attached.pop("bytes") == {**lock.pop("bytes"), "files": {}}
        assert attached == lock
        for name, file in files.items():
            assert file.creation_date == file.mod_date
            assert str(file.creation_date).startswith("2026-01-31 00:00")
            assert name in pdf.attachments[name].description
        assert files["report.toml"].mime_type == "application/toml"
        assert "/AF" not in pdf.Root


@pytest.mark.parametrize(
    "surroundings",
    [{"TZ": "Pacific/Auckland", "LC_ALL": "POSIX", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "7"}],
)
def test_the_pdf_alone_elsewhere(built: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(built / "report.pdf", elsewhere / "mailed.pdf")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "comorbid", "verify", "mailed.pdf"],
        cwd=elsewhere,
        env={**os.environ, **surroundings, "PYTHONPATH": str(Path(cb.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "inputs: agree\nnumbers: agree\ndocument: agree\nbytes: agree\n"
    assert os.listdir(elsewhere) == ["mailed.pdf"]


def test_an_attachment_replaced_in_the_pdf_alone(folder: Path) -> None:
    other = (folder / "data/studies.csv").read_bytes().replace(b",1.7,1.2,", b",1.6,1.2,")
    attach(folder / "report.pdf", {"data/studies.csv": other, "more.csv": b"a,b\n"})
    found = cb.verify(folder / "report.pdf")
    assert [line.partition(":")[0] for line in found.inputs] == ["data/studies.csv", "more.csv"]
    assert found.inputs[1] == "more.csv: attached, but the lock names no such input"
    assert any(line.startswith("results.pool.values.estimate") for line in found.numbers)
    assert found.document
    assert found.bytes


def test_a_digit_of_the_lock_in_the_pdf_alone(folder: Path) -> None:
    def change(lock: dict[str, Any]) -> None:
        lock["results"]["pool"]["values"]["estimate"] += 1e-6
        lock["bytes"]["files"] = {}

    edit_lock(folder, change)
    attach(folder / "report.pdf", {"results.json": (folder / "results.json").read_bytes()})
    found = cb.verify(folder / "report.pdf")
    assert not found.inputs
    assert [line.partition(":")[0] for line in found.numbers] == ["results.pool.values.estimate"]
    assert found.bytes[0].startswith("report.pdf: the file is not what is made of the report here")
    assert "its attachment 'results.json' is another than made here" in found.bytes[0]


@pytest.mark.parametrize("name", ["../studies.csv", "/etc/passwd", "a\\..\\b", "C:x"])
def test_a_path_that_leaves_the_folder_is_refused(folder: Path, name: str) -> None:
    attach(folder / "report.pdf", {name: b"x"})
    with pytest.raises(cb.ReportError, match="would leave the folder; do not trust it"):
        cb.verify(folder / "report.pdf")


def test_a_plugin_that_is_missing_is_named_with_its_version(folder: Path) -> None:
    definition = f'{DEFINITION}plugins = ["comorbid-one >=1", "comorbid-two"]\n'.encode()

    def change(lock: dict[str, Any]) -> None:
        lock["settings"]["plugins"] = ["comorbid-one@1.2", "comorbid-two@3.4.5"]
        lock["inputs"]["report.toml"] = hashlib.sha256(definition).hexdigest()

    edit_lock(folder, change)
    lock = (folder / "results.json").read_bytes()
    attach(folder / "report.pdf", {"results.json": lock, "report.toml": definition})
    with pytest.raises(cb.PluginError) as caught:
        cb.verify(folder / "report.pdf")
    assert [str(problem) for problem in caught.value.problems] == [
        "plugin comorbid-one is not installed; the report was made with 1.2; "
        "python -m pip install comorbid-one==1.2",
        "plugin comorbid-two is not installed; the report was made with 3.4.5; "
        "python -m pip install comorbid-two==3.4.5",
    ]


def encrypted(path: Path) -> None:
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="a", user="b"))


def without_attachments(path: Path) -> None:
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for name in list(pdf.attachments):
            del pdf.attachments[name]
        pdf.save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (encrypted, "is encrypted; verify the file as it was built"),
        (without_attachments, "no results.json is attached to it; give a PDF that comorbid built"),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "is no PDF, or damaged"),
        (lambda path: path.write_bytes(b""), "is no PDF, or damaged"),
        (lambda path: path.write_bytes(b"plain text, and long enough" * 99), "is no PDF, or dam"),
    ],
)
def test_a_file_that_is_no_report(
    folder: Path, spoil: Callable[[Path], object], message: str
) -> None:
    path = folder / "report.pdf"
    spoil(path)
    with pytest.raises(cb.ReportError, match=message) as caught:
        cb.verify(path)
    assert str(path) in str(caught.value)


def test_problems_name_the_pdf_and_not_where_it_was_unpacked(folder: Path) -> None:
    path = folder / "report.pdf"
    attach(path, {"data/studies.csv": b"study_id\n"})
    found = cb.verify(path)
    assert found.numbers
    assert all(tempfile.gettempdir() not in line for line in found.numbers)
    assert "cannot be computed: data/studies.csv" in found.numbers[0]
    attach(path, {"results.json": b"{}"})
    with pytest.raises(cb.ReportError, match=r"report\.pdf, attachment results\.json: is no lock"):
        cb.verify(path)


def test_a_definition_that_asks_for_no_pdf_vouches_for_none(folder: Path, tmp_path: Path) -> None:
    """Nothing of the PDF would be looked at."""
    other = lay_out(tmp_path / "other", f'{DEFINITION}formats = ["html"]\n')
    cb.build(other).save()
    names = ("report.toml", "results.json")
    attach(folder / "report.pdf", {name: (other / name).read_bytes() for name in names})
    line = the_one(cb.verify(folder / "report.pdf"), "bytes")
    assert line == "the definition attached to the PDF asks for no PDF"


@pytest.mark.slow
def test_a_processor_with_fewer_instructions(folder: Path) -> None:
    """NumPy is told to do without some: the lock stays, and a PDF says what it was made with."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # type: ignore[index]
    if not simd.get("found"):
        pytest.skip("NumPy found no vector instructions that it could do without")
    before = (folder / "results.json").read_bytes()
    variables = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(simd["found"])}
    for command in ("verify", "build"):
        run = subprocess.run(
            [sys.executable, "-m", "comorbid", command, str(folder)],
            env={**variables, "PYTHONPATH": str(Path(cb.__file__).parents[1])},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        if command == "verify":
            assert "bytes: not comparable here\n  simd: locked " in run.stdout
    assert (folder / "results.json").read_bytes() == before
    line = the_one(cb.verify(folder), "bytes")
    assert line.startswith("report.pdf: the file in the folder is not the one that was locked\n")
    assert "\n  it was made with simd " in line


def test_a_draft_is_no_report(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "draft")
    report = cb.build(folder)
    path = tmp_path / "draft.pdf"
    path.write_bytes(report.pdf())
    attached = dict(report.document.attachments)
    assert sorted(attached) == sorted([*INPUTS, "results.json"])
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        del pdf.attachments["results.json"]
        pdf.save(path)
    with pytest.raises(cb.ReportError, match=r"no results\.json is attached"):
        cb.verify(path)


def test_several_reports_on_the_command_line(folder: Path, built: Path) -> None:
    replace_in(folder / "report.html", "<p>", "<p>Hardly. ")
    (folder / "report.pdf").write_bytes(b"")
    paths = [str(built), str(folder), str(folder / "report.pdf")]
    run = subprocess.run(
        [sys.executable, "-m", "comorbid", "verify", *paths], capture_output=True, text=True
    )
    assert run.returncode == 1
    lines = run.stdout.splitlines()
    assert [line for line in lines if line.endswith(":")] == [f"{path}:" for path in paths]
    assert lines.count("bytes: agree") == 1
    assert "bytes: 2 differ" in lines
    assert "is no PDF, or damaged" in run.stderr
