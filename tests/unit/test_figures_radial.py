"""The radial plot, and what holds for every plot with two axes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from test_figures_svg import SVG, Picture, assert_printable, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.radial_plot import radial

# radial(rma(yi, vi)) of metafor 3.8-1, REML, on the odds ratios of dat.bcg: what it returns as x
# and y, and as y with center=TRUE for the first three trials.
PRECISION = [
    *(1.19960919563684, 1.35344836561047, 1.13872978886092, 1.67111392680790, 1.60184883586738),
    *(1.69594526882077, 1.33063728577547, 1.71051668859229, 1.59162002403184, 1.55569022608157),
    *(1.68959138922744, 1.07092274475408, 1.56286796134467),
]
STANDARDISED = [
    *(-1.1260661232785503, -2.2551031189962991, -1.5786146851371408, -2.4338830988664508),
    *(-0.3510308929799063, -1.6249225420074138, -2.1739630469464477, 0.0205614393918159),
    *(-0.7508404368985114, -2.1798489183697134, -0.5758966275215678, 0.4783112398437158),
    -0.0271030591534589,
]
CENTRED = [-0.232144016990288, -1.246543482958647, -0.730058559480447]


def upright(picture: Picture) -> Callable[[float], float]:
    """Return the function from a height on the page to a value of the axis at the left."""
    found = []
    for name, group in picture.names.items():
        if name.startswith("ytick_"):
            use = next(group.iter(f"{SVG}use"))
            (label,) = picture._words_in(group)
            if "%" in label.text:
                continue
            found.append((float(use.attrib["y"]), float(label.text.replace("−", "-"))))
    (a, low), (b, high) = found[0], found[-1]
    return lambda y: low + (y - a) / (b - a) * (high - low)


def places(picture: Picture) -> tuple[list[float], list[float]]:
    """Return x and y of the studies, read with a ruler."""
    across, height = picture.scale(log=False), upright(picture)
    middles = [picture.middle(name) for name in picture.drawn("study")]
    return [across(x) for x, _ in middles], [height(y) for _, y in middles]


def test_studies_stand_where_metafor_puts_them() -> None:
    x, y = places(Picture(radial(cb.pool(bcg(), test="z"))))
    assert x == pytest.approx(PRECISION, abs=1e-5)
    assert y == pytest.approx(STANDARDISED, abs=1e-5)


def test_centred_studies_stand_where_metafor_puts_them() -> None:
    x, y = places(Picture(radial(cb.pool(bcg(), test="z"), centre="pooled")))
    assert x == pytest.approx(PRECISION, abs=1e-5)
    assert y[:3] == pytest.approx(CENTRED, abs=1e-5)


def test_precision_may_be_that_of_sampling_alone() -> None:
    effects = bcg()
    figure = radial(cb.pool(effects), precision="sampling")
    x, y = places(Picture(figure))
    assert x == pytest.approx(1 / np.sqrt(effects.vi), rel=1e-4)
    assert y == pytest.approx(effects.yi / np.sqrt(effects.vi), abs=1e-4)
    assert "differed by chance alone" in figure.caption
    # TPT Madras: log odds ratio 0.012, standard error 0.063; the pooled one is -0.745.
    assert "TPT Madras, 1980" in figure.alt


@pytest.mark.parametrize("centre", ["zero", "pooled"])
def test_a_ray_meets_the_arc_where_its_effect_is_marked(centre: str) -> None:
    fit = cb.pool(bcg())
    picture = Picture(radial(fit, centre=centre))  # type: ignore[arg-type]
    across, height = picture.scale(log=False), upright(picture)
    middle = fit.estimate if centre == "pooled" else 0.0
    lines = [picture.corners(name) for name in picture.drawn("tick")]
    starts = [line[0] for line in lines]
    ends = [line[1] for line in lines]
    assert len(starts) >= 3
    for (x, y), (end_x, end_y) in zip(starts, ends, strict=True):
        effect = middle + height(y) / across(x)
        assert middle + height(end_y) / across(end_x) == pytest.approx(effect, abs=1e-3)
        (label,) = [
            w.text
            for w in picture.words
            if abs(w.y - 0.33 * w.size - end_y) < 3 and 0 < w.x - end_x < 8
        ]
        assert math.exp(effect) == pytest.approx(float(label), rel=2e-3)


def test_the_arc_is_a_circle_beyond_every_study() -> None:
    for effects in (bcg(), bcg(2), simulated(40)):
        for precision in ("model", "sampling"):
            picture = Picture(radial(cb.pool(effects), precision=precision))  # type: ignore[arg-type]
            across, height = picture.scale(log=False), upright(picture)
            arc = picture.corners("arc")
            # The origin of the plot, from the two rulers.
            unit_x, unit_y = across(1.0) - across(0.0), height(1.0) - height(0.0)
            origin = np.array([-across(0.0) / unit_x, -height(0.0) / unit_y])
            radii = np.hypot(*(arc - origin).T)
            assert radii == pytest.approx(np.full(len(arc), radii[0]), rel=1e-4)
            for name in picture.drawn("study"):
                assert math.hypot(*(np.array(picture.middle(name)) - origin)) < 0.93 * radii[0]


def test_line_band_and_interval_are_those_of_the_fit() -> None:
    fit = cb.pool(bcg())
    picture = Picture(radial(fit))
    across, height = picture.scale(log=False), upright(picture)
    start, end = picture.corners("pooled")
    assert height(start[1]) == pytest.approx(0, abs=1e-5)
    assert height(end[1]) / across(end[0]) == pytest.approx(fit.estimate, abs=1e-4)
    for name, sign in (("upper", 1), ("lower", -1)):
        start, end = picture.corners(name)
        half = sign * 1.959963984540054
        assert height(start[1]) == pytest.approx(half, abs=1e-4)
        assert height(end[1]) == pytest.approx(half + fit.estimate * across(end[0]), abs=1e-4)
    interval = picture.corners("interval")
    slopes = [height(y) / across(x) for x, y in (interval[0], interval[-1])]
    assert slopes == pytest.approx(fit.ci, abs=1e-4)


def test_the_alternative_text_has_the_numbers() -> None:
    alt = radial(cb.pool(bcg(), test="z")).alt
    assert "Radial plot of 13 studies" in alt
    assert "from −2.43 to 0.48, against precision, from 1.07 to 1.71" in alt
    assert "No study lies outside the 95 % band." in alt


@pytest.mark.parametrize("k", [1, 2, 3, 40])
@pytest.mark.parametrize("centre", ["zero", "pooled"])
def test_every_number_of_studies_can_be_printed(k: int, centre: str) -> None:
    effects = simulated(k) if k > 13 else bcg(k)
    figure = radial(cb.pool(effects), centre=centre, title="A title")  # type: ignore[arg-type]
    assert_printable(figure)
    assert len(Picture(figure).drawn("study")) == k
    assert ("pooled odds ratio" in figure.alt.lower()) or ("nothing is pooled" in figure.alt)


def test_other_measures_can_be_printed() -> None:
    data = golden("raudenbush1985", "SMD")
    fit = cb.pool(cb.Effects(yi=data["yi"], vi=data["vi"], measure="SMD", scale="identity"))
    figure = radial(fit)
    assert_printable(figure)
    assert [w.text for w in Picture(figure).words if w.text == "0.0"]


@pytest.mark.parametrize(
    "vi", [[1e-12, 1e-6, 1.0], [1e-9] * 3, [1e4, 2e4, 3e4], [1e-12, 1e-11, 1e-12]]
)
def test_precisions_over_many_orders_of_magnitude(vi: list[float]) -> None:
    for yi in ([0.5, 0.7, 0.2], [0.5] * 3, [-30.0, 2.0, 80.0]):
        assert_printable(radial(cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR"), test="z")))


@pytest.mark.parametrize("measure", ["PLO", "OR", "ZCOR"])
def test_studies_that_agree_wholly_have_an_arc(measure: str) -> None:
    fit = cb.pool(cb.Effects(yi=[0.1] * 3, vi=[0.1, 0.2, 1e-7], measure=measure))
    figure = radial(fit)
    assert_printable(figure)
    assert Picture(figure).drawn("tick")
    assert ("null" in Picture(figure).names) == (measure != "PLO")


@pytest.mark.parametrize("centre", ["zero", "pooled"])
def test_labels_of_the_arc_never_leave_the_page(centre: str) -> None:
    for yi in ([-47.46] * 3, [-24.3, -26.2, 79.3], [-20.3805, -20.3712, -20.3779]):
        for measure in ("OR", "ZCOR", "PLO", "MD"):
            fit = cb.pool(cb.Effects(yi=yi, vi=[1e-5, 6.1, 34.0], measure=measure), test="z")
            assert_printable(radial(fit, centre=centre))  # type: ignore[arg-type]


def test_it_is_the_same_twice() -> None:
    assert radial(cb.pool(bcg())) == radial(cb.pool(bcg()))


def test_settings_that_do_not_exist_are_refused() -> None:
    fit = cb.pool(bcg())
    with pytest.raises(cb.ModelError, match="precision is 'tau'; use one of model, sampling"):
        radial(fit, precision="tau")  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="centre is 'mean'; use one of zero, pooled"):
        radial(fit, centre="mean")  # type: ignore[arg-type]
