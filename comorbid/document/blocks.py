"""The blocks a document is made of: frozen values that say what, never how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comorbid.document.runs import (
    Cite as Cite,
    Inline as Inline,
    Jump as Jump,
    Link as Link,
    Ref as Ref,
    Strong as Strong,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section, whose own title is level 1.

    Parameters
    ----------
    text : str
    level : {2, 3}

    Examples
    --------
    >>> Heading("Sources", level=3).level
    3
    """

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph.

    Parameters
    ----------
    text : str or tuple
        A string, or a tuple of strings, `Strong`, `Link`, `Cite` and `Ref`.

    Examples
    --------
    >>> Paragraph("Six studies were pooled.").text
    'Six studies were pooled.'
    """

    text: str | tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """An unordered list.

    Parameters
    ----------
    items : tuple
        One string, or tuple of strings, `Strong`, `Link`, `Cite` and `Ref`, an item.

    Examples
    --------
    >>> len(Items(("first", ("second, with a ", Strong("weight")))).items)
    2
    """

    items: tuple[str | tuple[Inline, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Parameters
    ----------
    header : tuple of str
        One name a column.
    rows : tuple of tuple of str
        Cells as they print; each row as long as the header. The first cell heads its row.
    caption : str
        What the table shows.
    numeric : tuple of str
        Names of the columns that are aligned as numbers.
    note : str
        Printed small below the table.
    name : str
        What a `Ref` calls it, kebab-case and unique in the document; not printed.

    Raises
    ------
    ValueError
        If a row is longer or shorter than the header, ``numeric`` names no column, or the name is
        not kebab-case.

    Examples
    --------
    >>> table = Table(("Study", "OR"), (("Ashina 2018", "2.10"),), "Effects", numeric=("OR",))
    >>> table.rows[0][1]
    '2.10'
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    numeric: tuple[str, ...] = ()
    note: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        ragged = [row for row in self.rows if len(row) != len(self.header)]
        if ragged:
            raise ValueError(f"a row has {len(ragged[0])} cells, the header {len(self.header)}")
        unknown = set(self.numeric) - set(self.header)
        if unknown:
            raise ValueError(f"numeric names no column of the table: {sorted(unknown)}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with the words that stand for it.

    Parameters
    ----------
    svg : str
        A whole SVG document.
    alt : str
        What a reader who cannot see it needs to know, computed from the same numbers.
    caption : str
        What the figure shows.
    name : str
        What a `Ref` calls it, kebab-case and unique in the document; not printed.
    parts : tuple of Figure
        The same drawing in parts that each fit on a page, where the whole does not.

    Raises
    ------
    ValueError
        If the name is not kebab-case.

    Examples
    --------
    >>> drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    >>> Figure(drawing, alt="An empty square.").alt
    'An empty square.'
    """

    svg: str
    alt: str
    caption: str = ""
    name: str = ""
    parts: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        _check_name(self.name)

    def save(self, path: str | Path) -> None:
        """Write the SVG to ``path``."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True)
class Note:
    """A finding that must not be overlooked.

    Parameters
    ----------
    text : str or tuple
        A string, or a tuple of strings, `Strong`, `Link`, `Cite` and `Ref`.
    kind : {"caution", "information"}
        A caution about data or result, or plain news.
    title : str
        Printed above it.

    Examples
    --------
    >>> Note("One study: nothing is pooled.").kind
    'caution'
    """

    text: str | tuple[Inline, ...]
    kind: Literal["caution", "information"] = "caution"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of the references, as it prints.

    Parameters
    ----------
    key : str
        What a `Cite` calls it.
    text : tuple
        Strings and `Link`.
    doi : str
        The paper's DOI, if the entry has one.

    Examples
    --------
    >>> Reference("higgins2002", ("Higgins JPT, Thompson SG. ...",)).key
    'higgins2002'
    """

    key: str
    text: tuple[str | Link, ...]
    doi: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """The numbered list of what the document cites.

    A section returns it empty: it cannot know what others cite. The entries are put in when all
    sections are built, in the order in which they are first cited.

    Parameters
    ----------
    entries : tuple of Reference

    Examples
    --------
    >>> References().entries
    ()
    """

    entries: tuple[Reference, ...] = ()


Block = Heading | Paragraph | Items | Table | Figure | Note | References


def _check_name(name: str) -> None:
    if not name:
        return
    from comorbid.studies.columns import TABLE_NAME  # with pandas, which figures do not need

    if not TABLE_NAME.fullmatch(name):
        raise ValueError(
            f"the name {name!r} is not kebab-case: use lower-case letters and digits with single "
            "hyphens between, as in studies-pooled"
        )
