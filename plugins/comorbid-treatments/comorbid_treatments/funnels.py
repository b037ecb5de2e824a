"""The comparison-adjusted funnel: each trial against the mean of its own comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.leagues import positions
from comorbid_treatments.splits import direct_evidence

if TYPE_CHECKING:
    import pandas as pd


def funnel(fit: NetworkFit, *, order: Sequence[str]) -> pd.DataFrame:
    """Return each contrast less the mean of all trials of that comparison.

    If small trials exaggerate in one direction, here in favour of the treatments that come earlier
    in ``order``, or later, the points are asymmetric around 0.

    Parameters
    ----------
    fit : NetworkFit
        Its tau2 is in the weights of the means.
    order : sequence of str
        All treatments, in an order that has a meaning: from the newest to the oldest, or active
        ones before placebo. There is no default since the result depends on it.

    Returns
    -------
    DataFrame
        ``study, treat1, treat2, yi, se, mean, adjusted, k``: the earlier treatment in ``order``
        against the later one, analysis scale; ``adjusted`` is ``yi - mean``, always 0 where ``k``,
        the number of trials of the comparison, is 1.

    Raises
    ------
    ModelError
        If ``order`` does not hold each treatment once.

    Notes
    -----
    The contrasts of a trial with three or more arms are correlated; all of them are points.

    References
    ----------
    Chaimani A, Salanti G (2012). Using network meta-analysis to evaluate the existence of
    small-study effects in a network of interventions. Research Synthesis Methods 3:161-176.
    doi:10.1002/jrsm.57

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2"], "treat1": ["A", "B"], "treat2": ["B", "A"],
    ...     "yi": [1.0, -0.4], "vi": [0.04, 0.04]})
    >>> fit = ct.fit(ct.network(table, measure="MD"), method="EE")
    >>> ct.funnel(fit, order=["A", "B"])["adjusted"].round(4).to_list()
    [0.3, -0.3]
    """
    names, _ = positions(fit, order)
    place = {name: i for i, name in enumerate(names)}
    net = fit.network
    k, means, _ = direct_evidence(fit)
    table = net.to_frame()
    turned = table["treat1"].map(place) > table["treat2"].map(place)
    first = table["treat1"].where(~turned, table["treat2"])
    second = table["treat2"].where(~turned, table["treat1"])
    i, j = (side.map(net.position).to_numpy() for side in (first, second))
    yi = np.where(turned, -table["yi"], table["yi"])
    return table[["study"]].assign(
        treat1=first,
        treat2=second,
        yi=yi,
        se=np.sqrt(table["vi"]),
        mean=means[i, j],
        adjusted=yi - means[i, j],
        k=k[i, j].astype(int),
    )
