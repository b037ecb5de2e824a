"""The bibliography: BibTeX as it prints, and every way in which a file can be broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.document.bibliography import (
    Bibliography,
    bundled,
    cited_by,
    read_bibliography,
    words,
)
from comorbid.document.blocks import Block, References
from comorbid.effects.measures import MEASURES
from comorbid.models.estimators import ESTIMATORS
from comorbid.report.build import Report, build_with
from comorbid.report.definition import read_definition
from comorbid.testing import registry, studies_csv

ARTICLE = "@article{%s, author={Doe, Jane}, title={T}, journal={J}, year={2000}%s}"


def read(text: str) -> Bibliography:
    return read_bibliography(text.encode(), source="own.bib")


@pytest.mark.parametrize(
    ("latex", "printed"),
    [
        (r"\c{C}elik, \.{I}pek", "Çelik, İ."),
        (r"{\L}ukasz, J\"org", "Łukasz, J."),
        (r"{\"O}zt{\"u}rk, {\c S}{\"u}leyman", "Öztürk, Ş."),
        (r"Gar{\c{c}}ia N{\'u}{\~n}ez, Jos{\'e}", "Garçia Núñez, J."),
        (r"O'Brien, Se{\'a}n", "O'Brien, S."),
        (r"{\O}sterg{\aa}rd, Ren{\'e}e", "Østergård, R."),
        (r"Dvo{\v r}{\'a}k, Ji{\v{r}}{\'i}", "Dvořák, J."),
        ("Παπαδόπουλος, Γιώργος", "Παπαδόπουλος, Γ."),
        ("{The Cochrane Collaboration}", "The Cochrane Collaboration."),
    ],
)
def test_accents_print_as_characters(latex: str, printed: str) -> None:
    entry = read("@misc{a, author={%s}, title={T}, year={2001}}" % latex)["a"]  # noqa: UP031
    assert words(entry).startswith(f"{printed} T")


def test_symbols_dashes_and_addresses() -> None:
    entry = read(
        r"@misc{a, title={{A} \& {B} --- 50\% <b>}, howpublished={\url{https://x.org/a_b}},"
        r" note={pages 1--2}, url={http://plain.org/}}"
    )["a"]
    assert words(entry) == (
        "A & B — 50% <b>. https://x.org/a_b. pages 1–2. URL: http://plain.org/."
    )
    assert all(isinstance(run, str) for run in entry.text)  # an address without https is no link


def test_a_doi_is_a_link() -> None:
    entry = read(ARTICLE % ("a", ", doi={10.1000/x(1)2}"))["a"]
    assert entry.doi == "10.1000/x(1)2"
    assert cb.Link("doi:10.1000/x(1)2", "https://doi.org/10.1000/x(1)2") in entry.text


def test_a_doi_with_angle_brackets_is_a_whole_address() -> None:
    (*_, link, _end) = read(ARTICLE % ("a", ", doi={10.1/(x)15:6<619::y>3}"))["a"].text
    assert link == cb.Link("doi:10.1/(x)15:6<619::y>3", "https://doi.org/10.1/(x)15:6%3C619::y%3E3")


def test_a_type_that_bibtex_does_not_know_is_misc() -> None:
    assert words(read("@report{a, title={A report}, year={2003}}")["a"]) == "A report. 2003."


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n\n@article{a, title={x}", 3, "premature end of file"),
        ("@misc{a, title={x}}\n@misc{, title={y}}", 2, "entry key expected"),
        ("@misc{a, title {x}}", 1, "syntax error"),
        ("@misc{a, title={x}}\n\n@misc{a, title={y}}", 3, "repeated bibliography entry: a"),
        ("\n@article{a, title={x}, year={2000}}", 2, "missing author in a"),
        ("\n@article{a,\n  year = nought}", 3, "undefined string"),
    ],
)
def test_a_broken_file_is_named_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(cb.ReportError, match=re.escape(message)) as caught:
        dict(read(text))
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("own.bib", line)
    assert problem.remedy


def test_files_that_are_no_text_or_too_large() -> None:
    with pytest.raises(cb.ReportError, match=r"own\.bib, line 2: holds the control character U"):
        read_bibliography(b"@comment{}\n\x1b[31m", source="own.bib")
    with pytest.raises(cb.ReportError, match=r"own\.bib, line 2: is not UTF-8; save the file as"):
        read_bibliography(b"@comment{}\n\xe9", source="own.bib")
    with pytest.raises(cb.ReportError, match="larger than 5 MB"):
        read_bibliography(b" " * 5_000_001, source="own.bib")


def test_an_empty_file_has_no_entries() -> None:
    assert len(read("")) == 0


def test_a_clash_with_another_paper_is_an_error_and_the_same_paper_is_none() -> None:
    other = read("\n" + ARTICLE % ("knapp2003", ""))
    with pytest.raises(cb.ReportError, match=r"own\.bib, line 2: the key 'knapp2003' stands for"):
        bundled().joined(other)
    same = read(ARTICLE % ("knapp2003", ", doi={10.1002/SIM.1482}"))
    assert bundled().joined(same)["knapp2003"] == same["knapp2003"]
    assert words(bundled()["knapp2003"]) == words(bundled().joined(bundled())["knapp2003"])


def test_other_authors_are_et_al() -> None:
    entry = read("@misc{a, author={Doe, J. and Roe, R. and others}, title={and others}, year=2001}")
    assert words(entry["a"]) == "Doe, J., Roe, R., et al. And others. 2001."
    assert words(bundled()["page2021"]).startswith(
        "Page, M. J., McKenzie, J. E., Bossuyt, P. M., et al. "
    )


# -- comorbid's own entries -----------------------------------------------------------------------


@pytest.mark.parametrize("key", bundled())
def test_every_bundled_entry_is_whole(key: str) -> None:
    entry = bundled()[key]
    year = re.search(r"(\d{4})[a-z]?$", key)
    assert year is not None
    assert f"{year[1]}." in words(entry)
    assert not re.search(r"[\\{}$]", words(entry))
    if entry.doi:
        address = f"https://doi.org/{entry.doi}".replace("<", "%3C").replace(">", "%3E")
        assert cb.Link(f"doi:{entry.doi}", address) in entry.text


def test_no_paper_is_bundled_twice() -> None:
    dois = [bundled().doi(key) for key in bundled() if bundled().doi(key)]
    assert len(dois) == len(set(dois))


@pytest.mark.parametrize("cite", sorted({known.cite for known in (*MEASURES, *ESTIMATORS)}))
def test_every_measure_and_estimator_has_its_entries(cite: str) -> None:
    space, run = cited_by(cite)
    assert space == " "
    assert isinstance(run, cb.Cite)
    assert len(run.keys) == len(cite.split("; "))


def test_a_citation_that_is_not_bundled_keeps_its_words() -> None:
    assert cited_by("Lipsey 2001, Another book") == (" (Lipsey 2001, Another book", ")")
    assert cited_by("") == cited_by(" ") == ()
    text = cited_by("Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x; Doe 2020, doi:10.1/x")
    assert text[0] == " (Woolf 1955, "
    assert text[-2] == cb.Link("doi:10.1/x", "https://doi.org/10.1/x")


# -- in a report ----------------------------------------------------------------------------------


class Citing:
    """A plugin whose sections cite and refer."""

    @staticmethod
    @cb.hookimpl
    def comorbid_sections() -> tuple[cb.Section, ...]:
        table = cb.Table(("A",), (("b",),), "C", name="one")
        texts: dict[str, tuple[Block, ...]] = {
            "early": (cb.Paragraph(("E ", cb.Cite("mine", "knapp2003"))),),
            "late": (cb.Paragraph(("L ", cb.Cite("higgins2002", "mine"))),),
            "named": (table,),
            "again": (table, cb.Paragraph("text")),
            "points": (cb.Paragraph((cb.Ref("one"),)),),
            "wrong": (cb.Paragraph((cb.Cite("nobody"),)),),
            "plain": (cb.Paragraph("No citation."),),
            "fails": (cb.Paragraph("17,171 is no number of any result."), table),
        }
        return tuple(
            cb.Section(id_, id_.title(), lambda context, blocks=blocks: blocks)  # type: ignore[misc]
            for id_, blocks in texts.items()
        )


OWN = ARTICLE % ("mine", ", doi={10.1/mine}")


def build(folder: Path, *sections: str, lines: str = "", failing: str = "stop") -> Report:
    (folder / "report.toml").write_text(
        'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\nformats = ["html"]\n'
        f'references = "own.bib"\nsections = {list(sections)}\n{lines}',
        encoding="utf-8",
    )
    (folder / "studies.csv").write_text(studies_csv(3), encoding="utf-8")
    if not (folder / "own.bib").exists():
        (folder / "own.bib").write_text(OWN, encoding="utf-8")
    definition = read_definition(folder)
    return build_with(definition, registry(Citing()), Calls(), failing=failing)  # type: ignore[arg-type]


def entries(report: Report) -> list[str]:
    lists = [b for s in report.document.sections for b in s.blocks if isinstance(b, References)]
    assert len(lists) == 1
    return [entry.key for entry in lists[0].entries]


def test_references_are_added_at_the_end_in_order_of_first_citation(tmp_path: Path) -> None:
    report = build(tmp_path, "late", "early")
    assert [section.id for section in report.document.sections] == ["late", "early", "references"]
    assert entries(report) == ["higgins2002", "mine", "knapp2003"]


def test_references_stand_where_they_are_placed(tmp_path: Path) -> None:
    report = build(tmp_path, "references", "early", "late")
    assert [section.id for section in report.document.sections] == ["references", "early", "late"]
    assert entries(report) == ["mine", "knapp2003", "higgins2002"]
    assert 'E&nbsp;[<a class="jump" href="#reference.1">1</a>, ' in report.html


def test_without_citations_there_are_no_references(tmp_path: Path) -> None:
    assert [s.id for s in build(tmp_path, "plain").document.sections] == ["plain"]
    report = build(tmp_path, "plain", "references")
    assert report.document.sections[1].blocks == (cb.Paragraph("This report cites nothing."),)


def test_the_bibliography_is_an_input_with_its_hash(tmp_path: Path) -> None:
    build(tmp_path, "provenance")
    build_with(read_definition(tmp_path), registry(), Calls()).save()
    assert cb.verify(tmp_path).inputs == ()
    (tmp_path / "own.bib").write_text(f"{OWN}\n", encoding="utf-8")
    assert [line.split(":")[0] for line in cb.verify(tmp_path).inputs] == ["own.bib"]


def test_every_cited_entry_that_lacks_a_field_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.bib").write_text("\n@article{mine, title={x}}\n@book{b, title={y}}")
    with pytest.raises(cb.ReportError, match=r"own\.bib, line 2: missing author in mine; add the"):
        build(tmp_path, "early")


def test_a_broken_bibliography_stops_the_build_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.bib").write_text("\n@article{a, title={x}", encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"own\.bib, line 2: "):
        build(tmp_path, "plain")
    (tmp_path / "own.bib").unlink()
    (tmp_path / "own.bib").mkdir()
    with pytest.raises(cb.ReportError, match=r"own\.bib: cannot read"):
        build(tmp_path, "plain")


@pytest.mark.parametrize("name", ["../own.bib", "/own.bib", "C:\\own.bib"])
def test_a_bibliography_stays_in_the_folder(name: str, tmp_path: Path) -> None:
    build(tmp_path, "plain")
    text = (tmp_path / "report.toml").read_text(encoding="utf-8").replace('"own.bib"', f"'{name}'")
    (tmp_path / "report.toml").write_text(text, encoding="utf-8")
    with pytest.raises(cb.ReportError, match="give the name of a file inside the folder"):
        read_definition(tmp_path)


def test_sections_that_lead_nowhere_fail_with_their_plugin(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        build(tmp_path, "wrong", "points", "named", "again")
    assert [str(problem).partition(";")[0] for problem in caught.value.problems] == [
        "section 'again' (Citing@0) calls a figure or table 'one', as section 'named' (Citing@0) "
        "does",
        "section 'wrong' (Citing@0) cites 'nobody', which is not in the bibliography",
    ]


def test_what_refers_to_a_section_that_fails_is_no_failure_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        build(tmp_path, "points", "fails")
    (problem,) = caught.value.problems
    assert "section 'fails'" in problem.message
    report = build(tmp_path, "points", "fails", failing="placeholder")
    assert report.document.subtitle.startswith("Draft: 2 of 2 sections")


def test_in_a_draft_they_and_those_that_lose_by_it_are_placeholders(tmp_path: Path) -> None:
    report = build(tmp_path, "plain", "wrong", "points", "early", failing="placeholder")
    plain, wrong, points, _early, references = report.document.sections
    assert plain.blocks == (cb.Paragraph("No citation."),)
    for section in (wrong, points):
        assert [type(block).__name__ for block in section.blocks] == ["Note"]
    assert references.id == "references"
    assert entries(report) == ["mine", "knapp2003"]
    assert report.document.subtitle.startswith("Draft: 2 of 4 sections could not be built.")
    assert len(report.failures) == 2


def test_the_papers_of_the_studies_are_cited_by_their_keys(tmp_path: Path) -> None:
    build(tmp_path, "studies")
    keys = ["mine", "", "knapp2003"]
    (tmp_path / "studies.csv").write_text(studies_csv(3, reference=keys), encoding="utf-8")
    report = build_with(read_definition(tmp_path), registry(), Calls())
    (paragraph,) = (b for b in report.document.sections[0].blocks if isinstance(b, cb.Paragraph))
    assert paragraph.text == (
        *("The figures are from: study-1 ", cb.Cite("mine")),
        *("; study-3 ", cb.Cite("knapp2003"), "."),
    )
    assert entries(report) == ["mine", "knapp2003"]
    (tmp_path / "studies.csv").write_text(studies_csv(1, reference=["mein"]), encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"'studies' .* cites 'mein', .*did you mean 'mine'"):
        build_with(read_definition(tmp_path), registry(), Calls())


def test_the_papers_on_the_studies_are_cited_under_their_study_id(tmp_path: Path) -> None:
    """By the report's own bibliography alone: comorbid's may have the key of another paper."""
    build(tmp_path, "studies")
    rows = studies_csv(3).replace("study-1", "mine").replace("study-2", "knapp2003")
    (tmp_path / "studies.csv").write_text(rows, encoding="utf-8")
    report = build_with(read_definition(tmp_path), registry(), Calls())
    (paragraph,) = (b for b in report.document.sections[0].blocks if isinstance(b, cb.Paragraph))
    assert paragraph.text == ("The papers on the studies: mine ", cb.Cite("mine"), ".")
    assert entries(report) == ["mine"]
