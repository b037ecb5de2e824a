"""A PDF taken apart: the files attached to it and the words on its pages.

The only importer of pypdf. Nothing in a file is executed, and nothing is believed about it.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from comorbid.errors import Problem, ReportError


def attachments_of(pdf: bytes, *, file: str) -> dict[str, bytes]:
    """Return the files attached to a PDF, by name.

    Parameters
    ----------
    pdf : bytes
        The file.
    file : str
        What errors call it.

    Returns
    -------
    dict of str to bytes
        Empty if nothing is attached. Names are as they stand in the file: check them before use.

    Raises
    ------
    ReportError
        If the file is no PDF, damaged or encrypted, or two attachments share a name.
    """
    found: dict[str, bytes] = {}
    with _opened(pdf, file) as reader:
        for entry in reader.attachment_list:
            name = str(entry.alternative_name or entry.name)
            if name in found:
                raise ReportError([Problem(f"has two attachments {name!r}", _RESTORE, file=file)])
            found[name] = bytes(entry.content)
    return found


def words_of(pdf: bytes, *, file: str) -> list[str]:
    """Return the words on the pages of a PDF, running heads and page numbers left out.

    Raises
    ------
    ReportError
        If the file is no PDF, damaged or encrypted.
    """
    with _opened(pdf, file) as reader:
        return [word for page in reader.pages for word in _text(page).split()]


def margins_of(pdf: bytes, *, file: str) -> set[str]:
    """Return the words of the running heads and feet of a PDF, its page numbers left out.

    Raises
    ------
    ReportError
        If the file is no PDF, damaged or encrypted.
    """
    with _opened(pdf, file) as reader:
        words = {word for page in reader.pages for word in _text(page, artifacts=True).split()}
        return words - {str(i + 1) for i in range(len(reader.pages))}


def laid_over(pdf: bytes, *, file: str) -> set[str]:
    """Return the kinds of annotations that lie on the pages of a PDF, such as ``/Link``.

    Raises
    ------
    ReportError
        If the file is no PDF, damaged or encrypted.
    """
    with _opened(pdf, file) as reader:
        return {
            str(entry.get_object().get("/Subtype"))
            for page in reader.pages
            for entry in page.get("/Annots", ()) or ()
        }


_RESTORE = "restore the file, or build it again"


@contextmanager
def _opened(pdf: bytes, file: str) -> Iterator[Any]:
    """Give a reader; whatever pypdf raises on a damaged file becomes a `ReportError`."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    logger = logging.getLogger("pypdf")  # it would print what the error says better
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    encrypted = ReportError([Problem("is encrypted", "verify the file as it was built", file=file)])
    try:
        try:
            reader = PdfReader(io.BytesIO(pdf))
        except DependencyError as error:  # it knows no way to read this encryption
            raise encrypted from error
        if reader.is_encrypted:
            raise encrypted
        yield reader
    except ReportError:
        raise
    except Exception as error:
        message = f"is no PDF, or damaged: {type(error).__name__}: {error}"
        raise ReportError([Problem(message, _RESTORE, file=file)]) from error
    finally:
        logger.setLevel(level)


def _text(page: Any, *, artifacts: bool = False) -> str:
    """Return the text of a page that is part of its content, or that which is not."""
    open_artifacts: list[bool] = []
    parts: list[str] = []

    def mark(operator: bytes, operands: Any, _matrix: Any, _text_matrix: Any) -> None:
        if operator in (b"BMC", b"BDC"):
            open_artifacts.append(operands[0] == "/Artifact")
        elif operator == b"EMC" and open_artifacts:
            open_artifacts.pop()

    def take(text: str, _matrix: Any, _text_matrix: Any, _font: Any, _size: Any) -> None:
        if any(open_artifacts) is artifacts:
            parts.append(text)

    page.extract_text(visitor_operand_before=mark, visitor_text=take)
    return "".join(parts)
