"""The normal Q-Q plot of residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special
from test_figures_radial import assert_printable, places, upright
from test_figures_svg import Picture, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.qq_plot import qqnorm
from comorbid.effects.arrays import Array
from comorbid.models.residuals import rstandard
from comorbid.sensitivity.residuals import rstudent

# qqnorm(rma(yi, vi), type="rstudent") of metafor 3.8-1, REML, on the odds ratios of dat.bcg: x and
# y, in the order of the trials.
QUANTILES = [
    *(0.0, -1.198379702306924, -0.395725295814487, -1.768825038518706, 0.615141104595973),
    *(-0.194028142423926, -0.869423773288886, 1.768825038518706, 0.194028142423926),
    *(-0.615141104595974, 0.395725295814487, 1.198379702306924, 0.869423773288886),
]
RESIDUALS = [
    *(-0.232033143180541, -1.319093101191444, -0.742194301474137, -1.336463597471655),
    *(0.869292976790618, -0.354185977451187, -1.241416956533885, 1.456936871913615),
    *(0.439894432523631, -1.082753388711502, 0.696615078059413, 1.306616591328938),
    1.205062071749337,
]
# qnorm(ppoints(9)) of R 4.2.2: up to ten values 3/8 is taken from the rank.
NINE = [-1.494154908621, -0.931971312343, -0.571637525165, -0.274391487860, 0.0]


@dataclass(frozen=True)
class Values:
    labels: tuple[str, ...]
    z: Array


def values(*z: float) -> Values:
    return Values(tuple(f"Study {i + 1}" for i in range(len(z))), np.array(z))


def test_residuals_stand_where_metafor_puts_them() -> None:
    x, z = places(Picture(qqnorm(rstudent(cb.pool(bcg(), test="z")))))
    order = np.argsort(RESIDUALS)
    assert x == pytest.approx(np.array(QUANTILES)[order], abs=1e-5)
    assert z == pytest.approx(np.array(RESIDUALS)[order], abs=1e-4)


def test_standardised_residuals_stand_where_metafor_puts_them() -> None:
    expected = golden("bcg", "OR")["rstandard_REML"]["z"]
    figure = qqnorm(rstandard(cb.pool(bcg(), test="z")))
    assert places(Picture(figure))[1] == pytest.approx(sorted(expected), abs=1e-5)
    # Of metafor 5.0-1: the smallest is -1.288, Ferguson and Simes; the largest 1.366, TPT Madras.
    assert "range from −1.29 (Ferguson & Simes, 1949) to 1.37 (TPT Madras, 1980)" in figure.alt
    assert "Normal Q-Q plot of 13 standardised residuals." in figure.alt


def test_up_to_ten_residuals_stand_at_bloms_positions() -> None:
    x, _ = places(Picture(qqnorm(values(*np.linspace(-1, 1, 9).tolist()))))
    assert x[:5] == pytest.approx(NINE, abs=1e-5)


@pytest.mark.parametrize(("n", "level"), [(2, 0.95), (13, 0.95), (40, 0.9)])
def test_the_band_is_that_of_order_statistics(n: int, level: float) -> None:
    # Smallest and largest of n: P(U(1) < u) = 1 - (1 - u)^n, P(U(n) < u) = u^n.
    z = np.linspace(-1.2, 1.2, n)
    picture = Picture(qqnorm(values(*z.tolist()), level=level))
    across, height = picture.scale(log=False), upright(picture)
    band = np.array([(across(x), height(y)) for x, y in picture.corners("band")])
    half = len(band) // 2
    low, high = band[:half], band[half:][::-1]
    x, _ = places(picture)
    tail = (1 - level) / 2
    for edge, p in ((low, tail), (high, 1 - tail)):
        drawn = np.interp([x[0], x[-1]], edge[:, 0], edge[:, 1])
        u = [1 - (1 - p) ** (1 / n), p ** (1 / n)]
        assert drawn == pytest.approx(special.ndtri(u), abs=0.01)


def test_residuals_outside_the_band_are_named() -> None:
    figure = qqnorm(values(*np.linspace(-1.5, 1.5, 19).tolist(), 9.0))
    assert "1 residual lies outside the band: Study 20." in figure.alt
    assert any("Study 20" in words.text for words in Picture(figure).words)
    inside = qqnorm(values(*special.ndtri((np.arange(20) + 0.5) / 20).tolist()))
    assert "No residual lies outside the band." in inside.alt


def test_the_line_is_that_of_equality() -> None:
    picture = Picture(qqnorm(rstudent(cb.pool(bcg()))))
    across, height = picture.scale(log=False), upright(picture)
    for x, y in picture.corners("equal"):
        assert height(y) == pytest.approx(across(x), abs=1e-4)


def test_studies_without_a_residual_are_left_out_and_named() -> None:
    figure = qqnorm(values(0.3, float("nan"), -0.4, 0.1))
    assert len(Picture(figure).drawn("study")) == 3
    assert "Without a residual: Study 2." in figure.alt
    assert_printable(figure)


@pytest.mark.parametrize("k", [1, 2, 3, 40])
def test_every_number_of_residuals_can_be_printed(k: int) -> None:
    residuals = values(0.4) if k == 1 else values(-0.7, 0.7)
    if k > 2:
        residuals = rstudent(cb.pool(simulated(k) if k > 13 else bcg(k)))  # type: ignore[assignment]
    figure = qqnorm(residuals, title="A title")
    assert_printable(figure)
    assert len(Picture(figure).drawn("study")) == k
    assert figure == qqnorm(residuals, title="A title")


def test_one_study_has_no_residual_to_draw() -> None:
    with pytest.raises(cb.ModelError, match="no study has a residual"):
        qqnorm(values(float("nan")))


def test_studies_that_agree_wholly_have_none_either() -> None:
    # Knapp and Hartung's standard error is 0, and so is every residual.
    fit = cb.pool(cb.Effects(yi=[0.1] * 4, vi=[0.1, 0.2, 0.3, 0.1]))
    found = rstudent(fit)
    if np.isfinite(found.z).any():
        assert_printable(qqnorm(found))
    else:
        with pytest.raises(cb.ModelError, match="several studies that differ"):
            qqnorm(found)


def test_a_level_is_a_proportion() -> None:
    with pytest.raises(cb.ModelError, match="level is 95; give a proportion"):
        qqnorm(values(0.1, 0.2), level=95)
