"""Formulas: from ``"~ year + C(population)"`` and a table to a design. The importer of formulaic.

Formulas are evaluated as Python by formulaic, once `formula_code` has found nothing in them but
arithmetic on columns and known functions.
"""

from __future__ import annotations

import copy
import difflib
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.design_matrix import INTERCEPT, Design
from comorbid.models.formula_code import forbidden, names_of

if TYPE_CHECKING:
    import pandas as pd


# Formulaic multiplies terms out as often as a power says.
_LARGE_POWER = re.compile(r"(\*\*|\^)\s*[(+]*\s*\d{3}")


def used_columns(formula: str, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of the table that a formula uses.

    Raises
    ------
    ModelError
        If the formula cannot be read, or names a column that does not exist.
    """
    names = set[str]()
    parsed = _parse(formula)
    factors = {factor for term in parsed for factor in term.factors}
    for factor in factors:
        names |= _names_in(factor)
    used = tuple(name for name in frame.columns if name in names)
    unknown = sorted(str(name) for name in names - set(used) - set(_known()))
    if unknown:
        raise ModelError([_unknown_column(name, formula, frame) for name in unknown])
    for factor in factors:
        if factor.eval_method.value == "python":
            _refuse_code(factor.expr, formula)
    return used


def make_design(formula: str, frame: pd.DataFrame) -> Design:
    """Evaluate a formula on a table without missing values.

    Parameters
    ----------
    formula : str
        Right-hand side, ``"~ year + C(population)"``.
    frame : DataFrame
        Indexed by label; text becomes a factor whose first level in sorted order is the
        reference.

    Returns
    -------
    Design

    Raises
    ------
    ModelError
        If the formula cannot be evaluated, or has no coefficient.
    DataError
        If it gives a value that is no finite number; the rows are named.
    """
    from pandas.api.types import is_numeric_dtype

    used = used_columns(formula, frame)
    try:
        matrix = _evaluate(_parse(formula), frame, used)
    except _failures() as error:
        raise ModelError(f"formula {formula!r} cannot be evaluated: {_first_line(error)}") from None
    spec = matrix.model_spec
    terms = {
        INTERCEPT if str(term) == "1" else str(term): tuple(int(i) for i in places)
        for term, places in spec.term_indices.items()
    }
    x = np.asarray(matrix, dtype=np.float64).reshape(len(frame), len(matrix.columns))
    x.flags.writeable = False
    names = tuple(str(name) for name in matrix.columns)
    _check_finite(x, names, frame.index, formula)
    if not names:
        raise ModelError(f"formula {formula!r} has no coefficient; use '~ 1' for a mean alone")
    numeric = frozenset(name for name in used if is_numeric_dtype(frame[name]))
    return Design(formula, names, terms, x, used, numeric, spec)


def design_at(design: Design, frame: pd.DataFrame) -> Array:
    """Evaluate a design's formula on new rows, by the levels and centres of the first ones.

    Returns
    -------
    array of shape (rows, p)

    Raises
    ------
    DataError
        If a column is missing, a value is missing, or a level did not occur before.
    """
    from formulaic.errors import DataMismatchWarning

    absent = [name for name in design.columns if name not in frame]
    if absent:
        raise DataError(
            [Problem(f"new data: no column {name}", "give every moderator") for name in absent]
        )
    _check_complete(frame, design.columns)
    frame = _typed(design, frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            # A copy, for formulaic writes what it meets into the memory that it is given.
            matrix = _evaluate(copy.deepcopy(design.spec), frame, design.columns)
        except DataMismatchWarning as warning:
            raise DataError(_unknown_levels(design, frame, str(warning))) from None
        except _failures() as error:
            raise DataError(f"new data cannot be used: {_first_line(error)}") from None
    x = np.asarray(matrix, dtype=np.float64).reshape(len(frame), len(design.names))
    _check_finite(x, design.names, frame.index, design.formula)
    return x


def _typed(design: Design, frame: pd.DataFrame) -> pd.DataFrame:
    """Return new rows with numbers where the fitted data had numbers, and levels elsewhere."""
    problems = [
        Problem(f"new data, row {label}: {name} is {value!r}", "give a number")
        for name in design.columns
        if name in design.numeric
        for label, value in frame[name].items()
        if isinstance(value, str)
    ]
    if problems:
        raise DataError(problems)
    return frame.astype({name: object for name in design.columns if name not in design.numeric})


def usable_rows(effects: Effects, formula: str) -> tuple[Index, list[str]]:
    """Return the rows that have all that a formula needs, and a note on those left out.

    Raises
    ------
    DataError
        If none is left.
    """
    frame = effects.to_frame()
    has_moderators = complete_rows(frame, used_columns(formula, frame))
    has_effect = complete_rows(frame, ("yi", "vi"))
    notes = []
    for rows, what in ((has_effect, "no effect"), (has_moderators, "a moderator is missing")):
        left_out = [effects.labels[i] for i in np.setdiff1d(np.arange(effects.k), rows)]
        if left_out:
            notes.append(f"left out, {what}: {', '.join(left_out)}")
    usable = np.intersect1d(has_effect, has_moderators)
    if usable.size == 0:
        why = f" ({'; '.join(notes)})" if notes else ": there are no rows"
        raise DataError(f"no study has an effect with its variance and every moderator{why}")
    return usable, notes


def complete_rows(frame: pd.DataFrame, columns: Sequence[str]) -> Index:
    """Return the positions of the rows that have a value in each column; "" counts as none."""
    table = frame[list(columns)]
    missing = table.isna() | (table == "")
    return np.flatnonzero(~missing.to_numpy(dtype=bool).any(axis=1))


def _context() -> dict[str, Any]:
    """Return what a formula may call beside formulaic's own transformations."""
    return {"sqrt": np.sqrt, "abs": np.abs}


def _known() -> set[str]:
    from formulaic.transforms import TRANSFORMS

    return {*TRANSFORMS, *_context()}


def _parse(formula: str) -> Any:
    import formulaic

    if _LARGE_POWER.search(formula):
        raise ModelError(f"formula {formula!r} has a power of 100 or more; give a smaller one")
    try:
        parsed = formulaic.Formula(formula)
    except (formulaic.errors.FormulaicError, SyntaxError) as error:
        raise ModelError(
            f"formula {formula!r} cannot be read: {_first_line(error)}; write it like "
            "'~ year + C(population)'"
        ) from None
    if not isinstance(parsed, formulaic.SimpleFormula):
        raise ModelError(
            f"formula {formula!r} has more than one side; the effects are the left side, so begin "
            "with '~' and name moderators only"
        )
    return parsed


def _names_in(factor: Any) -> set[str]:
    """Return the names that a factor of a term reads."""
    if factor.eval_method.value == "literal":
        return set()
    if factor.eval_method.value == "lookup":
        return {factor.expr}
    return names_of(factor.expr)


def _refuse_code(expression: str, formula: str) -> None:
    """Raise `ModelError` for what is neither arithmetic nor a known function."""
    if found := forbidden(expression):
        known = ", ".join(sorted(_known() - {"np", "contr"}))
        remedy = f"use columns, numbers, arithmetic and {known}, np.log1p and the like"
        raise ModelError([Problem(f"formula {formula!r}: {found} is not allowed", remedy)])


def _unknown_column(name: str, formula: str, frame: pd.DataFrame) -> Problem:
    known = [str(column) for column in frame.columns]
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return Problem(f"formula {formula!r}: there is no column or function {name}", remedy)


def _evaluate(what: Any, frame: pd.DataFrame, columns: Sequence[str]) -> Any:
    """Evaluate a formula, or the memory of one; what is no number is found afterwards."""
    table = frame[list(columns)].reset_index(drop=True)
    with np.errstate(all="ignore"):
        return what.get_model_matrix(table, context=_context(), na_action="ignore")


def _failures() -> tuple[type[Exception], ...]:
    """Return what the evaluation of a formula may raise."""
    from formulaic.errors import FormulaicError

    return (FormulaicError, ArithmeticError, AttributeError, TypeError, ValueError)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _check_complete(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    rows = sorted(set(range(len(frame))) - set(complete_rows(frame, columns).tolist()))
    if rows:
        raise DataError(
            [
                Problem(f"new data, row {frame.index[i]}: a moderator is missing", "give its value")
                for i in rows
            ]
        )


def _unknown_levels(design: Design, frame: pd.DataFrame, message: str) -> list[Problem]:
    """Name the rows whose value did not occur in the data that were fitted."""
    problems = []
    for factor, (_, state) in design.spec.encoder_state.items():
        levels = list(state.get("categories", ()))
        for name in design.columns:
            if not levels or not re.match(rf"(C\()?{re.escape(name)}\b", str(factor)):
                continue
            problems += [
                Problem(
                    f"new data, row {label}: {name} is {value!r}",
                    f"the data fitted have {', '.join(map(str, levels))}",
                )
                for label, value in zip(frame.index, frame[name], strict=True)
                if value not in levels
            ]
    return problems or [Problem(message, "use levels of the data fitted")]


def _check_finite(x: Array, names: Sequence[str], labels: Iterable[Any], formula: str) -> None:
    row_names = list(labels)
    problems = [
        Problem(
            f"{row_names[row]}: {names[column]} is {x[row, column]}",
            f"formula {formula!r} needs a finite number for each study",
        )
        for row, column in zip(*np.nonzero(~np.isfinite(x)), strict=True)
    ]
    if problems:
        raise DataError(problems)
