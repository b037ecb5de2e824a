"""What moved since the last lock, in words: the pooled numbers first, and not every one of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from comorbid.report.lock import Difference

_SHOWN = 20
_POOL = "results.pool.values."
# What a reader looks for first, in this order.
_FIRST = ("k", "estimate", "ci", "pi", "tau2", "i2")


def describe_moves(moved: Sequence[Difference]) -> Iterator[str]:
    r"""Yield lines that say what moved: a count, then each as name, old and new value.

    Examples
    --------
    >>> moved = [
    ...     Difference("results.migraine.values.k", 4, 5),
    ...     Difference("results.pool.values.estimate", 0.83, 0.79),
    ... ]
    >>> print(*describe_moves(moved), sep="\n")
    moved: 2 values of the last lock
      pool, estimate: 0.83 -> 0.79
      migraine, k: 4 -> 5
    """
    if not moved:
        return
    yield f"moved: {len(moved)} {'value' if len(moved) == 1 else 'values'} of the last lock"
    ordered = sorted(moved, key=_rank)
    for difference in ordered[:_SHOWN]:
        shown = 12 if difference.path.startswith("inputs.") else 60  # a digest, or a value
        old, new = _shown(difference.locked, shown), _shown(difference.recomputed, shown)
        yield f"  {_name(difference.path)}: {old} -> {new}"
    rest = Counter(_owner(difference.path) for difference in ordered[_SHOWN:])
    if rest:
        counts = ", ".join(f"{name} {times}" for name, times in rest.items())
        yield f"  and {rest.total()} more: {counts}"


def _rank(difference: Difference) -> tuple[int, int]:
    """Sort the pool first, then inputs and settings, then the other results as they come."""
    path = difference.path
    if path.startswith(_POOL):
        field = path.removeprefix(_POOL).partition("[")[0]
        return 0, _FIRST.index(field) if field in _FIRST else len(_FIRST)
    return (2 if path.startswith("results.") else 1), 0


def _owner(path: str) -> str:
    parts = path.split(".")
    return parts[1] if parts[0] == "results" else parts[0]


def _name(path: str) -> str:
    kind, _, rest = path.partition(".")
    if kind == "results":
        owner, _, value = rest.partition(".")
        return f"{owner}, {value.removeprefix('values.')}"
    return f"{kind}, {rest}"


def _shown(value: object, width: int) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= width else f"{text[:width]}…"
