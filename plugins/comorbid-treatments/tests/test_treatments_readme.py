"""The README's code runs, and its tables name what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import comorbid_treatments as ct
from comorbid_treatments.table import COLUMNS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_python_example_runs() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["fit"].network.treatments == ("Placebo", "Salmeterol")


def test_every_function_is_explained() -> None:
    explained = set(re.findall(r"^\| .*$", README, re.MULTILINE))
    words = " ".join(explained)
    functions = {name for name in ct.__all__ if name[0].islower()}
    assert {name for name in functions if f"`{name}" not in words} == set()


def test_every_column_is_explained() -> None:
    text = README.partition("## In a report")[2]
    assert {column.name for column in COLUMNS if f"`{column.name}`" not in text} == set()
    table = " ".join(re.findall(r"^\| (.*?) \|", text, re.MULTILINE))
    required = {column.name for column in COLUMNS if column.required}
    assert set(re.findall(r"`(\w+)`", table)) == required
