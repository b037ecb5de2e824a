"""Chronic against episodic headache, and the trend over headache days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import comorbid as cb


@cb.hookimpl
def comorbid_columns() -> Iterable[cb.Column]:
    """Declare the columns that hold the days a month of a row, and its definition."""
    from comorbid_chronic_daily_headache.rows import DAYS, DEFINITION, MOST_DAYS

    def possible(values: Any) -> Any:
        return (values >= 0) & (values <= MOST_DAYS)

    days = (
        cb.Column(
            name,
            "number",
            description=f"the {which} number of headache days a month of this row as its "
            "definition prints it, from 0 to 30, and nothing where the definition is open",
            check=possible,
        )
        for name, which in zip(DAYS, ("smallest", "largest"), strict=True)
    )
    words = cb.Column(DEFINITION, "text", description="how the study defines the headache")
    return (*days, words)


@cb.hookimpl
def comorbid_subgroups() -> Iterable[cb.Subgroup]:
    """Declare the subgroup of chronic headache."""
    return (
        cb.Subgroup(
            id="chronic",
            label="chronic headache",
            where={"headache": ("chronic",)},
            rationale=(
                "Headache on 15 or more days a month is called chronic (ICHD-3). This subgroup "
                "looks at whether the association differs there."
            ),
            prespecified=False,
        ),
    )


@cb.hookimpl
def comorbid_analyses() -> Iterable[cb.Analysis]:
    """Declare the contrasts within studies, the trend over days, and the average of all rows."""
    from comorbid_chronic_daily_headache import methods
    from comorbid_chronic_daily_headache.contrasts import contrasts
    from comorbid_chronic_daily_headache.rows import all_rows
    from comorbid_chronic_daily_headache.trend import trends

    return (
        cb.Analysis(
            "chronic-against-episodic",
            "Chronic against episodic headache",
            contrasts,
            methods=methods.CONTRASTS,
            references=methods.REFERENCES,
        ),
        cb.Analysis(
            "headache-days",
            "Trend over headache days",
            trends,
            methods=methods.TRENDS,
            references=methods.REFERENCES,
        ),
        cb.Analysis(
            "chronic-all-rows",
            "All rows on chronic headache",
            all_rows,
            methods=methods.ALL_ROWS,
        ),
    )


@cb.hookimpl
def comorbid_sections() -> Iterable[cb.Section]:
    """Declare the section."""
    from comorbid_chronic_daily_headache.methods import REFERENCES
    from comorbid_chronic_daily_headache.section import section

    needs = ("chronic-against-episodic", "headache-days", "chronic", "chronic-all-rows")
    constants = ("15 or more days", "0 days for", "0 or 30 days", "put at 0")
    return (
        cb.Section(
            "chronic-daily-headache",
            "Chronic daily headache",
            section,
            needs=needs,
            constants=constants,
            references=REFERENCES,
        ),
    )
