"""Values can be pickled and copied, and cannot be changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import comorbid as cb

EFFECTS = cb.Effects(
    yi=[0.1, 0.9, 0.4, 1.3, 0.2],
    vi=[0.03, 0.08, 0.02, 0.05, 0.04],
    moderators={"year": [1990, 2000, 2005, 2010, 2015], "sex": list("fmfmm")},
)
PROPORTIONS = cb.escalc("PFT", xi=[3, 5, 9], ni=[10, 20, 30])
VALUES = {
    "effects": EFFECTS,
    "effects on a scale that holds their size": PROPORTIONS,
    "fit": cb.pool(EFFECTS, weights=[1, 2, 3, 4, 5]),
    "fit with fixed tau2": cb.pool(EFFECTS, tau2=0.1),
    "regression": cb.regress(EFFECTS, "~ center(year) + sex"),
}


def by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("again", [by_pickle, copy.copy, copy.deepcopy])
def test_a_copy_is_the_same_value(name: str, again: Callable[[Any], Any]) -> None:
    value = VALUES[name]
    made = again(value)
    assert type(made) is type(value)
    assert made.to_dict() == value.to_dict()
    assert repr(made) == repr(value)


@pytest.mark.parametrize("again", [by_pickle, copy.deepcopy])
def test_a_copy_cannot_be_changed_either(again: Callable[[Any], Any]) -> None:
    regression = again(VALUES["regression"])
    for array in (
        again(EFFECTS).yi,
        again(VALUES["fit"]).weights,
        regression.estimate,
        regression.design.x,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_a_copy_can_do_what_the_value_can() -> None:
    fit, regression = by_pickle(VALUES["fit"]), by_pickle(VALUES["regression"])
    assert cb.leave_one_out(fit).batch.estimate.tolist() == pytest.approx(
        cb.leave_one_out(VALUES["fit"]).batch.estimate.tolist()
    )
    new = {"year": [2020], "sex": "f"}
    assert np.array_equal(
        regression.predict(new).estimate, VALUES["regression"].predict(new).estimate
    )


def test_moderators_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        EFFECTS.moderators["year"] = (1,) * 5  # type: ignore[index]
    columns = {"year": [1, 2, 3, 4, 5]}
    made = cb.Effects(yi=EFFECTS.yi, vi=EFFECTS.vi, moderators=columns)
    columns["year"][0] = 9
    columns["age"] = []
    assert dict(made.moderators) == {"year": (1, 2, 3, 4, 5)}
