"""Kept fits: the file in which a report keeps what a second engine made of its fits.

It is an input of the report. What it says is printed only while it is about the report's own
numbers: every fit in it is compared with that of the same name: effects, settings and values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from comorbid.engines import QUANTITIES, SecondEngine
from comorbid.errors import Problem, ReportError
from comorbid.report import lock as locks
from comorbid.report.second_engine import Refitted, Task, as_number, tasks_of

FORMAT = 1
RENEW = "make it with `comorbid build --second-engine`, which needs R and its package metafor"
_VERSION = re.compile(r"\d{1,9}([.-]\d{1,9}){0,4}")


def dump_fits(found: Refitted) -> bytes:
    """Return the bytes of the file; each effect stands in it once."""
    pairs = [pair for task in found.tasks for pair in zip(task.yi, task.vi, strict=True)]
    places = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    fits = [
        {
            "name": task.name,
            "effects": [places[pair] for pair in zip(task.yi, task.vi, strict=True)],
            **{key: getattr(task, key) for key in ("method", "test", "level")},
            "comorbid": task.locked,
            "metafor": again,
        }
        for task, again in zip(found.tasks, found.again, strict=True)
    ]
    effects = [{"yi": yi, "vi": vi} for yi, vi in places]
    versions = {"format": FORMAT, "r": found.r, "metafor": found.metafor}
    return locks.dump_lock(locks.as_json({**versions, "effects": effects, "fits": fits}))


def read_fits(path: Path) -> Refitted:
    """Read the file; `ReportError` if there is none or it holds something else."""
    try:
        return _parse(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise ReportError([Problem("no such file", RENEW, file=str(path))]) from error
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise ReportError([Problem(message, RENEW, file=str(path))]) from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        message = "does not hold the fits of a second engine"
        raise ReportError([Problem(message, RENEW, file=str(path))]) from error


def _parse(values: Any) -> Refitted:
    """Return what the values of the file stand for; some error if they are others."""
    if values["format"] != FORMAT:
        raise ValueError("another format")
    versions = [values["r"], values["metafor"]]
    if not all(_VERSION.fullmatch(version) for version in versions):
        raise ValueError("no version")
    effects = [(float(entry["yi"]), float(entry["vi"])) for entry in values["effects"]]
    tasks = [_task(entry, effects) for entry in values["fits"]]
    if len({task.name for task in tasks}) < len(tasks):
        raise ValueError("two fits of one name")
    again = [_numbers(entry["metafor"]) for entry in values["fits"]]
    return Refitted(versions[0], versions[1], tuple(tasks), tuple(again))


def _task(entry: Mapping[str, Any], effects: list[tuple[float, float]]) -> Task:
    own = [effects[place] for place in entry["effects"]]
    texts = (entry["name"], entry["method"], entry["test"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a name is no text")
    return Task(
        texts[0],
        tuple(yi for yi, _ in own),
        tuple(vi for _, vi in own),
        *texts[1:],
        float(entry["level"]),
        _numbers(entry["comorbid"]),
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: as_number(values[name]) for name in QUANTITIES}


def judge(kept: Refitted, results: Mapping[str, Mapping[str, Any]]) -> SecondEngine:
    """Compare what was kept with metafor's, and say which of it is not of these results.

    Numbers that differ by no more than rounding on another machine are the same, as in a lock.

    Parameters
    ----------
    kept : Refitted
    results : mapping of str to mapping
        What the lock stores of each result, by its id.
    """
    tasks, left_out = tasks_of({id_: {"values": values} for id_, values in results.items()})
    was, now = ({task.name: task for task in side} for side in (kept.tasks, tasks))
    outdated = [name for name in {**was, **now} if not _same(was.get(name), now.get(name))]
    return kept.compared(left_out=left_out, outdated=outdated)


def _same(was: Task | None, now: Task | None) -> bool:
    """Whether two fits are of the same effects, with the same settings and values."""
    if was is None or now is None or len(was.yi) != len(now.yi):
        return False
    left, right = (
        np.array([*task.yi, *task.vi, task.level, *(task.locked[name] for name in QUANTITIES)])
        for task in (was, now)
    )
    return (was.method, was.test) == (now.method, now.test) and bool(
        np.allclose(left, right, rtol=locks.RELATIVE, atol=locks.ABSOLUTE, equal_nan=True)
    )
