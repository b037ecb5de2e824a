"""Pairwise meta-analysis: each comparison from the trials that made it, one by one."""

from __future__ import annotations

import comorbid as cb
from comorbid_treatments.networks import Network


def pairwise(
    network: Network, *, method: str = "REML", test: str = "knha", level: float = 0.95
) -> cb.Refits:
    """Pool the trials of each comparison, each with a tau2 of its own.

    Parameters
    ----------
    network : Network
        Need not be connected.
    method, test, level
        As in `comorbid.pool`.

    Returns
    -------
    Refits
        One row a comparison, ``"treat1 vs treat2"``, as `comorbid.subgroups` gives them. A
        comparison of one trial is that trial's own estimate, with its reason; tau2 is nan.

    Notes
    -----
    The rows share the trials with three or more arms, and are not independent of each other.

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "A", "C"], "treat2": ["B", "B", "B"],
    ...     "yi": [1.0, 0.4, 0.2], "vi": [0.04, 0.04, 0.09]})
    >>> rows = ct.pairwise(ct.network(table, measure="MD", reference="B"), method="DL", test="z")
    >>> rows.to_frame()[["estimate", "tau2", "k"]].round(4).loc["A vs B"].to_list()
    [0.7, 0.14, 2.0]
    """
    table = network.to_frame()
    comparison = table["treat1"] + " vs " + table["treat2"]
    # No studies are named: a comparison has one row of each, and no two are pooled together.
    effects = cb.Effects(
        yi=table["yi"].to_numpy(),
        vi=table["vi"].to_numpy(),
        labels=tuple(table["study"] + ": " + comparison),
        measure=network.measure,
        scale=network.scale,
        moderators={"comparison": list(comparison)},
    )
    return cb.subgroups(
        effects,
        by="comparison",
        method=method,
        test=test,  # type: ignore[arg-type]
        level=level,
    ).refits
