"""What holds for every figure of `comorbid.figures`, from two studies to sixty."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_figures_svg import GOLDEN, PAPER, SVG, Picture, assert_printable, luminance

import comorbid as cb
from comorbid.document.blocks import Figure
from comorbid.document.figures.arms import Axes
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import studies_csv

OR = "Odds ratio, log scale"
LONG = (
    "A name of two hundred characters and more that says who took part in the study, in which "
    "town and hospital, the years of recruitment and how the diagnosis was made by whom, and in "
    "the end the year, number"
)
EVENT, GROUPS = "the event", ("treated", "control")


@cache
def trials(k: int) -> dict[str, list[object]]:
    """Return counts of real trials: up to 13 of BCG (Colditz 1994), else of beta blockers.

    The first are R's dat.bcg, the others the first of dat.yusuf1985 (Yusuf et al. 1985).
    """
    with open(GOLDEN / f"dat.{'bcg' if k <= 13 else 'yusuf1985'}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if k <= 13:
        cells, names, group = ("tpos", "tneg", "cpos", "cneg"), ("author", "year"), "alloc"
        counts = [[int(row[name]) for name in cells] for row in rows]
    else:
        rows = [row for row in rows if row["n1i"].isdigit() and row["n2i"].isdigit()]
        read = [[int(row[name]) for name in ("ai", "n1i", "ci", "n2i")] for row in rows]
        counts, names, group = (
            [[a, n - a, c, m - c] for a, n, c, m in read],
            ("trial", "id"),
            "table",
        )
    table = {
        "label": [", ".join(row[name] for name in names) for row in rows],
        "group": [row[group] for row in rows],
        "x": [float(row[names[1]]) for row in rows],
        **{name: [row[i] for row in counts] for i, name in enumerate(("ai", "bi", "ci", "di"))},
    }
    kept = [i for i in range(len(rows)) if counts[i][0] + counts[i][2] > 0][:k]
    assert len(kept) == k
    return {name: [column[i] for i in kept] for name, column in table.items()}


def tables(k: int) -> dict[str, list[object]]:
    return {name: trials(k)[name] for name in ("label", "ai", "bi", "ci", "di")}


@cache
def effects(k: int, spread: float = 1.0) -> cb.Effects:
    """Return their log odds ratios, further apart or not."""
    data = trials(k)
    found = cb.escalc("OR", **{name: data[name] for name in ("ai", "bi", "ci", "di")})
    return cb.Effects(
        yi=spread * found.yi,
        vi=found.vi,
        labels=data["label"],
        measure="OR",
        moderators={"group": data["group"], "x": data["x"]},
    )


def nested(effects: cb.Effects, **settings: Any) -> cb.Multilevel:
    """Return a multilevel fit of the effects, as if one study gave three, one, two, three ..."""
    sizes = [(3, 1, 2)[i % 3] for i in range(effects.k)]
    names = [f"{LONG if effects.measure == 'MD' else 'Study'} {i}" for i in range(effects.k)]
    studies = [name for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    of = cb.Effects(
        yi=effects.yi,
        vi=effects.vi,
        labels=effects.labels,
        measure=effects.measure,
        studies=studies[: effects.k],
        moderators=effects.moderators,
    )
    return cb.multilevel(of, **settings)


def filled(fit: cb.Fit) -> Figure:
    found = cb.trim_and_fill(fit) if fit.k > 2 else None
    return cb.figures.funnel(fit, contours=(0.9, 0.95, 0.99), filled=found)


def judged(effects: cb.Effects) -> cb.Studies:
    """Return judgements that nobody made: whatever the digits of the effects say."""
    levels = ["low", "some", "high", "critical", "unclear", ""]
    digits = [f"{abs(y):.6e}" for y in effects.yi]
    columns = {
        f"rob_{name}": [levels[int(text[place]) % 6] for text in digits]
        for name, place in (("selection", 2), ("comparability", 3), ("overall", 4))
    }
    text = studies_csv(effects.k, label=list(effects.labels), **columns)
    return studies_from_bytes(text.encode(), source="studies.csv")


# What is drawn of effects: the figure, and what its axes are called.
Make = Callable[[cb.Effects], Figure]
FIGURES: dict[str, tuple[Make, tuple[str, ...]]] = {
    "forest": (lambda e: cb.figures.forest(cb.pool(e)), (OR, "Study", "Weight")),
    "forest of subgroups": (
        lambda e: cb.figures.forest(cb.subgroups(e, by="group")),
        (OR, "Study", "Weight"),
    ),
    "forest of a regression": (
        lambda e: cb.figures.forest(cb.regress(e, "~ x")),
        (OR, "Study", "Fitted", "Weight"),
    ),
    "forest of a multilevel fit": (
        lambda e: cb.figures.forest(nested(e)),
        (OR, "Estimate", "Weight"),
    ),
    "forest of a multilevel fit with moderators": (
        lambda e: cb.figures.forest(nested(e, formula="~ x")),
        (OR, "Estimate", "Fitted", "Weight"),
    ),
    "caterpillar": (
        lambda e: cb.figures.caterpillar(cb.pool(e)),
        ("Ratio to the expected odds ratio, log scale", "Level and group"),
    ),
    "caterpillar of a multilevel fit": (
        lambda e: cb.figures.caterpillar(nested(e)),
        ("Ratio to the expected odds ratio, log scale", "Ratio (95 % interval)"),
    ),
    "at_a_glance": (
        lambda e: cb.figures.at_a_glance(cb.pool(e)),
        (OR, "Average", "95 % prediction interval"),
    ),
    "estimates": (lambda e: cb.figures.estimates(e), (OR, "Estimate")),
    "leave_one_out": (
        lambda e: cb.figures.leave_one_out(cb.leave_one_out(cb.pool(e)), fit=cb.pool(e)),
        (OR, "Study left out", "I²", "τ²"),
    ),
    "leave_one_out of a multilevel fit": (
        lambda e: cb.figures.leave_one_out(cb.leave_one_out(nested(e)), fit=nested(e)),
        (OR, "Study left out", "I²"),
    ),
    "cumulative_forest": (
        lambda e: cb.figures.cumulative_forest(cb.cumulative(cb.pool(e), by="x")),
        (OR, "Study added", "I²", "τ²"),
    ),
    "subgroups": (
        lambda e: cb.figures.subgroups(cb.subgroups(e, by="group")),
        (OR, "Group", "Studies", "I²"),
    ),
    "funnel": (lambda e: cb.figures.funnel(cb.pool(e)), (OR, "Standard error")),
    "funnel with contours": (lambda e: filled(cb.pool(e)), (OR, "Standard error")),
    "radial": (
        lambda e: cb.figures.radial(cb.pool(e), precision="sampling"),
        ("Precision: 1 / standard error", "Log odds ratio × precision", "Odds ratio"),
    ),
    "baujat_plot": (
        lambda e: cb.figures.baujat_plot(cb.baujat(cb.pool(e))),
        (
            "Contribution to heterogeneity (squared Pearson residual)",
            "Influence on the pooled value",
        ),
    ),
    "gosh": (
        lambda e: cb.figures.gosh(cb.subsets(cb.pool(e), limit=3000)),
        ("Pooled odds ratio, log scale", "I²", "Subsets"),
    ),
    "labbe": (
        lambda e: cb.figures.labbe(tables(e.k), fit=cb.pool(e), event=EVENT, groups=GROUPS),
        ("Proportion with the event, control", "Proportion with the event, treated"),
    ),
    "labbe on log axes": (
        lambda e: cb.figures.labbe(
            tables(e.k), fit=cb.pool(e), event=EVENT, groups=GROUPS, axes="log"
        ),
        (
            "Proportion with the event, control, log scale",
            "Proportion with the event, treated, log scale",
        ),
    ),
    "qqnorm": (
        lambda e: cb.figures.qqnorm(cb.rstudent(cb.pool(e))),
        ("Normal quantile", "Standardised deleted residual"),
    ),
    "influence_plot": (
        lambda e: cb.figures.influence_plot(cb.influence(cb.pool(e))),
        ("Study", "Residual", "DFFITS", "Cook’s D", "COVRATIO", "τ² without", "Q without"),
    ),
    "bubble": (lambda e: cb.figures.bubble(cb.regress(e, "~ x")), (OR, "x")),
    "profile": (
        lambda e: cb.figures.profile(cb.pool(e)),
        ("Between-study variance τ²", "Restricted log-likelihood"),
    ),
    "profile of a multilevel fit": (
        lambda e: cb.figures.profile(nested(e, test="t")),
        ("Variance σ² of study_id", "Restricted log-likelihood"),
    ),
    "drapery": (
        lambda e: cb.figures.drapery(cb.pool(e)),
        (OR, "p-value", "Confidence level"),
    ),
    "confounding": (
        lambda e: cb.figures.confounding(cb.pool(e)),
        ("Bias factor (risk ratio), log scale", "True effects beyond the threshold"),
    ),
    "specification_curve": (lambda e: cb.figures.specification_curve(cb.multiverse(e)), (OR,)),
    "people": (
        lambda e: cb.figures.people(cb.people(cb.burden(cb.pool(e), p1=0.2, p2=0.03))),
        (),
    ),
    "traffic_light": (
        lambda e: cb.figures.traffic_light(judged(e)),
        ("Study", "Selection", "Comparability", "Overall"),
    ),
    "risk_of_bias_summary": (
        lambda e: cb.figures.risk_of_bias_summary(judged(e)),
        ("Percentage of studies", "Selection", "Comparability", "Overall"),
    ),
}
# Of two studies there is no regression, and none has a residual without the other; the first three
# do not differ in their true effects, and two cannot tell levels apart.
_MULTILEVEL = ("forest", "caterpillar", "profile", "leave_one_out")
LEAST = {
    "forest of a regression": 3,
    "bubble": 3,
    "qqnorm": 3,
    "confounding": 6,
    "caterpillar": 6,
    "forest of a multilevel fit with moderators": 6,
    **{f"{name} of a multilevel fit": 4 for name in _MULTILEVEL},
}


@cache
def figure(name: str, k: int = 13) -> Figure:
    return FIGURES[name][0](effects(k))


def test_every_public_figure_is_among_these() -> None:
    tools = {"ACCENT", "MUTED", "PALE", "SHADE", "WIDTH", "Panel", "Pen", "drawing", "text_width"}
    assert {name.split(" ")[0] for name in FIGURES} | tools == set(cb.figures.__all__)


@pytest.mark.parametrize("k", [2, 3, 6, 13, 60])
@pytest.mark.parametrize("name", FIGURES)
def test_nothing_overlaps_or_leaves_the_page(name: str, k: int) -> None:
    if k >= LEAST.get(name, 2):
        assert_printable(figure(name, k))
    else:
        with pytest.raises(cb.ModelError):
            figure(name, k)


@pytest.mark.parametrize("unit", [1e-4, 1e6])
@pytest.mark.parametrize(
    "name", [name for name in FIGURES if not name.startswith(("labbe", "people", "confounding"))]
)
def test_long_names_and_any_unit_have_room(name: str, unit: float) -> None:
    data = effects(6)
    awkward = cb.Effects(
        yi=unit * data.yi,
        vi=unit**2 * data.vi,
        labels=[f"{LONG} {i}" for i in range(6)],
        measure="MD",
        moderators={"group": [f"{LONG} {i % 2}" for i in range(6)], "x": data.moderators["x"]},
    )
    assert_printable(FIGURES[name][0](awkward))


@pytest.mark.parametrize("axes", ["linear", "log"])
def test_long_groups_have_room(axes: Axes) -> None:
    fit = cb.pool(effects(13))
    groups = (f"{LONG} 1", f"{LONG} 2")
    assert_printable(cb.figures.labbe(tables(13), fit=fit, event=LONG, groups=groups, axes=axes))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_title_and_says_what_its_axes_measure(name: str) -> None:
    labels = FIGURES[name][1]
    drawn = figure(name)
    picture = Picture(drawn.parts[0] if drawn.parts else drawn)
    first = min(picture.words, key=lambda words: words.y)
    assert first.bold
    title = picture.root.findtext(f"{SVG}title")
    assert title == first.text
    texts = [words.text for words in picture.words]
    assert set(labels) <= set(texts)
    # A specification curve has no axis below, people and traffic lights have none at all.
    without = name in ("people", "traffic_light")
    assert picture.ticks or 'id="ytick_1"' in figure(name).svg or without


@pytest.mark.parametrize("name", FIGURES)
def test_the_alternative_text_is_of_the_data(name: str) -> None:
    alt = figure(name).alt
    assert "nan" not in alt
    assert re.search("13 (studies|estimates)", alt) or name in (
        *("estimates", "people", "qqnorm", "subgroups"),
    )
    assert FIGURES[name][0](effects(13, spread=1.5)).alt != alt


def test_a_title_may_be_another_or_none() -> None:
    fit = cb.pool(effects(6))
    own = Picture(cb.figures.forest(fit, title="Mine"))
    assert own.root.findtext(f"{SVG}title") == "Mine"
    assert own.find("Mine").bold
    without = Picture(cb.figures.forest(fit, title=""))
    assert without.root.findtext(f"{SVG}title") == "Forest plot of 6 studies"
    assert not [words for words in without.words if words.text.startswith("Forest plot")]
    assert without.height < own.height


def fingerprints() -> str:
    """Return a line a figure: its name and the hash of its bytes and words."""
    lines = []
    for name in FIGURES:
        drawn = figure(name, 6)
        words = drawn.svg + drawn.alt + drawn.caption
        lines.append(f"{name} {hashlib.sha256(words.encode()).hexdigest()}")
    return "\n".join(lines)


def test_every_figure_is_the_same_in_another_process() -> None:
    script = "from test_figures_every import fingerprints; print(fingerprints())"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(cb.__file__).parent.parent)])
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == fingerprints()


def test_a_proportion_has_no_line_of_no_association() -> None:
    # Proportions have no such value; 0.5, the middle of their logit scale, is none.
    found = cb.escalc("PLO", xi=[3, 10, 8, 30], ni=[20, 30, 25, 50])
    fit = cb.pool(found)
    refits = cb.leave_one_out(fit)
    drawn = [
        cb.figures.forest(fit),
        cb.figures.leave_one_out(refits, fit=fit),
        cb.figures.cumulative_forest(cb.cumulative(fit)),
        cb.figures.drapery(fit),
    ]
    for one in drawn:
        assert "null" not in Picture(one).names
        assert "no association" not in one.alt


# Lines around an area that has no outline of its own.
LINES = {
    "funnel": "limits",
    "prediction": "prediction-edge",
    "contour-0": "contour-1",
    "band": "upper",
}


def contrast(color: str) -> float:
    return (luminance(PAPER) + 0.05) / (luminance(color) + 0.05)


@pytest.mark.parametrize("name", FIGURES)
def test_marks_and_the_ends_of_areas_stand_out_from_the_paper(name: str) -> None:
    """WCAG 2.2, 1.4.11: what is needed to understand a graphic stands out by 3 to 1."""
    names = Picture(figure(name)).names
    unnamed = ("patch", "line2d", "text", "axes", "matplotlib", "figure")
    marks = [gid for gid in names if not gid.startswith(unnamed)]
    assert marks
    for gid in marks:
        style = " ".join(path.attrib.get("style", "") for path in names[gid].iter(f"{SVG}path"))
        colors = {color for color in re.findall(r"#[0-9a-f]{6}", style) if color != PAPER}
        if colors and max(map(contrast, colors)) < 3:
            assert LINES[gid] in names, (gid, colors)
