"""Errors and warnings that comorbid raises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ComorbidError(Exception):
    """Base of every error that comorbid raises on purpose.

    Examples
    --------
    >>> import comorbid as cb
    >>> try:
    ...     cb.find_measure("HRR")
    ... except cb.ComorbidError as error:
    ...     print(str(error)[:40])
    measure is 'HRR'; use one of OR, RR, RD,
    """


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input: what, where, and what to do.

    Parameters
    ----------
    message : str
        What is wrong, with the value found.
    remedy : str
        What to do about it.
    file, line, column
        Where it stands. ``line`` counts from 1 and includes the header; ``column`` is a name.

    Examples
    --------
    >>> print(Problem("'x' is not a number", "give a number", file="s.csv", line=3, column="n"))
    s.csv, line 3, column n: 'x' is not a number; give a number
    """

    message: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [
            self.file,
            None if self.line is None else f"line {self.line}",
            None if self.column is None else f"column {self.column}",
        ]
        where = ", ".join(part for part in place if part)
        what = f"{self.message}; {self.remedy}" if self.remedy else self.message
        return f"{where}: {what}" if where else what


class ProblemsError(ComorbidError):
    """An error that reports every problem found, one a line.

    Parameters
    ----------
    problems : sequence of Problem, or str
        At least one problem. A string stands for a problem with no place.

    Attributes
    ----------
    problems : tuple of Problem

    Examples
    --------
    >>> DataError([Problem("no rows", "add a study", file="s.csv")]).problems[0].file
    's.csv'
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = [Problem(problems)]
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems]
        if len(lines) > 1:
            lines = [f"{len(lines)} problems:"] + [f"  {line}" for line in lines]
        super().__init__("\n".join(lines))


class DataError(ProblemsError):
    """The study table, or an array of effects, cannot be used as it is.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.Effects(yi=[0.5], vi=[-0.1])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    comorbid.errors.DataError: Study 1: variance -0.1; a variance must be positive and finite; ...
    """


class ModelError(ProblemsError):
    """The model asked for does not exist or cannot be fitted to these effects.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.pool(cb.Effects(yi=[0.5, 0.9], vi=[0.1, 0.2]), level=95)
    Traceback (most recent call last):
    comorbid.errors.ModelError: level is 95; give a proportion between 0 and 1, such as 0.95
    """


class PluginError(ProblemsError):
    """A plugin is missing, broken, or declares something it may not.

    Examples
    --------
    >>> raise PluginError([Problem("plugin comorbid-x is not installed", "pip install it")])
    Traceback (most recent call last):
    comorbid.errors.PluginError: plugin comorbid-x is not installed; pip install it
    """


class ReportError(ProblemsError):
    """A report definition is wrong, or its report cannot be built or written.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.build("no-such-folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    comorbid.errors.ReportError: ...no-such-folder...
    """


class VerificationError(ProblemsError):
    """A report does not say what its data say.

    Examples
    --------
    >>> raise VerificationError([Problem("pool.estimate is 0.83, locked as 0.82")])
    Traceback (most recent call last):
    comorbid.errors.VerificationError: pool.estimate is 0.83, locked as 0.82
    """


class ComorbidWarning(UserWarning):
    """Base of every warning that comorbid gives.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ComorbidWarning)
    ...     warnings.warn("one study: nothing is pooled", DataWarning)
    """


class DataWarning(ComorbidWarning):
    """Rows were left out, or chosen among several of one study.

    Examples
    --------
    >>> import warnings
    >>> import comorbid as cb
    >>> nan = float("nan")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fit = cb.pool(cb.Effects(yi=[0.5, nan, 0.9], vi=[0.1, nan, 0.2], labels=list("ABC")))
    >>> caught[0].category.__name__, str(caught[0].message)
    ('DataWarning', 'left out, no effect: B')
    """


class AssumptionWarning(ComorbidWarning):
    """A value rests on an assumption that the data cannot confirm.

    Examples
    --------
    >>> import warnings
    >>> import comorbid as cb
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     d = cb.convert(cb.Effects(yi=[0.5], vi=[0.1], measure="SMD"), to="COR")
    >>> str(caught[0].message)
    'SMD to COR: the two groups are of the same size'
    """
