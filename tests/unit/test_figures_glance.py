"""The figure of page one: every study a disc, the prediction before the average."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_figures_svg import Picture

import comorbid as cb


def effects(k: int, measure: str = "OR") -> cb.Effects:
    """Simulated, for the drawing only."""
    rng = np.random.default_rng(7)
    return cb.Effects(yi=rng.normal(0.3, 0.3, k), vi=rng.uniform(0.01, 0.3, k), measure=measure)


@pytest.mark.parametrize("k", [2, 6, 300])
def test_every_study_is_a_disc_and_the_prediction_stands_first(k: int) -> None:
    picture = Picture(cb.figures.at_a_glance(cb.pool(effects(k))))
    assert sum(name.startswith("point-") for name in picture.names) == k
    bar, diamond = (picture.middle(name)[1] for name in ("bar-1", "diamond-2"))
    points = picture.middle("point-0-0")[1]
    # Heights count from the top of the page.
    assert points < bar < diamond
    assert picture.find("95 % prediction interval").y < picture.find("Average").y


def test_it_is_as_tall_for_many_studies_as_for_few() -> None:
    heights = {Picture(cb.figures.at_a_glance(cb.pool(effects(k)))).height for k in (3, 300)}
    assert len(heights) == 1


def test_a_disc_is_as_large_as_its_weight() -> None:
    fit = cb.pool(effects(5))
    figure = Picture(cb.figures.at_a_glance(fit))
    order = np.argsort(-fit.weights)
    # The smallest discs are of one size, but for the last digits that a file prints.
    sizes = [round(float(np.ptp(figure.corners(f"point-0-{i}")[:, 0])), 6) for i in range(5)]
    assert sizes == sorted(sizes, reverse=True)
    ratio = math.sqrt(fit.weights[order[1]] / fit.weights[order[0]])
    assert sizes[1] / sizes[0] == pytest.approx(ratio, rel=0.1)


def test_one_study_is_only_itself() -> None:
    figure = cb.figures.at_a_glance(cb.pool(effects(1)))
    names = Picture(figure).names
    assert "square-0" in names
    assert not any(name.startswith(("bar", "diamond", "point")) for name in names)
    assert "nothing is pooled" in figure.alt
    assert figure.caption.startswith("Odds ratio of one study")


def test_equal_effects_have_a_common_value_and_no_prediction() -> None:
    figure = cb.figures.at_a_glance(cb.pool(effects(4), method="EE", test="z"))
    assert not any(name.startswith("bar") for name in Picture(figure).names)
    assert figure.caption.endswith("the diamond the common value.")
    assert "No prediction interval." in figure.alt


def test_a_proportion_has_no_null_line() -> None:
    assert "null" in Picture(cb.figures.at_a_glance(cb.pool(effects(4)))).names
    assert "null" not in Picture(cb.figures.at_a_glance(cb.pool(effects(4, "PLO")))).names
