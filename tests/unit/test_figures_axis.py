from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given, strategies as st

from comorbid.document.figures.axis import NULL, label_axis, span
from comorbid.document.figures.canvas import shorten, text_width, wrapped
from comorbid.document.figures.numbers import Format, format_for

SIZE = 8.0
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def number(label: str) -> float:
    """Read a tick label as a reader does."""
    mantissa, ten, power = re.fullmatch(
        r"([^⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*?)(×?10)?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*)", label
    ).groups()  # type: ignore[union-attr]
    if not power:
        return float(label.replace("−", "-"))
    assert ten
    return float(mantissa or 1) * 10.0 ** int(power.translate(RAISED))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.3, 12, ["0.5", "1", "2", "5", "10"]),
        (0.8, 6, ["1", "1.5", "2", "3", "5"]),
        (0.05, 20, ["0.1", "0.3", "1", "3", "10"]),
        (0.001, 30, ["0.001", "0.01", "0.1", "1", "10"]),
        (0.95, 1.12, ["0.95", "1.00", "1.05", "1.10"]),
        (1e-12, 1e3, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "0.001", "1", "1000"]),
    ],
)
def test_ratios_have_round_labels(low: float, high: float, expected: list[str]) -> None:
    axis = label_axis((math.log(low), math.log(high)), "log", width=220, size=SIZE)
    assert [label for _, label in axis.ticks] == expected


def test_other_values_have_even_steps() -> None:
    axis = label_axis((-0.17, 0.07), "identity", width=250, size=SIZE)
    assert [label for _, label in axis.ticks] == ["−0.15", "−0.10", "−0.05", "0.00", "0.05"]


@given(
    centre=st.floats(-12, 12),
    length=st.floats(1e-3, 60),
    width=st.floats(150, 420),
    scale=st.sampled_from(["log", "identity"]),
)
def test_labels_never_touch_and_stand_at_their_value(
    centre: float, length: float, width: float, scale: str
) -> None:
    ends = (centre - length / 2, centre + length / 2)
    axis = label_axis(ends, scale, width=width, size=SIZE)
    assert 2 <= len(axis.ticks) <= 7
    places = []
    for position, label in axis.ticks:
        assert ends[0] <= position <= ends[1]
        value = math.exp(position) if scale == "log" else position
        assert number(label) == pytest.approx(value, rel=1e-9, abs=1e-9)
        middle = (position - ends[0]) / length * width
        places.append(
            (middle - text_width(label, size=SIZE) / 2, middle + text_width(label, size=SIZE) / 2)
        )
    for (_, right), (left, _) in itertools.pairwise(places):
        assert left - right >= 6.9


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 4)), min_size=1, max_size=30))
def test_every_estimate_is_on_the_axis(studies: list[tuple[float, float]]) -> None:
    estimates = [y for y, _ in studies]
    intervals = [(y - half, y + half) for y, half in studies]
    low, high = span(estimates, intervals, scale="log")
    assert low < min(*estimates, NULL)
    assert high > max(*estimates, NULL)
    margin = 0.05 * (high - low)
    assert low >= min(*(a for a, _ in intervals), NULL) - margin
    assert high <= max(*(b for _, b in intervals), NULL) + margin


def test_alike_intervals_are_never_cut() -> None:
    intervals = [(y - 1.0, y + 1.0) for y in (0.0, 0.5, 1.0)]
    low, high = span([0.0, 0.5, 1.0], intervals, scale="log")
    assert low < -1.0
    assert high > 2.0


def test_no_association_may_be_off_an_axis_that_is_no_ratio() -> None:
    estimates, intervals = [140.0, 150.0], [(136.0, 144.0), (144.0, 156.0)]
    assert span(estimates, intervals, scale="identity")[0] > 100
    assert span(estimates, intervals, scale="log")[0] < 0


def test_a_text_is_cut_in_the_middle_and_fits() -> None:
    text = "Somebody and somebody else in a town far away, 1999"
    cut = shorten(text, 100, 8.5)
    assert text_width(cut, size=8.5) <= 100
    assert cut.startswith("Somebody")
    assert "…" in cut
    assert cut.endswith("1999")
    assert shorten(text, 1000, 8.5) == text


def test_a_note_is_wrapped_without_parting_a_number_from_its_sign() -> None:
    lines = wrapped(" ".join(["12.5 % of all"] * 40), SIZE)
    assert len(lines) > 1
    assert not any(line.startswith("%") for line in lines)
    assert all(text_width(line, size=SIZE) < 482 for line in lines)


def test_numbers_keep_two_decimals_and_more_where_intervals_are_narrow() -> None:
    assert Format("log").value(math.log(2.5)) == "2.50"
    assert Format("log").value(math.log(0.0123)) == "0.0123"
    assert Format("log").value(-900.0) == "< 0.001"
    assert Format("log").value(math.log(12345)) == "12,300"
    assert Format("identity").value(-0.0001) == "0.00"
    assert Format("log").interval(float("nan"), 1.0) == "–"
    assert format_for("identity", [0.005] * 3).value(0.12345) == "0.1235"
    assert format_for("identity", [5.0] * 3).value(123.456) == "123.46"
