"""Mantel-Haenszel and Peto fits of R's metafor, with their leave-one-out and cumulative tables.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1); all closed forms.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from golden_sensitivity import OF_ONE_STUDY, REFIT_COLUMNS, Comparison, Table, table_sets

import comorbid as cb
from comorbid.effects.zeros import Zeros
from comorbid.models.mantel_haenszel import MantelHaenszel, mantel_haenszel
from comorbid.models.peto import Peto, peto
from comorbid.sensitivity.cumulative import cumulative

FIELDS = {
    "k": "k",
    "k.yi": "k_yi",
    "k.pos": "k_pos",
    "beta": "estimate",
    "se": "se",
    "zval": "statistic",
    "pval": "p_value",
    "I2": "i2",
    "H2": "h2",
    "QE": "q",
    "QEp": "q_p",
}
TESTS = {"MH": "cmh", "CO": "cochran", "BD": "breslow_day", "TA": "tarone"}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "correct_false": {"correction": "none"},
    "add0": {"zeros": Zeros(add=0.0, drop00="yes")},
}
VALUES_AT_LEAST = 16_412


def cases() -> list[tuple[str, str, dict[str, Any], Table]]:
    return [
        (name, method, more[method], table)
        for name, more, table in table_sets()
        for method in more
        if method == "peto" or method.startswith("MH_")
    ]


def pooled(method: str, table: Table, variant: str) -> MantelHaenszel | Peto:
    if method == "peto":
        return peto(table)
    measure = method.removeprefix("MH_")
    return mantel_haenszel(table, measure=measure, **VARIANTS[variant])


def values_of(fit: MantelHaenszel | Peto) -> dict[str, float]:
    """Return metafor's names and comorbid's values; what a measure does not have is nan."""
    found = {theirs: getattr(fit, ours) for theirs, ours in FIELDS.items()}
    found |= {"ci.lb": fit.ci[0], "ci.ub": fit.ci[1]}
    for theirs, ours in TESTS.items():
        test = getattr(fit, ours, None)
        found[theirs] = None if test is None else test.statistic
        found[f"{theirs}p"] = None if test is None else test.p_value
    return {name: math.nan if value is None else float(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("name", "method", "expected", "table"), cases(), ids=lambda x: x if isinstance(x, str) else ""
)
@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
def test_agrees_with_metafor(
    name: str, method: str, expected: dict[str, Any], table: Table
) -> None:
    comparison = Comparison((name, method), iterative=False)
    for variant, golden in expected.items():
        if variant == "leave1out":
            refits = cb.leave_one_out(pooled(method, table, "default")).to_frame()  # type: ignore[arg-type]
            add_refits(comparison, refits, golden, first=0)
        elif variant == "cumul":
            refits = cumulative(pooled(method, table, "default")).to_frame()
            for theirs in ("Q", "Qp", "I2", "H2"):
                assert math.isnan(refits[REFIT_COLUMNS[theirs]].iloc[0])
                assert golden[theirs][0] == OF_ONE_STUDY[REFIT_COLUMNS[theirs]]
            add_refits(comparison, refits, golden, first=1)
        else:
            found = values_of(pooled(method, table, variant))
            for theirs, value in golden.items():
                comparison.add(FIELDS.get(theirs, theirs), [found[theirs]], [value])
    assert not comparison.wrong


def add_refits(comparison: Comparison, refits: Any, golden: dict[str, Any], *, first: int) -> None:
    for theirs in REFIT_COLUMNS.keys() & golden.keys():
        ours = REFIT_COLUMNS[theirs]
        start = first if ours in OF_ONE_STUDY else 0
        comparison.add(ours, refits[ours].tolist()[start:], golden[theirs][start:])


def test_number_of_values_never_shrinks() -> None:
    count = 0
    for _, _, expected, _ in cases():
        for variant, golden in expected.items():
            if variant in ("leave1out", "cumul"):
                count += sum(len(v) for n, v in golden.items() if n in REFIT_COLUMNS)
            else:
                count += len(golden)
    assert count >= VALUES_AT_LEAST
