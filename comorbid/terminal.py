"""Progress: plain lines, and on a terminal also what is being done, below them."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import Self, TextIO

from comorbid.characters import without_control

_WIDTH = 20


class Progress:
    r"""Print a line a stage, and on a terminal a last line that shows the current step.

    Parameters
    ----------
    stream : text stream
        Where it is printed. Only a terminal gets the current step, which is drawn over again and
        again; a file or pipe gets whole lines and nothing else.

    Examples
    --------
    >>> import io
    >>> stream = io.StringIO()
    >>> with Progress(stream) as shown:
    ...     shown.step(1, 2, "the first")
    ...     shown.line("studies: 13 rows")
    >>> stream.getvalue()
    'studies: 13 rows\n'
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._draw("")

    def line(self, text: str) -> None:
        """Print a line that stays."""
        step = self._shown
        self._draw("")
        self._stream.write(f"{without_control(text)}\n")
        self._draw(step)

    def step(self, number: int, total: int, what: str) -> None:
        """Show what is being done, as one of so many steps."""
        if self._live:
            done = _WIDTH * (number - 1) // max(total, 1)
            bar = "#" * done + "." * (_WIDTH - done)
            self._draw(f"[{bar}] {number} of {total}: {what}")

    def _draw(self, text: str) -> None:
        room = shutil.get_terminal_size().columns - 1
        text = text if len(text) <= room else f"{text[: room - 3]}..."
        if self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
        self._stream.write(text)
        self._stream.flush()
        self._shown = text
