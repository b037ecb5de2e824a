"""Mathur MB, VanderWeele TJ (2020). Unmeasured confounding in meta-analyses.

Journal of the American Statistical Association 115:163-172, doi:10.1080/01621459.2018.1529598, and
its sequel for effects that are not normal, Epidemiology 31:356-358,
doi:10.1097/EDE.0000000000001180. Of the articles only the abstract and the introduction of the
first, without numbers, were at hand, not its example.
Read: the authors' own account of that example (soy and breast cancer, Trock 2006), with output, in
the vignette "E-values for meta-analyses" of the R package EValue, whole, in two versions with the
same figures (its beginning also in that of 4.1.3); parts of the source of that package in several
versions; the data of its tests (conservative care and dialysis, 12 hazard ratios with their
calibrated estimates). What none of them prints is compared with derivatives taken numerically.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from printed import as_printed
from scipy import stats

import comorbid as cb
from comorbid.sensitivity.confounding_result import Estimated
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


# The pool of the 20 estimates, Paule-Mandel with Knapp and Hartung's test. Printed are -0.1931,
# 0.0882 and 0.0973. The further digits are solved from three other figures of the vignette, the
# share of 0.6107838, its error of 0.1119729 and the bias factor of 1.4835598, and good to 1e-7, so
# that the rest of its figures, of up to eight digits, check the formulas.
SOY = {"estimate": -0.193112618, "se": 0.088182094, "tau2": 0.097270866}
Q = math.log(0.9)


def soy(*, tau2: float = SOY["tau2"]) -> cb.Fit:
    """Return a pool of 20 with the estimate, error and tau2 of the example, which is all it takes.

    The estimates themselves were not at hand: half of these lie above the mean and half as far
    below it, and all have the same variance.
    """
    apart = SOY["se"] * math.sqrt(19)
    yi = SOY["estimate"] + apart * np.tile([-1.0, 1.0], 10)
    vi = np.full(20, 20 * SOY["se"] ** 2 - tau2)
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure="RR"), method="PM", test="knha")


def confounded(fit: cb.Fit, *, mub: float = 0.0, sigb: float = 0.0) -> cb.ConfoundedMeta:
    return cb.confounded_meta(fit, q=Q, r=0.1, mub=mub, sigb=sigb, tail="below", kind="parametric")


def all_of(value: Estimated) -> list[float]:
    return [value.estimate, value.se, *value.ci]


def test_the_pool_of_soy_and_breast_cancer() -> None:
    fit = soy()
    assert [fit.estimate, fit.se, *fit.ci] == as_printed("-0.1931 0.0882 -0.3777 -0.0085")
    assert [fit.statistic, fit.p_value] == as_printed("-2.1899 0.0412")
    assert [fit.tau2, fit.se_tau2, math.sqrt(fit.tau2)] == as_printed("0.0973 0.0505 0.3119")


def test_true_effects_of_soy_below_a_risk_ratio_of_0_9() -> None:
    """61 % (39 to 83), and 23 % (0 to 53) under a bias of 1.3 that differs between studies.

    Its standard deviation is 0.2 in the call; the text says 0.22, the root of half of tau2.
    """
    found = all_of(confounded(soy()).prop)
    assert found == pytest.approx([0.6107838, 0.1119729, 0.391321, 0.8302467], abs=1e-6)
    found = all_of(confounded(soy(), mub=math.log(1.3), sigb=0.2).prop)
    assert found == pytest.approx([0.2328057, 0.1494809, 0.0, 0.5257828], abs=1e-6)


def test_the_bias_that_leaves_one_in_ten_effects_of_soy() -> None:
    """The vignette prints a bias factor of 1.48, "of homogeneous strength across studies".

    A bias that is the same in all studies leaves tau2 as it is: the factor is
    exp(1.2816 tau + q - mean), 1.63, as in our function and in most versions of the package. The
    vignette's takes the variance of the bias in the question before, 0.2 squared, off tau2.
    """
    found = confounded(soy(), mub=math.log(1.3), sigb=0.2)
    z = stats.norm.ppf(0.9)
    factor = math.exp(z * math.sqrt(SOY["tau2"]) + Q - SOY["estimate"])
    assert found.tmin.estimate == pytest.approx(factor, rel=1e-8)
    assert found.gmin.estimate == pytest.approx(factor + math.sqrt(factor**2 - factor), rel=1e-8)
    assert found.tmin.estimate == pytest.approx(1.63, abs=0.005)
    assert found.tmin.estimate != as_printed("1.4835598")
    less = confounded(soy(tau2=SOY["tau2"] - 0.2**2))
    printed = [1.4835598, 0.2393508, 1.014441, 1.9526787]
    assert all_of(less.tmin) == pytest.approx(printed, abs=2e-6)
    printed = [2.3305485, 0.5172952, 1.316669, 3.3444285]
    assert all_of(less.gmin) == pytest.approx(printed, abs=2e-6)


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
