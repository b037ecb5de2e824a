"""The pages of a report: those in its folder, those made again, and what the lock says of both."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from comorbid.calls import Progress
from comorbid.errors import ProblemsError, ReportError
from comorbid.report import lock as locks
from comorbid.report.build import Report
from comorbid.report.digests import PDF, figures_of, unequal_facts
from comorbid.report.plan import file_of
from comorbid.report.text import text_differences
from comorbid.report.unpack import attachments_of, laid_over, margins_of, words_of

_DATA = re.compile(r"data:(?P<kind>[\w/+.-]+);base64,(?P<content>[\w+/=]*)")
_DRAWING = "image/svg+xml"
_SHOWN = 5
# So many words are shown on either side of those that differ.
_AROUND = 4


@dataclass(slots=True)
class PageCheck:
    """What a comparison of pages found: differences, unequal facts of the platform, remarks."""

    found: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_pages(report: Report, locked: Mapping[str, Any], progress: Progress) -> PageCheck:
    """Compare drawings and pages of a report that was built again with a lock and its folder.

    Parameters
    ----------
    report : Report
        Built again, not written.
    locked : dict
        The lock. It may lack the digest of a page, as one does that is attached to it.
    progress : callable
        Gets one line of text a page.

    Returns
    -------
    PageCheck
    """
    check = PageCheck()
    was, now = locked["bytes"], report.lock["bytes"]
    unequal = unequal_facts("", was, now)
    if not unequal:
        check.found += _other_figures(report, was["figures"])
    for entry in report.plan.renderers:
        name = file_of(entry.declaration)
        there = _content(report.definition.folder / name)
        recorded = was["files"].get(name)
        if there is None and recorded is None:
            continue
        unequal |= unequal_facts(name, was, now)
        try:
            made = report.render(entry.declaration.id)
        except ProblemsError as error:
            _check_without(check, name, there, recorded, reason=str(error))
            continue
        progress(f"{entry.declaration.id}: rendered")
        page = _Page(name, there, made, recorded, comparable=not unequal_facts(name, was, now))
        check.found += page.differences()
        check.notes += page.notes()
    check.facts += [f"{fact}: locked {old}, here {new}" for fact, (old, new) in unequal.items()]
    return check


@dataclass(frozen=True, slots=True)
class _Page:
    """One page: the file in the folder, if there, the one made again, and the digest locked."""

    name: str
    there: bytes | None
    made: bytes
    recorded: str | None
    comparable: bool

    def differences(self) -> Iterator[str]:
        if self.recorded and self.comparable and _digest(self.made) != self.recorded:
            yield f"{self.name}: made again here, it is not the file that was locked"
        if self.there is None or self.there == self.made or self._is_locked():
            return
        seen = visible_differences(self.name, self.there, self.made)
        if self.recorded or self.comparable:
            yield "\n".join([self._stranger(), *(seen or self._unseen())])
        elif seen:
            yield "\n".join([f"{self.name}: does not show what is made of it here", *seen])

    def notes(self) -> Iterator[str]:
        if self.there is None:
            yield f"{self.name}: not in the folder; the one made again was looked at"
        elif not self.comparable and self._is_locked():
            yield f"{self.name}: the file in the folder is the one that was locked"
        elif not self.comparable and self.there != self.made:
            yield f"{self.name}: its text was compared with one made here; drawings were not"

    def _is_locked(self) -> bool:
        return self.there is not None and _digest(self.there) == self.recorded

    def _stranger(self) -> str:
        if not self.recorded:
            return f"{self.name}: the file is not what is made of the report here"
        also = "" if self.comparable else " nor what this platform makes of the report"
        return f"{self.name}: the file in the folder is not the one that was locked{also}"

    def _unseen(self) -> Iterator[str]:
        """Say what differs where no text does: the place, and a PDF's platform."""
        there = self.there or b""
        pairs = zip(there, self.made, strict=False)
        shorter = min(len(there), len(self.made))
        first = next((i for i, (a, b) in enumerate(pairs) if a != b), shorter)
        yield f"  no word differs, a drawing may; first at byte {first + 1} of {len(there)}"
        if self.name.endswith(PDF):
            unequal = unequal_facts(self.name, *map(_bytes_of_lock, (there, self.made)))
            yield from (f"  it was made with {fact} {was}" for fact, (was, _) in unequal.items())


def visible_differences(name: str, there: bytes, made: bytes) -> list[str]:
    """Return what a reader may notice between two files of one page, drawings aside."""
    try:
        if name.endswith(PDF):
            found = [*_attached(there, made), *_worded(there, made), *_added(there, made)]
        else:
            lines = [_DATA.sub(_short, page.decode()).split("\n") for page in (made, there)]
            found = [part.partition("\n")[2] for part in text_differences(*lines)]
    except (ReportError, UnicodeDecodeError) as error:
        return [f"  {error}"]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [f"  {line}" for part in (*found[:_SHOWN], *more) for line in part.split("\n")]


def _short(data: re.Match[str]) -> str:
    """Return what stands for data inside a page: nothing for a drawing, a digest for a font."""
    digest = "" if data["kind"] == _DRAWING else _digest(data["content"].encode())[:12]
    return f"data:{data['kind']};{digest}"


def _attached(there: bytes, made: bytes) -> Iterator[str]:
    left, right = (_comparable_files(pdf) for pdf in (there, made))
    for name in sorted({*left, *right}):
        if name not in left or name not in right:
            yield f"its attachment {name!r} is {'missing' if name in right else 'a stranger'}"
        elif left[name] != right[name]:
            yield f"its attachment {name!r} is another than made here"


def _bytes_of_lock(pdf: bytes) -> dict[str, Any]:
    """Return the entry ``bytes`` of the lock in a PDF."""
    lock = attachments_of(pdf, file="the PDF")[locks.FILE]
    entry: dict[str, Any] = locks.parse_lock(lock, "the lock in it")["bytes"]
    return entry


def _comparable_files(pdf: bytes) -> dict[str, Any]:
    """Return the attachments of a PDF; of the lock, what does not depend on the platform."""
    files: dict[str, Any] = dict(attachments_of(pdf, file="the PDF"))
    if locks.FILE in files:
        files[locks.FILE] = {**locks.parse_lock(files[locks.FILE], "the lock in it"), "bytes": None}
    return files


def _worded(there: bytes, made: bytes) -> Iterator[str]:
    left, right = (words_of(pdf, file="the PDF") for pdf in (made, there))
    if "".join(left) == "".join(right):  # lines may break elsewhere, also inside a long word
        return
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            before, after = left[max(a - _AROUND, 0) : a], left[b : b + _AROUND]
            was, now = ([*before, *words, *after] for words in (left[a:b], right[c:d]))
            yield f"-… {' '.join(was)} …\n+… {' '.join(now)} …"


def _added(there: bytes, made: bytes) -> Iterator[str]:
    """Yield what was put on the pages beside their content, where more than words can be hidden."""
    for kind in sorted(laid_over(there, file="the PDF") - laid_over(made, file="the PDF")):
        yield f"annotations {kind} lie on its pages"
    # Elsewhere pages break elsewhere, and other sections stand at the head of one.
    titles = {w for w in words_of(made, file="the PDF") if not any(map(str.isdigit, w))}
    strange = margins_of(there, file="the PDF") - margins_of(made, file="the PDF") - titles
    if strange:
        yield f"its running heads and feet have the words {' '.join(sorted(strange))}"


def _check_without(
    check: PageCheck, name: str, there: bytes | None, recorded: str | None, *, reason: str
) -> None:
    """Judge a page that cannot be made here by its digest alone."""
    check.facts.append(f"{name}: cannot be made here: {reason.partition('. ')[0]}")
    if there is not None and recorded is not None:
        if _digest(there) == recorded:
            check.notes.append(f"{name}: the file in the folder is the one that was locked")
        else:
            check.found.append(f"{name}: the file in the folder is not the one that was locked")


def _other_figures(report: Report, recorded: list[str]) -> Iterator[str]:
    figures = list(figures_of(report.document))
    if len(figures) != len(recorded):
        yield f"figures: {len(recorded)} locked, {len(figures)} drawn"
        return
    for (name, figure), digest in zip(figures, recorded, strict=True):
        if _digest(figure.svg.encode()) != digest:
            yield f"{name}: the drawing is not the one that was locked"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
