"""Checks of the pool: one study with nearly all the weight, outliers, and one on the other side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from comorbid.audited.pool import Pool
from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.models.fit import Fit, pool as pool_effects
from comorbid.sensitivity.residuals import rstudent
from comorbid.studies.finding import Finding, Repair

NEARLY_ALL = 90.0
"""Percentage of the common-effect weight from which one study has nearly all of it."""
MOST = 50.0
"""Percentage of the pool's own weight from which one study has most of it; of three or more."""
ALPHA = 0.05
"""Chance aimed at that k studies of one model have an outlier at all; see `outlier`."""
MANY = 500
"""Studies beyond which an outlier is looked for with the tau2 of all."""
_FEWEST = 4  # studies for what one of them is to the others
_ORDINARY = 1.96


def nearly_all_weight(pool: Pool) -> Iterator[Finding]:
    """Find a study with nearly all the weight of a common-effect model, or most of the pool's."""
    effects = pool.effects
    common = 100 / effects.vi / (1 / effects.vi).sum()
    own = pool.fit.weights
    for i in np.flatnonzero((common >= NEARLY_ALL) | (own >= MOST)).tolist():
        if effects.k < 2 or (common[i] < NEARLY_ALL and effects.k < 3):
            continue
        found = (
            f"{effects.labels[i]} has {common[i]:.0f} % of the weight of {effects.k} studies under"
            f" the common-effect model, and {own[i]:.0f} % in the pool ({pool.fit.method})."
        )
        yield Finding(
            "nearly-all-weight",
            "note",
            (effects.ids[i],),
            f"With {NEARLY_ALL:g} % of the weight of a common effect, or {MOST:g} % of the pool's,"
            " a study decides nearly alone what the pooled value is.",
            found,
            "Make sure that its precision is right, and show the pool without it.",
            (_left_out(effects.ids[i]),),
        )


def outlier(pool: Pool) -> Iterator[Finding]:
    r"""Find studies that the others do not lead one to expect.

    The externally standardised residual of one of k studies is compared with the quantile
    :math:`t_{k-2, 1 - \alpha / (2k)}`, of a t and not a normal distribution because the others
    must estimate tau2 too, and at a k-th of :math:`\alpha` because k studies are looked at. In
    simulated pools of 4 to 50 studies without outliers, tau2 0, 0.03 or 0.3 and variances from 0.01
    to 0.15, between 0 and 9 % had a study beyond it; beyond the normal quantile 2 to 38 %. With
    variances from 0.001 to 1 in one pool and tau2 0 to 3 it were 0 to 12 %.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11
    Cook RD, Weisberg S (1982). Residuals and Influence in Regression. Chapman and Hall.
    """
    if pool.fit.k < _FEWEST:
        return
    fit, _, z = _deleted(pool)
    limit = -float(special.stdtrit(fit.k - 2, ALPHA / (2 * fit.k)))
    for i in np.flatnonzero(np.abs(z) > limit).tolist():
        yield Finding(
            "outlier",
            "note",
            (fit.effects.ids[i],),
            f"If {fit.k} studies differ as the random-effects model says, few pools have a study"
            f" beyond {limit:.1f} standard errors: in simulations about one in eight at most.",
            f"{fit.effects.labels[i]} lies {abs(z[i]):.1f} standard errors"
            f" {'above' if z[i] > 0 else 'below'} what the others lead one to expect (externally"
            " standardised residual).",
            "Compare its numbers with the paper, look for how it differs from the others, and show"
            " the pool without it; being far away is no reason to exclude it.",
            (_left_out(fit.effects.ids[i]),),
        )


def other_side(pool: Pool) -> Iterator[Finding]:
    """Find studies that are beyond chance on the other side than the others, and fit if inverted.

    Their own interval excludes no association, the others' estimate is on the other side of it,
    the deleted residual is beyond 1.96 standard errors and that of the inverse within them. In the
    golden data sets 6 of 1,300 studies are like that; of 160 with their groups exchanged one in
    eight, as most are not far enough from no association to be missed on their side.
    """
    if pool.measure.null != 0 or pool.fit.k < _FEWEST:
        return
    yi = pool.effects.yi
    own = yi / np.sqrt(pool.effects.vi)
    if not (np.abs(own) > _ORDINARY).any() or not (yi.min() < 0 < yi.max()):
        return
    fit, se, z = _deleted(pool)
    inverse = z - 2 * yi / se
    across = (yi - z * se) * yi < 0
    far = (np.abs(own) > _ORDINARY) & (np.abs(z) > _ORDINARY)
    for i in np.flatnonzero(across & far & (np.abs(inverse) <= _ORDINARY)).tolist():
        row, label = fit.effects.ids[i], fit.effects.labels[i]
        back = SCALES[fit.effects.scale].back
        value, other = (float(back(sign * yi[i])) for sign in (1, -1))
        yield Finding(
            "reversed-direction",
            "note",
            (row,),
            "Studies of one association seldom differ in its direction beyond chance.",
            f"{label}, {value:.3g}, is beyond chance on the other side of no association than the"
            f" {fit.k - 1} others, {abs(z[i]):.1f} standard errors from what they lead one to"
            f" expect; its inverse, {other:.3g}, would be {abs(inverse[i]):.1f} from it.",
            "Look in the paper which group is compared with which, and what counts as the event.",
            (Repair(f"if the direction of {row} is reversed", inverse=(row,)),),
        )


def _deleted(pool: Pool) -> tuple[Fit, Array, Array]:
    """Return the fit with normal tests, and each deleted residual's standard error and ratio.

    Of more than `MANY` studies one alone hardly moves tau2, which is not estimated without each.
    """
    own = pool.fit
    fixed = own.tau2 if own.k > MANY and own.method != "EE" else None
    fit = pool_effects(own.effects, method=own.estimator, test="z", level=own.level, tau2=fixed)
    found = rstudent(fit)
    return fit, found.se, np.nan_to_num(found.z)


def _left_out(row: str) -> Repair:
    return Repair(f"by leaving out {row}", exclude=(row,))
