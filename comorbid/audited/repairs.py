"""What the repairs of an audit do to the pool, all of them refitted as one batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from comorbid.audited.pool import Pool
from comorbid.effects.arrays import Array
from comorbid.effects.build import both_sources
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.models.kernel import Batch
from comorbid.studies.finding import Effect, Finding, Pooled, Repair

Key = TypeVar("Key")
Version = dict[str, tuple[float, float]]
"""One data set: effect and variance by estimate id."""


def with_effects(findings: Sequence[Finding], pool: Pool) -> list[Finding]:
    """Return the findings, each with what its repairs do to the pool.

    Before and after differ by the repair alone: a decision about what it changes is undone in both,
    every other one is kept. A repair of rows that are not pooled has no effect.
    """
    tried = _tried(findings, pool)
    if not tried:
        return list(findings)
    fitted = _effects(tried, pool)
    by_finding: dict[int, list[Effect]] = {}
    for (position, *_), effect in zip(tried, fitted, strict=True):
        by_finding.setdefault(position, []).append(effect)
    return [
        replace(finding, effects=tuple(by_finding.get(i, ()))) for i, finding in enumerate(findings)
    ]


def _tried(findings: Sequence[Finding], pool: Pool) -> list[tuple[int, Repair, Version, Version]]:
    """Return each repair of a pooled row with the position of its finding, before and after."""
    repairs = [(i, repair) for i, found in enumerate(findings) for repair in found.repairs]
    counted = _from_counts(pool)
    changed = _from_values([repair for _, repair in repairs], pool)
    tried = []
    for number, (position, repair) in enumerate(repairs):
        before = _version(pool.before(repair))
        after = dict(before)
        for row in repair.exclude:
            after.pop(row, None)
        for row in set(repair.counts) & set(before):
            after[row] = counted[row]
        for row in set(repair.inverse) & set(before):
            after[row] = -before[row][0], before[row][1]
        for row in set(repair.values) & set(before):
            after[row] = changed[number, row]
        after = {row: pair for row, pair in after.items() if np.isfinite(pair).all()}
        if after != before:
            tried.append((position, repair, before, after))
    return tried


def _version(effects: Effects) -> Version:
    pairs = zip(effects.yi.tolist(), effects.vi.tolist(), strict=True)
    return dict(zip(effects.ids, pairs, strict=True))


def _from_counts(pool: Pool) -> Version:
    (yi, vi), _ = both_sources(pool.studies, pool.measure)
    return _paired(pool.studies.frame["estimate_id"], yi, vi)


def _from_values(
    repairs: Sequence[Repair], pool: Pool
) -> dict[tuple[int, str], tuple[float, float]]:
    """Return the effects of rows with other values, by the number of the repair and the row.

    As `effects` takes them: from the printed estimate where there is one, else computed.
    """
    frame = pool.studies.frame.set_index("estimate_id", drop=False)
    keys = [(i, row) for i, repair in enumerate(repairs) for row in repair.values]
    if not keys:
        return {}
    rows = pd.DataFrame([{**frame.loc[row], **repairs[i].values[row]} for i, row in keys])
    rows = rows.astype(frame.dtypes.to_dict())
    computed, reported = both_sources(replace(pool.studies, _frame=rows), pool.measure)
    known = np.isfinite(reported[0]) & np.isfinite(reported[1])
    yi, vi = (np.where(known, r, c) for r, c in zip(reported, computed, strict=True))
    return _paired(keys, yi, vi)


def _paired(keys: Iterable[Key], yi: Array, vi: Array) -> dict[Key, tuple[float, float]]:
    return dict(zip(keys, zip(yi.tolist(), vi.tolist(), strict=True), strict=True))


def _effects(tried: Sequence[tuple[int, Repair, Version, Version]], pool: Pool) -> list[Effect]:
    """Fit every version, before and after beside each other."""
    versions = [version for *_, before, after in tried for version in (before, after)]
    ids = list(dict.fromkeys(row for version in versions for row in version))
    yi, vi = _arrays(ids, versions)
    decided = _version(pool.effects)
    own = _pooled(pool.fits(yi, vi), pool.effects.scale)
    common = _pooled(pool.fits(yi, vi, common=True), pool.effects.scale)
    return [
        Effect(
            repair=repair.text,
            measure=pool.measure.id,
            scale=pool.effects.scale,
            in_force=after == decided,
            before=own[2 * i],
            after=own[2 * i + 1],
            common_before=common[2 * i],
            common_after=common[2 * i + 1],
        )
        for i, (_, repair, _, after) in enumerate(tried)
    ]


def _arrays(ids: Sequence[str], versions: Sequence[Version]) -> tuple[Array, Array]:
    """Return effects and variances of shape (ids, versions); inf where one lacks a row."""
    yi = np.zeros((len(ids), len(versions)))
    vi = np.full((len(ids), len(versions)), np.inf)
    place: Mapping[str, int] = {row: i for i, row in enumerate(ids)}
    for column, version in enumerate(versions):
        for row, (y, v) in version.items():
            yi[place[row], column], vi[place[row], column] = y, v
    return yi, vi


def _pooled(batch: Batch, scale: str) -> list[Pooled]:
    back = SCALES[scale].back
    ends = (back(batch.estimate), back(batch.ci_low), back(batch.ci_high), batch.tau2, batch.k)
    return [Pooled(*row) for row in zip(*(values.tolist() for values in ends), strict=True)]
