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
from comorbid.models.sandwich import (
    CORRECTIONS,
    Adjusted,
    Correction,
    Working,
    adjusted,
    adjustments,
    of_parts,
    share_on_one,
)
from comorbid.models.wald import find_terms

if TYPE_CHECKING:
    import pandas as pd

Signs = Literal["rademacher", "webb"]
# Statistics within this share of the observed one are equal to it but for rounding.
_EQUAL = 1e-9
# Cells of the arrays of one block of draws.
_CELLS = 2**21


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
    residuals = null_residuals(of, rows, vcov)
    beta = np.asarray(of.fit.estimate, dtype=float).reshape(-1)[rows]
    observed = float(_statistics(beta[None], found.u[None][:, :, rows])[0])
    every = weights == "rademacher" and 2 ** (of.working.m - 1) <= draws
    eta = _patterns(of.working.m) if every else _random(of.working.m, weights, draws, seed)
    statistics = _all_statistics(of.working, found, residuals, rows, eta)
    as_large = int((statistics >= observed * (1 - _EQUAL)).sum())
    p_value = max(as_large, 1) / statistics.size
    if not every:
        p_value = (1 + as_large) / (1 + statistics.size)
    return WildBootstrap(
        clustered=of,
        names=tuple(of.names[i] for i in rows),
        statistic=observed,
        p_value=p_value,
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


def null_residuals(of: Clustered, rows: Sequence[int], vcov: Correction) -> list[Array]:
    """Return the adjusted residuals of the model without some coefficients, as the parts are."""
    kept = [i for i in range(of.working.p) if i not in set(rows)]
    beta = np.asarray(of.fit.estimate, dtype=float).reshape(-1)
    parts = of.working.parts
    y = [part.e + part.x @ beta for part in parts]
    if not kept:
        return y
    null = of_parts(tuple(p._replace(x=p.x[:, :, kept]) for p in parts), of.working.m, of.working.k)
    xwy = sum(np.einsum("bsp,bst,bt->p", n.x, n.w, v) for n, v in zip(null.parts, y, strict=True))
    at = null.bread @ np.asarray(xwy)
    return [
        np.einsum("bst,bt->bs", adjustments(null, n, vcov), v - n.x @ at)
        for n, v in zip(null.parts, y, strict=True)
    ]


def _all_statistics(
    fit: Working, found: Adjusted, residuals: list[Array], rows: Sequence[int], eta: Array
) -> Array:
    """Return the statistics of n draws, given by multipliers of shape (n, m).

    The residuals of the whole model in draw b are those of ``eta * residuals``, as what the null
    model expects is in the whole model's columns.
    """
    pushed = np.empty((fit.m, fit.p))
    u = np.empty((fit.m, len(rows)))
    for part, g, e in zip(fit.parts, found.g, residuals, strict=True):
        we = np.einsum("bst,bt->bs", part.w, e)
        pushed[part.numbers] = np.einsum("bsp,bs->bp", part.x, we) @ fit.bread
        u[part.numbers] = np.einsum("bsq,bs->bq", g[:, :, rows], e)
    a = found.a[:, :, rows]
    size = max(1, _CELLS // (fit.m * (len(rows) + fit.p)))
    blocks = []
    for start in range(0, len(eta), size):
        some = eta[start : start + size]
        shift = some @ pushed
        each = some[:, :, None] * u - np.einsum("jpq,np->njq", a, shift)
        blocks.append(_statistics(shift[:, rows], each))
    return np.concatenate(blocks)


def _statistics(beta: Array, u: Array) -> Array:
    """Return F of coefficients (n, q) with what each cluster adds to their variance, (n, m, q)."""
    variance = np.einsum("njq,njr->nqr", u, u)
    scale = np.sqrt(np.einsum("nqq->nq", variance))
    unit = scale + (scale == 0)
    inside = variance / (unit[:, :, None] * unit[:, None, :])
    values, vectors = np.linalg.eigh(inside)
    along = np.einsum("nqr,nq->nr", vectors, beta / unit)
    nothing = values <= 1e-12
    parts = np.where(
        nothing, np.where(along == 0, 0.0, np.inf), along**2 / np.where(nothing, 1, values)
    )
    return np.asarray(parts.sum(axis=1) / beta.shape[1])


def _patterns(m: int) -> Array:
    """Return all patterns of signs of m clusters up to a common sign."""
    bits = (np.arange(2 ** (m - 1))[:, None] >> np.arange(m - 1)) & 1
    return np.concatenate([np.ones((len(bits), 1)), 1.0 - 2.0 * bits], axis=1)


def _random(m: int, weights: str, draws: int, seed: int) -> Array:
    values = np.array([1.0, -1.0])
    if weights == "webb":
        half = np.sqrt([0.5, 1.0, 1.5])
        values = np.concatenate([half, -half])
    return np.asarray(np.random.default_rng(seed).choice(values, size=(draws, m)))
