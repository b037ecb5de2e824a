"""Flattening: a drawing of matplotlib without what costs a printer of pages time and shows nothing.

Groups that only name what they hold are opened, styles become attributes, which are read faster,
and marks that are defined once and used again are drawn where they are used.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_SHEET = '<style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>'
_NOT_SHOWN = {f"{_SVG}{tag}" for tag in ("title", "metadata", "style")}
_STYLED = {f"{_SVG}{tag}" for tag in ("path", "use", "g")}


def flat(svg: str) -> str:
    """Return a drawing of matplotlib that looks the same and is drawn faster; others as they are.

    Parameters
    ----------
    svg : str
        A whole SVG document.

    Returns
    -------
    str
        A whole SVG document, without its title and metadata.

    Examples
    --------
    >>> import comorbid as cb
    >>> figure = cb.figures.forest(cb.pool(cb.Effects(yi=[0.1, 0.3], vi=[0.2, 0.1])))
    >>> "style=" in figure.svg, "style=" in flat(figure.svg)
    (True, False)
    """
    if _SHEET not in svg or svg.count("<style") > 1:
        return svg
    try:
        root = ET.fromstring(svg)  # noqa: S314 the printer of pages parses it the same way
    except ET.ParseError:
        # The printer says what is wrong with it, and in which figure.
        return svg
    for node in root.iter():
        if node.tag in _STYLED:
            node.attrib.update(_properties(node.attrib.pop("style", "")))
    marks = {f"#{node.get('id')}": node for node in root.iter(f"{_SVG}path") if node.get("id")}
    _open(root, marks)
    root.attrib.update(_properties("stroke-linejoin: round; stroke-linecap: butt"))
    return ET.tostring(root, encoding="unicode")


def _properties(style: str) -> dict[str, str]:
    """Return the properties of a style by their names."""
    parts = (part.partition(":") for part in style.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in parts}


def _open(node: ET.Element, marks: Mapping[str, ET.Element]) -> None:
    """Replace groups below a node by what they hold, and used marks by marks."""
    node[:] = [shown for child in node for shown in _shown(child, marks)]


def _shown(node: ET.Element, marks: Mapping[str, ET.Element]) -> Iterator[ET.Element]:
    """Yield what stands for a node."""
    if node.tag in _NOT_SHOWN:
        return
    _open(node, marks)
    if node.tag == f"{_SVG}g" and set(node.attrib) <= {"id"}:
        yield from node
    elif node.tag == f"{_SVG}use" and node.get(_LINK) in marks and "transform" not in node.attrib:
        yield _mark(node.attrib, marks[node.attrib[_LINK]])
    elif node.tag != f"{_SVG}defs" or len(node):
        yield node


def _mark(used: Mapping[str, str], mark: ET.Element) -> ET.Element:
    """Return a mark where it is used: its own style goes before that of its use."""
    place = f"translate({used.get('x', '0')} {used.get('y', '0')}) {mark.get('transform', '')}"
    own = {name: value for name, value in mark.attrib.items() if name != "id"}
    around = {name: value for name, value in used.items() if name not in ("x", "y", "id", _LINK)}
    return ET.Element(mark.tag, {**around, **own, "transform": place.strip()})
