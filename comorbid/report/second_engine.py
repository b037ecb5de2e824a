"""A second engine: the fits of a lock made again by R's metafor, where R is installed."""

from __future__ import annotations

import csv
import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comorbid.engines import QUANTITIES, SecondEngine
from comorbid.errors import Problem, VerificationError

_SECONDS = 600
_NO_METAFOR = 3
_METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
# metafor stops at a step of 1e-5 by default, which is not yet the root. Its search for the maximum
# of a likelihood can also end at a lower one, or at 0: it is begun from a second place, and the
# higher is taken.
_CONTROL = "list(threshold = 1e-14, maxiter = 1e5, tol = 1e-14)"
_SCRIPT = f"""
arguments <- commandArgs(trailingOnly = TRUE)
if (!requireNamespace("metafor", quietly = TRUE)) quit(status = {_NO_METAFOR})
data <- read.csv(arguments[1], colClasses = c("integer", "numeric", "numeric", "character",
                                              "character", "numeric"))
refit <- function(rows) {{
  one <- rows[1, ]
  from <- function(...) try(silent = TRUE, metafor::rma(
    rows$yi, rows$vi, method = one$method, test = one$test, level = 100 * one$level,
    control = c({_CONTROL}, list(...))))
  fits <- list(from())
  if (one$method %in% c("ML", "REML")) {{
    start <- metafor::rma(rows$yi, rows$vi, method = "PM", control = {_CONTROL})$tau2
    fits <- c(fits, list(from(tau2.init = start)))
  }}
  fits <- Filter(function(fit) inherits(fit, "rma"), fits)
  if (length(fits) == 0) stop("metafor gives no fit of number ", one$fit)
  fit <- fits[[which.max(vapply(fits, function(fit) as.numeric(logLik(fit)), 0))]]
  new <- predict(fit)
  ends <- if (is.null(new$pi.lb)) c(NA, NA) else c(new$pi.lb, new$pi.ub)
  values <- c(fit$beta[1], fit$se, fit$ci.lb, fit$ci.ub, ends, fit$tau2, fit$I2, fit$QE, fit$QEp)
  paste(c(one$fit, sprintf("%.17g", values)), collapse = ",")
}}
versions <- paste(R.version$major, R.version$minor, sep = ".")
versions <- paste(versions, packageDescription("metafor", fields = "Version"), sep = ",")
lines <- vapply(split(data, data$fit), refit, "")
writeLines(c(versions, lines), arguments[2])
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A fit of a lock that another engine can make again.

    Attributes
    ----------
    name : str
        Where it stands in the lock.
    yi, vi : tuple of float
    method, test : str
    level : float
    locked : mapping of str to float
        By `QUANTITIES`; nan for what does not exist.
    """

    name: str
    yi: tuple[float, ...]
    vi: tuple[float, ...]
    method: str
    test: str
    level: float
    locked: Mapping[str, float]

    @property
    def made_of(self) -> tuple[object, ...]:
        """Its effects in any order, and its settings: a lock may hold a fit in several places."""
        effects = tuple(sorted(zip(self.yi, self.vi, strict=True)))
        return effects, self.method, self.test, self.level


@dataclass(frozen=True, slots=True)
class Refitted:
    """Fits of a lock with what R's metafor makes of them; made by `refit`.

    Attributes
    ----------
    r, metafor : str
        Versions.
    tasks : tuple of Task
        The fits, as they are locked.
    again : tuple of mapping
        What metafor gives for each, by `QUANTITIES`.
    """

    r: str
    metafor: str
    tasks: tuple[Task, ...]
    again: tuple[Mapping[str, float], ...]

    def compared(self, *, left_out: Sequence[str], outdated: Sequence[str] = ()) -> SecondEngine:
        """Return how far the two are from each other."""
        largest = compare(self.tasks, self.again)
        fits = len({task.made_of for task in self.tasks})
        return SecondEngine(self.r, self.metafor, fits, tuple(left_out), largest, tuple(outdated))


def second_engine(lock: Mapping[str, Any]) -> SecondEngine:
    """Make the fits of a lock again with R's metafor, and compare.

    Parameters
    ----------
    lock : mapping
        What ``results.json`` holds. Its pooled effects, subgroups, leave-one-out and cumulative
        rows of two studies or more are made again from their effects and settings, with metafor's
        ``control = list(threshold = 1e-14, maxiter = 1e5, tol = 1e-14)``, so that it stops at the
        root. ML and REML are begun from its own start and from the tau2 of PM, and the higher
        likelihood is taken.

    Returns
    -------
    SecondEngine

    Raises
    ------
    VerificationError
        If R or metafor is not installed, or R fails.
    """
    tasks, left_out = tasks_of(lock["results"])
    return refit(tasks).compared(left_out=left_out)


def refit(tasks: Sequence[Task]) -> Refitted:
    """Make fits again with R's metafor; `VerificationError` if it is not there, or fails."""
    versions, again = _run(tasks)
    return Refitted(*versions, tuple(tasks), tuple(again))


def tasks_of(results: Mapping[str, Any]) -> tuple[list[Task], tuple[str, ...]]:
    """Return the fits that can be made again, and the names of those that cannot, with reasons."""
    tasks: list[Task] = []
    left_out: list[str] = []
    pool = results.get("pool", {}).get("values", {})
    for id_, result in results.items():
        for name, values in _fits(id_, result["values"], pool):
            reason = _why_not(values)
            if reason:
                left_out.append(f"{name}: {reason}")
            else:
                tasks.append(_task(name, values))
    return tasks, tuple(left_out)


def _fits(name: str, values: Any, pool: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fits in a part of a result, each with its effects as far as they are known."""
    if not isinstance(values, Mapping):
        return
    if {"method", "test", "level", *QUANTITIES} <= set(values):
        if isinstance(values["estimate"], list):
            yield from _rows(name, values, pool)
        elif {"yi", "vi"} <= set(values):
            yield name, dict(values)
    for key, part in values.items():
        yield from _fits(f"{name}, {key}", part, pool)


def _rows(
    name: str, values: Mapping[str, Any], pool: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of several fits, with their effects where the lock says which these are."""
    of, members = _members(values, pool)
    set_ = {key: of[key] for key in ("tau2_fixed", "user_weights") if key in of}
    settings = {key: values[key] for key in ("method", "test", "level")}
    for i, (label, kept) in enumerate(zip(values["labels"], members, strict=True)):
        effects = {
            key: [x for x, is_in in zip(of.get(key, ()), kept, strict=True) if is_in]
            for key in ("yi", "vi")
        }
        fitted = {key: values[key][i] for key in QUANTITIES}
        yield f"{name}: {label}", {**settings, **set_, **effects, **fitted, "known": bool(of)}


def _members(
    values: Mapping[str, Any], pool: Mapping[str, Any]
) -> tuple[Mapping[str, Any], list[list[bool]]]:
    """Return the fit whose studies rows are made of, and which of these each row has."""
    labels, studies = values["labels"], pool.get("labels", [])
    if "groups" in values:
        groups = values["groups"]
        return values["together"], [[group == label for group in groups] for label in labels]
    if sorted(studies) == sorted(labels) and values.get("kind") == "leave-one-out":
        return pool, [[study != label for study in studies] for label in labels]
    if sorted(studies) == sorted(labels) and values.get("kind") == "cumulative":
        added = (labels[: i + 1] for i in range(len(labels)))
        return pool, [[study in so_far for study in studies] for so_far in added]
    return {}, [[] for _ in labels]


def _why_not(values: Mapping[str, Any]) -> str:
    """Return why a fit is not made again, or nothing."""
    if not values.get("known", True):
        return "effects not in the lock"
    if len(values["yi"]) < 2:
        return "one study"
    if "tau2_fixed" in values or "user_weights" in values:
        return "tau2 or weights are the analyst's"
    if values["method"] not in _METHODS:
        return f"the estimator {values['method']} is not metafor's"
    return ""


def _task(name: str, values: Mapping[str, Any]) -> Task:
    locked = {key: as_number(values[key]) for key in QUANTITIES}
    yi, vi = (tuple(map(float, values[key])) for key in ("yi", "vi"))
    return Task(name, yi, vi, values["method"], values["test"], float(values["level"]), locked)


def as_number(value: object) -> float:
    """Return a number as a lock holds it: nan as null, infinity as text."""
    return math.nan if value is None else float(str(value))


def compare(
    tasks: Sequence[Task], again: Sequence[Mapping[str, float]]
) -> dict[str, tuple[float, str]]:
    """Return the largest relative difference of each quantity, and the fit that has it.

    Averages and ends of intervals are compared relative to themselves or the standard error,
    whichever is larger, tau2 to itself or the squared standard error: they may be 0.
    """
    largest: dict[str, tuple[float, str]] = {}
    for task, found in zip(tasks, again, strict=True):
        for name in QUANTITIES:
            ours, theirs = task.locked[name], found[name]
            if math.isnan(ours) and math.isnan(theirs):
                continue
            difference = _relative(ours, theirs, _least(name, task.locked["se"]))
            if name not in largest or difference > largest[name][0]:
                largest[name] = difference, task.name
    return largest


def _least(name: str, se: float) -> float:
    """Return what a difference is relative to at the least."""
    if name == "tau2":
        return se**2
    return se if name.startswith(("estimate", "ci", "pi")) else 0.0


def _relative(ours: float, theirs: float, least: float) -> float:
    if math.isnan(ours) or math.isnan(theirs):
        return math.inf
    if ours == theirs:
        return 0.0
    return abs(ours - theirs) / max(abs(ours), abs(theirs), least)


def _run(tasks: Sequence[Task]) -> tuple[tuple[str, str], list[dict[str, float]]]:
    """Return the versions of R and metafor, and what they make of each task."""
    command = shutil.which("Rscript")
    if command is None:
        remedy = "install R and its package metafor, or verify without the second engine"
        raise VerificationError([Problem("no Rscript on the path: there is no R here", remedy)])
    with tempfile.TemporaryDirectory() as temporary:
        script, data, found = (Path(temporary) / name for name in ("fits.R", "in.csv", "out.csv"))
        script.write_text(_SCRIPT, encoding="utf-8")
        _write(data, tasks)
        # A fixed script; what is to be fitted is data in a file, and no part of it.
        done = subprocess.run(  # noqa: S603
            [command, "--vanilla", str(script), str(data), str(found)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode == _NO_METAFOR:
            remedy = "install it with install.packages('metafor')"
            raise VerificationError([Problem("R has no package metafor", remedy)])
        if done.returncode:
            raise VerificationError([Problem(f"R fails: {done.stderr.strip()[-500:]}")])
        return read_answer(found.read_text(encoding="utf-8"), len(tasks))


def _write(path: Path, tasks: Sequence[Task]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("fit", "yi", "vi", "method", "test", "level"))
        for number, task in enumerate(tasks):
            for yi, vi in zip(task.yi, task.vi, strict=True):
                writer.writerow((number, repr(yi), repr(vi), task.method, task.test, task.level))


def read_answer(text: str, number: int) -> tuple[tuple[str, str], list[dict[str, float]]]:
    """Return versions and fits from what R wrote; `VerificationError` if it is something else."""
    try:
        versions, *rows = csv.reader(text.splitlines())
        r, metafor = versions
        fits = {int(row[0]): [_answer(cell) for cell in row[1:]] for row in rows}
        again = [dict(zip(QUANTITIES, fits[i], strict=True)) for i in range(number)]
    except (ValueError, KeyError) as error:
        raise VerificationError([Problem(f"R's answer cannot be read: {error}")]) from error
    return (r, metafor), again


def _answer(cell: str) -> float:
    return math.nan if cell in ("NA", "NaN") else float(cell)
