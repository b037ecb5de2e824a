"""Student's t distribution, which for infinite degrees of freedom is the normal one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array

Test = Literal["z", "t", "knha", "adhoc"]


def t_quantile(freedom: Array, p: float) -> Array:
    """Quantile of the t distribution; infinite degrees of freedom stand for the normal."""
    if freedom.size > 1:
        # A quantile takes longer than to look for those of the same degrees of freedom.
        if (freedom == freedom.flat[0]).all():
            return np.broadcast_to(t_quantile(freedom.ravel()[:1], p)[0], freedom.shape)
        each, which = np.unique(freedom, return_inverse=True)
        if each.size < freedom.size:
            return np.asarray(t_quantile(each, p)[which])
    normal = np.isinf(freedom)
    if not normal.any():
        return np.asarray(special.stdtrit(freedom, p))
    found = special.stdtrit(np.where(normal, 1.0, freedom), p)
    return np.asarray(np.where(normal, special.ndtri(p), found))


def t_tail(freedom: Array, x: Array) -> Array:
    """Upper tail probability of the t distribution; infinite degrees of freedom: normal."""
    normal = np.isinf(freedom)
    if not normal.any():
        return np.asarray(special.stdtr(freedom, -x))
    if normal.all():
        return np.asarray(special.ndtr(-x))
    found = special.stdtr(np.where(normal, 1.0, freedom), -x)
    return np.asarray(np.where(normal, special.ndtr(-x), found))
