"""Fits of selections of the same studies, of which most steps are products of matrices."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TypeVar

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models import equations, moments
from comorbid.models.estimators import Estimator
from comorbid.models.fits import DesignFits, Outlines
from comorbid.models.inference import infer, relative_heterogeneity
from comorbid.models.kernel import fit_designs
from comorbid.models.likelihood import Kind
from comorbid.models.projection import Projection
from comorbid.models.shared_maxima import single_maximum
from comorbid.models.shared_studies import Selections, SharedStudies
from comorbid.models.solved import Solved
from comorbid.models.student import Test

Fits = TypeVar("Fits", DesignFits, Outlines)
# Studies times selections of one block, whose arrays stay in the processor's cache.
_CELLS = 2**15
# Variances outside are fitted in other units; a longer ladder costs more than it saves.
_RANGE, _NODES = 1e60, 64
_LIKELIHOODS: dict[object, Kind] = {
    equations.maximum_likelihood: "ML",
    equations.restricted_maximum_likelihood: "REML",
}
_OTHERS: dict[object, Callable[[Projection], Array]] = {
    estimate: estimate
    for estimate in (
        moments.none,
        moments.dersimonian_laird,
        moments.hedges,
        moments.hunter_schmidt,
        moments.hunter_schmidt_small,
        moments.sidik_jonkman,
        equations.paule_mandel,
        equations.paule_mandel_median,
    )
}


def fit_selections(
    yi: Array, vi: Array, member: Mask, *, estimator: Estimator, test: Test, level: float
) -> DesignFits:
    """Fit a mean to n selections of k studies.

    The result is that of `comorbid.models.kernel.fit_designs` to within rounding, and it is that
    function which fits selections that lose digits here, or whose likelihood may have two maxima.

    Parameters
    ----------
    yi, vi : arrays of shape (k,)
        Effects and variances.
    member : boolean array of shape (k, n)
        Which studies belong to each selection.
    estimator, test, level
        As in `comorbid.models.kernel.fit_designs`.
    """

    def by_kernel(part: Mask) -> DesignFits:
        return fit_designs(
            np.where(part, yi[:, None], 0.0),
            np.where(part, vi[:, None], np.inf),
            None,
            estimator=estimator,
            test=test,
            level=level,
        )

    def finish(data: Selections, solved: Solved) -> DesignFits:
        return infer(data, solved, equal=estimator.id == "EE", test=test, level=level)

    return _fitted(yi, vi, member, estimator, finish, by_kernel, DesignFits)


def outline_selections(yi: Array, vi: Array, member: Mask, *, estimator: Estimator) -> Outlines:
    """Return the fits of `fit_selections` without intervals and tests, which take longest."""

    def by_kernel(part: Mask) -> Outlines:
        fits = fit_selections(yi, vi, part, estimator=estimator, test="z", level=0.95)
        return Outlines(fits.coefficients[0], fits.tau2, fits.i2, fits.qe, fits.k)

    def finish(data: Selections, solved: Solved) -> Outlines:
        i2, _ = relative_heterogeneity(solved, data.k - 1, equal=estimator.id == "EE")
        return Outlines(
            solved.found.coefficients[0], solved.tau2, i2, np.asarray(solved.fixed.q), data.k
        )

    return _fitted(yi, vi, member, estimator, finish, by_kernel, Outlines)


def _fitted(
    yi: Array,
    vi: Array,
    member: Mask,
    estimator: Estimator,
    finish: Callable[[Selections, Solved], Fits],
    by_kernel: Callable[[Mask], Fits],
    kind: type[Fits],
) -> Fits:
    """Fit selections block by block, and those that lose digits by the kernel."""
    n = member.shape[1]
    if not (n and _shareable(estimator, vi)):
        return by_kernel(member)
    studies = SharedStudies(yi, vi)
    if len(studies.ladder.nodes) > _NODES:
        return by_kernel(member)
    size = max(2, _CELLS // len(vi))
    rest = np.add.reduce(member, dtype=np.intp) < 2

    @np.errstate(all="ignore")
    def block(part: Mask, room: Array) -> tuple[Fits, Mask]:
        """Return the fits, and which of them lost no digits."""
        data = Selections(studies, part)
        tau2 = _tau2(data, room, estimator)
        found = finish(data, Solved(tau2, data.at_zero, data.solve(tau2)))
        return found, data.firm & np.isfinite(tau2)

    if n <= size and not rest.any():
        found, firm = block(member, np.empty(len(studies.ladder.columns) * n))
        if firm.all():
            return found
    kept = kind.blank(1, n)
    workers = os.cpu_count() or 1

    def keep(fits: Fits, column: Index) -> None:
        for field in fields(kind):
            kept[field.name][..., column] = getattr(fits, field.name)

    def work(worker: int) -> None:
        """Fit every so manieth block, and mark what is still to be fitted."""
        room = np.empty(len(studies.ladder.columns) * size)
        for start in range(worker * size, n, workers * size):
            column = start + np.flatnonzero(~rest[start : start + size])
            if column.size:
                found, firm = block(member[:, column], room)
                keep(found, column)
                rest[column] = ~firm

    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(work, range(workers)))
    left = np.flatnonzero(rest)
    if left.size:
        keep(by_kernel(member[:, left]), left)
    return kind(**kept)


def _shareable(estimator: Estimator, vi: Array) -> bool:
    """Return whether an estimator knows selections, and their variances are ordinary."""
    known = estimator.fixed is not None or (
        estimator.moderated in _OTHERS or estimator.moderated in _LIKELIHOODS
    )
    return known and bool(vi.min() > 1 / _RANGE and vi.max() < _RANGE)


def _tau2(data: Selections, room: Array, estimator: Estimator) -> Array:
    if estimator.fixed is not None:
        return np.full(data.k.size, estimator.fixed)
    if estimator.moderated in _LIKELIHOODS:
        return single_maximum(data, _LIKELIHOODS[estimator.moderated], room)
    return _OTHERS[estimator.moderated](data)
