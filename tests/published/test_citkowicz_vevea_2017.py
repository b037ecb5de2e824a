"""Citkowicz M, Vevea JL (2017). A parsimonious weight function for modeling publication bias.

Psychological Methods 22:28-41, doi:10.1037/met0000119, the example of the beta model: 23 studies
of Baskerville NB, Liddy C, Hogg W (2012). Annals of Family Medicine 10:63-74,
doi:10.1370/afm.1312.
Read: not the article; the figures are those of metafor's own test of this example.
"""

from __future__ import annotations

import numpy as np
import pytest

import comorbid as cb


def test_beta_model() -> None:
    yi = [
        *(1.01, 0.82, 0.59, 0.44, 0.84, 0.73, 1.12, 0.04, 0.24, 0.32, 1.04, 1.31),
        *(0.59, 0.66, 0.62, 0.47, 1.08, 0.98, 0.26, 0.39, 0.60, 0.94, 0.11),
    ]
    se = [
        *(0.52, 0.46, 0.23, 0.18, 0.29, 0.29, 0.36, 0.37, 0.15, 0.40, 0.32, 0.57),
        *(0.29, 0.19, 0.31, 0.27, 0.32, 0.32, 0.18, 0.18, 0.31, 0.53, 0.27),
    ]
    found = cb.selection_model(cb.pool(cb.Effects(yi=yi, vi=np.square(se))), kind="beta")
    assert found.delta == pytest.approx((0.4731131, 4.4613162), abs=2e-4)
    assert found.delta_se == pytest.approx((0.2352481, 2.1841983), abs=1e-3)
    assert found.lrt == pytest.approx(7.846907, abs=5e-4)
    assert found.lrt_df == 2
    assert found.tau2 < 0.00000243 + 1e-8
    assert len(found.maxima) == 2
