"""GRIM and GRIMMER: printed means, percentages and standard deviations that cannot be."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from comorbid.checks import check_choice, check_whole, is_number, shown
from comorbid.errors import DataError, ModelError, Problem
from comorbid.studies.cells import parse_number
from comorbid.studies.integers import (
    Unit,
    exact,
    nearest,
    people,
    printed,
    sd_bounds,
    why_not,
)

if TYPE_CHECKING:
    import pandas as pd

REASONS: Mapping[str, str] = {
    "": "possible",
    "mean": "no sum of whole numbers gives this mean",
    "low": "no whole numbers with this mean have so small a standard deviation",
    "high": "no whole numbers with this mean have so large a standard deviation on this scale",
    "squares": "no sum of squares of whole numbers gives this standard deviation with this mean",
}
"""What each value of ``Grim.reason`` means."""

_MOST_DIGITS = 40
_LARGEST = 10**12


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Grim:
    """Whether whole numbers can have the printed figures; made by `grim`. One entry a figure.

    Attributes
    ----------
    mean, sd : tuple of str
        As printed; ``sd`` is empty where none was given.
    n : tuple of int
        People, each with one score.
    possible : tuple of bool
        Whether whole numbers can have the mean, or percentage, and the standard deviation.
    reason : tuple of str
        Why not: ``mean``, ``low``, ``high`` or ``squares``; empty if possible.
    nearest : tuple of (float, float)
        The means, or percentages, next to the printed one that whole numbers can have.
    sd_bounds : tuple of (float, float)
        Least and largest standard deviation of whole numbers with the mean. The largest is
        infinite without a scale; nan where there is no such mean, or for a percentage.
    items : int
        Whole numbers averaged in one score.
    low, high : int or None
        Ends of the scale of one whole number.
    unit : {"score", "percent"}
    """

    mean: tuple[str, ...]
    sd: tuple[str, ...]
    n: tuple[int, ...]
    possible: tuple[bool, ...]
    reason: tuple[str, ...]
    nearest: tuple[tuple[float, float], ...]
    sd_bounds: tuple[tuple[float, float], ...]
    items: int
    low: int | None
    high: int | None
    unit: Unit

    def to_frame(self) -> pd.DataFrame:
        """Return one row a figure."""
        import pandas as pd

        columns = {
            "mean": self.mean,
            "sd": self.sd or ("",) * len(self.mean),
            "n": self.n,
            "possible": self.possible,
            "reason": self.reason,
            "nearest_below": [pair[0] for pair in self.nearest],
            "nearest_above": [pair[1] for pair in self.nearest],
            "sd_min": [pair[0] for pair in self.sd_bounds],
            "sd_max": [pair[1] for pair in self.sd_bounds],
        }
        return pd.DataFrame({name: list(values) for name, values in columns.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by row, and what they were taken for; not a number is None."""
        rows = [
            {name: _plain(value) for name, value in row.items()}
            for row in self.to_frame().to_dict(orient="records")
        ]
        return {
            "rows": rows,
            "items": self.items,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
        }

    def summary(self) -> str:
        """Return one line a figure."""
        lines = []
        for i, mean in enumerate(self.mean):
            figure = f"{mean} %" if self.unit == "percent" else mean
            figure += f" (SD {self.sd[i]})" if self.sd else ""
            line = f"{figure}, n = {self.n[i]:,}: {REASONS[self.reason[i]]}"
            if self.reason[i] == "mean":
                line += "; next to it are {:.6g} and {:.6g}".format(*self.nearest[i])
            elif self.reason[i] in ("low", "high"):
                line += "; it is from {:.4g} to {:.4g}".format(*self.sd_bounds[i])
            lines.append(line)
        return "\n".join(lines) if lines else "no figures"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def grim(
    mean: str | Sequence[str],
    *,
    n: int | Sequence[int],
    sd: str | Sequence[str] | None = None,
    items: int = 1,
    low: int | None = None,
    high: int | None = None,
    unit: Unit = "score",
) -> Grim:
    r"""Test whether whole numbers can have a printed mean, percentage and standard deviation.

    GRIM: the mean of n scores, each the average of m whole numbers, is :math:`s / (nm)` with a
    whole s. A printed mean :math:`\bar x` with half a unit h of its last digit is possible if there
    is a whole number s with

    .. math:: nm (\bar x - h) \le s \le nm (\bar x + h)

    A value on the half may have been rounded up or down. A percentage is :math:`100 s / n`.

    GRIMMER, analytic: with the sum s, a standard deviation d (with n - 1) needs a whole sum of
    squares :math:`q = (n - 1) d^2 m^2 + s^2 / n`, for some d within half a unit of the printed one,
    that is odd exactly if s is. And q is at least that of people as equal as the sum lets them be,
    and on a scale from ``low`` to ``high`` at most that of people at its two ends, with one
    between: the bounds from which SPRITE starts. All is computed in exact fractions.

    Parameters
    ----------
    mean : str, or sequence of str of length k
        As printed, with all its digits, because ``"5.10"`` says more than 5.1.
    n : int, or sequence of int
        People behind each mean, one for all or one each.
    sd : str or sequence of str, optional
        Standard deviations as printed.
    items : int
        Whole numbers averaged in one score: 1 for a single question or a count.
    low, high : int, optional
        Ends of the scale of one whole number; ``low`` may stand alone, as for a count.
    unit : {"score", "percent"}
        What ``mean`` is: a mean score, or a percentage of the people.

    Returns
    -------
    Grim

    Raises
    ------
    DataError
        If a figure is not printed text of a number, or n is not a whole number above 0.
    ModelError
        If a setting is unknown or does not fit.

    Notes
    -----
    It is about whole numbers: scores, counts, ages in years. A mean of blood pressures, or of
    means, may have any value. Where nm is ten to the number of decimals or more every mean passes.
    A mean that fails may be a misprint, or n may be smaller, with people missing. What is refused
    cannot be; for standard deviations a few that cannot be pass. A mean that more than 1,000 sums
    round to passes with any standard deviation.

    References
    ----------
    Brown NJL, Heathers JAJ (2017). The GRIM test. Social Psychological and Personality Science
    8:363-369. doi:10.1177/1948550616673876

    Anaya J (2016). The GRIMMER test. PeerJ Preprints 4:e2400v1. doi:10.7287/peerj.preprints.2400v1
    (analytic by Allard A, 2018,
    https://aurelienallard.netlify.app/post/anaytic-grimmer-possibility-standard-deviations/).

    Heathers JA, Anaya J, van der Zee T, Brown NJL (2018). Recovering data from summary statistics:
    SPRITE. PeerJ Preprints 6:e26968v1. doi:10.7287/peerj.preprints.26968v1

    Examples
    --------
    >>> grim(["5.19", "5.21"], n=28)
    5.19, n = 28: no sum of whole numbers gives this mean; next to it are 5.17857 and 5.21429
    5.21, n = 28: possible
    >>> grim("4.20", sd="3.10", n=5, low=1, high=7).sd_bounds[0][1]
    3.03315017762062
    """
    check_choice("unit", unit, get_args(Unit))
    check_whole("items", items, least=1)
    if unit == "percent" and (sd is not None or items != 1 or low is not None or high is not None):
        raise ModelError("a percentage of people has no sd, items, low or high; leave them out")
    _check_scale(low, high)
    means, problems = _figures("mean", mean)
    sds, wrong = ((), []) if sd is None else _figures("sd", sd)
    sizes, wrong_sizes = _sizes(n, len(means))
    problems += wrong + wrong_sizes
    if sd is not None and len(sds) != len(means):
        problems.append(Problem(f"sd has {len(sds)} figures, mean {len(means)}", "give one each"))
    problems += [
        Problem(f"sd[{i}] is {text}", "a standard deviation is 0 or more")
        for i, text in enumerate(sds)
        if text.startswith("-")
    ]
    if problems:
        raise DataError(problems)
    factor = 100 if unit == "percent" else 1
    wholes = [people(size, unit=unit, items=items, low=low, high=high) for size in sizes]
    exacts = [printed(text, unit=unit) for text in means]
    reasons = tuple(
        why_not(whole, exacts[i], exact(sds[i]) if sds else None) for i, whole in enumerate(wholes)
    )
    pairs = [nearest(whole, exacts[i][0]) for i, whole in enumerate(wholes)]
    nothing = (math.nan, math.nan)
    return Grim(
        mean=means,
        sd=sds,
        n=sizes,
        possible=tuple(not reason for reason in reasons),
        reason=reasons,
        nearest=tuple((float(factor * below), float(factor * above)) for below, above in pairs),
        sd_bounds=tuple(
            sd_bounds(whole, exacts[i]) if unit == "score" else nothing
            for i, whole in enumerate(wholes)
        ),
        items=items,
        low=low,
        high=high,
        unit=unit,
    )


def _check_scale(low: object, high: object) -> None:
    for name, end in (("low", low), ("high", high)):
        if end is not None:
            check_whole(name, end, least=-_LARGEST, most=_LARGEST)
    if high is not None and low is None:
        raise ModelError("high is given without low; give both ends of the scale")
    if is_number(low) and is_number(high) and low >= high:
        raise ModelError(f"the scale runs from {low} to {high}; low must be below high")


def _figures(name: str, values: object) -> tuple[tuple[str, ...], list[Problem]]:
    """Printed numbers as text, and what is wrong with them."""
    if isinstance(values, str):
        values = [values]
    if isinstance(values, bytes | Mapping) or not isinstance(values, Iterable):
        remedy = 'give figures as printed, as text such as "5.10"'
        return (), [Problem(f"{name} is {shown(values)}", remedy)]
    given = list(values)
    problems = [
        Problem(
            f"{name}[{i}] is {shown(value)}",
            'give it as printed, as text such as "5.10": the digits count',
        )
        for i, value in enumerate(given)
        if not _is_figure(value)
    ]
    return tuple(str(value) for value in given), problems


def _is_figure(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= _MOST_DIGITS
        and "e" not in value.lower()
        and parse_number(value, decimal_comma=False) is not None
    )


def _sizes(n: object, k: int) -> tuple[tuple[int, ...], list[Problem]]:
    """Whole numbers of people, one a figure, and what is wrong with them."""
    given = [n] * k if is_number(n) or not isinstance(n, Iterable) else list(n)
    remedy = "give the number of people, a whole number above 0"
    problems = [
        Problem(f"n is {shown(size)}", remedy)
        for size in given
        if not (is_number(size) and 1 <= size <= _LARGEST and float(size).is_integer())
    ]
    if problems or len(given) != k:
        problems = problems or [Problem(f"n has {len(given)} numbers, mean {k}", remedy)]
        return (), problems
    return tuple(int(size) for size in given if is_number(size)), []


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
