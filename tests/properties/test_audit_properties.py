"""Invariants of the audit: what a paper prints rightly is never found, whatever its numbers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

import comorbid as cb
from comorbid.studies.read import studies_from_bytes

COUNT = st.integers(1, 100_000)
LEVEL = st.sampled_from([0.90, 0.95, 0.99])
BACK = {"OR": math.exp, "RR": math.exp, "PETO": math.exp, "RD": float}
ABOUT_FIGURES = {
    *("impossible-interval", "precision-disagrees", "counts-disagree", "counts-exceed-n"),
    *("interval-not-reproduced", "reversed-direction", "ratio-on-log-scale"),
}


def codes(header: str, *cells: object) -> set[str]:
    text = f"study_id,{header}\na,{','.join(map(str, cells))}\n"
    found = cb.audit(studies_from_bytes(text.encode(), source="s.csv")).findings
    return {f.code for f in found if f.severity != "note"}


@settings(max_examples=60)
@given(st.tuples(COUNT, COUNT, COUNT, COUNT), st.sampled_from(list(BACK)), LEVEL, st.integers(1, 5))
def test_what_counts_give_is_not_found(
    counts: tuple[int, int, int, int], measure: str, level: float, digits: int
) -> None:
    effect = cb.escalc(measure, **dict(zip(("ai", "bi", "ci", "di"), counts, strict=True)))
    y, se = float(effect.yi[0]), float(np.sqrt(effect.vi[0]))
    half = stats.norm.ppf((1 + level) / 2) * se
    back = BACK[measure]
    low, estimate, high = (f"{back(x):.{digits}f}" for x in (y - half, y, y + half))
    assume(measure == "RD" or float(low) > 0)
    header = "measure,estimate,ci_low,ci_high,ci_level,n,ai,bi,ci,di"
    cells = (measure, estimate, low, high, level, sum(counts), *counts)
    assert not codes(header, *cells) & ABOUT_FIGURES
    # without the counts, the people alone
    assert not codes(header.removesuffix(",ai,bi,ci,di"), *cells[:6])


@settings(max_examples=40)
@given(
    st.floats(-3, 3), st.floats(0.01, 2), LEVEL, st.integers(1, 4), st.sampled_from(["HR", "MD"])
)
def test_a_symmetric_interval_is_not_found(
    y: float, se: float, level: float, digits: int, measure: str
) -> None:
    half = stats.norm.ppf((1 + level) / 2) * se
    back = math.exp if measure == "HR" else float
    low, estimate, high = (f"{back(x):.{digits}f}" for x in (y - half, y, y + half))
    assume(measure == "MD" or float(low) > 0)
    header = "measure,estimate,ci_low,ci_high,ci_level"
    assert codes(header, measure, estimate, low, high, level) == set()


@settings(max_examples=40)
@given(st.integers(5, 2000), st.data(), LEVEL, st.sampled_from(["PR", "PLO"]))
def test_usual_intervals_of_a_proportion_are_not_found(
    n: int, data: st.DataObject, level: float, measure: str
) -> None:
    x = data.draw(st.integers(1, n - 1))
    method = data.draw(st.sampled_from(["wilson", "exact"]))
    interval = stats.binomtest(x, n).proportion_ci(level, method=method)
    header = "measure,estimate,ci_low,ci_high,ci_level,xi,ni"
    figures = (f"{value:.3f}" for value in (x / n, interval.low, interval.high))
    assert "impossible-interval" not in codes(header, measure, *figures, level, x, n)


@settings(max_examples=40)
@given(st.floats(-0.95, 0.95), st.integers(6, 5000), LEVEL, st.sampled_from(["COR", "ZCOR"]))
def test_fisher_intervals_of_a_correlation_are_not_found(
    r: float, n: int, level: float, measure: str
) -> None:
    half = stats.norm.ppf((1 + level) / 2) / math.sqrt(n - 3)
    ends = (math.tanh(math.atanh(r) + side * half) for side in (0, -1, 1))
    figures = (f"{value:.3f}" for value in ends)
    found = codes("measure,estimate,ci_low,ci_high,ci_level,ri,ni", measure, *figures, level, r, n)
    assert not found
