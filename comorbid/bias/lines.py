"""Lines: what a regression test for asymmetry draws through the studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import DesignFits, Test, fit_designs

Counts = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Line:
    """A weighted line through the studies.

    Attributes
    ----------
    y, v, x : arrays of shape (k,)
        Effects, reciprocals of their weights, and the predictor.
    predictor : str
        What ``x`` is.
    has_limit : bool
        Whether the line at ``x`` = 0 stands for a study of any size.
    """

    y: Array
    v: Array
    x: Array
    predictor: str
    has_limit: bool


PREDICTORS: dict[str, tuple[Callable[[Array], Array], bool]] = {
    "sei": (np.sqrt, True),
    "vi": (np.asarray, True),
    "ni": (np.asarray, False),
    "ninv": (np.reciprocal, True),
    "sqrtni": (np.sqrt, False),
    "sqrtninv": (lambda n: 1 / np.sqrt(n), True),
}
"""Egger's predictors as functions of the variances or sizes, and whether they have a limit."""


def harbord(yi: Array, counts: Counts) -> Line:
    """Efficient scores over their variances, against the reciprocal roots of the variances."""
    a, n1, n2, events, others = _margins(counts)
    n = n1 + n2
    score = a - n1 * events / n
    information = n1 * n2 * events * others / (n**2 * (n - 1))
    return Line(score / information, 1 / information, information**-0.5, "1/sqrt(V)", True)


def peters(yi: Array, counts: Counts) -> Line:
    """Effects against the reciprocal of the number of people."""
    _, n1, n2, events, others = _margins(counts)
    return Line(yi, 1 / events + 1 / others, 1 / (n1 + n2), "1/n", True)


def macaskill(yi: Array, counts: Counts) -> Line:
    """Effects against the number of people."""
    _, n1, n2, events, others = _margins(counts)
    return Line(yi, 1 / events + 1 / others, n1 + n2, "n", False)


def deeks(yi: Array, counts: Counts) -> Line:
    """Effects against the reciprocal root of the effective number of people."""
    _, n1, n2, _, _ = _margins(counts)
    effective = 4 * n1 * n2 / (n1 + n2)
    return Line(yi, 1 / effective, effective**-0.5, "1/sqrt(ESS)", True)


COUNT_TESTS: dict[str, Callable[[Array, Counts], Line]] = {
    "harbord": harbord,
    "peters": peters,
    "macaskill": macaskill,
    "deeks": deeks,
}


def _margins(counts: Counts) -> tuple[Array, Array, Array, Array, Array]:
    a, b, c, d = (counts[name] for name in ("ai", "bi", "ci", "di"))
    return a, a + b, c + d, a + c, b + d


def informative(counts: Counts) -> Mask:
    """Return which tables have people in both groups, both with and without the event."""
    _, n1, n2, events, others = _margins(counts)
    return np.asarray((n1 > 0) & (n2 > 0) & (events > 0) & (others > 0))


def check_line(line: Line) -> None:
    """Raise `ModelError` unless at least three studies spread along the predictor."""
    k = line.x.size
    if k < 3:
        raise ModelError(
            f"k = {k}: a line through two studies leaves nothing to test; a test for asymmetry "
            "needs three, and ten to mean much"
        )
    if np.ptp(line.x) <= 1e-9 * np.abs(line.x).max():
        raise ModelError(
            f"every study has the same {line.predictor}: there is no trend to test; choose another "
            "predictor"
        )


def fit_line(line: Line, estimator: Estimator, test: Test, level: float) -> DesignFits:
    """Fit a line by the kernel: the coefficients are intercept and slope.

    The equal-effects model tested by ``knha`` is the weighted regression with dispersion. The
    predictor is scaled to at most 1, so that neither coefficient loses digits.
    """
    check_line(line)
    x = np.column_stack([np.ones(line.x.size), line.x / np.abs(line.x).max()])
    return fit_designs(
        line.y[:, None], line.v[:, None], x, estimator=estimator, test=test, level=level
    )
