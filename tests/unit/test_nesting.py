"""Nesting: which random effects contain which, and what a likelihood ratio does with them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.clusters import columns_of
from comorbid.models.nesting import nesting
from comorbid.models.random_terms import random_terms

STUDIES = np.repeat(list("ABCDEFGH"), 6).tolist()
COLUMNS: dict[str, Any] = {
    "three": list("xxyyzz") * 8,
    "two": list("xxxyyy") * 8,
    "region": (list("pppqqq") * 4 + list("rrrsss") * 4),
}
Terms = str | list[str]


def effects(seed: int = 2) -> cb.Effects:
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.normal(0, 0.4, 8), 6) + np.repeat(rng.normal(0, 0.2, 24), 2)
    vi = rng.uniform(0.02, 0.1, 48)
    return cb.Effects(
        yi=own + rng.normal(0, np.sqrt(vi)), vi=vi, studies=STUDIES, moderators=COLUMNS
    )


def terms(random: Terms, struct: str = "CS") -> Any:
    found = effects()
    given = struct if "|" in str(random) else None
    return random_terms(random, given, columns_of(found), found.labels)


def lacking(full: Any, reduced: Any) -> bool:
    return bool(nesting(full, reduced).lacking)


# Of three levels: which structure of one inner and outer factor contains which, from what their
# matrices are. Of two levels CS is AR and HCS is UN.
CONTAINS = {
    "CS": set(),
    "DIAG": set(),
    "AR": set(),
    "HCS": {"CS", "DIAG"},
    "UN": {"CS", "DIAG", "AR", "HCS"},
}


@pytest.mark.parametrize(("full", "reduced"), list(permutations(CONTAINS, 2)))
def test_order_of_structures_of_three_levels(full: str, reduced: str) -> None:
    pair = [terms("three | study_id", struct) for struct in (full, reduced)]
    assert lacking(*pair) == (reduced not in CONTAINS[full])
    assert not lacking(pair[0], pair[0])


@pytest.mark.parametrize(("one", "other"), [("CS", "AR"), ("HCS", "UN")])
def test_structures_that_are_the_same_of_two_levels(one: str, other: str) -> None:
    pair = [terms("two | study_id", struct) for struct in (one, other)]
    assert not lacking(*pair)
    assert not lacking(*pair[::-1])


@pytest.mark.parametrize(
    ("full", "struct", "reduced", "inside"),
    [
        ("study_id / estimate_id", "CS", "estimate_id", True),
        ("study_id / estimate_id", "CS", "label", True),  # the same groups by another name
        ("study_id / estimate_id", "CS", "region", False),
        ("study_id / three", "CS", "study_id / two", False),
        ("three | study_id", "CS", "study_id", True),
        ("three | study_id", "CS", "study_id / three", True),
        ("three | study_id", "CS", "three", False),
        ("three | study_id", "DIAG", "study_id", False),
        ("three | study_id", "AR", "study_id", True),
        ("three | study_id", "AR", "study_id / three", False),
        ("two | study_id", "AR", "study_id / two", True),
        ("three | study_id", "HCS", "study_id / three", True),
        ("three | study_id", "UN", ["study_id / three", "estimate_id"], False),
        (["three | study_id", "estimate_id"], "UN", ["study_id / three", "estimate_id"], True),
        (["three | study_id", "region"], "HCS", ["study_id", "region"], True),
        (["three | study_id", "region"], "AR", ["three", "region"], False),
    ],
)
def test_intercepts_within_other_terms(
    full: Terms, struct: str, reduced: Terms, inside: bool
) -> None:
    assert lacking(terms(full, struct), terms(reduced)) != inside


@pytest.mark.parametrize("struct", ["HCS", "UN"])
def test_variances_by_level_beside_an_intercept(struct: str) -> None:
    """The correlations of D + c 11' differ, so that it is UN but no HCS."""
    reduced = terms(["three | study_id", "study_id"], "DIAG")
    assert lacking(terms("three | study_id", struct), reduced) == (struct == "HCS")
    # Nor is HCS such a sum.
    assert lacking(reduced, terms("three | study_id", "HCS"))


def test_what_is_at_the_end_of_its_range() -> None:
    cs, un = (terms("three | study_id", struct) for struct in ("CS", "UN"))
    study, cells = terms("study_id"), terms("study_id / three")
    assert nesting(cells, study).single
    # A correlation of 1 leaves one variance, that of the levels within a study, to be added.
    assert nesting(cs, study).single
    assert not nesting(cs, ()).single
    assert nesting(cs, ()).ends
    assert nesting(un, study).ends
    assert not nesting(un, study).single
    assert nesting(un, cs).ends == ()
    assert nesting(cs, cells[1:]).ends == ()  # a correlation of 0 is inside
    assert nesting((), cs).lacking == cs


def test_a_likelihood_ratio_of_models_that_are_not_nested_is_refused() -> None:
    found = effects()
    ar, hcs, un, crossed, study = (
        cb.multilevel(found, random=random, struct=struct)
        for random, struct in [
            ("three | study_id", "AR"),
            ("three | study_id", "HCS"),
            ("three | study_id", "UN"),
            (["study_id", "region", "estimate_id"], None),
            ("study_id", None),
        ]
    )
    message = (
        r"larger model \(three \| study_id, struct HCS\) do not contain those of the smaller "
        r"\(three \| study_id, struct AR\).*compare aic or bic"
    )
    with pytest.raises(cb.ModelError, match=message):
        cb.likelihood_ratio(ar, hcs)
    with pytest.raises(cb.ModelError, match=r"\(study_id and region and estimate_id\) do not cont"):
        cb.likelihood_ratio(ar, crossed)
    assert cb.likelihood_ratio(un, hcs).df == 2
    assert cb.likelihood_ratio(un, hcs).warnings == ()
    assert np.isnan(cb.likelihood_ratio(un, hcs).p_mixture)
    assert cb.likelihood_ratio(crossed, study).df == 2
    assert "has no simple form" in cb.likelihood_ratio(crossed, study).warnings[0]


def test_a_likelihood_ratio_against_equal_effects() -> None:
    found = effects()
    full, none = cb.multilevel(found, random="estimate_id"), cb.pool(found, method="EE")
    test = cb.likelihood_ratio(none, full)
    assert test.statistic == pytest.approx(
        2 * (full.log_likelihood - none.reml.log_likelihood), rel=1e-12
    )
    assert (test.df, test.method) == (1, "REML")
    # Self and Liang (1987, case 5): half chi-squared with 0 and half with 1 degree of freedom.
    assert test.p_mixture == pytest.approx(test.p_value / 2, rel=1e-12)
    single = cb.likelihood_ratio(cb.pool(found), none)
    assert single.statistic == pytest.approx(test.statistic, rel=1e-9)


def test_a_mixture_with_a_moderator() -> None:
    """Self and Liang (1987, case 6): half chi-squared with 1 and half with 2 degrees of freedom."""
    found = effects()
    full = cb.multilevel(found, "~ two", method="ML")
    test = cb.likelihood_ratio(full, cb.multilevel(found, random="study_id", method="ML"))
    from scipy.stats import chi2

    expected = (chi2.sf(test.statistic, 1) + chi2.sf(test.statistic, 2)) / 2
    assert test.p_mixture == pytest.approx(expected, rel=1e-12)


def test_coefficients_by_weights_of_the_analyst_have_no_likelihood_ratio() -> None:
    found = effects()
    weighted = cb.pool(found, weights=np.arange(1, 49))
    with pytest.raises(cb.ModelError, match="fit both without weights"):
        cb.likelihood_ratio(cb.multilevel(found), weighted)


def test_no_variance_in_the_data_is_no_evidence() -> None:
    """Both heights are the same, and both tails are 1 at a statistic of 0."""
    flat = cb.Effects(yi=[0.3] * 8, vi=[0.04] * 8, studies=list("AABBCCDD"))
    test = cb.likelihood_ratio(cb.multilevel(flat), cb.multilevel(flat, random="study_id"))
    assert test.statistic == pytest.approx(0, abs=1e-9)
    assert test.p_value == pytest.approx(1)


@pytest.mark.parametrize(
    ("random", "struct", "message"),
    [
        (["three | study_id", "study_id"], "CS", "study_id: others already allow for all of it"),
        (["study_id", "three | study_id"], "UN", "study_id: others already allow for all of it"),
        (["two | study_id", "study_id"], "HCS", "study_id: others already allow for all of it"),
        (["two | study_id", "study_id"], "AR", "study_id: others already allow for all of it"),
        (
            ["study_id / two", "two | study_id"],
            "DIAG",
            "study_id/two: others already allow for all",
        ),
        (
            ["three | study_id"] * 2,
            ["CS", "DIAG"],
            r"three \| study_id: others already allow for part",
        ),
        (
            ["two | study_id", "three | study_id"],
            ["UN", "CS"],
            "others already allow for part of it",
        ),
    ],
)
def test_terms_that_stand_for_each_other_are_refused(
    random: list[str], struct: Any, message: str
) -> None:
    """Also where the effects put one of the variances at 0, so that the other seems determined."""
    for seed in range(3):
        with pytest.raises(cb.ModelError, match=message):
            cb.multilevel(effects(seed), random=random, struct=struct)


@pytest.mark.parametrize(
    ("random", "struct"),
    [
        (["three | study_id", "study_id"], "HCS"),
        (["three | study_id", "study_id"], "AR"),
        (["three | study_id", "study_id"], "DIAG"),
        (["three | study_id", "estimate_id"], "UN"),
        (["two | study_id", "three | region"], ["UN", "CS"]),
    ],
)
def test_terms_that_differ_are_fitted(random: list[str], struct: Any) -> None:
    assert cb.multilevel(effects(), random=random, struct=struct).k == 48
