"""Ranking: P-scores, and rank probabilities with SUCRA by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import comorbid as cb
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Array

if TYPE_CHECKING:
    import pandas as pd

SmallValues = Literal["desirable", "undesirable"]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Simulated ranks; made by `sucra`.

    Attributes
    ----------
    treatments : tuple of n str
    sucra : array of shape (n,)
        Surface under the cumulative ranking curve: 1 for a treatment that is certainly the best,
        0 for one that is certainly the worst.
    mean_rank : array of shape (n,)
        1 is best.
    probability : array of shape (n, n)
        Row: treatment; column r - 1: the probability of rank r.
    small_values : str
        Whether small values are desirable or not.
    draws, seed : int
        How it was simulated.
    """

    treatments: tuple[str, ...]
    sucra: Array
    mean_rank: Array
    probability: Array
    small_values: str
    draws: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """Return ``sucra, mean_rank`` and the probabilities ``rank_1, ...``, best first."""
        import pandas as pd

        ranks = {f"rank_{r + 1}": self.probability[:, r] for r in range(len(self.treatments))}
        table = pd.DataFrame(
            {"sucra": self.sucra, "mean_rank": self.mean_rank, **ranks},
            index=pd.Index(self.treatments, name="treatment"),
        )
        return table.sort_values("sucra", ascending=False, kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "labels": list(self.treatments),
            "sucra": self.sucra.tolist(),
            "mean_rank": self.mean_rank.tolist(),
            "percent": (100 * self.probability).tolist(),
            "small_values": self.small_values,
            "draws": self.draws,
            "seed": self.seed,
        }

    def summary(self) -> str:
        """Return the table as text."""
        return str(self.to_frame().round(3))

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def p_scores(fit: NetworkFit, *, small_values: SmallValues = "desirable") -> pd.Series[float]:
    r"""Return the P-score of each treatment.

    .. math:: P_i = \frac{1}{n-1} \sum_{j \ne i} \Phi\left(\frac{\hat\theta_j - \hat\theta_i}
        {se_{ij}}\right)

    is the mean certainty that a treatment is better than another one, here with small values
    desirable.

    Parameters
    ----------
    fit : NetworkFit
    small_values : {"desirable", "undesirable"}
        Whether a lower value of the outcome, or of the risk, is better.

    Returns
    -------
    Series
        Between 0 and 1, best first; the mean is 0.5. It says nothing of how large or how certain
        a difference is: look at the intervals.

    References
    ----------
    Ruecker G, Schwarzer G (2015). Ranking treatments in frequentist network meta-analysis works
    without resampling methods. BMC Medical Research Methodology 15:58.
    doi:10.1186/s12874-015-0060-8

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({"study": ["1"], "treat1": ["A"], "treat2": ["B"], "yi": [0.0],
    ...                       "vi": [1.0]})
    >>> ct.p_scores(ct.fit(ct.network(table), method="EE")).to_dict()
    {'A': 0.5, 'B': 0.5}
    """
    import pandas as pd
    from scipy.special import ndtr

    sign = _sign(small_values)
    better = ndtr(sign * np.nan_to_num(fit.statistic))
    np.fill_diagonal(better, 0)
    names = pd.Index(fit.network.treatments, name="treatment")
    scores = pd.Series(better.sum(axis=1) / (fit.network.n - 1), index=names, name="p_score")
    return scores.sort_values(ascending=False, kind="stable")


def sucra(
    fit: NetworkFit,
    *,
    small_values: SmallValues = "desirable",
    draws: int = 100_000,
    seed: int = 1,
) -> Ranking:
    """Simulate ranks from the joint normal distribution of the estimates.

    Parameters
    ----------
    fit : NetworkFit
    small_values : {"desirable", "undesirable"}
        Whether a lower value of the outcome, or of the risk, is better.
    draws, seed : int
        Number of simulated sets of effects; the same seed gives the same numbers.

    Returns
    -------
    Ranking
        SUCRA is, but for the error of simulation, the P-score.

    References
    ----------
    Salanti G, Ades AE, Ioannidis JPA (2011). Graphical methods and numerical summaries for
    presenting results from multiple-treatment meta-analysis: an overview and tutorial. Journal of
    Clinical Epidemiology 64:163-171. doi:10.1016/j.jclinepi.2010.03.016

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({"study": ["1"], "treat1": ["A"], "treat2": ["B"], "yi": [-9.0],
    ...                       "vi": [1.0]})
    >>> ct.sucra(ct.fit(ct.network(table), method="EE"), draws=1000).sucra.tolist()
    [1.0, 0.0]
    """
    sign = _sign(small_values)
    if draws < 1:
        raise cb.ModelError(f"draws is {draws}; give at least 1")
    n, c = fit.network.n, fit.covariance
    # Of the effects against the reference; its Cholesky root is the same on every platform.
    root = np.linalg.cholesky((c - c[0] - c[:, [0]] + c[0, 0])[1:, 1:])
    random = np.random.default_rng(seed).standard_normal((draws, n - 1))
    effects = fit.estimate[:, 0] + np.pad(random @ root.T, ((0, 0), (1, 0)))
    best_first = np.argsort(-sign * effects, axis=1, kind="stable")
    probability = np.stack([(best_first == i).mean(axis=0) for i in range(n)])
    ranks = probability @ np.arange(1.0, n + 1)
    return Ranking(
        treatments=fit.network.treatments,
        sucra=(n - ranks) / (n - 1),
        mean_rank=ranks,
        probability=probability,
        small_values=small_values,
        draws=draws,
        seed=seed,
    )


def _sign(small_values: str) -> int:
    """Return -1 where small values are better, 1 where large ones are."""
    allowed = get_args(SmallValues)
    if small_values not in allowed:
        raise cb.ModelError(f"small_values is {small_values!r}; use one of {', '.join(allowed)}")
    return -1 if small_values == "desirable" else 1
