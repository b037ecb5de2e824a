"""Student's t distribution, which for infinite degrees of freedom is the normal one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array

Test = Literal["z", "t", "knha", "adhoc"]


def t_quantile(freedom: Array, p: float) -> Array:
    """Quantile of the t distribution; infinite degrees of freedom stand for the normal."""
    alike = freedom.size > 1 and bool((freedom == freedom.flat[0]).all())
    values = freedom.ravel()[:1] if alike else freedom
    normal = np.isinf(values)
    if normal.any():
        found = np.where(
            normal, special.ndtri(p), special.stdtrit(np.where(normal, 1.0, values), p)
        )
    else:
        found = np.asarray(special.stdtrit(values, p))
    return np.broadcast_to(found, freedom.shape) if alike else found


def t_tail(freedom: Array, x: Array) -> Array:
    """Upper tail probability of the t distribution; infinite degrees of freedom: normal."""
    normal = np.isinf(freedom)
    if not normal.any():
        return np.asarray(special.stdtr(freedom, -x))
    safe = np.where(normal, 1.0, freedom)
    return np.asarray(np.where(normal, special.ndtr(-x), special.stdtr(safe, -x)))
