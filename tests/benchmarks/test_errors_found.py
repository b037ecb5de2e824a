"""How many errors the audit finds, and how often it raises a false alarm; printed, not asserted.

Run with ``tox run -e bench``. Errors are made by `injected`, with a seed, in clean tables of the
golden data sets. An error is found if the audit has a finding about its row that it did not have
before, or the table is refused when it is read. Its false alarms are the clean rows, of the tables
that can have the error, about which there is a finding of one of the codes that found it.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from injected import ERRORS, Outcome, clean_findings, clean_tables, inject

pytestmark = pytest.mark.benchmark

LEAST, EACH = 4, 60
"""Errors of a kind: in each table at least, and in all tables that can have it together."""


def outcomes() -> list[Outcome]:
    rng = np.random.default_rng(20170307)
    made = []
    for kind, error in ERRORS.items():
        tables = {
            name: rows
            for name, rows in clean_tables().items()
            if any(error(rows, i, rng) is not None for i in range(len(rows)))
        }
        for table, rows in tables.items():
            chosen = rng.permutation(len(rows))
            tried = (inject(kind, table, int(i), rng) for i in chosen)
            outcomes_here = (outcome for outcome in tried if outcome is not None)
            made += islice(outcomes_here, max(LEAST, EACH // len(tables)))
    return made


def form(table: str) -> str:
    return table.partition(", ")[2]


def test_errors_found(capsys: pytest.CaptureFixture[str]) -> None:
    made = outcomes()
    rows = sorted({(outcome.kind, form(outcome.table)) for outcome in made})
    lines = [f"{'error':<22}{'table':<24}{'found':>14}{'false alarms':>16}  by"]
    for kind, kind_of_table in rows:
        cases = [o for o in made if (o.kind, form(o.table)) == (kind, kind_of_table)]
        lines.append(_line(kind, kind_of_table, cases))
    lines += [_line(kind, "all", [o for o in made if o.kind == kind]) for kind in ERRORS]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert len(made) > 300


def test_false_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    tables = clean_tables()
    found = {table: clean_findings(table) for table in tables}
    accused = sum(len({row for _, rows in keys for row in rows}) for keys in found.values())
    every = sum(len(rows) for rows in tables.values())
    lines = [
        f"{sum(map(bool, found.values()))} of {len(tables)} clean tables have a finding,"
        f" {accused} of their {every} rows ({100 * accused / every:.1f} %)"
    ]
    lines += [
        f"  {table}: {code} ({', '.join(rows)})"
        for table, keys in found.items()
        for code, rows in sorted(keys)
    ]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert every > 500


def _line(kind: str, kind_of_table: str, cases: list[Outcome]) -> str:
    codes = Counter(code for outcome in cases for code in outcome.codes)
    by = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    found = _share(sum(outcome.found for outcome in cases), len(cases))
    tables = {outcome.table for outcome in cases}
    accused = sum(
        len({row for code, rows in clean_findings(table) if code in codes for row in rows})
        for table in tables
    )
    alarms = _share(accused, sum(len(clean_tables()[table]) for table in tables))
    return f"{kind:<22}{kind_of_table:<24}{found:>14}{alarms:>16}  {by}"


def _share(number: int, of: int) -> str:
    return f"{number}/{of} {100 * number / of:5.1f} %"
