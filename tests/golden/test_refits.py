"""Leave-one-out of the golden data sets, and global maxima of the restricted likelihood.

The values and how they were made: tests/golden/data/README.md.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import CLOSED, DATA, ITERATIVE, analyses, dataset, difference, effects_of

import comorbid as cb

NAMES = {
    "estimate": "estimate",
    "se": "se",
    "zval": "statistic",
    "tval": "statistic",
    "pval": "p_value",
    "ci.lb": "ci_low",
    "ci.ub": "ci_high",
    "Q": "q",
    "Qp": "q_p",
    "tau2": "tau2",
    "I2": "i2",
    "H2": "h2",
}
# tau2 of a refit may be 0 here and below 1e-9 there, or the other way round.
ABSOLUTE = 1e-9
VALUES_AT_LEAST = 60_114


def refit_cases() -> list[tuple[str, str, str]]:
    return [
        (name, measure, key)
        for name, measure in analyses()
        for key in dataset(name)["analyses"][measure].get("leave1out") or {}
        if key.split("_")[0] in ("EE", "DL", "PM", "REML")
    ]


@pytest.mark.parametrize(("name", "measure", "key"), refit_cases())
def test_leave_one_out_agrees_with_metafor(name: str, measure: str, key: str) -> None:
    golden = dataset(name)["analyses"][measure]["leave1out"][key]
    method, test = key.split("_")
    fit = cb.pool(effects_of(name, measure), method=method, test=test)  # type: ignore[arg-type]
    table = cb.leave_one_out(fit).to_frame()
    tolerance = CLOSED if method in ("EE", "DL") else ITERATIVE
    wrong = []
    for theirs in NAMES.keys() & golden.keys():
        ours = NAMES[theirs]
        for row, expected in enumerate(golden[theirs]):
            found = float(table[ours].iloc[row])
            if abs(found - expected) > ABSOLUTE and difference(found, expected, 1e-300) > tolerance:
                wrong.append((ours, row, found, expected))
    assert not wrong


def test_number_of_leave_one_out_values_never_shrinks() -> None:
    count = sum(
        len(values)
        for name, measure, key in refit_cases()
        for theirs, values in dataset(name)["analyses"][measure]["leave1out"][key].items()
        if theirs in NAMES
    )
    assert count >= VALUES_AT_LEAST


def _global_maxima() -> list[dict[str, object]]:
    return list(json.loads((DATA / "reml-global-maximum.json").read_text()))


def test_reml_is_at_the_global_maximum() -> None:
    """426 data sets, some with two maxima; the source gives tau2 to about 1e-8, ll to 1e-10."""
    wrong = []
    for number, case in enumerate(_global_maxima()):
        yi, vi = np.array(case["yi"]), np.array(case["vi"])
        tau2 = cb.pool(cb.Effects(yi=yi, vi=vi)).tau2
        if not math.isclose(tau2, case["tau2"], rel_tol=1e-6, abs_tol=2e-8):  # type: ignore[arg-type]
            wrong.append((number, tau2, case["tau2"]))
    assert not wrong
    assert len(_global_maxima()) == 426
