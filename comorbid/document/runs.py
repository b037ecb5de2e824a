"""The runs that text is made of: strings, and what stands inside a sentence beside them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strong:
    """A run of text inside a paragraph that carries the weight of the sentence.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.Paragraph(("The interval is ", Strong("impossible"), ".")).text[1].text
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


@dataclass(frozen=True, slots=True, init=False)
class Cite:
    """A citation: prints as ``[3]`` or ``[3, 5]`` and leads to the entries in the references.

    The numbers follow the first appearance in the document. An entry comes from the bibliography
    of comorbid or from the report's own, ``references = "references.bib"`` in ``report.toml``.

    Parameters
    ----------
    keys : tuple of str
        Of the entries, given one after the other: ``Cite("knapp2003", "higgins2002")``.

    Raises
    ------
    ValueError
        If there is no key.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.Paragraph(("Heterogeneity is described by I² ", Cite("higgins2002"), ".")).text[1].keys
    ('higgins2002',)
    """

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        if not keys or not all(key.strip() for key in keys):
            raise ValueError("a citation needs the keys of entries, such as Cite('higgins2002')")
        object.__setattr__(self, "keys", tuple(dict.fromkeys(keys)))


@dataclass(frozen=True, slots=True)
class Ref:
    """A cross-reference: prints as ``Figure 3`` or ``Table 2`` and leads there.

    Parameters
    ----------
    name : str
        The ``name`` of a `Figure` or `Table` in the same document; best one of the same section,
        which a report can't leave out.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.Paragraph(("The studies stand in ", Ref("studies-pooled"), ".")).text[1].name
    'studies-pooled'
    """

    name: str


@dataclass(frozen=True, slots=True)
class Jump:
    """A run of text that leads to a place in the document; made by `numbered`.

    Parameters
    ----------
    text : str
    target : str
        Id of the place: ``figure.3``, ``table.2``, ``reference.5``.

    Examples
    --------
    >>> Jump("Figure 3", "figure.3").target
    'figure.3'
    """

    text: str
    target: str


Inline = str | Strong | Link | Cite | Ref | Jump
