"""Measures of change: means and standard deviations of the same people on two occasions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    SIGNED_P,
    Formula,
    Kind,
    Measure,
    Rows,
    column,
    correlation,
    finite,
    first_known,
    not_negative,
    positive,
)
from comorbid.effects.hedges import hedges_j
from comorbid.effects.zeros import Zeros

_COLUMNS = ("m1i", "m2i", "sd1i", "sd2i", "ni", "ri")
_Values = Callable[["Changes"], Array]


@dataclass(frozen=True, slots=True)
class Changes:
    """Means, standard deviations, size, correlation, and standardised change d; shape (k,)."""

    m1: Array
    m2: Array
    sd1: Array
    sd2: Array
    n: Array
    r: Array
    d: Array

    @property
    def change_variance(self) -> Array:
        """Squared standard deviation of the change."""
        return _change_variance(self.sd1, self.sd2, self.r)

    @property
    def cv1(self) -> Array:
        """Squared coefficient of variation of the first mean."""
        return self.sd1**2 / (self.n * self.m1**2)

    @property
    def cv2(self) -> Array:
        """Squared coefficient of variation of the second mean."""
        return self.sd2**2 / (self.n * self.m2**2)


def _change_variance(sd1: Array, sd2: Array, r: Array) -> Array:
    return sd1**2 + sd2**2 - 2 * r * sd1 * sd2


def _complete(rows: Rows) -> Rows:
    m1, m2, sd1, sd2, n, r = (column(rows, name) for name in _COLUMNS)
    p = column(rows, "pi")
    from_p = -np.sign(p) * special.stdtrit(n - 1, np.abs(p) / 2)
    t = first_known(column(rows, "ti"), from_p)
    spread = np.sqrt(_change_variance(sd1, sd2, r))
    spread[spread == 0] = np.nan
    d = first_known(column(rows, "di"), t / np.sqrt(n), (m1 - m2) / spread)
    return {**dict(zip(_COLUMNS, (m1, m2, sd1, sd2, n, r), strict=True)), "di": d, "pi": p}


def _prepare(rows: Rows, zeros: Zeros, default: float) -> Changes:
    return Changes(*(rows[name] for name in (*_COLUMNS, "di")))


CHANGES = Kind(
    complete=_complete,
    prepare=_prepare,
    size=lambda rows: column(rows, "ni"),
    rules=(
        finite("m1i", "m2i", "di"),
        not_negative("sd1i", "sd2i"),
        positive("ni"),
        correlation("ri"),
        SIGNED_P,
    ),
    source="summaries",
)


def _smcc(c: Changes) -> Array:
    return hedges_j(c.n - 1) * c.d


def _smcc_unbiased(c: Changes) -> Array:
    m = c.n - 1
    return 1 / c.n + (1 - (m - 2) / (m * hedges_j(m) ** 2)) * _smcc(c) ** 2


def _smcr(c: Changes) -> Array:
    return hedges_j(c.n - 1) * (c.m1 - c.m2) / c.sd1


def _smcr_variance(c: Changes) -> Array:
    return 2 * (1 - c.r) / c.n + _smcr(c) ** 2 / (2 * c.n)


def _smcr_large_sample_2(c: Changes) -> Array:
    d = (c.m1 - c.m2) / c.sd1
    return hedges_j(c.n - 1) ** 2 * (2 * (1 - c.r) / c.n + d**2 / (2 * c.n))


def _smcrh_variance(less: int) -> _Values:
    return lambda c: (c.change_variance / c.sd1**2 + _smcr(c) ** 2 / 2) / (c.n - less)


def _log_rom(c: Changes) -> Array:
    return np.log(c.m1 / c.m2) + (c.cv1 - c.cv2) / 2


def _rom_variance(c: Changes) -> Array:
    return c.cv1 + c.cv2 - 2 * c.r * c.sd1 * c.sd2 / (c.m1 * c.m2 * c.n)


def _rom_second_order(c: Changes) -> Array:
    crossed = (c.m1**4 + c.m2**4) / (c.m1 * c.m2) ** 4
    both = (c.r * c.sd1 * c.sd2 / c.n) ** 2 * crossed / 2
    return _rom_variance(c) + (c.cv1**2 + c.cv2**2) / 2 + both


def _vr_variance(c: Changes) -> Array:
    return (1 - c.r**2) / (c.n - 1)


def _vr_second_order(c: Changes) -> Array:
    crossed = (c.sd1**8 + c.sd2**8) / (c.sd1 * c.sd2) ** 4
    df = c.n - 1
    return c.n / df**2 - c.r**2 / df + c.r**4 * crossed / (2 * df**2)


def _log_cvr(c: Changes) -> Array:
    """Return nan unless both means are positive: there is no other coefficient of variation."""
    return np.where((c.m1 > 0) & (c.m2 > 0), np.log(c.sd1 / c.sd2) - _log_rom(c), np.nan)


def _measure(
    code: str,
    label: str,
    text: str,
    yi: _Values,
    vi: dict[str, _Values],
    cite: str,
    scale: str = "identity",
    inputs: tuple[tuple[str, ...], ...] = (_COLUMNS,),
) -> Measure:
    formula = Formula(CHANGES, inputs, text, yi, vi)
    return Measure(code, label, inputs[0], formula, scale, 0.0, cite)


_SENIOR = "Senior et al. 2020, doi:10.1002/jrsm.1423"

CHANGE_MEASURES: tuple[Measure, ...] = (
    _measure(
        "MC",
        "mean change",
        "y = m1 - m2, v = s^2 / n with s^2 = sd1^2 + sd2^2 - 2 r sd1 sd2",
        lambda c: c.m1 - c.m2,
        {"LS": lambda c: c.change_variance / c.n},
        "Morris and DeShon 2002, doi:10.1037/1082-989X.7.1.105",
    ),
    _measure(
        "SMCC",
        "standardised mean change, by the standard deviation of the change",
        "y = J(n - 1) d with d = (m1 - m2) / s, s^2 = sd1^2 + sd2^2 - 2 r sd1 sd2; LS: 1/n + "
        "y^2 / (2n); UB: 1/n + (1 - (n - 3) / ((n - 1) J^2)) y^2; LS2: J^2 (1/n + d^2 / (2n)); "
        "J as of SMD",
        _smcc,
        {
            "LS": lambda c: 1 / c.n + _smcc(c) ** 2 / (2 * c.n),
            "UB": _smcc_unbiased,
            "LS2": lambda c: hedges_j(c.n - 1) ** 2 * (1 / c.n + c.d**2 / (2 * c.n)),
        },
        "Gibbons et al. 1993, doi:10.3102/10769986018003271",
        inputs=(_COLUMNS, ("di", "ni"), ("ti", "ni"), ("pi", "ni")),
    ),
    _measure(
        "SMCR",
        "standardised mean change, by the first standard deviation",
        "y = J(n - 1) d with d = (m1 - m2) / sd1, v = 2 (1 - r) / n + y^2 / (2n); "
        "LS2: J^2 (2 (1 - r) / n + d^2 / (2n)); J as of SMD",
        _smcr,
        {"LS": _smcr_variance, "LS2": _smcr_large_sample_2},
        "Becker 1988, doi:10.1111/j.2044-8317.1988.tb00901.x",
        inputs=(("m1i", "m2i", "sd1i", "ni", "ri"),),
    ),
    _measure(
        "SMCRH",
        "standardised mean change, by the first standard deviation, unequal variances",
        "y = J(n - 1) (m1 - m2) / sd1, v = (s^2 / sd1^2 + y^2 / 2) / (n - 1) with "
        "s^2 = sd1^2 + sd2^2 - 2 r sd1 sd2; LS2: over n; J as of SMD",
        _smcr,
        {"LS": _smcrh_variance(1), "LS2": _smcrh_variance(0)},
        "Bonett 2008, doi:10.1037/1082-989X.13.2.99",
    ),
    _measure(
        "ROMC",
        "ratio of means on two occasions",
        "y = log(m1 / m2) + (c1 - c2) / 2, v = c1 + c2 - 2 r sd1 sd2 / (n m1 m2) with "
        "c = sd^2 / (n m^2); LS2: plus (c1^2 + c2^2) / 2 + "
        "r^2 sd1^2 sd2^2 (m1^4 + m2^4) / (2 n^2 m1^4 m2^4)",
        _log_rom,
        {"LS": _rom_variance, "LS2": _rom_second_order},
        f"Lajeunesse 2011, doi:10.1890/11-0423.1; {_SENIOR}",
        "log",
    ),
    _measure(
        "CVRC",
        "ratio of coefficients of variation on two occasions",
        "y = y(VRC) - y(ROMC), v = v(ROMC) + v(VRC)",
        _log_cvr,
        {
            "LS": lambda c: _rom_variance(c) + _vr_variance(c),
            "LS2": lambda c: _rom_second_order(c) + _vr_second_order(c),
        },
        _SENIOR,
        "log",
    ),
    _measure(
        "VRC",
        "ratio of standard deviations on two occasions",
        "y = log(sd1 / sd2), v = (1 - r^2) / (n - 1); LS2: n / (n - 1)^2 - r^2 / (n - 1) + "
        "r^4 (sd1^8 + sd2^8) / (2 (n - 1)^2 sd1^4 sd2^4)",
        lambda c: np.log(c.sd1 / c.sd2),
        {"LS": _vr_variance, "LS2": _vr_second_order},
        _SENIOR,
        "log",
        inputs=(("sd1i", "sd2i", "ni", "ri"),),
    ),
)
