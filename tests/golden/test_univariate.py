"""Every fit that R's metafor made of the golden data sets, through the public API.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control).
"""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb

DATA = Path(__file__).parent / "data"
METHODS = ("EE", "DL", "PM", "REML")
TESTS = ("z", "t", "knha", "adhoc")

# Closed forms agree to rounding; what rests on an iterated tau2 to what R's own stopping rule
# (a step of 1e-14 on tau2, relative to nothing) leaves.
CLOSED, ITERATIVE = 1e-9, 1e-7
# Where tau2 is nearly 0 compared with the sampling variances, neither program's digits of it mean
# anything below this share of the smallest variance.
NEGLIGIBLE = 1e-9

# The number of fits below can grow, never shrink.
FITS_AT_LEAST = 854


@cache
def dataset(name: str) -> dict[str, Any]:
    with gzip.open(DATA / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return dict(json.load(file))


def analyses() -> list[tuple[str, str]]:
    names = sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("dat.*.json.gz"))
    return [
        (name, measure)
        for name in names
        for measure, analysis in (dataset(name).get("analyses") or {}).items()
        if analysis.get("fits")
    ]


def fits_of(name: str, measure: str) -> list[tuple[str, str, dict[str, Any]]]:
    fits = dataset(name)["analyses"][measure]["fits"]
    return [
        (method, test, fits[method][test])
        for method in METHODS
        for test in TESTS
        if "beta" in (fits.get(method, {}).get(test) or {})
    ]


def effects_of(name: str, measure: str) -> cb.Effects:
    analysis = dataset(name)["analyses"][measure]
    missing = float("nan")
    yi, vi = ([missing if x is None else x for x in analysis[key]] for key in ("yi", "vi"))
    return cb.Effects(yi=yi, vi=vi)


def expected_values(golden: dict[str, Any]) -> dict[str, float]:
    predict = golden["predict"]
    values = {
        "estimate": golden["beta"],
        "se": golden["se"],
        "statistic": golden["zval"],
        "p_value": golden["pval"],
        "ci_low": golden["ci.lb"],
        "ci_high": golden["ci.ub"],
        "pi_low": predict["pi.lb"],
        "pi_high": predict["pi.ub"],
        "tau2": golden["tau2"],
        "i2": golden["I2"],
        "h2": golden["H2"],
        "q": golden["QE"],
        "q_p": golden["QEp"],
    }
    return {name: math.nan if value is None else value for name, value in values.items()}


def difference(found: float, expected: float, scale: float) -> float:
    if math.isnan(expected) or math.isnan(found):
        return 0.0 if math.isnan(expected) and math.isnan(found) else math.inf
    return abs(found - expected) / max(abs(expected), scale)


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize(("name", "measure"), analyses())
def test_fits_agree_with_metafor(name: str, measure: str) -> None:
    effects = effects_of(name, measure)
    smallest = min(v for v in effects.vi.tolist() if not math.isnan(v))
    wrong = []
    for method, test, golden in fits_of(name, measure):
        found = cb.pool(effects, method=method, test=test).to_dict()  # type: ignore[arg-type]
        tolerance = CLOSED if method in ("EE", "DL") else ITERATIVE
        for quantity, expected in expected_values(golden).items():
            floor = {"tau2": NEGLIGIBLE * smallest / tolerance}.get(quantity, 1e-300)
            size = difference(found[quantity], expected, floor)
            if size > tolerance:
                wrong.append((method, test, quantity, found[quantity], expected, size))
    assert not wrong


def test_grid_of_cases_never_shrinks() -> None:
    assert sum(len(fits_of(*case)) for case in analyses()) >= FITS_AT_LEAST
