"""The golden effect sizes: what was given to metafor's functions, and what they returned.

Where the golden file holds results without their inputs (`smd_from_t`, `conv*`), the inputs below
are the round numbers that reproduce every digit of them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golden_data import DATA, dataset

Column = list[float]
NAN = float("nan")

OPTIONS: dict[str, dict[str, Any]] = {
    "twobytwo": {},
    "twobytwo_add_all": {"add": 0.5, "to": "all"},
    "twobytwo_to_none": {"to": "none"},
    "twobytwo_drop00": {"drop00": "yes"},
    "twobytwo_if0all": {"to": "if0all"},
    **{name: {} for name in ("twogroup", "cor", "prop", "rate1", "rate2", "mean1", "prepost")},
    "alpha": {},
}


@dataclass(frozen=True)
class Case:
    """One call of `escalc`, with what metafor's returned for the rows it kept."""

    dataset: str
    quantity: str
    measure: str
    arguments: dict[str, Any]
    yi: Column
    vi: Column


def column(values: list[Any]) -> Column:
    return [NAN if value is None else float(value) for value in values]


def _sections() -> Iterator[Case]:
    golden = dataset("escalc")
    for section, options in OPTIONS.items():
        inputs = {name: column(values) for name, values in golden[section]["input"].items()}
        for key, result in golden[section].items():
            if key == "input":
                continue
            measure, _, vtype = key.partition("/")
            arguments = {**inputs, **options, **({"vtype": vtype} if vtype else {})}
            yield Case(
                "escalc",
                f"{section} {key}",
                measure,
                arguments_of(measure, arguments),
                column(result["yi"]),
                column(result["vi"]),
            )


def arguments_of(measure: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Leave out what metafor ignores and `escalc` refuses: a group's mean for a ratio of SDs."""
    ignored = {
        "SMD1": {"sd1i"},
        "VR": {"m1i", "m2i"},
        "VRC": {"m1i", "m2i"},
        "SDLN": {"mi"},
        "SMCR": {"sd2i"},
    }
    return {name: x for name, x in arguments.items() if name not in ignored.get(measure, set())}


def _conversions() -> Iterator[Case]:
    golden = dataset("escalc")
    hackshaw = table("dat.hackshaw1998")[:3]
    yield Case(
        "escalc",
        "smd_from_t",
        "SMD",
        {"ti": [2.1, -0.4, 1.3], "n1i": [20, 28, 10], "n2i": [22, 30, 12]},
        golden["smd_from_t"]["yi"],
        golden["smd_from_t"]["vi"],
    )
    yield Case(
        "escalc",
        "p_to_se",
        "GEN",
        # of z = 5 and z = -1
        {"estimate": [0.5, -0.2], "p_value": [math.erfc(z / math.sqrt(2)) for z in (5, 1)]},
        golden["p_to_se"]["yi"],
        golden["p_to_se"]["vi"],
    )
    yield Case(
        "escalc",
        "conv.wald",
        "OR",
        printed(hackshaw),
        golden["conv.wald"]["yi"],
        golden["conv.wald"]["vi"],
    )


def table(name: str) -> list[dict[str, str]]:
    with open(DATA / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], **names: str) -> dict[str, Column]:
    return {
        to: [float(row[name]) if row[name] else NAN for row in rows] for to, name in names.items()
    }


def printed(rows: list[dict[str, str]]) -> dict[str, Column]:
    return numbers(rows, estimate="or", ci_low="or.lb", ci_high="or.ub")


def _same(rows: list[dict[str, str]], *names: str) -> dict[str, Column]:
    return numbers(rows, **{name: name for name in names})


def _from_tables() -> Iterator[tuple[str, str, str, dict[str, Column]]]:
    """Data set, analysis, measure and inputs of each analysis that rests on more than yi and vi."""
    for path in sorted(DATA.glob("dat.*.json.gz")):
        name = path.name.removesuffix(".json.gz")
        data = dataset(name)
        for analysis in data["analyses"] or {}:
            prefix, _, measure = analysis.rpartition("_")
            cells = data.get(f"cols2x2_{prefix}" if prefix else "cols2x2")
            if cells and measure in ("OR", "RR", "RD", "PETO"):
                yield name, analysis, measure, {key: column(x) for key, x in cells.items()}
    groups = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
    swapped = ("m2i", "sd2i", "n2i", "m1i", "sd1i", "n1i")  # the second is elevated CO2
    curtis = numbers(table("dat.curtis1998"), **dict(zip(groups, swapped, strict=True)))
    yield "dat.curtis1998", "ROM", "ROM", curtis
    for name, measures, inputs in (
        ("dat.normand1999", ("MD", "SMD", "SMDH", "ROM"), groups),
        ("dat.molloy2014", ("ZCOR", "COR"), ("ri", "ni")),
        ("dat.nielweise2008", ("IRR", "IRD"), ("x1i", "t1i", "x2i", "t2i")),
        ("dat.pritz1997", ("PR", "PLN", "PLO", "PAS", "PFT"), ("xi", "ni")),
        ("dat.bonett2010", ("ABT", "AHW", "ARAW"), ("ai", "mi", "ni")),
    ):
        for measure in measures:
            yield name, measure, measure, _same(table(name), *inputs)
    for outcome in ("DFS", "OS"):
        rows = [row for row in table("dat.riley2003") if row["outcome"] == outcome]
        yield "dat.riley2003", outcome, "GEN", numbers(rows, yi="yi", sei="sei")
    yield "dat.begg1989", "PR", "GEN", numbers(table("dat.begg1989"), yi="yi", sei="sei")
    yield "dat.hackshaw1998", "logOR", "OR", printed(table("dat.hackshaw1998"))
    pignon = numbers(table("dat.pignon2000"), o_minus_e="OmE", v_logrank="V")
    yield "dat.pignon2000", "logHR", "HR", pignon


def _analyses() -> Iterator[Case]:
    for name, analysis, measure, inputs in _from_tables():
        golden = dataset(name)["analyses"][analysis]
        rows = [row for row in zip(*inputs.values(), strict=True) if not any(map(math.isnan, row))]
        columns = map(list, zip(*rows, strict=True))
        arguments = dict(zip(inputs, columns, strict=True))
        yield Case(name, analysis, measure, arguments, column(golden["yi"]), column(golden["vi"]))


def cases() -> list[Case]:
    return [*_sections(), *_conversions(), *_analyses()]
