"""Measures that are not computed from counts or means: given effects, and hazard ratios."""

from __future__ import annotations

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    Formula,
    Kind,
    Measure,
    Rows,
    column,
    finite,
    first_known,
    positive,
)
from comorbid.effects.zeros import Zeros

_Pair = tuple[Array, Array]


def _complete_given(rows: Rows) -> Rows:
    yi, vi, sei = (column(rows, name) for name in ("yi", "vi", "sei"))
    return {"yi": yi, "vi": first_known(vi, sei**2), "sei": sei}


def _given(rows: Rows, zeros: Zeros, default: float) -> _Pair:
    return rows["yi"], rows["vi"]


def _complete_logrank(rows: Rows) -> Rows:
    return {name: column(rows, name) for name in ("o_minus_e", "v_logrank")}


def _logrank(rows: Rows, zeros: Zeros, default: float) -> _Pair:
    return rows["o_minus_e"] / rows["v_logrank"], 1 / rows["v_logrank"]


def _unknown(rows: Rows) -> Array:
    return column({"yi": next(iter(rows.values()))}, "")


def _effect(pair: _Pair) -> Array:
    return pair[0]


def _variance(pair: _Pair) -> Array:
    return pair[1]


GIVEN = Kind(_complete_given, _given, _unknown, (finite("yi"), positive("vi", "sei")), "summaries")
LOGRANK = Kind(
    _complete_logrank,
    _logrank,
    _unknown,
    (finite("o_minus_e"), positive("v_logrank")),
    "summaries",
)

GIVEN_MEASURES: tuple[Measure, ...] = (
    Measure(
        id="GEN",
        label="effect",
        columns=("yi", "vi"),
        effect=Formula(
            GIVEN, (("yi", "vi"), ("yi", "sei")), "y and v as given", _effect, {"LS": _variance}
        ),
        scale="identity",
        null=0.0,
        cite="Viechtbauer 2010, doi:10.18637/jss.v036.i03",
    ),
    Measure(
        id="HR",
        label="hazard ratio",
        columns=("o_minus_e", "v_logrank"),
        effect=Formula(
            LOGRANK,
            (("o_minus_e", "v_logrank"),),
            "y = (O - E) / V, v = 1/V with the observed less the expected events and the variance "
            "of the logrank test",
            _effect,
            {"LS": _variance},
            why_not="2x2 counts hold no times, so they give no hazard ratio",
        ),
        scale="log",
        null=0.0,
        cite="Tierney et al. 2007, doi:10.1186/1745-6215-8-16",
    ),
)
