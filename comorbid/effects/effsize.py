"""The one importer of pingouin: standardised differences to correlations and back."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array


def correlation_from_d(d: Array) -> Array:
    r"""Return the point-biserial correlation of two groups of equal size.

    .. math:: r = \frac{d}{\sqrt{d^2 + 4}}

    McGrath RE, Meyer GJ (2006). Psychological Methods 11:386-401. doi:10.1037/1082-989X.11.4.386

    Examples
    --------
    >>> correlation_from_d(np.array([0.0, 0.5])).round(4).tolist()
    [0.0, 0.2425]
    """
    import pingouin

    return np.asarray(pingouin.convert_effsize(d, "cohen", "pointbiserialr"), dtype=np.float64)


def d_from_correlation(r: Array) -> Array:
    r"""Return the standardised difference of two groups of equal size.

    .. math:: d = \frac{2 r}{\sqrt{1 - r^2}}

    McGrath RE, Meyer GJ (2006). Psychological Methods 11:386-401. doi:10.1037/1082-989X.11.4.386

    Examples
    --------
    >>> d_from_correlation(np.array([0.0, 0.6])).round(4).tolist()
    [0.0, 1.5]
    """
    import pingouin

    return np.asarray(pingouin.convert_effsize(r, "pointbiserialr", "cohen"), dtype=np.float64)
