"""How far the fits of a report are from those of another program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

QUANTITIES = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "tau2",
    "i2",
    "q",
    "q_p",
)
"""What is compared of a fit, by the names of the lock; analysis scale."""

TOLERANCE = 1e-6
"""What two engines may differ by, relatively."""


@dataclass(frozen=True, slots=True)
class SecondEngine:
    """How far the fits of a lock are from those of R's metafor; made by `second_engine`.

    Attributes
    ----------
    r, metafor : str
        Versions.
    fits : int
        How many were made again, each counted once in however many places a lock has it.
    left_out : tuple of str
        Fits that were not, with the reason.
    largest : mapping of str to (float, str)
        The largest relative difference of each quantity, and the fit that has it.
    outdated : tuple of str
        Fits that are others now than those that were made again, or are on one side only.
    """

    r: str
    metafor: str
    fits: int
    left_out: tuple[str, ...]
    largest: Mapping[str, tuple[float, str]]
    outdated: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether a fit was made again, none is outdated, and no difference is above 1e-6."""
        near = (difference <= TOLERANCE for difference, _ in self.largest.values())
        return self.fits > 0 and not self.outdated and all(near)

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many fits were left out, by reason."""
        return Counter(entry.rpartition(": ")[2] for entry in self.left_out)

    def summary(self) -> str:
        """Return the versions, a line a quantity, and a line a reason for fits left out."""
        fits = "1 fit" if self.fits == 1 else f"{self.fits} fits"
        verdict = "agree" if self.agrees else "differ" if self.fits else "made again"
        lines = [f"second engine: {fits} {verdict} (metafor {self.metafor}, R {self.r})"]
        lines += [
            f"  {name}: largest relative difference {difference:.1e} ({fit})"
            for name, (difference, fit) in self.largest.items()
        ]
        lines += [f"  not made again: {n}, {reason}" for reason, n in self.reasons.items()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()
