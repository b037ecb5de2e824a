"""The league table: every treatment against every other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import comorbid as cb
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Array
from comorbid_treatments.splits import direct_evidence

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class League:
    """A league table; made by `league`.

    Below the diagonal stand network estimates, above it those of the trials with both arms alone,
    always the treatment of the row against that of the column, on the printed scale.

    Attributes
    ----------
    treatments : tuple of n str
        In the order of the table.
    estimate, ci_low, ci_high : arrays of shape (n, n)
        nan where no trial compares the two, above the diagonal.
    scale : str
        Printed scale: ``log`` for ratios.
    level : float
        Of the intervals.
    """

    treatments: tuple[str, ...]
    estimate: Array
    ci_low: Array
    ci_high: Array
    scale: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the table as text, ``estimate (low to high)``; treatments on the diagonal."""
        import pandas as pd

        cells = [
            [self._cell(i, j) for j in range(len(self.treatments))]
            for i in range(len(self.treatments))
        ]
        return pd.DataFrame(cells, index=list(self.treatments), columns=list(self.treatments))

    def _cell(self, i: int, j: int) -> str:
        if i == j:
            return self.treatments[i]
        if np.isnan(self.estimate[i, j]):
            return "."
        return written(self.estimate[i, j], self.ci_low[i, j], self.ci_high[i, j], self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "labels": list(self.treatments),
            "numbering": {"number": list(range(1, len(self.treatments) + 1))},
            "estimate": self.estimate.tolist(),
            "ci_low": self.ci_low.tolist(),
            "ci_high": self.ci_high.tolist(),
            "scale": self.scale,
            "level": self.level,
        }

    def summary(self) -> str:
        """Return the table as text."""
        return self.to_frame().to_string(header=False, index=False)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True, header=False, index=False))


def league(fit: NetworkFit, *, order: Sequence[str] = ()) -> League:
    """Arrange a fit as a league table.

    Parameters
    ----------
    fit : NetworkFit
    order : sequence of str, optional
        All treatments; by default the order of ``network.treatments``. ``p_scores(fit).index``
        puts the highest P-score first.

    Returns
    -------
    League

    Raises
    ------
    ModelError
        If ``order`` does not hold each treatment once.

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2"], "treat1": ["A", "B"], "treat2": ["C", "C"],
    ...     "yi": [1.0, 0.4], "vi": [0.04, 0.04]})
    >>> print(ct.league(ct.fit(ct.network(table, measure="MD"), method="EE")))
                      A                     .    1.00 (0.61 to 1.39)
    −0.60 (−1.15 to −0.05)                  B    0.40 (0.01 to 0.79)
    −1.00 (−1.39 to −0.61) −0.40 (−0.79 to −0.01)                  C
    """
    from scipy.special import ndtri

    names, index = positions(fit, order)
    pick = np.ix_(index, index)
    _, direct, direct_se = (matrix[pick] for matrix in direct_evidence(fit))
    upper = np.triu(np.ones((len(index), len(index)), dtype=bool), 1)
    estimate = np.where(upper, direct, fit.estimate[pick])
    half = float(ndtri((1 + fit.level) / 2)) * np.where(upper, direct_se, fit.se[pick])
    scale = fit.network.scale
    back = np.exp if scale == "log" else np.positive
    return League(
        names, back(estimate), back(estimate - half), back(estimate + half), scale, fit.level
    )


def written(estimate: float, low: float, high: float, scale: str) -> str:
    """Write an estimate with its interval, all on the printed scale.

    Examples
    --------
    >>> written(1.0, 0.25, 4.0, "log")
    '1.00 (0.25 to 4.00)'
    """
    # Two ways to one number may differ in the last digit of it and round to either side.
    value, low, high = (float(f"{x:.12g}") for x in (estimate, low, high))
    return f"{cb.prose.value(value, scale)} ({cb.prose.interval((low, high), scale)})"


def positions(fit: NetworkFit, order: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    """Return the treatments in an order, and where each stands in the network."""
    known = fit.network.treatments
    names = tuple(order) or known
    if sorted(names) != sorted(known):
        raise cb.ModelError(f"order must hold each treatment once: {', '.join(known)}")
    return names, [known.index(name) for name in names]
