"""What holds for the effects of any study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import comorbid as cb
from comorbid.effects.escalc import escalc
from comorbid.effects.measures import MEASURES
from comorbid.effects.scales import SCALES

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.DataWarning")

Inputs = dict[str, np.ndarray]

COUNT_IDS = ("OR", "RR", "RD", "AS", "PETO", "PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "PBIT")
COUNT_IDS += ("OR2D", "OR2DL", "OR2DN")
# The sign turns when the groups change places; with the square of the mean correlation none does.
TURNED_BY_GROUPS = (*COUNT_IDS, "MD", "SMD", "SMDH", "ROM", "CVR", "VR", "D2ORL", "RPB", "RBIS")
TURNED_BY_GROUPS += ("ZPB", "ZBIS", "IRR", "IRD", "IRSD")

SWAPS = {"ai": "ci", "bi": "di", "n1i": "n2i", "m1i": "m2i", "sd1i": "sd2i"}
SWAPS |= {"x1i": "x2i", "t1i": "t2i"}
SWAPS |= {second: first for first, second in SWAPS.items()}

count = st.integers(0, 10_000).map(float)
positive_count = st.integers(1, 10_000).map(float)
size = st.integers(5, 10_000).map(float)
mean = st.floats(0.01, 1000)
spread = st.floats(0.001, 1000)
correlation = st.floats(-0.99, 0.99)
time = st.floats(0.01, 1e6)

COLUMNS: dict[str, st.SearchStrategy[float]] = {
    **dict.fromkeys(("bi", "ci", "di", "x1i", "x2i"), count),
    **dict.fromkeys(("n1i", "n2i"), size),
    **dict.fromkeys(("m1i", "m2i"), mean),
    **dict.fromkeys(("sd1i", "sd2i", "sdi"), spread),
    **dict.fromkeys(("t1i", "t2i", "ti"), time),
    "ri": correlation,
    "o_minus_e": st.floats(-100, 100),
    "v_logrank": spread,
    "yi": st.floats(-10, 10),
    "vi": spread,
}


def columns_of(measure: cb.Measure) -> dict[str, st.SearchStrategy[float]]:
    special: dict[str, dict[str, st.SearchStrategy[float]]] = {
        "ni": {"ni": size},
        "ai": {"ai": st.floats(-0.5, 0.99) if "mi" in measure.columns else count},
        "mi": {"mi": st.integers(2, 50).map(float) if "ai" in measure.columns else mean},
        "xi": {"xi": st.integers(0, 5).map(float)},
    }
    return {
        name: special[name][name] if name in special else COLUMNS[name] for name in measure.columns
    }


@st.composite
def studies(draw: st.DrawFn, *ids: str) -> tuple[cb.Measure, Inputs]:
    """Draw a measure and one to six studies that it is computed from."""
    known = [measure for measure in MEASURES if not ids or measure.id in ids]
    measure = draw(st.sampled_from(known))
    rows = draw(st.lists(st.fixed_dictionaries(columns_of(measure)), min_size=1, max_size=6))
    return measure, {name: np.array([row[name] for row in rows]) for name in measure.columns}


def is_defined(measure: cb.Measure, inputs: Inputs) -> np.ndarray:
    """Return where a measure exists.

    A coefficient needs a table without zero cells, another measure of counts two groups with
    people in them, and Fisher's transformation a biserial correlation below 1.
    """
    if measure.id == "ZBIS":
        return np.asarray(np.abs(escalc("RBIS", **inputs).yi) < 1)
    if "di" not in inputs:
        return np.ones(len(next(iter(inputs.values()))), dtype=bool)
    cells = np.stack([inputs[name] for name in ("ai", "bi", "ci", "di")])
    if measure.id in ("PHI", "ZPHI", "RTET", "ZTET"):
        return np.asarray((cells > 0).all(axis=0))
    return np.asarray((cells[0] + cells[1] > 0) & (cells[2] + cells[3] > 0))


@settings(max_examples=600, deadline=None)
@given(studies())
def test_effects_exist_for_all_valid_studies(case: tuple[cb.Measure, Inputs]) -> None:
    """Finite effects with positive, finite variances, wherever the measure is defined."""
    measure, inputs = case
    effects = escalc(measure, **inputs)
    defined = is_defined(measure, inputs)
    assert np.isfinite(effects.yi[defined]).all()
    assert np.isfinite(effects.vi[defined]).all()
    assert (effects.vi[defined] > 0).all()
    assert not np.isinf(effects.yi).any()


@settings(max_examples=300, deadline=None)
@given(studies())
def test_one_at_a_time_gives_the_same(case: tuple[cb.Measure, Inputs]) -> None:
    measure, inputs = case
    together = escalc(measure, **inputs)
    for i in range(together.k):
        alone = escalc(measure, **{name: values[i] for name, values in inputs.items()})
        assert alone.yi.tolist() == pytest.approx([together.yi[i]], rel=1e-12, nan_ok=True)
        assert alone.vi.tolist() == pytest.approx([together.vi[i]], rel=1e-12, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(studies(*TURNED_BY_GROUPS))
def test_groups_in_each_others_place_turn_the_sign(case: tuple[cb.Measure, Inputs]) -> None:
    measure, inputs = case
    turned = {SWAPS[name]: values for name, values in inputs.items()}
    effects, other = escalc(measure, **inputs), escalc(measure, **turned)
    tiny = 1e-9 * np.sqrt(np.nan_to_num(effects.vi, nan=1.0))
    assert np.isnan(effects.yi).tolist() == np.isnan(other.yi).tolist()
    assert (np.abs(np.nan_to_num(effects.yi + other.yi)) <= tiny).all()
    assert other.vi.tolist() == pytest.approx(effects.vi.tolist(), rel=1e-8, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(studies("OR", "PETO", "PHI", "YUQ", "YUY", "RTET", "RD", "PBIT", "OR2DN", "AS"))
def test_outcomes_in_each_others_place_turn_the_sign(case: tuple[cb.Measure, Inputs]) -> None:
    """1 / OR: what was counted as with the outcome is counted as without."""
    measure, inputs = case
    columns = {"ai": "bi", "bi": "ai", "ci": "di", "di": "ci"}
    effects = escalc(measure, **inputs)
    other = escalc(measure, **{columns[name]: values for name, values in inputs.items()})
    tiny = 1e-9 * np.sqrt(np.nan_to_num(effects.vi, nan=1.0))
    assert (np.abs(np.nan_to_num(effects.yi + other.yi)) <= tiny).all()
    assert other.vi.tolist() == pytest.approx(effects.vi.tolist(), rel=1e-8, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(studies("MD", "SMD", "SMDH", "SMD1", "SMCC", "MC"), st.integers(-100, 100))
def test_a_shift_of_both_means_changes_nothing(case: tuple[cb.Measure, Inputs], shift: int) -> None:
    """Whole numbers, whose differences have no rounding."""
    measure, inputs = case
    inputs = inputs | {name: np.rint(inputs[name]) for name in ("m1i", "m2i")}
    shifted = inputs | {name: inputs[name] + shift for name in ("m1i", "m2i")}
    effects, other = escalc(measure, **inputs), escalc(measure, **shifted)
    assert other.yi.tolist() == effects.yi.tolist()
    assert other.vi.tolist() == effects.vi.tolist()


@settings(max_examples=200, deadline=None)
@given(studies("SMD", "SMDH", "ROM", "CVR", "VR", "RPB", "SMN", "CVLN"), st.floats(0.01, 100))
def test_the_unit_of_measurement_does_not_matter(
    case: tuple[cb.Measure, Inputs], unit: float
) -> None:
    measure, inputs = case
    scaled = {name: values * (unit if name[0] in "ms" else 1.0) for name, values in inputs.items()}
    effects, other = escalc(measure, **inputs), escalc(measure, **scaled)
    assert other.yi.tolist() == pytest.approx(effects.yi.tolist(), rel=1e-8, abs=1e-10)
    assert other.vi.tolist() == pytest.approx(effects.vi.tolist(), rel=1e-8)


BETWEEN: dict[str, tuple[float, float]] = {
    "identity": (-100, 100),
    "log": (1e-9, 1e9),
    "logit": (1e-9, 1 - 1e-9),
    "probit": (1e-9, 1 - 1e-9),
    "arctanh": (-1 + 1e-9, 1 - 1e-9),
    "arcsine": (0, 1),
    "square-root": (0, 1e6),
    "log-complement": (-5, 1 - 1e-9),
    "cube-root-complement": (-5, 1),
    "double-arcsine": (0, 1),
    "double-square-root": (0, 1e6),
    "double-arcsine(n=1.0)": (0, 1),
    "double-arcsine(n=17.5)": (0, 1),
    "double-arcsine(n=12345.0)": (0, 1),
    "double-square-root(n=0.5)": (0, 1e3),
    "double-square-root(n=400.25)": (0, 1e3),
}


def test_every_scale_is_tried() -> None:
    assert set(SCALES) <= set(BETWEEN)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(BETWEEN)), st.floats(0, 1), st.floats(0, 1))
def test_back_is_the_inverse_and_both_increase(name: str, first: float, second: float) -> None:
    low, high = BETWEEN[name]
    values = np.array([low + (high - low) * share for share in (first, second)])
    scale = SCALES[name]
    there = scale.forward(values)
    assert scale.back(there).tolist() == pytest.approx(values.tolist(), rel=1e-7, abs=1e-9)
    if values[1] > values[0]:
        assert there[1] >= there[0]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(BETWEEN)), st.floats(-1e6, 1e6))
def test_back_of_anything_is_within_the_printed_range(name: str, value: float) -> None:
    """The end of a wide interval may be beyond what any study can give."""
    with np.errstate(over="ignore"):
        found: Any = SCALES[name].back(value)
    assert not np.isnan(found)
    if "arcsine" in name or name in ("logit", "probit"):
        assert 0 <= found <= 1
    if "square-root" in name or name == "log":
        assert found >= 0
    if "complement" in name:
        assert found <= 1
