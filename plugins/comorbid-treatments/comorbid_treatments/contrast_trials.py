"""From contrasts to trials: effects and covariances of a trial's arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from comorbid_treatments.networks import Array, Trial
from comorbid_treatments.problems import stop

Correlation = float | Mapping[str, float] | None

# How far the effects of one trial may be from adding up, in standard errors: rounding, no more.
_ROUNDING = 0.1
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Contrast:
    """One row: in a study, treat1 against treat2."""

    row: str
    study: str
    treat1: str
    treat2: str
    yi: float
    vi: float


def make_trials(
    rows: list[Contrast], treatments: tuple[str, ...], rho: Correlation
) -> tuple[tuple[Trial, ...], list[str]]:
    """Return the trials, and what was assumed."""
    place = {name: i for i, name in enumerate(treatments)}
    grouped: dict[str, list[Contrast]] = {}
    for row in rows:
        grouped.setdefault(row.study, []).append(row)
    trials, assumed, problems = [], [], []
    for label, several in grouped.items():
        arms = tuple(sorted({place[name] for row in several for name in (row.treat1, row.treat2)}))
        y, v = _matrices(several, arms, place)
        if np.isnan(v).any():
            correlation = rho.get(label) if isinstance(rho, Mapping) else rho
            shared = _shared_arm(v)
            problem = _gap(label, several, treatments, arms, v, correlation)
            if problem:
                problems.append(problem)
                continue
            y, v = _completed(y, v, shared, correlation or 0.0)
            assumed.append(
                f"{label}: its {len(several)} contrasts share the arm "
                f"{treatments[arms[shared]]!r}; their correlation is assumed to be {correlation:g} "
                "(arms of equal size give 0.5)"
            )
        problems += _contradictions(label, y, v)
        centre = np.eye(len(arms)) - 1 / len(arms)
        trials.append(Trial(label, arms, y.mean(axis=1), -centre @ v @ centre / 2))
    stop(problems)
    return tuple(trials), assumed


def _matrices(
    rows: list[Contrast], arms: tuple[int, ...], place: Mapping[str, int]
) -> tuple[Array, Array]:
    """Return effects and variances of a trial, arms by arms; nan where no row says them."""
    y, v = (np.full((len(arms), len(arms)), np.nan) for _ in range(2))
    np.fill_diagonal(y, 0)
    np.fill_diagonal(v, 0)
    for row in rows:
        i, j = (arms.index(place[name]) for name in (row.treat1, row.treat2))
        y[i, j], y[j, i] = row.yi, -row.yi
        v[i, j] = v[j, i] = row.vi
    return y, v


def _shared_arm(v: Array) -> int:
    """Return the one arm that every contrast given has, or -1."""
    given = np.isfinite(v)
    full = np.flatnonzero(given.all(axis=1))
    return int(full[0]) if len(full) == 1 and given.sum() == 3 * len(v) - 2 else -1


def _gap(
    label: str,
    rows: list[Contrast],
    treatments: tuple[str, ...],
    arms: tuple[int, ...],
    v: Array,
    rho: float | None,
) -> str:
    """Return what is wrong with a trial that lacks contrasts, or nothing."""
    a, shared = len(arms), _shared_arm(v)
    start = f"{label}: {len(rows)} of the {a * (a - 1) // 2} contrasts of its {a} arms are given"
    if shared < 0:
        return f"{start}, not all against one arm; give all, or those against one arm with rho"
    if rho is None:
        arm = treatments[arms[shared]]
        return (
            f"{start}, all against {arm!r}, so they are correlated; give the others, or rho (0.5 "
            "if the arms are of equal size)"
        )
    given = np.delete(v[:, shared], shared)
    # The variance of the shared arm, rho times the root of v1 v2, is part of both v1 and v2.
    most = float(np.sqrt(given.min() / given.max()))
    if not 0 <= rho < most:
        return (
            f"{label}: rho is {rho:g}; its variances allow a correlation from 0 to below {most:g}"
        )
    return ""


def _completed(y: Array, v: Array, shared: int, rho: float) -> tuple[Array, Array]:
    """Return all contrasts of a trial from those against a shared arm."""
    against = y[:, shared]
    size = np.sqrt(v[:, shared])
    filled = size[:, None] ** 2 + size**2 - 2 * rho * np.outer(size, size)
    np.fill_diagonal(filled, 0)
    return against[:, None] - against, filled


def _contradictions(label: str, y: Array, v: Array) -> list[str]:
    """Return what contradicts itself within a trial of three or more arms."""
    level = y.mean(axis=1)
    off = np.abs(y - (level[:, None] - level))
    problems = []
    if (off > _ROUNDING * np.sqrt(v)).any():
        problems.append(
            f"{label}: its effects do not add up (A against B and B against C must give A against "
            "C); check them for typing errors or signs"
        )
    centre = np.eye(len(v)) - 1 / len(v)
    values = np.linalg.eigvalsh(-centre @ v @ centre / 2 + 1 / len(v) * v.max())
    if values[0] <= _FLAT * v.max():
        problems.append(
            f"{label}: its variances contradict each other (no covariances of its arms give them); "
            "check them for typing errors"
        )
    return problems
