"""Versions: the pool under every choice of effects or variances that the data leave open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import numbers
from comorbid.effects.arrays import Mask
from comorbid.effects.table import Effects
from comorbid.errors import DataError, Problem
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import Test, fit_batch
from comorbid.models.refits import Refits
from comorbid.models.settings import check_settings, find_estimator


def pool_versions(
    yi: ArrayLike,
    *,
    vi: ArrayLike,
    labels: Sequence[str],
    measure: str = "GEN",
    scale: str = "",
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
) -> Refits:
    """Pool several versions of the same studies at once.

    For what the data do not settle: a variance that depends on an unknown correlation, one of
    several rows of a study, an assumed dose. Each version is pooled as `pool` does.

    Parameters
    ----------
    yi, vi : array_like of shape (k, n)
        Effects and sampling variances of k studies in n versions, analysis scale.
    labels : sequence of n str
        What each version is.
    measure, scale : str
        As in `Effects`.
    method, test, level
        As in `pool`.

    Returns
    -------
    Refits
        One row a version. With one study each row is that study, not pooled.

    Raises
    ------
    DataError
        If the shapes differ, there is no study, or a value is not finite or a variance not
        positive; all versions at once.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W (2016). Perspectives on Psychological Science
    11:702-712. doi:10.1177/1745691616658637

    Examples
    --------
    >>> import comorbid as cb
    >>> versions = cb.pool_versions([[0.5, 0.5], [0.9, 0.9]], vi=[[0.04, 0.02], [0.06, 0.03]],
    ...                             labels=["no covariance", "largest covariance"], method="EE")
    >>> versions.to_frame()["estimate"].round(2).tolist()
    [0.66, 0.66]
    """
    check_settings(test, level)
    estimator = find_estimator(method)
    y, v = numbers("yi", yi), numbers("vi", vi)
    if y.ndim != 2 or y.shape != v.shape or y.shape[1] != len(labels) or not y.size:
        raise DataError(
            f"yi has shape {y.shape}, vi {v.shape}, and there are {len(labels)} labels; give one "
            "row a study and one column a version"
        )
    good: Mask = np.asarray((np.isfinite(y) & np.isfinite(v) & (v > 0)).all(axis=0))
    bad = [label for label, usable in zip(labels, good, strict=True) if not usable]
    if bad:
        remedy = "give finite effects and positive, finite variances"
        raise DataError([Problem(f"version {label!r} cannot be pooled", remedy) for label in bad])
    one = "one study: nothing is pooled" if len(y) == 1 else ""
    return Refits(
        kind="versions",
        labels=tuple(labels),
        batch=fit_batch(y, v, estimator=estimator, test=test, level=level),
        reasons=(one,) * len(labels),
        measure=measure,
        scale=Effects(yi=y[:, 0], vi=v[:, 0], measure=measure, scale=scale).scale,
        method=estimator.id,
        test=test,
        level=level,
    )
