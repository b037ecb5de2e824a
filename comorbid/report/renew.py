"""Renewal: a second engine is asked about the fits of a report, and its answer kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from comorbid.calls import Calls, Progress, Step, no_step, silent
from comorbid.engines import SecondEngine
from comorbid.errors import Problem, ReportError
from comorbid.registry import load_registry
from comorbid.report.definition import FILE, read_definition
from comorbid.report.files import write_together
from comorbid.report.kept_fits import dump_fits, read_fits
from comorbid.report.results import compute
from comorbid.report.second_engine import refit, tasks_of

_REMEDY = "it is not written over: name another file, or delete it"


def renew(folder: str | Path, *, progress: Progress = silent, step: Step = no_step) -> SecondEngine:
    """Make the fits of a report again with R's metafor, and write them into its folder.

    Parameters
    ----------
    folder : path
        The report's folder; ``second_engine`` in its ``report.toml`` names the file.
    progress, step : callable, optional
        As for `build`.

    Returns
    -------
    SecondEngine

    Raises
    ------
    ComorbidError
        If the definition names no such file, the report cannot be computed, or R or metafor is
        not installed or fails.
    """
    definition = read_definition(folder)
    if not definition.second_engine:
        remedy = 'add second_engine = "second-engine.json"'
        message = "names no file for what the second engine gives"
        raise ReportError([Problem(message, remedy, file=str(definition.folder / FILE))])
    path = definition.folder / definition.second_engine
    _refuse_others(path)
    calls = Calls(progress, step=step)
    registry = load_registry(definition.plugins, calls)
    # The file that is to be written may not be there yet, or be about other numbers.
    computed = compute(replace(definition, second_engine=""), registry, calls)
    tasks, left_out = tasks_of(computed.lock()["results"])
    found = refit(tasks)
    write_together(path.parent, {path.name: dump_fits(found)})
    return found.compared(left_out=left_out)


def _refuse_others(path: Path) -> None:
    """Raise `ReportError` rather than write over a file that holds something else."""
    if path.exists():
        try:
            read_fits(path)
        except ReportError as error:
            problem = Problem(error.problems[0].message, _REMEDY, file=str(path))
            raise ReportError([problem]) from error
