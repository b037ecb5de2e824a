"""The influence plot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_figures_svg import Picture, Words, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.influence_plot import influence_plot
from comorbid.sensitivity.influence import influence

# Our names, and those of influence.rma.uni() of metafor.
PANELS = {
    "rstudent": "rstudent",
    "dffits": "dffits",
    "cook_d": "cook.d",
    "cov_r": "cov.r",
    "tau2_del": "tau2.del",
    "q_del": "QE.del",
    "hat": "hat",
    "weight": "weight",
}


def ticks(picture: Picture, panel: str) -> list[tuple[float, Words]]:
    """Return place and label of the ticks of a panel, from the left."""
    found = []
    for group in picture.names[f"panel-{panel}"].iter():
        if group.attrib.get("id", "").startswith("xtick_"):
            use = next(e for e in group.iter() if e.tag.endswith("use"))
            (label,) = picture._words_in(group)
            found.append((float(use.attrib["x"]), label))
    return sorted(found, key=lambda tick: tick[0])


def ruler(picture: Picture, panel: str) -> Callable[[float], float]:
    """Return the function from a place on the page to a value of a panel."""
    (a, first), *_, (b, last) = ticks(picture, panel)
    low, high = (float(words.text.replace("−", "-")) for words in (first, last))
    return lambda x: low + (x - a) / (b - a) * (high - low)


@pytest.mark.parametrize("key", ["REML_z", "DL_z", "EE_z"])
def test_points_stand_where_metafor_puts_them(key: str) -> None:
    # influence() of metafor 5.0-1 on dat.bcg.
    data = golden("bcg", "RR")
    table: dict[str, Any] = data["influence"][key]["inf"]
    fit = cb.pool(bcg(13, "RR"), method=key.removesuffix("_z"), test="z")
    picture = Picture(influence_plot(influence(fit)))
    drawn = [panel for panel, theirs in PANELS.items() if len(set(table[theirs])) > 1]
    assert len(drawn) >= 7
    for panel in drawn:
        value, expected = ruler(picture, panel), table[PANELS[panel]]
        marks = [picture.middle(name) for name in picture.drawn(panel)]
        assert len(marks) == 13
        reach = max(expected) - min(expected)
        assert [value(x) for x, _ in marks] == pytest.approx(expected, abs=1e-3 * reach)
        for (_, y), label in zip(marks, data["slab"], strict=True):
            assert label in picture.line_of(y)


def test_limits_are_those_of_viechtbauer_and_cheung() -> None:
    # Viechtbauer and Cheung 2010, with one coefficient and 13 studies; 0.4549 is the median of the
    # chi-squared distribution with one degree of freedom (qchisq(0.5, 1) of R).
    picture = Picture(influence_plot(influence(cb.pool(bcg()))))
    limits = {
        "rstudent": [-1.95996, 1.95996],
        "dffits": [-3 / np.sqrt(12), 3 / np.sqrt(12)],
        "cook_d": [0.454936],
        "hat": [3 / 13],
    }
    for panel in PANELS:
        names = picture.drawn(f"limit-{panel}")
        value = ruler(picture, panel)
        places = [value(picture.corners(name)[0, 0]) for name in names]
        assert places == pytest.approx(limits.get(panel, []), abs=1e-3)
    usual = {"cov_r": 1.0, "weight": 100 / 13, "hat": 1 / 13, "dffits": 0.0}
    for panel, expected in usual.items():
        x = picture.corners(f"usual-{panel}")[0, 0]
        assert ruler(picture, panel)(x) == pytest.approx(expected, abs=1e-3 * max(expected, 1))


def test_flagged_studies_are_marked_and_named() -> None:
    result = influence(cb.pool(bcg(13, "RR"), method="EE", test="z"))
    figure = influence_plot(result)
    picture = Picture(figure)
    # is.infl of metafor on the same fit.
    expected = golden("bcg", "RR")["influence"]["EE_z"]["is.infl"]
    flagged = [i for i, flag in enumerate(expected) if flag]
    assert 0 < len(flagged) < 13
    assert picture.drawn("flagged") == [f"flagged-{i}" for i in flagged]
    bold = [w.text for w in picture.words if w.text in result.labels and w.bold]
    assert bold == [result.labels[i] for i in flagged]
    assert f"DFBETAS: {'; '.join(bold)}." in figure.alt
    assert f"{len(flagged)} studies pass one" in figure.caption


@pytest.mark.parametrize("k", [2, 3, 13, 40, 120])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    effects = simulated(k) if k > 13 else bcg(k)
    result = influence(cb.pool(effects))
    figure = influence_plot(result, title="A title")
    picture = Picture(figure)
    for panel in PANELS:
        values = getattr(result, panel)
        known = np.flatnonzero(np.isfinite(values))
        assert picture.drawn(panel) == [f"{panel}-{i}" for i in known]
        if known.size and np.ptp(values) > 0:
            assert len(ticks(picture, panel)) >= 2
    ids = [element.attrib["id"] for element in picture.root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    placed = sorted((w.y, w.x, w.right, w.size, w.text) for w in picture.words)
    for i, (y, left, right, size, text) in enumerate(placed):
        assert 0 <= left < right <= picture.width, text
        assert 0 < y < picture.height
        for other_y, other_left, other_right, other_size, other in placed[i + 1 :]:
            if other_y - y >= 0.85 * max(size, other_size):
                break
            assert right <= other_left or other_right <= left, (text, other)
    assert figure == influence_plot(result, title="A title")


@pytest.mark.parametrize("vi", [[1e-12, 1e-6, 1.0, 2.0], [1e-9] * 4, [1e4, 2e4, 3e4, 1e4]])
def test_variances_over_many_orders_of_magnitude(vi: list[float]) -> None:
    effects = cb.Effects(yi=[0.5, 0.7, 0.2, 0.4], vi=vi, measure="OR")
    picture = Picture(influence_plot(influence(cb.pool(effects, test="z"))))
    assert len(picture.drawn("hat")) == 4


def test_incomplete_rows_are_said_once_a_reason() -> None:
    result = influence(cb.pool(bcg(2)))
    figure = influence_plot(result)
    assert "Rows that are incomplete: 2." in figure.alt
    lines = [w.text for w in Picture(figure).words if w.text.startswith("Incomplete: every study")]
    assert len(lines) == 1
    one = dataclasses.replace(influence(cb.pool(bcg(4))), reasons=("", "no fit", "", ""))
    lines = [w.text for w in Picture(influence_plot(one)).words if "no fit" in w.text]
    assert lines == [f"Incomplete: {one.labels[1]} (no fit)."]


def test_one_study_is_refused() -> None:
    with pytest.raises(cb.ModelError, match="one study has no influence"):
        influence_plot(influence(cb.pool(bcg(1))))
