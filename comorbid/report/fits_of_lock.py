"""Fits of a lock: the pooled values that stand in locked results, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FIELDS = {
    "estimate": "average",
    "ci_low": "confidence interval, low",
    "ci_high": "confidence interval, high",
    "pi_low": "prediction interval, low",
    "pi_high": "prediction interval, high",
    "k": "k",
    "tau2": "tau2",
    "i2": "I2",
}
"""What is said of a fit, by its name in the lock."""

_SCALED = tuple(FIELDS)[:5]


@dataclass(frozen=True, slots=True)
class LockedFit:
    """A pooled value as a lock holds it.

    Attributes
    ----------
    name : str
        Where it stands: ``pool``, ``migraine: rest``, ``leave-one-out: Swain 2014``.
    values : mapping of str to float
        By the names of `FIELDS`, averages and intervals on the printed scale; without what does
        not exist.
    null : float or None
        No association on the printed scale.
    is_row : bool
        Whether it is one of several fits of the same result.
    """

    name: str
    values: Mapping[str, float]
    null: float | None
    is_row: bool

    def interval(self, kind: Literal["confidence", "prediction"]) -> tuple[float, float] | None:
        """Return an interval, if there is one."""
        lead = "ci" if kind == "confidence" else "pi"
        low, high = self.values.get(f"{lead}_low"), self.values.get(f"{lead}_high")
        return None if low is None or high is None else (low, high)


def locked_fits(results: Mapping[str, Any]) -> dict[str, LockedFit]:
    """Return every pooled value in the results of a lock, by name."""
    found = (fit for id_, entry in results.items() for fit in _fits(id_, entry["values"]))
    return {fit.name: fit for fit in found}


def _fits(name: str, values: Any) -> Iterator[LockedFit]:
    """Yield the fits in a part of a result, from the outside inwards."""
    if not isinstance(values, Mapping):
        return
    scaled = values.get("on_scale")
    if isinstance(scaled, Mapping) and {"estimate", "ci_low", "ci_high"} <= set(scaled):
        columns = {key: (scaled if key in _SCALED else values).get(key) for key in FIELDS}
        labels = values.get("labels")
        if not isinstance(scaled["estimate"], list):
            yield LockedFit(name, _numbers(columns), scaled.get("null"), is_row=False)
        elif isinstance(labels, list) and len(labels) == len(scaled["estimate"]):
            for i, label in enumerate(labels):
                row = {k: c[i] for k, c in columns.items() if isinstance(c, list)}
                yield LockedFit(f"{name}: {label}", _numbers(row), scaled.get("null"), is_row=True)
    for key, part in values.items():
        if key != "on_scale":
            yield from _fits(f"{name}, {key}", part)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return those that are numbers; what is infinite is locked as text."""
    plain = {key: value for key, value in values.items() if not isinstance(value, bool)}
    infinite = {key: float(v) for key, v in plain.items() if v in ("inf", "-inf")}
    return {k: float(v) for k, v in plain.items() if isinstance(v, int | float)} | infinite
