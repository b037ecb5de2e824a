"""Correlated and hierarchical effects: the working model for several effects a study."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from comorbid.checks import check_type, is_text, shown
from comorbid.effects.table import Effects
from comorbid.errors import ModelError, Problem
from comorbid.models.clusters import clusters_of
from comorbid.models.covariance import covariance
from comorbid.models.formula import usable_rows
from comorbid.models.multilevel import multilevel
from comorbid.models.robust import robust
from comorbid.models.robust_result import Robust


def che(
    effects: Effects,
    formula: str = "~ 1",
    *,
    rho: float = 0.6,
    study: str = "study_id",
    method: Literal["REML", "ML"] = "REML",
    level: float = 0.95,
) -> Robust:
    r"""Pool several effects a study with the model of correlated and hierarchical effects (CHE).

    .. math:: y_{ij} = x_{ij}'\beta + u_j + u_{ij} + e_{ij}, \qquad
       \operatorname{cov}(e_{ij}, e_{hj}) = \rho \sqrt{v_{ij} v_{hj}}

    with variances between studies and within them, and one assumed correlation of sampling errors
    in each study. As it need not hold, tests and intervals are those of `robust`: CR2 by study,
    with Satterthwaite's degrees of freedom. The same as `covariance`, `multilevel` and `robust`
    one after the other.

    Parameters
    ----------
    effects : Effects
        All rows, several of one study: ``cb.effects(studies, rows="all")``.
    formula : str
        Moderators, as in `regress`.
    rho : float
        Correlation assumed of the sampling errors of two effects of one study; run it with others
        too, as the estimates depend on it, though often little.
    study : str
        The column of the studies.
    method : {"REML", "ML"}
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    Robust
        Its ``fit`` is the multilevel model, with the variances.

    Raises
    ------
    DataError, ModelError
        As `covariance`, `multilevel` and `robust`.

    References
    ----------
    Pustejovsky JE, Tipton E (2022). Prevention Science 23:425-438.
    doi:10.1007/s11121-021-01246-3

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                      studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> found = che(effects, rho=0.5)
    >>> round(found.estimate.item(), 3), round(found.df.item(), 3)
    (0.55, 3.0)
    """
    check_type("effects", effects, Effects, "give what escalc(), effects() or Effects() returns")
    if not is_text(study):
        raise ModelError(f"study is {shown(study)}; give the name of a column, such as study_id")
    if not is_text(formula):
        raise ModelError(f'formula is {shown(formula)}; give text, such as "~ year"')
    _check_studies(effects, formula, study)
    v = covariance(effects, cluster=study, rho=rho)
    fit = multilevel(
        effects, formula, random=f"{study} / estimate_id", V=v, method=method, level=level
    )
    return replace(robust(fit, cluster=study), assumed={"rho": float(rho)})


def _check_studies(effects: Effects, formula: str, study: str) -> None:
    """Raise `ModelError` unless there are several studies, one of them with several effects."""
    clusters = clusters_of(effects, study, name="study")
    of = clusters.of[usable_rows(effects, formula)[0]]
    sizes = np.bincount(of)
    if np.count_nonzero(sizes) == 1:
        raise ModelError(
            [
                Problem(
                    f"study={study!r}: all effects are of one study, {clusters.names[of[0]]}",
                    "its own variance cannot be told apart from the mean; give the column of the "
                    "studies",
                )
            ]
        )
    if sizes.max() == 1:
        raise ModelError(
            [
                Problem(
                    f"study={study!r}: every study has one effect, so that none are correlated",
                    "give the column of the studies, and all rows (effects(studies, rows='all')); "
                    "of one row a study, robust(pool(effects)), or of regress(), is the same model",
                )
            ]
        )
