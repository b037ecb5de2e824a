"""The compiled kernel of `comorbid[fast]`: fits of means alone by numba, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import util
from typing import Literal, get_args

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array, Index, Mask
from comorbid.errors import ModelError
from comorbid.models import equations, moments
from comorbid.models.estimators import Estimator
from comorbid.models.fits import Outlines
from comorbid.models.inference import relative_heterogeneity
from comorbid.models.intercept import Intercept
from comorbid.models.projection import Solution
from comorbid.models.solved import Solved, solve_block

Engine = Literal["numpy", "compiled"]

# In the order of EE, DL, PM, ML and REML in `lanes`.
_KNOWN = (
    moments.none,
    moments.dersimonian_laird,
    equations.paule_mandel,
    equations.maximum_likelihood,
    equations.restricted_maximum_likelihood,
)
_TOO_FAR_APART = (
    "tau2 of a group, or of a group without one study, cannot be computed: effects or variances "
    "are too many orders of magnitude apart; check them for typing errors"
)
# Steps of inner loops that are worth a thread of their own.
_WORK = 2**18


@dataclass(frozen=True, slots=True)
class Counted:
    """The studies of n data sets: how many each has, and their variances."""

    k: Array
    vi: Array
    p: int = 1

    @property
    def estimable(self) -> Mask:
        """Which data sets have a study."""
        return self.k > 0

    @property
    def lowest(self) -> Array:
        """Least variance of each data set."""
        return np.asarray(self.vi.min(axis=0))

    @property
    def highest(self) -> Array:
        """Largest variance of each data set."""
        return np.asarray(np.where(np.isfinite(self.vi), self.vi, 0.0).max(axis=0))


@dataclass(frozen=True, slots=True)
class AtZero:
    """Q and the trace of P at a tau2 of 0."""

    q: Array
    trace_p: Array


def available() -> bool:
    """Return whether numba is installed."""
    return util.find_spec("numba") is not None


def check_engine(engine: Engine) -> None:
    """Raise `ModelError` unless there is such an engine, and numba if it is the compiled one."""
    check_choice("engine", engine, get_args(Engine))
    if engine == "compiled" and not available():
        raise ModelError('the compiled kernel needs numba: pip install "comorbid[fast]"')


def compiles(estimator: Estimator) -> bool:
    """Return whether the compiled kernel knows an estimator: EE, DL, ML, REML, EB, PM and alike."""
    return estimator.fixed is None and any(estimator.moderated is known for known in _KNOWN)


def _method(estimator: Estimator) -> int:
    """Return the number by which `lanes` knows the estimator."""
    return next(i for i, known in enumerate(_KNOWN) if estimator.moderated is known)


def solve_columns(yi: Array, vi: Array, estimator: Estimator) -> Solved:
    """Estimate tau2 of a block of data sets, and solve at 0 and at tau2, as `solve_block` does.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    estimator : Estimator
        One that `compiles`.

    Returns
    -------
    Solved
    """
    from comorbid.models import lanes

    method = _method(estimator)
    # Copies, so that there is one layout to compile for.
    out = np.empty((lanes.RESULTS, yi.shape[1]))
    lanes.fit_columns(np.array(yi, order="C"), np.array(vi, order="C"), method, out)
    return _solved(_mended(out, yi, vi, estimator))


def outline_columns(yi: Array, vi: Array, estimator: Estimator) -> Outlines:
    """Return what is fitted to a block of data sets, which is as `solve_columns` takes it."""
    solved, k = solve_columns(yi, vi, estimator), np.isfinite(vi).sum(axis=0, dtype=np.float64)
    with np.errstate(all="ignore"):
        equal = estimator.id == "EE"
        i2, _ = relative_heterogeneity(solved.tau2, solved.fixed, k - 1, equal=equal)
    several, estimate = k > 1, solved.found.coefficients[0]
    return Outlines(
        estimate=np.where(k > 0, estimate, np.nan),
        tau2=solved.tau2,
        i2=np.where(several, i2, np.nan),
        q=np.where(several, solved.fixed.q, np.nan),
        k=k,
    )


def _mended(out: Array, yi: Array, vi: Array, estimator: Estimator) -> Array:
    """Solve what the compiled kernel could not in NumPy, which finds it or says what is wrong."""
    from comorbid.models import lanes

    failed = np.flatnonzero(out[lanes.FAILED])
    if failed.size:
        yi, vi = yi[:, failed], vi[:, failed]
        with np.errstate(all="ignore"):
            again = solve_block(Intercept(yi, vi), yi, vi, estimator)
        found, fixed = again.found, again.fixed
        out[lanes.TAU2, failed] = again.tau2
        out[lanes.MEAN, failed], out[lanes.ORIGIN, failed] = found.coefficients[0], 0.0
        out[lanes.SUM, failed] = 1 / found.root[0, 0] ** 2
        out[lanes.Q, failed], out[lanes.TRACE, failed] = found.q, found.trace_p
        out[lanes.Q0, failed], out[lanes.TRACE0, failed] = fixed.q, fixed.trace_p
    return out


def _solved(out: Array) -> Solved:
    from comorbid.models import lanes

    q0, trace0 = out[lanes.Q0], out[lanes.TRACE0]
    mean = (out[lanes.MEAN] + out[lanes.ORIGIN])[None]
    with np.errstate(all="ignore"):
        root = np.sqrt(1 / out[lanes.SUM])[None, None]
    q = out[lanes.Q]
    return Solved(
        tau2=np.where(out[lanes.K] > 1, out[lanes.TAU2], np.nan),
        fixed=AtZero(q0, trace0),
        found=Solution(mean, root, q, out[lanes.TRACE], q),
    )


def solve_groups(
    yi: Array,
    vi: Array,
    offsets: Index,
    *,
    estimator: Estimator,
    null: float,
    half: Array,
    floor: float,
) -> tuple[Solved, Array, Array]:
    """Fit groups, and each without each of its studies, on all cores.

    Parameters
    ----------
    yi, vi, offsets, null, half, floor
        As `lanes.fit_groups` takes them.
    estimator : Estimator
        One that `compiles`.

    Returns
    -------
    Solved
        Of the groups as a whole.
    k : array of shape (n,)
        The number of studies.
    without : array of shape (5, n)
        Lowest and highest estimate, lowest and highest end of an interval, and how many intervals
        exclude the null.

    Raises
    ------
    ModelError
        If tau2 of a group, or of what is left of one, cannot be estimated.
    """
    from comorbid.models import lanes

    method, n = _method(estimator), offsets.size - 1
    out, without = np.empty((lanes.RESULTS, n)), np.empty((lanes.LEFT_OUT, n))

    def block(at: slice) -> None:
        begin, end = offsets[at.start], offsets[at.stop]
        own, left = np.empty((lanes.RESULTS, at.stop - at.start)), np.empty((6, at.stop - at.start))
        ends = offsets[at.start : at.stop + 1] - begin
        order = np.argsort(np.diff(ends), kind="stable")
        y, v = yi[begin:end].copy(), vi[begin:end].copy()
        lanes.fit_groups(y, v, ends, order, method, null, half, floor, own, left)
        out[:, at], without[:, at] = own, left

    _on_all_cores(block, _shares(np.diff(offsets) ** 2))
    if (out[lanes.FAILED] + without[lanes.LOO_FAILED]).any():
        raise ModelError(_TOO_FAR_APART)
    return _solved(out), out[lanes.K], without[: lanes.LOO_FAILED]


def _shares(work: Index) -> list[slice]:
    """Return slices of about equal work."""
    done = np.cumsum(work) // _WORK
    ends = np.flatnonzero(np.diff(done, append=-1)) + 1
    return [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _on_all_cores(function: Callable[[slice], None], parts: list[slice]) -> None:
    if len(parts) < 2:
        for part in parts:
            function(part)
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(function, parts):
            pass
