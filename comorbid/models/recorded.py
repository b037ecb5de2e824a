"""Recorded: results that say which fit they rest on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from comorbid.effects.arrays import Frozen


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Recorded(Frozen):
    """A result that records how the fit was made that it rests on.

    Attributes
    ----------
    measure, method, test : str
        How the fit was made.
    level : float
        Of its intervals, a proportion.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the fit.
    """

    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def made(self) -> dict[str, Any]:
        """Return how the fit was made as plain values."""
        values = {field.name: getattr(self, field.name) for field in fields(Recorded)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
