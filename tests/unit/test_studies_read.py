"""Reading a study table: dialects, defaults, and every error with its place and remedy."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from comorbid.errors import DataError, PluginError
from comorbid.studies import Column, Studies, read_studies
from comorbid.studies.columns import CORE_COLUMNS, Values

Read = Callable[..., Studies]
Fail = Callable[..., str]

HEADER = "study_id,estimate_id,measure,estimate,ci_low,ci_high"
GOOD = "bejia2005,bejia2005-1,OR,2.55,1.49,4.38"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(content: str | bytes, **options: Any) -> Studies:
        path = tmp_path / "s.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_studies(path, **options)

    return write_and_read


@pytest.fixture
def fail(read: Read, tmp_path: Path) -> Fail:
    """Read a broken table; return the message, with the bare name of the file."""

    def message(content: str | bytes, **options: Any) -> str:
        with pytest.raises(DataError) as caught:
            read(content, **options)
        path = str(tmp_path / "s.csv")
        assert all(problem.file == path for problem in caught.value.problems if problem.file)
        return str(caught.value).replace(path, "s.csv")

    return message


# What a good table becomes


def test_values_defaults_and_moderators(read: Read) -> None:
    studies = read(
        "country,study_id,measure,estimate,ci_low,ci_high,dose,code,note\n"
        "Tunisia,a,OR,2.50,1.49,4.38,1.5,007,\n"
        "NA,b,RR,1.2,0.97,2.8,NA,12,\n"
    )
    frame = studies.frame
    assert list(frame.columns) == [
        *("estimate_id", "study_id", "label", "measure", "estimate", "ci_low", "ci_high"),
        *("ci_level", "se", "ai", "bi", "ci", "di", "n", "primary"),
        *("country", "dose", "code", "note"),
    ]
    assert frame["estimate_id"].tolist() == ["a", "b"]
    assert frame["estimate"].tolist() == [2.5, 1.2]
    assert frame["ci_level"].tolist() == [0.95, 0.95]
    assert frame[["se", "ai", "bi", "ci", "di", "n"]].isna().all().all()
    assert frame["primary"].tolist() == [True, True]
    assert frame["primary"].dtype == bool
    assert frame["country"].tolist() == ["Tunisia", ""]
    np.testing.assert_array_equal(frame["dose"], [1.5, np.nan])
    assert frame["code"].tolist() == ["007", "12"]
    assert frame["note"].tolist() == ["", ""]
    assert studies.printed.to_dict("list") == {
        "estimate": ["2.50", "1.2"],
        "ci_low": ["1.49", "0.97"],
        "ci_high": ["4.38", "2.8"],
        "se": ["", ""],
    }
    assert studies.lines == (2, 3)
    assert studies.conditions is None
    assert studies.review is None


def test_source_and_hash_are_those_of_the_file(tmp_path: Path) -> None:
    data = f"\ufeff{HEADER}\n{GOOD}\n".encode()
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    studies = read_studies(str(path))
    assert studies.source == str(path)
    assert studies.sha256 == hashlib.sha256(data).hexdigest()


COMMA = (
    "study_id,author,year,measure,estimate,ci_low,ci_high,n,dose,note\n"
    'a,Bejia,2005,OR,2.55,1.49,4.38,350,0.5,"said ""yes"", twice"\n'
    'b,Sjolie,2002,OR,2.50,0.8,8.0,88,,"two\nlines"\n'
)
SEMICOLON = (
    "study_id;author;year;measure;estimate;ci_low;ci_high;n;dose;note\n"
    'a;Bejia;2005;OR;2,55;1,49;4,38;350;0,5;"said ""yes"", twice"\n'
    'b;Sjolie;2002;OR;2.50;0,8;8,0;88;;"two\nlines"\n'
)
TAB = COMMA.replace(",", "\t").replace('""yes""\t', '""yes"",')


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("table", [COMMA, SEMICOLON, TAB], ids=["comma", "semicolon", "tab"])
def test_every_dialect_gives_the_same_table(read: Read, table: str, end: str, mark: str) -> None:
    expected = read(COMMA)
    studies = read(mark + table.replace("\n", end))
    pd.testing.assert_frame_equal(studies.frame, expected.frame)
    pd.testing.assert_frame_equal(studies.printed, expected.printed)
    assert studies.lines == expected.lines == (2, 3)
    assert studies.frame["note"].tolist() == ['said "yes", twice', "two\nlines"]
    assert studies.printed["estimate"].tolist() == ["2.55", "2.50"]


def test_lines_count_quoted_line_ends_and_blank_lines(read: Read, fail: Fail) -> None:
    table = (
        "\nstudy_id,measure,estimate,ci_low,ci_high,note\n"
        'a,OR,2,1,3,"one\ntwo\nthree"\n'
        "\n,,,,,\n"
        "b,OR,2,1,3,\n"
    )
    assert read(table).lines == (3, 8)
    assert "s.csv, line 8, column estimate: 'x' is not a number" in fail(
        table.replace("b,OR,2", "b,OR,x")
    )


def test_a_space_before_a_quote_is_no_part_of_the_cell(read: Read) -> None:
    studies = read(f'{HEADER}, note\n{GOOD}, "one, two"\n')
    assert studies.frame["note"].tolist() == ["one, two"]


def test_counts_in_words_and_in_letters_are_the_same(read: Read) -> None:
    words = read("study_id,both,back_pain_only,headache_only,neither\na,51,125,24,150\n")
    letters = read("study_id,ai,bi,ci,di\na,51,125,24,150\n")
    assert words.conditions == ("back pain", "headache")
    assert letters.conditions is None
    pd.testing.assert_frame_equal(words.frame, letters.frame)
    assert words.frame[["ai", "bi", "ci", "di"]].to_numpy().tolist() == [[51, 125, 24, 150]]


def test_the_first_only_column_is_the_first_condition(read: Read) -> None:
    studies = read("study_id,neither,headache_only,back_pain_only,both\na,150,24,125,51\n")
    assert studies.conditions == ("headache", "back pain")
    assert studies.frame[["ai", "bi", "ci", "di"]].to_numpy().tolist() == [[51, 24, 125, 150]]


def test_one_only_column_alone_is_a_moderator(read: Read) -> None:
    studies = read(f"{HEADER},women_only\n{GOOD},1\n")
    assert studies.frame["women_only"].tolist() == [1.0]


def test_numbers_may_have_exponents_and_signs(read: Read) -> None:
    frame = read("study_id,measure,estimate,se,n\na,SMD,-1e-3,+.5,1e3\n").frame
    assert frame[["estimate", "se", "n"]].to_numpy().tolist() == [[-0.001, 0.5, 1000.0]]


def test_other_levels_are_kept(read: Read) -> None:
    assert read(f"{HEADER},ci_level\n{GOOD},0.9\n").frame["ci_level"].tolist() == [0.9]


def test_an_estimate_may_equal_an_end_of_its_interval(read: Read) -> None:
    assert len(read(f"{HEADER}\na,1,OR,2.1,2.09,2.1\n")) == 1


@pytest.mark.parametrize("yes", ["yes", "true", "1", "TRUE", "Yes"])
@pytest.mark.parametrize("no", ["no", "false", "0", "FALSE"])
def test_words_for_primary(read: Read, yes: str, no: str) -> None:
    table = f"{HEADER},primary\na,1,OR,2,1,3,{yes}\na,2,OR,2,1,3,{no}\n"
    assert read(table).frame["primary"].tolist() == [True, False]


def test_nothing_close_by_chance_is_mistaken_for_a_declared_name(read: Read) -> None:
    names = "country,headache,population_detail,counts_source,weather,years,sex,or_method,n_women"
    values = ",".join("x" for _ in names.split(","))
    studies = read(f"{HEADER},year,{names}\n{GOOD},2005,{values}\n")
    assert list(studies.frame.columns[-9:]) == names.split(",")


def test_a_table_pickles(read: Read) -> None:
    studies = read(COMMA)
    copy = pickle.loads(pickle.dumps(studies))
    pd.testing.assert_frame_equal(copy.frame, studies.frame)
    assert copy.lines == studies.lines


# Declared columns beyond the core


def test_added_columns_are_read_by_their_kind(read: Read) -> None:
    columns = [
        Column("age", "number"),
        Column("blind", "flag"),
        Column("code", "text"),
        Column("visits", "count"),
    ]
    frame = read(
        f"{HEADER},age,blind,code,visits\n{GOOD},14.5,yes,12,3\nb,b1,OR,2,1,3,,,,\n",
        columns=columns,
    ).frame
    np.testing.assert_array_equal(frame["age"], [14.5, np.nan])
    assert frame["blind"].tolist() == [True, pd.NA]
    assert frame["code"].tolist() == ["12", ""]
    np.testing.assert_array_equal(frame["visits"], [3, np.nan])


def test_an_added_column_can_be_required_and_checked(fail: Fail) -> None:
    def adult(values: Values) -> Values:
        return np.asarray(values >= 18)

    age = Column("age", "number", required=True, description="the mean age in years", check=adult)
    message = fail(f"{HEADER},age\n{GOOD},14\nb,b1,OR,2,1,3,\n", columns=[age])
    assert (
        "line 2, column age: '14' is not acceptable as age; give the mean age in years" in message
    )
    assert "line 3, column age: age is missing; give the mean age in years" in message
    assert "leave the cell empty" not in message
    message = fail(
        f"{HEADER},ages\n{GOOD},14\n", columns=[Column("agegroup", "text", required=True)]
    )
    assert "s.csv, line 1: there is no column agegroup among 'study_id, estimate_id," in message


def test_an_added_column_takes_part_in_the_search_for_near_names(fail: Fail) -> None:
    message = fail(f"{HEADER},mean age\n{GOOD},14\n", columns=[Column("mean_age", "number")])
    assert "column mean age: the name 'mean age' is nearly mean_age; rename it" in message


@pytest.mark.parametrize("name", [*(column.name for column in CORE_COLUMNS), "both", "neither"])
def test_a_core_column_cannot_be_redefined(read: Read, name: str) -> None:
    with pytest.raises(PluginError, match=f"column {name} is declared already"):
        read(f"{HEADER}\n{GOOD}\n", columns=[Column(name, "text")])


def test_a_column_cannot_be_added_twice(read: Read) -> None:
    with pytest.raises(PluginError, match="column age is declared already"):
        read(f"{HEADER}\n{GOOD}\n", columns=[Column("age", "text"), Column("age", "number")])


def test_a_broken_check_is_named_as_the_plugins(read: Read) -> None:
    def raises(values: Values) -> Values:
        raise RuntimeError("boom")

    def wrong(values: Values) -> Values:
        return np.array([True, False, True])

    table = f"{HEADER},age\n{GOOD},14\n"
    with pytest.raises(PluginError, match="check of column age failed: RuntimeError: boom"):
        read(table, columns=[Column("age", "number", check=raises)])
    with pytest.raises(PluginError, match="column age does not return one bool for each value"):
        read(table, columns=[Column("age", "number", check=wrong)])


# Files that are no table


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: there is no such file; check the path"):
        read_studies(tmp_path / "none.csv")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this is a folder; name the table inside it"):
        read_studies(tmp_path)


def test_a_path_that_cannot_be_a_path() -> None:
    with pytest.raises(DataError, match="the file cannot be read: embedded null byte"):
        read_studies("a\0b")


def test_a_table_above_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as stream:
        stream.truncate(50_000_001)
    with pytest.raises(DataError, match="the file is larger than 50 MB"):
        read_studies(path)


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\r\n \n", ",,,\n"])
def test_an_empty_file(fail: Fail, content: str) -> None:
    assert fail(content) == (
        "s.csv: the file is empty; give a header, then one row for each published estimate"
    )


def test_a_header_without_rows(fail: Fail) -> None:
    assert fail(f"{HEADER}\n\n,,,,,\n") == (
        "s.csv: the file has a header and no rows; add one row for each published estimate"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"PK\x03\x04\x14\0\x06\0", "an Excel workbook or another zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (HEADER.encode("utf-16"), "text saved as UTF-16"),
    ],
)
def test_a_file_that_is_no_text(fail: Fail, content: bytes, what: str) -> None:
    message = fail(content)
    assert message.startswith(f"s.csv: this is {what}, not a CSV table; save the table as CSV")


def test_a_nul_byte(fail: Fail) -> None:
    message = fail(f"{HEADER}\n{GOOD}\na\0b".encode())
    assert message.startswith("s.csv, line 3: the file holds a NUL byte")
    assert "UTF-8" in message


@pytest.mark.parametrize("character", ["\x08", "\x1b", "\x7f", "\x9b", "\uffff", "\u202e"])
def test_a_control_character(character: str, fail: Fail) -> None:
    """A page cannot show it, XML cannot hold it, and some steer a terminal."""
    message = fail(f"{HEADER}\n{GOOD}\na{character}[31mb".encode())
    assert message == (
        f"s.csv, line 3: the file holds the control character U+{ord(character):04X}, which no "
        "page shows; delete it"
    )


def test_undecodable_bytes_are_all_named(fail: Fail) -> None:
    rows = [f"M\xfcller,m{i},OR,2,1,3" for i in range(12)]
    message = fail("\r\n".join([HEADER, GOOD, *rows]).encode("latin-1"))
    assert (
        "s.csv, line 3: byte 0xFC ('ü' in Windows-1252) at byte 2 is not UTF-8; save the table as"
        " CSV in UTF-8 (in Excel: 'CSV UTF-8')"
    ) in message
    assert "s.csv, line 12: byte 0xFC" in message
    assert "s.csv, line 13" not in message
    assert message.endswith("s.csv: and 2 more such lines")


# The header


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("estimat", "estimate"),
        ("Estimate", "estimate"),
        ("esitmate", "estimate"),
        ("OR", "estimate"),
        ("ci_lo", "ci_low"),
        ("CI low", "ci_low"),
        ("ci.lb", "ci_low"),
        ("CI_upper", "ci_high"),
        ("N", "n"),
        ("n_analyzed", "n_analysed"),
        ("authors", "author"),
        ("Primary", "primary"),
        ("cilevel", "ci_level"),
        ("SE", "se"),
        ("Label ", "label"),
    ],
)
def test_a_name_nearly_a_declared_one(fail: Fail, name: str, meant: str) -> None:
    message = fail(f"study_id,measure,ai,bi,ci,di,{name}\na,OR,1,2,3,4,\n")
    assert (
        f"s.csv, line 1, column {name.strip()}: the name '{name.strip()}' is nearly {meant};"
        f" rename it to {meant}; if it holds something else, give it a name less alike"
    ) in message


@pytest.mark.parametrize("name", ["studyid", "Study_ID", "study", "STUDY ID"])
def test_a_near_name_stands_in_for_a_required_column(fail: Fail, name: str) -> None:
    message = fail(f"{name},measure,estimate,ci_low,ci_high\na,OR,9,1,3\n")
    assert f"the name '{name}' is nearly study_id; rename it to study_id" in message
    assert "there is no column" not in message
    assert "s.csv, line 2, column estimate: the estimate 9 lies outside its interval" in message


def test_a_missing_required_column(fail: Fail) -> None:
    assert fail("measure,estimate,se\nOR,2,0.1\n") == (
        "s.csv, line 1: there is no column study_id among 'measure, estimate, se'; add it: a short"
        " name of the study, the same on every row about the same people"
    )


def test_duplicate_and_empty_names(fail: Fail) -> None:
    message = fail("study_id,measure,n,,n,ai,bi,ci,di\na,OR,1,x,2,1,2,3,4\n")
    assert (
        "s.csv, line 1, column n: the header names n twice, in cells 3 and 5; rename or delete one"
        " of them"
    ) in message
    assert ("s.csv, line 1: cell 4 of the header is empty; name the column or delete it") in message
    assert message.startswith("2 problems:")


@pytest.mark.parametrize(
    ("names", "fragment"),
    [
        ("ai,bi,ci", "of the 2x2 counts there are ai, bi, ci but not di"),
        ("ci", "of the 2x2 counts there are ci but not ai, bi, di"),
        ("both,x_only,neither", "not one set of four: both, neither, x_only"),
        ("both,x_only,y_only", "not one set of four: both, x_only, y_only"),
        ("x_only,y_only", "not one set of four: x_only, y_only"),
        ("both,x_only,y_only,z_only,neither", "set of four: both, neither, x_only, y_only, z_only"),
        ("ai,bi,ci,di,both", "headed in two ways at once: ai, bi, ci, di, both"),
        ("ai,both,x_only,y_only,neither", "at once: ai, both, neither, x_only, y_only"),
    ],
)
def test_mixed_or_incomplete_count_columns(fail: Fail, names: str, fragment: str) -> None:
    ones = ",".join("1" for _ in names.split(","))
    message = fail(f"study_id,{names}\na,{ones}\n")
    assert message.startswith("s.csv, line 1: ")
    assert fragment in message
    assert (
        "; give all four counts as ai, bi, ci, di, or all four as both, <condition one>_only"
        in message
    )


def test_a_lone_ci_column_is_told_from_an_interval(fail: Fail) -> None:
    message = fail('study_id,measure,estimate,ci\na,OR,2.1,"1.2-2.5"\n')
    assert "a confidence interval goes in ci_low and ci_high" in message
    assert "s.csv, line 2, column ci: '1.2-2.5' is not a whole number from 0 up" in message


def test_a_near_name_of_a_word_count(fail: Fail) -> None:
    message = fail("study_id,Both,x_only,y_only,neither\na,1,2,3,-4\n")
    assert "column Both: the name 'Both' is nearly both" in message
    assert "line 2, column neither: '-4' is not a whole number from 0 up" in message
    assert message.startswith("2 problems:")


# Rows and cells


def test_rows_of_another_length(fail: Fail) -> None:
    message = fail(f"{HEADER}\na,a1,OR,2,1\n{GOOD},5\n")
    assert "s.csv, line 2: the row has 5 cells, the header 6 (separator: comma)" in message
    assert "give every row a cell under each name, empty where nothing is known" in message
    assert "s.csv, line 3: the row has 7 cells, the header 6 (separator: comma)" in message
    assert "with decimal commas, separate the cells by semicolons" in message


def test_more_cells_under_semicolons(fail: Fail) -> None:
    message = fail("study_id;measure;estimate;se\na;OR;2;0,1;x\n")
    assert "s.csv, line 2: the row has 5 cells, the header 4 (separator: semicolon)" in message
    assert "put quotes around a cell that holds a semicolon" in message


@pytest.mark.parametrize("tail", ["", '\nb,"b1,OR,2,1,3'])
def test_a_quote_that_is_left_open(fail: Fail, tail: str) -> None:
    message = fail(f'{HEADER}\n{GOOD}\na,"a1,OR,2,1,3\nc,c1,OR,2,1,3{tail}\n')
    assert message.startswith("s.csv, line 3: the quotes of this row do not close as they should")
    assert "write a quote inside it twice" in message


@pytest.mark.parametrize(
    "cell",
    ["1,234.5", "inf", "-inf", "nan", "NaN", "n/a", "2·1", "−1", "1_000", "٣", "1e999", "0x1"],
)
def test_what_is_not_a_number(fail: Fail, cell: str) -> None:
    message = fail(f'study_id,measure,estimate,se\na,OR,"{cell}",0.1\n')
    assert message == (
        f"s.csv, line 2, column estimate: '{cell}' is not a number; give the estimate as printed:"
        " an odds ratio, not its logarithm (plain digits, a point before the decimals, no thousands"
        " separators), or leave the cell empty"
    )


def test_a_decimal_comma_needs_semicolons(fail: Fail) -> None:
    assert "column estimate: '2,1' is not a number" in fail(
        'study_id,measure,estimate,se\na,OR,"2,1",1\n'
    )
    assert "column estimate: '1.234,5' is not a number" in fail(
        "study_id;measure;estimate;se\na;OR;1.234,5;1\n"
    )


@pytest.mark.parametrize("cell", ["-1", "2.5", "two", "1e300"])
@pytest.mark.parametrize("name", ["n", "ai", "di", "n_analysed"])
def test_what_is_not_a_count(fail: Fail, name: str, cell: str) -> None:
    values = {"ai": "1", "bi": "2", "ci": "3", "di": "4", "n": "9", "n_analysed": "9", name: cell}
    message = fail(f"study_id,{','.join(values)}\na,{','.join(values.values())}\n")
    assert message.startswith(
        f"s.csv, line 2, column {name}: '{cell}' is not a whole number from 0 up; give the number"
    )
    assert message.endswith("(plain digits, no thousands separators), or leave the cell empty")


def test_thousands_separators_do_not_become_decimals(fail: Fail) -> None:
    message = fail("study_id;measure;estimate;se;n\na;OR;2,1;0,1;404.206\nb;OR;2,1;0,1;404,206\n")
    assert "line 2, column n: '404.206' is not a whole number" in message
    assert "line 3, column n: '404,206' is not a whole number" in message


@pytest.mark.parametrize(
    ("name", "cell", "remedy"),
    [
        ("ci_level", "95", "give the level of the interval as a proportion, 0.95 for 95 %"),
        ("ci_level", "0", "give the level of the interval as a proportion"),
        ("ci_level", "1", "give the level of the interval as a proportion"),
        ("se", "0", "give the standard error on the analysis scale"),
        ("se", "-0.1", "give the standard error on the analysis scale"),
        ("n", "0", "give the number of people in the study"),
        ("year", "20014", "give the year of publication in four digits"),
    ],
)
def test_values_out_of_range(fail: Fail, name: str, cell: str, remedy: str) -> None:
    message = fail(f"{HEADER},{name}\n{GOOD},{cell}\n")
    assert message.startswith(
        f"s.csv, line 2, column {name}: '{cell}' is not acceptable as {name}; "
    )
    assert remedy in message


def test_an_interval_in_the_wrong_order(fail: Fail) -> None:
    assert fail(f"{HEADER}\na,a1,OR,2.0,3.0,1.50\n") == (
        "s.csv, line 2, column ci_low: the interval runs from 3.0 down to 1.50; put the lower end"
        " in ci_low, the upper in ci_high"
    )


@pytest.mark.parametrize("estimate", ["1.19", "2.6"])
def test_an_estimate_outside_its_interval(fail: Fail, estimate: str) -> None:
    assert fail(f"{HEADER}\n{GOOD}\na,a1,OR,{estimate},1.2,2.50\n") == (
        f"s.csv, line 3, column estimate: the estimate {estimate} lies outside its interval, 1.2 to"
        " 2.50; compare the three numbers with the paper"
    )


def test_an_estimate_outside_an_interval_of_no_width(fail: Fail) -> None:
    assert "the estimate 2.6 lies outside its interval, 2.5 to 2.50" in fail(
        f"{HEADER}\na,a1,OR,2.6,2.5,2.50\n"
    )


def test_one_end_and_no_estimate_is_one_problem(fail: Fail) -> None:
    assert fail(f"{HEADER}\na,a1,OR,,1.5,\n").startswith(
        "s.csv, line 2, column ci_high: ci_low is 1.5 but ci_high is missing"
    )


def test_one_end_of_an_interval(fail: Fail) -> None:
    message = fail(f"{HEADER}\na,a1,OR,2,1.5,\nb,b1,OR,2,,2.5\n")
    assert message == (
        "2 problems:\n"
        "  s.csv, line 2, column ci_high: ci_low is 1.5 but ci_high is missing; give both ends of"
        " the interval, or neither\n"
        "  s.csv, line 3, column ci_low: ci_high is 2.5 but ci_low is missing; give both ends of"
        " the interval, or neither"
    )


@pytest.mark.parametrize("measure", ["OR", "RR", "HR", "IRR"])
@pytest.mark.parametrize("name", ["estimate", "ci_low", "ci_high"])
def test_a_ratio_is_above_zero(fail: Fail, measure: str, name: str) -> None:
    cells = {"estimate": "-1", "ci_low": "-2", "ci_high": "-0.5"}
    message = fail(f"study_id,measure,{','.join(cells)}\na,{measure},{','.join(cells.values())}\n")
    assert (
        f"s.csv, line 2, column {name}: {cells[name]} cannot be a ratio ({measure}), which is above"
        " 0; give the ratio itself, not its logarithm"
    ) in message


def test_a_ratio_rounded_to_zero(fail: Fail) -> None:
    message = fail(f"{HEADER}\na,a1,OR,0.1,0.0,3\n")
    assert message.startswith("s.csv, line 2, column ci_low: 0.0 cannot be a ratio (OR), which is")
    assert message.endswith("for one rounded to 0, more digits")


def test_other_measures_may_be_negative(read: Read) -> None:
    assert len(read(f"{HEADER}\na,a1,RD,-0.2,-0.5,0\n")) == 1


def test_an_estimate_names_its_measure(fail: Fail) -> None:
    expected = (
        "column measure: the estimate 1.6 does not say what it measures; name its measure, for"
        " example one of OR, RR, HR, IRR"
    )
    assert expected in fail("study_id,estimate,ci_low,ci_high\njones2003,1.6,0.97,2.8\n")
    assert expected in fail(f"{HEADER}\njones2003,j1,,1.6,0.97,2.8\n")


@pytest.mark.parametrize(
    ("found", "code"), [("or", "OR"), ("Odds ratio", "OR"), ("relative risk", "RR"), ("Hr", "HR")]
)
def test_a_measure_in_another_spelling(fail: Fail, found: str, code: str) -> None:
    assert fail(f"{HEADER}\na,a1,{found},2,1,3\n") == (
        f"s.csv, line 2, column measure: '{found}' is not a measure; write {code}"
    )


def test_an_estimate_without_any_precision(fail: Fail) -> None:
    assert fail("study_id,measure,estimate\na,OR,2\n") == (
        "s.csv, line 2, column estimate: the estimate 2 has no interval, no se and no counts; give"
        " ci_low and ci_high, or se, or p_value, or the four counts of its 2x2 table"
    )


def test_an_interval_or_error_without_an_estimate(fail: Fail) -> None:
    message = fail(f"{HEADER},se\na,a1,OR,,1,3,\nb,b1,OR,,,,0.1\n")
    assert (
        "s.csv, line 2, column estimate: there is an interval but no estimate; give the" in message
    )
    assert "s.csv, line 3, column estimate: there is a standard error but no estimate" in message


def test_counts_of_one_row_are_complete_or_absent(fail: Fail) -> None:
    message = fail("study_id,both,x_only,y_only,neither\na,1,,3,4\nb,,,,\nc,1,,,4\n")
    assert message == (
        "2 problems:\n"
        "  s.csv, line 2, column x_only: of the four counts, x_only is missing; give all four"
        " counts of the 2x2 table, or none\n"
        "  s.csv, line 4, column x_only: of the four counts, x_only, y_only are missing; give all"
        " four counts of the 2x2 table, or none"
    )


def test_duplicate_estimate_ids(fail: Fail) -> None:
    message = fail(f"{HEADER}\na,x,OR,2,1,3\nb,y,OR,2,1,3\nc,x,OR,2,1,3\nd,x,OR,2,1,3\n")
    assert message == (
        "2 problems:\n"
        "  s.csv, line 4, column estimate_id: 'x' stands on line 2 already; give every row an id of"
        " its own\n"
        "  s.csv, line 5, column estimate_id: 'x' stands on line 2 already; give every row an id of"
        " its own"
    )


def test_repeated_studies_need_estimate_ids(fail: Fail) -> None:
    assert fail("study_id,measure,estimate,se\na,OR,2,1\na,OR,3,1\n") == (
        "s.csv, line 3, column study_id: 'a' stands on line 2 already; add a column estimate_id"
        " with an id of its own for every row"
    )


def test_missing_ids(fail: Fail) -> None:
    message = fail(f"{HEADER}\nNA,a1,OR,2,1,3\nb,,OR,2,1,3\n")
    assert "s.csv, line 2, column study_id: study_id is missing; give a short name" in message
    assert "s.csv, line 3, column estimate_id: estimate_id is missing; give every row" in message


def test_one_primary_row_a_study(fail: Fail) -> None:
    rows = ["a,1,OR,2,1,3,yes", "a,2,OR,2,1,3,no", "a,3,OR,2,1,3,TRUE", "b,4,OR,2,1,3,1"]
    message = fail("\n".join([f"{HEADER},primary", *rows]))
    assert message == (
        "s.csv, line 4, column primary: study a has a primary row on line 2 already; write yes on"
        " one row of each study only"
    )


def test_primary_is_said_on_every_row(fail: Fail) -> None:
    message = fail(f"{HEADER},primary\na,1,OR,2,1,3,\nb,2,OR,2,1,3,maybe\n")
    assert "line 2, column primary: primary is missing; write yes on the one row of each" in message
    assert "line 3, column primary: 'maybe' is not yes or no; give yes on the one row" in message


def test_all_problems_come_at_once_from_the_top_down(fail: Fail) -> None:
    message = fail(
        "studyid,CI low,ci_high,estimate,measure,n,n\n"
        '"a\nb",1,3,9,or,3,\n'
        'c,-1,,"1,234.5",OR,8.5,\n'
        "d,1\n"
    )
    places = [line.strip().split(": ")[0] for line in message.splitlines()[1:]]
    assert places == [
        "s.csv, line 1, column studyid",
        "s.csv, line 1, column CI low",
        "s.csv, line 1, column n",
        "s.csv, line 2, column estimate",
        "s.csv, line 2, column measure",
        "s.csv, line 4, column ci_low",
        "s.csv, line 4, column ci_high",
        "s.csv, line 4, column estimate",
        "s.csv, line 4, column n",
        "s.csv, line 5",
    ]


def test_very_many_problems_are_cut(fail: Fail) -> None:
    rows = [f"s{i},OR,x,1" for i in range(1000)]
    message = fail("\n".join(["study_id,measure,estimate,se", *rows]))
    assert message.count("is not a number") == 100
    assert message.endswith("and 900 more problems; correct the ones above first")


def test_a_long_cell_is_cut_in_the_message(fail: Fail) -> None:
    message = fail(f"study_id,measure,estimate,se\na,OR,{'x' * 1000},1\n")
    assert f"'{'x' * 57}...' is not a number" in message
