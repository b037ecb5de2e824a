"""Wild cluster bootstrap: a Wald test for few clusters, whose reference is made of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from comorbid.checks import check_choice, check_whole
from comorbid.effects.arrays import Array, Frozen, read_only
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.robust_fit import Clustered, clustered
from comorbid.models.sandwich import CORRECTIONS, Correction, adjusted, share_on_one
from comorbid.models.wald import find_terms
from comorbid.models.wild_draws import (
    EQUAL,
    all_statistics,
    null_residuals,
    patterns,
    random_signs,
    share,
    statistics_of,
)

if TYPE_CHECKING:
    import pandas as pd

Signs = Literal["rademacher", "webb"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class WildBootstrap(Frozen):
    """A Wald test by wild cluster bootstrap; made by `wild_bootstrap`.

    Attributes
    ----------
    clustered : Clustered
        The fit and the clusters of its effects.
    names : tuple of q str
        The coefficients tested.
    statistic : float
        The observed :math:`F = Q / q`.
    p_value : float
        Share of the draws whose statistic is at least as large.
    draws : array of shape (n,)
        The statistics of the draws; infinite where the draw's variance is 0.
    enumeration : {"all", "random"}
        Whether the draws are all patterns of signs, or random ones.
    correction, weights : str
        As given.
    seed : int
    warnings : tuple of str
        Those of the fit, and what the number of patterns allows.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.4, 0.3, 0.6, 0.9, 0.2, 0.5], vi=[0.04] * 6,
    ...                      studies=["A", "A", "B", "B", "C", "C"])
    >>> found = cb.wild_bootstrap(cb.pool(effects))
    >>> found.enumeration, found.draws.size, found.p_value
    ('all', 4, 0.25)
    """

    clustered: Clustered
    names: tuple[str, ...]
    statistic: float
    p_value: float
    draws: Array
    enumeration: str
    correction: Correction
    weights: Signs
    seed: int
    warnings: tuple[str, ...]

    def ci(self, *, level: float | None = None) -> tuple[float, float]:
        r"""Return the values of the coefficient that the test does not reject, by its own draws.

        The ends on each side where p first falls to 1 - ``level``, by default that of the fit, as
        the value tested moves away from the estimate; infinite where it does not fall so far, as
        with too few patterns.

        Raises
        ------
        ModelError
            If several coefficients are tested, or ``level`` is no proportion.

        References
        ----------
        MacKinnon JG (2015). Wild cluster bootstrap confidence intervals. L'Actualite economique
        91(1-2):11-33.

        Examples
        --------
        >>> import comorbid as cb
        >>> effects = cb.Effects(yi=[0.4, 0.3, 0.6, 0.9, 0.2, 0.5, 0.4], vi=[0.04] * 7)
        >>> low, high = cb.wild_bootstrap(cb.pool(effects)).ci()
        >>> round(low, 3), round(high, 3)
        (0.3, 0.7)
        """
        from comorbid.models.wild_interval import interval

        return interval(self, self.clustered.fit.level if level is None else level)

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ``statistic, df, p_value, draws, clusters``."""
        import pandas as pd

        row = {
            "statistic": self.statistic,
            "df": len(self.names),
            "p_value": self.p_value,
            "draws": self.draws.size,
            "clusters": self.clustered.working.m,
        }
        return pd.DataFrame([row], index=pd.Index([", ".join(self.names)], name="names"))

    def to_dict(self) -> dict[str, Any]:
        """Return the test and how it was made, without the single draws."""
        made = self.clustered.fit.made
        return {
            "measure": made["measure"],
            "method": made["method"],
            "test": "wild cluster bootstrap",
            "ids": list(made["ids"]),
            "names": list(self.names),
            "statistic": self.statistic,
            "df": len(self.names),
            "p_value": self.p_value,
            "draws": self.draws.size,
            "enumeration": self.enumeration,
            "correction": self.correction,
            "weights": self.weights,
            "seed": self.seed,
            "cluster": self.clustered.clusters.by,
            "clusters": self.clustered.working.m,
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the test as text."""
        how = "all patterns of signs" if self.enumeration == "all" else "random draws"
        lines = [
            f"Wild cluster bootstrap ({self.draws.size} {how}, {self.weights}; {self.correction}; "
            f"{self.clustered.working.m} clusters of {self.clustered.clusters.by})",
            f"Test of {', '.join(self.names)}: F = {text.number(self.statistic)}, "
            f"p {text.p_value(self.p_value)}",
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def wild_bootstrap(
    fit: Any,
    *,
    cluster: Any = "study_id",
    coefficients: str | Sequence[str] | None = None,
    vcov: Correction = "CR2",
    weights: Signs = "rademacher",
    draws: int = 1999,
    seed: int = 1,
) -> WildBootstrap:
    r"""Test by wild cluster bootstrap that some coefficients are all 0.

    The model is fitted without the coefficients tested. Draw b multiplies the adjusted residuals
    :math:`\tilde e_j = A_j e_j` of each cluster by a random :math:`\eta_{jb}` of mean 0 and
    variance 1, and adds them to what that model expects,

    .. math:: y_{jb}^* = X_j \tilde\beta + \eta_{jb} \tilde e_j, \qquad
       F_b^* = \tfrac1q \hat\beta_T^{*\prime} (V_T^*)^{-1} \hat\beta_T^*

    with the cluster-robust V of the whole model. p is the share of draws in which F is at least
    the observed one; of random draws the observed one is counted as one more, and of all patterns
    one is counted at least: with CR2 and CR3 the residuals as they are, all signs alike, need not
    reach it. Weights and variance components stay those of the fit, so that all draws are one
    product of matrices.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        What `pool`, `regress` or `multilevel` returns.
    cluster : str or sequence of k
        A column of the fit's effects, or one value an effect.
    coefficients : str or sequence of str, optional
        Coefficients or terms of the formula; by default all but the intercept, which is tested
        where it stands alone.
    vcov : {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"}
        Of the statistic, and of the residuals' adjustment; constant factors make no difference.
    weights : {"rademacher", "webb"}
        1 and -1; or six values, :math:`\pm\sqrt{1/2}, \pm 1, \pm\sqrt{3/2}`, which give more
        different draws of few clusters.
    draws : int
        With signs and m clusters of which there are no more than this many patterns,
        :math:`2^{m-1}` up to a common sign, all of them are used instead, and ``seed`` has no part.
    seed : int
        Of the random draws.

    Returns
    -------
    WildBootstrap

    Raises
    ------
    DataError
        If ``fit`` is none, or an effect has no cluster.
    ModelError
        If there are not more clusters than coefficients, a name is no coefficient, one of those
        tested rests on a single cluster, or a setting is none of those allowed.

    References
    ----------
    Joshi M, Pustejovsky JE, Beretvas SN (2022). Research Synthesis Methods 13:457-477.
    doi:10.1002/jrsm.1554
    Cameron AC, Gelbach JB, Miller DL (2008). Review of Economics and Statistics 90:414-427.
    doi:10.1162/rest.90.3.414
    Webb MD (2023). Canadian Journal of Economics 56:839-858. doi:10.1111/caje.12661

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.4, 0.3, 0.6, 0.9, 0.2, 0.5, 0.4, 0.7], vi=[0.04] * 8,
    ...                      studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> wild_bootstrap(cb.pool(effects)).p_value
    0.125
    """
    check_choice("vcov", vcov, CORRECTIONS)
    check_choice("weights", weights, get_args(Signs))
    check_whole("draws", draws, least=19)
    check_whole("seed", seed, least=0)
    of = clustered(fit, cluster)
    rows = list(of.tested)
    if coefficients is not None:
        rows = find_terms(of.names, of.terms, coefficients)
    found = adjusted(of.working, vcov)
    _check_several(of, rows)
    beta = np.asarray(of.fit.estimate, dtype=float).reshape(-1)
    residuals = null_residuals(
        of, rows, vcov, [part.e + part.x @ beta for part in of.working.parts]
    )
    observed = float(statistics_of(beta[None, rows], found.u[None][:, :, rows])[0])
    every = weights == "rademacher" and 2 ** (of.working.m - 1) <= draws
    eta = (
        patterns(of.working.m)
        if every
        else random_signs(of.names_of_clusters, weights, draws, seed)
    )
    statistics = all_statistics(of.working, found, residuals, rows, eta)
    return WildBootstrap(
        clustered=of,
        names=tuple(of.names[i] for i in rows),
        statistic=observed,
        p_value=float(share(statistics >= observed * (1 - EQUAL), every)),
        draws=read_only(statistics),
        enumeration="all" if every else "random",
        correction=vcov,
        weights=weights,
        seed=seed,
        warnings=(*of.fit_notes, *_notes(of.working.m, weights)),
    )


def _check_several(of: Clustered, rows: Sequence[int]) -> None:
    share = share_on_one(of.working)
    alone = [of.names[i] for i in rows if share[i]]
    if alone:
        raise ModelError(
            f"{', '.join(alone)}: rests, at least in part, on a single cluster, which no bootstrap "
            "of clusters can test; name other coefficients"
        )


def _notes(m: int, weights: str) -> tuple[str, ...]:
    least = 0.5 ** (m - 1)
    if weights == "webb" or least <= 0.05:
        return ()
    return (
        f"{m} clusters have {2 ** (m - 1)} patterns of signs, so that p cannot be below "
        f"{least:g}; weights='webb' have more",
    )
