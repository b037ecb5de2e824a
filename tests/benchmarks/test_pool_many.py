"""A pool for each of a million pairs of conditions, from Parquet files: comorbid beside metafor.

The pairs are those of `phenome`, a seeded simulation, with 5 to 60 estimates each. Of every pair
comorbid also fits what is left without each of its studies; metafor's time is that of a sample of
pairs, without that, scaled up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import phenome
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from bench import Bench, Theirs, agreement
from memory import Use, used
from r_side import Array, Control, Found, Metafor
from table import Row, Target
from timing import clocked, exponent, in_turn

from comorbid.models.compiled import available

pytestmark = pytest.mark.benchmark

CONDITIONS = (142, 448, 1415)
KEYS = ["exposure", "outcome"]
COLUMNS = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2")
SAMPLE = 200


def pooled(source: Path, out: Path, *, numba: bool) -> Use:
    """Run `pool_many` in a process of its own."""
    before = "import comorbid.many.settings as settings; cb.pool(effects(14))"
    if not numba:
        before += "; settings.available = lambda: False"
    return used(f"cb.pool_many({str(source)!r}, by={KEYS!r}, out={str(out)!r})", before)


@dataclass(frozen=True, slots=True)
class Case:
    """A phenome of so many pairs of conditions: its files, and what pooling it uses."""

    groups: int
    estimates: Path
    out: Path
    use: Use


def case(folder: Path, conditions: int, *, numba: bool) -> Case:
    source = folder / f"{conditions}"
    if not source.exists():
        phenome.write(source, conditions=conditions, seed=1, model="normal")
    groups = conditions * (conditions - 1) // 2
    out = folder / f"{conditions}-{'numba' if numba else 'numpy'}.parquet"
    use = pooled(source / "estimates", out, numba=numba)
    assert pq.read_metadata(out).num_rows == groups
    return Case(groups, source / "estimates", out, use)


def test_pool_many(bench: Bench, tmp_path: Path) -> None:
    """NumPy alone, which takes minutes for a million groups, pools a tenth of them."""
    small, middle, _ = CONDITIONS
    numpy = [case(tmp_path, conditions, numba=False) for conditions in (small, middle)]
    report(bench, "NumPy alone", numpy)
    if available():
        cases = [case(tmp_path, conditions, numba=True) for conditions in CONDITIONS]
        report(bench, "numba", cases)
        tables = [pq.read_table(one.out).to_pandas() for one in (numpy[-1], cases[1])]
        for name in COLUMNS:
            np.testing.assert_allclose(*(table[name] for table in tables), rtol=1e-9, atol=1e-9)


def report(bench: Bench, engine: str, cases: list[Case]) -> None:
    """Keep the figures of growing cases, the last of which metafor has a sample of."""
    last = cases[-1]
    name = f"pool_many, {last.groups:,} groups"
    metafor = None
    if bench.r is not None:
        theirs, ours = sample(bench.r, last)
        bench.report.notes.append(f"{name}, {engine}: {agreement(lambda found: ours, theirs)}")
        seconds = in_turn({"metafor": lambda: theirs("default").seconds}, runs=3)["metafor"]
        metafor = seconds * last.groups / SAMPLE
    read = in_turn({"read": clocked(lambda: _read(last.estimates))}, runs=3)["read"]
    numba = engine == "numba"
    large = last.groups > 10**6
    bench.report.rows.append(
        Row(
            name,
            ours=None if numba else last.use.seconds,
            compiled=last.use.seconds if numba else None,
            metafor=metafor,
            scaled=True,
            least=Target(most=60) if large else Target(),
            goal=Target(most=read) if large else Target(),
        )
    )
    for one in cases:
        memory, least = f"  its memory, {one.groups:,} groups", Target(most=2000)
        bench.report.rows.append(Row(memory, one.use.megabytes, unit="MB", least=least))
    power = exponent([one.groups for one in cases], [one.use.seconds for one in cases])
    each = ", ".join(f"{one.groups:,}: {one.use.seconds:.3g} s" for one in cases)
    bench.report.notes.append(f"cost of pool_many's groups, {engine}: as n^{power:.2f} ({each})")


def _read(folder: Path) -> int:
    columns = [*KEYS, "yi", "vi"]
    return sum(len(pq.read_table(path, columns=columns)) for path in folder.iterdir())


def sample(r: Metafor, case: Case) -> tuple[Theirs, dict[str, Array]]:
    """Return metafor's side of a sample of groups, and our results of it."""
    results = pq.read_table(case.out).to_pandas()
    chosen = results.iloc[np.linspace(0, len(results) - 1, SAMPLE).astype(int)]
    exposures = chosen["exposure"].astype(str).unique().tolist()
    some = (
        ds.dataset(case.estimates).to_table(filter=ds.field("exposure").isin(exposures)).to_pandas()
    )
    pairs = dict(iter(some.astype(dict.fromkeys(KEYS, str)).groupby(KEYS)))
    sets = [pairs[key] for key in zip(*(chosen[key].astype(str) for key in KEYS), strict=True)]
    yi, vi = np.full((2, max(map(len, sets)), SAMPLE), np.nan)
    for place, rows in enumerate(sets):
        yi[: len(rows), place], vi[: len(rows), place] = rows["yi"], rows["vi"]

    def theirs(control: Control) -> Found:
        return r.do("many", yi, vi, control=control)

    return theirs, {name: chosen[name].to_numpy() for name in COLUMNS}
