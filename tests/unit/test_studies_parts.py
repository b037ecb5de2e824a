"""The parts of the reader: columns, cells, near names, labels, review and bundled data."""

from __future__ import annotations

import importlib.resources
import math
import tomllib

import pytest

from comorbid.errors import DataError
from comorbid.studies import CORE_COLUMNS, Column, PublishedEstimate, Review
from comorbid.studies.cells import half_unit, parse_flag, parse_number
from comorbid.studies.datasets import headache_back_pain
from comorbid.studies.header import nearest
from comorbid.studies.labels import unique_labels
from comorbid.studies.read import studies_from_bytes


def test_a_column_refuses_what_it_cannot_be() -> None:
    with pytest.raises(ValueError, match="a column is one of text, number, count, flag, not 'int'"):
        Column("age", "int")  # type: ignore[arg-type]
    for name in ("", " age"):
        with pytest.raises(ValueError, match="without outer spaces"):
            Column(name, "text")


def test_core_columns_are_described_and_distinct() -> None:
    names = [column.name for column in CORE_COLUMNS]
    assert len(set(names)) == len(names)
    assert all(column.description for column in CORE_COLUMNS)
    assert [column.name for column in CORE_COLUMNS if column.required] == ["study_id"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("1.", 1.0), (".5", 0.5), ("-1e-3", -0.001), ("+2E2", 200.0), ("0", 0.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert parse_number(text, decimal_comma=False) == value


@pytest.mark.parametrize(
    "text", ["", ".", "e5", "1e", "--1", "1 000", "1,5", "inf", "nan", "1e400", "1e-1000", "½", "²"]
)
def test_not_numbers(text: str) -> None:
    assert parse_number(text, decimal_comma=False) is None


def test_decimal_comma() -> None:
    assert parse_number("1,5", decimal_comma=True) == 1.5
    assert parse_number("1.5", decimal_comma=True) == 1.5
    assert parse_number("1,5,5", decimal_comma=True) is None
    assert parse_number("1.500,5", decimal_comma=True) is None


def test_flags() -> None:
    assert [parse_flag(word) for word in ("yes", "True", "1")] == [True] * 3
    assert [parse_flag(word) for word in ("no", "False", "0")] == [False] * 3
    assert parse_flag("2") is None


@pytest.mark.parametrize(
    ("text", "half"),
    [("2.1", 0.05), ("2.10", 0.005), ("8", 0.5), ("8.", 0.5), ("1e-3", 0.0005), ("1.2E3", 50.0)],
)
def test_half_unit_of_the_last_digit(text: str, half: float) -> None:
    assert half_unit(text) == half


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("yeer", "year", "year"),
        ("ayer", "year", None),
        ("eyar", "year", "year"),
        ("sex", "se", None),
        ("S.E.", "se", "se"),
        ("bi_low", "bi", None),
        ("estimaets", "estimate", "estimate"),
        ("estimators", "estimate", None),
        ("!!", "se", None),
    ],
)
def test_nearest(name: str, declared: str, expected: str | None) -> None:
    assert nearest(name, [declared], [name]) == expected


def test_nearest_prefers_the_closer_name() -> None:
    assert nearest("source_noet", ["source_url", "source_note"], []) == "source_note"
    assert nearest("ci-lows", ["ci_high", "ci_low"], []) == "ci_low"


def labels(rows: list[tuple[str, str, str, bool]]) -> list[str]:
    names, ids, studies, primary = zip(*rows, strict=True)
    return unique_labels(names, estimate_ids=ids, study_ids=studies, primary=primary)


def test_labels_without_a_single_primary_row_are_all_told_apart() -> None:
    assert labels([("A 2001", "a-x", "a", True), ("A 2001", "a-y", "a", True)]) == [
        "A 2001 (x)",
        "A 2001 (y)",
    ]
    assert labels([("A 2001", "a-x", "a", False), ("A 2001", "a-y", "a", False)]) == [
        "A 2001 (x)",
        "A 2001 (y)",
    ]


def test_labels_take_the_whole_id_where_the_part_says_too_little() -> None:
    two_studies = [("A 2001", "a1-1", "a1", True), ("A 2001", "a2-1", "a2", True)]
    assert labels(two_studies) == ["A 2001 (a1-1)", "A 2001 (a2-1)"]
    unrelated = [("A 2001", "p", "a", True), ("A 2001", "q", "a", False)]
    assert labels(unrelated) == ["A 2001", "A 2001 (q)"]


def test_labels_of_one_study_do_not_lengthen_those_of_another() -> None:
    rows = [
        ("A", "a-1", "a", True),
        ("A", "a-2", "a", False),
        ("A", "a_2", "a", False),
        ("B", "b-1", "b", True),
        ("B", "b-2", "b", False),
    ]
    assert labels(rows) == ["A", "A (a-2)", "A (a_2)", "B", "B (2)"]


def test_labels_that_still_collide_fall_back() -> None:
    taken = [
        ("A", "a-1", "a", True),
        ("A", "a-2", "a", False),
        ("A (2)", "b", "b", True),
    ]
    assert labels(taken) == ["A", "A (a-2)", "A (2)"]
    hopeless = [*taken, ("A (a-2)", "c", "c", True)]
    assert labels(hopeless) == ["a-1", "a-2", "b", "c"]


def test_labels_of_a_table() -> None:
    header = "study_id,label,author,year,measure,estimate,se"
    text = f"{header}\na,,Bejia,2005,OR,2,1\nb,Our  own,X,2001,OR,2,1\nc,,Bejia,,OR,2,1\n"
    frame = studies_from_bytes(text.encode(), source="s.csv").frame
    assert frame["label"].tolist() == ["Bejia 2005", "Our own", "c"]


# The review


def test_review_of_the_bundled_data() -> None:
    studies = headache_back_pain()
    review = studies.review
    assert review is not None
    # Vivekanantham et al. 2019, J Headache Pain 20:82, abstract
    assert (review.studies, review.papers, review.participants) == (14, 15, 460195)
    assert review.registration == "PROSPERO 2018 CRD42018086557"
    assert review.age_range == (9.8, 102.0)
    assert review.lowest_odds_ratio == PublishedEstimate(1.55, (1.13, 2.11))
    assert review.highest_odds_ratio == PublishedEstimate(8.0, (5.3, 12.1))
    assert not review.pooled_by_authors
    assert (
        review.why_not_pooled == "Study heterogeneity meant statistical pooling was not possible."
    )


@pytest.mark.parametrize("part", ["all", "primary"])
def test_coverage_counts_each_study_once(part: str) -> None:
    studies = headache_back_pain()
    review = studies.review
    assert review is not None
    coverage = review.coverage(studies if part == "all" else studies.primary())
    # 8,250 + 88 + 404,206 + 796 + 350 + 9,944, the sizes of the six studies
    assert coverage.to_dict() == {
        "studies": 6,
        "of_studies": 14,
        "not_here": 14 - 6,
        "participants": 423634,
        "of_participants": 460195,
        "share": 423634 / 460195,
        "percent": 100 * (423634 / 460195),
        "without_n": [],
        "largest": "swain2014",
        "largest_share": 404206 / 423634,
        "largest_percent": 100 * (404206 / 423634),
    }


def test_coverage_follows_the_table() -> None:
    studies = headache_back_pain()
    review = studies.review
    assert review is not None
    part = review.coverage(studies.select({"study_id": ["bejia2005", "yoon2013"]}))
    assert (part.studies, part.participants) == (2, 350 + 9944)
    assert (part.largest, part.largest_share) == ("yoon2013", 9944 / 10294)
    assert part.summary() == "2 of 14 studies, 2 % of participants (10,294 of 460,195)"


def test_coverage_takes_counts_for_n_and_names_studies_without_either() -> None:
    text = (
        "study_id,estimate_id,measure,estimate,se,n,ai,bi,ci,di\n"
        "a,a1,OR,2,1,90,,,,\na,a2,OR,2,1,100,,,,\nb,b1,,,,,1,2,3,4\nc,c1,OR,2,1,,,,,\n"
    )
    review = Review("T", "A", "J", "10.1/x", studies=3, participants=111, pooled_by_authors=True)
    coverage = review.coverage(studies_from_bytes(text.encode(), source="s.csv"))
    assert (coverage.participants, coverage.without_n) == (110, ("c",))
    assert coverage.summary() == (
        "3 of 3 studies, 99 % of participants (110 of 111); number of people not known for c"
    )


def test_coverage_never_rounds_up_to_all() -> None:
    text = "study_id,measure,estimate,se,n\na,OR,2,1,9999\n"
    review = Review("T", "A", "J", "10.1/x", studies=2, participants=10000, pooled_by_authors=True)
    summary = review.coverage(studies_from_bytes(text.encode(), source="s.csv")).summary()
    assert summary == "1 of 2 studies, over 99 % of participants (9,999 of 10,000)"


def test_review_from_a_wrong_table() -> None:
    table = tomllib.loads(
        'title = "T"\nauthors = "A"\njournal = "J"\ndoi = 7\nstudies = 0\nparticipants = true\n'
        'pooled_by_authors = "no"\nage_range = [5, 4]\nsize = 3\n'
        "lowest_odds_ratio = { estimate = 2 }\n"
    )
    with pytest.raises(DataError) as caught:
        Review.from_mapping(table, source="review.toml")
    messages = [str(problem) for problem in caught.value.problems]
    assert messages[0].startswith("review.toml: there is no field size in a review; use title, ")
    assert messages[1:] == [
        "review.toml: doi is 7; give a string",
        "review.toml: studies is 0; give a whole number above 0",
        "review.toml: participants is True; give a whole number above 0",
        "review.toml: pooled_by_authors is 'no'; give true or false",
        "review.toml: age_range is [5, 4]; give a list of two numbers, the lower first",
        "review.toml: lowest_odds_ratio is {'estimate': 2};"
        " give {estimate = number, ci = [low, high]}",
    ]


# The bundled data


def test_bundled_data() -> None:
    studies = headache_back_pain()
    frame = studies.frame
    counts = frame.set_index("estimate_id")[["ai", "bi", "ci", "di"]].T.to_dict("list")
    assert studies.source == "headache-back-pain/estimates.csv"
    assert studies.conditions == ("back pain", "headache")
    # Bejia 2005: 51 of 125 + 51 with back pain, 24 of 150 + 24 without, had migraine
    assert counts["bejia2005-1"] == [51, 125, 24, 150]
    assert frame["label"].tolist()[3:5] == ["Ashina 2018", "Ashina 2018 (2)"]
    assert frame["label"].is_unique
    swain = counts["swain2014-1"]
    assert swain[0] * swain[3] == 104527 * 140501  # beyond 32 bits
    assert all(math.isnan(count) for count in counts["yoon2013-1"])


def test_the_notes_come_with_the_data() -> None:
    folder = importlib.resources.files("comorbid.studies") / "data" / "headache-back-pain"
    assert "6 of 14 studies" in (folder / "NOTES.md").read_text(encoding="utf-8")
    population = (folder / "population.csv").read_text(encoding="utf-8")
    assert population.startswith("quantity,value,wording,source\n")
