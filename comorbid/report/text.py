"""The text of a report as its reader sees it, line by line, and how two texts differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import takewhile

from comorbid.document.document import Document
from comorbid.report.render.markdown import render_markdown

_SECTION = "## "
# So much of a long line is shown on either side of what changed in it.
_AROUND = 60
_LONGEST = 600


def text_of(document: Document) -> list[str]:
    """Return the lines of a document: those of its Markdown.

    Examples
    --------
    >>> import datetime
    >>> text_of(Document("A report", datetime.date(2026, 1, 31), ()))
    ['# A report', '', '2026-01-31', '']
    """
    return render_markdown(document).decode().split("\n")


def text_differences(locked: Sequence[str], here: Sequence[str]) -> tuple[str, ...]:
    """Return each place where two texts differ, under the name of its section.

    Lines of the first begin with ``-``, those of the second with ``+``.

    Examples
    --------
    >>> print(*text_differences(["## Summary", "Six studies"], ["## Summary", "Six trials"]))
    Summary, line 2
    -Six studies
    +Six trials
    """
    matcher = difflib.SequenceMatcher(None, locked, here, autojunk=False)
    return tuple(
        "\n".join([_place(locked, a), *_lines(locked[a:b], here[c:d])])
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )


def _place(lines: Sequence[str], position: int) -> str:
    titles = [line for line in lines[: position + 1] if line.startswith(_SECTION)]
    section = titles[-1].removeprefix(_SECTION) if titles else "title"
    return f"{section}, line {position + 1}"


def _lines(locked: Sequence[str], here: Sequence[str]) -> Iterator[str]:
    if len(locked) == len(here):
        for pair in zip(locked, here, strict=True):
            was, now = _around_the_change(*pair)
            yield from (f"-{was}", f"+{now}")
    else:
        yield from (f"-{line}" for line in locked)
        yield from (f"+{line}" for line in here)


def _around_the_change(was: str, now: str) -> tuple[str, str]:
    """Cut from two lines what they share, but for some of it before and after the change."""
    before = _shared(was, now)
    after = _shared(was[before:][::-1], now[before:][::-1])
    left, right = max(before - _AROUND, 0), max(after - _AROUND, 0)

    def cut(line: str) -> str:
        part = line[left : len(line) - right]
        shown = part if len(part) <= _LONGEST else f"{part[:_LONGEST]} […]"
        return f"{'…' if left else ''}{shown}{'…' if right else ''}"

    return cut(was), cut(now)


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
