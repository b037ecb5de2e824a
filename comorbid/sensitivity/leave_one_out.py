"""Leave-one-out: how much the result depends on each single study, or cluster of studies."""

from __future__ import annotations

import numpy as np

from comorbid.models.refits import Refits
from comorbid.sensitivity.columns import column_values
from comorbid.sensitivity.refitting import Pooled, check_pooled, refit_selections

_FEW = {0: "no study is left", 1: "one study is left: nothing is pooled"}


def leave_one_out(fit: Pooled, *, by: str | None = None) -> Refits:
    r"""Refit without each study in turn, by the method, test and level of the fit.

    Row i is the fit of the studies :math:`\{1, \dots, k\} \setminus C_i`, where :math:`C_i` is
    study i, or the i-th cluster of studies.

    Parameters
    ----------
    fit : Fit, MantelHaenszel or Peto
        The fit of all studies.
    by : str, optional
        Name of a moderator, or ``study_id``: all studies with the same value are left out
        together. By default each study by itself.

    Returns
    -------
    Refits
        One row a study, or a cluster in the order of first occurrence, labelled by what is left
        out. Where one study is left, the row is that study alone; where none is, it is nan; both
        rows say so.

    Raises
    ------
    ModelError
        If there is no such moderator.
    DataError
        If a study has no value in it, or ``fit`` is none of the three.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02], labels=list("ABC"),
    ...                      moderators={"country": ["DK", "IT", "DK"]})
    >>> fit = cb.pool(effects)
    >>> cb.leave_one_out(fit).to_frame()["k"].to_dict()
    {'A': 2, 'B': 2, 'C': 2}
    >>> cb.leave_one_out(fit, by="country").to_frame()["k"].to_dict()
    {'DK': 1, 'IT': 2}
    """
    check_pooled(fit)
    if by is None:
        cluster = np.arange(fit.effects.k)
        labels = fit.effects.labels
    else:
        names = [str(value) for value in column_values(fit.effects, by)]
        labels = tuple(dict.fromkeys(names))
        position = {label: i for i, label in enumerate(labels)}
        cluster = np.array([position[name] for name in names], dtype=np.intp)
    sizes = np.bincount(cluster, minlength=len(labels))
    return refit_selections(
        fit,
        "leave-one-out",
        labels,
        lambda part: cluster[:, None] != np.arange(part.start, part.stop),
        k=fit.effects.k - sizes,
        few=_FEW,
    )
