"""The golden networks: netmeta 3.3.1's results (R 4.2.2) and the tables that they rest on."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import comorbid_treatments as ct
import pandas as pd

DATA = Path(__file__).parents[3] / "tests" / "golden" / "data"
NAMES = ("senn2013", "franchini2012", "woods2010")


@cache
def golden(name: str, method: str) -> dict[str, Any]:
    with gzip.open(DATA / f"dat.{name}.json.gz", "rt", encoding="utf-8") as file:
        return dict(json.load(file)["network"][method])


@cache
def network(name: str) -> ct.Network:
    """The network of the golden contrasts; netmeta takes the first treatment as reference."""
    results = golden(name, "DL")
    table = pd.DataFrame(results["contrasts"])
    table["vi"] = table["seTE"] ** 2
    return ct.network(
        table,
        measure="OR" if name == "woods2010" else "MD",
        reference=results["trts"][0],
        study="studlab",
        yi="TE",
    )


def arms(name: str) -> pd.DataFrame:
    """The published table, one row an arm."""
    path = DATA / f"dat.{name}.csv"
    if name != "franchini2012":
        return pd.read_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            (row["Study"], row[f"Treatment{i}"], row[f"y{i}"], row[f"sd{i}"], row[f"n{i}"])
            for row in csv.DictReader(file)
            for i in "123"
            if row[f"Treatment{i}"]
        ]
    table = pd.DataFrame(rows, columns=["study", "treatment", "mi", "sdi", "ni"])
    return table.astype({"mi": float, "sdi": float, "ni": float})
