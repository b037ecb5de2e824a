"""What the repairs of an audit do to the pool, refitted in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from comorbid.audited.pool import Pool
from comorbid.effects.arrays import Array
from comorbid.effects.build import both_sources
from comorbid.effects.overrides import Override
from comorbid.effects.scales import SCALES
from comorbid.models.kernel import Batch
from comorbid.studies.arrays import Arrays
from comorbid.studies.finding import Effect, Finding, Pooled, Repair

# Effects and variances of every row of the table; a variance is inf where a row is not pooled.
_Version = tuple[Array, Array]
_CELLS = 2**20


def with_effects(findings: Sequence[Finding], pool: Pool) -> list[Finding]:
    """Return the findings, each with what its repairs do to the pool.

    Before and after differ by the repair alone: a decision about what it changes is undone in both,
    every other one is kept. A repair of rows that are not pooled has no effect.
    """
    effects: list[list[Effect]] = [[] for _ in findings]
    block: list[tuple[int, Repair, _Version, _Version]] = []
    size = max(1, _CELLS // (2 * len(pool.studies)))
    for tried in _tried(findings, pool):
        block.append(tried)
        if len(block) == size:
            _put(block, effects, pool)
            block = []
    _put(block, effects, pool)
    return [
        replace(finding, effects=tuple(found))
        for finding, found in zip(findings, effects, strict=True)
    ]


def _tried(
    findings: Sequence[Finding], pool: Pool
) -> Iterator[tuple[int, Repair, _Version, _Version]]:
    """Yield each repair that changes the pool, with the position of its finding and both pools."""
    repairs = [(i, repair) for i, found in enumerate(findings) for repair in found.repairs]
    place = {row: i for i, row in enumerate(pool.studies.arrays["estimate_id"])}
    counted, _ = both_sources(pool.studies, pool.measure)
    changed = _from_values([repair for _, repair in repairs], pool)
    known: dict[tuple[Override, ...], _Version] = {}
    for number, (position, repair) in enumerate(repairs):
        kept = pool.kept(repair)
        if kept not in known:
            known[kept] = _version(pool, kept, place)
        before = known[kept]
        yi, vi = (values.copy() for values in before)
        pooled = np.isfinite(vi)
        for row in repair.counts:
            yi[place[row]], vi[place[row]] = counted[0][place[row]], counted[1][place[row]]
        for row in repair.inverse:
            yi[place[row]] *= -1
        for row in repair.values:
            yi[place[row]], vi[place[row]] = changed[number, row]
        vi[[place[row] for row in repair.exclude]] = np.inf
        vi[~(pooled & np.isfinite(yi) & np.isfinite(vi))] = np.inf
        yi[np.isinf(vi)] = 0.0
        if not (np.array_equal(yi, before[0]) and np.array_equal(vi, before[1])):
            yield position, repair, before, (yi, vi)


def _version(pool: Pool, kept: tuple[Override, ...], place: dict[str, int]) -> _Version:
    """Return the pool by these decisions."""
    effects = pool.decided(kept)
    yi, vi = np.zeros(len(place)), np.full(len(place), np.inf)
    rows = [place[row] for row in effects.ids]
    yi[rows], vi[rows] = effects.yi, effects.vi
    return yi, vi


def _from_values(
    repairs: Sequence[Repair], pool: Pool
) -> dict[tuple[int, str], tuple[float, float]]:
    """Return the effects of rows with other values, by the number of the repair and the row.

    As `effects` takes them: from the printed estimate where there is one, else computed.
    """
    keys = [(i, row) for i, repair in enumerate(repairs) for row in repair.values]
    if not keys:
        return {}
    arrays = pool.studies.arrays
    place = {row: i for i, row in enumerate(arrays["estimate_id"])}
    rows = {name: values[[place[row] for _, row in keys]] for name, values in arrays.items()}
    for at, (i, row) in enumerate(keys):
        for name, value in repairs[i].values[row].items():
            rows[name][at] = value
    computed, reported = both_sources(replace(pool.studies, arrays=Arrays(rows)), pool.measure)
    known = np.isfinite(reported[0]) & np.isfinite(reported[1])
    yi, vi = (np.where(known, r, c) for r, c in zip(reported, computed, strict=True))
    return dict(zip(keys, zip(yi.tolist(), vi.tolist(), strict=True), strict=True))


def _put(
    block: Sequence[tuple[int, Repair, _Version, _Version]],
    effects: list[list[Effect]],
    pool: Pool,
) -> None:
    """Fit the pools before and after each repair and add what it does to its finding."""
    if not block:
        return
    versions = [version for *_, before, after in block for version in (before, after)]
    yi, vi = (np.column_stack(columns) for columns in zip(*versions, strict=True))
    own = _pooled(pool.fits(yi, vi), pool.effects.scale)
    common = _pooled(pool.fits(yi, vi, common=True), pool.effects.scale)
    place = {row: i for i, row in enumerate(pool.studies.arrays["estimate_id"])}
    decided = _version(pool, pool.overrides, place)
    for i, (position, repair, _, after) in enumerate(block):
        effects[position].append(
            Effect(
                repair=repair.text,
                measure=pool.measure.id,
                scale=pool.effects.scale,
                in_force=all(map(np.array_equal, after, decided)),
                before=own[2 * i],
                after=own[2 * i + 1],
                common_before=common[2 * i],
                common_after=common[2 * i + 1],
            )
        )


def _pooled(batch: Batch, scale: str) -> list[Pooled]:
    back = SCALES[scale].back
    ends = (back(batch.estimate), back(batch.ci_low), back(batch.ci_high), batch.tau2, batch.k)
    return [Pooled(*row) for row in zip(*(values.tolist() for values in ends), strict=True)]
