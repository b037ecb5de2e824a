"""Normand SLT (1999). Tutorial in biostatistics: meta-analysis.

Statistics in Medicine 18:321-359,
doi:10.1002/(SICI)1097-0258(19990215)18:3<321::AID-SIM28>3.0.CO;2-P. Lidocaine after a heart
attack, 6 trials (Hine 1989), in percentage points of mortality; and the length of stay of stroke
patients, 9 trials, in days. Tables and pages at each test.
Read: metafor's test of this analysis, which names tables and pages.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed, columns

import comorbid as cb


def lidocaine() -> cb.Effects:
    raw = columns("dat.hine1989")
    risk = cb.escalc("RD", **{name: raw[name] for name in ("ai", "n1i", "ci", "n2i")})
    return cb.Effects(yi=100 * risk.yi, vi=100**2 * risk.vi)


def length_of_stay() -> cb.Effects:
    """With a standard deviation pooled over the two groups of a trial."""
    raw = {name: np.array(values) for name, values in columns("dat.normand1999").items()}
    n1, n2 = raw["n1i"], raw["n2i"]
    pooled = ((n1 - 1) * raw["sd1i"] ** 2 + (n2 - 1) * raw["sd2i"] ** 2) / (n1 + n2 - 2)
    sd = np.sqrt(pooled)
    return cb.escalc("MD", m1i=raw["m1i"], sd1i=sd, n1i=n1, m2i=raw["m2i"], sd2i=sd, n2i=n2)


def test_lidocaine_single_trials() -> None:
    """Table III, page 330."""
    effects = lidocaine()
    assert effects.yi == as_printed("2.8026 0.0000 1.9711 1.7961 3.5334 4.4031")
    assert effects.vi == as_printed("17.7575 37.5657 8.1323 10.8998 8.0114 6.1320")
    half = 1.959964 * np.sqrt(effects.vi)
    assert effects.yi - half == as_printed("-5.5 -12.0 -3.6 -4.7 -2.0 -0.5")
    assert effects.yi + half == as_printed("11.1 12.0 7.6 8.3 9.1 9.3")


@pytest.mark.parametrize("method", ["EE", "DL", "REML"])
def test_lidocaine(method: str) -> None:
    """Table VII, page 349: the three methods agree, for tau2 is 0."""
    fit = cb.pool(lidocaine(), method=method, test="z")
    assert fit.estimate == as_printed("2.94")
    assert fit.ci == as_printed("0.4 5.5")
    assert fit.tau2 == as_printed("0.000")


def test_length_of_stay_single_trials() -> None:
    """Table VIII, page 351."""
    effects = length_of_stay()
    assert effects.yi == as_printed("-20 -2 -55 -71 -4 1 11 -10 7")
    assert effects.vi == as_printed("40.59 2.05 15.28 150.22 20.19 1.22 95.38 8.03 20.69")


@pytest.mark.parametrize(
    ("method", "printed"),
    [
        ("EE", "-3.49 -5.03 -1.96 0.00"),
        ("DL", "-14.10 -24.45 -3.75 218.72"),
        ("REML", "-15.12 -32.67 2.43 685.20"),
    ],
)
def test_length_of_stay(method: str, printed: str) -> None:
    """Table IX, page 352: mean, interval and tau2."""
    fit = cb.pool(length_of_stay(), method=method, test="z")
    assert (fit.estimate, *fit.ci, fit.tau2) == as_printed(printed)
