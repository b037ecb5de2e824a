"""Hostile text in every place that a report prints: shown as it is, and nothing more.

The texts try to load from a server that listens, to read a file, to run a script or a template. In
a process that notes every file it opens and every connection it makes, a report is built from
them; it may differ from the same report with harmless text in nothing but text.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import pikepdf
import pytest
from pypdf import PdfReader

import comorbid as cb
from comorbid.starter import write_review

# Where the bundled bibliography leads to.
OURS = ("https://doi.org/", "https://training.cochrane.org/handbook")
SECRET = "the-content-of-a-file-that-is-nobody-s-business"
# `{server}` is an address that listens, `{file}` the address of a file.
ATTEMPTS = (
    '<img src="{file}"><img src={server}/img>',
    '<script>document.title="owned";fetch("{server}/fetch")</script>',
    '"><img src=x onerror=\'document.title="owned"\'>',
    "</title></style><style>@import url({server}/import);</style>",
    "url({server}/url) url({file})",
    '<svg><image href="{server}/svg"/><script>document.title="owned"</script></svg>',
    '<link rel=stylesheet href="{server}/sheet"><iframe src="{file}"></iframe>',
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{file}">]><x>&e;</x>',
    '{{{{ 7*7 }}}} {{% include "{file}" %}} ${{7*7}} #{{7*7}} %s %(name)s %n {{0.__class__}}',
    "![x]({server}/markdown) [x](javascript:alert(1)) <{server}/auto>",
    '=HYPERLINK("{server}/cell") | `x` \\input{{{file}}} $\\frac$',
)
RUN = """
import sys
noted = []
def note(event, arguments):
    if event in ("open", "socket.connect", "socket.getaddrinfo", "urllib.Request", "os.system"):
        noted.append([event, repr(arguments[:2])])
    if event == "subprocess.Popen":
        noted.append([event, repr(arguments[:2])])
sys.addaudithook(note)
import json
import comorbid as cb
report = cb.build(sys.argv[1])
report.save()
print(json.dumps(noted))
"""
DEFINITION = """
id = "hostile"
title = {0}
subtitle = {0}
date = 2026-01-31
data = "studies.csv"
references = "references.bib"
formats = ["html", "pdf", "markdown"]
sections = [
    "summary", "audit", "methods", "studies", "forest", "leave-one-out", "other-rows", "funnel",
    "provenance", "references",
]

[[override]]
estimate = "ghandour2004-1"
use = "counts"
reason = {0}

[review]
title = {0}
authors = {0}
journal = {0}
doi = "10.1186/s10194-019-1031-y"
studies = 14
participants = 460195
pooled_by_authors = false
why_not_pooled = {0}
coverage_note = {0}
"""
BIB = """@article{{knapp2003,
  author = {{{0}}}, title = {{{0}}}, journal = {{{0}}}, year = 2003, doi = {{10.1002/sim.1482}},
}}
"""


@dataclass(frozen=True)
class Server:
    address: str
    asked: list[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 (its name in the library)
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield Server(f"http://127.0.0.1:{listening.server_port}", asked)
        listening.shutdown()
        thread.join()


@dataclass(frozen=True)
class Built:
    folder: Path
    attempts: tuple[str, ...]
    noted: list[list[str]]

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def build(folder: Path, attempts: tuple[str, ...]) -> Built:
    """Build a report in which every text is one of the attempts, or all of them."""
    folder.mkdir()
    everything = " ".join(attempts)
    text = DEFINITION.format(json.dumps(everything, ensure_ascii=False))
    (folder / "report.toml").write_text(text, encoding="utf-8")
    in_braces = re.sub(r"[{}@%\\]", "", everything)  # what BibTeX gives a meaning of its own
    (folder / "references.bib").write_text(BIB.format(in_braces), encoding="utf-8")
    data = resources.files("comorbid.studies") / "data/headache-back-pain/estimates.csv"
    rows = list(csv.DictReader(io.StringIO(data.read_text(encoding="utf-8"))))
    named = ("country", "population", "headache_definition", "adjustment", "source_note", "headache")
    for number, row in enumerate(rows):
        row["label"] = f"{number} {attempts[number % len(attempts)]}"
        row |= {name: f"{attempts[(number + 3) % len(attempts)]} {number}" for name in named}
    with (folder / "studies.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Built(folder, attempts, json.loads(done.stdout))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def hostile(place: Path, server: Server) -> Built:
    secret = place / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    values = {"server": server.address, "file": secret.as_uri()}
    return build(place / "hostile", tuple(attempt.format(**values) for attempt in ATTEMPTS))


@pytest.fixture(scope="module")
def harmless(place: Path, hostile: Built) -> Built:
    plain = tuple(re.sub(r"[^A-Za-z0-9 ]", "x", attempt) for attempt in hostile.attempts)
    return build(place / "harmless", plain)


class Skeleton(HTMLParser):
    """A page without its text: elements with the names of their attributes, scripts, styles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.code: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # The classes depend on how wide a text is.
        names = tuple(sorted(name for name, _ in attrs if name != "class"))
        self.elements.append((tag, names))
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href") and value
        ]

    def handle_data(self, data: str) -> None:
        inside = self.elements[-1][0] if self.elements else ""
        (self.code if inside in ("script", "style") else self.text).append(data)


def test_nothing_was_asked_for(hostile: Built, server: Server) -> None:
    assert server.asked == []
    assert hostile.noted
    events = [entry for entry in hostile.noted if entry[0] != "open"]
    assert [entry for entry in events if server.address.rpartition(":")[2] in entry[1]] == []
    assert {event for event, _ in events} <= {"urllib.Request", "subprocess.Popen"}
    # Programs are run to find the system's libraries, and never with anything of the report.
    run = " ".join(entry[1] for entry in events if entry[0] == "subprocess.Popen")
    assert not [word for word in ("owned", "alert", hostile.folder.name, "secret") if word in run]
    assert [entry for entry in events if entry[0] == "urllib.Request" and "'data:" not in entry[1]] == []
    assert [entry for entry in hostile.noted if "secret.txt" in entry[1]] == []


def test_nothing_was_read_into_the_pages(hostile: Built) -> None:
    for name in ("report.html", "report.md", "results.json"):
        assert SECRET not in hostile.read(name)
    with pikepdf.open(hostile.folder / "report.pdf") as pdf:
        assert SECRET.encode() not in b"".join(
            item.read_bytes() for item in pdf.objects if isinstance(item, pikepdf.Stream)
        )


def test_the_page_has_the_elements_of_a_harmless_one(hostile: Built, harmless: Built) -> None:
    ours, theirs = (Skeleton(built.read("report.html")) for built in (hostile, harmless))
    assert ours.elements == theirs.elements
    assert len(ours.elements) > 300
    assert ours.code == theirs.code
    good = ("data:image/svg+xml;base64,", "data:font/", "#", *OURS)
    assert [address for address in ours.addresses if not address.startswith(good)] == []


def test_the_page_shows_the_text_as_it_is(hostile: Built) -> None:
    text = " ".join("".join(Skeleton(hostile.read("report.html")).text).split())
    for attempt in hostile.attempts:
        # In the title, subtitle, reason and review, and in tables.
        assert text.count(" ".join(attempt.split())) >= 5, attempt


def test_figures_hold_no_more_than_drawings(hostile: Built) -> None:
    import base64
    from xml.etree import ElementTree

    drawings = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', hostile.read("report.html"))
    assert len(drawings) >= 3
    for drawing in drawings:
        root = ElementTree.fromstring(base64.b64decode(drawing))  # noqa: S314 (our own)
        names = {str(element.tag).rpartition("}")[2] for element in root.iter()}
        assert not names & {"script", "image", "img", "a", "link", "iframe", "foreignObject"}


def test_the_pdf_does_nothing(hostile: Built) -> None:
    with pikepdf.open(hostile.folder / "report.pdf") as pdf:
        kinds = {
            str(item["/S"])
            for item in pdf.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Action"
        }
        addresses = [
            str(item["/URI"])
            for item in pdf.objects
            if isinstance(item, pikepdf.Dictionary) and "/URI" in item
        ]
        assert "/OpenAction" not in pdf.Root
        assert "/AA" not in pdf.Root
    assert kinds <= {"/URI", "/GoTo"}
    assert [address for address in addresses if not address.startswith(OURS)] == []
    pages = PdfReader(hostile.folder / "report.pdf").pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    assert "{{7*7}}" in text
    assert '<script>document.title="owned"' in text


def test_markdown_holds_no_html_and_no_link_of_the_data(hostile: Built, harmless: Built) -> None:
    markdown = hostile.read("report.md")
    # Not escaped: what begins HTML, an image or a link.
    raw = re.findall(rf'(?<!\\)<(?!a id="|{"|".join(map(re.escape, OURS))}|/a>)', markdown)
    assert raw == []
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", markdown)
    assert links == re.findall(r"(?<!\\)\]\(([^)]*)\)", harmless.read("report.md"))
    good = tuple(f"<{address}" for address in OURS)
    assert [link for link in links if not link.startswith((*good, "#"))] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium here")
def test_a_browser_asks_for_nothing_and_runs_nothing(hostile: Built, server: Server) -> None:
    done = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--virtual-time-budget=3000", f"--user-data-dir={hostile.folder / 'browser'}"),
            (hostile.folder / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert server.asked == []
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1].startswith("&lt;img src=")
    assert SECRET not in done.stdout


def test_a_formula_of_somebody_else_s_report_runs_no_code(tmp_path: Path) -> None:
    folder, written = tmp_path / "a-report", tmp_path / "written.npy"
    write_review(folder, date=datetime.date(2026, 1, 31))
    text = (folder / "report.toml").read_text(encoding="utf-8")
    text = text.replace('"summary", "summary-of-findings"', '"meta-regression"')
    formula = f"[analyses.meta-regression]\nformula = \"~ I(np.save('{written.as_posix()}', yi))\"\n"
    (folder / "report.toml").write_text(text + formula, encoding="utf-8")
    with pytest.raises(cb.ComorbidError, match=r"np\.save is not allowed"):
        cb.build(folder)
    assert not written.exists()
