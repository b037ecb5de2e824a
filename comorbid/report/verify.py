"""Verification: does a report's lock still say what its data say? Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comorbid.calls import Calls, Progress, Step, no_step, silent
from comorbid.errors import VerificationError
from comorbid.registry import load_registry
from comorbid.report import lock as locks
from comorbid.report.definition import read_definition
from comorbid.report.files import file_hash
from comorbid.report.results import compute


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found, level by level; an empty level agrees.

    Attributes
    ----------
    inputs : tuple of str
        Input files that are not those the lock was computed from.
    numbers : tuple of str
        Locked numbers, settings or texts that a new computation does not give, and numbers that
        were edited after the lock was written.
    """

    inputs: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every level agrees."""
        return not (self.inputs or self.numbers)

    def summary(self) -> str:
        """Return one line a level, and below it what differs."""
        lines = []
        for level, found in (("inputs", self.inputs), ("numbers", self.numbers)):
            lines.append(f"{level}: {f'{len(found)} differ' if found else 'agree'}")
            lines += [f"  {entry}" for entry in found]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()

    def raise_if_different(self) -> None:
        """Raise `VerificationError` with every difference, if there is one."""
        if not self.agrees:
            raise VerificationError(self.summary())


def verify(
    folder: str | Path, *, progress: Progress = silent, step: Step = no_step
) -> Verification:
    """Compute a report's numbers again and compare them with its lock.

    Parameters
    ----------
    folder : path
        Holds ``report.toml``, the study table and ``results.json``.
    progress : callable, optional
        Gets one line of text a stage.
    step : callable, optional
        ``step(number, total, what)`` is called as each analysis begins.

    Returns
    -------
    Verification

    Raises
    ------
    ComorbidError
        If the numbers cannot be computed or the lock cannot be read.

    Examples
    --------
    A folder with the studies that come with the package:

    >>> import importlib.resources, pathlib, tempfile
    >>> import comorbid as cb
    >>> temporary = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(temporary.name)
    >>> data = importlib.resources.files("comorbid.studies") / "data/headache-back-pain"
    >>> _ = (folder / "studies.csv").write_bytes((data / "estimates.csv").read_bytes())
    >>> _ = (folder / "report.toml").write_text('''
    ... id = "example"
    ... title = "Headache and back pain"
    ... date = 2026-01-31
    ... data = "studies.csv"
    ... sections = ["methods", "forest"]
    ... ''')
    >>> _ = cb.build(folder).save()
    >>> cb.verify(folder)
    inputs: agree
    numbers: agree
    >>> temporary.cleanup()
    """
    definition = read_definition(folder)
    locked = locks.read_lock(definition.folder)
    hashes = {name: file_hash(definition.folder / name) for name in definition.inputs}
    inputs = tuple(str(entry) for entry in locks.compare(locked["inputs"], hashes, path="inputs"))
    progress(f"definition: {definition.id}")
    calls = Calls(progress, step=step)
    registry = load_registry(definition.plugins, calls)
    progress(f"plugins: {', '.join(entry.origin for entry in registry.distributions)}")
    recomputed = compute(definition, registry, calls).lock()
    return Verification(inputs, compare_numbers(locked, recomputed))


def compare_numbers(locked: dict[str, Any], recomputed: dict[str, Any]) -> tuple[str, ...]:
    """Return a line for every number, setting or text that moved or was edited."""
    fresh = dict(locks.leaves(recomputed["results"], "results"))
    moved = [d for d in locks.moved(locked, recomputed) if not d.path.startswith("inputs.")]
    edited = [
        locks.Difference(path, value, fresh.get(path))
        for path, value in locks.edited_values(locked).items()
    ]
    return tuple(dict.fromkeys(str(difference) for difference in (*moved, *edited)))
