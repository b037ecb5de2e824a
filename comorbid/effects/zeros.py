"""Zero cells: to which counts something is added before a ratio is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from comorbid.checks import check_choice, is_number, shown
from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError

To = Literal["only0", "all", "if0all", "none"]
Drop00 = Literal["no", "yes"]


@dataclass(frozen=True, slots=True)
class Zeros:
    """What happens to zero counts, in metafor's words.

    Parameters
    ----------
    add : float, optional
        What is added, in people or events. By default 0.5, and 0 for the measures that exist
        without it (AS, PHI, ZPHI, RTET, ZTET, IRSD, PAS, PFT, IRS, IRFT).
    to : {"only0", "all", "if0all", "none"}
        To the studies that have a zero; to all; to all as soon as one has a zero; to none.
    drop00 : {"no", "yes"}
        ``yes``: a study without events in both groups, or with events only, gets no effect.

    Raises
    ------
    ModelError
        If a setting is none of those allowed.

    Examples
    --------
    >>> Zeros(add=0.5, to="all").to
    'all'
    """

    add: float | None = None
    to: To = "only0"
    drop00: Drop00 = "no"

    def __post_init__(self) -> None:
        check_choice("to", self.to, get_args(To))
        check_choice("drop00", self.drop00, get_args(Drop00))
        if self.add is not None and not (is_number(self.add) and 0 <= self.add < np.inf):
            raise ModelError(f"add is {shown(self.add)}; give a number from 0 up, such as 0.5")

    def correct(self, cells: Array, *, default: float, uninformative: Mask | None = None) -> Array:
        """Return the counts with what is added to them.

        Parameters
        ----------
        cells : array of shape (cells, k)
            The counts that are looked at for zeros and added to.
        default : float
            What is added if ``add`` is not given.
        uninformative : boolean array of shape (k,), optional
            The studies that ``drop00`` leaves out; their counts become nan.

        Returns
        -------
        array of shape (cells, k)
        """
        if self.drop00 == "yes" and uninformative is not None:
            cells = np.where(uninformative, np.nan, cells)
        zero = (cells == 0).any(axis=0)
        where = {
            "only0": zero,
            "all": np.ones_like(zero),
            "if0all": np.full_like(zero, zero.any()),
            "none": np.zeros_like(zero),
        }[self.to]
        return np.asarray(cells + (default if self.add is None else self.add) * where)
