"""What must hold for any table: written and read back it is the same, and garbage is an error."""

from __future__ import annotations

import csv
import importlib.resources
import io
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings, strategies as st

from comorbid.errors import DataError
from comorbid.studies import Studies
from comorbid.studies.columns import CORE_COLUMNS
from comorbid.studies.read import studies_from_bytes

BUNDLED = (
    importlib.resources.files("comorbid.studies") / "data" / "headache-back-pain" / "estimates.csv"
).read_bytes()

# Text without control characters, and not one of the spellings of a missing cell.
words = (
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda word: word not in ("", "NA"))
)
notes = st.one_of(st.just(""), words, st.sampled_from(['a "b", c', "a;b\tc", "two\nlines"]))
counts = st.integers(0, 10**9)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    low, estimate, high = sorted(draw(st.lists(st.integers(1, 99999), min_size=3, max_size=3)))
    places = draw(st.integers(0, 4))
    table = draw(st.booleans())
    cells = [str(draw(counts)) if table else "" for _ in range(4)]
    return {
        "measure": draw(st.sampled_from(["OR", "RR", "HR", "SMD"])),
        "estimate": f"{estimate / 10**places:.{places}f}",
        "ci_low": f"{low / 10**places:.{places}f}",
        "ci_high": f"{high / 10**places:.{places}f}",
        "n": draw(st.one_of(st.just(""), counts.map(lambda n: str(n + 1)))),
        "both": cells[0],
        "pain_only": cells[1],
        "fatigue_only": cells[2],
        "neither": cells[3],
        "dose": draw(st.one_of(st.just(""), st.floats(-1e6, 1e6).map(repr))),
        "remark": draw(notes),
    }


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, str]]:
    ids = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    return [{"study_id": name, **draw(rows())} for name in ids]


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    separator = draw(st.sampled_from([",", ";", "\t"]))
    return {
        "separator": separator,
        "decimal_comma": separator == ";" and draw(st.booleans()),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "mark": draw(st.sampled_from(["", "\ufeff"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    }


def written(
    table: list[dict[str, str]],
    *,
    separator: str,
    decimal_comma: bool,
    end: str,
    mark: str,
    quoting: Any,
) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, list(table[0]), delimiter=separator, lineterminator=end, quoting=quoting
    )
    writer.writeheader()
    numbers = ("estimate", "ci_low", "ci_high", "dose")
    for row in table:
        changed = {name: row[name].replace(".", ",") for name in numbers} if decimal_comma else {}
        writer.writerow({**row, **changed})
    return (mark + stream.getvalue()).encode()


@settings(max_examples=150, deadline=None)
@given(tables(), dialects())
def test_a_table_written_and_read_is_the_same(
    table: list[dict[str, str]], dialect: dict[str, Any]
) -> None:
    studies = studies_from_bytes(written(table, **dialect), source="s.csv")
    frame = studies.frame
    assert len(studies) == len(table)
    for name in ("study_id", "measure"):
        assert frame[name].tolist() == [row[name] for row in table]
    for name in ("estimate", "ci_low", "ci_high", "n"):
        expected = [float(row[name] or "nan") for row in table]
        np.testing.assert_array_equal(frame[name], expected)
    for letter, name in {
        "ai": "both",
        "bi": "pain_only",
        "ci": "fatigue_only",
        "di": "neither",
    }.items():
        expected = [float(row[name] or "nan") for row in table]
        np.testing.assert_array_equal(frame[letter], expected)
    for name in ("estimate", "ci_low", "ci_high"):
        assert studies.printed[name].tolist() == [row[name] for row in table]
    assert frame["label"].is_unique
    if any(row["dose"] for row in table):
        np.testing.assert_array_equal(frame["dose"], [float(row["dose"] or "nan") for row in table])
    remarks = frame["remark"]
    if remarks.dtype != np.float64:
        assert remarks.tolist() == [row["remark"] for row in table]
    plain: dict[str, Any] = {
        "separator": ",",
        "decimal_comma": False,
        "end": "\n",
        "mark": "",
        "quoting": 0,
    }
    other = studies_from_bytes(written(table, **plain), source="s.csv")
    pd.testing.assert_frame_equal(other.frame, frame)
    assert other.lines == studies.lines


def read_or_refuse(data: bytes) -> Studies | None:
    """Read bytes; the only error allowed is a DataError with a place and words."""
    try:
        return studies_from_bytes(data, source="s.csv")
    except DataError as error:
        problems = error.problems
    assert problems
    assert all(problem.message for problem in problems)
    return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_no_table(data: bytes) -> None:
    assert read_or_refuse(data) is None or b"study_id" in data


names = st.sampled_from(
    [column.name for column in CORE_COLUMNS]
    + ["both", "x_only", "y_only", "neither", "CI low", "studyid", "dose", "", "OR"]
)
cells = st.one_of(
    st.sampled_from(
        ["", "NA", "1", "2.5", "-1", "0", "yes", "no", "OR", "or", "1e3", "inf", "9" * 400]
    ),
    st.text(max_size=5),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(names, min_size=1, max_size=8),
    st.lists(st.lists(cells, min_size=1, max_size=8), max_size=4),
    st.sampled_from([",", ";", "\t"]),
)
def test_tables_of_garbage(header: list[str], body: list[list[str]], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in [["study_id", *header], *body])
    studies = read_or_refuse(text.encode("utf-8", errors="surrogatepass"))
    if studies is not None:
        assert 1 <= len(studies) == len(studies.lines)
        assert studies.summary()
        assert studies._repr_html_()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(BUNDLED) - 1), st.binary(max_size=3)), min_size=1, max_size=4
    )
)
def test_damage_to_a_real_table_loses_no_row(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(BUNDLED)
    for position, replacement in damage:
        data[position : position + 1] = replacement
    studies = read_or_refuse(bytes(data))
    if studies is not None:
        text = bytes(data).decode("utf-8-sig")
        records = [
            row for row in csv.reader(io.StringIO(text, newline="")) if any(map(str.strip, row))
        ]
        assert len(studies) == len(records) - 1
