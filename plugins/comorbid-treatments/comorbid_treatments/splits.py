"""Node-splitting: what the trials of a comparison say, and what the rest of the network says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Array

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("k", "proportion", "network", "network_se", "direct", "direct_se", "indirect"),
    *("indirect_se", "difference", "se", "statistic", "p_value"),
)
# Nearer to 1 a proportion leaves nothing for indirect evidence but rounding.
_WHOLLY = 5e-4


@dataclass(frozen=True, slots=True, eq=False)
class NodeSplit:
    """Direct and indirect evidence for every comparison; made by `node_split`.

    Attributes
    ----------
    treat1, treat2 : tuple of str
        The comparisons: the first against the second.
    columns : mapping of str to array
        ``k`` trials with both arms; ``proportion`` of the network estimate that is direct; network,
        direct and indirect estimates with standard errors; their difference with standard error,
        z statistic and p-value. nan where there is no such evidence.
    """

    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    columns: dict[str, Array]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a comparison, indexed by the two treatments."""
        import pandas as pd

        index = pd.MultiIndex.from_arrays([self.treat1, self.treat2], names=["treat1", "treat2"])
        table = pd.DataFrame(self.columns, index=index)
        return table.astype({"k": int})

    @property
    def tested(self) -> int:
        """Number of comparisons that have both kinds of evidence."""
        return int(np.isfinite(self.columns["difference"]).sum())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists."""
        values = {name: column.tolist() for name, column in self.columns.items()}
        names = [" vs ".join(pair) for pair in zip(self.treat1, self.treat2, strict=True)]
        return {"labels": names, **values}

    def summary(self) -> str:
        """Return the comparisons with direct evidence as text."""
        table = self.to_frame()
        return str(table[table["k"] > 0].round(4))

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def node_split(fit: NetworkFit) -> NodeSplit:
    r"""Split every network estimate into direct and indirect evidence, by back-calculation.

    Direct evidence is the mean of the trials with both arms, weights :math:`1/(v + \tau^2)` with
    the network's tau2. With :math:`p = se_{net}^2/se_{dir}^2`, the share that it has in the network
    estimate,

    .. math:: y_{ind} = \frac{y_{net} - p\, y_{dir}}{1 - p}, \qquad
        se_{ind}^2 = \frac{se_{net}^2}{1 - p}

    and the two are compared by z.

    Parameters
    ----------
    fit : NetworkFit

    Returns
    -------
    NodeSplit
        All n (n - 1) / 2 comparisons, in the order of ``network.treatments``.

    Notes
    -----
    A trial of three or more arms is evidence on both sides: its other arms are part of the
    indirect estimate, so that the two sides are not wholly independent.

    References
    ----------
    Koenig J, Krahn U, Binder H (2013). Visualizing the flow of evidence in network meta-analysis
    and characterizing mixed treatment comparisons. Statistics in Medicine 32:5414-5429.
    doi:10.1002/sim.6001
    Dias S, Welton NJ, Caldwell DM, Ades AE (2010). Checking consistency in mixed treatment
    comparison meta-analysis. Statistics in Medicine 29:932-944. doi:10.1002/sim.3767

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
    >>> split = ct.node_split(ct.fit(ct.network(table, measure="MD", reference="C"), method="EE"))
    >>> split.to_frame().loc[("A", "C"), ["direct", "indirect", "proportion"]].round(4).to_list()
    [1.0, 1.1, 0.6667]
    """
    net = fit.network
    second, first = np.triu_indices(net.n, 1)
    k, direct, direct_se = (matrix[first, second] for matrix in direct_evidence(fit))
    network, network_se = fit.estimate[first, second], fit.se[first, second]
    share = np.where(k > 0, network_se**2 / direct_se**2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        indirect = (network - share * np.nan_to_num(direct)) / (1 - share)
        indirect_se = network_se / np.sqrt(1 - share)
    wholly = np.abs(share - 1) < _WHOLLY
    indirect, indirect_se = (np.where(wholly, np.nan, x) for x in (indirect, indirect_se))
    difference, se = direct - indirect, np.hypot(direct_se, indirect_se)
    values = (
        *(k.astype(np.float64), share, network, network_se, direct, direct_se),
        *(indirect, indirect_se, difference, se, difference / se, _two_sided(difference / se)),
    )
    return NodeSplit(
        treat1=tuple(net.treatments[i] for i in first),
        treat2=tuple(net.treatments[i] for i in second),
        columns=dict(zip(COLUMNS, values, strict=True)),
    )


def direct_evidence(fit: NetworkFit) -> tuple[Array, Array, Array]:
    """Return, treatments by treatments, the number of trials, their mean and its standard error."""
    n = fit.network.n
    k, weight, total = (np.zeros((n, n)) for _ in range(3))
    for trial in fit.network.trials:
        for i, j, y, v in trial.contrasts():
            w = 1 / (v + fit.used_tau2)
            k[i, j] += 1
            weight[i, j] += w
            total[i, j] += w * y
    k, weight, total = k + k.T, weight + weight.T, total - total.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return k, total / weight, np.where(weight > 0, 1 / np.sqrt(weight), np.nan)


def _two_sided(z: Array) -> Array:
    from scipy.special import erfc

    return np.asarray(erfc(np.abs(z) / np.sqrt(2)))
