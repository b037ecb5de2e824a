"""Hedges LV, Vevea JL (2005). Selection method approaches.

Rothstein HR, Sutton AJ, Borenstein M (eds), Publication bias in meta-analysis, chapter 9: the step
function of Vevea JL, Hedges LV (1995), Psychometrika 60:419-435, doi:10.1007/BF02294384, with
steps at p = 0.05, 0.10 and 0.50 on 37 studies of passive smoking (Hackshaw 1998).
Read: not the chapter. Viechtbauer's R code for the book (github.com/wviechtb/meta_analysis_books)
names the analysis; the figures are those of metafor's own test of it. metafor's search stops
early, so they are held to half their third decimal.
"""

from __future__ import annotations

import pytest
from printed import columns

import comorbid as cb


def test_estimated_weights() -> None:
    raw = columns("dat.hackshaw1998")
    fit = cb.pool(cb.Effects(yi=raw["yi"], vi=raw["vi"], measure="OR"), method="ML", test="z")
    found = cb.selection_model(fit, kind="step", steps=(0.05, 0.10, 0.50))
    assert found.delta == pytest.approx((1, 2.422079, 0.977543, 0.396713), abs=5e-4)
    assert found.delta_se[1:] == pytest.approx((1.66085, 0.820387, 0.469235), abs=5e-4)
    assert found.lrt == pytest.approx(7.066137, abs=5e-4)
    assert found.lrt_df == 3
    assert found.tau2 == pytest.approx(0.03071325, abs=5e-5)
