"""Clean tables of studies from the golden data sets, and errors of the kinds that people make.

The figures are those of the data sets. Odds ratios and intervals beside counts, and differences
and standard errors beside means, are computed from these and rounded, as a paper would print them.
No data set has an outcome that is known to be whole numbers; a simulated one, with a seed, stands
in for those. Which row gets an error, and where in it, is drawn with a seed.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from golden_data import DATA, dataset

import comorbid as cb
from comorbid.studies.read import studies_from_bytes

Rows = list[dict[str, str]]
CELLS = ("ai", "bi", "ci", "di")
PRINTED = ("estimate", "ci_low", "ci_high")
EXACT = "log ratio and half width, exactly"  # kept beside a row, and not part of its table
GROUPS = (("m1i", "sd1i", "n1i"), ("m2i", "sd2i", "n2i"))
COUNTED = (
    *("bcg", "collins1985a", "dorn2007", "hine1989", "laopaiboon2015", "lau1992", "li2007"),
    *("nielweise2007", "nissen2007", "viechtbauer2021", "yusuf1985"),
)
Z = NormalDist().inv_cdf(0.975)
STANDARDISED = {"raudenbush1985": ("n1i", "n2i"), "bangertdrowns2004": ("ni",)}


def studies_of(rows: Rows) -> cb.Studies:
    names = list(dict.fromkeys(name for row in rows for name in row if name != EXACT))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return studies_from_bytes(text.getvalue().encode(), source="clean.csv")


def raw(name: str) -> Rows:
    with (DATA / f"dat.{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def clean_tables() -> dict[str, Rows]:
    """The tables by name: the data set, and what of it the table has."""
    tables: dict[str, Rows] = {}
    for name in COUNTED:
        counts = counted(name)
        tables[f"{name}, counts and n"] = counts
        tables[f"{name}, counts"] = [
            {key: cell for key, cell in row.items() if key != "n"} for row in counts
        ]
        both = [with_estimate(row) for row in counts]
        tables[f"{name}, counts and estimates"] = both
        tables[f"{name}, estimates"] = [
            {key: cell for key, cell in row.items() if key not in CELLS}
            for row in both
            if "estimate" in row
        ]
    tables["hackshaw1998, estimates"] = hackshaw()
    pairs = (("y1", "sd1", "n1"), ("y2", "sd2", "n2"))
    for name, groups in {"normand1999": GROUPS, "franchini2012": pairs}.items():
        rows = means(raw(name), groups, "MD")
        tables[f"{name}, means"] = rows
        tables[f"{name}, means and estimates"] = [with_difference(row) for row in rows]
    tables["curtis1998, means"] = means(raw("curtis1998"), GROUPS, "ROM")
    tables["simulated, scores of whole numbers"] = simulated_scores()
    for name, sizes in STANDARDISED.items():
        tables[f"{name}, standard errors"] = [
            {
                **_id(i),
                "measure": "SMD",
                "estimate": row["yi"],
                "se": f"{math.sqrt(float(row['vi'])):.3f}",
                "n": str(sum(int(row[size]) for size in sizes)),
            }
            for i, row in enumerate(raw(name))
        ]
    return tables


def counted(name: str) -> Rows:
    columns = dataset(f"dat.{name}")["cols2x2"]
    rows = zip(*(columns[key] for key in ("ai", "n1i", "ci", "n2i")), strict=True)
    return [
        {
            **_id(i),
            "measure": "OR",
            **{key: f"{x:.0f}" for key, x in zip(CELLS, (a, n1 - a, c, n2 - c), strict=True)},
            "n": f"{n1 + n2:.0f}",
        }
        for i, (a, n1, c, n2) in enumerate(rows)
        if None not in (a, n1, c, n2)
    ]


def with_estimate(row: dict[str, str]) -> dict[str, str]:
    a, b, c, d = (float(row[name]) for name in CELLS)
    if min(a, b, c, d) == 0:
        return row
    middle, width = math.log(a * d / b / c), Z * math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    figures = _printed(middle, width)
    return row if "0.00" in figures.values() else {**row, **figures, EXACT: f"{middle} {width}"}


def _printed(middle: float, width: float) -> dict[str, str]:
    ends = (middle, middle - width, middle + width)
    return {name: f"{math.exp(x):.2f}" for name, x in zip(PRINTED, ends, strict=True)}


def hackshaw() -> Rows:
    return [
        {
            **_id(i),
            **{name: row[name] for name in ("author", "year", "country")},
            "measure": "RR",
            **dict(zip(PRINTED, (row["or"], row["or.lb"], row["or.ub"]), strict=True)),
            EXACT: f"{row['yi']} {Z * math.sqrt(float(row['vi']))}",
        }
        for i, row in enumerate(raw("hackshaw1998"))
    ]


def means(rows: Rows, groups: tuple[tuple[str, str, str], ...], measure: str) -> Rows:
    return [
        {
            **_id(i),
            "measure": measure,
            **{
                new: row[old]
                for names, olds in zip(GROUPS, groups, strict=True)
                for new, old in zip(names, olds, strict=True)
            },
        }
        for i, row in enumerate(rows)
        if all(row[old] for olds in groups for old in olds)
    ]


def with_difference(row: dict[str, str]) -> dict[str, str]:
    """A row of means with their difference and its standard error, to three digits."""
    (m1, sd1, n1), (m2, sd2, n2) = ([float(row[name]) for name in names] for names in GROUPS)
    figures = {"estimate": m1 - m2, "se": math.sqrt(sd1**2 / n1 + sd2**2 / n2)}
    return {**row, **{name: f"{value:.3g}" for name, value in figures.items()}}


def simulated_scores(k: int = 12) -> Rows:
    """Pain from 0 to 10 in two groups of k trials, one whole number a person; no study's data."""
    rng = np.random.default_rng(26968)
    rows = []
    for i in range(k):
        row = {**_id(i), "measure": "MD", "items": "1", "scale_low": "0", "scale_high": "10"}
        for middle, (mean, sd, n) in zip((4.5, 5.5), GROUPS, strict=True):
            people = int(rng.integers(15, 90))
            scores = np.clip(np.rint(rng.normal(rng.normal(middle, 0.4), 2.2, people)), 0, 10)
            row |= {mean: f"{scores.mean():.2f}", sd: f"{scores.std(ddof=1):.2f}", n: f"{people}"}
        rows.append(row)
    return rows


def _id(i: int) -> dict[str, str]:
    return {"study_id": f"s{i + 1}"}


Inject = Callable[[Rows, int, np.random.Generator], Rows | None]


def digit_transposed(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """Two digits next to each other change places in one figure."""
    names = [
        name
        for name in (*CELLS, *PRINTED, *GROUPS[0], *GROUPS[1], "se", "n")
        if any(_swaps(rows[i].get(name, "")))
    ]
    if not names:
        return None
    name = names[rng.integers(len(names))]
    swaps = _swaps(rows[i][name])
    return _with(rows, i, {name: swaps[rng.integers(len(swaps))]})


def _swaps(cell: str) -> list[str]:
    pairs = [
        (j, k)
        for j in range(len(cell))
        for k in (j + 1, j + 2)
        if cell[j].isdigit() and cell[k : k + 1].isdigit() and cell[j + 1 : k] in ("", ".")
    ]
    swapped = [cell[:j] + cell[k] + cell[j + 1 : k] + cell[j] + cell[k + 1 :] for j, k in pairs]
    return [text for text in swapped if float(text) != float(cell) and float(text) != 0]


def se_for_sd(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """Standard errors of both groups in the place of standard deviations."""
    if "sd1i" not in rows[i]:
        return None
    return _with(
        rows,
        i,
        {sd: f"{float(rows[i][sd]) / math.sqrt(float(rows[i][n])):.3g}" for _, sd, n in GROUPS},
    )


def sd_for_se(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """The reverse: a standard error times the square root of n."""
    if "se" not in rows[i] or "n" not in rows[i]:
        return None
    return _with(rows, i, {"se": f"{float(rows[i]['se']) * math.sqrt(float(rows[i]['n'])):.3f}"})


def log_for_ratio(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """The logarithms of a ratio and its interval."""
    if not set(PRINTED) <= set(rows[i]):
        return None
    return _with(rows, i, {name: f"{math.log(float(rows[i][name])):.2f}" for name in PRINTED})


def arms_swapped(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """The groups have changed places: in the counts, else in the estimate, else in the means."""
    row = rows[i]
    if "ai" in row:
        return _with(
            rows, i, dict(zip(CELLS, (row[x] for x in ("ci", "di", "ai", "bi")), strict=True))
        )
    if row["measure"] in ("OR", "RR"):
        middle, width = map(float, row[EXACT].split())
        return _with(rows, i, _printed(-middle, width))
    if "m1i" in row:
        return _with(
            rows,
            i,
            {to: row[name] for a, b in zip(*GROUPS, strict=True) for to, name in ((a, b), (b, a))},
        )
    return _with(rows, i, {"estimate": f"{-float(row['estimate'])}"})


def duplicate_study(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """The same study once more under another name."""
    return [*rows, {**rows[i], "study_id": "again"}]


def percentage_for_count(rows: Rows, i: int, rng: np.random.Generator) -> Rows | None:
    """A count of events as a percentage of its group."""
    if "ai" not in rows[i]:
        return None
    events, others = float(rows[i]["ai"]), float(rows[i]["bi"])
    percentage = f"{100 * events / (events + others):.0f}"
    return None if percentage == rows[i]["ai"] else _with(rows, i, {"ai": percentage})


ERRORS: dict[str, Inject] = {
    "digit transposed": digit_transposed,
    "SE for SD": se_for_sd,
    "SD for SE": sd_for_se,
    "log for ratio": log_for_ratio,
    "arms swapped": arms_swapped,
    "duplicate study": duplicate_study,
    "percentage for count": percentage_for_count,
}


def _with(rows: Rows, i: int, cells: dict[str, str]) -> Rows:
    return [*rows[:i], {**rows[i], **cells}, *rows[i + 1 :]]


@dataclass(frozen=True)
class Outcome:
    """What became of one error: the codes of the findings that it brought about."""

    kind: str
    table: str
    row: str
    codes: tuple[str, ...]

    @property
    def found(self) -> bool:
        return bool(self.codes)


Keys = frozenset[tuple[str, tuple[str, ...]]]


def findings(rows: Rows) -> Keys:
    return frozenset((found.code, found.rows) for found in cb.audit(studies_of(rows)).findings)


@cache
def clean_findings(table: str) -> Keys:
    return findings(clean_tables()[table])


def inject(kind: str, table: str, i: int, rng: np.random.Generator) -> Outcome | None:
    """Make an error in a row of a clean table; None where the row cannot have it."""
    rows = clean_tables()[table]
    wrong = ERRORS[kind](rows, i, rng)
    if wrong is None:
        return None
    row = rows[i]["study_id"]
    try:
        after = findings(wrong)
    except cb.DataError:
        return Outcome(kind, table, row, ("refused when read",))
    new = after - clean_findings(table)
    about = sorted({code for code, found in new if {row, "again"} & set(found)})
    return Outcome(kind, table, row, tuple(about))
