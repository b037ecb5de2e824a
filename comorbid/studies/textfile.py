"""A text file as bytes and as text, or a clear reason why it is neither."""

from __future__ import annotations

import codecs

from comorbid.characters import control_character
from comorbid.errors import DataError, Problem

LIMIT_MB = 50
"""A table above this size, in millions of bytes, is refused."""

LIMIT_ROWS = 200_000
"""A table of more rows is refused."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "an Excel workbook or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (codecs.BOM_UTF16_LE, "text saved as UTF-16"),
    (codecs.BOM_UTF16_BE, "text saved as UTF-16"),
)
_SAVE_AS = "save the table as CSV in UTF-8 (in Excel: 'CSV UTF-8')"
_LINES_SHOWN = 10


def read_bytes(source: str) -> bytes:
    """Return the content of the file ``source``; refuse one above the limit."""
    try:
        with open(source, "rb") as stream:
            data = stream.read(LIMIT_MB * 1_000_000 + 1)
    except FileNotFoundError:
        problem = Problem("there is no such file", "check the path", file=source)
    except IsADirectoryError:
        problem = Problem("this is a folder", "name the table inside it", file=source)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        problem = Problem(f"the file cannot be read: {reason}", "check the path", file=source)
    else:
        if len(data) <= LIMIT_MB * 1_000_000:
            return data
        problem = Problem(
            f"the file is larger than {LIMIT_MB} MB, the limit for a table",
            "keep one row for each published figure, without data on single people",
            file=source,
        )
    raise DataError([problem])


def decode(data: bytes, *, source: str) -> str:
    """Return UTF-8 ``data`` as text, without a byte-order mark."""
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise DataError([Problem(f"this is {what}, not a CSV table", _SAVE_AS, file=source)])
    zero = data.find(b"\0")
    if zero >= 0:
        line = len(data[: zero + 1].splitlines())
        message = "the file holds a NUL byte, so it is not a text file in UTF-8"
        raise DataError([Problem(message, _SAVE_AS, file=source, line=line)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(_undecodable(data, source)) from None
    if found := control_character(text):
        character, place = found
        line = len(text[: place + 1].splitlines())
        message = f"the file holds the control character {character}, which no page shows"
        raise DataError([Problem(message, "delete it", file=source, line=line)])
    return text


def _undecodable(data: bytes, source: str) -> list[Problem]:
    problems = []
    # Line by line is safe: no multi-byte character of UTF-8 contains a line end.
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start : error.start + 1]
            windows = byte.decode("cp1252", errors="ignore")
            hint = f" ('{windows}' in Windows-1252)" if windows.isprintable() and windows else ""
            message = f"byte 0x{byte.hex().upper()}{hint} at byte {error.start + 1} is not UTF-8"
            problems.append(Problem(message, _SAVE_AS, file=source, line=number))
    more = len(problems) - _LINES_SHOWN
    if more > 0:
        problems[_LINES_SHOWN:] = [Problem(f"and {more:,} more such lines", file=source)]
    return problems
