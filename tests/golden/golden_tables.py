"""The golden data sets as tables of studies, for whatever reads tables.

Counts, means, correlations and estimates are those of the data sets; a standard error is the root
of the variance printed there, to as many digits as that has.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from golden_data import DATA, dataset

import comorbid as cb
from comorbid.studies.read import studies_from_bytes

Record = dict[str, str]

COUNTED = {
    "bcg": ("OR", "RR", "RD"),
    "colditz1994": ("OR", "RR"),
    "collins1985a": ("OR", "RR", "RD", "PETO"),
    "dorn2007": ("OR", "RR"),
    "hine1989": ("OR", "RR", "RD"),
    "laopaiboon2015": ("OR", "RR"),
    "lau1992": ("OR",),
    "li2007": ("OR", "RR", "RD"),
    "nielweise2007": ("OR", "RR", "RD"),
    "nissen2007": ("OR", "RD"),
    "viechtbauer2021": ("OR",),
    "yusuf1985": ("OR", "PETO"),
}


def records(name: str) -> list[Record]:
    """Return the rows of a data set, NA as empty."""
    with (DATA / f"dat.{name}.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [{k: "" if v == "NA" else v for k, v in row.items()} for row in rows]


def studies_of(rows: Iterable[Mapping[str, str]]) -> cb.Studies:
    """Return rows as a table; those without a study id are s1, s2, ..."""
    known = [{"study_id": f"s{i}", **row} for i, row in enumerate(rows, start=1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(n for row in known for n in row)), restval="")
    writer.writeheader()
    writer.writerows(known)
    return studies_from_bytes(text.getvalue().encode(), source="golden.csv")


def counts(columns: Mapping[str, list[float | None]]) -> cb.Studies:
    """Return events and group sizes as 2x2 tables."""
    rows = zip(*(columns[key] for key in ("ai", "n1i", "ci", "n2i")), strict=True)
    full = [row for row in rows if None not in row]
    return studies_of(
        dict(zip(("ai", "bi", "ci", "di"), map(str, map(int, cells)), strict=True))
        for a, n1, c, n2 in full
        for cells in [(a, n1 - a, c, n2 - c)]
    )


def columns(name: str, *kept: str, keep: Callable[[Record], bool] = bool) -> cb.Studies:
    """Return some columns of a data set; ``a=b`` is column a as b."""
    names = [item.split("=") for item in kept]
    return studies_of(
        {pair[-1]: row[pair[0]] for pair in names} for row in records(name) if keep(row)
    )


def given(name: str, measure: str, *kept: str, exp: bool = False) -> cb.Studies:
    """Return effects with the roots of their variances as standard errors."""
    rows = []
    for row in records(name):
        estimate = row["yi"]
        if exp:
            estimate = f"{math.exp(float(estimate)):.{len(estimate.split('.')[1])}f}"
        se = f"{math.sqrt(float(row['vi'])):.{max(2, len(Decimal(row['vi']).as_tuple().digits))}g}"
        others = {pair[-1]: row[pair[0]] for pair in (item.split("=") for item in kept)}
        rows.append({"measure": measure, "estimate": estimate, "se": se, **others})
    return studies_of(rows)


def senn() -> cb.Studies:
    """Return the first two arms of each study of dat.senn2013."""
    arms: dict[str, list[Record]] = {}
    for row in records("senn2013"):
        arms.setdefault(row["study"], []).append(row)
    names = {"mi": "m{}i", "sdi": "sd{}i", "ni": "n{}i"}
    return studies_of(
        {new.format(i): arm[old] for i, arm in ((1, one), (2, two)) for old, new in names.items()}
        for one, two, *_ in arms.values()
    )


def tables() -> dict[str, tuple[cb.Studies, str]]:
    """Return every data set that can be read as a table of studies, with its measure."""
    found = {
        f"{name} {measure}": (counts(dataset(f"dat.{name}")["cols2x2"]), measure)
        for name, measures in COUNTED.items()
        for measure in measures
    }
    deaths = counts(dataset("dat.collins1985a")["cols2x2_death"])
    found |= {f"collins1985a deaths {m}": (deaths, m) for m in ("OR", "RD")}
    printed = ("or=estimate", "or.lb=ci_low", "or.ub=ci_high", "author", "year", "country")
    hackshaw = records("hackshaw1998")
    names = dict(item.split("=") for item in printed if "=" in item)
    found["hackshaw1998"] = (
        studies_of(
            {"measure": "OR", **{new: row[old] for old, new in names.items()}}
            | {name: row[name] for name in ("author", "year", "country")}
            for row in hackshaw
        ),
        "OR",
    )
    groups = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
    normand = columns("normand1999", *groups)
    found |= {f"normand1999 {m}": (normand, m) for m in ("MD", "SMD", "SMDH", "ROM")}
    found["curtis1998"] = (
        columns("curtis1998", "paper=study_id", "id=estimate_id", *groups),
        "ROM",
    )
    found["franchini2012"] = (
        columns(
            "franchini2012",
            *(f"{n[:-2]}{n[-2]}={n}" if n[0] != "m" else f"y{n[1]}={n}" for n in groups),
        ),
        "MD",
    )
    found["senn2013"] = (senn(), "MD")
    molloy = columns("molloy2014", "ri", "ni", "authors=author", "year")
    found |= {f"molloy2014 {m}": (molloy, m) for m in ("COR", "ZCOR")}
    found |= {
        f"pritz1997 {m}": (columns("pritz1997", "xi", "ni", "authors=author"), m)
        for m in ("PR", "PLO")
    }
    events = ("x1i", "t1i", "x2i", "t2i", "year")
    found |= {f"nielweise2008 {m}": (columns("nielweise2008", *events), m) for m in ("IRR", "IRD")}
    logrank = ("id=study_id", "OmE=o_minus_e", "V=v_logrank")
    found["pignon2000"] = (columns("pignon2000", *logrank), "HR")
    who = ("author", "year", "n1i", "n2i")
    found["raudenbush1985"] = (given("raudenbush1985", "SMD", *who), "SMD")
    found["bangertdrowns2004"] = (given("bangertdrowns2004", "SMD", "author", "ni=n"), "SMD")
    found["konstantopoulos2011"] = (given("konstantopoulos2011", "SMD"), "SMD")
    found["assink2016"] = (given("assink2016", "SMD", "study=study_id", "id=estimate_id"), "SMD")
    found["riley2003"] = (given("riley2003", "HR", exp=True), "HR")
    found["begg1989"] = (given("begg1989", "PR"), "PR")
    found["berkey1998"] = (given("berkey1998", "MD", "ni=n"), "MD")
    return found
