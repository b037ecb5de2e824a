"""The L'Abbé plot."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special
from test_figures_radial import assert_printable, places, upright
from test_figures_svg import GOLDEN, Picture, bcg

import comorbid as cb
from comorbid.document.figures.labbe_plot import labbe
from comorbid.models.mantel_haenszel import mantel_haenszel

# labbe(rma(measure="OR", ...), transf=plogis) of metafor 3.8-1 on dat.bcg, the first three trials:
# x is group 2, y group 1.
CONTROL = [0.0791366906474820, 0.0957095709570957, 0.0500000000000000]
VACCINATED = [0.0325203252032520, 0.0196078431372549, 0.0129870129870130]

Tables = dict[str, Any]


def tables(k: int = 13) -> Tables:
    """Return the BCG trials' counts (Colditz 1994), as metafor's dat.bcg has them."""
    import gzip
    import json

    with gzip.open(GOLDEN / "dat.bcg.json.gz", "rt", encoding="utf-8") as file:
        cells = {n: np.array(x[:k], dtype=float) for n, x in json.load(file)["cols2x2"].items()}
    return {
        "ai": cells["ai"],
        "bi": cells["n1i"] - cells["ai"],
        "ci": cells["ci"],
        "di": cells["n2i"] - cells["ci"],
        "label": list(bcg(k).labels),
    }


def common(n: int = 40) -> Tables:
    """Return simulated tables of a frequent event, with a fixed seed."""
    random = np.random.default_rng(20260131)
    second = random.uniform(0.2, 0.95, n)
    sizes = random.integers(20, 400, (2, n))
    first = special.expit(special.logit(second) + 0.6)
    a, c = random.binomial(sizes[0], first), random.binomial(sizes[1], second)
    return {"ai": a, "bi": sizes[0] - a, "ci": c, "di": sizes[1] - c}


def test_studies_stand_where_metafor_puts_them() -> None:
    x, y = places(Picture(labbe(tables(), fit=cb.pool(bcg()))))
    assert x[:3] == pytest.approx(CONTROL, abs=1e-5)
    assert y[:3] == pytest.approx(VACCINATED, abs=1e-5)
    assert len(x) == 13


@pytest.mark.parametrize(
    ("measure", "curve"),
    [
        ("OR", lambda p, effect: special.expit(special.logit(p) + effect)),
        ("RR", lambda p, effect: p * math.exp(effect)),
        ("RD", lambda p, effect: p + effect),
    ],
)
@pytest.mark.parametrize("axes", ["linear", "log"])
def test_the_curve_is_that_of_the_pooled_effect(
    measure: str, curve: Callable[[float, float], float], axes: str
) -> None:
    data = common()
    fit = mantel_haenszel(data, measure=measure)
    picture = Picture(labbe(data, fit=fit, axes=axes))  # type: ignore[arg-type]
    across = picture.scale(log=axes == "log")
    height = upright_log(picture) if axes == "log" else upright(picture)
    turn = math.exp if axes == "log" else float
    points = [(turn(across(x)), turn(height(y))) for x, y in picture.corners("pooled")]
    assert len(points) > 60
    for x, y in points:
        if 0.001 < x < 0.999:
            assert y == pytest.approx(curve(x, fit.estimate), abs=2e-4)


def upright_log(picture: Picture) -> Callable[[float], float]:
    """Return the function from a height on the page to the log of a value at the left."""
    # Both axes are the same, and their lengths too.
    (left, _), (right, _) = picture.corners("equal")[0], picture.corners("equal")[1]
    (_, bottom), (_, top) = picture.corners("equal")[0], picture.corners("equal")[1]
    across = picture.scale()
    return lambda y: across(left + (y - bottom) / (top - bottom) * (right - left))


def test_both_axes_are_the_same_and_the_plot_is_square() -> None:
    picture = Picture(labbe(tables(), fit=cb.pool(bcg())))
    (left, bottom), (right, top) = picture.corners("equal")
    assert right - left == pytest.approx(bottom - top, abs=1e-3)
    across, height = picture.scale(log=False), upright(picture)
    assert [across(left), across(right)] == pytest.approx([height(bottom), height(top)], abs=1e-4)


def test_areas_are_proportional_to_precision() -> None:
    effects = bcg()
    picture = Picture(labbe(tables(), fit=cb.pool(effects)))
    sizes = np.array([np.ptp(picture.corners(name)[:, 0]) for name in picture.drawn("study")])
    largest = sizes.max()
    expected = largest * np.sqrt(effects.vi.min() / effects.vi)
    # The smallest discs have a least size, so that they can be seen.
    assert sizes == pytest.approx(np.maximum(expected, sizes.min()), rel=1e-3)
    assert (expected > sizes.min()).sum() >= 4


def test_rare_events_are_spread_by_log_axes() -> None:
    picture = Picture(labbe(tables(), fit=cb.pool(bcg()), axes="log"))
    across, height = picture.scale(), upright_log(picture)
    for i in range(3):
        x, y = picture.middle(f"study-{i}")
        assert math.exp(across(x)) == pytest.approx(CONTROL[i], rel=1e-3)
        assert math.exp(height(y)) == pytest.approx(VACCINATED[i], rel=1e-3)


def test_a_group_without_events_stands_at_the_end_of_a_log_axis() -> None:
    data = tables()
    data["bi"][0] += data["ai"][0]
    data["ai"][0] = 0
    figure = labbe(data, fit=mantel_haenszel(data), axes="log")
    picture = Picture(figure)
    bottom = picture.corners("equal")[0, 1]
    assert picture.middle("study-0")[1] == pytest.approx(bottom, abs=1e-3)
    assert "At the end of an axis: 1 study with no event in a group." in figure.alt
    assert_printable(figure)


def test_the_alternative_text_has_the_numbers() -> None:
    figure = labbe(
        tables(), fit=cb.pool(bcg()), event="tuberculosis", groups=("vaccinated", "not vaccinated")
    )
    # Group 1: 8 of 2,498 or 505 of 88,391 ... as in dat.bcg; the lowest is 27 of 16,913.
    assert "proportion with tuberculosis, vaccinated, from 0.00160 to 0.117" in figure.alt
    assert "The first is higher in 2 studies, lower in 11." in figure.alt
    assert "Pooled odds ratio 0.47" in figure.alt
    texts = [words.text for words in Picture(figure).words]
    assert "Proportion with tuberculosis, not vaccinated" in texts
    assert "Proportion with tuberculosis, vaccinated" in texts


def test_a_pooled_value_may_come_from_mantel_and_haenszel() -> None:
    data = tables()
    fit = mantel_haenszel(data, measure="RR")
    figure = labbe(data, fit=fit)
    # rma.mh(measure="RR") of metafor 3.8-1 on dat.bcg: log risk ratio, ends of its interval.
    value, low, high = (math.exp(x) for x in (-0.453709604684, -0.530809426998, -0.376609782369))
    interval = f"{value:.2f}, 95 % confidence interval {low:.2f} to {high:.2f}"
    assert f"{interval} (Mantel-Haenszel method)" in figure.alt


@pytest.mark.parametrize("k", [1, 2, 3, 40])
@pytest.mark.parametrize("axes", ["linear", "log"])
def test_every_number_of_studies_can_be_printed(k: int, axes: str) -> None:
    data = common() if k > 13 else tables(k)
    fit = mantel_haenszel(data) if k > 13 else cb.pool(bcg(k))
    figure = labbe(data, fit=fit, axes=axes, title="A title")  # type: ignore[arg-type]
    assert_printable(figure)
    assert len(Picture(figure).drawn("study")) == k
    assert figure == labbe(data, fit=fit, axes=axes, title="A title")  # type: ignore[arg-type]


def test_what_cannot_be_drawn_is_refused() -> None:
    data, fit = tables(3), cb.pool(bcg(3))
    given = cb.pool(cb.Effects(yi=[0.1, 0.2], vi=[0.1, 0.1]))
    with pytest.raises(cb.ModelError, match="the measure is GEN; use a fit of one of OR"):
        labbe(data, fit=given)
    with pytest.raises(cb.ModelError, match="studies that the tables have not: Hart & Sutherland"):
        labbe(data, fit=cb.pool(bcg(4)))
    with pytest.raises(cb.ModelError, match="axes is 'logit'; use one of linear, log"):
        labbe(data, fit=fit, axes="logit")  # type: ignore[arg-type]
    with pytest.raises(cb.DataError, match="Aronson, 1948: a group of nobody"):
        labbe({**data, "ai": [0, 6, 3], "bi": [0, 300, 228]}, fit=fit)
    with pytest.raises(cb.DataError, match="OR needs the columns ai bi ci di"):
        labbe({name: data[name] for name in ("ai", "bi", "ci")}, fit=fit)
