"""Control characters: no page can show them, and some steer a terminal or turn words around."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff"
    # These put what follows them, such as a number, in another order.
    r"\u202a-\u202e\u2066-\u2069]"
)


def control_character(text: str) -> tuple[str, int] | None:
    r"""Return the first character that no page can show, or that misleads a reader or terminal.

    Returns
    -------
    (str, int), or None
        Its name, such as U+001B, and where it stands.

    Examples
    --------
    >>> control_character("a\tb\n"), control_character("a\x1b[31m")
    (None, ('U+001B', 1))
    """
    found = _CONTROL.search(text)
    return None if found is None else (f"U+{ord(found[0]):04X}", found.start())


def without_control(text: str) -> str:
    r"""Return text that a terminal only prints: a control character becomes a replacement.

    Examples
    --------
    >>> without_control("a\tb\x1b[31m") == "a\tb\ufffd[31m"
    True
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
