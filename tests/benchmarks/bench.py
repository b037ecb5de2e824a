"""A work measured on all sides, with results compared before figures are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from r_side import Control, Found, Metafor
from table import Report, Row, Target
from timing import clocked, in_turn

Array = npt.NDArray[np.float64]
Check = Callable[[Found], Mapping[str, Array | float]]
Theirs = Callable[[Control], Found]

TOLERANCE = 1e-7
"""What ours may differ by, absolutely, from metafor where it steps on until 1e-12."""
DEFAULT = 1e-4
"""And from metafor's defaults in estimate and tau2: it stops when tau2 moves by less than 1e-5 in a
step. I2 may differ by more, where variances are small beside that."""


@dataclass(frozen=True, slots=True)
class Work:
    """A work and how each side does it.

    Attributes
    ----------
    name : str
    ours : callable
        Does it by NumPy alone.
    compiled : callable, optional
        Does it with numba.
    theirs : callable, optional
        Does it, or a sample of it, with metafor and the stopping rule it is told.
    check : callable, optional
        Returns ours of the columns that metafor found.
    sample : float
        How many times the sample goes into the work.
    pymare : callable, optional
        Does it with PyMARE.
    runs : int
        How often each side is run.
    least, goal : Target
        What is to be reached.
    said : str
        What the two sides compute.
    """

    name: str
    ours: Callable[[], object]
    compiled: Callable[[], object] | None = None
    theirs: Theirs | None = None
    check: Check | None = None
    sample: float = 1.0
    pymare: Callable[[], object] | None = None
    runs: int = 5
    least: Target = field(default_factory=Target)
    goal: Target = field(default_factory=Target)
    said: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where figures go, and R, if it is here."""

    report: Report
    r: Metafor | None

    def measure(self, work: Work) -> float:
        """Compare results with metafor's, time all sides in turn, and return our seconds."""
        theirs = work.theirs if self.r is not None else None
        if theirs is not None:
            said = [f"{work.name}: {work.said}"]
            said += [] if work.check is None else [agreement(work.check, theirs)]
            self.report.notes.append("; ".join(said))
        sides = {"ours": clocked(work.ours)}
        if work.compiled is not None:
            sides["compiled"] = clocked(work.compiled)
        if work.pymare is not None:
            sides["pymare"] = clocked(work.pymare)
        if theirs is not None:
            sides["metafor"] = lambda: theirs("default").seconds * work.sample
        seconds = in_turn(sides, work.runs)
        ours = seconds.pop("ours")
        targets = {"least": work.least, "goal": work.goal}
        self.report.rows.append(Row(work.name, ours, scaled=work.sample != 1, **seconds, **targets))
        return ours


def agreement(check: Check, theirs: Theirs) -> str:
    """Assert that our results are metafor's; return how many were compared, and how near they are.

    Where metafor gives none, as where it does not converge, there is nothing to compare.
    """
    exact, default = theirs("exact"), theirs("default")
    ours = check(exact)
    assert ours
    drift = 0.0
    for name, values in ours.items():
        values, found = np.atleast_1d(values), exact.columns[name]
        given = ~np.isnan(found)
        assert given.mean() > 0.9
        np.testing.assert_allclose(
            values[given], found[given], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )
        first = default.columns[name]
        if name in ("estimate", "tau2"):
            drift = max(drift, float(np.nanmax(np.abs(values - first))))
    assert drift < DEFAULT
    compared, failed = found.size, int(np.isnan(first).sum())
    return (
        f"{', '.join(ours)} the same as metafor's in {compared}, to {TOLERANCE:g} where its tau2"
        f" steps until 1e-12, and to {drift:.1g} with its own stopping rule"
        + (f", by which {failed} did not converge" if failed else "")
    )
