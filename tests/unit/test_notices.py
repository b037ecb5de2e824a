"""Notices: each rule on both sides of its threshold."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from golden_data import DATA

import comorbid as cb

# Quantiles at 0.975 of the normal distribution and of t with 3 degrees of freedom.
Z, T3 = 1.959963984540054, 3.182446305284263


def fit(yi: list[float], vi: list[float], **settings: Any) -> cb.Fit:
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure=settings.pop("measure", "OR")), **settings)


def ids(of: cb.Fit) -> list[str]:
    return [notice.id for notice in cb.notices(of)]


def apart(q: float, **settings: Any) -> cb.Fit:
    """Four effects at +-d with variance 0.04, whose Q at tau2 = 0 is 4 d^2 / 0.04."""
    d = math.sqrt(q * 0.04 / 4)
    return fit([0.5 + d, 0.5 - d, 0.5 + d, 0.5 - d], [0.04] * 4, **settings)


@pytest.mark.parametrize(("k", "applies"), [(1, False), (2, True), (3, True), (4, False)])
def test_few_studies_are_two_or_three(k: int, applies: bool) -> None:
    effects = {"yi": [0.1, 0.9, 0.4, 1.3][:k], "vi": [0.03, 0.08, 0.02, 0.05][:k]}
    assert ("few-studies" in ids(fit(**effects))) is applies
    # Neither model estimates tau2 from so few.
    assert "few-studies" not in ids(fit(**effects, method="EE", test="z"))
    assert "few-studies" not in ids(fit(**effects, tau2=0.1))


def test_few_studies_have_the_three_intervals_beside_each_other() -> None:
    few = fit([0.1, 0.9], [0.03, 0.08])
    notice = cb.notices(few)[0]
    assert dict(notice.values) == few.intervals()
    assert list(notice.values) == ["z", "knha", "adhoc"]
    for name in ("classic (z)", "Knapp-Hartung", "ad hoc"):
        assert name in few.summary()


@pytest.mark.parametrize(("k", "applies"), [(1, True), (2, True), (9, True), (10, False)])
def test_fewer_than_ten_allow_no_conclusion_on_asymmetry(k: int, applies: bool) -> None:
    many = fit([0.1 * i for i in range(k)], [0.05] * k)
    assert ("under-ten" in ids(many)) is applies
    # It limits a funnel plot, not what the summary of a fit says.
    assert "funnel" not in many.summary()


@pytest.mark.parametrize(("share", "narrower"), [(0.99, True), (1.01, False)])
def test_knapp_hartung_is_narrower_below_its_threshold(share: float, narrower: bool) -> None:
    """With equal variances and tau2 = 0 it is if t sqrt(Q / 3) < z: its se is sqrt(Q / 3) of z's.

    Knapp and Hartung 2003, doi:10.1002/sim.1482.
    """
    found = apart(share * 3 * (Z / T3) ** 2)
    assert found.tau2 == 0
    assert ("knapp-hartung-narrower" in ids(found)) is narrower
    for test in ("z", "t", "adhoc"):
        assert "knapp-hartung-narrower" not in ids(apart(0.1, test=test))


@pytest.mark.parametrize("sign", [1, -1])
def test_prediction_that_includes_the_null_while_the_interval_does_not(sign: int) -> None:
    vi = [0.01] * 5
    wide = fit([sign * y for y in (0.1, 0.3, 0.5, 0.7, 0.9)], vi)
    assert wide.ci[0] * wide.ci[1] > 0 > wide.pi[0] * wide.pi[1]
    assert "prediction-crosses-null" in ids(wide)
    notice = next(n for n in cb.notices(wide) if n.id == "prediction-crosses-null")
    assert notice.values == {"ci": wide.ci, "pi": wide.pi}
    assert "leaves out 1, the prediction interval does not" in notice.text
    both_include = fit([sign * y for y in (-0.9, 0.3, 0.5, 0.7, 0.9)], vi)
    both_exclude = fit([sign * y for y in (0.8, 0.8, 0.85, 0.9, 0.9)], vi)
    for other in (both_include, both_exclude):
        assert "prediction-crosses-null" not in ids(other)


def test_the_null_of_a_difference_is_zero_and_a_proportion_has_none() -> None:
    yi, vi = [0.1, 0.3, 0.5, 0.7, 0.9], [0.01] * 5
    difference = cb.notices(fit(yi, vi, measure="MD"))
    assert "leaves out 0, the" in next(n for n in difference if n.about == "average").text
    assert "prediction-crosses-null" not in ids(fit(yi, vi, measure="PLO"))


@pytest.mark.parametrize(("q", "zero"), [(2.9, True), (3.1, False)])
def test_tau2_at_zero(q: float, zero: bool) -> None:
    """With equal variances REML is 0 if and only if Q <= k - 1 = 3."""
    found = apart(q)
    assert (found.tau2 == 0) is zero
    assert ("tau2-zero" in ids(found)) is zero
    assert "tau2-zero" not in ids(apart(q, tau2=0.0))
    if zero:
        notice = next(n for n in cb.notices(found) if n.id == "tau2-zero")
        assert notice.values["tau2_ci"] == found.tau2_ci()


def test_second_maxima_are_those_of_the_source() -> None:
    """Which of 426 data sets have two: tests/golden/data/README.md says how they were found."""
    cases = json.loads((DATA / "reml-global-maximum.json").read_text())
    found = {n: fit(case["yi"], case["vi"], measure="GEN") for n, case in enumerate(cases)}
    several = {n for n, of in found.items() if "second-maximum" in ids(of)}
    assert several == {n for n, case in enumerate(cases) if case["maxima"] > 1}
    assert 0 < len(several) < len(cases)
    first = min(several)
    notice = next(n for n in cb.notices(found[first]) if n.id == "second-maximum")
    assert notice.values["tau2"][0] == pytest.approx(found[first].tau2, rel=1e-9)
    assert notice.values["lower_by"][0] == 0 < notice.values["lower_by"][1]
    # The moment estimators maximise nothing.
    assert "second-maximum" not in ids(fit(cases[first]["yi"], cases[first]["vi"], method="DL"))


def test_a_notice_is_plain_enough_for_the_lock_and_has_its_source() -> None:
    few = fit([0.5, 0.6], [0.03, 0.08])
    locked = json.loads(json.dumps(few.to_dict()))["notices"]
    assert (
        [entry["id"] for entry in locked] == ids(few) == ["few-studies", "tau2-zero", "under-ten"]
    )
    for entry, notice in zip(locked, cb.notices(few), strict=True):
        assert entry["source"]["doi"].startswith("10.")
        assert entry["source"]["key"].isascii()
        assert entry["threshold"] == notice.threshold
        assert str(notice).endswith(f"doi:{notice.source.doi})")


def test_notices_of_what_is_no_fit() -> None:
    with pytest.raises(cb.DataError, match="give what pool"):
        cb.notices("a fit")  # type: ignore[arg-type]
