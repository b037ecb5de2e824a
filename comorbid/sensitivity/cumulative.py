"""Cumulative meta-analysis: how the result took shape as studies were added one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

from comorbid.checks import is_number, shown
from comorbid.effects.arrays import Index
from comorbid.effects.columns import column_values
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.refits import Refits
from comorbid.models.regression_refits import RegressionRefits
from comorbid.models.regression_result import Regression
from comorbid.sensitivity.refitting import Pooled, check_refittable, refit_selections

_FEW = {1: "one study: nothing is pooled"}


Order = str | Sequence[str] | Sequence[int] | None


@overload
def cumulative(fit: Pooled, *, by: Order = None) -> Refits: ...
@overload
def cumulative(fit: Regression, *, by: Order = None) -> RegressionRefits: ...
def cumulative(fit: Pooled | Regression, *, by: Order = None) -> Refits | RegressionRefits:
    r"""Refit after each study is added, by the method, test and level of the fit.

    Row i is the fit of the studies :math:`\{o_1, \dots, o_i\}` in the order :math:`o`.

    Parameters
    ----------
    fit : Fit, MantelHaenszel, Peto or Regression
        The fit of all studies.
    by : str or sequence, optional
        The order: a moderator's name (smallest value first; equal values in the order of the
        effects), ``"precision"`` (smallest variance first), the labels of all studies, or their
        positions counted from 0. By default the order of the effects.

    Returns
    -------
    Refits, or RegressionRefits for a regression
        One row a study, in the order of addition, labelled by the study added. The first row is
        one study alone: it has no tau2, I2, H2, Q or prediction interval, and says so. The rows of
        a regression are nan, and say so, until the studies can tell its coefficients apart.

    Raises
    ------
    ModelError
        If there is no such moderator, or its values cannot be put in order.
    DataError
        If a study has no value in it, an order does not name each study once, or ``fit`` is none
        of the four.

    References
    ----------
    Lau J, Antman EM, Jimenez-Silva J, et al. (1992). New England Journal of Medicine
    327:248-254. doi:10.1056/NEJM199207233270406

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02], labels=list("ABC"),
    ...                      moderators={"year": [2011, 1998, 2004]})
    >>> cb.cumulative(cb.pool(effects), by="year").to_frame()["estimate"].round(3).to_dict()
    {'B': 0.9, 'C': 0.74, 'A': 0.657}
    """
    check_refittable(fit)
    order = addition_order(fit.effects, by)
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    return refit_selections(
        fit,
        "cumulative",
        [fit.effects.labels[i] for i in order],
        lambda part: rank[:, None] <= np.arange(part.start, part.stop),
        k=np.arange(1, order.size + 1),
        few=_FEW,
    )


def addition_order(effects: Effects, by: Order) -> Index:
    """Return the positions of the studies in the order that ``by`` describes."""
    if by is None:
        return np.arange(effects.k)
    if not isinstance(by, str):
        return _explicit(effects, by)
    if by == "precision" and by not in effects.moderators:
        return np.argsort(effects.vi, kind="stable")
    values = column_values(effects, by)
    try:
        return np.array(sorted(range(effects.k), key=values.__getitem__), dtype=np.intp)
    except TypeError as error:
        raise ModelError(f"by is {by!r}, whose values cannot be put in order: {error}") from None


def _explicit(effects: Effects, order: object) -> Index:
    """Return the positions that an explicit order of labels or positions names."""
    if not isinstance(order, Iterable):
        raise ModelError(f"by is {shown(order)}; give a moderator's name or a list")
    given = [(name, _position(effects, name)) for name in order]
    known = [i for _, i in given if i is not None]
    times = Counter(known)
    remedy = "use labels, or positions from 0; numpy.argsort gives the positions that sort values"
    problems = [Problem(f"the order names {shown(name)}", remedy) for name, i in given if i is None]
    problems += [
        Problem(f"the order names {effects.labels[i]} {times[i]} times", "name it once")
        for i in range(effects.k)
        if times[i] != 1
    ]
    if problems:
        raise DataError(problems)
    return np.array(known, dtype=np.intp)


def _position(effects: Effects, name: object) -> int | None:
    """Return the position of the study of this label or position; None if there is none."""
    if isinstance(name, str):
        return effects.labels.index(name) if name in effects.labels else None
    position = int(name) if is_number(name) and float(name).is_integer() else -1
    return position if 0 <= position < effects.k else None
