"""Reading a drawn figure back from its SVG, and what holds for every SVG.

A position on the page is turned back into a value with nothing but two tick labels, as a reader
with a ruler would.
"""

from __future__ import annotations

import gzip
import html
import itertools
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.document.blocks import Figure
from comorbid.document.figures.canvas import INK, MUTED, PAPER, SHADE, text_width
from comorbid.document.figures.lettering import UNITS

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
GOLDEN = Path(__file__).parent.parent / "golden" / "data"


@dataclass(frozen=True)
class Words:
    """A piece of text: left end and baseline in points from the top left, and its font."""

    text: str
    x: float
    y: float
    size: float
    bold: bool
    turned: bool

    @property
    def right(self) -> float:
        return self.x + text_width(self.text, size=self.size, bold=self.bold)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom, from the height of a capital to the end of a g."""
        up, down = 0.68 * self.size, 0.2 * self.size
        if self.turned:
            return self.x - up, self.y - (self.right - self.x), self.x + down, self.y
        return self.x, self.y - up, self.right, self.y + down


class Picture:
    """A figure as its SVG draws it."""

    def __init__(self, figure: Figure) -> None:
        parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
        self.root = ET.fromstring(figure.svg, parser=parser)
        self.width, self.height = (float(self.root.attrib[n][:-2]) for n in ("width", "height"))

    @cached_property
    def names(self) -> dict[str, ET.Element]:
        return {g.attrib["id"]: g for g in self.root.iter(f"{SVG}g") if "id" in g.attrib}

    def drawn(self, kind: str) -> list[str]:
        """Return the ids of one kind of mark, in the order of the rows."""
        numbers = [int(n.split("-")[-1]) for n in self.names if re.fullmatch(rf"{kind}-\d+", n)]
        return [f"{kind}-{number}" for number in sorted(numbers)]

    def paths(self, name: str) -> list[np.ndarray[Any, Any]]:
        """Return the corners of each path of a mark."""
        found = [path.attrib["d"] for path in self.names[name].iter(f"{SVG}path")]
        return [np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", d), dtype=float) for d in found]

    def corners(self, name: str) -> np.ndarray[Any, Any]:
        (path,) = self.paths(name)
        return path

    def middle(self, name: str) -> tuple[float, float]:
        corners = self.corners(name)
        x, y = (corners.min(axis=0) + corners.max(axis=0)) / 2
        return float(x), float(y)

    def interval(self, y: float) -> tuple[float, float]:
        """Return the ends of the interval at this height."""
        (path,) = [path for path in self.paths("intervals") if abs(path[0, 1] - y) < 0.05]
        return float(path[0, 0]), float(path[1, 0])

    @cached_property
    def words(self) -> list[Words]:
        return list(self._words(self.root))

    def _words(self, root: ET.Element) -> Iterator[Words]:
        for name, group in self.names.items():
            if not name.startswith("text_"):
                continue
            comment, drawn = list(group)[:2]
            place = re.search(
                r"translate\((\S+) (\S+)\)(?: rotate\(\S+\))?", drawn.attrib["transform"]
            )
            size = re.search(r"scale\((\S+) ", drawn.attrib["transform"])
            assert place is not None
            assert size is not None
            uses = [use.attrib[f"{XLINK}href"] for use in drawn.iter(f"{SVG}use")]
            assert all(re.fullmatch(r"#[rb][0-9a-f]+(-part-\d+)?", use) for use in uses)
            yield Words(
                html.unescape(str(comment.text))[1:-1],
                float(place[1]),
                float(place[2]),
                UNITS * float(size[1]),
                any(use.startswith("#b") for use in uses),
                "rotate(-90)" in drawn.attrib["transform"],
            )

    def find(self, text: str) -> Words:
        (found,) = [words for words in self.words if words.text.strip("\N{FIGURE SPACE} ") == text]
        return found

    def line_of(self, y: float) -> list[str]:
        """Return the texts on the row whose middle is at this height, from the left."""
        on_row = [words for words in self.words if abs(words.y - 0.33 * words.size - y) < 1.5]
        return [w.text.strip("\N{FIGURE SPACE} ") for w in sorted(on_row, key=lambda w: w.x)]

    @cached_property
    def ticks(self) -> list[tuple[float, str, Words]]:
        """Return position, label and its text, from the left."""
        found = []
        for name, group in self.names.items():
            if name.startswith("xtick_"):
                use = next(group.iter(f"{SVG}use"))
                (label,) = self._words_in(group)
                found.append((float(use.attrib["x"]), label.text, label))
        return sorted(found, key=lambda tick: tick[0])

    def _words_in(self, group: ET.Element) -> Iterator[Words]:
        inside = {g.attrib.get("id") for g in group.iter(f"{SVG}g")}
        texts = [name for name in self.names if name.startswith("text_")]
        return (words for name, words in zip(texts, self.words, strict=True) if name in inside)

    def scale(self, *, log: bool = True) -> Callable[[float], float]:
        """Return the function from a position to a value of the analysis scale."""
        (a, first, _), (b, last, _) = self.ticks[0], self.ticks[-1]
        low, high = (float(text.replace("−", "-")) for text in (first, last))
        if log:
            low, high = math.log(low), math.log(high)
        return lambda x: low + (x - a) / (b - a) * (high - low)


def golden(name: str, measure: str) -> Any:
    """Return the results of R for one data set."""
    with gzip.open(GOLDEN / f"dat.{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)["analyses"][measure]


def bcg(count: int = 13, measure: str = "OR") -> cb.Effects:
    """Return the BCG trials (Colditz 1994), as metafor's dat.bcg has them."""
    data = golden("bcg", measure)
    scale = "identity" if measure == "RD" else "log"
    effects = cb.Effects(
        yi=data["yi"], vi=data["vi"], labels=data["slab"], measure=measure, scale=scale
    )
    return effects.take(range(count))


def primary() -> cb.Fit:
    """Return the fit of the bundled review, its two doubtful intervals replaced by counts."""
    reason = "The printed interval is not that of a sample."
    overrides = [
        cb.Override(estimate, use="counts", reason=reason)
        for estimate in ("ghandour2004-1", "swain2014-1")
    ]
    return cb.pool(cb.effects(cb.datasets.headache_back_pain(), overrides=overrides))


def simulated(k: int) -> cb.Effects:
    """Return effects simulated with a fixed seed: log odds ratios around 0.6."""
    random = np.random.default_rng(20260131)
    vi = np.exp(random.normal(-3.5, 1.2, k))
    yi = random.normal(0.6, 0.3, k) + random.normal(0, np.sqrt(vi))
    labels = [f"Simulated {i + 1}" for i in range(k)]
    return cb.Effects(yi=yi, vi=vi, labels=labels, measure="OR")


def every_figure() -> list[Figure]:
    """Return one figure of each kind."""
    fit = cb.pool(bcg())
    effects = bcg()
    grouped = cb.Effects(
        yi=effects.yi,
        vi=effects.vi,
        labels=effects.labels,
        measure="OR",
        moderators={"before 1960": [label < "F" for label in effects.labels]},
    )
    return [
        cb.figures.forest(fit),
        cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit),
        cb.figures.subgroups(cb.subgroups(grouped, by="before 1960")),
        cb.figures.funnel(fit),
    ]


def test_svg_is_whole_dated_nowhere_and_names_no_program() -> None:
    for figure in every_figure():
        assert ET.fromstring(figure.svg).tag == f"{SVG}svg"
        assert "<dc:date>" not in figure.svg
        assert "Matplotlib v" not in figure.svg
        assert "<text" not in figure.svg
        assert not any(line != line.rstrip() for line in figure.svg.splitlines())


def test_svg_carries_the_alternative_text_by_itself() -> None:
    for figure in every_figure():
        root = ET.fromstring(figure.svg)
        (description,) = root.iter("{http://purl.org/dc/elements/1.1/}description")
        assert description.text == figure.alt


def assert_printable(figure: Figure) -> None:
    """Check that the figure has its words, nothing leaves the page and no texts overlap."""
    picture = Picture(figure)
    if figure.parts:
        ids = [element.attrib["id"] for element in picture.root.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids))
        assert picture.height == pytest.approx(sum(Picture(p).height for p in figure.parts), 1e-5)
        assert figure.alt == figure.parts[0].alt
        for part in figure.parts:
            assert_printable(replace(part, caption=figure.caption))
        return
    (description,) = picture.root.iter("{http://purl.org/dc/elements/1.1/}description")
    assert description.text == figure.alt
    assert figure.caption
    ids = [element.attrib["id"] for element in picture.root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert picture.width == pytest.approx(170 / 25.4 * 72)
    boxes = [(words.box, words.text) for words in picture.words]
    for (left, top, right, bottom), text in boxes:
        assert 0 <= left < right <= picture.width, text
        assert 0 <= top < bottom <= picture.height, text
    for ((a, b, c, d), text), ((e, f, g, h), other) in itertools.combinations(boxes, 2):
        assert c <= e or g <= a or d <= f or h <= b, (text, other)


def test_every_figure_can_be_printed() -> None:
    for figure in [*every_figure(), cb.figures.forest(cb.pool(simulated(60)))]:
        assert_printable(figure)


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("color", "least"), [(INK, 4.5), (MUTED, 4.5), (SHADE, 3.0)])
def test_colours_stand_out_from_the_paper(color: str, least: float) -> None:
    # WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for graphics (1.4.11).
    assert (luminance(PAPER) + 0.05) / (luminance(color) + 0.05) >= least


def test_the_font_has_latin_greek_and_cyrillic() -> None:
    labels = ["Çelik & Łukasz", "Δοκιμή", "Пример"]
    effects = cb.Effects(yi=[0.1, 0.2, 0.3], vi=[0.1] * 3, labels=labels)
    picture = Picture(cb.figures.forest(cb.pool(effects)))
    assert [picture.find(label).text for label in labels] == labels


def test_a_character_the_font_lacks_is_a_box_and_a_warning() -> None:
    effects = cb.Effects(yi=[0.1, 0.2], vi=[0.1, 0.1], labels=["渡辺 2005", "B"])
    fit = cb.pool(effects)
    with pytest.warns(cb.DataWarning, match="'渡辺 2005'.* no '渡', '辺'"):
        figure = cb.figures.forest(fit)
    assert Picture(figure).find("□□ 2005").x > 0
    assert "渡辺 2005" in figure.alt
