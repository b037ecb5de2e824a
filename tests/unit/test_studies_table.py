"""The table of studies as a value: selections, copies and views."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from comorbid.errors import DataError
from comorbid.studies import Studies
from comorbid.studies.datasets import headache_back_pain
from comorbid.studies.read import studies_from_bytes
from comorbid.studies.table import FRAME_COLUMNS


@pytest.fixture(scope="module")
def studies() -> Studies:
    return headache_back_pain()


def small(text: str) -> Studies:
    return studies_from_bytes(text.encode(), source="s.csv")


def test_a_changed_frame_does_not_change_the_table(studies: Studies) -> None:
    frame, printed = studies.frame, studies.printed
    frame.loc[0, "estimate"] = 99.0
    del frame["n"]
    printed.loc[0, "estimate"] = "99"
    values = studies.to_frame()["ai"]
    values.iloc[0] = -1.0
    assert studies.frame.loc[0, "estimate"] == 2.1
    assert "n" in studies.frame
    assert studies.printed.loc[0, "estimate"] == "2.1"
    assert studies.frame.loc[0, "ai"] == 816


def test_the_value_is_frozen(studies: Studies) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        studies.source = "other.csv"  # type: ignore[misc]
    assert not hasattr(studies, "__dict__")


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies_are_equal(studies: Studies, way) -> None:  # type: ignore[no-untyped-def]
    other = way(studies)
    pd.testing.assert_frame_equal(other.frame, studies.frame)
    pd.testing.assert_frame_equal(other.printed, studies.printed)
    assert other.to_dict() == studies.to_dict()
    assert other.review == studies.review


def test_frame_begins_with_the_fixed_columns(studies: Studies) -> None:
    assert tuple(studies.frame.columns[: len(FRAME_COLUMNS)]) == FRAME_COLUMNS
    assert list(studies.frame.columns[len(FRAME_COLUMNS) :]) == [
        *("author", "year", "country", "design", "population", "population_detail", "headache"),
        *("headache_definition", "back_pain_definition", "adjustment", "counts_source"),
        *("n_analysed", "source_url", "source_note"),
    ]


def test_select_keeps_order_lines_and_origin(studies: Studies) -> None:
    some = studies.select({"headache": ["migraine", "chronic"], "primary": ["no"]})
    assert some.frame["estimate_id"].tolist() == [
        *("ashina2018-3", "ashina2018-5", "yoon2013-3", "yoon2013-4")
    ]
    assert some.lines == (7, 9, 13, 14)
    assert some.printed["estimate"].tolist() == ["1.2", "1.9", "13.7", "18.3"]
    assert list(some.frame.index) == list(some.printed.index) == [0, 1, 2, 3]
    assert (some.source, some.sha256) == (studies.source, studies.sha256)
    assert some.conditions == studies.conditions
    assert some.review is studies.review


def test_select_compares_numbers_as_numbers(studies: Studies) -> None:
    assert studies.select({"year": ["2004", "2014.0"]}).frame["study_id"].tolist() == [
        *("ghandour2004", "swain2014")
    ]
    assert len(studies.select({"ai": [""]})) == 10


def test_select_takes_one_value_as_a_string(studies: Studies) -> None:
    assert len(studies.select({"headache": "migraine"})) == 2


def test_select_may_leave_nothing(studies: Studies) -> None:
    none = studies.select({"headache": ["migraine"], "study_id": ["yoon2013"]})
    assert len(none) == 0
    assert none.frame["estimate"].dtype == np.float64
    assert len(none.primary()) == 0
    assert "0 estimates of 0 studies" in none.summary()


def test_select_names_what_exists(studies: Studies) -> None:
    with pytest.raises(DataError) as caught:
        studies.select(
            {"headach": ["any"], "headache": ["migrane", "any"], "year": ["x"], "design": []}
        )
    first, second, third, fourth = map(str, caught.value.problems)
    assert first.startswith(
        "headache-back-pain/estimates.csv: there is no column headach; did you mean headache? the"
        " columns are estimate_id, study_id, "
    )
    assert second.endswith(
        "no row has headache = 'migrane'; the values are any, episodic, migraine,"
        " migraine+tension-type, chronic"
    )
    assert third.endswith(
        "no row has year = 'x'; the values are 2004, 2002, 2014, 2018, 2005, 2013"
    )
    assert fourth.endswith("no value is given for design; give one")


def test_select_says_how_missing_and_flags_are_written() -> None:
    table = small("study_id,ai,bi,ci,di,primary,arm\na,1,2,3,4,yes,x\nb,,,,,yes,\n")
    assert table.select({"arm": [""]}).frame["study_id"].tolist() == ["b"]
    with pytest.raises(DataError, match=r"the values are x, '' \(missing\)"):
        table.select({"arm": ["y"]})
    with pytest.raises(DataError, match=r"no row has primary = 'no'; the values are yes"):
        table.select({"primary": ["no"]})


def test_primary(studies: Studies) -> None:
    ids = ["ghandour2004", "sjolie2002", "swain2014", "ashina2018", "bejia2005", "yoon2013"]
    assert studies.primary().frame["study_id"].tolist() == ids


def test_to_dict_is_plain_and_complete(studies: Studies) -> None:
    values = json.loads(json.dumps(studies.to_dict(), allow_nan=False))
    assert values["sha256"] == studies.sha256
    assert values["conditions"] == ["back pain", "headache"]
    assert values["review"]["studies"] == 14
    assert values["lines"] == list(range(2, 15))
    assert values["rows"][1]["ai"] is None
    assert values["rows"][2]["di"] == 140501.0
    assert values["rows"][0]["primary"] is True
    assert len(values["rows"]) == 13


def test_summary_and_repr(studies: Studies) -> None:
    text = studies.summary()
    assert repr(studies) == text
    lines = text.splitlines()
    assert lines[:3] == [
        "13 estimates of 6 studies from headache-back-pain/estimates.csv, 6 in the main pool",
        "conditions: back pain and headache",
        "coverage: 6 of 14 studies, 92 % of participants (423,634 of 460,195)",
    ]
    assert lines[4].split() == ["label", "measure", "estimate", "n", "pool"]
    assert lines[7].split("  ")[0] == "Swain 2014"
    assert "2.9 (2.8-2.9)" in lines[7]
    assert "404,206" in lines[7]


def test_summary_of_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    rows = "".join(f"s{i},OR,2,1,3\n" for i in range(100))
    assert (
        small(f"study_id,measure,estimate,ci_low,ci_high\n{rows}")
        .summary()
        .endswith("and 60 more rows")
    )


def test_html_escapes_what_the_file_says() -> None:
    html = small("study_id,measure,estimate,se\n<b>x</b>,OR,2,1\n")._repr_html_()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>" not in html
