"""Leave-one-out: how much the result depends on each single study."""

from __future__ import annotations

import numpy as np

from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.models.selections import refit


def leave_one_out(fit: Fit) -> Refits:
    r"""Refit without each study in turn, by the method, test and level of the fit.

    Row i is the fit of the k - 1 studies :math:`\{1, \dots, k\} \setminus \{i\}`.

    Parameters
    ----------
    fit : Fit
        The fit of all studies.

    Returns
    -------
    Refits
        One row a study, labelled by the study left out. With two studies each row is the other
        study alone; with one, nothing is left and its row is nan; both rows say so.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02], labels=list("ABC")))
    >>> cb.leave_one_out(fit).to_frame()["k"].to_dict()
    {'A': 2, 'B': 2, 'C': 2}
    """
    return refit(fit, "leave-one-out", fit.effects.labels, ~np.eye(fit.k, dtype=bool))
