"""People: how many of so many people have both conditions, one or none, by an association."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.burden import Burden, Quantity
from comorbid.checks import check_type, is_number, shown
from comorbid.errors import ModelError
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

_CELLS = ("expected", "both", "extra", "only_1", "only_2", "either", "neither")
_LABELS = {
    "expected": "both, if independent",
    "both": "both",
    "extra": "both beyond that",
    "only_1": "condition 1 alone",
    "only_2": "condition 2 alone",
    "either": "at least one",
    "neither": "neither",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class People(Views):
    """How many of so many people have both conditions, one or none; made by `people`.

    Attributes
    ----------
    size : float
        Of how many people.
    expected, both, extra : Quantity
        With both if the conditions were independent, with the association, and the difference:
        number of people, with the intervals of the burden.
    only_1, only_2, either, neither : float
        With one condition alone, with at least one, and with none.
    have_1, have_2 : float
        With each condition, whether alone or not.
    burden : Burden
        What they were computed from.
    """

    size: float
    expected: Quantity
    both: Quantity
    extra: Quantity
    only_1: float
    only_2: float
    either: float
    neither: float
    have_1: float
    have_2: float
    burden: Burden

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group of people: ``estimate, ci_low, ci_high, pi_low, pi_high``."""
        nan = (np.nan, np.nan)
        found = [getattr(self, name) for name in _CELLS]
        rows = [q if isinstance(q, Quantity) else Quantity(q, nan, nan) for q in found]
        columns = {
            "estimate": [q.estimate for q in rows],
            "ci_low": [q.ci[0] for q in rows],
            "ci_high": [q.ci[1] for q in rows],
            "pi_low": [q.pi[0] for q in rows],
            "pi_high": [q.pi[1] for q in rows],
        }
        return frame(list(_CELLS), "people", columns)

    def summary(self) -> str:
        """Return the numbers of people as text."""
        estimates = self.to_frame()["estimate"]
        rows = {label: f"{estimates[name]:,.1f}" for name, label in _LABELS.items()}
        return block(f"Of {self.size:,g} people", rows, self.burden.warnings)


def people(burden: Burden, *, size: float = 1000.0) -> People:
    r"""Turn the shares of a burden into numbers of people.

    Of N people :math:`N p_{12}` have both conditions, :math:`N (p_1 - p_{12})` and
    :math:`N (p_2 - p_{12})` one alone, and :math:`N (1 - p_1 - p_2 + p_{12})` none.

    Parameters
    ----------
    burden : Burden
        Made by `comorbid.burden`.
    size : float
        N.

    Returns
    -------
    People

    Raises
    ------
    DataError
        If ``burden`` is something else.
    ModelError
        If the size is no number above 0.

    References
    ----------
    Plackett RL (1965). A class of bivariate distributions. Journal of the American Statistical
    Association 60:516-522. doi:10.1080/01621459.1965.10480807

    Examples
    --------
    >>> import math
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[math.log(2)], vi=[0.01], measure="OR"))
    >>> found = people(cb.burden(fit, p1=1/5, p2=1/30))
    >>> round(found.expected.estimate, 1), round(found.both.estimate, 1), round(found.only_1, 1)
    (6.7, 10.9, 189.1)
    """
    check_type("burden", burden, Burden, "give what burden() returns")
    if not (is_number(size) and 0 < size < np.inf):
        raise ModelError(f"size is {shown(size)}; give a number of people above 0")
    p1, p2, both = burden.p1[0], burden.p2[0], burden.both.estimate
    return People(
        size=float(size),
        expected=_times(burden.expected, size),
        both=_times(burden.both, size),
        extra=_times(burden.extra, size),
        only_1=size * (p1 - both),
        only_2=size * (p2 - both),
        either=size * (p1 + p2 - both),
        neither=size * (1 - p1 - p2 + both),
        have_1=size * p1,
        have_2=size * p2,
        burden=burden,
    )


def _times(share: Quantity, size: float) -> Quantity:
    (low, high), (pi_low, pi_high) = share.ci, share.pi
    return Quantity(
        size * share.estimate, (size * low, size * high), (size * pi_low, size * pi_high)
    )
