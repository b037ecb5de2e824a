"""Drawings: whether an SVG holds all it shows, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree import ElementTree

_RUNS = {"script", "handler", "listener"}
_FOREIGN = {"foreignobject", "iframe", "object", "embed", "audio", "video", "link"}
_ADDRESSES = {"href", "src", "data"}
_ANIMATED = {"to", "from", "by", "values"}
_OWN = re.compile(r"\s*(#|data:image/)", re.IGNORECASE)
_URL = re.compile(r"url\(\s*[\"']?([^\"')]*)", re.IGNORECASE)
# Beside these a declaration only names the kind of document.
_DECLARATIONS = re.compile(r"<!ENTITY|<!DOCTYPE[^>]*\[|<\?xml-stylesheet", re.IGNORECASE)


def drawing_problems(svg: str) -> list[str]:
    """Return what a drawing may not hold: scripts, and what would be fetched from elsewhere.

    A page shows a drawing as a picture, in which neither works; a drawing that wants them is
    refused all the same, since it would not show what its author saw.

    Examples
    --------
    >>> picture = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
    >>> drawing_problems(picture.format('<path d="M0 0h9" fill="url(#dots)"/>'))
    []
    >>> drawing_problems(picture.format('<image href="file:///secret.png"/>'))
    ["it asks for 'file:///secret.png'"]
    """
    if found := _DECLARATIONS.search(svg):
        return [f"it has {found[0][:40]}"]
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 (a drawing with entities is refused above)
    except ElementTree.ParseError as error:
        return [f"it is no well-formed SVG ({error})"]
    problems = [problem for element in root.iter() for problem in _of_element(element)]
    return list(dict.fromkeys(problems))


def _of_element(element: ElementTree.Element) -> Iterator[str]:
    name = _local(element.tag)
    if name in _RUNS | _FOREIGN:
        yield f"it has a {name}"
    if name == "style" and element.text:
        yield from _of_css(element.text)
    animated = _local(element.get("attributeName", "").rpartition(":")[2])
    if animated in _ADDRESSES and any(_local(key) in _ANIMATED for key in element.attrib):
        yield "it animates an address"
    for key, value in element.attrib.items():
        attribute = _local(key)
        if attribute.startswith("on"):
            yield f"it runs {attribute}"
        elif attribute in _ADDRESSES and not _OWN.match(value):
            yield f"it asks for {value[:80]!r}"
        elif "(" in value or "@" in value:
            yield from _of_css(value)


def _of_css(text: str) -> Iterator[str]:
    if "@import" in text.lower():
        yield "it has an @import"
    for target in _URL.findall(text):
        if not _OWN.match(target) and target:
            yield f"it asks for {target[:80]!r}"


@lru_cache(maxsize=1_000)
def _local(name: object) -> str:
    return name.rpartition("}")[2].lower() if isinstance(name, str) else ""
