"""The blocks a document is made of: frozen values that say what, never how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Strong:
    """A run of text inside a paragraph that carries the weight of the sentence.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> Paragraph(("The interval is ", Strong("impossible"), ".")).text[1].text
    'impossible'
    """

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A run of text that leads to a web address.

    Parameters
    ----------
    text : str
    url : str
        Where it leads; ``https`` only.

    Raises
    ------
    ValueError
        If the address is another.

    Examples
    --------
    >>> Link("Sterne 2011", "https://doi.org/10.1136/bmj.d4002").url
    'https://doi.org/10.1136/bmj.d4002'
    """

    text: str
    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError(f"a link needs an https address, not {self.url!r}")


Inline = str | Strong | Link


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
        A string, or a tuple of strings, `Strong` and `Link`.

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
        One string, or tuple of strings, `Strong` and `Link`, an item.

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

    Raises
    ------
    ValueError
        If a row is longer or shorter than the header, or ``numeric`` names no column.

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

    def __post_init__(self) -> None:
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

    Examples
    --------
    >>> drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    >>> Figure(drawing, alt="An empty square.").alt
    'An empty square.'
    """

    svg: str
    alt: str
    caption: str = ""

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
        A string, or a tuple of strings, `Strong` and `Link`.
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


Block = Heading | Paragraph | Items | Table | Figure | Note
