"""Inference: intervals, tests and heterogeneity of fits whose tau2 is known."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.models.fits import DesignFits
from comorbid.models.projection import Heterogeneity, Studies
from comorbid.models.solved import Solved
from comorbid.models.student import Test, t_quantile


def factor(test: Test, q: Array, freedom: Array) -> Array:
    """Return what a test multiplies variances by: 1, or Knapp and Hartung's Q / (k - p)."""
    if test in ("z", "t"):
        return np.ones(q.size)
    scale = np.where(freedom > 0, q / freedom, 1.0)
    return np.maximum(1.0, scale) if test == "adhoc" else scale


def relative_heterogeneity(
    tau2: Array, fixed: Heterogeneity, freedom: Array, *, equal: bool
) -> tuple[Array, Array]:
    """Return I2, a percentage, and H2: from tau2, or from Q where effects are taken as equal."""
    if equal:
        percent = 100 * (1 - freedom / fixed.q)
        return np.where(fixed.q > 0, np.maximum(0.0, percent), 0.0), fixed.q / freedom
    typical = freedom / fixed.trace_p
    return 100 * tau2 / (tau2 + typical), tau2 / typical + 1


@np.errstate(all="ignore")
def infer(data: Studies, solved: Solved, *, equal: bool, test: Test, level: float) -> DesignFits:
    """Everything that follows from tau2; divisions by zero stand for what does not exist."""
    tau2, fixed, found = solved.tau2, solved.fixed, solved.found
    estimable = data.estimable
    several = estimable & (data.k > data.p)
    freedom = _only(several, data.k - data.p, np.nan)
    scale = factor(test, found.q, freedom)
    df = np.full(several.size, np.inf) if test == "z" else _only(several, freedom, np.inf)
    beta, root = (_only(estimable, x, np.nan) for x in (found.coefficients, found.root))
    se = np.sqrt(scale * sum(row * row for row in root.swapaxes(0, 1)))
    half = t_quantile(df, (1 + level) / 2) * se
    i2, h2 = relative_heterogeneity(tau2, fixed, freedom, equal=equal)
    values = {"i2": i2, "h2": h2, "qe": fixed.q}
    return DesignFits(
        coefficients=beta,
        se=se,
        statistic=beta / se,
        ci_low=beta - half,
        ci_high=beta + half,
        root=root,
        s2=scale,
        df=df,
        tau2=tau2,
        **{name: _only(several, value, np.nan) for name, value in values.items()},
        k=data.k,
    )


def _only(mask: Mask, values: Array, otherwise: float) -> Array:
    return values if mask.all() else np.where(mask, values, otherwise)
