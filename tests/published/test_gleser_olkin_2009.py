"""Gleser LJ, Olkin I (2009). Stochastically dependent effect sizes.

Cooper H, Hedges LV, Valentine JC (eds), The handbook of research synthesis and meta-analysis,
2nd edition, 357-376: three studies with six comparisons (Table 19.2, page 360), as risk
differences, odds ratios, risk ratios and differences of arcsines; pages at each test.
Read: metafor's test of this analysis, which names tables and pages. The chapter's multivariate
models are not reproduced: comorbid pools one effect a study.
"""

from __future__ import annotations

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
