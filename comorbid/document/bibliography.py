"""The bibliography: BibTeX entries as references that print; the only importer of pybtex."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from comorbid.characters import control_character
from comorbid.document.blocks import Inline, Reference
from comorbid.document.runs import Cite, Link
from comorbid.errors import Problem, ReportError

BUNDLED = "references.bib"
LIMIT_MB = 5
"""A bibliography above this size, in millions of bytes, is refused."""

_URL = re.compile(r"\\url(?=\s*\{)")  # a command that pybtex prints instead of its argument


class Bibliography(Mapping[str, Reference]):
    """What can be cited, by key; an entry is formatted when it is asked for.

    Parameters
    ----------
    entries : mapping of str to entry
        As pybtex reads them.
    source : str
        Name of the file, for messages.
    text : str
        The file's content, for the lines in messages.

    Attributes
    ----------
    own : frozenset of str
        The keys of the file that was joined last, as a report's own is.
    """

    own: frozenset[str] = frozenset()

    def __init__(self, entries: Mapping[str, Any], *, source: str, text: str) -> None:
        self._entries = {key: (entry, self) for key, entry in entries.items()}
        self._source, self._text = source, text
        self._formatted: dict[str, Reference] = {}

    def __getitem__(self, key: str) -> Reference:
        if key not in self._formatted:
            entry, home = self._entries[key]
            self._formatted[key] = home._format(key, entry)
        return self._formatted[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def doi(self, key: str) -> str:
        """Return the DOI of an entry, in lower case, or ""."""
        return _doi(self._entries[key][0]).lower()

    def paper(self, doi: str) -> Cite | Link:
        """Return the citation of the paper with this DOI, or a link where no entry has it."""
        key = next((key for key in self if self.doi(key) == doi.lower()), None)
        return Cite(key) if key else _link(doi)

    def joined(self, own: Bibliography) -> Bibliography:
        """Return these entries and more, which win where both are the same paper.

        Raises
        ------
        ReportError
            If a key of theirs stands for another paper here.
        """
        problems = [
            Problem(
                f"the key {key!r} stands for another paper already, {words(self[key])}",
                "give the entry another key, or the same doi if it is the same paper",
                file=own._source,
                line=_line(own._text, key),
            )
            for key in own
            if key in self and not self._is_same(own, key)
        ]
        if problems:
            raise ReportError(problems)
        both = Bibliography({}, source=own._source, text=own._text)
        both._entries = {**self._entries, **own._entries}
        both.own = frozenset(own)
        return both

    def _is_same(self, own: Bibliography, key: str) -> bool:
        if self.doi(key) and own.doi(key):
            return self.doi(key) == own.doi(key)
        return self[key].text == own[key].text

    def _format(self, key: str, entry: Any) -> Reference:
        from pybtex.exceptions import PybtexError

        try:
            (formatted,) = _style().format_entries([entry])
        except PybtexError as error:
            line = _line(self._text, key)
            problem = Problem(str(error), "add the field", file=self._source, line=line)
            raise ReportError([problem]) from error
        return Reference(key, _merged(_runs(formatted.text), entry), _doi(entry))


def read_bibliography(content: bytes, *, source: str) -> Bibliography:
    r"""Read the entries of a BibTeX file.

    Parameters
    ----------
    content : bytes
        UTF-8. LaTeX accents and symbols print as the characters they stand for.
    source : str
        Name of the file, for messages.

    Returns
    -------
    Bibliography
        In the order of the file. An entry that lacks what its type needs raises `ReportError`
        when it is asked for.

    Raises
    ------
    ReportError
        If the file is no BibTeX in UTF-8 or larger than the limit, or a key comes twice, with the
        line.

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
        line = getattr(error, "lineno", None)
        line = line or _line(text, str(error).rpartition(" ")[2], last=True)
        remedy = "mend the entry that begins above this line"
        raise ReportError([Problem(str(error), remedy, file=source, line=line)]) from error
    for entry in entries.values():
        if not hasattr(_style(), f"get_{entry.type}_template"):
            entry.type = "misc"  # as BibTeX does with a type that it does not know
    return Bibliography(entries, source=source, text=text)


@functools.cache
def bundled() -> Bibliography:
    """Return the entries that come with comorbid.

    Examples
    --------
    >>> bundled()["knapp2003"].doi
    '10.1002/sim.1482'
    """
    content = (resources.files("comorbid.document") / BUNDLED).read_bytes()
    return read_bibliography(content, source=BUNDLED)


def cited_by(cite: str) -> tuple[Inline, ...]:
    """Return the citation of a measure or an estimator as it prints.

    Parameters
    ----------
    cite : str
        Papers as ``Author Year, doi:...`` or ``Author Year, Title``, separated by ``"; "``; may
        be empty.

    Returns
    -------
    tuple
        A space and a `Cite` where the bundled bibliography has all papers, otherwise the text in
        brackets, with links; nothing for no text.

    Examples
    --------
    >>> cited_by("Viechtbauer 2005, doi:10.3102/10769986030003261")
    (' ', Cite(keys=('viechtbauer2005',)))
    >>> cited_by("Doe 2020, doi:10.1000/1")
    (' (Doe 2020, ', Link(text='doi:10.1000/1', url='https://doi.org/10.1000/1'), ')')
    """
    if not cite.strip():
        return ()
    papers = cite.split("; ")
    keys = [_key_of(paper) for paper in papers]
    if (found := [key for key in keys if key]) and len(found) == len(keys):
        return (" ", Cite(*found))
    runs: list[Inline] = []
    for i, paper in enumerate(papers):
        before, colon, doi = paper.partition("doi:")
        runs += [f"{'; ' if i else ' ('}{before}", *((_link(doi),) if colon else ())]
    return (*runs, ")")


def words(entry: Reference) -> str:
    """Return an entry as plain text."""
    return "".join(run if isinstance(run, str) else run.text for run in entry.text)


def _key_of(paper: str) -> str | None:
    """Return the bundled key of ``Author Year, doi:...`` or ``Author Year, Title, ...``."""
    known = bundled()
    before, colon, doi = paper.partition("doi:")
    if colon:
        cite = known.paper(doi)
        return cite.keys[0] if isinstance(cite, Cite) else None
    if not (match := re.match(r"(\w+).*? (\d{4}), ([^,\d]+)", before)):
        return None
    author, year, title = match.groups()
    key = f"{author}{year}".lower()
    return key if key in known and title.strip().lower() in words(known[key]).lower() else None


@functools.cache
def _style() -> Any:
    from pybtex.style.formatting.unsrt import Style

    return Style(abbreviate_names=True, name_style="lastfirst")


def _link(doi: str) -> Link:
    return Link(f"doi:{doi}", _address(f"https://doi.org/{doi}"))


def _address(url: str) -> str:
    """Return an address without what ends one early, such as the ``<`` of older DOIs."""
    return urllib.parse.quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")


def _doi(entry: Any) -> str:
    return str(entry.fields.get("doi", "")).strip()


def _runs(part: Any) -> Iterator[str | Link]:
    """Yield pybtex's rich text as runs; what has no run of its own is plain."""
    from pybtex.richtext import HRef, String, Symbol

    if isinstance(part, str | String):
        yield str(part)
    elif isinstance(part, Symbol):
        yield " "
    elif isinstance(part, HRef) and str(part.url).startswith("https://"):
        yield Link(str(part), _address(str(part.url)))
    else:
        for inner in part.parts:
            yield from _runs(inner)


def _merged(runs: Iterator[str | Link], entry: Any) -> tuple[str | Link, ...]:
    """Return the runs with neighbouring strings put together, and others as et al."""
    merged: list[str | Link] = []
    for run in runs:
        if isinstance(run, str) and merged and isinstance(merged[-1], str):
            merged[-1] += run
        else:
            merged.append(run)
    authors = entry.persons.get("author", [])
    if authors and str(authors[-1]) == "others" and isinstance(merged[0], str):
        merged[0] = re.sub(r",? and others", ", et al", merged[0], count=1)
    return tuple(merged)


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


def _line(text: str, key: str, *, last: bool = False) -> int | None:
    """Return the line on which the entry of a key begins."""
    begins = rf"@\s*\w+\s*[{{(]\s*{re.escape(key)}\b"
    found = [match.start() for match in re.finditer(begins, text, re.IGNORECASE)]
    return text.count("\n", 0, found[-1 if last else 0]) + 1 if found else None
