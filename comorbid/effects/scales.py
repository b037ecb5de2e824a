"""Scales: how a value on the analysis scale is turned into the one that people read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from comorbid.effects.arrays import Array

_SIZED_NAME = re.compile(r"([a-z-]+)\(n=([^()]+)\)")


@dataclass(frozen=True, slots=True)
class Scale:
    """A pair of inverse, increasing functions between the printed and the analysis scale.

    Parameters
    ----------
    id : str
        Name by which a measure refers to the scale.
    forward : callable
        From the printed value (an odds ratio) to the analysis scale (a log odds ratio).
    back : callable
        The inverse of ``forward``. A value beyond what ``forward`` can give, such as the lower end
        of a wide interval, becomes the end of the printed range.
    text : str
        ``back`` as a formula in the value ``y`` on the analysis scale.
    """

    id: str
    forward: Callable[[ArrayLike], Array]
    back: Callable[[ArrayLike], Array]
    text: str


class Scales(dict[str, Scale]):
    """Scales by name; ``double-arcsine(n=35.2)`` stands for one that depends on a sample size.

    Examples
    --------
    >>> SCALES["log"].back(0.0).item()
    1.0
    >>> y = SCALES["double-arcsine(n=40.0)"].forward(0.125)
    >>> round(SCALES["double-arcsine(n=40.0)"].back(y).item(), 12)
    0.125
    """

    def __missing__(self, name: str) -> Scale:
        found = _parse(name)
        if found is None:
            raise KeyError(name)
        base, n = found
        forward, back = _SIZED[base]
        return Scale(name, partial(forward, n=n), partial(back, n=n), self[base].text)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _parse(name) is not None)


def _parse(name: str) -> tuple[str, float] | None:
    found = _SIZED_NAME.fullmatch(name)
    if found is None or found[1] not in _SIZED:
        return None
    try:
        return found[1], float(found[2])
    except ValueError:
        return None


def base_name(name: str) -> str:
    """Return a scale's name without its sample size."""
    return name.partition("(")[0]


def needs_size(name: str) -> bool:
    """Return whether a scale depends on a sample size that its name does not give."""
    return name in _SIZED


def sized_name(name: str, sizes: Array) -> str:
    """Return the name of a scale for the harmonic mean of sample sizes, as Miller advises.

    Miller JJ (1978). The inverse of the Freeman-Tukey double arcsine transformation.
    The American Statistician 32:138. doi:10.1080/00031305.1978.10479283

    Examples
    --------
    >>> sized_name("double-arcsine", np.array([20.0, 60.0]))
    'double-arcsine(n=30.0)'
    """
    mean = sizes.size / float((1 / sizes).sum()) if sizes.size else float("nan")
    return f"{name}(n={mean!r})"


def double_arcsine(p: ArrayLike, n: ArrayLike) -> Array:
    r"""Freeman and Tukey's double arcsine of a proportion p of n people.

    .. math:: \tfrac12 \left(\arcsin\sqrt{\tfrac{np}{n + 1}}
       + \arcsin\sqrt{\tfrac{np + 1}{n + 1}}\right)

    Freeman MF, Tukey JW (1950). Annals of Mathematical Statistics 21:607-611.
    doi:10.1214/aoms/1177729756
    """
    size = _array(n)
    x = _array(p) * size
    low, high = np.sqrt(x / (size + 1)), np.sqrt(np.minimum((x + 1) / (size + 1), 1))
    return np.asarray((np.arcsin(low) + np.arcsin(high)) / 2)


def double_arcsine_back(y: ArrayLike, n: ArrayLike) -> Array:
    r"""Miller's inverse of `double_arcsine`.

    .. math:: p = \tfrac12 \left(1 - \operatorname{sgn}(\cos 2y) \sqrt{1 - w^2}\right), \qquad
       w = \sin 2y + \frac{\sin 2y - 1/\sin 2y}{n}

    Miller JJ (1978). The American Statistician 32:138. doi:10.1080/00031305.1978.10479283
    """
    size = _array(n)
    inside = np.clip(_array(y), double_arcsine(0.0, size), double_arcsine(1.0, size))
    sine = np.sin(2 * inside)
    w2 = np.minimum((sine + (sine - 1 / sine) / size) ** 2, 1)
    small = w2 / (2 * (1 + np.sqrt(1 - w2)))  # (1 - sqrt(1 - w^2)) / 2 without cancellation
    return np.asarray(np.where(np.cos(2 * inside) >= 0, small, 1 - small))


def double_square_root(rate: ArrayLike, n: ArrayLike) -> Array:
    r"""Freeman and Tukey's transformation of a rate over person-time n.

    .. math:: \tfrac12 \left(\sqrt{r} + \sqrt{r + 1/n}\right)

    Freeman MF, Tukey JW (1950). Annals of Mathematical Statistics 21:607-611.
    doi:10.1214/aoms/1177729756
    """
    events = _array(rate)
    return np.asarray((np.sqrt(events) + np.sqrt(events + 1 / _array(n))) / 2)


def double_square_root_back(y: ArrayLike, n: ArrayLike) -> Array:
    r"""The inverse of `double_square_root`: :math:`(y - 1 / (4 n y))^2`."""
    size = _array(n)
    inside = np.maximum(_array(y), double_square_root(0.0, size))
    return np.asarray((inside - 1 / (4 * size * inside)) ** 2)


def _array(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _scale(
    name: str, forward: Callable[[Array], Array], back: Callable[[Array], Array], text: str
) -> Scale:
    # What is too large for a float is inf, and what does not exist nan.
    def quiet(function: Callable[[Array], Array], values: ArrayLike) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(_array(values)))

    return Scale(name, partial(quiet, forward), partial(quiet, back), text)


def _asin_sqrt(p: Array) -> Array:
    return np.arcsin(np.sqrt(p))


def _sin_square(y: Array) -> Array:
    return np.sin(np.clip(y, 0, np.pi / 2)) ** 2


def _cube_back(y: Array) -> Array:
    return 1 - np.maximum(1 - y, 0) ** 3


def _square(y: Array) -> Array:
    return np.maximum(y, 0) ** 2


_SIZED: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    "double-arcsine": (double_arcsine, double_arcsine_back),
    "double-square-root": (double_square_root, double_square_root_back),
}

_MILLER = (
    "(1 - sgn(cos 2y) sqrt(1 - w^2)) / 2 with w = sin 2y + (sin 2y - 1 / sin 2y) / n, n the "
    "harmonic mean of the sample sizes"
)

SCALES: Scales = Scales(
    (scale.id, scale)
    for scale in (
        _scale("identity", lambda x: x, lambda y: y, "y"),
        _scale("log", np.log, np.exp, "exp(y)"),
        _scale("logit", special.logit, special.expit, "1 / (1 + exp(-y))"),
        _scale("probit", special.ndtri, special.ndtr, "the standard normal probability below y"),
        _scale("arctanh", np.arctanh, np.tanh, "tanh(y)"),
        _scale("arcsine", _asin_sqrt, _sin_square, "sin(y)^2"),
        _scale("square-root", np.sqrt, _square, "y^2"),
        _scale(
            "log-complement",
            lambda x: -np.log1p(-x),
            lambda y: -np.expm1(-y),
            "1 - exp(-y)",
        ),
        _scale(
            "cube-root-complement",
            lambda x: 1 - np.cbrt(1 - x),
            _cube_back,
            "1 - (1 - y)^3",
        ),
        # Without a sample size: what the two become as it grows.
        _scale("double-arcsine", _asin_sqrt, _sin_square, _MILLER),
        _scale(
            "double-square-root",
            np.sqrt,
            _square,
            "(y - 1 / (4 n y))^2, n the harmonic mean of the person-times",
        ),
    )
)


def printed(values: Mapping[str, ArrayLike], scale: str) -> dict[str, Any]:
    """Return values of the analysis scale on the printed one, as a lock keeps them.

    Examples
    --------
    >>> printed({"estimate": 0.0, "ci_low": [-700.0, 0.0]}, "log")["estimate"]
    1.0
    """
    back = SCALES[scale].back
    with np.errstate(over="ignore"):
        return {name: back(value).tolist() for name, value in values.items()}
