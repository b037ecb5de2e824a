"""Every printed number is the rounding of a value that its section may read, or the build stops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.report.notation import name_at, names_beside
from comorbid.report.numerals import numerals
from comorbid.report.printed_texts import Printed, drawn_texts, printed_texts
from comorbid.report.sources import Readable, Source, rows_source, source_of
from comorbid.report.traced import untraced_numbers
from comorbid.testing import build_section, registry, studies_csv

POOL = source_of(
    {
        "k": 6,
        "q": 42.51678,
        "q_df": 5,
        "q_p": 4.6e-8,
        "i2": 83.79,
        "tau2": 0.028068,
        "estimate": 0.8303,
        "ci_low": 0.6321,
        "ci_high": 1.0284,
        "labels": ["Ashina 2018", "Yoon 2013 (2)"],
        "weights": [13.08, 2.71],
        "on_scale": {
            "null": 1.0,
            "estimate": 2.2939,
            "ci_low": 1.8815,
            "ci_high": 2.7966,
            "yi": [1.7, 2.7],
            "yi_low": [1.18, 2.29],
            "yi_high": [2.45, 3.18],
        },
        "warnings": ["left out, no effect: Swain 2014"],
    },
    "pool",
)


def missing(text: str, *sources: Source, **where: Any) -> list[str]:
    return untraced_numbers(Printed(text, **where), Readable([POOL, *sources]))


@pytest.mark.parametrize(
    "text",
    [
        "The average is 2.29 (1.88 to 2.80), 2.3 in short.",
        "Q = 42.52 on 5 degrees of freedom, p < 0.001; I² = 84 %, tau² 0.0281 or τ² = 0.028.",
        "6 studies (k = 6); the interval excludes 1.",
        "Ashina 2018 has 1.70 and a weight of 13.1 %.",
        "The largest is 2.70 (Yoon 2013 (2)).",
        "LEFT OUT, no effect: Swain 2014",
        "Two studies, in words; I² and Table A.",
    ],
)
def test_roundings_and_quotations_pass(text: str) -> None:
    assert missing(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The average is 2.28.", ["2.28"]),
        ("The average is 0.83.", ["0.83"]),  # of the analysis scale, which has a printed one
        ("2.29 (1.88 to 2.81)", ["2.81"]),
        ("1.18 to 2.80 for Ashina 2018", ["1.18 to 2.80"]),  # the ends of two intervals
        ("Q = 42.52 on 6 degrees of freedom", ["6"]),
        ("k = 5", ["5"]),
        ("I² = 13 %: weights are none", ["13"]),
        ("the interval includes 6", ["6"]),
        ("p < 0.002", ["< 0.002"]),
        ("p < 0.05", ["< 0.05"]),
        ("−2.29", ["−2.29"]),
        ("The largest is 2.70 (Ashina 2018).", ["2.70"]),
        ("A weight of 13.1 % without its name", ["13.1"]),
        ("Swain 2013", ["2013"]),
        ("Yoon 2013 (3)", ["2013", "3"]),
        ("a 6x6 table, J2, 6-arm", ["6", "6", "2", "6"]),
    ],
)
def test_what_is_no_rounding_is_named(text: str, found: list[str]) -> None:
    assert missing(text) == found


def test_a_row_of_a_table_prints_its_own_values() -> None:
    assert missing("1.70", row="Ashina 2018") == []
    assert missing("1.70", row="Yoon 2013 (2)") == ["1.70"]
    assert (
        missing("2.29", row="Yoon 2013 (2)") == []
    )  # of no row: the average, and an end of its own
    assert missing("84 %", row="Ashina 2018", head="I²") == []
    assert missing("13 %", row="Ashina 2018", head="I²") == ["13"]


def test_cells_of_tables_are_printed_beside_their_names() -> None:
    cells = rows_source(
        [{"label": "Bejia 2005", "n": 350.0, "ci_low": "1.49"}], "studies", ("label",)
    )
    assert missing("Bejia 2005: 350 people from 1.49, in 1 row", cells) == []
    assert missing("350 people", cells) == ["350"]
    assert missing("350", cells, row="Bejia 2005") == []


def test_a_row_whose_name_a_figure_cannot_draw() -> None:
    pool = source_of({"labels": ["日本語 2011", "山 2012"], "yi": [1.7, 2.7]}, "pool")
    assert missing("□□□ 2011", pool, drawn=True) == []
    assert missing("1.70", pool, drawn=True, row="□□□ 2011\n1.70", named_in="□□□ 2011") == []
    assert missing("2.70", pool, drawn=True, row="□□□ 2011\n2.70", named_in="□□□ 2011") == ["2.70"]
    assert missing("□□□ 2013", pool, drawn=True) == ["2013"]


def test_a_line_of_a_longer_text_or_a_shortened_one_is_drawn() -> None:
    assert missing("no effect: Swain 2014", drawn=True) == []
    assert missing("left out… Swain 2014", drawn=True) == []
    assert missing("no effect: Swain 2013", drawn=True) == ["2013"]
    assert missing("no effect: Swain 2014") == ["2014"]  # elsewhere a text is quoted whole


@pytest.mark.parametrize(
    ("printed", "value", "stands"),
    [
        ("2.29", 2.2939, True),
        ("2.29", 2.2951, False),
        ("0.12", 0.125, True),  # both are a rounding of a half
        ("0.13", 0.125, True),
        ("3,190", 3187.2, True),  # three significant digits
        ("3,190", 3187.0, False),  # a count is printed whole
        ("771,000,000,000,000,000,000", 7.7089e20, True),  # too large a float to be a count
        ("771,000,000,000,000,000,000", 7.7189e20, False),
        ("1.47×10⁶", 1_466_000.0, True),
        ("1.47×10⁶", 1_464_000.0, False),
        ("over 99 %", 99.97, True),
        ("over 99 %", 99.4, False),
        ("< 0.001", 0.0004, True),
        ("< 0.001", 0.002, False),
        ("5", 4.9, False),  # a whole number of one or two digits is a count,
        ("2", 1.996, True),  # or has three digits, the last of which are 0
        ("5 %", 4.9, True),
        ("211", 210.7, True),
        ("926,000,000,000,000,020,971,520", 9.2634e23, True),  # what floats make of three digits
        ("1e-05", 1.2e-05, True),
        ("−0.30", -0.301, True),
        ("0.30", -0.301, False),
    ],
)
def test_what_a_numeral_stands_for(printed: str, value: float, stands: bool) -> None:
    (found,) = numerals(printed)
    assert found.stands_for(value) is stands


def test_names_beside_a_number() -> None:
    (name,) = names_beside("in 5 subgroups", 3, 4)
    assert name.fullmatch("subgroup")
    assert name.fullmatch("of_subgroups")
    assert not name.fullmatch("groups")
    assert names_beside("5 of 6", 0, 1) == ()
    (name,) = names_beside("84 %", 0, 2)
    assert name.fullmatch("weights")
    column, row = name_at("mean rank"), name_at("i²", nouns=False)
    assert column is not None
    assert column.fullmatch("mean_rank")
    assert row is not None
    assert not row.fullmatch("weights")
    assert name_at("x", nouns=False) is None  # a row may be called as it likes


def test_labels_of_an_axis_are_no_results_and_other_texts_of_it_are() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg"><g id="ytick_2"><text y="1">0.5</text></g>'
        '<g id="xtick_1"><text y="2">Study 7</text></g><text y="3">0.5</text></svg>'
    )
    assert list(drawn_texts(svg)) == [("Study 7", 2.0), ("0.5", 3.0)]


def test_a_part_of_a_figure_is_read_by_itself_without_its_axis() -> None:
    labels = ["One", *(f"S{'x' * i}" for i in range(99))]
    effects = cb.Effects(yi=np.linspace(-1, 1, 100), vi=np.full(100, 0.1), labels=labels)
    figure = cb.figures.forest(cb.pool(effects))
    assert len(figure.parts) == 3
    read = [printed for printed in printed_texts((figure,)) if printed.drawn]
    assert not [printed for printed in read if re.fullmatch(r"[−\d.]+", printed.text)]
    (first,) = [printed for printed in read if printed.text == "One"]
    # Beside it stand its estimate and weight, and nothing of the other parts.
    assert len(first.row.split("\n")) == 3


@dataclass(frozen=True)
class Found:
    """A result of a test's analysis."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return dict(self.values)


class Plugin:
    """A plugin with one analysis and one section."""

    def __init__(
        self,
        build: Callable[[cb.Context], Iterable[cb.Block]],
        values: Mapping[str, Any] | None = None,
        needs: tuple[str, ...] = ("mine",),
        constants: tuple[str, ...] = (),
    ) -> None:
        self.build, self.values, self.needs, self.constants = build, values or {}, needs, constants

    @cb.hookimpl
    def comorbid_analyses(self) -> tuple[cb.Analysis, ...]:
        return (cb.Analysis("mine", "Mine", lambda context: Found(self.values)),)

    @cb.hookimpl
    def comorbid_sections(self) -> tuple[cb.Section, ...]:
        section = cb.Section(
            "mine",
            "Mine",
            lambda c: tuple(self.build(c)),
            needs=self.needs,
            constants=self.constants,
        )
        return (section,)


def says(*blocks: cb.Block, **options: Any) -> tuple[cb.Block, ...]:
    return build_section("mine", Plugin(lambda context: blocks, **options))


def test_a_build_stops_and_says_where() -> None:
    text = "First. There are 12 of them. Last."
    with pytest.raises(cb.ReportError) as caught:
        says(cb.Paragraph(text), values={"number": 11})
    assert str(caught.value) == (
        "Plugin@0, section 'mine': 12 in “There are 12 of them.” is no rounding of a value it may "
        "print; compute it in an analysis that the section needs, so that it is locked as it is "
        "printed; what is computed from nothing is declared in constants of the section"
    )
    assert says(cb.Paragraph(text), values={"number": 12})
    assert says(cb.Paragraph(text), constants=("There are 12",))
    with pytest.raises(cb.ReportError, match="12 in"):
        says(cb.Paragraph(text), constants=("here are 12",))


def test_a_result_that_the_section_does_not_need_is_none_of_its_values() -> None:
    with pytest.raises(cb.ReportError, match="12 in"):
        says(cb.Paragraph("There are 12."), values={"number": 12}, needs=())


def drawing(text: str) -> cb.Figure:
    return cb.figures.drawing(lambda pen: pen.text(5, 20, text, size=8), on=40, alt="A text.")


@pytest.mark.parametrize(
    "block",
    [
        cb.Heading("Part 7"),
        cb.Paragraph(("Part ", cb.Strong("7"))),
        cb.Items(("one", ("and ", cb.Strong("7")))),
        cb.Note("text", title="Part 7"),
        cb.Note("Part 7"),
        cb.Table(("A", "7"), (("a", "b"),), "Caption"),
        cb.Table(("A", "B"), (("a", "7"),), "Caption"),
        cb.Table(("A", "B"), (("a", "b"),), "Caption 7"),
        cb.Table(("A", "B"), (("a", "b"),), "Caption", note="Part 7"),
        cb.Paragraph((cb.Link("7 pages", "https://example.org/a"),)),
        replace(drawing("none"), alt="Part 7"),
        replace(drawing("none"), caption="Part 7"),
        drawing("Part 7"),
    ],
    ids=lambda block: type(block).__name__,
)
def test_every_text_of_a_section_is_looked_at(block: cb.Block) -> None:
    with pytest.raises(cb.ReportError, match="7 in"):
        says(block)
    assert says(block, values={"number": 7}) == (block,)


def test_a_link_that_shows_where_it_leads_is_no_number() -> None:
    doi = cb.Link("doi:10.1002/sim.1482", "https://doi.org/10.1002/sim.1482")
    assert says(cb.Paragraph(("See ", doi, ".")))


def test_the_core_prints_nothing_that_is_not_locked() -> None:
    """Also with one and two studies, which have sentences of their own, and with many."""
    people = {"condition": "a condition", "p": 0.2, "source": "made up"}
    options = {
        "burden": {f"{name}{i}": value for i in (1, 2) for name, value in people.items()},
        "subgroups": {"by": ["sex"]},
        "meta-regression": {"formula": "~ year"},
    }
    for k in (1, 2, 3, 12):
        studies = studies_csv(
            k, sex=["f", "m", "m"] * (k // 3) + ["f"] * (k % 3), year=range(1990, 1990 + k)
        )
        for entry in registry().sections:
            id_ = entry.declaration.id
            assert build_section(id_, studies=studies, options=options), id_


@pytest.mark.parametrize("section", ["forest", "leave-one-out", "influence"])
def test_rows_with_shortened_labels_are_those_of_their_studies(section: str) -> None:
    """Two labels have the same ends and are told apart by a number that is no number of theirs."""
    town = "in a town of the north-east, by a questionnaire sent to every household in winter, "
    labels = [f"Aronson and others, {town * n}1948" for n in (2, 3)]
    studies = studies_csv(4, label=[*labels, "Ferguson 1949", "Rosenthal 1960"])
    assert build_section(section, studies=studies)
