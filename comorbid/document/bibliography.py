"""The bibliography: BibTeX entries as references that print; the only importer of pybtex."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

from comorbid.checks import control_character
from comorbid.document.blocks import Link, Reference
from comorbid.errors import Problem, ReportError

BUNDLED = "references.bib"
LIMIT_MB = 5
"""A bibliography above this size, in millions of bytes, is refused."""

_URL = re.compile(r"\\url(?=\s*\{)")  # a command that pybtex prints instead of its argument
_DOI = re.compile(r"doi:(10\.\S+?)(?=[\s;,)]|$)")

Bibliography = Mapping[str, Reference]


def read_bibliography(content: bytes, *, source: str) -> Bibliography:
    r"""Read and format the entries of a BibTeX file.

    Parameters
    ----------
    content : bytes
        UTF-8. LaTeX accents and symbols print as the characters they stand for.
    source : str
        Name of the file, for messages.

    Returns
    -------
    mapping of str to Reference
        By key, in the order of the file.

    Raises
    ------
    ReportError
        If the file is no BibTeX in UTF-8 or larger than the limit, a key comes twice, or an entry
        lacks what its type needs, with the line.

    Examples
    --------
    >>> text = '''@article{celik2019,
    ...     author = {\\c{C}elik, Jos\\'e}, title = {Headache}, journal = {Pain}, year = 2019,
    ...     doi = {10.1000/1}}'''
    >>> entry = read_bibliography(text.encode(), source="references.bib")["celik2019"]
    >>> entry.text[0]
    'Çelik, J. Headache. Pain, 2019. '
    >>> entry.text[1].url
    'https://doi.org/10.1000/1'
    """
    from pybtex.database import parse_string
    from pybtex.exceptions import PybtexError

    text = _decoded(content, source)
    try:
        entries = parse_string(_URL.sub("", text), "bibtex").entries
    except PybtexError as error:
        line = getattr(error, "lineno", None) or _line(
            text, str(error).rpartition(" ")[2], last=True
        )
        remedy = "mend the entry that begins above this line"
        raise ReportError([Problem(str(error), remedy, file=source, line=line)]) from error
    formatted: dict[str, Reference] = {}
    problems: list[Problem] = []
    for key, entry in entries.items():
        try:
            formatted[key] = _reference(key, entry)
        except PybtexError as error:
            line = _line(text, key)
            problems.append(Problem(str(error), "add the field", file=source, line=line))
    if problems:
        raise ReportError(problems)
    return MappingProxyType(formatted)


@functools.cache
def bundled() -> Bibliography:
    """Return the entries that come with comorbid, by key.

    Examples
    --------
    >>> bundled()["knapp2003"].doi
    '10.1002/sim.1482'
    """
    content = (resources.files("comorbid.document") / BUNDLED).read_bytes()
    return read_bibliography(content, source=BUNDLED)


def joined(own: Bibliography, *, source: str) -> Bibliography:
    """Return the bundled entries and a report's own, which win where both are the same paper.

    Raises
    ------
    ReportError
        If a key of the report's own stands for another paper in comorbid's.

    Examples
    --------
    >>> entry = Reference("knapp2003", ("Knapp and Hartung, 2003.",), "10.1002/SIM.1482")
    >>> joined({"knapp2003": entry}, source="references.bib")["knapp2003"].text
    ('Knapp and Hartung, 2003.',)
    """
    theirs = bundled()
    problems = [
        Problem(
            f"the key {key!r} stands for another paper in comorbid's own bibliography, "
            f"{_words(theirs[key])}",
            "give the entry another key, or the same doi if it is the same paper",
            file=source,
        )
        for key, entry in own.items()
        if key in theirs and not _is_same(entry, theirs[key])
    ]
    if problems:
        raise ReportError(problems)
    return MappingProxyType({**theirs, **own})


def with_doi(doi: str) -> Reference | None:
    """Return the bundled entry with this DOI, if there is one."""
    return next((e for e in bundled().values() if e.doi.lower() == doi.lower()), None)


def dois(text: str) -> list[str]:
    """Return the DOIs in a text such as ``Viechtbauer 2005, doi:10.3102/10769986030003261``.

    Examples
    --------
    >>> dois("Viechtbauer 2005, doi:10.3102/10769986030003261; and doi:10.1002/sim.1482")
    ['10.3102/10769986030003261', '10.1002/sim.1482']
    """
    return _DOI.findall(text)


def _decoded(content: bytes, source: str) -> str:
    if len(content) > LIMIT_MB * 1_000_000:
        remedy = "keep the entries that the report cites"
        raise ReportError([Problem(f"is larger than {LIMIT_MB} MB", remedy, file=source)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem("is not UTF-8", "save the file as UTF-8", file=source, line=line)
        raise ReportError([problem]) from error
    if found := control_character(text):
        message, line = f"holds the control character {found[0]}", text.count("\n", 0, found[1]) + 1
        raise ReportError([Problem(message, "delete it", file=source, line=line)])
    return text


def _is_same(one: Reference, other: Reference) -> bool:
    if one.doi and other.doi:
        return one.doi.lower() == other.doi.lower()
    return one.text == other.text


def _words(entry: Reference) -> str:
    return "".join(run if isinstance(run, str) else run.text for run in entry.text)


def _reference(key: str, entry: Any) -> Reference:
    from pybtex.style.formatting.unsrt import Style

    style = Style(abbreviate_names=True, name_style="lastfirst")
    if not hasattr(style, f"get_{entry.type}_template"):
        entry.type = "misc"  # as BibTeX does with a type that it does not know
    (formatted,) = style.format_entries([entry])
    return Reference(key, _merged(_runs(formatted.text)), entry.fields.get("doi", "").strip())


def _runs(part: Any) -> Iterator[str | Link]:
    """Yield pybtex's rich text as runs; what has no run of its own is plain."""
    from pybtex.richtext import HRef, String, Symbol

    if isinstance(part, str | String):
        yield str(part)
    elif isinstance(part, Symbol):
        yield " "
    elif isinstance(part, HRef) and str(part.url).startswith("https://"):
        yield Link(str(part), str(part.url))
    else:
        for inner in part.parts:
            yield from _runs(inner)


def _merged(runs: Iterator[str | Link]) -> tuple[str | Link, ...]:
    """Return the runs with neighbouring strings put together."""
    merged: list[str | Link] = []
    for run in runs:
        if isinstance(run, str) and merged and isinstance(merged[-1], str):
            merged[-1] += run
        else:
            merged.append(run)
    return tuple(merged)


def _line(text: str, key: str, *, last: bool = False) -> int | None:
    """Return the line on which the entry of a key begins."""
    begins = rf"@\s*\w+\s*[{{(]\s*{re.escape(key)}\b"
    found = [match.start() for match in re.finditer(begins, text, re.IGNORECASE)]
    return text.count("\n", 0, found[-1 if last else 0]) + 1 if found else None
