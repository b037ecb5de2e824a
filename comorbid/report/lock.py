"""The lock: every number of a report in full precision, and how two locks are compared."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from comorbid.errors import Problem, ReportError

FILE = "results.json"
FORMAT = 1
# Recomputed on another machine a number may differ by rounding, never by this much.
RELATIVE, ABSOLUTE = 1e-9, 1e-12


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
    """Assemble a lock from input hashes, settings, results (origin and values) and software."""
    entries = {}
    for id_, (origin, values) in results.items():
        plain = as_json(values)
        entries[id_] = {"origin": origin, "values": plain, "sha256": _digest(plain)}
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


def dump_lock(lock: Mapping[str, Any]) -> bytes:
    """Return the bytes of a lock: sorted keys, floats in full precision, one value a line."""
    text = json.dumps(lock, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def read_lock(folder: Path) -> dict[str, Any]:
    """Read the lock of a report; `ReportError` if there is none or it is no lock."""
    path = folder / FILE
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "run comorbid build first"
        raise ReportError([Problem("no such file", remedy, file=str(path))]) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        remedy = "restore it or run comorbid build"
        raise ReportError([Problem(f"cannot be read: {error}", remedy, file=str(path))]) from error
    parts = {"format", "inputs", "settings", "results", "software"}
    if not isinstance(lock, dict) or set(lock) != parts or lock["format"] != FORMAT:
        remedy = "run comorbid build with this version"
        raise ReportError([Problem(f"is no lock of format {FORMAT}", remedy, file=str(path))])
    return lock


def compare(
    locked: object, recomputed: object, *, path: str = "", exact: bool = False
) -> Iterator[Difference]:
    """Yield every difference between two values as JSON holds them.

    Integers, text and structure must agree exactly; floats to 1e-9 relative (or 1e-12), or to the
    last digit when ``exact``.
    """
    if isinstance(locked, dict) and isinstance(recomputed, dict):
        for key in sorted(locked.keys() | recomputed.keys()):
            inner = f"{path}.{key}" if path else key
            yield from compare(locked.get(key), recomputed.get(key), path=inner, exact=exact)
    elif isinstance(locked, list) and isinstance(recomputed, list):
        for i in range(max(len(locked), len(recomputed))):
            left = locked[i] if i < len(locked) else None
            right = recomputed[i] if i < len(recomputed) else None
            yield from compare(left, right, path=f"{path}[{i}]", exact=exact)
    elif not _same(locked, recomputed, exact):
        yield Difference(path, locked, recomputed)


def edited_results(lock: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of results that were changed after the lock was written."""
    return tuple(
        id_
        for id_, entry in sorted(lock["results"].items())
        if entry.get("sha256") != _digest(entry.get("values"))
    )


def keep_unmoved(old: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the old lock if nothing moved, otherwise the new one.

    A number that differs by no more than rounding on another machine has not moved, and the
    software recorded is that of the run which last moved something.
    """
    if edited_results(old) or moved(old, new):
        return new
    return dict(old)


def moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two locks, the recorded software and digests aside."""
    return list(compare(_promised(old), _promised(new)))


def _promised(lock: Mapping[str, Any]) -> dict[str, Any]:
    results = {
        id_: {"origin": entry.get("origin"), "values": entry.get("values")}
        for id_, entry in lock["results"].items()
    }
    return {"inputs": lock["inputs"], "settings": lock["settings"], "results": results}


def _same(locked: object, recomputed: object, exact: bool) -> bool:
    if type(locked) is float or type(recomputed) is float:
        numbers = (int, float)
        if not isinstance(locked, numbers) or not isinstance(recomputed, numbers):
            return False
        if exact:
            return locked == recomputed
        return math.isclose(locked, recomputed, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(locked) is type(recomputed) and locked == recomputed


def _digest(values: object) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
