"""Diff: two reports compared as a reader would, studies first, then what they come to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from comorbid.document import prose
from comorbid.report import lock as locks
from comorbid.report.changes import Change, Crossing, Move, StudyChange, Turn
from comorbid.report.fits_of_lock import FIELDS, LockedFit, locked_fits
from comorbid.report.snapshot import Snapshot, snapshot

_APART = ("overrides", "plugins", "sections")


@dataclass(frozen=True, slots=True)
class ReportDiff:
    """What differs between two reports; made by `diff`.

    Attributes
    ----------
    studies : tuple of StudyChange
    moves : tuple of Move
        Pooled numbers of fits that both reports have.
    crossings : tuple of Crossing
        Also of rows such as those of leave-one-out.
    turns : tuple of Turn
        Averages that changed sides, also where no interval crossed.
    settings, overrides, analyses, plugins, software : tuple of Change
        Overrides by the row they are about; of an analysis only whether there is one.
    values, lines : int
        How many locked values, and lines of the text, differ in all.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.ReportDiff(*[()] * 9, values=0, lines=0)
    no difference
    """

    studies: tuple[StudyChange, ...]
    moves: tuple[Move, ...]
    crossings: tuple[Crossing, ...]
    turns: tuple[Turn, ...]
    settings: tuple[Change, ...]
    overrides: tuple[Change, ...]
    analyses: tuple[Change, ...]
    plugins: tuple[Change, ...]
    software: tuple[Change, ...]
    values: int
    lines: int

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(getattr(self, name) for name in self.__slots__)

    def to_dict(self) -> dict[str, Any]:
        """Return every difference as plain values; of moves also by how much."""
        found = locks.as_json(asdict(self))
        for entry, move in zip(found["moves"], self.moves, strict=True):
            entry |= locks.as_json({"change": move.change, "relative": move.relative})
        return dict(found)

    def summary(self) -> str:
        """Return the differences as text, grouped."""
        if self.same:
            return "no difference"
        groups = {
            "studies": self.studies,
            "pooled numbers": self.moves,
            "intervals that crossed no association": self.crossings,
            "averages on the other side of no association": self.turns,
            "settings": self.settings,
            "overrides": self.overrides,
            "analyses": self.analyses,
            "plugins": self.plugins,
            "software": self.software,
        }
        lines: list[str] = []
        for name, entries in groups.items():
            if entries:
                lines += [f"{name}: {len(entries)}", *(f"  {entry}" for entry in entries)]
        values = prose.counted(self.values, "locked value differs", "locked values differ")
        text = prose.counted(self.lines, "line of the text", "lines of the text")
        return "\n".join([*lines, f"in all: {values}, {text}"])

    def __repr__(self) -> str:
        return self.summary()


def diff(old: str | Path, *, new: str | Path) -> ReportDiff:
    """Compare two reports as a reader would.

    Parameters
    ----------
    old, new : path
        A report's folder, its ``results.json``, or its PDF alone. Of a ``results.json`` alone the
        studies are those that were pooled, with their effects.

    Returns
    -------
    ReportDiff

    Raises
    ------
    ReportError
        If a lock is missing or cannot be read.
    DataError
        If a study table cannot be read.

    Examples
    --------
    >>> import importlib.resources, pathlib, tempfile
    >>> import comorbid as cb
    >>> temporary = tempfile.TemporaryDirectory()
    >>> data = importlib.resources.files("comorbid.studies") / "data/headache-back-pain"
    >>> rows = (data / "estimates.csv").read_text(encoding="utf-8")
    >>> for name, text in (("old", rows), ("new", rows.replace("0.8,8.0", "1.8,8.0"))):
    ...     folder = pathlib.Path(temporary.name) / name
    ...     folder.mkdir()
    ...     _ = (folder / "studies.csv").write_text(text, encoding="utf-8")
    ...     _ = (folder / "report.toml").write_text('''
    ... id = "example"
    ... title = "Headache and back pain"
    ... date = 2026-01-31
    ... data = "studies.csv"
    ... sections = ["forest"]
    ... formats = ["html"]
    ... ''')
    ...     _ = cb.build(folder).save()
    >>> found = cb.diff(folder.parent / "old", new=folder.parent / "new")
    >>> print(found.studies[0])
    ~ Sjolie 2002 (sjolie2002-1): ci_low 0.8 -> 1.8
    >>> print(found.moves[0])
    pool, average: 2.28 -> 2.29 (+0.00685, +0.3 %)
    >>> temporary.cleanup()
    """
    before, after = snapshot(Path(old)), snapshot(Path(new))
    if before.from_table != after.from_table:
        before, after = before.pooled(), after.pooled()
    left, right = locked_fits(before.lock["results"]), locked_fits(after.lock["results"])
    both = [(left[name], right[name]) for name in left if name in right]
    moved = locks.compare(_part(before, "results"), _part(after, "results"))
    return ReportDiff(
        studies=tuple(_studies(before.rows, after.rows)),
        moves=tuple(move for pair in both if not pair[0].is_row for move in _moves(*pair)),
        crossings=tuple(crossing for pair in both for crossing in _crossings(*pair)),
        turns=tuple(turn for pair in both for turn in _turns(*pair)),
        settings=tuple(_changes(_settings(before), _settings(after))),
        overrides=tuple(_changes(_overrides(before), _overrides(after))),
        analyses=tuple(_changes(_origins(before), _origins(after))),
        plugins=tuple(_changes(_plugins(before), _plugins(after))),
        software=tuple(_changes(before.lock["software"], after.lock["software"])),
        values=len(moved),
        lines=_other_lines(before.lock["document"]["lines"], after.lock["document"]["lines"]),
    )


def _part(report: Snapshot, name: str) -> dict[str, Any]:
    return {id_: entry["values"] for id_, entry in report.lock[name].items()}


def _studies(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> Iterator[StudyChange]:
    for id_ in dict.fromkeys([*old, *new]):
        before, after = old.get(id_), new.get(id_)
        label = (after or before or {}).get("label", id_)
        if before is None or after is None:
            yield StudyChange(id_, label, "added" if before is None else "removed", {})
            continue
        names = dict.fromkeys([*before, *after])
        cells = {name: (before.get(name, ""), after.get(name, "")) for name in names}
        edited = {name: pair for name, pair in cells.items() if pair[0] != pair[1]}
        if edited:
            yield StudyChange(id_, label, "edited", edited)


def _moves(old: LockedFit, new: LockedFit) -> Iterator[Move]:
    for name in FIELDS:
        before, after = old.values.get(name), new.values.get(name)
        if before is None and after is None:
            continue
        if before is None or after is None or not _close(before, after):
            yield Move(old.name, FIELDS[name], before, after)


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=locks.RELATIVE, abs_tol=locks.ABSOLUTE)


def _crossings(old: LockedFit, new: LockedFit) -> Iterator[Crossing]:
    null = new.null
    if null is None or old.null != null:
        return
    kinds: tuple[Literal["confidence", "prediction"], ...] = ("confidence", "prediction")
    for kind in kinds:
        before, after = old.interval(kind), new.interval(kind)
        if before is None or after is None:
            continue
        if (before[0] <= null <= before[1]) != (after[0] <= null <= after[1]):
            yield Crossing(old.name, kind, null, before, after)


def _turns(old: LockedFit, new: LockedFit) -> Iterator[Turn]:
    before, after, null = old.values.get("estimate"), new.values.get("estimate"), new.null
    if before is None or after is None or null is None or old.null != null:
        return
    if (before - null) * (after - null) < 0:
        ends = old.interval("confidence"), new.interval("confidence")
        yield Turn(old.name, null, before, after, *ends)


def _settings(report: Snapshot) -> dict[str, object]:
    settings = report.lock["settings"]
    others = {name: value for name, value in settings.items() if name not in _APART}
    return {**dict(locks.leaves(others)), "sections": ", ".join(settings.get("sections", []))}


def _overrides(report: Snapshot) -> dict[str, str]:
    decisions = report.lock["settings"].get("overrides", [])
    return {entry["estimate"]: f"{entry['use']} ({entry['reason']})" for entry in decisions}


def _origins(report: Snapshot) -> dict[str, str]:
    return dict.fromkeys(report.lock["results"], "there")


def _plugins(report: Snapshot) -> dict[str, str]:
    plugins = report.lock["settings"].get("plugins", [])
    return {name: version for name, _, version in (plugin.partition("@") for plugin in plugins)}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def _other_lines(old: list[str], new: list[str]) -> int:
    """Return how many lines of two texts are in one of them only."""
    before, after = Counter(old), Counter(new)
    return (before - after).total() + (after - before).total()
