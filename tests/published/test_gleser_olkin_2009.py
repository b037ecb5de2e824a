"""Gleser LJ, Olkin I (2009). Stochastically dependent effect sizes.

Cooper H, Hedges LV, Valentine JC (eds), The handbook of research synthesis and meta-analysis,
2nd edition, 357-376: three studies with six comparisons (Table 19.2, page 360), as risk
differences, odds ratios, risk ratios and differences of arcsines, and four studies with six
standardised mean differences (page 364); the comparisons of one study share a control group.
Pages at each test.
Read: metafor's test of this analysis, which names tables and pages.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed

import comorbid as cb

COMPARISONS = {
    "ai": [40, 40, 10, 150, 150, 150],
    "n1i": [1000, 1000, 200, 2000, 2000, 2000],
    "ci": [100, 150, 15, 40, 80, 50],
    "n2i": [4000, 4000, 400, 1000, 1000, 1000],
}


@pytest.mark.parametrize(
    ("measure", "page", "printed"),
    [
        ("RD", 360, "0.0150 0.0025 0.0125 0.0350 -0.0050 0.0250"),
        ("OR", 362, "0.4855 0.0671 0.3008 0.6657 -0.0700 0.4321"),
        ("RR", 364, "0.4700 0.0645 0.2877 0.6286 -0.0645 0.4055"),
    ],
)
def test_effects(measure: str, page: int, printed: str) -> None:
    assert cb.escalc(measure, **COMPARISONS).yi == as_printed(printed), f"page {page}"


def test_differences_of_arcsines() -> None:
    """Page 364: twice the difference that comorbid and metafor use."""
    printed = as_printed("0.0852 0.0130 0.0613 0.1521 -0.0187 0.1038")
    assert 2 * cb.escalc("AS", **COMPARISONS).yi == printed


STUDIES, TREATMENTS = ["1", "1", "2", "3", "3", "3"], ["1", "2", "1", "1", "2", "3"]


def by_treatment(
    effects: cb.Effects, v: cb.Covariance, treatments: list[str]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Means by treatment of equal true effects, their covariances, and Q about them."""
    x = (np.array(treatments)[:, None] == np.unique(treatments)).astype(float)
    w = np.linalg.inv(v.matrix)
    vcov = np.linalg.inv(x.T @ w @ x)
    beta = vcov @ x.T @ w @ effects.yi
    rest = effects.yi - x @ beta
    return beta, vcov, float(rest @ w @ rest)


@pytest.mark.parametrize(
    ("measure", "means", "unit", "covariances", "q"),
    [
        # Pages 361 and 362, equations 19.6 to 19.8.
        (
            *("RD", "0.0200 0.0043 0.0211", 1e-6),
            *("24.612 19.954 13.323 28.538 13.255 69.806", 7.1907),
        ),
        # Page 363; its Q is printed as 2.057.
        (
            *("OR", "0.5099 0.0044 0.4301", 1.0),
            *("0.01412 0.00712 0.00425 0.01178 0.00455 0.02703", 2.0563),
        ),
        # Page 364; covariances and Q are those of metafor's test, not of the chapter.
        (
            *("RR", "0.4875 0.0006 0.4047", 1.0),
            *("0.01287 0.00623 0.00371 0.01037 0.00399 0.02416", 1.8954),
        ),
    ],
)
def test_several_treatments_against_one_control(
    measure: str, means: str, unit: float, covariances: str, q: float
) -> None:
    counts = {name: np.array(values) for name, values in COMPARISONS.items()}
    effects = cb.escalc(measure, **COMPARISONS)
    control = {"ci": counts["ai"], "di": counts["n1i"] - counts["ai"]}
    v = cb.covariance(effects, cluster=STUDIES, control=control)
    beta, vcov, found = by_treatment(effects, v, TREATMENTS)
    assert beta == as_printed(means)
    assert vcov[np.triu_indices(3)] / unit == as_printed(covariances)
    assert found == pytest.approx(q, abs=5e-5)


def test_standardised_mean_differences_against_one_control() -> None:
    """Pages 364 and 367; the chapter leaves the differences uncorrected for small samples."""
    of_treatment = np.array([7.87, 4.35, 9.32, 8.08, 7.44, 5.34])
    of_control = np.array([-1.36, -1.36, 0.98, 1.17, 0.45, 0.45])
    sd = np.array([4.2593, 4.2593, 2.8831, 3.1764, 2.9344, 2.9344])
    n1, n2 = np.array([25, 22, 38, 50, 30, 30]), np.array([25, 25, 40, 50, 30, 30])
    people = np.array([72, 72, 78, 100, 90, 90])
    d = (of_treatment - of_control) / sd
    effects = cb.Effects(
        yi=d,
        vi=1 / n1 + 1 / n2 + d**2 / (2 * people),
        studies=["1", "1", "2", "3", "4", "4"],
        measure="SMD",
    )
    assert effects.yi == as_printed("2.1670 1.3406 2.8927 2.1754 2.3821 1.6664")
    v = cb.covariance(effects, control={"n1i": n1, "n2i": n2})
    beta, vcov, q = by_treatment(effects, v, ["1", "2", "1", "1", "1", "2"])
    assert beta == as_printed("2.3743 1.5702")
    assert vcov[np.triu_indices(2)] == as_printed("0.02257 0.01244 0.03554")
    assert q == pytest.approx(3.9447, abs=5e-5)
