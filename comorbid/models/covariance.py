"""Sampling covariance of dependent effects: assumed, from a shared group, or from shared people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_type, is_number, numbers, shown
from comorbid.effects.arrays import Array
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError
from comorbid.models.clusters import Clusters, clusters_of, column
from comorbid.models.covariance_result import Covariance, of_correlations
from comorbid.models.shared_groups import by_control, by_overlap, by_reference

Given = Any
"""The name of a column of the effects, or one value an effect."""


def covariance(
    effects: Effects,
    *,
    cluster: Given = "study_id",
    rho: float | None = None,
    type: Given = None,  # noqa: A002, as in vcalc
    rho_type: float | Mapping[tuple[str, str], float] | None = None,
    time: Given = None,
    phi: float | None = None,
    control: Mapping[str, Given] | None = None,
    reference: Mapping[str, Given] | None = None,
    overlap: ArrayLike | Mapping[str, ArrayLike] | None = None,
) -> Covariance:
    r"""Return the sampling covariance V of dependent effects.

    The variances are those of the effects. Exactly one of the following says how they depend.

    An assumed correlation (``rho``, ``phi``), as `vcalc` of metafor. Within a cluster

    .. math:: V_{ij} = \rho \, \varphi^{|t_i - t_j|} \sqrt{v_i v_j}

    where :math:`\rho` is ``rho`` for two effects of the same type and ``rho_type`` for others, and
    the part of time, with the autocorrelation ``phi``, is there only if ``time`` is given.

    A shared control group (``control``), of Gleser and Olkin. The covariance is the variance of
    the control group's part: of log odds ratios :math:`1/c + 1/d`, of log risk ratios
    :math:`1/c - 1/n_2`, of risk differences :math:`cd/n_2^3`, of log rate ratios :math:`1/x_2`,
    of mean differences :math:`s_2^2/n_2`, of log ratios of means :math:`s_2^2/(n_2 m_2^2)`, and
    of standardised mean differences :math:`1/n_2 + d_i d_j/(2N)` with N people in all groups of
    the cluster.

    A shared reference group of adjusted ratios (``reference``), of Greenland and Longnecker: the
    cell counts are sought that give the adjusted ratios and keep the people at each level and
    the cases in all. With their variances :math:`s_x^2` of level x's own log odds,

    .. math:: V_{xz} = \frac{s_0^2}{\sqrt{(s_x^2 + s_0^2)(s_z^2 + s_0^2)}} \sqrt{v_x v_z}

    Shared people (``overlap``): :math:`V_{ij} = n_{ij} \sqrt{v_i v_j / (n_i n_j)}` with
    :math:`n_{ij}` people in both; of case-control studies, with cases 1 and controls 0,

    .. math:: r_{ij} = \left(n_{ij0} \sqrt{\frac{n_{i1} n_{j1}}{n_{i0} n_{j0}}} +
       n_{ij1} \sqrt{\frac{n_{i0} n_{j0}}{n_{i1} n_{j1}}}\right) / \sqrt{n_i n_j}

    Parameters
    ----------
    effects : Effects
        k rows, several of one study.
    cluster : str or sequence of k
        A column, or one value an effect; effects of different clusters are independent.
    rho : float, optional
        Between -1 / (m - 1) and 1, for clusters of up to m effects.
    type : str or sequence of k, optional
        What an effect is of, such as an outcome; with ``time`` and ``rho=1`` the same at several
        times.
    rho_type : float or mapping of pairs of types to float, optional
        With ``type``: the correlation of two effects of different types; one for all, or one for
        each pair, as ``{("pain", "sleep"): 0.5, ...}``.
    time : str or sequence of k, optional
        When it was measured, as a number.
    phi : float, optional
        With ``time``: the correlation of two effects one unit of time apart, from 0 to 1; alone
        or beside ``rho``.
    control : mapping of str to column or values, optional
        Of the control group of each row: ``ci, di`` for OR, RR and RD (events, and people
        without), ``x2i`` for IRR, ``sd2i, n2i`` for MD, ``m2i, sd2i, n2i`` for ROM, ``n1i, n2i``
        for SMD; or for any measure ``variance``, on the analysis scale.
    reference : mapping of str to column or values, optional
        For OR and RR cases and others at the row's level (``ai, bi``) and at the reference level
        (``ci, di``), for IRR cases and person-time (``x1i, t1i, x2i, t2i``).
    overlap : array_like of shape (k, k), or mapping, optional
        Numbers of people whom two effects share, with those of each effect on the diagonal; for
        case-control studies a dict of two, ``cases`` and ``controls``. Uses no ``cluster``.

    Returns
    -------
    Covariance

    Raises
    ------
    DataError
        If a cluster is missing, numbers are missing, negative or contradict each other, effects of
        a cluster have different control groups, or V is not positive definite; with the rows.
    ModelError
        If none or several ways are given, or a correlation is out of its range.

    References
    ----------
    Gleser LJ, Olkin I (2009). Stochastically dependent effect sizes. In: The Handbook of Research
    Synthesis and Meta-Analysis, 2nd edition, 357-376.
    Greenland S, Longnecker MP (1992). American Journal of Epidemiology 135:1301-1309.
    doi:10.1093/oxfordjournals.aje.a116237
    Orsini N, Bellocco R, Greenland S (2006). Stata Journal 6:40-57.
    doi:10.1177/1536867X0600600103
    Lin DY, Sullivan PF (2009). American Journal of Human Genetics 85:862-872.
    doi:10.1016/j.ajhg.2009.11.001
    Bom PRD, Rachinger H (2020). Research Synthesis Methods 11:812-832. doi:10.1002/jrsm.1441

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6], vi=[0.04, 0.01, 0.02], studies=["A", "A", "B"])
    >>> covariance(effects, rho=0.5).matrix[0].round(9).tolist()
    [0.04, 0.01, 0.0]
    >>> shared = covariance(effects, overlap=[[90, 30, 0], [30, 40, 0], [0, 0, 70]])
    >>> shared.matrix[0].round(9).tolist()
    [0.04, 0.01, 0.0]
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    ways = {"control": control, "reference": reference, "overlap": overlap}
    way = _one_way(rho is not None or phi is not None, ways)
    if way != "rho" and any(x is not None for x in (type, rho_type, time)):
        raise ModelError(f"type, rho_type and time belong to rho or phi, and {way} is given")
    if way == "overlap":
        return of_correlations(effects, by_overlap(effects, overlap), how="people in common")
    clusters = clusters_of(effects, cluster)
    if way == "control":
        parts = by_control(effects, clusters, control)
        return of_correlations(effects, parts, how="a control group in common")
    if way == "reference":
        parts = by_reference(effects, clusters, reference)
        return of_correlations(effects, parts, how="a reference group in common")
    return _assumed(effects, clusters, rho, type, rho_type, time, phi)


def _one_way(assumed: bool, ways: Mapping[str, object]) -> str:
    given = ["rho"] * assumed + [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        what = "nothing says" if not given else f"{' and '.join(given)} both say"
        raise ModelError(
            f"{what} how the effects depend; give one of rho (or phi), {', '.join(ways)}"
        )
    return given[0]


def _assumed(
    effects: Effects,
    clusters: Clusters,
    rho: float | None,
    kinds: Given,
    rho_type: float | Mapping[tuple[str, str], float] | None,
    time: Given,
    phi: float | None,
) -> Covariance:
    """Return the covariances under assumed correlations."""
    for one, other, pair in ((kinds, rho_type, "type and rho_type"), (time, phi, "time and phi")):
        if (one is None) != (other is None):
            raise ModelError(f"{pair} go together; give both or none")
    if kinds is not None and rho is None:
        raise ModelError("rho_type needs rho, the correlation of effects of the same type")
    assumed = {
        name: _correlation(name, value, 0.0 if name == "phi" else -1.0)
        for name, value in (("rho", rho), *_by_pair(rho_type), ("phi", phi))
        if value is not None
    }
    if kinds is None and time is None:
        check_rho(assumed["rho"], clusters)
    types = None if kinds is None else clusters_of(effects, kinds, name="type")
    between = None if types is None else _between(types, clusters, rho_type, assumed["rho"])
    at = None if time is None else _times(effects, time)
    parts = []
    for rows in clusters.rows():
        same = np.full((rows.size, rows.size), assumed.get("rho", 1.0))
        if types is not None and between is not None:
            same = between[np.ix_(types.of[rows], types.of[rows])]
        if at is not None:
            same *= assumed["phi"] ** np.abs(at[rows][:, None] - at[rows])
        np.fill_diagonal(same, 1.0)
        parts.append((rows, same))
    listed = ", ".join(f"{name} = {value:g}" for name, value in assumed.items())
    return of_correlations(effects, parts, how=f"assumed, {listed}", assumed=assumed)


def _by_pair(rho_type: object) -> list[tuple[str, object]]:
    """Return the correlations between types with their names, one or one a pair."""
    if not isinstance(rho_type, Mapping):
        return [("rho_type", rho_type)]
    bad = [pair for pair in rho_type if not (isinstance(pair, tuple) and len(pair) == 2)]
    if bad or not rho_type:
        raise ModelError(
            f"rho_type has {shown(bad[0]) if bad else 'nothing'}; give pairs of types, such as "
            '{("pain", "sleep"): 0.5}'
        )
    return [(f"rho_type({one}, {other})", value) for (one, other), value in rho_type.items()]


def _between(types: Clusters, clusters: Clusters, rho_type: object, rho: float) -> Array:
    """Return the correlations of effects by their types, of shape (types, types)."""
    n = len(types.names)
    if not isinstance(rho_type, Mapping):
        found = np.full((n, n), rho_type, dtype=float)
    else:
        found, place = np.full((n, n), np.nan), {name: i for i, name in enumerate(types.names)}
        for (one, other), value in rho_type.items():
            if not {str(one), str(other)} <= set(place) or str(one) == str(other):
                raise ModelError(
                    f"rho_type names {one!r} and {other!r}; the types are {', '.join(types.names)}"
                )
            i, j = place[str(one)], place[str(other)]
            if not (np.isnan(found[i, j]) or found[i, j] == value):
                raise ModelError(f"rho_type has two correlations of {one} and {other}; give one")
            found[i, j] = found[j, i] = float(value)
    np.fill_diagonal(found, rho)
    for rows in clusters.rows():
        lacking = np.argwhere(np.isnan(found[np.ix_(types.of[rows], types.of[rows])]))
        if lacking.size:
            one, other = (types.names[types.of[rows[i]]] for i in lacking[0])
            raise ModelError(f"rho_type has no correlation of {one} and {other}; give one")
    return found


def check_rho(rho: float, clusters: Clusters) -> None:
    """Raise `ModelError` unless one correlation for all effects of a cluster is possible."""
    size = int(clusters.sizes.max(initial=1))
    lowest = -1 / (size - 1) if size > 1 else -1.0
    if not lowest < rho < 1:
        largest = clusters.names[int(np.argmax(clusters.sizes))]
        raise ModelError(
            f"rho is {rho:g}; the largest cluster ({largest}) has {size} effects, whose common "
            f"correlation lies between {lowest:.4g} and 1, both excluded"
        )


def _correlation(name: str, value: object, lowest: float) -> float:
    if not (is_number(value) and lowest <= value <= 1):
        raise ModelError(f"{name} is {shown(value)}; give a number from {lowest:g} to 1")
    return float(value)


def _times(effects: Effects, given: Given) -> Array:
    found = numbers("time", column("time", given, effects))
    if not np.isfinite(found).all():
        missing = ", ".join(effects.labels[i] for i in np.flatnonzero(~np.isfinite(found)))
        raise DataError(f"time is missing for {missing}; give each effect its time")
    return found
