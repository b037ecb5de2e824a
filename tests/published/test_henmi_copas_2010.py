"""Henmi M, Copas JB (2010). Confidence intervals for random effects meta-analysis.

Statistics in Medicine 29:2969-2983, doi:10.1002/sim.4029, page 2978: acupoint P6 stimulation
against nausea, 16 trials of Lee A, Done ML (2004), counts as in metadat's dat.lee2004.
Read: metafor's test of this analysis, which names the page.
"""

from __future__ import annotations

from printed import as_printed

import comorbid as cb

NAUSEA = cb.escalc(
    "OR",
    ai=[18, 5, 9, 32, 9, 11, 69, 3, 1, 11, 7, 4, 1, 24, 16, 28],
    n1i=[100, 50, 20, 135, 23, 18, 122, 25, 30, 30, 44, 47, 30, 40, 50, 110],
    ci=[20, 18, 7, 31, 10, 12, 80, 12, 1, 19, 16, 6, 13, 71, 53, 25],
    n2i=[100, 50, 20, 139, 23, 18, 122, 25, 30, 30, 39, 47, 30, 80, 88, 111],
)


def test_dersimonian_laird() -> None:
    fit = cb.pool(NAUSEA, method="DL", test="z")
    assert (fit.tau2, fit.estimate) == as_printed("0.3325 -0.6787")
    assert fit.ci == as_printed("-1.0664 -0.2911")


def test_henmi_copas() -> None:
    found = cb.henmi_copas(cb.pool(NAUSEA, method="DL", test="z"))
    assert found.estimate == as_printed("-0.5145")
    assert found.ci == as_printed("-0.9994 -0.0295")
