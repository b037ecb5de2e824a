"""What a user can look up about a measure: formula, scale, back-transformation, reference."""

from __future__ import annotations

import numpy as np
import pytest

import comorbid as cb
from comorbid.effects.measures import MEASURES
from comorbid.effects.scales import SCALES

# The names of the formulas, as functions; the sizes and a value of the two that depend on n.
NAMES = {"exp": np.exp, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "sqrt": np.sqrt}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)
def test_every_measure_says_how_it_is_computed_and_where_that_comes_from(
    measure: cb.Measure,
) -> None:
    assert "y" in measure.formula
    assert "doi:" in measure.cite or any(book in measure.cite for book in BOOKS), measure.cite
    lines = repr(measure).splitlines()
    assert lines[0] == f"{measure.id}: {measure.label}"
    for name in ("computed from", "formula", "scale", "reference"):
        assert any(line.startswith(f"  {name} ") for line in lines), name
    assert all(len(line) <= 90 for line in lines)


# Sources without a DOI: chapters of two handbooks, and a journal of 1921.
BOOKS = (
    "The Handbook of Research Synthesis and Meta-Analysis",
    "Practical Meta-Analysis",
    "Modern Epidemiology",
    "Metron 1:3-32",
)


def test_table_of_measures_holds_each_once() -> None:
    table = cb.measures()
    assert table.index.tolist() == [measure.id for measure in MEASURES]
    assert table.index.is_unique
    assert (
        table.drop(columns="null")
        .map(lambda text: isinstance(text, str) and text != "")
        .all(axis=None)
    )
    assert table.loc["OR"].tolist() == [
        "odds ratio",
        "ai, bi, ci, di",
        "y = log(ad / bc), v = 1/a + 1/b + 1/c + 1/d; AV: at the mean risks of all studies",
        "log",
        "exp(y)",
        0.0,
        "Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x",
    ]


@pytest.mark.parametrize("name", sorted(set(SCALES) - {"probit", *("double-arcsine",)}))
def test_back_transformation_is_the_formula_it_prints(name: str) -> None:
    y, n = np.array([0.2, 0.5, 0.9]), 30.0
    sized = f"{name}(n={n})" if name == "double-square-root" else name
    formula = SCALES[name].text.partition(", n the")[0]
    python = formula.replace("^", "**").replace("4 n y", "4 * n * y")
    assert np.allclose(eval(python, {**NAMES, "y": y, "n": n}), SCALES[sized].back(y), rtol=1e-14)


def test_back_transformation_of_the_double_arcsine_is_the_formula_it_prints() -> None:
    y, n = np.array([0.2, 0.7, 1.2]), 30.0
    w = np.sin(2 * y) + (np.sin(2 * y) - 1 / np.sin(2 * y)) / n
    printed = (1 - np.sign(np.cos(2 * y)) * np.sqrt(1 - w**2)) / 2
    assert np.allclose(SCALES[f"double-arcsine(n={n})"].back(y), printed, rtol=1e-13)
    assert "(1 - sgn(cos 2y) sqrt(1 - w^2)) / 2" in SCALES["double-arcsine"].text


def test_formula_of_d_from_odds_ratios_divides_by_the_whole_standard_deviation() -> None:
    y = cb.escalc("OR2DL", ai=[10], bi=[20], ci=[5], di=[40]).yi[0]
    assert y == pytest.approx(np.log(10 * 40 / (20 * 5)) / (np.pi / np.sqrt(3)), rel=1e-14)
    assert "/ s, v = (1/a + 1/b + 1/c + 1/d) / s^2 with s = pi / sqrt(3)" in (
        cb.find_measure("OR2DL").formula
    )


def test_measure_of_a_plugin_prints_what_it_has() -> None:
    measure = cb.Measure(
        "X", "an effect", ("ai", "bi"), lambda rows: (rows["ai"], rows["bi"]), "log", 0.0, "Me 2026"
    )
    assert measure.formula == ""
    assert repr(measure).splitlines() == [
        "X: an effect",
        "  computed from  ai, bi",
        "  scale          log; printed as exp(y)",
        "  reference      Me 2026",
    ]
