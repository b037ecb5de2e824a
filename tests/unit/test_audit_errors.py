"""Errors that people make, in clean tables of the golden data sets: the audit finds them.

How many of each kind it finds is printed by tests/benchmarks/test_errors_found.py; here every kind
is found where the table has what it takes.
"""

from __future__ import annotations

import numpy as np
import pytest
from injected import ERRORS, clean_findings, clean_tables, inject

# Two publications of one first author in one country each, at most five years apart (Garfinkel 1981
# and 1985, Lam, Brownson, Liu): only the papers say whether people are in both.
SAME_AUTHORS = {("s1", "s11"), ("s10", "s18"), ("s20", "s29"), ("s27", "s32")}


# What the pool looks like, which no table is wrong for; tests/golden has the list of these.
OF_THE_POOL = {"outlier", "reversed-direction", "nearly-all-weight"}


@pytest.mark.parametrize("table", clean_tables())
def test_no_false_alarm_in_a_clean_table(table: str) -> None:
    expected = {("same-people", rows) for rows in SAME_AUTHORS} if "hackshaw" in table else set()
    assert {found for found in clean_findings(table) if found[0] not in OF_THE_POOL} == expected


CASES = [
    ("digit transposed", "bcg, counts and estimates", "counts-disagree"),
    ("digit transposed", "bcg, counts and n", "counts-exceed-n"),
    ("digit transposed", "hackshaw1998, estimates", "asymmetric-interval"),
    ("digit transposed", "simulated, scores of whole numbers", "impossible-mean"),
    ("SE for SD", "franchini2012, means", "se-for-sd"),
    ("SD for SE", "raudenbush1985, standard errors", "sd-for-se"),
    ("log for ratio", "hackshaw1998, estimates", "refused when read"),
    ("arms swapped", "bcg, counts and estimates", "reversed-direction"),
    ("duplicate study", "bcg, counts", "same-figures"),
    ("duplicate study", "hackshaw1998, estimates", "same-figures"),
    ("duplicate study", "normand1999, means", "same-figures"),
    ("percentage for count", "bcg, counts and n", "counts-exceed-n"),
]


@pytest.mark.parametrize(("kind", "table", "code"), CASES)
def test_an_error_is_found(kind: str, table: str, code: str) -> None:
    rng = np.random.default_rng(1)
    made = [inject(kind, table, i, rng) for i in range(min(6, len(clean_tables()[table])))]
    assert any(outcome is not None and code in outcome.codes for outcome in made)


def test_every_kind_is_looked_for() -> None:
    assert {kind for kind, _, _ in CASES} == set(ERRORS)
