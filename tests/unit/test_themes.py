"""Themes: what they may name, and that a report in another theme looks like that theme."""

from __future__ import annotations

import datetime
import re
import types
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.document.blocks import Paragraph
from comorbid.document.document import Document, DocumentSection
from comorbid.report.build import build_with
from comorbid.report.definition import read_definition
from comorbid.report.render.html import render_html
from comorbid.testing import registry, studies_csv
from comorbid.themes import COMPACT, JOURNAL, Theme, resource, stylesheet, theme_problems

FONT = "comorbid.report:themes/journal/fonts/comorbid-serif-regular.woff2"
FACE = '@font-face { font-family: "S"; src: url("fonts/comorbid-serif-regular.woff2"); }\n'
SECTION = DocumentSection("one", "One", (Paragraph("1 < 2"),), "comorbid@1")
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["provenance"]
formats = ["html"]
theme = "ink"
"""
DOCUMENT = Document("T", datetime.date(2026, 1, 31), (SECTION,))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package of a name of its own, whose files are resources."""
    folder = tmp_path / f"ink_{abs(hash(str(tmp_path)))}"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def theme(package: Path, css: str, fonts: tuple[str, ...] = (FONT,)) -> Theme:
    (package / "style.css").write_text(css, encoding="utf-8")
    return Theme("ink", f"{package.name}:style.css", fonts=fonts)


def test_a_theme_of_another_package_is_used(package: Path) -> None:
    ink = theme(package, FACE + 'p { font-family: "S", serif; color: #123456 }')
    assert theme_problems(ink) == []
    html = render_html(DOCUMENT, ink)
    assert "color: #123456" in html
    assert 'url("data:font/woff2;base64,' in html
    assert "<p>1 &lt; 2</p>" in html
    assert html != render_html(DOCUMENT)
    assert html == render_html(DOCUMENT, ink)


def test_a_theme_builds_on_another(package: Path) -> None:
    (package / "style.css").write_text("p { color: #123456; font-family: var(--serif) }", "utf-8")
    ink = Theme("ink", f"{package.name}:style.css", base=JOURNAL)
    assert theme_problems(ink) == []
    html = render_html(DOCUMENT, ink)
    journal, own = stylesheet(JOURNAL), "p { color: #123456;"
    assert journal in html
    assert html.index(journal) < html.index(own)


def test_what_is_wrong_with_the_base_is_wrong_with_the_theme(package: Path) -> None:
    lost = Theme("lost", f"{package.name}:lost.css")
    (package / "style.css").write_text("p { color: red }", "utf-8")
    (problem,) = theme_problems(Theme("ink", f"{package.name}:style.css", base=lost))
    assert "lost.css' does not exist" in problem


def test_a_template_replaces_the_one_of_the_same_name(package: Path) -> None:
    (package / "templates").mkdir()
    text = "{% macro block(part) %}<p>{{ part.block.text }}, in ink</p>{% endmacro %}"
    (package / "templates" / "blocks.html.jinja").write_text(text, encoding="utf-8")
    plain = theme(package, FACE)
    ink = Theme("ink", plain.stylesheet, f"{package.name}:templates", plain.fonts)
    assert theme_problems(ink) == []
    assert "<p>1 &lt; 2, in ink</p>" in render_html(DOCUMENT, ink)


@pytest.mark.parametrize(
    ("css", "problem"),
    [
        (f"{FACE} p {{ background: url(https://x.org/a.png) }}", "asks for 'https://x.org/a.png'"),
        (f"{FACE} p {{ background: url('../a.png') }}", "asks for '../a.png'"),
        (f'{FACE} @import "other.css";', "the style sheet has an @import"),
        ('@font-face { font-family: "S"; src: local("Arial") }', "a font of the machine, by local"),
        (f'{FACE} p {{ font-family: "Arial", serif }}', "uses the font 'Arial' without an @font-"),
        ("p { color: red }", "does not use fonts/comorbid-serif-regular.woff2"),
    ],
)
def test_nothing_from_outside(package: Path, css: str, problem: str) -> None:
    assert any(problem in found for found in theme_problems(theme(package, css)))


def test_comments_and_variables_are_not_taken_for_more(package: Path) -> None:
    css = f"/* no @import, no local(), no url(x) */ {FACE} p {{ font-family: var(--a), inherit }}"
    assert theme_problems(theme(package, css)) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("style.css", "is no resource; write 'package:path'"),
        ("comorbid:../setup.cfg", "without '..'"),
        ("comorbid:/etc/passwd", "is no resource"),
        ("comorbid:", "is no resource"),
        ("no_such_package:style.css", "there is no package no_such_package"),
        ("comorbid:no-such-file.css", "does not exist"),
    ],
)
def test_only_resources_of_packages(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        resource(name)
    assert any(message in problem for problem in theme_problems(Theme("ink", name)))


@pytest.mark.parametrize("theme", [JOURNAL, COMPACT])
def test_a_theme_of_ours_embeds_each_font_once(theme: Theme) -> None:
    assert theme_problems(theme) == []
    assert stylesheet(theme).count("data:font/woff2;base64,") == len(JOURNAL.fonts) == 5


def test_a_package_that_fails_on_import_is_named(package: Path) -> None:
    (package / "__init__.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    (problem,) = theme_problems(Theme("ink", f"{package.name}:style.css"))
    assert f"the import of {package.name} fails: RuntimeError: broken" in problem


def test_a_template_that_fails_is_named_with_its_theme(package: Path, tmp_path: Path) -> None:
    (package / "templates").mkdir()
    text = "{% macro block(part) %}{{ part.nothing.at_all }}{% endmacro %}"
    (package / "templates" / "blocks.html.jinja").write_text(text, encoding="utf-8")
    plain = theme(package, FACE)
    ink = Theme("ink", plain.stylesheet, f"{package.name}:templates", plain.fonts)
    plugin = types.ModuleType("one")
    plugin.comorbid_themes = cb.hookimpl(lambda: [ink])  # type: ignore[attr-defined]
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "studies.csv").write_text(studies_csv(3), encoding="utf-8")
    (folder / "report.toml").write_text(TOML, encoding="utf-8")
    report = build_with(read_definition(folder), registry(plugin), Calls())
    message = "renderer 'html' in the theme 'ink' of one@0 fails: UndefinedError"
    with pytest.raises(cb.ReportError, match=message):
        report.save()
