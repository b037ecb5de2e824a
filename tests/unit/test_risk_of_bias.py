"""Risk of bias: judgements in the study table, what they may say, and their two plots."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from test_figures_colours import VIEWS, contrast
from test_figures_svg import Picture, assert_printable

import comorbid as cb
from comorbid.document.figures.canvas import INK
from comorbid.document.figures.judgement_marks import look_of
from comorbid.errors import PluginError
from comorbid.studies.columns import Column
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section, studies_csv

# Table 4 of the review at https://pmc.ncbi.nlm.nih.gov/articles/PMC7216591: randomised trials of
# exercise in chronic kidney disease, judged in seven domains of Cochrane's first tool.
DOMAINS = (
    "sequence",
    "concealment",
    "participants",
    "assessors",
    "incomplete",
    "selective",
    "other",
)
TRIALS = {
    "Hellberg 2019": "Low Low Low Low Low Low Low",
    "Liang 2016": "Low High High Unclear Low Low Low",
    "Aoike 2017": "Low Unclear Unclear Unclear Low Low Low",
    "Leehey 2016": "Low Unclear High Low Low Low High",
    "Hiraki 2017": "Low Unclear High Low Low Low Low",
    "Leehey 2009": "Low Unclear High Unclear High Low High",
}


def table(**columns: list[str]) -> cb.Studies:
    """As many made-up studies as there are cells in a column."""
    text = studies_csv(len(next(iter(columns.values()))), **columns)
    return studies_from_bytes(text.encode(), source="studies.csv")


def trials() -> cb.Studies:
    cells = zip(*(row.split() for row in TRIALS.values()), strict=True)
    columns = {f"rob_{name}": list(own) for name, own in zip(DOMAINS, cells, strict=True)}
    return table(label=list(TRIALS), **columns)


def test_judgements_are_those_of_the_published_table() -> None:
    found = cb.risk_of_bias(trials())
    assert found.domains == DOMAINS
    assert found.labels == tuple(TRIALS)
    assert found.overall is None
    assert found.words == {"low": "low", "high": "high", "unclear": "unclear"}
    frame = found.to_frame()
    for name, row in TRIALS.items():
        assert frame.loc[name].tolist() == row.lower().split()
    assert found.counts()[1] == {"low": 1, "high": 1, "unclear": 4}
    assert found.shares()[1]["unclear"] == pytest.approx(400 / 6)


def test_every_judgement_is_drawn_with_its_sign_and_colour() -> None:
    """What a reader sees without colour: as many signs in each column as the table has words."""
    figure = cb.figures.traffic_light(trials())
    assert_printable(figure)
    picture = Picture(figure)
    marks = [name for name in picture.names if name.startswith("judgement-")]
    assert len(marks) == 6 * 7
    places = {name: picture.names[name] for name in marks}
    signs = Counter(words.text for words in picture.words if words.text in "+!?−×" and words.text)
    words = Counter(" ".join(TRIALS.values()).split())
    # one more of each stands in the key
    assert signs == {"+": words["Low"] + 1, "−": words["High"] + 1, "?": words["Unclear"] + 1}
    for i, row in enumerate(TRIALS.values()):
        for j, word in enumerate(row.lower().split()):
            (path,) = places[f"judgement-{i}-{j}"].iter("{http://www.w3.org/2000/svg}path")
            fill = re.findall(r"fill: (#[0-9a-f]{6})", path.attrib["style"])[0]
            assert fill == look_of(word).fill
            assert INK in path.attrib["style"]


@pytest.mark.parametrize("view", VIEWS)
def test_every_sign_can_be_read_on_its_disc(view: str) -> None:
    """WCAG 2.2, success criterion 1.4.3 (contrast of text): 4.5 to 1."""
    scores = [f"{points}/{most}" for most in range(1, 11) for points in range(most + 1)]
    for cell in ["low", "some", "high", "critical", "unclear", *scores]:
        look = look_of(cell)
        assert contrast(look.fill, look.ink, view) >= 4.5, cell


def test_bars_are_as_long_as_the_weights_in_the_pool() -> None:
    studies = table(rob_overall=["low", "high", "", "some"])
    fit = cb.pool(cb.effects(studies))
    found = cb.risk_of_bias(studies, fit=fit)
    assert found.shares()[0] == pytest.approx(
        {"low": fit.weights[0], "some": fit.weights[3], "high": fit.weights[1], "": fit.weights[2]}
    )
    assert list(found.shares()[0]) == ["low", "some", "high", ""]
    figure = cb.figures.risk_of_bias_summary(found)
    picture = Picture(figure)
    widths = []
    for part in range(4):
        corners = picture.corners(f"part-0-{part}")
        widths.append(float(corners[:, 0].max() - corners[:, 0].min()))
    expected = [found.shares()[0][cell] / 100 for cell in found.shares()[0]]
    assert [width / sum(widths) for width in widths] == pytest.approx(expected, abs=1e-3)
    assert "percentage of weight in the pool" in figure.alt
    assert "percentage of studies" in cb.figures.risk_of_bias_summary(studies).alt


def test_the_overall_judgement_is_last_and_none_is_made_up() -> None:
    found = cb.risk_of_bias(table(rob_overall=["high", ""], rob_missing_data=["low", "Moderate"]))
    assert found.domains == ("missing data", "overall")
    assert found.overall == ("high", "")
    assert found.words == {"low": "low", "some": "moderate", "high": "high"}
    assert "moderate in 1" in cb.figures.traffic_light(found).alt
    assert "not judged in 1" in cb.figures.traffic_light(found).alt


def test_words_of_other_tools_are_levels() -> None:
    cells = ["low risk", "Some concerns", "serious", "very high", "no information", "3 of 4"]
    found = cb.risk_of_bias(table(rob_overall=cells))
    assert found.judgements == (("low", "some", "high", "critical", "unclear", "3/4"),)


def test_a_wrong_judgement_is_an_error_with_line_column_and_what_is_allowed() -> None:
    with pytest.raises(cb.DataError) as caught:
        table(rob_selection=["low", "hihg", "5/4"], indirectness=["low", "", "far"])
    said = str(caught.value)
    assert "studies.csv, line 3, column rob_selection: 'hihg' is not acceptable" in said
    assert "line 4, column rob_selection: '5/4' is not acceptable" in said
    assert "line 4, column indirectness: 'far' is not acceptable" in said
    assert "low, low risk; some, some concerns, moderate, medium; high" in said
    assert len(caught.value.problems) == 3


def test_a_name_that_is_nearly_such_a_column_is_not_passed_over() -> None:
    with pytest.raises(cb.DataError) as caught:
        table(**{"RoB selection": ["low"], "Indirectness": ["low"], "robust": ["yes"]})
    said = str(caught.value)
    assert "line 1, column RoB selection: the name 'RoB selection' is nearly rob_selection" in said
    assert "the name 'Indirectness' is nearly indirectness; rename it to indirectness" in said
    assert len(caught.value.problems) == 2


def test_what_a_plugin_allows_in_such_a_column_and_is_no_judgement_is_named() -> None:
    """A plugin may declare a column of this name with cells of its own."""
    text = studies_csv(2, rob_mine=["low", "tiny"])
    column = Column("rob_mine", "text")
    studies = studies_from_bytes(text.encode(), source="s.csv", columns=[column])
    with pytest.raises(cb.DataError, match="study-2 has 'tiny' in rob_mine; use one of low, some"):
        cb.risk_of_bias(studies)
    assert issubclass(PluginError, cb.ComorbidError)


def test_a_table_without_judgements_is_refused_and_the_report_says_so() -> None:
    with pytest.raises(cb.DataError, match="no column whose name begins with rob_"):
        cb.risk_of_bias(cb.datasets.headache_back_pain())
    (said,) = build_section("risk-of-bias", studies=studies_csv(3))
    assert isinstance(said, cb.Paragraph | cb.Note)
    assert "no judgements of risk of bias" in str(said.text)


@pytest.mark.parametrize("k", [1, 2, 12])
def test_the_section_has_both_plots(k: int) -> None:
    columns = {"rob_overall": (["low", "high", "unclear"] * 4)[:k], "rob_a": ["2/4"] * k}
    blocks = build_section("risk-of-bias", studies=studies_csv(k, **columns))
    assert [type(block).__name__ for block in blocks] == ["Paragraph", "Figure", "Figure"]
    assert "Overall: " in str(blocks[0].text)
    assert ("low risk in 1 study" if k < 3 else "low risk in 4 studies") in str(blocks[0].text)
    without = build_section("risk-of-bias", studies=studies_csv(k, rob_a=["low"] * k))
    assert "no overall judgement of a study, and none is made here" in str(without[0].text)


def test_judgements_are_no_moderators_of_the_table_of_studies() -> None:
    blocks = build_section(
        "studies", studies=studies_csv(3, rob_a=["low"] * 3, mood=["a", "b", "c"])
    )
    heads = [head for block in blocks if isinstance(block, cb.Table) for head in block.header]
    assert "Mood" in heads
    assert not [head for head in heads if "rob" in head.lower()]


def test_rows_that_are_not_pooled_are_not_shown() -> None:
    text = studies_csv(
        3, estimate_id=["a", "b", "c"], primary=["yes", "no", "yes"], rob_overall=["low"] * 3
    )
    studies = studies_from_bytes(text.encode(), source="s.csv")
    assert cb.risk_of_bias(studies).ids == ("a", "c")
    with pytest.raises(cb.DataError, match="no row has the id"):
        cb.risk_of_bias(studies, fit=cb.pool(cb.Effects(yi=[0.1], vi=[0.1], ids=["z"])))


def test_eighty_studies_go_on_over_parts_and_many_domains_have_letters() -> None:
    """Simulated judgements, the same every time."""
    cells = ["low", "some", "high", "critical", "unclear", ""]
    columns = {
        f"rob_a_domain_with_a_long_name_{j}": [cells[(i * i + j) % 6] for i in range(80)]
        for j in range(9)
    }
    figure = cb.figures.traffic_light(table(**columns))
    assert len(figure.parts) == 2
    assert_printable(figure)
    words = [word.text for part in figure.parts for word in Picture(part).words]
    assert "I" in words
    with pytest.raises(cb.ModelError, match="21 domains have no room"):
        cb.figures.traffic_light(table(**{f"rob_{j}": ["low"] for j in range(21)}))
    assert any(text.startswith("A: A domain with a long name 0; B: ") for text in words)
