"""The press: a second process that prints the PDF of a report while the first one goes on.

It starts at once and makes itself ready while the numbers are computed. The bytes are those that
the first process would give, which prints itself where the press cannot start, ends or fails.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec, module_from_spec
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from comorbid.errors import ComorbidWarning, Problem, ReportError

if TYPE_CHECKING:
    from comorbid.document.document import Document
    from comorbid.themes import Theme

    Render = Callable[[Document, Theme], bytes]

# The press looks for modules where this process does, whatever the working directory holds.
_START = "import sys; sys.path[:] = sys.argv[1:]; from comorbid.report.press import serve; serve()"
_PATIENCE = 5.0

_Page = tuple[str, datetime.date, Mapping[str, bytes]]
_Answer = tuple[bytes, tuple[Problem, ...], list[tuple[type[Warning], str]]]


class Press:
    """A process beside this one that prints one PDF; as a context manager, it ends with it.

    It is for a program that does nothing else meanwhile, as a command of the command line.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._facts: dict[str, str] | None = None
        self._document: Document | None = None
        self._done = False
        with contextlib.suppress(OSError):  # then this process prints
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter)
                [sys.executable, "-c", _START, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def facts(self) -> dict[str, str]:
        """Return the facts of the platform for a PDF; `ReportError` when Pango is missing."""
        from comorbid.report.render.pdf import platform_facts

        return self._begun() or platform_facts()

    def hand_over(self, document: Document, theme: Theme) -> None:
        """Let the press print a document, and go on; what `instead_of` returns waits for it."""
        from comorbid.report.render.html import render_html

        self._document = document
        if self._begun():
            html = render_html(document, theme)
            self._send((html, document.date, dict(document.attachments)))

    def instead_of(self, render: Render) -> Render:
        """Return a function that lets the press print, and prints with ``render`` otherwise."""

        def printed(document: Document, theme: Theme) -> bytes:
            if self._document is None:
                self.hand_over(document, theme)
            pdf = self._printed() if document is self._document else None
            return pdf or render(document, theme)

        return printed

    def _begun(self) -> dict[str, str] | None:
        """Return the facts with which the press begins; None if it has ended."""
        if self._facts is None:
            self._facts = self._receive()
        return self._facts

    def _printed(self) -> bytes | None:
        answer: _Answer | None = self._receive()
        if answer is None:
            return None
        self._done = True
        pdf, problems, warned = answer
        for category, text in warned:
            warnings.warn(text, category, stacklevel=3)
        if problems:
            raise ReportError(problems)
        return pdf

    def _send(self, page: _Page) -> None:
        try:
            if self._process and self._process.stdin:
                pickle.dump(page, self._process.stdin)
                self._process.stdin.flush()
        except OSError:
            self._end()

    def _receive(self) -> Any:
        """Return what the press says next; None if it says nothing more."""
        try:
            if self._process and self._process.stdout and not self._done:
                return pickle.load(self._process.stdout)  # noqa: S301 (of our own making)
        except (EOFError, OSError, pickle.UnpicklingError):
            self._end()
        return None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if not self._done:
            process.terminate()
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve() -> None:
    """Print one page for the process that started this one, which reads what is written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
    signal.signal(signal.SIGTERM, _leave)
    gc.disable()  # what one page is made of lives to its end, and so does this process
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # so that nothing that a library prints gets between
        # What goes wrong here goes wrong again in the other process, which says so.
        with contextlib.suppress(Exception):
            _serve(answers)


def _serve(answers: Any) -> None:
    _close("comorbid.document.figures")
    from comorbid.report.render.pdf import platform_facts

    _say(platform_facts(), answers)
    page: _Page = pickle.load(sys.stdin.buffer)  # noqa: S301 (of our own making)
    _say(_print(page), answers)


def _close(room: str) -> None:
    """Let modules of a room be imported without its face, which imports them all, and pandas."""
    spec = find_spec(room)
    if spec is not None:
        sys.modules[room] = module_from_spec(spec)


def _say(what: object, answers: Any) -> None:
    pickle.dump(what, answers)
    answers.flush()


def _print(page: _Page) -> _Answer:
    from comorbid.report.render.pdf import render_pdf

    html, date, attachments = page
    pdf = b""
    problems: tuple[Problem, ...] = ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ComorbidWarning)
        try:
            pdf = render_pdf(html, date=date, attachments=attachments)
        except ReportError as error:
            problems = error.problems
    return pdf, problems, [(warning.category, str(warning.message)) for warning in caught]


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit()
