"""Other rows: what the pool becomes when a study enters with another of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comorbid.checks import check_type
from comorbid.effects.build import effects
from comorbid.effects.formula import Measure
from comorbid.effects.overrides import Override
from comorbid.errors import DataError
from comorbid.models.fit import Fit
from comorbid.models.kernel import fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.refits import Refits
from comorbid.studies.table import Studies


def other_rows(
    fit: Fit,
    *,
    studies: Studies,
    overrides: Sequence[Override] = (),
    measure: Measure | None = None,
) -> Refits:
    r"""Refit with each row that is not pooled in place of the pooled row of its study.

    With the pooled rows :math:`(y_i, v_i)` and another row :math:`(y', v')` of study i, the refit
    is that of :math:`\{(y_j, v_j) : j \ne i\} \cup \{(y', v')\}`.

    Parameters
    ----------
    fit : Fit
        The main pool of these studies, one row a study.
    studies : Studies
        All rows, pooled or not.
    overrides : sequence of Override
        The decisions that the pool rests on.
    measure : Measure, optional
        That of the fit, if it is none of comorbid's own.

    Returns
    -------
    Refits
        One row for each row of a pooled study that is not in the pool and gives an effect,
        labelled by it.

    Raises
    ------
    DataError
        If the fit holds two rows of one study, or an argument is of another type.

    References
    ----------
    Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W (2016). Perspectives on Psychological Science
    11:702-712. doi:10.1177/1745691616658637

    Examples
    --------
    >>> import comorbid as cb
    >>> studies = cb.datasets.headache_back_pain()
    >>> refits = other_rows(cb.pool(cb.effects(studies)), studies=studies)
    >>> refits.labels[:2]
    ('Ashina 2018 (2)', 'Ashina 2018 (3)')
    """
    check_fit(fit)
    check_type("studies", studies, Studies, "give the table that the effects come from")
    pooled = fit.effects
    if len(set(pooled.studies)) < pooled.k:
        raise DataError("the fit holds several rows of one study; pool one row a study")
    chosen = pooled.measure if measure is None else measure
    every = effects(studies, measure=chosen, rows="all", overrides=overrides)
    position = {study: i for i, study in enumerate(pooled.studies)}
    others = [
        i
        for i, (id_, study) in enumerate(zip(every.ids, every.studies, strict=True))
        if id_ not in pooled.ids and study in position and np.isfinite(every.yi[i] + every.vi[i])
    ]
    yi = np.repeat(pooled.yi[:, None], len(others), axis=1)
    vi = np.repeat(pooled.vi[:, None], len(others), axis=1)
    place = [position[every.studies[i]] for i in others]
    yi[place, range(len(others))] = every.yi[others]
    vi[place, range(len(others))] = every.vi[others]
    return Refits(
        kind="other-rows",
        labels=tuple(every.labels[i] for i in others),
        batch=fit_batch(
            yi,
            vi,
            estimator=fit.estimator,
            test=fit.test,
            level=fit.level,
            weights=fit.arrays[2],
        ),
        reasons=("",) * len(others),
        measure=pooled.measure,
        scale=pooled.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=(*pooled.ids, *(every.ids[i] for i in others)),
        warnings=fit.warnings,
    )
