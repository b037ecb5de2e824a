"""Checks of arguments: an error says what was given, and what may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from comorbid.errors import DataError, ModelError, Problem

_MOST_NAMED = 3
_UNORDERED = (str, bytes, Mapping, set, frozenset)


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raise `ModelError`, with a list of what is allowed, unless the value is.

    Examples
    --------
    >>> check_choice("side", "left", ("left", "right"))
    """
    known = tuple(allowed)
    if not is_one_of(value, known):
        raise ModelError(f"{name} is {shown(value)}; use one of {', '.join(known)}")


def check_proportion(name: str, value: object, *, such_as: float) -> None:
    """Raise `ModelError` unless the value is a number between 0 and 1, both excluded."""
    # Nearer to 1 than this, a quantile is infinite.
    if not (is_number(value) and value > 0 and (1 + value) / 2 < 1):
        raise ModelError(
            f"{name} is {shown(value)}; give a proportion between 0 and 1, such as {such_as}"
        )


def check_whole(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Raise `ModelError` unless the value is a whole number within the limits."""
    whole = int(value) if isinstance(value, Integral) and is_number(value) else least - 1
    if whole < least or (most is not None and whole > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ModelError(f"{name} is {shown(value)}; give a whole number {limits}")


def check_type(name: str, value: object, types: type | tuple[type, ...], remedy: str) -> None:
    """Raise `DataError` unless the value is an instance of one of the types."""
    if not isinstance(value, types):
        raise DataError([Problem(f"{name} is of type {type(value).__name__}", remedy)])


def is_one_of(value: object, allowed: Iterable[str]) -> bool:
    """Return whether a value is one of these strings, whatever its type."""
    return isinstance(value, str) and value in tuple(allowed)


def is_text(value: object) -> bool:
    """Return whether a value is a string that is not blank."""
    return isinstance(value, str) and value.strip() != ""


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is one real number that a float can hold; True and False are none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def is_missing(value: object) -> bool:
    """Return whether a value is None, nan, or what pandas has in their place."""
    return not isinstance(value, str) and str(value) in ("None", "nan", "<NA>", "NaT")


def numbers(name: str, values: object) -> NDArray[np.float64]:
    """Return values as floats, missing and masked ones as nan.

    Raises
    ------
    DataError
        If there is something else than numbers, text that looks like one included.

    Examples
    --------
    >>> numbers("yi", [1, None, 0.5]).tolist()
    [1.0, nan, 0.5]
    """
    try:
        # Only arrays with a mask name numpy.ma, which is loaded when it is named.
        if isinstance(values, np.ndarray) and hasattr(values, "mask"):
            return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
        found = np.asarray(values)
        if found.dtype.kind in "biuf":
            return np.asarray(found, dtype=np.float64)
        found = np.asarray(values, dtype=object)
        problems = _no_numbers(name, found)
        if not problems:
            return np.array([_as_float(x) for x in found.ravel()]).reshape(found.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} cannot be read as numbers: {error}") from None
    raise DataError(problems)


def _as_float(value: Any) -> float:
    return float(value) if isinstance(value, Real | Decimal) else float("nan")


def _no_numbers(name: str, values: NDArray[Any]) -> list[Problem]:
    """Name what is neither a number nor missing by its position."""
    single = values.ndim == 0
    bad = [
        f"{name if single else f'{name}[{i}]'} is {shown(x)}"
        for i, x in enumerate(values.ravel())
        if not (isinstance(x, Real | Decimal) or (is_missing(x) and not single))
    ]
    if not bad:
        return []
    more = f" and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
    remedy = "give numbers, and nan or None where one is missing"
    return [Problem(", ".join(bad[:_MOST_NAMED]) + more, remedy)]


def names(name: str, values: object) -> tuple[str, ...]:
    """Return names, such as study labels, as strings; numbers are written out.

    Raises
    ------
    DataError
        If it is no sequence, or a name is missing.

    Examples
    --------
    >>> names("labels", [1, 2])
    ('1', '2')
    """
    if isinstance(values, _UNORDERED) or not isinstance(values, Iterable):
        raise DataError(f"{name} is {shown(values)}; give a list of names")
    given = tuple(values)
    found = tuple("" if is_missing(value) else str(value) for value in given)
    problems = [
        Problem(f"{name}[{i}] is {shown(given[i])}", "name every study")
        for i, text in enumerate(found)
        if not text.strip()
    ]
    if problems:
        raise DataError(problems)
    return found


def shown(value: object) -> str:
    """Return a value as it is quoted in an error: on one line, and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
