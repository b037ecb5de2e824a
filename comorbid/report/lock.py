"""The lock: what a report says, number by number and line by line, and how two are compared.

Its parts: ``inputs`` (the sha256 of each file the report is computed from), ``settings``,
``results`` (every number in full precision), ``software``, ``document`` (the text a reader sees)
and ``bytes`` (the sha256 of each page and drawing, and the platform on which they hold).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeGuard

from comorbid.errors import Problem, ReportError

FILE = "results.json"
FORMAT = 2
# Recomputed on another machine a number may differ by rounding, never by this much.
RELATIVE, ABSOLUTE = 1e-9, 1e-12
# Each locked value has a mark of so many hexadecimal digits, so that an edit of its last digit,
# which is less than machines differ by, is seen and can be named.
_MARK = 8


class Printed(float):
    """A number as a lock prints it, digit by digit: two texts can stand for the same float."""

    text: str

    def __new__(cls, text: str) -> Printed:
        """Keep the text beside the number."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two locks differ; what one of them lacks is None.

    Examples
    --------
    >>> print(Difference("results.pool.values.k", 5, 6))
    results.pool.values.k: locked 5, recomputed 6
    """

    path: str
    locked: object
    recomputed: object

    def __str__(self) -> str:
        locked = "nothing" if self.locked is None else repr(self.locked)
        recomputed = "nothing" if self.recomputed is None else repr(self.recomputed)
        return f"{self.path}: locked {locked}, recomputed {recomputed}"


def make_lock(
    *,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    results: Mapping[str, tuple[str, Mapping[str, Any]]],
    software: Mapping[str, str],
) -> dict[str, Any]:
    """Assemble the numbers of a lock: input hashes, settings, results by origin, software."""
    entries = {}
    for id_, (origin, values) in results.items():
        plain = _plain(values, f"{origin}, result {id_!r}")
        seal = "".join(_mark(*leaf) for leaf in leaves(plain, f"results.{id_}.values"))
        entries[id_] = {"origin": origin, "values": plain, "seal": seal}
    return {
        "format": FORMAT,
        "inputs": dict(inputs),
        "settings": as_json(settings),
        "results": entries,
        "software": dict(software),
    }


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it: nan as null, infinity as text, tuples as lists.

    Examples
    --------
    >>> as_json({"a": (1, float("nan"), float("-inf"))})
    {'a': [1, None, '-inf']}
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be locked; use numbers, text and lists")


def _plain(values: Mapping[str, Any], where: str) -> Any:
    try:
        return as_json(values)
    except TypeError as error:
        raise ReportError([Problem(f"{where}: {error}", "tell the plugin's author")]) from error


def dump_lock(lock: Mapping[str, Any]) -> bytes:
    """Return the bytes of a lock: sorted keys, floats in full precision, one value a line."""
    text = json.dumps(lock, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def read_lock(folder: Path) -> dict[str, Any]:
    """Read the lock of a report; `ReportError` if there is none or it is no lock."""
    path = folder / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        remedy = "run comorbid build first"
        raise ReportError([Problem("no such file", remedy, file=str(path))]) from error
    except OSError as error:
        remedy = "restore it or run comorbid build"
        raise ReportError([Problem(f"cannot be read: {error}", remedy, file=str(path))]) from error
    return parse_lock(content, str(path))


def parse_lock(content: bytes, file: str) -> dict[str, Any]:
    """Return the lock that a file holds; `ReportError`, with its name, if it is no lock."""
    try:
        lock: dict[str, Any] = json.loads(
            content.decode(), parse_float=Printed, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:  # no text, no JSON, or made to be unreadable
        remedy = "restore it or run comorbid build"
        raise ReportError([Problem(f"cannot be read: {error}", remedy, file=file)]) from error
    if not _is_lock(lock):
        remedy = "run comorbid build with this version"
        raise ReportError([Problem(f"is no lock of format {FORMAT}", remedy, file=file)])
    return lock


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name given twice: a person reads the first value, and a computer the last."""
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise ValueError(f"{name!r} stands twice in one place")
        entries[name] = value
    return entries


def _is_lock(lock: object) -> bool:
    if not _has(lock, "format", "inputs", "settings", "results", "software", "document", "bytes"):
        return False
    return (
        lock["format"] == FORMAT
        and _maps_text(lock["inputs"])
        and isinstance(lock["settings"], dict)
        and _is_text_list(lock["settings"].get("plugins", []))
        and isinstance(lock["results"], dict)
        and all(_has(entry, "origin", "values", "seal") for entry in lock["results"].values())
        and _maps_text(lock["software"])
        and _has(lock["document"], "lines", "sha256")
        and _is_text_list(lock["document"]["lines"])
        and _has(lock["bytes"], "files", "figures", "platform")
        and _maps_text(lock["bytes"]["files"])
        and _is_text_list(lock["bytes"]["figures"])
        and _has(lock["bytes"]["platform"], "pages", "pdf")
        and all(map(_maps_text, lock["bytes"]["platform"].values()))
    )


def _has(value: object, *keys: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and set(value) == set(keys)


def _maps_text(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def compare(locked: object, recomputed: object, *, path: str = "") -> list[Difference]:
    """Return every difference between two values as JSON holds them.

    Integers, text and structure must agree exactly; floats to 1e-9 relative, or 1e-12.
    """
    left, right = dict(leaves(locked, path)), dict(leaves(recomputed, path))
    return [
        Difference(place, left.get(place), right.get(place))
        for place in dict.fromkeys([*left, *right])
        if place not in left or place not in right or not _same(left[place], right[place])
    ]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield path and value of everything inside that is no list or dictionary, or an empty one.

    Examples
    --------
    >>> list(leaves({"a": [1, {"b": "x"}], "c": []}))
    [('a[0]', 1), ('a[1].b', 'x'), ('c', [])]
    """
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from leaves(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for i, entry in enumerate(value):
            yield from leaves(entry, f"{path}[{i}]")
    else:
        yield path, value


def edited_values(lock: Mapping[str, Any]) -> dict[str, object]:
    """Return path and value of whatever was changed in the results after the lock was written."""
    edited: dict[str, object] = {}
    for id_, entry in sorted(lock["results"].items()):
        found = list(leaves(entry["values"], f"results.{id_}.values"))
        seal = str(entry["seal"])
        marks = [seal[i : i + _MARK] for i in range(0, len(seal), _MARK)]
        if len(marks) != len(found):
            edited[f"results.{id_}.seal"] = f"{len(marks)} marks for {len(found)} values"
            continue
        edited |= {p: v for (p, v), mark in zip(found, marks, strict=True) if _mark(p, v) != mark}
    return edited


def keep_unmoved(old: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of the old lock if none moved, otherwise those of the new one.

    A number that differs by no more than rounding on another machine has not moved, and the
    software recorded is that of the run which last moved one.
    """
    if old is None or edited_values(old) or moved(old, new):
        return new
    return {part: old[part] for part in new}


def as_document(lines: Sequence[str]) -> dict[str, Any]:
    """Return the entry ``document`` of a lock for the lines that a reader sees."""
    return {"lines": list(lines), "sha256": sha256("\n".join(lines).encode()).hexdigest()}


def text_is_edited(lock: Mapping[str, Any]) -> bool:
    """Whether the text in a lock was changed after it was written."""
    return bool(lock["document"] != as_document(lock["document"]["lines"]))


def moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between the inputs, settings and results of two locks."""
    return compare(_promised(old), _promised(new))


def _promised(lock: Mapping[str, Any]) -> dict[str, Any]:
    results = {
        id_: {"origin": entry["origin"], "values": entry["values"]}
        for id_, entry in lock["results"].items()
    }
    return {"inputs": lock["inputs"], "settings": lock["settings"], "results": results}


def _same(locked: object, recomputed: object) -> bool:
    if isinstance(locked, float) or isinstance(recomputed, float):
        numbers = (int, float)
        if not isinstance(locked, numbers) or not isinstance(recomputed, numbers):
            return False
        return math.isclose(locked, recomputed, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(locked) is type(recomputed) and locked == recomputed


def _mark(path: str, value: object) -> str:
    """Return a short digest of one value in its place."""
    return sha256(f"{path}={value!r}".encode()).hexdigest()[:_MARK]
