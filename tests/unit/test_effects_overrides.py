from __future__ import annotations

import math
from pathlib import Path

import pytest

import comorbid as cb


def test_a_decision_about_a_row_outside_the_pool_must_be_possible_too() -> None:
    """yoon2013-2 is not pooled and has no counts."""
    override = cb.Override("yoon2013-2", use="counts", reason="r")
    with pytest.raises(cb.DataError, match="yoon2013-2: it says use 'counts' but the row has none"):
        cb.effects(cb.datasets.headache_back_pain(), overrides=[override])


def test_the_same_decision_twice_is_refused() -> None:
    override = cb.Override("swain2014-1", use="counts", reason="r")
    with pytest.raises(cb.DataError, match="'counts' is said twice"):
        cb.effects(cb.datasets.headache_back_pain(), overrides=[override, override])


def test_effects_carry_how_much_of_the_review_they_are() -> None:
    exclude = cb.Override("swain2014-1", use="exclude", reason="r")
    effects = cb.effects(cb.datasets.headache_back_pain(), overrides=[exclude])
    assert effects.warnings[0].startswith("5 of 14 studies, 4 % of participants (19,428 of")
    assert effects.warnings[0] in cb.pool(effects).summary()


def test_a_row_with_only_a_p_value_is_read_and_used(tmp_path: Path) -> None:
    """Closed form: with p = 0.05 the standard error is |log 2| / 1.959964."""
    path = tmp_path / "studies.csv"
    path.write_text("study_id,measure,estimate,p_value\na,OR,2,0.05\nb,OR,3,0.01\n")
    effects = cb.effects(cb.read_studies(path))
    assert effects.vi[0] == pytest.approx((math.log(2) / 1.959963984540054) ** 2, rel=1e-12)
