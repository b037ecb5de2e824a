"""Mathur MB, VanderWeele TJ (2020). Unmeasured confounding in meta-analyses.

Journal of the American Statistical Association 115:163-172, doi:10.1080/01621459.2018.1529598, and
its sequel for effects that are not normal, Epidemiology 31:356-358,
doi:10.1097/EDE.0000000000001180. The articles were not at hand.
Read: the beginning of the vignette "E-values for meta-analyses" of the R package EValue 4.1.3, with
the article's example (soy and breast cancer, Trock 2006), and the data of that package's own tests
(conservative care and dialysis, 12 hazard ratios with their calibrated estimates). What neither
prints is compared with derivatives taken numerically.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from printed import as_printed
from scipy import stats

import comorbid as cb
from comorbid.sensitivity.true_effects import NormalEffects, Question, parametric

# Author, estimate and variance of the log hazard ratio; its calibrated estimate, and that as a log
# risk ratio of a common outcome.
DIALYSIS = """
Teo -0.82098055206983 0.116911650846615 -0.815500241994327 -0.560977462897841
Da-Silva-Gane -0.82098055206983 0.141626456589046 -0.814528779625426 -0.560319288814832
Hussain -0.776528789498996 0.0397704305571613 -0.776052752266121 -0.534223240540279
Shih 0.148420005118273 0.00145351248489691 0.147175232542529 0.101988678750287
Shum -0.776528789498996 0.0397704305571613 -0.776052752266121 -0.534223240540279
Brown -1.17118298150295 0.0450842985184214 -1.15489254358239 -0.788465088962296
Kwok -1.51412773262978 0.0250415490680121 -1.49702475156308 -1.01180042488262
Verberne -0.478035800943 0.0405449956738431 -0.488331228832504 -0.337559759120245
Chandna -0.63487827243597 0.0266844577833026 -0.637983041992715 -0.440157063435869
Reindl-Schwaighofer -1.46967597005894 0.0139873914540288 -1.46055146962155 -0.988320988323321
Raman -0.49429632181478 0.0416478534714748 -0.504254067888611 -0.3485033298636
Tam-Tham -0.400477566597125 0.0119380066476652 -0.404485663510471 -0.279841496330782
"""


def dialysis() -> tuple[cb.Fit, list[float], list[float]]:
    rows = [line.split() for line in DIALYSIS.strip().splitlines()]
    labels = [row[0] for row in rows]
    yi, vi, calibrated, log_ratio = ([float(row[i]) for row in rows] for i in range(1, 5))
    effects = cb.Effects(yi=yi, vi=vi, labels=labels, measure="HR")
    return cb.pool(effects, method="DL"), calibrated, log_ratio


def test_soy_and_breast_cancer() -> None:
    """The vignette prints the pool with four decimals, which leaves 0.0003 of what follows."""
    pool = NormalEffects(mean=0.1931, mean_variance=0.0882**2, tau2=0.0973, tau2_variance=0.0505**2)
    asked = Question(q=-math.log(0.9), shift=0.0, sd=0.0, r=math.nan, level=0.95)
    prop = parametric(pool, asked).prop
    assert prop.estimate == pytest.approx(0.6107838, abs=3e-4)
    assert prop.se == pytest.approx(0.1119729, abs=3e-4)
    assert prop.ci == pytest.approx((0.391321, 0.8302467), abs=3e-4)


def test_calibrated_estimates_of_hazard_ratios() -> None:
    """The share of true effects below a threshold steps at the calibrated estimates."""
    fit, calibrated, log_ratio = dialysis()
    for at in calibrated:
        below, above = (
            cb.confounded_meta(fit, q=at + step, tail="below", n=100).prop.estimate
            for step in (-1e-12, 1e-12)
        )
        assert 12 * below == pytest.approx(sum(x < at - 1e-13 for x in calibrated))
        assert 12 * above == pytest.approx(sum(x < at + 1e-13 for x in calibrated))
    # To leave one in ten, the second of twelve must come up to a hazard ratio of 0.8.
    found = cb.confounded_meta(fit, q=math.log(0.8), r=0.1, n=100)
    ratio = (1 - 0.5 ** math.sqrt(0.8)) / (1 - 0.5 ** math.sqrt(1 / 0.8))
    t = math.exp(math.log(ratio) - sorted(log_ratio)[1])
    assert found.tail == "below"
    assert found.tmin.estimate == pytest.approx(t, rel=1e-12)
    assert found.gmin.estimate == pytest.approx(t + math.sqrt(t * t - t), rel=1e-12)


def derivative(function: Callable[[float, float], float], mean: float, tau2: float) -> np.ndarray:
    step = 1e-5
    return np.array(
        [
            (function(mean + step, tau2) - function(mean - step, tau2)) / (2 * step),
            (function(mean, tau2 + step) - function(mean, tau2 - step)) / (2 * step),
        ]
    )


@pytest.mark.parametrize(
    ("q", "bias", "sd", "mean", "variance", "tau2", "tau2_variance"),
    [
        (math.log(1.1), math.log(2), 0.1, math.log(1.4), 0.5, 0.3, 0.02),
        (-math.log(0.9), math.log(1.2), 0.1, -math.log(0.6), 0.2, 0.2, 0.01),
    ],
)
def test_standard_errors_are_those_of_the_delta_method(
    q: float,
    bias: float,
    sd: float,
    mean: float,
    variance: float,
    tau2: float,
    tau2_variance: float,
) -> None:
    """The two settings of EValue's own tests, against the formulas with numerical derivatives."""

    def prop(m: float, t2: float) -> float:
        return float(stats.norm.sf((q + bias - m) / math.sqrt(t2 - sd**2)))

    def factor(m: float, t2: float) -> float:
        return math.exp(stats.norm.ppf(0.9) * math.sqrt(t2) - q + m)

    def strength(m: float, t2: float) -> float:
        t = factor(m, t2)
        return t + math.sqrt(t * t - t)

    found = parametric(
        NormalEffects(mean, variance, tau2, tau2_variance), Question(q, bias, sd, 0.1, 0.95)
    )
    z = stats.norm.ppf(0.975)
    for value, function, least, most in (
        (found.prop, prop, 0.0, 1.0),
        (found.tmin, factor, 1.0, math.inf),
        (found.gmin, strength, 1.0, math.inf),
    ):
        at = function(mean, tau2)
        slope = derivative(function, mean, tau2)
        se = math.sqrt(slope[0] ** 2 * variance + slope[1] ** 2 * tau2_variance)
        assert value.estimate == pytest.approx(at, rel=1e-12)
        assert value.se == pytest.approx(se, rel=1e-6)
        ends = (max(at - z * se, least), min(at + z * se, most))
        assert value.ci == pytest.approx(ends, rel=1e-6)


def test_no_bias_is_needed_where_few_effects_are_beyond() -> None:
    """EValue's test 4: pool 1.3 with tau2 0.01, 10 % beyond 1.5."""
    found = parametric(
        NormalEffects(math.log(1.3), 0.01, 0.01, 0.0001), Question(math.log(1.5), 0, 0, 0.1, 0.95)
    )
    assert found.tmin.estimate == found.gmin.estimate == 1.0
    assert found.tmin.ci[0] == found.gmin.ci[0] == 1.0
    assert found.prop.estimate == as_printed("0.0762")
