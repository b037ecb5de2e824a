"""Calls of declared functions: each is named, timed and listened to, the core's like a plugin's."""

from __future__ import annotations

import contextlib
import io
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from comorbid.errors import ComorbidError, ComorbidWarning, PluginError, Problem, ProblemsError

T = TypeVar("T")
Progress = Callable[[str], None]
Step = Callable[[int, int, str], None]

CORE = "comorbid"
_REMEDY = "update the plugin, or take what needs it off the report"
_SHOWN = 200


def silent(_line: str) -> None:
    """Report no progress."""


def no_step(_number: int, _total: int, _what: str) -> None:
    """Show no step."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made: of whose function (``name@version``), for what, how long it took."""

    origin: str
    what: str
    seconds: float


class Calls:
    """Makes calls of declared functions and remembers them, in order, in ``made``.

    Parameters
    ----------
    progress : callable, optional
        Gets a line of text about a call that takes longer than ``patience``.
    step : callable, optional
        Gets number, total and name of each step of a build as it begins; ``steps`` is how many
        there will be.
    patience : float
        In seconds.
    """

    def __init__(
        self, progress: Progress = silent, *, step: Step = no_step, patience: float = 10.0
    ) -> None:
        self.progress = progress
        self.patience = patience
        self.steps = 0
        self._step = step
        self._begun = 0
        self.made: list[Call] = []

    def begin(self, what: str) -> None:
        """Say that the next step of a build begins."""
        self._begun += 1
        self._step(self._begun, max(self.steps, self._begun), what)

    def hush(self) -> None:
        """Tell nobody any more, in a copy of a process that tells itself."""
        self.progress, self._step = silent, no_step

    def make(self, origin: str, what: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of a distribution.

        Parameters
        ----------
        origin : str
            ``name@version`` of the distribution.
        what : str
            What the call is for: ``"section 'migraine'"``.
        function : callable
            Called with ``arguments``.

        Returns
        -------
        object
            Whatever the function returns.

        Raises
        ------
        ComorbidError
            Of the kind that the function raised, with the distribution before each problem;
            anything else that it raises, also an exit, becomes a `PluginError`.

        Warns
        -----
        ComorbidWarning
            About what the function printed, which is shown nowhere else.

        Examples
        --------
        >>> Calls().make("one@1", "a sum", sum, [1, 2])
        3
        """
        where = f"{origin}, {what}"
        waiting = f"waiting for {where} ({self.patience:g} s so far)"
        timer = threading.Timer(self.patience, self.progress, [waiting])
        timer.daemon = True
        timer.start()
        start = time.perf_counter()
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                return function(*arguments)
        except ComorbidError as error:
            if is_core(origin):  # what the core says about the data needs no name before it
                raise
            raise _attributed(error, where) from error
        except (Exception, SystemExit) as error:
            cause = f"{type(error).__name__}: {error}"
            raise PluginError([Problem(f"{where} fails: {cause}", _REMEDY)]) from error
        finally:
            timer.cancel()
            timer.join()
            self.made.append(Call(origin, what, time.perf_counter() - start))
            _warn_of_print(where, printed.getvalue())


def is_core(origin: str) -> bool:
    """Return whether ``name@version`` is comorbid itself.

    Examples
    --------
    >>> is_core("comorbid@1.0"), is_core("comorbid-migraine@1.0")
    (True, False)
    """
    return origin.partition("@")[0] == CORE


def _attributed(error: ComorbidError, where: str) -> ComorbidError:
    """Return the error with whose it is before each problem."""
    if not isinstance(error, ProblemsError):
        return PluginError([Problem(f"{where}: {error}")])
    return type(error)(
        [
            Problem(f"{where}: {p.message}", p.remedy, p.file, p.line, p.column)
            for p in error.problems
        ]
    )


def _warn_of_print(where: str, text: str) -> None:
    line = " ".join(text.split())
    if line:
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
        warnings.warn(f"{where} prints: {shown}", ComorbidWarning, stacklevel=3)
