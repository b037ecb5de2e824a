"""One-step models where groups have no events, or nothing else: what is said of the result."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.count_models import Model

Table = dict[str, list[float]]
MODELS = get_args(Model)
ZERO: Table = {"ai": [0, 0, 0], "n1i": [20, 30, 25], "ci": [2, 3, 1], "n2i": [22, 31, 24]}
# dat.nielweise2007 of metadat 1.2-0
CATHETERS: Table = {
    "ai": [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
    "n1i": [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
    "ci": [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
    "n2i": [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69],
}


def flipped(table: Table) -> Table:
    """Events and others exchanged."""
    pairs = (("ai", "n1i"), ("ci", "n2i"))
    events = {e: [n - x for x, n in zip(table[e], table[s], strict=True)] for e, s in pairs}
    return {**table, **events}


def exchanged(table: Table) -> Table:
    """The groups exchanged."""
    return {"ai": table["ci"], "n1i": table["n2i"], "ci": table["ai"], "n2i": table["n1i"]}


def test_no_events_anywhere_is_an_error() -> None:
    nothing = {**ZERO, "ci": [0, 0, 0]}
    for table, lack in ((nothing, "events"), (flipped(nothing), "people without the event")):
        for fit in (*(partial(cb.glmm, model=m) for m in MODELS), cb.beta_binomial):
            with pytest.raises(
                cb.DataError, match=f"no table has {lack} in either group: they say"
            ):
                fit(table)
    for fit in (cb.glmm, cb.beta_binomial):
        with pytest.raises(cb.DataError, match=r"events: the pooled PLO is infinite; .*'PAS'"):
            fit({"xi": [0, 0], "ni": [5, 6]}, measure="PLO")
    with pytest.raises(cb.DataError, match=r"events: the pooled IRLN is infinite; .*'IRS'"):
        cb.glmm({"xi": [0, 0], "ti": [5, 6]}, measure="IRLN")
    for measure, column in (("PAS", "ni"), ("IRS", "ti")):
        effects = cb.escalc(measure, **{"xi": [0, 0], column: [5, 6]})
        assert np.isfinite([effects.yi, effects.vi]).all()
    rates = {"x1i": [0, 0], "t1i": [5, 6], "x2i": [1, 2], "t2i": [5, 6]}
    with pytest.raises(cb.DataError, match=r"the pooled IRR is infinite; .*'IRD'"):
        cb.glmm(rates, measure="IRR")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (ZERO, "no table has events in group 1: the pooled OR is infinite; penalised_logistic"),
        (exchanged(ZERO), "no table has events in group 2: the pooled OR is infinite"),
        (flipped(ZERO), "no table has people without the event in group 1: the pooled OR is"),
        (
            {"ai": [0, 0], "n1i": [5, 6], "ci": [7, 8], "n2i": [7, 8]},
            "no table has events in group 1, or people without the event in group 2",
        ),
        (
            {"ai": [0, 0], "n1i": [0, 0], "ci": [1, 2], "n2i": [7, 8]},
            "no table has anybody in one of the groups; give the counts of both",
        ),
    ],
)
def test_a_group_without_events_is_named_whatever_the_model(table: Table, message: str) -> None:
    for fit in (*(partial(cb.glmm, model=m) for m in MODELS), cb.beta_binomial):
        with pytest.raises(cb.DataError, match=message):
            fit(table)
    if "anybody" not in message:
        assert math.isfinite(cb.penalised_logistic(table).estimate)


AWAY: Table = {
    "ai": [0, 15, 20, 0, 0],
    "n1i": [13, 15, 20, 25, 7],
    "ci": [0, 17, 11, 11, 16],
    "n2i": [15, 18, 11, 11, 18],
}


@pytest.mark.parametrize("nodes", [1, 7])
def test_random_effects_that_run_away_are_said(nodes: int) -> None:
    """Simulated: nearly every group has no events or nothing else, and tau2 is 415 by Laplace."""
    fit = cb.glmm(AWAY, model="UM.RS", nodes=nodes)
    assert fit.tau2 > 100
    assert any("standard deviation above 4 on the log scale" in note for note in fit.warnings)
    equal = cb.glmm(AWAY, model="UM.FS", method="EE")
    assert not any("standard deviation" in note for note in equal.warnings)


def test_study_effects_that_run_away_are_said() -> None:
    """All events are in one study, so that what varies is the study's risk."""
    table: Table = {"ai": [20, 0, 0], "n1i": [20] * 3, "ci": [19, 1, 0], "n2i": [20] * 3}
    fit = cb.glmm(table, model="UM.RS", method="EE")
    assert fit.sigma2 > 16
    assert "standard deviation above 4" in fit.warnings[-1]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_said_of_effects_that_vary_as_usual(model: Any) -> None:
    fit = cb.glmm(CATHETERS, model=model)
    assert not any("standard deviation" in note for note in fit.warnings)


def test_rates_without_events_in_group_1_of_some_studies() -> None:
    """In metafor 3.8-1: rma.glmm(measure="IRR", model="UM.RS", nAGQ=1, drop00=FALSE)."""
    rates = {
        "x1i": [0, 1, 0, 2, 3, 1, 2, 0],
        "t1i": [8.5, 21.5, 12.5, 25.5, 29.5, 9.5, 14.5, 7.5],
        "x2i": [1, 2, 1, 3, 0, 3, 1, 0],
        "t2i": [21.5, 19.5, 25.5, 24.5, 29.5, 28.5, 26.5, 5.5],
    }
    fit = cb.glmm(rates, measure="IRR", model="UM.RS")
    assert fit.estimate == pytest.approx(0.1380, abs=5e-5)
    assert fit.se == pytest.approx(0.4495, abs=5e-5)
    assert fit.qe_lrt == pytest.approx(5.467093, abs=1e-6)
    assert fit.qe_wld == pytest.approx(0.8858, abs=5e-5)
    assert fit.tau2 == fit.sigma2 == 0
