"""Without overrides: what the pool would be had a decision about an estimate not been made."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from comorbid.checks import check_type
from comorbid.effects.build import effects
from comorbid.effects.formula import Measure
from comorbid.effects.overrides import Override
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning
from comorbid.models.fit import Fit
from comorbid.models.kernel import fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.refits import Refits
from comorbid.studies.table import Studies

ALL = "all decisions"


def without_overrides(
    fit: Fit,
    *,
    studies: Studies,
    overrides: Sequence[Override],
    measure: Measure | None = None,
) -> Refits:
    r"""Refit without each override in turn and, if there are several, without all of them.

    Parameters
    ----------
    fit : Fit
        The main pool of these studies.
    studies : Studies
        All rows.
    overrides : sequence of Override
        The decisions that the pool rests on.
    measure : Measure, optional
        That of the fit, if it is none of comorbid's own.

    Returns
    -------
    Refits
        One row an override, labelled by its row and use. Where the effects cannot be computed
        without a decision, the row is nan and says why.

    Raises
    ------
    DataError
        If an argument is of another type.

    Examples
    --------
    >>> import comorbid as cb
    >>> studies = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    >>> fit = cb.pool(cb.effects(studies, overrides=[counts]))
    >>> found = without_overrides(fit, studies=studies, overrides=[counts])
    >>> found.to_frame()["estimate"].round(3).to_dict()
    {'Swain 2014 (counts)': 0.824}
    """
    check_fit(fit)
    check_type("studies", studies, Studies, "give the table that the effects come from")
    names = dict(zip(studies.frame["estimate_id"], studies.frame["label"], strict=True))
    labels = [f"{names[o.estimate]} ({o.use})" for o in overrides]
    kept = [[other for other in overrides if other is not own] for own in overrides]
    if len(overrides) > 1:
        labels.append(ALL)
        kept.append([])
    versions, reasons = [], []
    chosen = fit.effects.measure if measure is None else measure
    for rest in kept:
        try:
            versions.append(_quietly(studies, chosen, rest))
            reasons.append("")
        except DataError as error:
            versions.append(fit.effects.take(np.empty(0, dtype=np.intp)))
            reasons.append("; ".join(problem.message for problem in error.problems))
    ids = tuple(dict.fromkeys(id_ for version in (fit.effects, *versions) for id_ in version.ids))
    yi, vi = _beside_each_other(ids, versions)
    return Refits(
        kind="without-overrides",
        labels=tuple(labels),
        batch=fit_batch(yi, vi, estimator=fit.estimator, test=fit.test, level=fit.level),
        reasons=tuple(reasons),
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=ids,
        warnings=fit.warnings,
    )


def _quietly(studies: Studies, measure: str | Measure, overrides: Sequence[Override]) -> Effects:
    """Return the effects; a row without one is left out of the refit, as `pool` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return effects(studies, measure=measure, overrides=overrides)


def _beside_each_other(
    ids: Sequence[str], versions: Sequence[Effects]
) -> tuple[np.ndarray, np.ndarray]:
    """Return effects and variances of shape (ids, versions); inf where one lacks an estimate."""
    place = {id_: i for i, id_ in enumerate(ids)}
    yi = np.zeros((len(ids), len(versions)))
    vi = np.full((len(ids), len(versions)), np.inf)
    for column, version in enumerate(versions):
        usable = np.isfinite(version.yi) & np.isfinite(version.vi)
        rows = [place[id_] for id_ in np.array(version.ids)[usable]]
        yi[rows, column], vi[rows, column] = version.yi[usable], version.vi[usable]
    return yi, vi
