"""Methods: a correct sentence for every measure, estimator, test and number of studies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import comorbid as cb
from comorbid.builtin import comorbid_analyses
from comorbid.calls import Calls
from comorbid.document.bibliography import bundled
from comorbid.document.blocks import Block, Inline
from comorbid.document.numbering import cited
from comorbid.document.sections.methods import _effects, _options
from comorbid.document.sections.methods_of_fit import heterogeneity, model
from comorbid.effects.measures import MEASURES, Measure
from comorbid.effects.scales import SCALES, needs_size
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.kernel import Test
from comorbid.report.build import Report, build_with
from comorbid.report.definition import read_definition
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import registry, studies_csv

YI, VI = [0.2, 0.9, 0.5, 1.4, 0.1], [0.03, 0.08, 0.02, 0.05, 0.04]
TESTS = ("z", "t", "knha", "adhoc")


def printed(runs: str | Sequence[Inline]) -> str:
    """The text of runs, with keys in brackets for citations and names for cross-references."""
    parts = [runs] if isinstance(runs, str) else runs
    shown = (
        part
        if isinstance(part, str)
        else f"[{', '.join(part.keys)}]"
        if isinstance(part, cb.Cite)
        else f"<{part.name}>"
        if isinstance(part, cb.Ref)
        else part.text  # type: ignore[union-attr]
        for part in parts
    )
    return "".join(shown)


def check_sentences(text: str) -> None:
    """Each sentence is whole and each citation known."""
    assert text[0].isupper()
    assert text.endswith(".")
    assert not re.search(r"  | [.,;:]|\(\)|\[\]|\.\.|nan|None\b(?! of)", text), text
    for keys in re.findall(r"\[([a-z0-9, ]+)\]", text):
        assert set(keys.split(", ")) <= set(bundled())


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("method", [e.id for e in ESTIMATORS])
def test_every_estimator_and_test(method: str, test: Test, k: int) -> None:
    weights = np.ones(k) if method.startswith("GENQ") else None
    effects = cb.Effects(yi=YI[:k], vi=VI[:k])
    fit = cb.pool(effects, method=method, test=test, weights=weights)
    texts = [printed(model(fit)), printed(heterogeneity(fit))]
    for text in texts:
        check_sentences(text)
    if k == 1:
        assert texts[0].startswith("One study gives an effect: nothing is pooled")
        return
    assert fit.estimator.label in texts[0] or method == "EE"
    assert ("t distribution" in texts[0]) is (test != "z")
    assert ("[knapp2003" in texts[0]) is (test in ("knha", "adhoc"))
    assert ("roever2015" in texts[0]) is (test == "adhoc")
    assert ("no prediction interval" in texts[0]) is (method == "EE")


def test_an_estimator_and_a_measure_without_a_paper() -> None:
    estimator = cb.Estimator("mine", "my method", lambda yi, vi: np.zeros(yi.shape[1]), "")
    text = printed(model(cb.pool(cb.Effects(yi=YI, vi=VI), method=estimator)))
    check_sentences(text)
    assert "tau², is estimated by my method; each study" in text
    measure = cb.Measure(
        "XX", "my measure", ("ai",), lambda rows: (rows["ai"],) * 2, "log", 0.0, ""
    )
    effects = cb.Effects(
        yi=[0.1, 0.2], vi=[0.1, 0.2], measure="XX", scale="log",
        source=("counts", "counts"), ids=("study-1", "study-2"),
    )  # fmt: skip
    text = printed(_effects(STUDIES, effects, measure))
    check_sentences(text)
    assert text.endswith("In the study table ai gives 2 effects.")


def test_the_weights_of_the_analyst_are_said() -> None:
    effects = cb.Effects(yi=YI, vi=VI)
    own = printed(model(cb.pool(effects, weights=[1, 2, 3, 4, 5])))
    assert "each study has a weight that the analyst gave it" in own
    assert "plus tau²" in printed(model(cb.pool(effects)))
    assert "each study has a weight that the analyst gave it" in printed(
        model(cb.pool(effects, method="EE", weights=[1, 2, 3, 4, 5]))
    )


STUDIES = studies_from_bytes(
    studies_csv(2, ai=[3, 0], bi=[97, 90], ci=[2, 5], di=[90, 80]).encode(), source="s.csv"
)


@pytest.mark.parametrize("source", ["counts", "reported"])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.id)
def test_every_measure(measure: Measure, source: str) -> None:
    scale = f"{measure.scale}(n=40.0)" if needs_size(measure.scale) else measure.scale
    effects = cb.Effects(
        yi=[0.1, 0.2], vi=[0.1, 0.2], measure=measure.id, scale=scale,
        source=(source, source), ids=("study-1", "study-2"),
    )  # fmt: skip
    text = printed(_effects(STUDIES, effects, measure))
    check_sentences(re.sub(r"\(y = .*?\) \[", "[", text))
    assert text.startswith(f"The effect measure is the {measure.label}")
    if scale != "identity":
        assert SCALES[scale].text in text
    if source == "counts":
        assert not re.search(r"; (AV|UB|CS|LS2).*: ", text)
        assert f"{measure.columns[0]}" in text
    else:
        assert "the width of its confidence interval" in text


def effects_text(studies: str, **settings: object) -> str:
    table = studies_from_bytes(studies.encode(), source="s.csv")
    effects = cb.effects(table, measure="OR", **settings)  # type: ignore[arg-type]
    return printed(_effects(table, effects, cb.find_measure("OR")))


def test_zero_counts_are_said() -> None:
    header = "study_id,ai,bi,ci,di\n"
    none = effects_text(f"{header}a,3,97,2,90\nb,4,90,5,80\n")
    assert none.endswith("None of their counts is zero, so that nothing is added to any.")
    one = effects_text(f"{header}a,0,97,2,90\nb,4,90,5,80\n")
    assert "a has a count of zero; 0.5 is added to each count of such a row [" in one
    two = effects_text(f"{header}a,0,97,2,90\nb,4,90,0,80\n")
    assert "a and b have a count of zero" in two
    many = effects_text(header + "".join(f"s{i},0,97,2,90\n" for i in range(11)))
    assert "Several rows have a count of zero" in many


def test_zero_counts_pass_the_check_of_numbers(tmp_path: Path) -> None:
    table = "study_id,ai,bi,ci,di\na,0,97,12,90\nb,14,90,15,80\nc,24,90,0,80\n"
    text = text_of(build(tmp_path, table, "methods"))
    assert "a and c have a count of zero; 0.5 is added to each count" in text


def test_where_the_standard_errors_come_from() -> None:
    header = "study_id,measure,estimate,ci_low,ci_high,se,p_value\n"
    interval, se, p = "a,OR,2,1.5,2.7,,\n", "b,OR,2,,,0.2,\n", "c,OR,2,,,,0.03\n"
    assert "is the width of its confidence interval" in effects_text(header + interval)
    assert "is the reported standard error." in effects_text(header + se)
    assert (
        "is the distance from no effect over the normal quantile of its p-value [altman2011]."
        in (effects_text(header + p))
    )
    text = effects_text(header + interval + se + p)
    assert "[higgins2024], or the reported standard error, or the distance" in text
    check_sentences(text)


# -- in a report ----------------------------------------------------------------------------------


def test_every_analysis_of_the_core_says_what_it_does() -> None:
    silent = {"pool", "evidence"}  # what the other paragraphs are about
    for analysis in comorbid_analyses():
        if analysis.id not in silent:
            check_sentences(printed(analysis.methods).capitalize())


def test_options_that_are_words_are_said() -> None:
    options = {"by": ("sex", "age"), "formula": "~ year", "p": (0.2, 0.3), "n": 5.0, "no": None}
    assert _options(options) == (" Set here: by = sex, age; formula = ~ year.",)
    assert _options({"p": 0.2, "no": None}) == ()
    assert _options({"source1": "a register", "condition1": "one", "note": "So."}) == ()


class Extra:
    """A plugin with an analysis that says what it does, and one that does not."""

    @staticmethod
    @cb.hookimpl
    def comorbid_analyses() -> tuple[cb.Analysis, ...]:
        def run(context: cb.Context) -> object:
            return cb.rank_test(context.results["pool"])  # type: ignore[arg-type]

        said = ("Ranks are compared ", cb.Cite("begg1994"), ".")
        return (
            cb.Analysis("said", "Ranks", run, needs=("pool",), methods=said),  # type: ignore[arg-type]
            cb.Analysis("silent", "Silence", run, needs=("pool",)),  # type: ignore[arg-type]
        )

    @staticmethod
    @cb.hookimpl
    def comorbid_sections() -> tuple[cb.Section, ...]:
        def build(_: cb.Context) -> tuple[Block, ...]:
            return (cb.Paragraph("text"),)

        return (cb.Section("both", "Both", build, needs=("said", "silent")),)


def build(folder: Path, studies: str, *sections: str, lines: str = "") -> Report:
    (folder / "report.toml").write_text(
        'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\n'
        f"sections = {list(sections)}\n{lines}",
        encoding="utf-8",
    )
    (folder / "studies.csv").write_text(studies, encoding="utf-8")
    return build_with(read_definition(folder), registry(Extra()), Calls())


def text_of(report: Report) -> str:
    (section,) = (s for s in report.document.sections if s.id == "methods")
    texts = []
    for block in section.blocks:
        items = block.items if isinstance(block, cb.Items) else ()
        texts += [printed(getattr(block, "text", "")), *map(printed, items)]
    return "\n".join(text for text in texts if text)


def test_methods_refer_to_the_sections_that_there_are(tmp_path: Path) -> None:
    alone = text_of(build(tmp_path, studies_csv(3), "methods"))
    assert "<" not in alone
    assert "\nConfidence intervals of single studies" in alone
    assert "The studies are listed in <studies-pooled>. Conf" in text_of(
        build(tmp_path, studies_csv(3), "methods", "studies")
    )
    assert "The studies are drawn with the pooled values in <forest>. Conf" in text_of(
        build(tmp_path, studies_csv(3), "methods", "forest")
    )
    both = build(tmp_path, studies_csv(4), "methods", "forest", "studies")
    assert "listed in <studies-pooled> and drawn with the pooled values in <forest>." in text_of(
        both
    )
    assert 'listed in <a class="jump" href="#table.1">Table 1</a>' in both.html


def test_analyses_in_use_say_what_they_do(tmp_path: Path) -> None:
    report = build(tmp_path, studies_csv(4), "methods", "both")
    text = text_of(report)
    assert "Ranks. Ranks are compared [begg1994]." in text
    assert "Silence" not in text
    assert "Leave-one-out" not in text
    assert "Leave-one-out. The pool is repeated without each study in turn [" in text_of(
        build(tmp_path, studies_csv(4), "methods", "leave-one-out")
    )
    summary = text_of(build(tmp_path, studies_csv(4), "methods", "summary"))
    assert "Other rows" not in summary
    assert "begg1994" in cited(report.document.sections)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({}, "The study table has 4 rows from 4 studies. The pool has 4 rows."),
        (
            {
                "study_id": list("aabc"),
                "estimate_id": list("wxyz"),
                "primary": ["yes", "no", "yes", "yes"],
            },
            "The study table has 4 rows from 3 studies. Rows of one study rest on the same people "
            "and are never pooled together: of each study one row is, the one marked primary "
            "unless a decision says otherwise. The pool has 3 rows.",
        ),
    ],
)
def test_which_rows_are_pooled(rows: dict[str, list[str]], expected: str, tmp_path: Path) -> None:
    assert expected in text_of(build(tmp_path, studies_csv(4, **rows), "methods"))


def test_the_review_is_cited_where_the_bibliography_has_it(tmp_path: Path) -> None:
    review = (
        '[review]\ntitle = "Two pains"\nauthors = "Doe J"\njournal = "Pain 2019"\ndoi = "10.1/x"\n'
        'registration = "PROSPERO 1"\nstudies = 9\nparticipants = 99999\npooled_by_authors = true\n'
    )
    start = "The studies come from the systematic review “Two pains” "
    without = text_of(build(tmp_path, studies_csv(3), "methods", lines=review))
    assert f"{start}doi:10.1/x, registered as PROSPERO 1. The study table has" in without
    (tmp_path / "own.bib").write_text(
        "@article{doe2019, author={Doe, J.}, title={Two pains}, journal={Pain}, year={2019}, "
        "doi={10.1/X}}"
    )
    lines = f'references = "own.bib"\n{review}'
    cited_ = text_of(build(tmp_path, studies_csv(3), "methods", lines=lines))
    assert f"{start}[doe2019], registered as PROSPERO 1. The study table has" in cited_


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
def test_rows_that_are_taken_as_independent_are_said(tmp_path: Path) -> None:
    table = studies_csv(4, study_id=list("aabc"), estimate_id=list("wxyz"))
    text = text_of(build(tmp_path, table, "methods"))
    assert "Several rows of one study are pooled as if they rested on different people" in text
    assert "The pool has 4 rows." in text


def test_decisions_are_counted_by_what_they_do(tmp_path: Path) -> None:
    lines = "".join(
        f'[[override]]\nestimate = "{name}"\nuse = "{use}"\nreason = "Because."\n'
        for name, use in (("study-1", "exclude"), ("study-2", "reported"), ("study-3", "exclude"))
    )
    text = text_of(build(tmp_path, studies_csv(5), "methods", lines=lines))
    assert (
        "Decisions about single rows were made, each with a reason (left out: study-1 and "
        "study-3; taken as printed: study-2)."
    ) in text
    assert "The pool has 3 rows." in text


def test_every_paragraph_is_whole(tmp_path: Path) -> None:
    for k in (1, 2, 3, 12):
        for paragraph in text_of(build(tmp_path, studies_csv(k), "methods")).splitlines():
            if " " in paragraph and len(paragraph) > 40:
                check_sentences(paragraph)
