"""Every effect size that R's metafor computed, and its conversions, through the public API.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from golden_data import CLOSED, dataset
from golden_escalc import Case, cases

import comorbid as cb
from comorbid.effects.escalc import escalc
from comorbid.effects.quantiles import means_from_quantiles
from comorbid.effects.scales import SCALES

# What 0 is computed as, here or there.
ROUNDING = 1e-15
VALUES_AT_LEAST = 3_397

# Cells of DISAGREEMENTS.md by measure, in which a difference is expected: quantity and position.
LISTED = {
    "twobytwo RTET": {*(("yi", i) for i in (0, 1, 3)), *(("vi", i) for i in (0, 1, 3, 4, 5))},
    "twobytwo ZTET": {*(("yi", i) for i in (0, 1, 3)), *(("vi", i) for i in (0, 1, 3, 5))},
    "twobytwo_to_none RD": {("vi", 6)},
    "twobytwo_to_none RD/UB": {("vi", 6)},
}


def agree(found: float, expected: float) -> bool:
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    return abs(found - expected) <= CLOSED * abs(expected) + ROUNDING


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.dataset}-{case.quantity}")
def test_effects_agree_with_metafor(case: Case) -> None:
    effects = escalc(case.measure, **case.arguments)
    wrong = {
        (name, i): (found, expected)
        for name, values, golden in (("yi", effects.yi, case.yi), ("vi", effects.vi, case.vi))
        for i, (found, expected) in enumerate(zip(values.tolist(), golden, strict=True))
        if not agree(found, expected)
    }
    assert set(wrong) == LISTED.get(case.quantity, set()), wrong


def test_number_of_values_never_shrinks() -> None:
    listed = sum(map(len, LISTED.values()))
    assert sum(len(case.yi) + len(case.vi) for case in cases()) - listed >= VALUES_AT_LEAST


def test_every_section_of_the_file_is_compared() -> None:
    compared = {case.quantity.partition(" ")[0] for case in cases() if case.dataset == "escalc"}
    elsewhere = {"meta", "conv", "conv.fivenum", "conv.2x2"}
    assert set(dataset("escalc")) == compared | elsewhere
    assert dataset("escalc")["conv.2x2"] == {}


def test_back_transformations_agree_with_metafor() -> None:
    golden = dataset("escalc")["conv"]
    found = {
        "ilogit": SCALES["logit"].back([-2.0, 0.0, 1.3]),
        "ztor": SCALES["arctanh"].back([-0.5, 0.0, 1.0]),
        "ipft": np.concatenate(
            [
                SCALES[f"double-arcsine(n={n})"].back([y])
                for y, n in ((0.2, 10), (0.8, 20), (1.2, 30))
            ]
        ),
    }
    assert set(golden) == {*found, "transf"}
    for name, values in found.items():
        assert all(map(agree, values.tolist(), golden[name])), name


def test_means_from_quantiles_agree_with_metafor() -> None:
    golden = dataset("escalc")["conv.fivenum"]
    nan = math.nan
    with pytest.warns(cb.ComorbidWarning, match="taken as normal"):
        found = means_from_quantiles(
            n=[30, 40, 50],
            minimum=[2, nan, 1],
            q1=[nan, 5, 4],
            median=[10, 9, 8],
            q3=[nan, 12, 11],
            maximum=[20, nan, 19],
        )
    for name in ("mean", "sd"):
        assert all(map(agree, found[name].tolist(), golden[name])), name


def test_disagreements_are_listed() -> None:
    text = (Path(__file__).parent / "DISAGREEMENTS.md").read_text(encoding="utf-8")
    for quantity in LISTED:
        measure = quantity.partition(" ")[2]
        assert any("escalc" in line and measure in line for line in text.splitlines()), quantity
