"""Dependent effects at the edges: what cannot be fitted is said in the words of the call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import comorbid as cb


def effects(studies: str = "AABBCCDD", **settings: Any) -> cb.Effects:
    """Made up for the messages."""
    yi = [0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8][: len(studies)]
    vi = [0.02, 0.03, 0.02, 0.04, 0.05, 0.02, 0.03, 0.02][: len(studies)]
    return cb.Effects(yi=yi, vi=vi, studies=list(studies), **settings)


@pytest.mark.parametrize(
    ("studies", "settings", "message"),
    [
        ("ABCD", {}, "study='study_id': every study has one effect, so that none are correlated"),
        ("ABCD", {}, r"robust\(pool\(effects\)\), or of regress\(\), is the same model"),
        ("AABB", {"study": "estimate_id"}, "study='estimate_id': every study has one effect"),
        ("AABB", {"study": "foo"}, "study: there is no column foo; there are: study, study_id"),
        ("AABB", {"study": "studyid"}, "study: there is no column studyid; did you mean study_id"),
        ("AAAA", {}, "study='study_id': all effects are of one study, A"),
        ("AABB", {"study": ["A", "A", "B", "B"]}, "study is .*; give the name of a column"),
        ("AABB", {"formula": 3}, "formula is 3; give text"),
        ("AABB", {"formula": "~ dose"}, "2 clusters for 2 coefficients.*leave moderators out, or"),
    ],
)
def test_che_speaks_of_its_own_arguments(
    studies: str, settings: dict[str, Any], message: str
) -> None:
    given = effects(studies, moderators={"dose": [1, 2, 3, 5]})
    with pytest.raises(cb.ModelError, match=message):
        cb.che(given, **settings)


def test_che_looks_at_the_rows_that_it_uses() -> None:
    given = effects("AABB", moderators={"dose": [1, None, 3, None]})
    assert cb.che(given).k == 4
    with pytest.raises(cb.ModelError, match="every study has one effect"):
        cb.che(given, "~ dose")
    one = cb.Effects(yi=[0.1, 0.2, np.nan], vi=[0.1] * 3, studies=list("AAB"))
    with pytest.raises(cb.ModelError, match="all effects are of one study, A"):
        cb.che(one)


def test_of_one_row_a_study_robust_of_a_pool_is_the_same() -> None:
    """The remedy that che gives: with one effect a study its variances are one."""
    given = effects("ABCDEFGH")
    remedy = cb.robust(cb.pool(given))
    model = cb.robust(cb.multilevel(given, random="study_id"))
    assert remedy.estimate == pytest.approx(model.estimate, rel=1e-8)
    assert remedy.se == pytest.approx(model.se, rel=1e-7)
    assert remedy.df == pytest.approx(model.df, rel=1e-7)


def test_a_pool_of_dependent_rows_names_a_remedy_that_runs() -> None:
    given = effects()
    note = next(n for n in cb.pool(given).warnings if "taken as independent: A, B, C, D" in n)
    assert "che(effects, rho=0.6)" in note
    assert cb.che(given, rho=0.6).m == 4
