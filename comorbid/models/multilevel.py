"""Multilevel and multivariate models: several effects of one study, pooled as what they are."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from comorbid.checks import check_choice, check_type, is_text, shown
from comorbid.effects.arrays import Array, Index, read_only
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning, ModelError, Problem
from comorbid.models.clusters import columns_of
from comorbid.models.containment import freedom
from comorbid.models.covariance_result import Covariance
from comorbid.models.design_matrix import INTERCEPT, Design, check_columns, check_size
from comorbid.models.formula import make_design, usable_rows
from comorbid.models.likelihood import criteria
from comorbid.models.mixed_model import MixedModel, common_mean, mixed_model
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.nesting import redundant
from comorbid.models.profiled import Likelihood
from comorbid.models.random_terms import Random, absorbed, random_terms, sparse_notes
from comorbid.models.sampling_covariance import check_covariance
from comorbid.models.settings import check_level
from comorbid.models.student import t_quantile, t_tail
from comorbid.models.variance_components import (
    Component,
    components_of,
    meaningless,
    singular_notes,
)
from comorbid.models.variance_maximum import Maximum, Search, find_maximum, undetermined
from comorbid.models.variance_search import Surface

if TYPE_CHECKING:
    from comorbid.models.containment import Dfs
    from comorbid.models.structures import Struct

_MEAN = ("~ 1", "~1", "1")
_RANGE = 1e100


def multilevel(
    effects: Effects,
    formula: str = "~ 1",
    *,
    random: str | Sequence[str] = "study_id / estimate_id",
    struct: Struct | Sequence[Struct] | None = None,
    V: Covariance | ArrayLike | None = None,  # noqa: N803, as in metafor and the formulas
    method: Likelihood = "REML",
    test: str = "z",
    dfs: Dfs = "residual",
    level: float = 0.95,
) -> Multilevel:
    r"""Fit a multilevel or multivariate meta-analysis, or meta-regression, of dependent effects.

    .. math:: y = X\beta + \sum_j Z_j u_j + e, \qquad u_j \sim N(0, I \otimes G_j), \quad
       e \sim N(0, V)

    With nested random intercepts (three-level model), effect i of study j is
    :math:`y_{ij} = \mu + u_j + u_{ij} + e_{ij}`, with the variances ``sigma2`` of the levels. A
    term ``outcome | study_id`` has one effect for each outcome of a study, with covariances G.
    Coefficients are those of generalised least squares, :math:`\hat\beta = (X'WX)^{-1}X'Wy` and
    :math:`\operatorname{cov}\hat\beta = (X'WX)^{-1}`, with the inverse W of the effects' marginal
    covariance matrix M. Variances and correlations are at the highest of the maxima that climbs
    from several starts end at; `Multilevel.search` says how many agreed, how flat it is there, and
    what is at the end of its range.

    Parameters
    ----------
    effects : Effects
        All rows, several of one study: ``cb.effects(studies, rows="all")``, or
        ``Effects(..., studies=...)``. Rows without an effect, or without a value of a moderator
        that the formula uses, are left out with a warning.
    formula : str
        Moderators, as in `regress`; ``"~ 0 + outcome"`` gives each outcome its own mean.
    random : str or sequence of str
        ``"a / b"``: random intercepts of the groups of a, and of b within a. A list of terms
        crosses them: ``["study_id", "region"]``. ``"inner | outer"``: an effect for each level of
        inner in each group of outer, with covariances ``struct``. Columns are ``study_id``,
        ``estimate_id``, ``label`` and the moderators of ``effects``.
    struct : {"CS", "HCS", "UN", "DIAG", "AR"} or sequence of these, optional
        Of the terms ``inner | outer``, at most two: one variance and one correlation, the default;
        a variance for each level and one correlation; all variances and correlations; variances
        alone; one variance, and a correlation to the power of the distance of two levels in sorted
        order.
    V : Covariance or array_like of shape (rows, rows), optional
        Sampling covariances of all rows of ``effects``: what `covariance` returns, or a matrix with
        their variances on the diagonal; by default the effects' errors are independent.
    method : {"REML", "ML"}
    test : {"z", "t"}
        Standard normal; t, and F for several coefficients, with ``dfs``.
    dfs : {"residual", "contain"}
        k - p; the number of groups within which a coefficient's column does not vary, less p.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    Multilevel
        With ``random="study_id"`` and one row a study, the same as ``pool(method="REML")``.

    Raises
    ------
    DataError
        If ``effects`` are none, no row is left, a row has no label of a group, or V is not
        symmetric, positive definite and in keeping with the effects' variances.
    ModelError
        If a setting is none of those allowed, a term or the formula cannot be read, or the groups
        cannot tell a variance or correlation apart from another or from the coefficients.

    Warns
    -----
    DataWarning
        Names the rows left out.

    Notes
    -----
    Nested intercepts, with errors that depend on each other at most within the finest groups of
    several rows, need group sums only, in time proportional to the number of effects; other
    models the matrices of their independent blocks. Terms that are crossed with these, as
    ``["study_id", "region"]``, add a matrix of the size of the fewer of their groups (Henderson).
    A block may have 3,000 rows, and crossed terms 3,000 groups, or groups times levels.

    References
    ----------
    Konstantopoulos S (2011). Research Synthesis Methods 2:61-76. doi:10.1002/jrsm.35
    Van den Noortgate W, Lopez-Lopez JA, Marin-Martinez F, Sanchez-Meca J (2013). Behavior Research
    Methods 45:576-594. doi:10.3758/s13428-012-0261-6
    Assink M, Wibbelink CJM (2016). The Quantitative Methods for Psychology 12:154-174.
    doi:10.20982/tqmp.12.3.p154
    Berkey CS, Hoaglin DC, Antczak-Bouckoms A, Mosteller F, Colditz GA (1998). Statistics in
    Medicine 17:2537-2550. doi:10.1002/(SICI)1097-0258(19981130)17:22<2537::AID-SIM953>3.0.CO;2-C
    Jackson D, Riley R, White IR (2011). Statistics in Medicine 30:2481-2498. doi:10.1002/sim.4172
    Henderson CR (1975). Biometrics 31:423-447. doi:10.2307/2529430
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                      studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> fit = cb.multilevel(effects)
    >>> [component.name for component in fit.components]
    ['study_id', 'study_id/estimate_id']
    >>> fit.sigma2.round(4).tolist()
    [0.1121, 0.0125]
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    _check_settings(formula, method, test, dfs, level)
    rows, left_out = _usable(effects, formula)
    for note in left_out:
        warnings.warn(note, DataWarning, stacklevel=2)
    v = effects.vi[rows] if V is None else check_covariance(V, effects, rows)
    used = effects if rows.size == effects.k else effects.take(rows)
    _check_range(used)
    if used.k == 1:
        raise ModelError(
            f"{used.labels[0]} is the only effect: nothing is pooled, and no variance can be "
            "estimated; pool() gives it with its own interval"
        )
    terms = random_terms(random, struct, columns_of(used), used.labels)
    design = _design(formula, used)
    given = (random,) if isinstance(random, str) else tuple(random)
    settings = {"method": method, "test": test, "dfs": dfs, "level": level, "random": given}
    return fit_model(used, design, v, terms, settings, notes=(*used.warnings, *left_out))


def fit_model(
    effects: Effects,
    design: Design,
    v: Covariance | Array,
    terms: tuple[Random, ...],
    settings: Mapping[str, Any],
    *,
    notes: tuple[str, ...],
) -> Multilevel:
    """Fit a model that has been read to the rows that it is of.

    Parameters
    ----------
    effects : Effects
        Those used.
    design : Design
    v : Covariance or array of shape (k,)
    terms : tuple of Random
    settings : mapping
        ``method``, ``test``, ``dfs``, ``level`` and the terms as given, ``random``.
    notes : tuple of str
        What the result warns of before all else.

    Raises
    ------
    ModelError
        If the rows cannot tell variances or coefficients apart.
    """
    check_size(design, estimated=True)
    check_columns(design)
    if problems := [*absorbed(design.x, terms), *redundant(terms)]:
        raise ModelError(problems)
    model = mixed_model(effects.yi, design.x, v, terms, settings["method"])
    surface = model.surface()
    maximum = find_maximum(surface, model.typical)
    return _fitted(effects, design, model, surface, maximum, settings, notes)


def _check_settings(formula: object, method: str, test: str, dfs: str, level: float) -> None:
    if not is_text(formula):
        raise ModelError(f'formula is {shown(formula)}; give text, such as "~ year"')
    check_choice("method", method, ("REML", "ML"))
    check_choice("test", test, ("z", "t"))
    check_choice("dfs", dfs, ("residual", "contain"))
    check_level(level)


def _usable(effects: Effects, formula: str) -> tuple[Index, list[str]]:
    """Return the rows that have all that a formula needs; a mean alone needs no table."""
    known = ~(np.isnan(effects.yi) | np.isnan(effects.vi))
    if formula.strip() in _MEAN and known.all() and effects.k:
        return np.arange(effects.k), []
    return usable_rows(effects, formula)


def _design(formula: str, effects: Effects) -> Design:
    if formula.strip() not in _MEAN:
        return make_design(formula, effects.to_frame())
    x = read_only(np.ones((effects.k, 1)))
    return Design(formula, (INTERCEPT,), {INTERCEPT: (0,)}, x, (), frozenset(), None)


def _check_range(effects: Effects) -> None:
    """Raise `DataError` if squares and products of effects and weights could overflow."""
    extreme = (effects.vi < 1 / _RANGE) | (effects.vi > _RANGE) | (np.abs(effects.yi) > _RANGE)
    if extreme.any():
        remedy = "check it for a typing error"
        raise DataError(
            [
                Problem(
                    f"{effects.labels[i]}: effect {effects.yi[i]:g} with variance "
                    f"{effects.vi[i]:g} is too large or too small to compute with",
                    remedy,
                )
                for i in np.flatnonzero(extreme)
            ]
        )


def _fitted(
    effects: Effects,
    design: Design,
    model: MixedModel,
    surface: Surface,
    maximum: Maximum,
    settings: Mapping[str, Any],
    notes: tuple[str, ...],
) -> Multilevel:
    theta = maximum.theta
    found = surface.engine.profile(surface.matrices(theta[None]))
    estimate, vcov = model.estimates(found)
    components = components_of(model.terms, theta, model.unit)
    _check_determined(model, surface, maximum, components)
    df = np.full(len(design.names), math.inf)
    if settings["test"] == "t":
        df = freedom(settings["dfs"], design.x, model.terms)
    se = np.sqrt(np.diagonal(vcov))
    statistic = estimate / se
    half = t_quantile(df, (1 + settings["level"]) / 2) * se
    log_likelihood = maximum.height + model.constant
    n = model.k - model.p if model.method == "REML" else model.k
    qe = common_mean(model)[0]
    return Multilevel(
        effects=effects,
        design=design,
        estimate=read_only(estimate),
        se=read_only(se),
        statistic=read_only(statistic),
        p_value=read_only(2 * t_tail(df, np.abs(statistic))),
        ci_low=read_only(estimate - half),
        ci_high=read_only(estimate + half),
        df=read_only(df),
        vcov=read_only(vcov),
        components=components,
        fit_statistics=criteria(
            log_likelihood, -2 * log_likelihood, max(n, 1), model.p + len(components)
        ),
        qe=qe,
        qe_p=float(special.chdtrc(model.k - model.p, qe)),
        **_omnibus(estimate, vcov, df, design.tested),
        search=Search(
            maximum.starts,
            maximum.agreed,
            maximum.lower,
            maximum.gradient,
            tuple(c.name for c in components if c.on_boundary),
        ),
        warnings=(
            *notes,
            *sparse_notes(model.terms),
            *_boundary_notes(components),
            *singular_notes(model.terms, theta),
        ),
        model=model,
        theta=read_only(theta),
        **settings,
    )


def _check_determined(
    model: MixedModel, surface: Surface, maximum: Maximum, components: Sequence[Component]
) -> None:
    nothing = meaningless(model.terms, maximum.theta, maximum.on_fold)
    if flat := undetermined(surface, maximum, nothing):
        names = ", ".join(components[i].name for i in flat)
        raise ModelError(
            f"the effects do not determine {names}: the likelihood is the same along a line of "
            "values; leave a random term out, or give it a simpler struct"
        )


def _omnibus(estimate: Array, vcov: Array, df: Array, tested: tuple[int, ...]) -> dict[str, Any]:
    """Return the test of all coefficients but the intercept."""
    some = list(tested)
    if len(some) == 1:
        chi2 = float(estimate[some[0]] ** 2 / vcov[some[0], some[0]])
    else:
        chi2 = float(estimate[some] @ np.linalg.solve(vcov[np.ix_(some, some)], estimate[some]))
    rest = float(df[some].min())
    if math.isinf(rest):
        return {"qm": chi2, "qm_df": len(some), "qm_p": float(special.chdtrc(len(some), chi2))}
    f = chi2 / len(some)
    return {"qm": f, "qm_df": len(some), "qm_p": float(special.fdtrc(len(some), rest, f))}


def _boundary_notes(components: Sequence[Component]) -> tuple[str, ...]:
    return tuple(
        f"{c.name} is {c.value:g}, at the end of its range: the data show no more "
        + ("spread than chance at this level" if c.kind == "variance" else "of it than that")
        for c in components
        if c.on_boundary
    )
