from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

import comorbid as cb

COUNTS = (
    cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible."),
    cb.Override("swain2014-1", use="counts", reason="The interval is rounded."),
)


def headache_effects() -> cb.Effects:
    return cb.effects(cb.datasets.headache_back_pain(), overrides=COUNTS)


def test_each_subgroup_is_its_own_fit() -> None:
    effects = headache_effects()
    table = cb.subgroups(effects, by="population").to_frame()
    for name in ("adolescents", "adults"):
        rows = [i for i, value in enumerate(effects.moderators["population"]) if value == name]
        alone = cb.pool(effects.take(rows))
        assert table.loc[name, "estimate"] == pytest.approx(alone.estimate, rel=1e-12)
        assert table.loc[name, "ci_high"] == pytest.approx(alone.ci[1], rel=1e-12)


def test_between_groups_is_q_of_the_estimates() -> None:
    """Closed form for two groups: (m1 - m2)^2 / (se1^2 + se2^2) on 1 degree of freedom."""
    result = cb.subgroups(headache_effects(), by="population")
    (m1, m2), (s1, s2) = result.refits.batch.estimate, result.refits.batch.se
    expected = (m1 - m2) ** 2 / (s1**2 + s2**2)
    assert result.q_between == pytest.approx(expected, rel=1e-12)
    assert result.q_between_df == 1
    assert result.q_between_p == pytest.approx(math.erfc(math.sqrt(expected / 2)), rel=1e-9)


def test_three_groups_have_two_degrees_of_freedom() -> None:
    result = cb.subgroups(headache_effects(), by="headache")
    assert result.refits.labels == ("any", "migraine", "episodic")
    assert result.q_between_df == 2
    assert result.q_between_p == pytest.approx(special.chdtrc(2, result.q_between))
    assert result.refits.reasons[1] == "one study is left: nothing is pooled"


def test_studies_without_a_value_are_left_out() -> None:
    effects = cb.Effects(yi=[0.5, 0.6, 1.4], vi=[0.1, 0.1, 0.1], moderators={"sex": ["f", "", "m"]})
    result = cb.subgroups(effects, by="sex", test="z")
    assert result.refits.labels == ("f", "m")
    assert result.warnings == ("1 study has no sex and is left out",)


def test_unknown_moderator_lists_the_known_ones() -> None:
    with pytest.raises(cb.ModelError, match=r"the effects have the moderators: .*population"):
        cb.subgroups(headache_effects(), by="popluation")


def test_against_rest_counts_no_one_twice() -> None:
    studies = cb.datasets.headache_back_pain()
    result = cb.against_rest(studies, where={"headache": ("migraine",)}, overrides=COUNTS)
    assert result.fit is not None
    assert result.rest is not None
    assert result.fit.effects.ids == ("ashina2018-3", "bejia2005-1")
    assert not set(result.fit.effects.studies) & set(result.rest.effects.studies)
    assert result.rest.k == 4
    assert result.contrast is not None
    assert result.contrast.q_between_df == 1


def test_primary_row_is_preferred_and_the_choice_is_said() -> None:
    studies = cb.datasets.headache_back_pain()
    result = cb.against_rest(studies, where={"headache": ("episodic", "chronic")})
    assert result.fit is not None
    assert "yoon2013-1" in result.fit.effects.ids
    assert (
        "Yoon 2013 has 4 rows of the same people that match; Yoon 2013, its row in the main pool, "
        "is used."
    ) in result.warnings
    chronic = cb.against_rest(studies, where={"headache": ("chronic",)})
    assert chronic.warnings[0].endswith("; Yoon 2013 (3), the first of them, is used.")


@pytest.mark.parametrize(
    ("value", "k"), [("none", 0), ("chronic", 2), ("migraine+tension-type", 1)]
)
def test_few_studies_are_a_result(value: str, k: int) -> None:
    result = cb.against_rest(cb.datasets.headache_back_pain(), where={"headache": (value,)})
    assert result.k == k
    assert (result.contrast is None) == (k == 0)
    assert result.to_dict()["where"] == {"headache": [value]}
    if k == 0:
        assert result.warnings == ("no study matches",)


def test_every_study_inside_leaves_nothing_to_compare() -> None:
    studies = cb.datasets.headache_back_pain()
    everything = {"measure": ("OR",)}
    result = cb.against_rest(studies, where=everything)
    assert result.rest is None
    assert result.contrast is None
    assert np.isfinite(result.to_frame()["estimate"]).all()


def test_against_rest_needs_an_existing_column() -> None:
    with pytest.raises(cb.DataError, match="no column headaches"):
        cb.against_rest(cb.datasets.headache_back_pain(), where={"headaches": ("any",)})
