"""Inconsistency of the whole network: Cochran's Q within and between designs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import comorbid as cb
from comorbid_treatments.fits import chi2_tail, connected, residual_q, solve
from comorbid_treatments.networks import Array, Index, Network

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A chi-squared test.

    Attributes
    ----------
    q, p : float
        Statistic and p-value; p is nan without degrees of freedom.
    df : int
        Degrees of freedom.
    """

    q: float
    df: int
    p: float


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """Cochran's Q by where it comes from; made by `decompose`.

    Attributes
    ----------
    designs : tuple of str
        Sets of treatments that were compared in one trial: ``"A:B"``, ``"A:B:C"``.
    total, within, between : ChiSquared
        Of the whole network; of differences between trials of one design; between designs, the
        global test of consistency. Common effects.
    between_random : ChiSquared
        The test of consistency with heterogeneity: `between` with ``tau2_within`` in the weights.
    tau2_within : float
        From the differences within designs (method of moments); nan without degrees of freedom,
        and then taken for 0.
    within_designs : tuple of ChiSquared
        The share of each design in `within`.
    q_between : array of shape (d,)
        The share of each design in the Q of `between`.
    heat : array of shape (d, d)
        Column d: how much the share of the design of the row falls if design d is given an effect
        of its own; below 0 it rises. On the diagonal `q_between`. nan for a design without which
        the network would not be connected.
    detached : tuple of ChiSquared
        Test of consistency among the other designs, after each design is given an effect of its
        own.
    """

    designs: tuple[str, ...]
    total: ChiSquared
    within: ChiSquared
    between: ChiSquared
    between_random: ChiSquared
    tau2_within: float
    within_designs: tuple[ChiSquared, ...]
    q_between: Array
    heat: Array
    detached: tuple[ChiSquared, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the tests, one a row: ``q, df, p``."""
        import pandas as pd

        tests = {
            "total": self.total,
            "within designs": self.within,
            "between designs": self.between,
            "between designs, random effects": self.between_random,
        }
        rows = [(test.q, test.df, test.p) for test in tests.values()]
        return pd.DataFrame(rows, index=pd.Index(tests, name="test"), columns=["q", "df", "p"])

    def designs_frame(self) -> pd.DataFrame:
        """Return one row a design, with its own tests and the tests without it."""
        import pandas as pd

        return pd.DataFrame(
            {
                "q_within": [test.q for test in self.within_designs],
                "df_within": [test.df for test in self.within_designs],
                "p_within": [test.p for test in self.within_designs],
                "q_between": self.q_between,
                "q_detached": [test.q for test in self.detached],
                "df_detached": [test.df for test in self.detached],
                "p_detached": [test.p for test in self.detached],
            },
            index=pd.Index(self.designs, name="design"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            **{str(name): row.to_dict() for name, row in self.to_frame().iterrows()},
            "tau2_within": self.tau2_within,
            "designs": list(self.designs),
            **{str(k): v for k, v in self.designs_frame().to_dict("list").items()},
            "heat": self.heat.tolist(),
        }

    def summary(self) -> str:
        """Return the tests as text."""
        return "\n".join(
            [
                str(self.to_frame().round(4)),
                f"tau2 within designs {cb.prose.small(self.tau2_within)}",
                str(self.designs_frame().round(4)),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def decompose(network: Network, *, tau2: float = 0.0) -> Decomposition:
    r"""Split Cochran's Q into heterogeneity within designs and inconsistency between them.

    .. math:: Q = \sum_d Q_d^{\text{het}} + Q^{\text{inc}}

    where :math:`Q_d^{\text{het}}` measures the trials of a design against their own mean and
    :math:`Q^{\text{inc}}` these means against the network. A design that is given an effect of its
    own ("detached") no longer takes part; what its absence does to the shares of the others is the
    net heat matrix.

    Parameters
    ----------
    network : Network
        Connected.
    tau2 : float
        Heterogeneity in the weights of ``total``, ``within``, ``between`` and the heat matrix; 0
        for common effects, ``decompose(network).tau2_within`` for random effects.

    Returns
    -------
    Decomposition
        With ``network.loops`` 0 there is no test between designs: p is nan.

    Raises
    ------
    ModelError
        If the network is not connected.

    Notes
    -----
    Krahn, Binder and Koenig show a row for each contrast of a design with three or more arms; here
    such a design has one row, the sum of those, which depends on no choice of contrasts.

    References
    ----------
    Krahn U, Binder H, Koenig J (2013). A graphical tool for locating inconsistency in network
    meta-analyses. BMC Medical Research Methodology 13:35. doi:10.1186/1471-2288-13-35
    Higgins JPT, Jackson D, Barrett JK, Lu G, Ades AE, White IR (2012). Consistency and
    inconsistency in network meta-analysis: concepts and models for multi-arm studies. Research
    Synthesis Methods 3:98-110. doi:10.1002/jrsm.1044
    Jackson D, White IR, Riley RD (2012). Statistics in Medicine 31:3805-3820. doi:10.1002/sim.5453

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
    >>> split = ct.decompose(ct.network(table, measure="MD"))
    >>> round(split.between.q, 4), split.between.df, split.within.df
    (0.0833, 1, 0)
    """
    connected(network)
    within, freedom = _within(network, tau2)
    spare = int(freedom.sum())
    tau2_within = _moments(network) if spare else math.nan
    random = 0.0 if math.isnan(tau2_within) else tau2_within
    total = residual_q(network, tau2)
    between = max(0.0, total - float(within.sum()))
    random_within = float(_within(network, random)[0].sum())
    random_between = max(0.0, residual_q(network, random) - random_within)
    shares, heat, detached, left = _detach(network, tau2)
    loops = network.loops
    return Decomposition(
        designs=tuple(":".join(network.treatments[i] for i in d) for d in network.designs),
        total=_test(total, spare + loops),
        within=_test(float(within.sum()), spare),
        between=_test(between, loops),
        between_random=_test(random_between, loops),
        tau2_within=tau2_within,
        within_designs=tuple(map(_test, within.tolist(), freedom.tolist())),
        q_between=shares,
        heat=heat,
        detached=tuple(map(_test, detached.tolist(), left.tolist())),
    )


def _test(q: float, df: int) -> ChiSquared:
    return ChiSquared(q, df, chi2_tail(q, df))


def _own_means(network: Network, tau2: float) -> Array:
    """Return, for each row, what the trials of its design alone make of it."""
    rows = network.rows
    fitted = np.empty_like(rows.yi)
    for d in range(len(network.designs)):
        own = rows.design == d
        root = np.sqrt(1 / (rows.vi[own] + tau2))
        theta = np.linalg.lstsq(rows.x[own] * root[:, None], rows.yi[own] * root, rcond=None)[0]
        fitted[own] = rows.x[own] @ theta
    return fitted


def _within(network: Network, tau2: float) -> tuple[Array, Index]:
    """Return each design's Q around its own mean, and its degrees of freedom."""
    rows, d = network.rows, len(network.designs)
    terms = (rows.yi - _own_means(network, tau2)) ** 2 / (rows.vi + tau2)
    freedom = np.bincount(rows.design, minlength=d) - _held(network)
    q = _by_design(network, terms)
    return np.where(freedom > 0, q, 0.0), freedom


def _by_design(network: Network, terms: Array) -> Array:
    """Return the sums of the rows' terms by design."""
    sums = np.bincount(network.rows.design, terms, len(network.designs))
    return np.asarray(sums, dtype=np.float64)


def _moments(network: Network) -> float:
    """Return tau2 by the method of moments with an effect for each design and treatment."""
    rows = network.rows
    q, freedom = _within(network, 0.0)
    trace = 0.0
    for d in range(len(network.designs)):
        own = rows.design == d
        w, x = 1 / rows.vi[own], rows.x[own]
        weighted = x * w[:, None]
        inverse = np.linalg.pinv(weighted.T @ x, hermitian=True)
        trace += float(w.sum() - np.einsum("ij,jk,ik->", weighted, inverse, weighted))
    return max(0.0, float(q.sum() - freedom.sum()) / trace)


def _detach(network: Network, tau2: float) -> tuple[Array, Array, Array, Index]:
    """Return shares of the designs, the heat matrix, and the tests after detaching each design."""
    rows, d = network.rows, len(network.designs)
    w = 1 / (rows.vi + tau2)
    means = _own_means(network, tau2)
    shares = _by_design(network, w * (means - rows.x @ solve(network, tau2)[0]) ** 2)
    # All networks that lack one design are solved in one batch, one weight 0 after the other.
    kept = np.where(rows.design == np.arange(d)[:, None], 0.0, w)
    laplacian = np.einsum("mi,dm,mj->dij", rows.x, kept, rows.x)
    whole = np.linalg.matrix_rank(laplacian, hermitian=True) == network.n - 1
    theta = (
        np.linalg.pinv(laplacian, hermitian=True)
        @ np.einsum("mi,dm,m->di", rows.x, kept, rows.yi)[:, :, None]
    )
    terms = kept * (means - (rows.x @ theta)[:, :, 0]) ** 2
    after = np.array([_by_design(network, row) for row in terms])
    heat = np.where(whole[:, None], shares - after, np.nan).T
    left = np.where(whole, network.loops - _held(network), 0)
    return shares, heat, np.where(whole, after.sum(axis=1), np.nan), left


def _held(network: Network) -> Index:
    """Return how many effects each design estimates by itself."""
    return np.array([len(design) - 1 for design in network.designs])
