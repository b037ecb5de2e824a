"""Selections: refits of parts of the same effects, all in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comorbid.effects.arrays import Mask
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits


def refit(fit: Fit, kind: str, labels: Sequence[str], members: Mask) -> Refits:
    """Refit each selection of a fit's studies by the fit's own method, test and level.

    Parameters
    ----------
    fit : Fit
        Where effects and settings come from.
    kind : str
        What the selections are.
    labels : sequence of n str
        One a selection.
    members : boolean array of shape (k, n)
        Which studies belong to each selection.

    Returns
    -------
    Refits
        A selection of one study or none, or of studies without weight, keeps its row, with the
        reason.
    """
    effects = fit.effects
    batch = fit.refit(members)
    return Refits(
        kind=kind,
        labels=tuple(labels),
        batch=batch,
        reasons=tuple(map(_reason, batch.k.tolist(), np.isnan(batch.estimate).tolist())),
        measure=effects.measure,
        scale=effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=effects.ids,
        warnings=fit.warnings,
    )


def _reason(k: int, nothing: bool) -> str:
    """Say why a row is incomplete, or nothing."""
    if k == 0:
        return "no study is left"
    if nothing:
        return "the weights of its studies give no estimate"
    return "one study is left: nothing is pooled" if k == 1 else ""
