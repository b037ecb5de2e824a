"""The scale on which the interval of each measure is symmetric, for checks that need no effects."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Scale(NamedTuple):
    """A scale and its inverse; beyond the range of the printed values ``forward`` is infinite."""

    forward: Callable[[float], float]
    back: Callable[[float], float]


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _logit(p: float) -> float:
    return _log(p) - _log(1 - p) if p < 1 else math.inf


def _expit(y: float) -> float:
    return 1 / (1 + math.exp(-y)) if y > -700 else 0.0


def _arctanh(r: float) -> float:
    return math.atanh(r) if -1 < r < 1 else math.copysign(math.inf, r)


SCALES: dict[str, Scale] = {
    "identity": Scale(lambda x: x, lambda y: y),
    "log": Scale(_log, lambda y: math.exp(y) if y < 700 else math.inf),
    "logit": Scale(_logit, _expit),
    "arctanh": Scale(_arctanh, math.tanh),
}

SCALE_OF: dict[str, str] = {
    **dict.fromkeys(("OR", "RR", "HR", "IRR", "PETO", "ROM", "VR", "CVR", "IRLN", "MNLN"), "log"),
    **dict.fromkeys(("RD", "MD", "IRD", "MN", "MC", "SMD", "SMDH", "SMD1", "SMD1H"), "identity"),
    **dict.fromkeys(("PR", "COR", "UCOR", "PHI", "RPB"), "identity"),
    **dict.fromkeys(("ZCOR", "ZPHI", "ZPB"), "arctanh"),
    "PLO": "logit",
}
"""Measures that papers print with an interval, and the scale that it is computed on."""
