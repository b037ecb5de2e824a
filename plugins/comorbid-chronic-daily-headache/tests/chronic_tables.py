"""Study tables for tests, and reports on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comorbid as cb

REPORT = Path(__file__).parents[3] / "reports" / "headache-back-pain"
HEADER = (
    "estimate_id,study_id,measure,estimate,ci_low,ci_high,headache,headache_days_low,"
    "headache_days_high,both,back_pain_only,headache_only,neither,n_analysed,primary\n"
)
# Ashina 2018 and Yoon 2013 as printed (Table 3 of the review, and Yoon's abstract).
ASHINA = (
    "a-1,a,OR,1.7,1.2,2.5,episodic,,15,,,,,796,yes\n",
    "a-2,a,OR,1.9,0.8,4.5,chronic,15,,,,,,796,no\n",
)
YOON = (
    "y-1,y,OR,2.1,1.7,2.6,episodic,,,,,,,9944,yes\n",
    "y-2,y,OR,2.7,2.3,3.2,episodic,,,,,,,9944,no\n",
    "y-3,y,OR,13.7,7.4,25.3,chronic,15,,,,,,9944,no\n",
    "y-4,y,OR,18.3,11.9,28.0,chronic,15,,,,,,9944,no\n",
)
OTHER = "o-1,o,OR,2.0,1.5,2.7,any,,,,,,,500,yes\np-1,p,OR,2.5,1.5,4.2,any,,,,,,,400,yes\n"
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["chronic-daily-headache"]
plugins = ["comorbid-chronic-daily-headache >=1,<2"]
"""


def report(folder: Path, *rows: str, more: str = "") -> Any:
    """Build a report with the section alone on these rows."""
    folder.mkdir(exist_ok=True)
    (folder / "report.toml").write_text(TOML + more, encoding="utf-8")
    (folder / "studies.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return cb.build(folder)


def values(built: Any, id_: str) -> dict[str, Any]:
    """The locked values of one analysis."""
    found: dict[str, Any] = built.lock["results"][id_]["values"]
    return found


def text(built: Any) -> str:
    """The section as text, without the drawings."""
    section, *_ = built.document.sections  # references may follow
    return " ".join(
        f"{block.caption} {block.alt}" if isinstance(block, cb.Figure) else str(block)
        for block in section.blocks
    )
