"""Arms: rows of events or means, one arm each, to contrasts."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import comorbid as cb
from comorbid_treatments.contrast_trials import Contrast
from comorbid_treatments.contrasts import assemble
from comorbid_treatments.networks import Network
from comorbid_treatments.problems import row_names, some, stop

if TYPE_CHECKING:
    import pandas as pd

_RATIOS = ("OR", "RR")
_MEASURES = {"events": ("OR", "RR", "RD"), "means": ("MD", "ROM")}
_ADDED = 0.5


@dataclass(frozen=True, slots=True)
class Arm:
    """One row: a treatment in a study, with its events, or its mean and SD, and its size."""

    row: str
    study: str
    treatment: str
    values: tuple[float, ...]


def network_from_arms(
    arms: pd.DataFrame,
    *,
    measure: str,
    reference: str | None = None,
    study: str = "study",
    treatment: str = "treatment",
    events: str | None = None,
    mean: str | None = None,
    sd: str | None = None,
    n: str = "n",
) -> Network:
    """Make a network from arms: a row says how many had an event, or the mean, in one arm.

    Every pair of arms of a trial becomes a contrast, computed as `comorbid.escalc` does. A
    trial that has an arm without events, or with nothing but events, gets 0.5 added to events and
    non-events of all its arms, so that its contrasts still add up. One without any event says
    nothing about a ratio, nor one with nothing but events about an odds ratio: it is left out.

    Parameters
    ----------
    arms : DataFrame
        One row an arm. Messages call it by its place in the index.
    measure : {"OR", "RR", "RD", "MD", "ROM"}
        Odds ratio, risk ratio or risk difference of ``events`` and ``n``; difference, or log
        ratio, of the means with ``mean``, ``sd`` and ``n``.
    reference : str, optional
        The treatment that others are compared with in tables; by default the first in the
        alphabet.
    study, treatment : str
        Names of the columns with the trial and the treatment.
    events, mean, sd, n : str
        Names of the columns with the number of people with the event; with mean and standard
        deviation; with the number of people.

    Returns
    -------
    Network

    Raises
    ------
    DataError
        With all problems at once: a missing column, an impossible number, a treatment twice in one
        study or in two spellings.
    ModelError
        If the measure is none of the five, or the columns for it were not named.

    Warns
    -----
    DataWarning
        If an arm without numbers, or a trial that says nothing, is left out, or 0.5 was added.

    References
    ----------
    Ruecker G, Schwarzer G (2014). Statistics in Medicine 33:4353-4369. doi:10.1002/sim.6236

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> arms = pd.DataFrame({
    ...     "study": ["1", "1", "1", "2", "2"], "treatment": ["A", "B", "C", "A", "B"],
    ...     "r": [12, 8, 15, 30, 21], "n": [100, 100, 100, 200, 200]})
    >>> net = ct.network_from_arms(arms, measure="OR", events="r", reference="A")
    >>> net.to_frame().loc[0, ["yi", "vi"]].astype(float).round(3).to_list()
    [-0.45, 0.231]
    """
    columns = _columns(measure, {"events": events, "mean": mean, "sd": sd, "n": n})
    rows, left_out = _read(arms, [study, treatment, *columns], measure)
    trials, notes = _usable(rows, measure)
    added = [label for label, several in trials.items() if _is_sparse(several, measure)]
    if added:
        notes.append(
            f"{cb.prose.listed(added)}: an arm without events, or with nothing but events; 0.5 was "
            "added to events and non-events of all arms"
        )
    for note in (*left_out, *notes):
        warnings.warn(note, cb.DataWarning, stacklevel=2)
    if not trials:
        raise cb.DataError("no trial has two arms with numbers that can be compared")
    plain = {label: several for label, several in trials.items() if label not in added}
    sparse = {label: trials[label] for label in added}
    contrasts = [*_contrasts(plain, measure, 0.0), *_contrasts(sparse, measure, _ADDED)]
    order = {label: i for i, label in enumerate(trials)}
    contrasts.sort(key=lambda contrast: order[contrast.study])
    return assemble(contrasts, measure=measure, reference=reference, notes=(*left_out, *notes))


def _columns(measure: str, named: Mapping[str, str | None]) -> list[str]:
    """Return the names of the columns that a measure needs."""
    need = {
        **dict.fromkeys(_MEASURES["events"], ("events", "n")),
        **dict.fromkeys(_MEASURES["means"], ("mean", "sd", "n")),
    }
    if measure not in need:
        raise cb.ModelError(f"arms give no measure {measure!r}; use one of {', '.join(need)}")
    missing = [key for key in need[measure] if named[key] is None]
    if missing:
        raise cb.ModelError(f"{measure} needs {' and '.join(missing)}; name the columns")
    return [str(named[key]) for key in need[measure]]


def _read(table: pd.DataFrame, names: Sequence[str], measure: str) -> tuple[list[Arm], list[str]]:
    """Return the arms, and notes on those that were left out because a number is missing."""
    have = ", ".join(map(str, table.columns))
    stop([f"no column {name!r}; the table has {have}" for name in names if name not in table])
    rows, problems, gaps = [], [], []
    cells = table[list(names)].itertuples(index=False, name=None)
    for row, (study, treatment, *values) in zip(row_names(table), cells, strict=True):
        where = f"{row} ({study})"
        if study != study or treatment != treatment or not f"{study}".strip():
            problems.append(f"{row}: no study or no treatment; give both")
            continue
        try:
            numbers = tuple(float(value) for value in values)
        except (TypeError, ValueError):
            problems.append(f"{where}: {values} are not all numbers; use nan for gaps")
            continue
        if any(number != number for number in numbers):
            gaps.append(f"{where}: the arm {treatment} lacks a number and is left out")
            continue
        problems += [f"{where}: {problem}" for problem in _impossible(numbers, measure)]
        rows.append(Arm(row, f"{study}".strip(), f"{treatment}".strip(), numbers))
    stop([*problems, *_repeated(rows)])
    return rows, gaps


def _impossible(numbers: tuple[float, ...], measure: str) -> list[str]:
    """Return what cannot be: events and n, or mean, SD and n."""
    n = numbers[-1]
    if math.inf in map(abs, numbers):
        return [
            f"{', '.join(f'{number:g}' for number in numbers)} are not all finite; use nan for gaps"
        ]
    if not n > 0:
        return [f"n is {n:g}; give the number of people in the arm"]
    if len(numbers) == 2 and not 0 <= numbers[0] <= n:
        return [f"{numbers[0]:g} events in {n:g} people; give a number from 0 to n"]
    if len(numbers) == 3 and not numbers[1] > 0:
        return [f"the SD is {numbers[1]:g}; give a number above 0"]
    if measure == "ROM" and not numbers[0] > 0:
        return [f"the mean is {numbers[0]:g}, and has no logarithm; use MD, or leave the trial out"]
    return []


def _repeated(rows: Sequence[Arm]) -> list[str]:
    seen: dict[tuple[str, str], list[str]] = {}
    for arm in rows:
        seen.setdefault((arm.study, arm.treatment), []).append(arm.row)
    return [
        f"{study}: {treatment} stands in {some(places)}; join the arms or name them apart"
        for (study, treatment), places in seen.items()
        if len(places) > 1
    ]


def _usable(rows: Sequence[Arm], measure: str) -> tuple[dict[str, list[Arm]], list[str]]:
    """Return the trials that compare something, and notes on the others."""
    trials: dict[str, list[Arm]] = {}
    for arm in rows:
        trials.setdefault(arm.study, []).append(arm)
    notes = []
    for label, several in list(trials.items()):
        if len(several) < 2:
            notes.append(f"{label}: one arm compares nothing; the trial is left out")
        elif measure in _RATIOS and all(arm.values[0] == 0 for arm in several):
            notes.append(f"{label}: no events in any arm; says nothing about a ratio, left out")
        elif measure == "OR" and all(arm.values[0] == arm.values[1] for arm in several):
            notes.append(f"{label}: nothing but events in every arm; left out")
        else:
            continue
        del trials[label]
    return trials, notes


def _is_sparse(arms: Sequence[Arm], measure: str) -> bool:
    """Say whether a cell of a trial's table is 0, as an arm without events has it."""
    if measure not in _MEASURES["events"]:
        return False
    return any(arm.values[0] in (0, arm.values[1]) for arm in arms)


def _contrasts(trials: Mapping[str, Sequence[Arm]], measure: str, add: float) -> list[Contrast]:
    """Return every pair of arms of the trials as a contrast."""
    pairs = [pair for arms in trials.values() for pair in itertools.combinations(arms, 2)]
    if not pairs:
        return []
    first, second = (np.array([arm.values for arm in side]).T for side in zip(*pairs, strict=True))
    counts = measure in _MEASURES["events"]
    names = "ai n1i ci n2i" if counts else "m1i sd1i n1i m2i sd2i n2i"
    inputs = dict(zip(names.split(), (*first, *second), strict=True))
    effects = cb.escalc(measure, add=add if counts else None, to="all" if add else "none", **inputs)
    return [
        Contrast(f"{a.row} and {b.row}", a.study, a.treatment, b.treatment, float(y), float(v))
        for (a, b), y, v in zip(pairs, effects.yi, effects.vi, strict=True)
    ]
