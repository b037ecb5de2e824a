"""Conversions between measures, and means from quantiles."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.effects.conversions import convert
from comorbid.effects.quantiles import means_from_quantiles
from comorbid.errors import AssumptionWarning

quiet = pytest.mark.filterwarnings("ignore::comorbid.errors.AssumptionWarning")


def one(measure: str, y: float = 0.5, v: float = 0.04) -> cb.Effects:
    return cb.Effects(yi=[y], vi=[v], labels=["A"], measure=measure)


@quiet
@pytest.mark.parametrize(
    ("start", "y", "end", "risk", "expected"),
    [
        # Zhang and Yu 1998: 2 / (1 - 0.2 + 0.2 * 2) = 1.667, as in NOTES of the headache data
        ("OR", math.log(2), "RR", 0.2, math.log(2 / 1.2)),
        ("RR", math.log(2 / 1.2), "OR", 0.2, math.log(2)),
        ("OR", 1.0, "SMD", None, math.sqrt(3) / math.pi),
        ("SMD", 0.5, "OR", None, 0.5 * math.pi / math.sqrt(3)),
        ("SMD", 0.5, "COR", None, 0.5 / math.sqrt(4.25)),
        ("COR", 0.6, "SMD", None, 1.5),
        ("OR", 1.0, "COR", None, 1 / math.sqrt(1 + 4 * math.pi**2 / 3)),
        ("OR", 1.0, "OR", None, 1.0),
    ],
)
def test_closed_forms(start: str, y: float, end: str, risk: float | None, expected: float) -> None:
    found = convert(one(start, y), to=end, baseline_risk=risk)
    assert found.yi[0] == pytest.approx(expected, rel=1e-12)
    assert found.measure == end
    assert found.scale == {"OR": "log", "RR": "log"}.get(end, "identity")


@quiet
@pytest.mark.parametrize("start", ["OR", "RR", "SMD", "COR"])
@pytest.mark.parametrize("end", ["OR", "RR", "SMD", "COR"])
def test_variance_is_the_delta_method_and_the_way_back_is_the_inverse(start: str, end: str) -> None:
    """Against the numerical derivative of the conversion itself."""
    y, v, step = 0.3, 0.02, 1e-6
    there = convert(one(start, y, v), to=end, baseline_risk=0.15)
    up, down = (
        convert(one(start, y + h, v), to=end, baseline_risk=0.15).yi[0] for h in (step, -step)
    )
    assert there.vi[0] == pytest.approx(v * ((up - down) / (2 * step)) ** 2, rel=1e-7)
    back = convert(there, to=start, baseline_risk=0.15)
    assert back.yi[0] == pytest.approx(y, rel=1e-12)
    assert back.vi[0] == pytest.approx(v, rel=1e-12)


def test_each_step_warns_and_is_recorded() -> None:
    effects = cb.Effects(yi=[0.5], vi=[0.1], measure="RR", ni=[70], warnings=["earlier"])
    with pytest.warns(AssumptionWarning) as caught:
        found = convert(effects, to="COR", baseline_risk=0.1)
    notes = [str(warning.message) for warning in caught]
    assert [note.partition(":")[0] for note in notes] == ["RR to OR", "OR to SMD", "SMD to COR"]
    assert list(found.warnings) == ["earlier", *notes]
    assert found.ni.tolist() == [70]
    with pytest.warns(cb.ComorbidWarning):
        assert convert(one("OR"), to="SMD").warnings[0].startswith("OR to SMD: the outcome is")


@quiet
def test_baseline_risk_may_differ_by_study_and_a_gap_stays_a_gap() -> None:
    effects = cb.Effects(yi=[0.5, math.nan, 0.5], vi=[0.1, math.nan, 0.1], measure="OR")
    found = convert(effects, to="RR", baseline_risk=[0.1, 0.2, 0.3])
    assert found.yi[0] > found.yi[2]
    assert math.isnan(found.yi[1])


@quiet
def test_extreme_odds_ratios_do_not_overflow() -> None:
    """As the odds ratio grows the risk ratio goes to 1 / p0."""
    found = convert(one("OR", 300.0), to="RR", baseline_risk=0.25)
    assert found.yi[0] == pytest.approx(math.log(4), rel=1e-14)


@pytest.mark.parametrize(
    ("measure", "arguments", "error", "message"),
    [
        ("OR", {"to": "HR"}, cb.ModelError, "to is 'HR'; use one of RR, OR, SMD, COR"),
        ("MD", {"to": "OR"}, cb.ModelError, "MD cannot be converted"),
        ("OR", {"to": "RR"}, cb.ModelError, "baseline_risk is missing"),
        ("OR", {"to": "RR", "baseline_risk": 20}, cb.DataError, "A: baseline risk 20; give a prop"),
        ("OR", {"to": "RR", "baseline_risk": [0.1, 0.2]}, cb.DataError, r"has shape \(2,\)"),
        ("RR", {"to": "OR", "baseline_risk": 0.9}, cb.DataError, "A: a risk ratio of 1.65 at the"),
    ],
)
def test_bad_conversions(
    measure: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        convert(one(measure), **arguments)


def test_pingouin_is_imported_only_when_a_conversion_needs_it() -> None:
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import comorbid as cb; "
        "from comorbid.effects.conversions import convert; "
        "e = cb.Effects(yi=[0.5], vi=[0.1], measure='OR'); convert(e, to='SMD'); "
        "assert 'pingouin' not in sys.modules; convert(e, to='COR'); "
        "assert 'pingouin' in sys.modules"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@quiet
def test_quantiles_of_a_symmetric_study_give_its_middle() -> None:
    """Luo 2018: any weighted mean of equal numbers is that number."""
    found = means_from_quantiles(
        n=[20, 20, 20],
        minimum=[0, math.nan, 0],
        q1=[math.nan, 4, 4],
        median=7,
        q3=[math.nan, 10, 10],
        maximum=[14, math.nan, 14],
        labels=["a", "b", "c"],
    )
    assert found["mean"].tolist() == pytest.approx([7, 7, 7])
    assert found.index.tolist() == ["a", "b", "c"]
    assert found["skewness"].tolist() == [0, 0, 0]


def test_skewed_study_is_left_out_by_name_unless_kept() -> None:
    """The example of metafor's help page of conv.fivenum(): study 3 is skewed."""
    numbers: dict[str, Any] = {"minimum": 2, "q1": 4, "median": 6, "q3": 14, "maximum": 20}
    with pytest.warns(cb.DataWarning, match="skewed, so no mean .*: Study 1"):
        left_out = means_from_quantiles(n=20, **numbers)
    assert left_out[["mean", "sd"]].isna().all(axis=None)
    with pytest.warns(AssumptionWarning, match="taken as normal"):
        kept = means_from_quantiles(n=20, **numbers, skewed="keep")
    assert kept[["mean", "sd"]].notna().all(axis=None)


@quiet
def test_standard_deviation_needs_no_median() -> None:
    """Wan 2014, equation 9, of n = 50 and a range of 10: 10 / (2 z(0.98756))."""
    found = means_from_quantiles(n=50, minimum=0, maximum=10)
    assert math.isnan(found["mean"].iloc[0])
    assert found["sd"].iloc[0] == pytest.approx(10 / (2 * 2.2419), rel=1e-3)
    nothing = means_from_quantiles(n=50, median=3)
    assert nothing[["mean", "sd"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 4, "median": 1}, cb.DataError, "Study 1: n is 4; these methods need 5 people"),
        ({"n": 9, "q1": 3, "median": 2, "q3": 5}, cb.DataError, "Study 1: q1 3, median 2, q3 5"),
        ({"n": [9, 9], "q1": [1, 2, 3]}, cb.DataError, r"q1 has shape \(3,\)"),
        ({"n": 9, "labels": ["a", "b"]}, cb.DataError, "labels has 2 values for 1 studies"),
        ({"n": 9, "skewed": "drop"}, cb.ModelError, "use one of leave-out, keep"),
    ],
)
def test_bad_quantiles(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        means_from_quantiles(**arguments)


def test_critical_values_keep_the_level() -> None:
    """A seeded simulation of 4,000 normal samples of 41: 5 % are found skewed."""
    x = np.sort(np.random.default_rng(7).normal(size=(4000, 41)), axis=1)
    columns = {"minimum": x[:, 0], "q1": x[:, 10], "median": x[:, 20], "q3": x[:, 30]}
    columns["maximum"] = x[:, 40]
    for names in (("minimum", "median", "maximum"), ("q1", "median", "q3"), tuple(columns)):
        given: dict[str, Any] = {name: columns[name] for name in names}
        with pytest.warns(AssumptionWarning):
            found = means_from_quantiles(n=np.full(4000, 41), **given, skewed="keep")
        assert 0.04 < (found["skewness"] > found["critical"]).mean() < 0.06
