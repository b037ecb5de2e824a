"""Settings: what each group is pooled by, and which columns its effects come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comorbid.checks import is_text, shown
from comorbid.effects.escalc import check_inputs
from comorbid.effects.formula import Measure
from comorbid.effects.measures import find_measure
from comorbid.effects.reported import REPORTED_COLUMNS
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.compiled import Engine, available
from comorbid.models.estimators import Estimator
from comorbid.models.settings import check_settings, find_estimator
from comorbid.models.student import Test

_WEIGHTED = ("GENQ", "GENQM")
_WORTH_COMPILING = 200_000  # rows whose fits take longer than it takes to compile them


@dataclass(frozen=True, slots=True)
class Settings:
    """What the result of a group depends on, beside its rows; made by `settings_for`.

    Attributes
    ----------
    by : tuple of str
        The key columns.
    inputs : tuple of (str, str)
        What the effects come from, such as ``yi`` and ``vi``, and the name of its column.
    measure, source : Measure
        Of the effects, and what they are computed by: ``GEN`` where they are given as ``yi``.
    estimator : Estimator
        Of tau2.
    test : {"z", "t", "knha", "adhoc"}
        As in `pool`.
    level : float
        Of the intervals, a proportion.
    kernel : {"numpy", "compiled"}
        What computes the fits, chosen once a run: their last bits may differ.
    """

    by: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    measure: Measure
    source: Measure
    estimator: Estimator
    test: Test
    level: float
    kernel: Engine = "numpy"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read: the keys first."""
        return (*self.by, *(column for _, column in self.inputs))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {
            "by": list(self.by),
            "columns": dict(self.inputs),
            "measure": self.measure.id,
            "method": self.estimator.id,
            "test": self.test,
            "level": self.level,
            "kernel": self.kernel,
        }


def settings_for(
    names: Iterable[Any],
    *,
    by: Sequence[str] | str,
    columns: Mapping[str, str] | None = None,
    measure: str | Measure = "GEN",
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
    kernel: Engine = "numpy",
) -> Settings:
    """Return the settings for a table with columns of these names.

    Parameters are those of `pool_many`.

    Raises
    ------
    DataError
        If columns are missing, or two of them have the same name.
    ModelError
        If a setting is none of those allowed.

    Examples
    --------
    >>> settings_for(["drug", "logor", "vi"], by="drug", columns={"yi": "logor"}).inputs
    (('vi', 'vi'), ('yi', 'logor'))
    """
    chosen = find_measure(measure)
    estimator = find_estimator(method)
    if estimator.id in _WEIGHTED:
        raise ModelError(f"{estimator.id} needs weights of the analyst; choose another method")
    check_settings(test, level)
    known = tuple(name for name in names if isinstance(name, str))
    keys = _keys(by)
    renamed = _renamed(columns)
    problems = [
        *_missing("by", keys, known),
        *_missing("columns", renamed.values(), known),
        *[
            Problem(f"by names {name}, which the result has too", f"rename the column {name}")
            for name in keys
            if name in RESULT_COLUMNS
        ],
    ]
    if problems:
        raise DataError(problems)
    others = [name for name in known if name not in keys]
    source = find_measure("GEN") if "yi" in {*others, *renamed} else chosen
    inputs = _inputs(source, renamed, others)
    found = Settings(keys, inputs, chosen, source, estimator, test, level, kernel)
    twice = [name for name in dict.fromkeys(found.columns) if known.count(name) > 1]
    if twice:
        remedy = "rename all but one of them"
        raise DataError([Problem(f"the table has several columns {n}", remedy) for n in twice])
    return found


def kernel_for(rows: int) -> Engine:
    """Return what computes the fits of a table of so many rows: numba, if that is installed."""
    return "compiled" if rows >= _WORTH_COMPILING and available() else "numpy"


def _keys(by: Sequence[str] | str) -> tuple[str, ...]:
    given: Any = by
    listed = (given,) if isinstance(given, str) else given
    keys = tuple(listed) if isinstance(listed, Sequence) else ()
    if not keys or not all(map(is_text, keys)) or len(set(keys)) < len(keys):
        raise DataError([Problem(f"by is {shown(by)}", "name one or several columns, each once")])
    return keys


def _renamed(columns: Mapping[str, str] | None) -> dict[str, str]:
    if columns is None:
        return {}
    given: Any = columns
    if not (isinstance(given, Mapping) and all(map(is_text, given.values()))):
        remedy = "give names of columns, such as {'yi': 'log_or', 'vi': 'variance'}"
        raise DataError([Problem(f"columns is {shown(columns)}", remedy)])
    return {str(name): column for name, column in columns.items()}


def _missing(argument: str, names: Iterable[str], known: Sequence[str]) -> list[Problem]:
    there = ", ".join(known) or "none"
    return [
        Problem(f"{argument} names {name}, which the table lacks", f"its columns are {there}")
        for name in names
        if name not in known
    ]


def _inputs(
    source: Measure, renamed: Mapping[str, str], others: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Return what a measure is computed from, of columns named so and of those given.

    A printed estimate is for measures: effects that are there as ``yi`` are taken as they are.
    """
    read = {name for names in source.inputs for name in names}
    if source.id != "GEN" and "estimate" in {*others, *renamed}:
        read.update(REPORTED_COLUMNS)
    found = {name: name for name in others if name in read} | dict(renamed)
    check_inputs(source, list(found))
    return tuple(sorted(found.items()))


RESULT_COLUMNS = (
    *("k", "estimate", "se", "statistic", "p_value", "p_adjusted", "ci_low", "ci_high"),
    *("pi_low", "pi_high", "tau2", "i2", "h2", "q", "q_p", "loo_low", "loo_high"),
    *("loo_crosses_null", "missing", "flags", "reason"),
)
"""The columns of the result after the keys; ``p_adjusted`` where p-values are adjusted."""
