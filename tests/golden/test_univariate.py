"""Every fit that R's metafor made of the golden data sets, through the public API.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control).
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from golden_data import CLOSED, ITERATIVE, analyses, dataset, difference, effects_of

import comorbid as cb

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
ITERATED = ("ML", "REML", "EB", "PM", "PMM")
TESTS = ("z", "t", "knha", "adhoc")

# Where tau2 is nearly 0 compared with the sampling variances, neither program's digits of it, or of
# I2, mean anything below this share of the smallest variance, or of 100 %.
NEGLIGIBLE = 1e-9

# The number of fits below can grow, never shrink.
FITS_AT_LEAST = 854


def fits_of(name: str, measure: str) -> list[tuple[str, str, dict[str, Any]]]:
    fits = dataset(name)["analyses"][measure]["fits"]
    return [
        (method, test, fits[method][test])
        for method in METHODS
        for test in TESTS
        if "beta" in (fits.get(method, {}).get(test) or {})
    ]


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


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize(("name", "measure"), analyses())
def test_fits_agree_with_metafor(name: str, measure: str) -> None:
    effects = effects_of(name, measure)
    smallest = min(v for v in effects.vi.tolist() if not math.isnan(v))
    wrong = []
    for method, test, golden in fits_of(name, measure):
        found = cb.pool(effects, method=method, test=test).to_dict()  # type: ignore[arg-type]
        tolerance = ITERATIVE if method in ITERATED else CLOSED
        for quantity, expected in expected_values(golden).items():
            floors = {"tau2": NEGLIGIBLE * smallest, "i2": NEGLIGIBLE * 100}
            floor = floors.get(quantity, 1e-300) / tolerance
            size = difference(found[quantity], expected, floor)
            if size > tolerance:
                wrong.append((method, test, quantity, found[quantity], expected, size))
    assert not wrong


def test_grid_of_cases_never_shrinks() -> None:
    assert sum(len(fits_of(*case)) for case in analyses()) >= FITS_AT_LEAST
