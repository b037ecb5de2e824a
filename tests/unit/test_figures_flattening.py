"""A drawing without its groups shows the same shapes and words, at the same places."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from test_figures_every import FIGURES, figure
from test_figures_svg import SVG

from comorbid.document.figures.flattening import flat
from comorbid.document.figures.lettering import as_text

LINK = "{http://www.w3.org/1999/xlink}href"


def shapes(svg: str) -> list[tuple[str, str]]:
    """Return the outlines that a drawing shows, in their order, and where those used again are."""
    root = ET.fromstring(svg)
    defined = {
        f"#{node.attrib['id']}": node for node in root.iter(f"{SVG}path") if "id" in node.attrib
    }
    found = []
    for node in root.iter():
        if node.tag == f"{SVG}use":
            mark = defined[node.attrib[LINK]]
            place = f"translate({node.attrib['x']} {node.attrib['y']})"
            found.append((" ".join(mark.attrib["d"].split()), place))
        elif node.tag == f"{SVG}path" and "id" not in node.attrib:
            found.append((" ".join(node.attrib["d"].split()), node.attrib.get("transform", "")))
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_shows_the_same_without_its_groups(name: str) -> None:
    before = as_text(figure(name).svg, "Any name")
    after = flat(before)
    root = ET.fromstring(after)
    assert not [g for g in root.iter(f"{SVG}g") if set(g.attrib) <= {"id"}]
    assert "style" not in {key for node in root.iter() for key in node.attrib}
    assert shapes(after) == shapes(before)
    words = [
        [(text.text, text.attrib) for text in ET.fromstring(svg).iter(f"{SVG}text")]
        for svg in (before, after)
    ]
    assert words[0] == words[1] != []


def test_a_style_becomes_attributes_and_that_of_a_mark_goes_first() -> None:
    sheet = '<style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>'
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<defs>{sheet}<path id="m" d="M 0 0" style="fill: #111111"/></defs><g id="a"><g>'
        '<use xlink:href="#m" x="1" y="2" style="fill: #222222; stroke: #333333"/></g></g></svg>'
    )
    root = ET.fromstring(flat(svg))
    assert root.attrib == {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    assert root[-1].attrib == {
        "d": "M 0 0",
        "fill": "#111111",
        "stroke": "#333333",
        "transform": "translate(1 2)",
    }


def test_a_drawing_with_another_style_sheet_stays() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><style>*{fill: red}</style><g id="a"/></svg>'
    assert flat(svg) == svg


def test_a_broken_drawing_stays_for_the_printer_to_report() -> None:
    broken = figure("forest").svg.replace("</svg>", "")
    assert flat(broken) == broken
