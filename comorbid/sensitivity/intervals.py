"""Intervals from bootstrap refits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.models.fit import Pair

Interval = Literal["percentile", "basic", "bca"]
_NOTHING = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class Distribution:
    """A quantity of the fit and how it varies over the refits.

    ``value`` of the fit; ``bias`` and ``se``, the mean of the refits minus the value and their
    standard deviation; ``ci``, the (low, high) interval.
    """

    value: float
    bias: float
    se: float
    ci: Pair

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {**asdict(self), "ci": list(self.ci)}


def distribution(
    value: float,
    drawn: Array,
    *,
    interval: Interval,
    level: float,
    bounds: Pair,
    without: Array | None,
) -> tuple[Distribution, str]:
    """Return how a quantity varies over the refits, and a note where its interval is missing.

    Parameters
    ----------
    value : float
        Of the fit.
    drawn : array of shape (n,)
        Of the refits.
    interval, level
        Which interval.
    bounds : (float, float)
        What the quantity can be; intervals are cut off there.
    without : array of shape (k,) or None
        Of the fits without each study, which only bca needs.
    """
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < 2 or not np.isfinite(value):
        return Distribution(
            value, float("nan"), float("nan"), _NOTHING
        ), "does not exist, or does not vary"
    tails: tuple[float, float] | None = ((1 - level) / 2, (1 + level) / 2)
    if interval == "bca" and without is not None:
        tails = _bca_tails(value, drawn, without, level)
    if tails is None:
        ci, note = _NOTHING, "no bca interval, for all refits lie on one side or a refit is missing"
    else:
        # Of n draws the i-th smallest estimates the quantile i / (n + 1).
        low, high = np.quantile(drawn, tails, method="weibull").tolist()
        if interval == "basic":
            low, high = 2 * value - high, 2 * value - low
        ci, note = tuple(np.clip((low, high), *bounds).tolist()), ""
    bias, se = float(drawn.mean() - value), float(drawn.std(ddof=1))
    return Distribution(value, bias, se, (ci[0], ci[1])), note


def _bca_tails(
    value: float, drawn: Array, without: Array, level: float
) -> tuple[float, float] | None:
    r"""Return the two probabilities of the bias-corrected and accelerated interval.

    .. math:: \Phi\left(z_0 + \frac{z_0 + z_\alpha}{1 - a (z_0 + z_\alpha)}\right), \qquad
       a = \frac{\sum d_i^3}{6 (\sum d_i^2)^{3/2}}

    with :math:`\Phi(z_0)` the share of refits below the value, those equal to it by half, and
    :math:`d_i` the mean of the fits without one study minus the fit without study i.

    References
    ----------
    Efron B (1987). Journal of the American Statistical Association 82:171-185.
    doi:10.1080/01621459.1987.10478410
    """
    below = (np.count_nonzero(drawn < value) + np.count_nonzero(drawn == value) / 2) / drawn.size
    z0 = special.ndtri(below)
    if not np.isfinite(z0) or not np.isfinite(without).all():
        return None
    d = without.mean() - without
    size = (d**2).sum()
    a = float((d**3).sum() / (6 * size**1.5)) if size > 0 else 0.0
    z = z0 + special.ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = special.ndtr(z0 + z / (1 - a * z)).tolist()
    return low, high
