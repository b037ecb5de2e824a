"""The golden data sets: reading them, and how closely results must agree with them."""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import comorbid as cb

DATA = Path(__file__).parent / "data"

# Closed forms agree to rounding; what rests on an iterated tau2 to what R's own stopping rule
# (a step of 1e-14 on tau2, relative to nothing) leaves.
CLOSED, ITERATIVE = 1e-9, 1e-7


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


def effects_of(name: str, measure: str) -> cb.Effects:
    analysis = dataset(name)["analyses"][measure]
    missing = float("nan")
    yi, vi = ([missing if x is None else x for x in analysis[key]] for key in ("yi", "vi"))
    return cb.Effects(yi=yi, vi=vi)


def difference(found: float, expected: float, scale: float) -> float:
    if math.isnan(expected) or math.isnan(found):
        return 0.0 if math.isnan(expected) and math.isnan(found) else math.inf
    return abs(found - expected) / max(abs(expected), scale)
