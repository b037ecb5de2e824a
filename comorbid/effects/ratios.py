"""Measures of the ratio of two groups' means, and of their variability."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.formula import Measure, weighted_mean
from comorbid.effects.groups import Groups, group_measure, pooled_variance


def _log_rom(g: Groups) -> Array:
    return np.log(g.m1 / g.m2) + (g.cv1 - g.cv2) / 2


def _rom_variance(g: Groups) -> Array:
    return g.cv1 + g.cv2


def _rom_second_order(g: Groups) -> Array:
    return g.cv1 + g.cv2 + (g.cv1**2 + g.cv2**2) / 2


def _rom_pooled_sd(g: Groups) -> Array:
    return pooled_variance(g) * (1 / (g.n1 * g.m1**2) + 1 / (g.n2 * g.m2**2))


def _rom_mean_cv(g: Groups) -> Array:
    cv1 = weighted_mean(g.sd1 / g.m1, g.n1)
    cv2 = weighted_mean(g.sd2 / g.m2, g.n2)
    return cv1**2 / g.n1 + cv2**2 / g.n2


def _rom_common_cv(g: Groups) -> Array:
    cv1 = weighted_mean(g.sd1 / g.m1, g.n1)
    cv2 = weighted_mean(g.sd2 / g.m2, g.n2)
    n1, n2 = np.nansum(g.n1), np.nansum(g.n2)
    return (n1 * cv1 + n2 * cv2) ** 2 / (n1 + n2) ** 2 * g.per_head


def _log_vr(g: Groups) -> Array:
    return np.log(g.sd1 / g.sd2) + 1 / (2 * (g.n1 - 1)) - 1 / (2 * (g.n2 - 1))


def _log_cvr(g: Groups) -> Array:
    """Return nan unless both means are positive: there is no other coefficient of variation."""
    return np.where((g.m1 > 0) & (g.m2 > 0), _log_vr(g) - _log_rom(g), np.nan)


def _vr_variance(g: Groups) -> Array:
    return 1 / (2 * (g.n1 - 1)) + 1 / (2 * (g.n2 - 1))


def _vr_second_order(g: Groups) -> Array:
    return g.n1 / (2 * (g.n1 - 1) ** 2) + g.n2 / (2 * (g.n2 - 1) ** 2)


RATIO_MEASURES: tuple[Measure, ...] = (
    group_measure(
        "ROM",
        "ratio of means",
        "y = log(m1 / m2) + (c1 - c2) / 2, v = c1 + c2 with c = sd^2 / (n m^2); "
        "LS2: plus (c1^2 + c2^2) / 2; HO: with the pooled sd; AV: with each group's mean sd / m "
        "of all studies; AVHO: with one mean sd / m of both groups",
        _log_rom,
        {
            "LS": _rom_variance,
            "LS2": _rom_second_order,
            "HO": _rom_pooled_sd,
            "AV": _rom_mean_cv,
            "AVHO": _rom_common_cv,
        },
        "Hedges et al. 1999, doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2; "
        "Lajeunesse 2015, doi:10.1890/14-2402.1; Nakagawa et al. 2023, doi:10.1111/ele.14144",
        scale="log",
    ),
    group_measure(
        "CVR",
        "ratio of coefficients of variation",
        "y = y(VR) - y(ROM), v = v(ROM) + v(VR)",
        _log_cvr,
        {
            "LS": lambda g: _rom_variance(g) + _vr_variance(g),
            "LS2": lambda g: _rom_second_order(g) + _vr_second_order(g),
        },
        "Nakagawa et al. 2015, doi:10.1111/2041-210X.12309; "
        "Senior et al. 2020, doi:10.1002/jrsm.1423",
        scale="log",
    ),
    group_measure(
        "VR",
        "ratio of standard deviations",
        "y = log(sd1 / sd2) + 1/(2 (n1 - 1)) - 1/(2 (n2 - 1)), v = 1/(2 (n1 - 1)) + "
        "1/(2 (n2 - 1)); LS2: n1 / (2 (n1 - 1)^2) + n2 / (2 (n2 - 1)^2)",
        _log_vr,
        {"LS": _vr_variance, "LS2": _vr_second_order},
        "Nakagawa et al. 2015, doi:10.1111/2041-210X.12309; "
        "Senior et al. 2020, doi:10.1002/jrsm.1423",
        scale="log",
        inputs=(("sd1i", "n1i", "sd2i", "n2i"),),
    ),
)
