"""DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of clinical trials.

Contemporary Clinical Trials 28:105-114, doi:10.1016/j.cct.2006.04.004, Tables 3 and 4, pages 111
and 112: aspirin and pre-eclampsia, the 6 trials of the CLASP overview; tau, mean and standard
error of the log odds ratio by ten estimators.
Read: metafor's test of this analysis, which names tables and pages.
"""

from __future__ import annotations

import pytest
from printed import as_printed

import comorbid as cb

ASPIRIN = cb.escalc(
    "OR",
    ai=[5, 5, 12, 69, 9, 313],
    n1i=[156, 303, 565, 1570, 103, 4659],
    ci=[8, 17, 9, 94, 11, 352],
    n2i=[74, 303, 477, 1565, 105, 4650],
)


@pytest.mark.parametrize(
    ("method", "printed"),
    [
        ("PM", "0.3681 -0.3811 0.2060"),
        ("HE", "0.4410 -0.4035 0.2327"),
        ("DL", "0.2323 -0.3240 0.1540"),
        ("EB", "0.3681 -0.3811 0.2060"),
        ("REML", "0.1843 -0.2980 0.1343"),
        ("HS", "0.1330 -0.2666 0.1125"),
        ("SJ", "0.4572 -0.4079 0.2386"),
    ],
)
def test_estimators(method: str, printed: str) -> None:
    """HE is the article's CA, the Cochran ANOVA."""
    fit = cb.pool(ASPIRIN, method=method, test="z")
    assert (fit.tau2**0.5, fit.estimate, fit.se) == as_printed(printed)


@pytest.mark.parametrize(
    ("method", "printed"), [("HE", "0.3831 -0.3861 0.2115"), ("DL", "0.3254 -0.3655 0.1901")]
)
def test_two_steps(method: str, printed: str) -> None:
    """The article's CA2 and DL2: a generalised Q with the weights that the first step gives."""
    first = cb.pool(ASPIRIN, method=method).tau2
    second = cb.pool(ASPIRIN, method="GENQ", weights=1 / (ASPIRIN.vi + first)).tau2
    fit = cb.pool(ASPIRIN, tau2=second, test="z")
    assert (fit.tau2**0.5, fit.estimate, fit.se) == as_printed(printed)


def test_maximum_likelihood() -> None:
    """In metafor's test tau is 0.0023 and the mean -0.1974: its search stops on the way to 0.

    The likelihood is highest at 0, where the mean is that of equal effects, -0.1973.
    """
    fit = cb.pool(ASPIRIN, method="ML", test="z")
    assert (fit.tau2, fit.se) == as_printed("0.0000 0.0694")
    assert fit.estimate != as_printed("-0.1974")
    near = cb.pool(ASPIRIN, tau2=0.0023**2, test="z")
    assert (near.estimate, near.se) == as_printed("-0.1974 0.0694")
    assert fit.ml.log_likelihood > near.ml.log_likelihood
