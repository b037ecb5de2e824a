"""Groups of studies of any size, each fitted as a whole and without each of its studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Index, Mask
from comorbid.models.compiled import Counted, Engine, check_engine, compiles, solve_groups
from comorbid.models.estimators import Estimator
from comorbid.models.fits import Batch
from comorbid.models.inference import infer
from comorbid.models.kernel import TINY, as_batch, fit_batch
from comorbid.models.student import Test, t_quantile

# Numbers of a block of leave-one-out fits.
_CELLS = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Groups(Frozen):
    """Fits of n groups, and what leaving out one study does to each; arrays of shape (n,).

    Attributes
    ----------
    fits : Batch
        The groups as a whole.
    loo_low, loo_high : array
        Lowest and highest estimate without one study.
    loo_ci_low, loo_ci_high : array
        Lowest and highest end of the intervals without one study.
    loo_side : boolean array
        Whether an estimate without one study lies on the other side of the null.
    loo_excludes : boolean array
        Whether an interval without one study excludes the null and that of all does not, or the
        reverse.

    Notes
    -----
    The ranges are nan, and the answers no, in groups of one study or none.
    """

    fits: Batch
    loo_low: Array
    loo_high: Array
    loo_ci_low: Array
    loo_ci_high: Array
    loo_side: Mask
    loo_excludes: Mask


def fit_groups(
    yi: Array,
    vi: Array,
    offsets: Index,
    *,
    estimator: Estimator,
    test: Test,
    level: float,
    null: float = 0.0,
    engine: Engine = "numpy",
) -> Groups:
    """Fit groups of studies, and each group without each of its studies.

    Parameters
    ----------
    yi, vi : arrays of shape (m,)
        Effects and variances, group by group.
    offsets : integer array of shape (n + 1,)
        Where groups begin and end, from 0 to m: group g is ``offsets[g]:offsets[g + 1]``.
    estimator : Estimator
    test : {"z", "t", "knha", "adhoc"}
    level : float
        Of the intervals, a proportion.
    null : float
        The value of no effect, on the analysis scale.
    engine : {"numpy", "compiled"}
        ``compiled`` needs numba; it falls to NumPy for estimators that it does not know. The same
        group gets the same bits of one engine, whatever the other groups are.

    Returns
    -------
    Groups

    Raises
    ------
    ModelError
        If numba is not installed, or tau2 of a group cannot be estimated.
    """
    check_engine(engine)
    sizes = np.diff(offsets)
    how = _Fitting(estimator, test, level, null)
    fast = np.zeros(sizes.size, dtype=bool)
    if engine == "compiled" and compiles(estimator):
        # The kernel changes the units of others.
        far = np.append(np.cumsum(~((vi > TINY) & (vi < 1 / TINY))), 0)
        fast = (sizes > 0) & (far[offsets[1:] - 1] == far[offsets[:-1] - 1])
    parts = [(np.flatnonzero(fast), how.compiled)] if fast.any() else []
    parts += [(lot, how.in_numpy) for lot in _lots(sizes, np.flatnonzero(~fast))]
    found = [fit(*_taken(yi, vi, offsets, chosen)) for chosen, fit in parts]
    return _joined(sizes.size, [chosen for chosen, _ in parts], found)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """How groups are fitted."""

    estimator: Estimator
    test: Test
    level: float
    null: float

    def compiled(self, yi: Array, vi: Array, offsets: Index) -> Groups:
        """Fit groups by the compiled kernel."""
        sizes = np.diff(offsets)
        k = np.arange(sizes.max() + 1)
        freedom = np.where((k > 1) & (self.test != "z"), k - 1.0, np.inf)
        solved, studies, without = solve_groups(
            *(yi, vi, offsets),
            estimator=self.estimator,
            null=self.null,
            half=np.array(t_quantile(freedom, (1 + self.level) / 2)),
            floor={"knha": 0.0, "adhoc": 1.0}.get(self.test, np.inf),
        )
        equal = self.estimator.id == "EE"
        found = infer(Counted(studies, vi), solved, equal=equal, test=self.test, level=self.level)
        return self._compared(as_batch(found, equal=equal, level=self.level), *without)

    def in_numpy(self, yi: Array, vi: Array, offsets: Index) -> Groups:
        """Fit groups by the kernel in NumPy: as refits of a table that has a column a fit."""
        sizes = np.diff(offsets)
        group = np.repeat(np.arange(sizes.size), sizes)
        row = np.arange(yi.size) - offsets[group]
        y = np.zeros((max(1, sizes.max(initial=0)), sizes.size))
        v = np.full(y.shape, np.inf)
        y[row, group], v[row, group] = yi, vi
        estimate, ci_low, ci_high = self._without(y, v, row, group)
        excluding = (ci_low > self.null) | (ci_high < self.null)
        # reduceat cannot do with groups of no study.
        some = sizes > 0
        begin = offsets[:-1][some]
        ends = np.full((5, sizes.size), np.nan)
        if begin.size:
            ends[:, some] = (
                np.minimum.reduceat(estimate, begin),
                np.maximum.reduceat(estimate, begin),
                np.minimum.reduceat(ci_low, begin),
                np.maximum.reduceat(ci_high, begin),
                np.add.reduceat(excluding.astype(np.float64), begin),
            )
        return self._compared(self._batch(y, v), *ends)

    def _without(self, y: Array, v: Array, row: Index, group: Index) -> list[Array]:
        """Return estimates and ends of intervals of each group without each of its studies."""
        found = [np.empty((3, 0))]
        size = max(1, _CELLS // len(y))
        for start in range(0, row.size, size):
            column = group[start : start + size]
            left_out = v[:, column]
            left_out[row[start : start + size], np.arange(column.size)] = np.inf
            batch = self._batch(y[:, column], left_out)
            found.append(np.stack([batch.estimate, batch.ci_low, batch.ci_high]))
        return list(np.concatenate(found, axis=1))

    def _batch(self, yi: Array, vi: Array) -> Batch:
        return fit_batch(yi, vi, estimator=self.estimator, test=self.test, level=self.level)

    def _compared(
        self, fits: Batch, low: Array, high: Array, ci_low: Array, ci_high: Array, excluding: Array
    ) -> Groups:
        """Return the fits with the ranges without one study, of which some exclude the null."""
        some = fits.k > 1
        above, below = fits.estimate > self.null, fits.estimate < self.null
        excludes = (fits.ci_low > self.null) | (fits.ci_high < self.null)
        return Groups(
            fits=fits,
            loo_low=np.where(some, low, np.nan),
            loo_high=np.where(some, high, np.nan),
            loo_ci_low=np.where(some, ci_low, np.nan),
            loo_ci_high=np.where(some, ci_high, np.nan),
            loo_side=some & ((above & (low < self.null)) | (below & (high > self.null))),
            loo_excludes=some & np.where(excludes, excluding < fits.k, excluding > 0),
        )


def _lots(sizes: Index, chosen: Index) -> list[Index]:
    """Return groups of about the same size together, with a bounded number of refits each."""
    if not chosen.size:
        return [] if sizes.size else [chosen]
    ordered = chosen[np.argsort(sizes[chosen], kind="stable")]
    lot = np.cumsum(sizes[ordered] ** 2) // _CELLS
    return np.split(ordered, np.flatnonzero(np.diff(lot)) + 1)


def _taken(yi: Array, vi: Array, offsets: Index, chosen: Index) -> tuple[Array, Array, Index]:
    """Return the studies of some groups, and where these begin and end."""
    if chosen.size == offsets.size - 1 and (np.diff(chosen) == 1).all():
        return yi, vi, offsets
    sizes = np.diff(offsets)[chosen]
    ends = np.append(0, np.cumsum(sizes))
    place = np.arange(ends[-1]) + np.repeat(offsets[chosen] - ends[:-1], sizes)
    return yi[place], vi[place], ends


def _joined(n: int, places: Sequence[Index], parts: Sequence[Groups]) -> Groups:
    """Put the parts of n groups back in order."""

    def column(name: str, of: Sequence[Batch] | Sequence[Groups]) -> Any:
        values = np.empty(n, dtype=getattr(of[0], name).dtype)
        for place, part in zip(places, of, strict=True):
            values[place] = getattr(part, name)
        return values

    batches = [part.fits for part in parts]
    fits = Batch(**{field.name: column(field.name, batches) for field in fields(Batch)})
    ranges = {field.name: column(field.name, parts) for field in fields(Groups)[1:]}
    return Groups(fits=fits, **ranges)
