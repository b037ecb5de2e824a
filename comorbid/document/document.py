"""The document: titled sections of blocks, before anyone decides how it looks."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from comorbid.document.blocks import Block

Paper = Literal["A4", "letter"]
"""What a report can be printed on."""


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """One section of a document.

    Parameters
    ----------
    id : str
        Kebab-case; unique in the document, the target of links and bookmarks.
    title : str
        Printed as a level 1 heading and in the contents.
    blocks : tuple of Block
        What the section says.
    origin : str
        ``plugin@version`` of the distribution that wrote it.

    Examples
    --------
    >>> import comorbid as cb
    >>> blocks = (cb.Paragraph("Six studies were pooled."),)
    >>> cb.DocumentSection("summary", "Summary", blocks, "comorbid@0.1.0").title
    'Summary'
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report as a value.

    Parameters
    ----------
    title : str
        The report's title.
    date : datetime.date
        The date the report stands for, from its definition; never the clock.
    sections : tuple of DocumentSection
        In the order printed. The first is page one.
    subtitle : str
        One line below the title.
    language : str
        BCP 47 language tag.
    paper : {"A4", "letter"}
        What it is laid out for in print.
    attachments : mapping of str to bytes
        Files to put into a page that can hold some, as a PDF can: name, and content.

    Examples
    --------
    >>> import datetime
    >>> import comorbid as cb
    >>> cb.Document("A report", datetime.date(2026, 1, 31), ()).language
    'en'
    """

    title: str
    date: datetime.date
    sections: tuple[DocumentSection, ...]
    subtitle: str = ""
    language: str = "en"
    paper: Paper = "A4"
    attachments: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
