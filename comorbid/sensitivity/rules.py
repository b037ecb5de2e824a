"""Rules: which rows an analyst lets into a pool, as columns and the values that belong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from comorbid.checks import is_text, shown
from comorbid.effects.arrays import Mask
from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    import pandas as pd

Rules = Mapping[str, Mapping[str, Sequence[str]]]


def checked_rules(rules: object, *, taken: Collection[str]) -> Rules:
    """Return the rules, read-only; raise `DataError` if one is none or its name is taken."""
    remedy = 'give names and values, such as {"adults only": {"population": ["adults"]}}'
    if not isinstance(rules, Mapping):
        raise DataError([Problem(f"rules is {shown(rules)}", remedy)])
    problems = [
        Problem(f"rule {shown(name)} is {shown(where)}", remedy)
        for name, where in rules.items()
        if not (is_text(name) and isinstance(where, Mapping) and where)
        or not all(isinstance(values, str | Sequence) for values in where.values())
    ]
    problems += [
        Problem(f"a rule is named {name}, as a column of the result is", "name it otherwise")
        for name in rules
        if name in taken
    ]
    if problems:
        raise DataError(problems)
    return MappingProxyType({name: MappingProxyType(dict(where)) for name, where in rules.items()})


def obeying(frame: pd.DataFrame, rules: Rules, source: str) -> Mapping[str, Mask]:
    """Return which rows have the values that each rule asks for; all problems at once."""
    from comorbid.studies.selecting import rows_with

    found, problems = {}, []
    for name, where in rules.items():
        try:
            found[name] = rows_with(frame, where, source=source)
        except DataError as error:
            problems += [
                Problem(f"rule {name!r}: {problem.message}", problem.remedy, problem.file)
                for problem in error.problems
            ]
    if problems:
        raise DataError(problems)
    return found
