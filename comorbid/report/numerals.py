"""Numerals: the numbers that a text prints, and which values each of them can stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RAISED = str.maketrans("⁻−⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
# A sign belongs to a number unless something that it could join stands before it: "4-arm", "0-24".
_NUMERAL = re.compile(
    r"(?P<bound>over (?=99\s?%)|< ?)?"
    r"(?P<sign>(?<![\w)\].,])[-−])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:×10(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|e(?P<power>[-+−]?\d+))?"
    r"(?P<percent>\s?%)?",
    re.IGNORECASE,
)
# What makes digits a part of a name, such as 2x2, I2, 4-arm, 1997/98, 10.1002/sim.1482.
_JOINED_BEFORE = re.compile(r"(?:[^\W\d]|\w[-/:;@.]|[/_#])$")
_JOINED_AFTER = re.compile(r"(?:[^\W\d]|[-/:;@.]\w|[/_])")
_SLACK = 1e-9
_SIGNIFICANT = 3
# A float holds so many digits, and every float above 10 to this power is whole.
_EXACT = 15
# Beyond are more than can be counted, and floats that are computed are often whole there.
_MOST = 1e11


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it is printed.

    Parameters
    ----------
    text : str
        With its sign, bound and power of ten.
    start, end : int
        Where it stands.
    low, high : float
        What it can stand for lies between them.
    coarse_low, coarse_high : float
        The same if it has three significant digits, without zeros after them, for values that are
        not whole.
    plain : bool
        Whether it has neither decimals nor a power of ten nor a percent sign, as counts have none.
    whole : bool
        Whether it is plain and has one or two digits only.
    joined : bool
        Whether it can stand for no value: it is a part of a name, or an unusual bound.

    Examples
    --------
    >>> [found.text for found in numerals("2.29 (1.88 to 2.80), p < 0.001; −0.30; 8.31×10⁹; 4e−05")]
    ['2.29', '1.88', '2.80', '< 0.001', '−0.30', '8.31×10⁹', '4e−05']
    """

    text: str
    start: int
    end: int
    low: float
    high: float
    coarse_low: float
    coarse_high: float
    plain: bool
    whole: bool
    joined: bool

    @property
    def meaning(self) -> tuple[float, float, float, float, bool, bool]:
        """What `stands_for` depends on."""
        return (
            self.low, self.high, self.coarse_low, self.coarse_high, self.whole, self.joined
        )  # fmt: skip

    def stands_for(self, value: float) -> bool:
        """Say whether it is how a value can be printed.

        Examples
        --------
        >>> found, = numerals("3,190")
        >>> found.stands_for(3189.6), found.stands_for(3187.2), found.stands_for(3187.0)
        (True, True, False)
        """
        if self.joined:
            return False
        is_whole = float(value).is_integer() and abs(value) < _MOST
        if self.low <= value <= self.high and (is_whole or not self.whole):
            return True
        return not is_whole and self.coarse_low <= value <= self.coarse_high


def numerals(text: str) -> list[Numeral]:
    """Return the numbers in a text, in their order."""
    return [_numeral(match) for match in _NUMERAL.finditer(text)]


def _numeral(match: re.Match[str]) -> Numeral:
    bound, digits = match["bound"] or "", match["digits"]
    power = int((match["raised"] or match["power"] or "0").translate(_RAISED))
    plain = digits.replace(",", "")
    before_point, _, decimals = plain.partition(".")
    value = float(f"{'-' if match['sign'] else ''}{plain}e{power}")
    unit = 10.0 ** (power - len(decimals))
    spent = len(before_point) - _SIGNIFICANT
    rounded = not decimals and spent > 0 and not before_point[_SIGNIFICANT:_EXACT].strip("0")
    low, high = _around(value, unit)
    is_plain = not (decimals or power or match["percent"])
    whole = is_plain and len(plain) < _SIGNIFICANT
    coarse = _around(value, unit * 10.0**spent) if rounded or whole else (low, high)
    if bound:
        low, high = coarse = (99.5, 100.0) if bound.startswith("o") else (0.0, value)
    small = r"0\.0*1" if match["percent"] else r"0\.00+1"
    unusual = bound.startswith("<") and not re.fullmatch(small, plain)
    end = match.end("percent") if bound.startswith("o") else match.start("percent")
    end = match.end() if end < 0 else end
    return Numeral(
        match.string[match.start() : end],
        match.start(),
        end,
        low,
        high,
        *coarse,
        plain=is_plain,
        whole=whole,
        joined=unusual
        or bool(
            _JOINED_BEFORE.search(match.string, max(0, match.start() - 2), match.start())
            or _JOINED_AFTER.match(match.string, match.end())
        ),
    )


def _around(value: float, unit: float) -> tuple[float, float]:
    """Return the ends of what rounds to a value, a little beyond them for halves."""
    half = unit / 2 * (1 + _SLACK) + abs(value) * 1e-12
    return value - half, value + half
