"""Morris SB (2008). Estimating effect sizes from pretest-posttest-control group designs.

Organizational Research Methods 11:364-386, doi:10.1177/1094428106291059, Table 1, page 368: five
studies, the difference between two standardised mean changes (raw-score standardisation).
Read: metafor's test of this analysis, which names table and page.
"""

from __future__ import annotations

from printed import as_printed

import comorbid as cb

R = [0.47, 0.64, 0.77, 0.89, 0.44]
TREATED = cb.escalc(
    "SMCR",
    m1i=[38.5, 26.8, 0.7, 75.9, 36.0],
    m2i=[30.6, 23.5, 0.5, 53.4, 35.6],
    sd1i=[15.0, 3.1, 0.1, 14.5, 4.7],
    ni=[20, 50, 9, 10, 14],
    ri=R,
)
CONTROLS = cb.escalc(
    "SMCR",
    m1i=[19.7, 25.3, 0.6, 60.7, 33.4],
    m2i=[23.1, 24.9, 0.6, 55.7, 34.8],
    sd1i=[13.8, 4.1, 0.2, 17.3, 3.1],
    ni=[20, 42, 9, 11, 14],
    ri=R,
)


def test_differences() -> None:
    assert TREATED.yi - CONTROLS.yi == as_printed("0.74 0.95 1.81 1.15 0.51")


def test_changes_of_each_group() -> None:
    """Not in the article, whose table has the differences: metafor's figures."""
    assert TREATED.yi == as_printed("0.5056 1.0481 1.8054 1.4181 0.0801")
    assert TREATED.vi == as_printed("0.0594 0.0254 0.2322 0.1225 0.0802")
    assert CONTROLS.yi == as_printed("-0.2365 0.0958 0.0000 0.2667 -0.4250")
    assert CONTROLS.vi == as_printed("0.0544 0.0173 0.0511 0.0232 0.0864")
