"""Parts: results of several parts, and what the core's own analyses read of a context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from comorbid.contributions import Context
from comorbid.errors import Problem, ProblemsError, ReportError
from comorbid.models.fit import Fit
from comorbid.models.views import plain


@dataclass(frozen=True, slots=True)
class Parts:
    """A result of several parts, by name: results, numbers and text."""

    parts: Mapping[str, Any]

    def to_dict(self) -> dict[str, object]:
        """Return each part as plain values."""
        return {
            name: {key: plain(value) for key, value in part.items()}
            if isinstance(part, Mapping)
            else plain(part)
            for name, part in self.parts.items()
        }


@contextmanager
def options_of(id_: str) -> Iterator[None]:
    """Say of every problem found inside that it is with the options of an analysis."""
    try:
        yield
    except ProblemsError as error:
        raise ReportError(
            [
                Problem(f"[analyses.{id_}]: {problem.message}", problem.remedy, file="report.toml")
                for problem in error.problems
            ]
        ) from error


def fit_of(context: Context) -> Fit:
    """Return the main pool."""
    return cast(Fit, context.results["pool"])


def parts_of(context: Context, name: str) -> Mapping[str, Any]:
    """Return the parts of a result."""
    return cast(Parts, context.results[name]).parts


def settings_of(context: Context) -> dict[str, Any]:
    """Return method, test and level of the report, as `pool` takes them."""
    return {name: getattr(context.settings, name) for name in ("method", "test", "level")}
