"""Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). A random-effects regression model.

Statistics in Medicine 14:395-411, doi:10.1002/sim.4780140406, page 408. Relative risks of
tuberculosis with and without BCG vaccine, 13 trials, with smoothed sampling variances, the
empirical Bayes estimator, and latitude counted from its mean 33.46.
Read: metafor's test of this analysis, which names the page and where the article differs.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed, bcg, columns

import comorbid as cb


def smoothed() -> cb.Effects:
    raw = {
        name: np.array(columns("dat.bcg")[name], dtype=float)
        for name in ("tpos", "tneg", "cpos", "cneg", "ablat")
    }
    vi = sum(
        (raw[no] / raw[yes]).mean() / (raw[no] + raw[yes])
        for yes, no in (("tpos", "tneg"), ("cpos", "cneg"))
    )
    latitude = (raw["ablat"] - 33.46).tolist()
    return cb.Effects(yi=bcg("RR").yi, vi=vi, measure="RR", moderators={"latitude": latitude})


def test_mean() -> None:
    fit = cb.pool(smoothed(), method="EB", test="z")
    assert (fit.estimate, fit.se) == as_printed("-0.5429 0.1842")
    assert fit.tau2 == as_printed("0.268")


def test_latitude() -> None:
    """The article has -0.6304 for the intercept, one unit of its last digit off."""
    result = cb.regress(smoothed(), "~ latitude", method="EB", test="z")
    assert result.estimate == as_printed("-0.6303 -0.0268")
    assert result.estimate[0] != as_printed("-0.6304")
    assert result.se == as_printed("0.1591 0.0110")
    assert result.tau2 == as_printed("0.157")
    assert result.r2 == as_printed("41")
    at = result.predict({"latitude": [0, 42 - 33.46]}).on_scale()
    assert [row.estimate for row in at] == as_printed("0.53 0.42")


def test_latitude_without_tau2() -> None:
    """The article has -0.5950 for the intercept and 0.0039 for the slope's standard error."""
    result = cb.regress(smoothed(), "~ latitude", method="EE", test="z")
    assert result.estimate == as_printed("-0.5949 -0.0282")
    assert result.estimate[0] != as_printed("-0.5950")
    assert result.se == as_printed("0.0696 0.0040")
    assert result.se[1] != as_printed("0.0039")
    at = result.predict({"latitude": [0, 42 - 33.46]}).on_scale()
    assert [row.estimate for row in at] == as_printed("0.55 0.43")
