"""Contributions: how much each direct comparison matters for each network estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import comorbid as cb
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Array

if TYPE_CHECKING:
    import pandas as pd

_NO_FLOW = 1e-12


def contributions(fit: NetworkFit) -> pd.DataFrame:
    r"""Return the share of each direct comparison in each network estimate, by random walks.

    A network estimate of i against j sends one unit of evidence from i to j through the network,
    :math:`w_{uv}(x_u - x_v)` along the comparison of u and v, with the weights :math:`w` of the
    network's Laplacian and :math:`x` its potentials. A walker that follows the flow takes each path
    with a probability; a path of :math:`l` steps gives each of its comparisons 1/l of that.

    Parameters
    ----------
    fit : NetworkFit

    Returns
    -------
    DataFrame
        Row: network estimate (treat1, treat2); column: direct comparison. Each row sums to 1.

    Raises
    ------
    ModelError
        If a comparison has a negative weight, as contradictory variances of a trial can give.

    References
    ----------
    Davies AL, Papakonstantinou T, Nikolakopoulou A, Ruecker G, Galla T (2022). Network
    meta-analysis and random walks. Statistics in Medicine 41:2091-2114. doi:10.1002/sim.9346
    Papakonstantinou T, Nikolakopoulou A, Ruecker G, Chaimani A, Schwarzer G, Egger M, Salanti G
    (2018). Estimating the contribution of studies in network meta-analysis: paths, flows and
    streams. F1000Research 7:610. doi:10.12688/f1000research.14770.3

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
    >>> shares = ct.contributions(ct.fit(ct.network(table), method="EE"))
    >>> shares.loc[("B", "A")].round(4).to_list()
    [0.6667, 0.1667, 0.1667]
    """
    import pandas as pd

    net, weights = fit.network, _weights(fit)
    pairs = [(i, j) for j in range(net.n) for i in range(j + 1, net.n)]
    direct = [(i, j) for i, j in pairs if weights[i, j] > 0]
    steps = [_shares(i, j, weights, fit.covariance) for i, j in pairs]
    return pd.DataFrame(
        [[step[i, j] + step[j, i] for i, j in direct] for step in steps],
        index=pd.MultiIndex.from_tuples(
            [(net.treatments[i], net.treatments[j]) for i, j in pairs], names=["treat1", "treat2"]
        ),
        columns=pd.MultiIndex.from_tuples(
            [(net.treatments[i], net.treatments[j]) for i, j in direct],
            names=["direct1", "direct2"],
        ),
    )


def _weights(fit: NetworkFit) -> Array:
    """Return the weights between treatments: the Laplacian's entries with the sign turned."""
    rows = fit.network.rows
    weights = -rows.x.T @ (rows.x / (rows.vi + fit.used_tau2)[:, None])
    np.fill_diagonal(weights, 0)
    weights[np.abs(weights) < _NO_FLOW * weights.max()] = 0
    if (weights < 0).any():
        i, j = np.argwhere(weights < 0)[0]
        pair = f"{fit.network.treatments[i]} and {fit.network.treatments[j]}"
        raise cb.ModelError(
            f"the comparison of {pair} has a negative weight, so that evidence does not flow along "
            "it; check the variances, and any rho, of the trials with three or more arms"
        )
    return weights


def _shares(source: int, sink: int, weights: Array, covariance: Array) -> Array:
    """Return what each step takes on the way from one treatment to another; all sum to 1."""
    potential = covariance[:, source] - covariance[:, sink]
    flow = np.maximum(weights * (potential[:, None] - potential), 0)
    flow[flow < _NO_FLOW] = 0
    out = flow.sum(axis=1)
    step = np.divide(flow, out[:, None], out=np.zeros_like(flow), where=out[:, None] > 0)
    # reach[a, u]: probability of being at u after a steps; left[b, v]: of needing b more from v.
    n = len(weights)
    reach, left = np.zeros((n, n)), np.zeros((n, n))
    reach[0, source] = left[0, sink] = 1
    for a in range(1, n):
        reach[a] = reach[a - 1] @ step
        left[a] = step @ left[a - 1]
    length = np.arange(n)[:, None] + np.arange(n) + 1.0
    return np.asarray(step * (reach.T @ (1 / length) @ left))
