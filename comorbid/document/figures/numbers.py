"""Numbers as figures print them: as `comorbid.document.prose` does, aligned and to scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from comorbid.document import prose
from comorbid.effects.scales import SCALES

MINUS = "\N{MINUS SIGN}"
FIGURE_SPACE = "\N{FIGURE SPACE}"
DASH = "–"
_LEAST = -600.0
_MOST_DIGITS = 999_500.0
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Format:
    """How the values of one figure are printed.

    Parameters
    ----------
    scale : str
        Id of the scale that values are turned back from.
    decimals : int
        Two, or as many more as narrow intervals need.
    """

    scale: str
    decimals: int = 2

    def value(self, x: float) -> str:
        """Return a value of the analysis scale as it prints, or a dash for nan."""
        if math.isnan(x):
            return DASH
        if self.scale != "log":
            return fixed(printed_value(self.scale, x), self.decimals)
        if x >= math.log(_MOST_DIGITS):
            return power_of_ten(x)
        printed = printed_value(self.scale, max(x, _LEAST))
        if self.decimals > 2 and 0.1 <= printed < 100:
            return fixed(printed, self.decimals)
        return prose.value(printed, self.scale)

    def interval(self, low: float, high: float) -> str:
        """Return ``low to high``, or a dash if there is no interval."""
        if math.isnan(low) or math.isnan(high):
            return DASH
        return f"{self.value(low)} to {self.value(high)}"


def printed_value(scale: str, x: float) -> float:
    """Turn a value of the analysis scale into the printed one; what is too large is infinite."""
    with np.errstate(over="ignore"):
        return float(SCALES[scale].back(x))


def format_for(scale: str, half_widths: Iterable[float]) -> Format:
    """Return the format for intervals of these half widths, on the analysis scale.

    Examples
    --------
    >>> format_for("identity", [0.004, 0.006, 0.02]).value(-0.01234)
    '−0.0123'
    >>> format_for("log", [0.1]).interval(0.0, 0.6931)
    '1.00 to 2.00'
    >>> format_for("log", [0.002]).interval(0.01, 0.014)
    '1.010 to 1.014'
    """
    known = sorted(width for width in half_widths if math.isfinite(width) and width > 0)
    if not known:
        return Format(scale)
    place = -math.floor(math.log10(known[len(known) // 2]))
    return Format(scale, max(2, place if scale == "log" else place + 1))


def normal_quantile(level: float) -> float:
    """Return how many standard errors an interval of a level reaches to either side.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    from scipy import special

    return float(special.ndtri((1 + level) / 2))


def fixed(x: float, decimals: int) -> str:
    """Return a number with fixed decimals and a true minus sign; never a negative zero."""
    text = f"{x:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)


def variance(x: float) -> str:
    """Return a between-study variance: three decimals, or three significant digits.

    Examples
    --------
    >>> variance(0.028069), variance(0.0), variance(0.000012345), variance(4567.8)
    ('0.028', '0.000', '0.0000123', '4570')
    """
    return fixed(x, 3) if x == 0 or 0.01 <= x < 100 else significant(x)


def significant(x: float) -> str:
    """Return a positive number with three significant digits, or a dash for nan."""
    if math.isnan(x):
        return DASH
    return fixed(float(f"{x:.3g}"), max(0, 2 - math.floor(math.log10(x))))


def power_of_ten(x: float) -> str:
    """Return e to the power of ``x``, however large, with three significant digits.

    Examples
    --------
    >>> power_of_ten(math.log(1.234e7)), power_of_ten(math.log(9.999e9)), power_of_ten(800.0)
    ('1.23×10⁷', '1.00×10¹⁰', '2.73×10³⁴⁷')
    """
    power = math.floor(x / math.log(10))
    mantissa = f"{math.exp(x - power * math.log(10)):.2f}"
    if mantissa == "10.00":
        mantissa, power = "1.00", power + 1
    return f"{mantissa}×10{raised(power)}"


def raised(power: int) -> str:
    """Return a whole number as a superscript."""
    return str(power).translate(_RAISED)


def aligned(texts: Iterable[str]) -> list[str]:
    """Return the texts padded at the front to one length; the font's digits are equally wide."""
    texts = list(texts)
    longest = max(map(len, texts), default=0)
    return [FIGURE_SPACE * (longest - len(text)) + text for text in texts]
