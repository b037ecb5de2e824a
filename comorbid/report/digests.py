"""The bytes of a report: digests of its pages and drawings, and the platform they hold on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from comorbid.document.blocks import Figure
from comorbid.document.document import Document

PDF = ".pdf"
"""The ending of the one kind of page that depends on the libraries of the system."""


def figures_of(document: Document) -> Iterator[tuple[str, Figure]]:
    """Yield each figure of a document with its name: number and section."""
    number = 0
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                number += 1
                yield f"Figure {number} (section {section.title})", block


def figure_digests(document: Document) -> list[str]:
    """Return the sha256 of each figure's SVG, in the order of their numbers."""
    return [sha256(figure.svg.encode()).hexdigest() for _, figure in figures_of(document)]


def page_digests(pages: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of each page by the name of its file."""
    return {name: sha256(content).hexdigest() for name, content in pages.items()}


def unequal_facts(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Return the facts that a page depends on and that two platforms do not share.

    Parameters
    ----------
    name : str
        Of the page's file.
    was, now : mapping
        Entries ``bytes`` of two locks.

    Returns
    -------
    dict
        What each of the two has, by fact; empty if the bytes of the page must be equal.
    """
    unequal = {}
    for group in ("pages", "pdf") if name.endswith(PDF) else ("pages",):
        left, right = was["platform"][group], now["platform"][group]
        for fact in dict.fromkeys([*left, *right]):
            if left.get(fact) != right.get(fact):
                unequal[fact] = left.get(fact, "none"), right.get(fact, "none")
    return unequal


def keep_digests(old: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return a new lock with the old one's ``bytes``, if all else is the same and they hold.

    What cannot be compared, because it was made on another platform, is kept.
    """
    if {**old, "bytes": None} != {**new, "bytes": None} or _outdated(old["bytes"], new["bytes"]):
        return new
    return {**new, "bytes": old["bytes"]}


def _outdated(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the digests of an equal platform are others, or lack a page that can be made now."""
    if was["platform"]["pages"] != now["platform"]["pages"]:
        return False
    return was["figures"] != now["figures"] or any(
        name not in was["files"]
        or (was["files"][name] != digest and not unequal_facts(name, was, now))
        for name, digest in now["files"].items()
    )
