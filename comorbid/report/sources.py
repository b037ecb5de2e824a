"""Sources: the texts and the values that a section may print."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from comorbid.report.numerals import Numeral

_RUN = re.compile(r"\d+")
_NUMBERED = re.compile(r" \[\d+\]$")
_ROWS = "labels"
_GONE = "\N{OBJECT REPLACEMENT CHARACTER}"
_SCALED = "on_scale"
# What figures draw for a character that their font lacks.
_BOX = "\N{WHITE SQUARE}"


@dataclass(frozen=True, slots=True)
class Value:
    """A number that may be printed.

    Parameters
    ----------
    number : float
    records : frozenset of str
        Where it stands in a result: values that one record holds may be printed as an interval.
    rows : frozenset of str
        Names of the row that it belongs to, such as a study; empty for what belongs to none.
    name : str
        What the lock calls it, such as ``tau2``; empty for the cell of a table.
    """

    number: float
    records: frozenset[str]
    rows: frozenset[str] = frozenset()
    name: str = ""


class Source:
    """Texts and values of one origin, such as a result, to be looked up.

    Parameters
    ----------
    values : iterable of Value
    texts : iterable of str
        What may be quoted whole.
    """

    def __init__(self, values: Iterable[Value], texts: Iterable[str]) -> None:
        texts = {tidy(text) for text in texts}
        numbers = {text: found for text in texts if (found := _as_number(text)) is not None}
        said = [Value(number, frozenset({text})) for text, number in numbers.items()]
        self._values = sorted([*values, *said], key=lambda value: value.number)
        self._numbers = [value.number for value in self._values]
        self._found: dict[Hashable, tuple[Value, ...]] = {}
        self._texts: dict[str, list[str]] = {}
        for text in sorted(texts - set(numbers), key=lambda text: (-len(text), text)):
            if run := _RUN.search(text):
                self._texts.setdefault(run[0], []).append(text)
        self._whole = texts
        self.rows = frozenset(name for value in self._values for name in value.rows)
        self.names = frozenset(value.name for value in self._values)
        self.counts = frozenset(v.name for v in self._values if v.number.is_integer())

    def standing_for(self, numeral: Numeral) -> tuple[Value, ...]:
        """Return the values that a numeral can be the rounding of; sections print many twice."""
        kept = self._found.get(numeral.meaning)
        if kept is None:
            first = bisect_left(self._numbers, min(numeral.low, numeral.coarse_low))
            last = bisect_right(self._numbers, max(numeral.high, numeral.coarse_high))
            near = self._values[first:last]
            kept = tuple(value for value in near if numeral.stands_for(value.number))
            self._found[numeral.meaning] = kept
        return kept

    def texts_in(self, text: str) -> Iterator[str]:
        """Yield the texts that a tidy text may quote, the longest first."""
        runs = dict.fromkeys(_RUN.findall(text))
        found = [known for run in runs for known in self._texts.get(run, ()) if known in text]
        yield from sorted(found, key=len, reverse=True)

    def holds_part(self, text: str) -> bool:
        """Say whether a tidy text is a line of a longer one, or a longer one shortened."""
        if not any(char.isalpha() or char == _BOX for char in text):
            return False
        if "…" in text or _BOX in text:
            return any(shortens(text, whole) for whole in self._whole)
        return any(text in known and _find(known, text) >= 0 for known in self._whole)


class Readable:
    """Everything that a section may read, as one.

    Parameters
    ----------
    sources : sequence of Source
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.rows = frozenset[str]().union(*(source.rows for source in sources))
        self.names = frozenset[str]().union(*(source.names for source in sources))
        self.counts = frozenset[str]().union(*(source.counts for source in sources))

    def standing_for(self, numeral: Numeral) -> list[Value]:
        """Return the values that a numeral can be the rounding of."""
        return [value for source in self._sources for value in source.standing_for(numeral)]

    def rows_named(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the rows that tidy texts name, in full or shortened as figures do."""
        drawn = [text for text in texts if "…" in text or _BOX in text]
        found = {row for text in drawn for row in self.rows if shortens(text, row)}
        return self.rows & {*texts, *found}

    def without_texts(self, text: str, also: Iterable[str] = ()) -> str:
        """Return a tidy text with what it quotes whole blotted out."""
        quoted = [known for source in self._sources for known in source.texts_in(text)]
        for known in sorted([*quoted, *map(tidy, also)], key=len, reverse=True):
            while (at := _find(text, known)) >= 0:
                text = f"{text[:at]}{_GONE * len(known)}{text[at + len(known) :]}"
        return text

    def holds_part(self, text: str) -> bool:
        """Say whether a tidy text is a line of a longer one, or a longer one shortened."""
        return any(source.holds_part(text) for source in self._sources)


@lru_cache(maxsize=10_000)
def tidy(text: str) -> str:
    """Return a text in lower case, with single spaces and no shy ones, as texts are compared."""
    return " ".join(text.casefold().split())


def names(text: str, name: str) -> bool:
    """Say whether a tidy text holds a name as a whole."""
    return name in text and _find(text, name) >= 0


def shortens(text: str, whole: str) -> bool:
    """Say whether a text has the two ends of a whole one, and a number if others have the same.

    A box stands for a character that a figure cannot draw.

    Examples
    --------
    >>> [shortens(text, "ferguson & simes 1949") for text in ("fer…1949", "fer…1949 [2]", "…1948")]
    [True, True, False]
    """
    text = _NUMBERED.sub("", text)
    if _BOX in text:
        parts = (re.escape(part).replace(_BOX, ".{1,3}") for part in text.split("…"))
        return re.fullmatch(".*".join(parts), whole) is not None
    head, _, tail = text.partition("…")
    return whole.startswith(head) and whole.endswith(tail)


def bracketed(text: str) -> str:
    """Return what stands in the brackets that a text begins with, or nothing.

    Examples
    --------
    >>> bracketed(" (without Ashina 2018 (3)) to 2.40")
    'without Ashina 2018 (3)'
    """
    if not text.startswith(" ("):
        return ""
    depth = 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if i > 1 and not depth:
            return text[2:i]
    return ""


def _find(text: str, part: str) -> int:
    """Return where a part stands in a text as whole words and numbers, or -1."""
    before = r"(?<!\w)(?<!\d[.,])" if part[0].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if part[-1].isalnum() else ""
    found = re.search(f"{before}{re.escape(part)}{after}", text)
    return found.start() if found else -1


def _as_number(text: str) -> float | None:
    """Return the number that is all of a text, if it is one."""
    if not re.fullmatch(r"[-−]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(e[-+]?\d+)?", text):
        return None
    return float(text.replace(",", "").replace("−", "-"))


def source_of(value: Any, name: str) -> Source:
    """Return what a value as JSON holds it offers to be printed: a result, or facts."""
    found = list(_walk(value, Value(0.0, frozenset()), name))
    values = [entry for entry in found if isinstance(entry, Value)]
    return Source(values, [entry for entry in found if isinstance(entry, str)])


def _walk(value: Any, at: Value, path: str) -> Iterator[Value | str]:
    """Yield every text, and every number with what is known of its place."""
    if isinstance(value, dict):
        yield from _entries(value, at, path)
    elif isinstance(value, list):
        inside = replace(at, records=at.records | {path})
        for i, entry in enumerate(value):
            yield from _walk(entry, inside, f"{path}[{i}]")
    elif isinstance(value, str):
        yield value
        if value in ("inf", "-inf"):
            yield replace(at, number=float(value))
    elif _is_number(value):
        yield Value(float(value), at.records, at.rows, at.name)


def _entries(values: Mapping[str, Any], at: Value, path: str) -> Iterator[Value | str]:
    """Yield the numbers and texts of a dictionary; lists beside its labels are columns of rows."""
    labels = values[_ROWS] if _is_texts(values.get(_ROWS)) else ()
    scaled = values.get(_SCALED)
    shadowed = set(scaled) if isinstance(scaled, dict) else set()
    yield from values
    for key, entry in values.items():
        place = f"{path}.{key}"
        if key in shadowed:
            continue
        if key == _SCALED and isinstance(entry, dict):
            yield from _entries({**entry, **({"labels": labels} if labels else {})}, at, place)
        elif isinstance(entry, list):
            own = {place} | (at.records | {path} if len(entry) == 2 and not labels else set())
            for i, item in enumerate(entry):
                beside = len(labels) == len(entry) and key != _ROWS
                named = labels[i] if beside else None
                if isinstance(item, dict):
                    named = item.get("label")
                rows = at.rows | {tidy(named)} if isinstance(named, str) else at.rows
                records = frozenset(own | {f"{path}[{i}]"})
                yield from _walk(item, Value(0.0, records, rows, key), f"{place}[{i}]")
        else:
            yield from _walk(entry, Value(0.0, at.records | {path}, at.rows, key), place)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def rows_source(rows: Sequence[Mapping[Any, Any]], table: str, keys: Sequence[str] = ()) -> Source:
    """Return what a table that was read offers: the number of its rows, and its cells.

    A cell belongs to the row that the columns ``keys`` name.
    """
    found = [Value(float(len(rows)), frozenset({table}), name="rows")]
    texts: list[str] = []
    for i, row in enumerate(rows):
        named = frozenset(tidy(row[key]) for key in keys if isinstance(row.get(key), str))
        record = frozenset({f"{table}[{i}]"})
        for name, cell in row.items():
            if isinstance(cell, str):
                texts.append(cell)
                number = _as_number(tidy(cell))
            else:
                number = float(cell) if _is_number(cell) else None
            if number is not None:
                found.append(Value(number, record, named, str(name)))
    return Source(found, texts)
