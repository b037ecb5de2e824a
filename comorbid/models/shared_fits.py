"""Fits of selections of the same studies, of which most steps are products of matrices."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import Generic, TypedDict, TypeVar

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models import equations, moments
from comorbid.models.blocks import in_blocks
from comorbid.models.compiled import Engine, check_engine, compiles, outline_columns
from comorbid.models.estimators import Estimator
from comorbid.models.fits import DesignFits, Outlines
from comorbid.models.inference import infer, relative_heterogeneity
from comorbid.models.kernel import fit_designs
from comorbid.models.likelihood import Kind
from comorbid.models.long import LONG
from comorbid.models.projection import Projection
from comorbid.models.shared_data import Selections
from comorbid.models.shared_maxima import single_maximum
from comorbid.models.shared_studies import SharedStudies
from comorbid.models.solved import solve_at
from comorbid.models.spare import Spare
from comorbid.models.student import Test

Fits = TypeVar("Fits", DesignFits, Outlines)


class Settings(TypedDict):
    """How data sets are fitted, as `comorbid.models.kernel.fit_designs` takes it."""

    estimator: Estimator
    test: Test
    level: float


# Studies times data sets of one block, whose arrays stay in the processor's cache.
_CELLS = 2**16
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
    settings: Settings = {"estimator": estimator, "test": test, "level": level}

    def inferred(data: Selections, tau2: Array) -> DesignFits:
        solved, equal = solve_at(data, tau2), estimator.id == "EE"
        return infer(data, solved, equal=equal, test=test, level=level)

    by_kernel = partial(_of_members, yi, vi, settings)
    return _Sharing(member, estimator, inferred, by_kernel, DesignFits).fits(yi, vi)


def outline_selections(
    yi: Array, vi: Array, member: Mask, *, estimator: Estimator, engine: Engine = "numpy"
) -> Outlines:
    """Return the fits of `fit_selections` without intervals and tests, which take longest.

    The ``engine`` is as in `comorbid.models.kernel.fit_batch`.
    """
    check_engine(engine)
    if engine == "compiled" and compiles(estimator) and len(vi) <= LONG and _ordinary(vi):

        def block(at: slice, spare: Spare) -> Outlines:
            return outline_columns(*_members(yi, vi, member[:, at]), estimator)

        return in_blocks(member.shape[1], max(1, _CELLS // len(vi)), block)
    settings: Settings = {"estimator": estimator, "test": "z", "level": 0.95}

    def by_kernel(part: Mask) -> Outlines:
        fits = _of_members(yi, vi, settings, part)
        return Outlines(fits.coefficients[0], fits.tau2, fits.i2, fits.qe, fits.k)

    def outlined(data: Selections, tau2: Array) -> Outlines:
        fixed, equal = data.at_zero, estimator.id == "EE"
        i2, _ = relative_heterogeneity(tau2, fixed, data.k - 1, equal=equal)
        estimate = data.estimate(data.at(np.nan_to_num(tau2), slice(None)))
        i2, q = (np.where(data.k > 1, value, np.nan) for value in (i2, fixed.q))
        return Outlines(estimate, tau2, i2, q, data.k)

    return _Sharing(member, estimator, outlined, by_kernel, Outlines).fits(yi, vi)


def _of_members(yi: Array, vi: Array, settings: Settings, member: Mask) -> DesignFits:
    """Return what the kernel fits to selections."""
    return fit_designs(*_members(yi, vi, member), None, **settings)


def _members(yi: Array, vi: Array, member: Mask) -> tuple[Array, Array]:
    """Return effects and variances of selections as data sets."""
    return np.where(member, yi[:, None], 0.0), np.where(member, vi[:, None], np.inf)


def _ordinary(vi: Array) -> bool:
    """Return whether no power of a variance overflows."""
    return bool(vi.min() > 1 / _RANGE and vi.max() < _RANGE)


@dataclass(frozen=True, slots=True)
class _Sharing(Generic[Fits]):
    """How selections are fitted, block by block: what follows from tau2, and what the kernel does.

    ``finish`` returns the fits of selections whose tau2 is known, ``by_kernel`` those of selections
    given as members, and ``kind`` is what both return.
    """

    member: Mask
    estimator: Estimator
    finish: Callable[[Selections, Array], Fits]
    by_kernel: Callable[[Mask], Fits]
    kind: type[Fits]

    def fits(self, yi: Array, vi: Array) -> Fits:
        """Fit all selections; those of no study, and those that lose digits, by the kernel."""
        member, n = self.member, self.member.shape[1]
        if not (member.size and self._allowed(vi)):
            return self.by_kernel(member)
        studies = SharedStudies(yi, vi)
        if len(studies.ladder.nodes) > _NODES:
            return self.by_kernel(member)
        size, rest = _width(n, len(vi)), np.logical_not(member.any(axis=0))
        if size == n and not rest.any():
            room = np.empty(studies.ladder.rows * n)
            found, firm = self._block(Selections(studies, member), room)
            if firm.all():
                return found
        kept = self.kind.blank(1, n)
        self._fill(kept, studies, rest, size)
        left = np.flatnonzero(rest)
        if left.size:
            self._keep(kept, self.by_kernel(member[:, left]), left)
        return self.kind(**kept)

    def _allowed(self, vi: Array) -> bool:
        """Return whether the estimator knows selections, and their variances are ordinary."""
        moderated = self.estimator.moderated
        known = self.estimator.fixed is not None or moderated in _OTHERS.keys() | _LIKELIHOODS
        return known and _ordinary(vi)

    def _fill(self, kept: dict[str, Array], studies: SharedStudies, rest: Mask, size: int) -> None:
        """Fit all but ``rest``, by several threads, and mark there what is still to be fitted."""
        n = rest.size
        workers = min(os.cpu_count() or 1, -(-n // size))

        def work(worker: int) -> None:
            """Fit every so manieth block."""
            room = np.empty(studies.ladder.rows * size)
            for start in range(worker * size, n, workers * size):
                column: Index | slice = slice(start, start + size)
                if rest[column].any():
                    column = start + np.flatnonzero(~rest[column])
                    if not column.size:
                        continue
                found, firm = self._block(Selections(studies, self.member[:, column]), room)
                self._keep(kept, found, column)
                rest[column] = ~firm

        if workers == 1:
            return work(0)
        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(work, range(workers)))
        return None

    @np.errstate(all="ignore")
    def _block(self, data: Selections, room: Array) -> tuple[Fits, Mask]:
        """Return the fits, and which of them lost no digits."""
        tau2 = self._tau2(data, room)
        return self.finish(data, tau2), data.firm & (np.isfinite(tau2) | (data.k < 2))

    def _tau2(self, data: Selections, room: Array) -> Array:
        """Return tau2; nan where it cannot be told here, and of single studies."""
        if self.estimator.fixed is not None:
            return np.full(data.k.size, self.estimator.fixed)
        several = np.flatnonzero(data.k > 1)
        part = data if several.size == data.k.size else data.take(several)
        if self.estimator.moderated in _LIKELIHOODS:
            found = single_maximum(part, _LIKELIHOODS[self.estimator.moderated], room)
        else:
            found = _OTHERS[self.estimator.moderated](part)
        if part is data:
            return found
        tau2 = np.full(data.k.size, np.nan)
        tau2[several] = found
        return tau2

    def _keep(self, kept: dict[str, Array], fits: Fits, column: Index | slice) -> None:
        for field in fields(self.kind):
            kept[field.name][..., column] = getattr(fits, field.name)


def _width(n: int, k: int) -> int:
    """Return how many of n data sets are a block: all, or an even number of blocks.

    It does not depend on the number of threads, as sums in blocks of another width could differ in
    the last bit.
    """
    blocks = -(-n // max(2, _CELLS // k))
    return n if blocks == 1 else -(-n // (blocks + blocks % 2))
