"""Vevea JL, Woods CM (2005). Publication bias in research synthesis.

Psychological Methods 10:428-443, doi:10.1037/1082-989X.10.4.428, the weight functions of Table 1 on
20 studies of student ratings (Cooper H, Hedges LV (1994). The Handbook of Research Synthesis,
Table A.3, from Cohen 1981).
Read: not the article; the weights and figures are those of metafor's own test of this example.
"""

from __future__ import annotations

import math

import pytest

import comorbid as cb


def test_weights_chosen_in_advance() -> None:
    n = [10, 20, 13, 22, 28, 12, 12, 36, 19, 12, 36, 75, 33, 121, 37, 14, 40, 16, 14, 20]
    r = [
        *(0.68, 0.56, 0.23, 0.64, 0.49, -0.04, 0.49, 0.33, 0.58, 0.18),
        *(-0.11, 0.27, 0.26, 0.40, 0.49, 0.51, 0.40, 0.34, 0.42, 0.16),
    ]
    fit = cb.pool(cb.escalc("ZCOR", ri=r, ni=n), method="ML")
    steps = (0.005, 0.01, 0.05, 0.1, 0.25, 0.35, 0.5, 0.65, 0.75, 0.9, 0.95, 0.99, 0.995)
    table_1 = {
        (0.351894, 0.004500): (
            *(1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
        ),
        (0.321518, 0.009544): (
            *(1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
        ),
        (0.362019, 0.002774): (
            *(1, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
        ),
        (0.332180, 0.005652): (
            *(1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
        ),
    }
    for printed, delta in table_1.items():
        found = cb.selection_model(fit, steps=steps, delta=delta)
        assert (found.estimate, found.tau2) == pytest.approx(printed, abs=1e-6)
        assert found.lrt_df == 0
        assert math.isnan(found.lrt_p)
