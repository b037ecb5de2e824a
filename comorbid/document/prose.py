"""Prose: numbers to words. With the figures the only place where anything is rounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from comorbid.effects.measures import MEASURES, null_of
from comorbid.effects.scales import SCALES

_ASSOCIATIONS = ("odds ratio", "correlation", "coefficient", "Yule")
_CHANGES = ("change", "on two occasions")

TEST_NAMES = {
    "z": "standard normal interval",
    "t": "t interval",
    "knha": "Knapp-Hartung interval",
    "adhoc": "Knapp-Hartung interval, never narrower than the standard normal one",
}


def value(number: float, scale: str = "log") -> str:
    """Format an effect for reading: two decimals, more for tiny ratios, fewer for huge ones.

    Parameters
    ----------
    number : float
        On the printed scale.
    scale : {"log", "identity"}
        Ratios (``log``) keep three significant digits below 0.1 and above 100.

    Returns
    -------
    str

    Examples
    --------
    >>> value(2.2939), value(0.0153), value(3189.6), value(float("nan"))
    ('2.29', '0.0153', '3,190', '–')
    >>> value(2.66999e19)
    '26,700,000,000,000,000,000'
    """
    if math.isnan(number):
        return "–"
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    if scale == "log" and number < 0.0995:
        return "< 0.001" if number < 0.001 else f"{number:.3g}"
    if scale == "log" and number >= 99.995:
        return f"{Decimal(f'{number:.3g}'):,.0f}"
    return f"{number:.2f}".replace("-", "\N{MINUS SIGN}")


def interval(ends: tuple[float, float], scale: str = "log") -> str:
    """Format an interval: ``1.88 to 2.80``.

    Parameters
    ----------
    ends : (float, float)
        On the printed scale.
    scale : {"log", "identity"}
        As in `value`.

    Returns
    -------
    str

    Examples
    --------
    >>> interval((1.8815, 2.7966))
    '1.88 to 2.80'
    """
    if math.isnan(ends[0]):
        return "–"
    return f"{value(ends[0], scale)} to {value(ends[1], scale)}"


def small(number: float) -> str:
    """Format a variance or another small number with three significant digits.

    Parameters
    ----------
    number : float

    Returns
    -------
    str

    Examples
    --------
    >>> small(0.028069), small(0.0), small(12.3456)
    ('0.0281', '0', '12.3')
    """
    if math.isnan(number):
        return "–"
    return "0" if number == 0 else f"{number:.3g}"


def number(value: float) -> str:
    """Format any number with three significant digits and a true minus.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> number(-46.8358), number(0.02361), number(0.0)
    ('−46.8', '0.0236', '0')
    """
    return small(value).replace("-", "\N{MINUS SIGN}")


def percent(share: float, digits: int = 0) -> str:
    """Format a percentage.

    Parameters
    ----------
    share : float
        From 0 to 100.
    digits : int
        Decimals.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(83.79), percent(99.97), percent(100.0)
    ('84 %', 'over 99 %', '100 %')
    """
    if math.isnan(share):
        return "–"
    text = f"{share:.{digits}f}"
    if share < 100 and float(text) == 100:
        return "over 99 %"
    return f"{text} %"


def level(proportion: float) -> str:
    """Format the level of an interval.

    Parameters
    ----------
    proportion : float
        Such as 0.95.

    Returns
    -------
    str

    Examples
    --------
    >>> level(0.95), level(0.999)
    ('95 %', '99.9 %')
    """
    return f"{100 * proportion:g} %"


def p_value(p: float) -> str:
    """Format a p-value with its sign: ``p = 0.42``, ``p < 0.001``.

    Parameters
    ----------
    p : float
        nan where there is none.

    Returns
    -------
    str

    Examples
    --------
    >>> p_value(0.4238), p_value(1e-9), p_value(0.0421), p_value(float("nan"))
    ('p = 0.42', 'p < 0.001', 'p = 0.042', 'p not available')
    """
    if math.isnan(p):
        return "p not available"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def counted(number: int, singular: str, plural: str) -> str:
    """Format a number with its noun.

    Parameters
    ----------
    number : int
    singular, plural : str
        The noun for one, and for other numbers.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "study", "studies"), counted(1406, "study", "studies")
    ('1 study', '1,406 studies')
    """
    return f"{number:,} {singular if number == 1 else plural}"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Parameters
    ----------
    words : sequence of str

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def measure_name(measure: str) -> str:
    """Return a measure's name in a sentence; an unknown one by its id.

    Parameters
    ----------
    measure : str
        Its id.

    Returns
    -------
    str

    Examples
    --------
    >>> measure_name("OR"), measure_name("XYZ")
    ('odds ratio', 'XYZ')
    """
    return {entry.id: entry.label for entry in MEASURES}.get(measure, measure)


def null_name(measure: str) -> str:
    """Return what the null value of a measure means; that of an unknown one is no effect.

    Parameters
    ----------
    measure : str
        Its id.

    Returns
    -------
    str

    Examples
    --------
    >>> [null_name(measure) for measure in ("OR", "RR", "SMD", "MC", "XYZ")]
    ['no association', 'no difference', 'no difference', 'no change', 'no effect']
    """
    name = measure_name(measure)
    if name == measure or measure == "GEN":
        return "no effect"
    if any(word in name for word in _CHANGES):
        return "no change"
    # A ratio of two coefficients of variation compares groups.
    relates = any(word in name for word in _ASSOCIATIONS) and "variation" not in name
    return "no association" if relates else "no difference"


def null(measure: str, scale: str) -> str:
    """Return a measure's null value as it prints, with what it means.

    Parameters
    ----------
    measure : str
        Its id. One that has no null value, such as a proportion, must not be asked for it.
    scale : str
        Of the effects.

    Returns
    -------
    str

    Examples
    --------
    >>> null("OR", "log"), null("MD", "identity"), null("SMCC", "identity")
    ('1, no association', '0, no difference', '0, no change')
    """
    return f"{null_value(measure, scale)}, {null_name(measure)}"


def null_value(measure: str, scale: str) -> str:
    """Return a measure's null value as it prints.

    Parameters
    ----------
    measure : str
        Its id, as for `null`.
    scale : str
        Of the effects.

    Returns
    -------
    str

    Examples
    --------
    >>> null_value("OR", "log"), null_value("MD", "identity")
    ('1', '0')
    """
    return f"{float(SCALES[scale].back(null_of(measure))):g}"
