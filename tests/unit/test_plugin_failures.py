"""What a plugin can do wrong, at every hook, and the one message that it gets for it."""

from __future__ import annotations

import re
import time
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.registry import KINDS, singular
from comorbid.report.build import Report, build_with
from comorbid.report.definition import read_definition
from comorbid.testing import registry, studies_csv

TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
formats = ["html"]
"""
STUDIES = studies_csv(4, dose=[9, 8, 7, 6], sex=["f", "f", "m", "m"])


def plugin(**hooks: Any) -> types.ModuleType:
    """A plugin called one@0, with each hook given as what it returns or as a function."""
    made = types.ModuleType("one")
    for name, value in hooks.items():
        function = value if callable(value) else (lambda value=value: value)
        setattr(made, f"comorbid_{name}", _hook(function))
    return made


def _hook(function: Callable[[], Any]) -> Callable[[], Any]:
    def hook() -> Any:
        return function()

    return cb.hookimpl(hook)


def build(folder: Path, lines: str, *plugins: object, calls: Calls | None = None) -> Report:
    """A report on four simulated studies, written as HTML only."""
    (folder / "report.toml").write_text(TOML + lines, encoding="utf-8")
    (folder / "studies.csv").write_text(STUDIES, encoding="utf-8")
    return build_with(read_definition(folder), registry(*plugins), calls or Calls())


# -- hooks: raise, exit, return the wrong type, print, take an argument or an id -------------------


def fail(*_arguments: object) -> Any:
    raise ValueError("broken")


def leave(*_arguments: object) -> Any:
    raise SystemExit(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_that_raises(kind: str) -> None:
    with pytest.raises(cb.PluginError) as caught:
        registry(plugin(**{kind: fail}))
    assert str(caught.value) == (
        f"one@0, comorbid_{kind} fails: ValueError: broken; update the plugin, or take what needs "
        "it off the report"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_that_ends_the_process(kind: str) -> None:
    with pytest.raises(cb.PluginError, match=rf"^one@0, comorbid_{kind} fails: SystemExit: 0;"):
        registry(plugin(**{kind: leave}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_that_returns_the_wrong_type(kind: str) -> None:
    with pytest.raises(cb.PluginError) as caught:
        registry(plugin(**{kind: [object()]}))
    expected = KINDS[kind].__name__
    assert str(caught.value) == f"one@0, comorbid_{kind} returns a object; return {expected} values"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("returned", "message"), [(None, "it returns nothing"), (5, "'int' object is not iterable")]
)
def test_a_hook_that_returns_no_iterable(kind: str, returned: object, message: str) -> None:
    with pytest.raises(
        cb.PluginError, match=rf"^one@0, comorbid_{kind} fails: TypeError: {message}"
    ):
        registry(plugin(**{kind: lambda: returned}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_that_prints(kind: str) -> None:
    def prints() -> tuple[()]:
        print("hello\nworld")
        return ()

    with pytest.warns(cb.ComorbidWarning, match=f"^one@0, comorbid_{kind} prints: hello world$"):
        registry(plugin(**{kind: prints}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_with_an_argument(kind: str) -> None:
    made = types.ModuleType("one")

    def keyword(*, report: object) -> tuple[()]:
        return ()

    setattr(made, f"comorbid_{kind}", cb.hookimpl(keyword))
    with pytest.raises(cb.PluginError) as caught:
        registry(made)
    assert str(caught.value) == (
        f"one@0: comorbid_{kind} takes report; a hook takes no argument: "
        f"write def comorbid_{kind}()"
    )


def result(context: cb.Context) -> Any:
    return context.effects


def text(context: cb.Context) -> tuple[cb.Block, ...]:
    return (cb.Paragraph("text"),)


class Command(NamedTuple):
    """What a click.Command looks like from outside."""

    name: str
    callback: object = None
    params: tuple[()] = ()

    def main(self, args: object = None, prog_name: object = None) -> None: ...


FONTS = tuple(
    f"comorbid.report:themes/journal/fonts/comorbid-{face}.woff2"
    for face in ("sans-bold", "sans-regular", "serif-bold", "serif-italic", "serif-regular")
)
TAKEN: dict[str, tuple[Any, str]] = {
    "columns": (cb.Column("estimate", "number"), "comorbid (a core column)"),
    "measures": (cb.Measure("OR", "x", ("ai",), fail, "log", 0.0, ""), "comorbid@"),
    "estimators": (cb.Estimator("REML", "x", fail, ""), "comorbid@"),
    "analyses": (cb.Analysis("pool", "x", result), "comorbid@"),
    "subgroups": (cb.Subgroup("pool", "x", {"a": ("b",)}, "Why.", True), "comorbid@"),
    "sections": (cb.Section("summary", "x", text), "comorbid@"),
    "themes": (cb.Theme("journal", "comorbid.report:themes/journal/style.css", "", FONTS), ""),
    "renderers": (cb.Renderer("html", ".htm", lambda document, theme: b""), "comorbid@"),
    "commands": (Command("build"), "comorbid (a core command)"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_comorbid_has(kind: str) -> None:
    declaration, owner = TAKEN[kind]
    with pytest.raises(cb.PluginError) as caught:
        registry(plugin(**{kind: [declaration]}))
    name = getattr(declaration, "id", None) or declaration.name
    begin = f"{singular(kind)} {name!r} of one@0 is already declared by {owner}"
    assert str(caught.value).startswith(begin)
    assert str(caught.value).endswith(
        "; use only one of the two plugins, or ask an author to rename it"
    )


# -- the functions that hooks declare ------------------------------------------------------------


def estimator(tau2: Callable[..., Any]) -> types.ModuleType:
    return plugin(estimators=[cb.Estimator("MINE", "mine", tau2, "")])


def measure(effect: Callable[..., Any]) -> types.ModuleType:
    return plugin(measures=[cb.Measure("MINE", "mine", ("dose",), effect, "identity", 0.0, "")])


def column(check: Callable[..., Any]) -> types.ModuleType:
    return plugin(columns=[cb.Column("sex", "text", check=check)])


def analysis(run: Callable[..., Any]) -> types.ModuleType:
    return plugin(
        analyses=[cb.Analysis("mine", "Mine", run, needs=("pool",))],
        sections=[cb.Section("mine", "Mine", text, needs=("mine",))],
    )


def section(build: Callable[..., Any]) -> types.ModuleType:
    return plugin(sections=[cb.Section("mine", "Mine", build, needs=("pool",))])


def renderer(render: Callable[..., Any]) -> types.ModuleType:
    return plugin(renderers=[cb.Renderer("mine", ".txt", render)])


ROLES: dict[str, tuple[Callable[..., types.ModuleType], str, str]] = {
    "column": (column, 'sections = ["forest"]', "the check of column 'sex'"),
    "measure": (measure, 'sections = ["forest"]\nmeasure = "MINE"', "measure 'MINE'"),
    "estimator": (estimator, 'sections = ["forest"]\nmethod = "MINE"', "estimator 'MINE'"),
    "analysis": (analysis, 'sections = ["mine"]', "analysis 'mine'"),
    "section": (section, 'sections = ["mine"]', "section 'mine'"),
    "renderer": (renderer, 'sections = ["provenance"]', "renderer 'mine'"),
}


def run_role(folder: Path, role: str, function: Callable[..., Any], calls: Calls) -> None:
    make, lines, _ = ROLES[role]
    report = build(folder, lines, make(function), calls=calls)
    if role == "renderer":
        report.render("mine")


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_raises(role: str, tmp_path: Path) -> None:
    with pytest.raises(cb.ComorbidError) as caught:
        run_role(tmp_path, role, fail, Calls())
    assert str(caught.value) == (
        f"one@0, {ROLES[role][2]} fails: ValueError: broken; update the plugin, or take what needs "
        "it off the report"
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_ends_the_process(role: str, tmp_path: Path) -> None:
    with pytest.raises(cb.ComorbidError, match="fails: SystemExit: 0"):
        run_role(tmp_path, role, leave, Calls())


WRONG = {
    "column": "does not return one bool for each value",
    "measure": "does not return (yi, vi), one effect and variance a row",
    "estimator": "does not return one tau2 for each data set",
    "analysis": "fails: TypeError: it returns a object, which has no to_dict()",
    "section": "fails: TypeError: it returns a object; return a sequence of blocks",
    "renderer": "returns a object; return bytes",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_returns_the_wrong_type(role: str, tmp_path: Path) -> None:
    with pytest.raises(cb.ComorbidError) as caught:
        run_role(tmp_path, role, lambda *arguments: object(), Calls())
    assert str(caught.value).startswith(f"one@0, {ROLES[role][2]} {WRONG[role]}")


GOOD: dict[str, Callable[..., Any]] = {
    "column": lambda values: np.ones(len(values), dtype=bool),
    "measure": lambda rows: (rows["dose"], 0 * rows["dose"] + 0.1),
    "estimator": lambda yi, vi: 0 * yi[0] + 0.1,
    "analysis": result,
    "section": text,
    "renderer": lambda document, theme: b"text",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_prints(role: str, tmp_path: Path) -> None:
    def prints(*arguments: object) -> Any:
        print("hello")
        return GOOD[role](*arguments)

    with pytest.warns(cb.ComorbidWarning, match=f"^one@0, {ROLES[role][2]} prints: hello$"):
        run_role(tmp_path, role, prints, Calls())


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_sleeps_is_timed_and_waited_for_by_name(role: str, tmp_path: Path) -> None:
    def sleeps(*arguments: object) -> Any:
        time.sleep(0.1)
        return GOOD[role](*arguments)

    said: list[str] = []
    calls = Calls(said.append, patience=0.02)
    run_role(tmp_path, role, sleeps, calls)
    slow = [call for call in calls.made if (call.origin, call.what) == ("one@0", ROLES[role][2])]
    assert slow
    assert all(call.seconds >= 0.1 for call in slow)
    assert f"waiting for one@0, {ROLES[role][2]} (0.02 s so far)" in said


def test_what_is_quick_is_not_waited_for(tmp_path: Path) -> None:
    said: list[str] = []
    build(tmp_path, 'sections = ["provenance"]', calls=Calls(said.append, patience=60))
    assert [line for line in said if line.startswith("waiting")] == []


# -- changing what is given ----------------------------------------------------------------------


def write(array: Any) -> None:
    array[0] = 1


def change_table(context: cb.Context) -> None:
    context.studies.arrays.frame.loc[0, "estimate"] = 99.0


def change_effects(context: cb.Context) -> None:
    yi = context.effects.yi
    yi.flags.writeable = True  # a plugin that insists
    yi[0] = 99.0


def change_result(context: cb.Context) -> None:
    object.__setattr__(context.results["pool"], "estimate", 99.0)


def replace_result(context: cb.Context) -> None:
    context.results["pool"] = None  # type: ignore[index]


def set_field(context: cb.Context) -> None:
    context.effects.yi = np.zeros(4)  # type: ignore[misc]


def write_weights(context: cb.Context) -> None:
    context.results["pool"].weights[0] = 1.0  # type: ignore[attr-defined]


REFUSED = {
    replace_result: "TypeError: 'mappingproxy' object does not support item assignment",
    set_field: "FrozenInstanceError: cannot assign to field 'yi'",
    write_weights: "ValueError: assignment destination is read-only",
}
FOUND_OUT = {
    change_table: "changed the study table",
    change_effects: "changed the effects, the result 'pool'",  # which holds them
    change_result: "changed the result 'pool'",
}


@pytest.mark.parametrize("role", ["analysis", "section"])
@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
def test_what_is_given_refuses_to_be_changed(
    role: str, change: Callable[[cb.Context], None], tmp_path: Path
) -> None:
    with pytest.raises(cb.ReportError) as caught:
        run_role(tmp_path, role, change, Calls())
    assert str(caught.value).startswith(f"one@0, {ROLES[role][2]} fails: {REFUSED[change]}")


@pytest.mark.parametrize("role", ["analysis", "section"])
@pytest.mark.parametrize("change", FOUND_OUT, ids=lambda change: change.__name__)
def test_a_change_by_force_is_found_out(
    role: str, change: Callable[[cb.Context], None], tmp_path: Path
) -> None:
    def insists(context: cb.Context) -> Any:
        change(context)
        return GOOD[role](context)

    with pytest.raises(cb.PluginError) as caught:
        run_role(tmp_path, role, insists, Calls())
    message = f"one@0, {ROLES[role][2]} {FOUND_OUT[change]}; only read what a context holds"
    assert str(caught.value).startswith(message)


def test_a_change_by_force_stops_a_draft_too(tmp_path: Path) -> None:
    def insists(context: cb.Context) -> Any:
        change_result(context)
        raise KeyError("k")

    (tmp_path / "report.toml").write_text(f'{TOML}sections = ["mine"]', encoding="utf-8")
    (tmp_path / "studies.csv").write_text(STUDIES, encoding="utf-8")
    definition = read_definition(tmp_path)
    with pytest.raises(cb.PluginError, match="changed the result 'pool'"):
        build_with(definition, registry(section(insists)), Calls(), failing="placeholder")


def test_another_plugins_result_cannot_be_changed(tmp_path: Path) -> None:
    class Found:
        def __init__(self) -> None:
            self.value = 1.0

        def to_dict(self) -> dict[str, object]:
            return {"value": self.value}

    def change(context: cb.Context) -> Any:
        context.results["mine"].value = 2.0  # type: ignore[attr-defined]
        return text(context)

    other = types.ModuleType("two")
    other.comorbid_sections = _hook(  # type: ignore[attr-defined]
        lambda: [cb.Section("other", "Other", change, needs=("mine",))]
    )
    first = analysis(lambda context: Found())
    assert build(tmp_path, 'sections = ["mine"]', first).lock
    with pytest.raises(cb.PluginError, match=r"^two@0, section 'other' changed the result 'mine';"):
        build(tmp_path, 'sections = ["mine", "other"]', first, other)


@pytest.mark.parametrize(
    ("role", "function"),
    [
        ("column", write),
        ("measure", lambda rows: write(rows["dose"])),
        ("estimator", lambda yi, vi: write(vi)),
    ],
)
def test_arrays_that_are_given_cannot_be_written_to(
    role: str, function: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(cb.ComorbidError) as caught:
        run_role(tmp_path, role, function, Calls())
    message = f"one@0, {ROLES[role][2]} fails: ValueError: assignment destination is read-only"
    assert str(caught.value).startswith(message)


# -- values that are of the right type and wrong -------------------------------------------------


@pytest.mark.parametrize(
    ("role", "function", "message"),
    [
        ("measure", lambda rows: (rows["dose"], -rows["dose"]), "gives a variance below 0"),
        ("measure", lambda rows: rows["dose"], WRONG["measure"]),
        ("measure", lambda rows: (rows["dose"][:2], rows["dose"][:2]), WRONG["measure"]),
        ("estimator", lambda yi, vi: yi[0] * 0 - 1, "gives a tau2 that is negative or no number"),
        ("estimator", lambda yi, vi: yi[0] * np.nan, "gives a tau2 that is negative or no number"),
        ("estimator", lambda yi, vi: 0.5, WRONG["estimator"]),
        ("column", lambda values: np.array([True]), WRONG["column"]),
        ("column", lambda values: np.ones(len(values)), WRONG["column"]),
        ("section", lambda context: ["text"], "returns str; return Heading, Paragraph, Items"),
        ("section", lambda context: "text", "fails: TypeError: it returns a str"),
        (
            "section",
            lambda context: [cb.Figure("<svg/>", " ")],
            ": block 1 is a figure without alternative text; say in alt what the figure shows",
        ),
        (
            "section",
            lambda context: [cb.Figure('<svg><image href="file:///x.png"/></svg>', "A figure.")],
            ": block 1 is a figure that cannot be shown: it asks for 'file:///x.png'; draw all of",
        ),
    ],
)
def test_wrong_values_are_named(
    role: str, function: Callable[..., Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(cb.ComorbidError) as caught:
        run_role(tmp_path, role, function, Calls())
    text = str(caught.value)
    assert text.startswith(f"one@0, {ROLES[role][2]}")
    assert message in text


def test_a_result_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    class Found:
        def to_dict(self) -> Mapping[str, object]:
            return {"a": {1, 2}}

    with pytest.raises(cb.ReportError, match=r"^one@0, analysis 'mine' fails: TypeError: a set"):
        build(tmp_path, 'sections = ["mine"]', analysis(lambda context: Found()))


def test_a_plugins_own_message_keeps_its_place_and_gets_its_name(tmp_path: Path) -> None:
    def trouble(context: cb.Context) -> Any:
        from comorbid.errors import Problem

        raise cb.DataError([Problem("no such study", "check it", "t.csv", 3, "study_id")])

    with pytest.raises(cb.ReportError) as caught:
        build(tmp_path, 'sections = ["mine"]', section(trouble))
    assert str(caught.value) == (
        "t.csv, line 3, column study_id: one@0, section 'mine': no such study; check it"
    )
    cause = caught.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert isinstance(cause.exceptions[0], cb.DataError)


# -- several failures at once, and drafts --------------------------------------------------------


def several() -> types.ModuleType:
    """A failing section, a failing analysis with two sections that need it, and a good section."""
    return plugin(
        analyses=[
            cb.Analysis("first", "First", fail),
            cb.Analysis("second", "Second", result, needs=("first",)),
        ],
        sections=[
            cb.Section("bad", "Bad", lambda context: context.results["pool"]),  # type: ignore[arg-type,return-value]
            cb.Section("needs-first", "A", text, needs=("first",)),
            cb.Section("needs-second", "B", text, needs=("second",)),
            cb.Section("good", "Good", text),
        ],
    )


SEVERAL = 'subtitle = "S"\nsections = ["good", "bad", "needs-first", "needs-second"]'


def test_all_failures_are_raised_together_each_once(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        build(tmp_path, SEVERAL, several())
    first, second = (problem.message for problem in caught.value.problems)
    assert first == "one@0, analysis 'first' fails: ValueError: broken"
    assert second == "one@0, section 'bad' fails: KeyError: 'pool is not among its needs, ()'"
    cause = caught.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert cause.message == "2 parts of the report failed"
    assert len(cause.exceptions) == 2


def draft(folder: Path) -> Report:
    (folder / "report.toml").write_text(TOML + SEVERAL, encoding="utf-8")
    (folder / "studies.csv").write_text(STUDIES, encoding="utf-8")
    definition = read_definition(folder)
    return build_with(definition, registry(several()), Calls(), failing="placeholder")


def test_a_draft_has_a_placeholder_for_each_and_no_lock(tmp_path: Path) -> None:
    report = draft(tmp_path)
    assert len(report.failures) == 2
    good, bad, first, second = report.document.sections
    assert good.blocks == (cb.Paragraph("text"),)
    assert first.blocks == second.blocks
    (note,) = bad.blocks
    assert isinstance(note, cb.Note)
    assert note.title == "This section could not be built."
    assert "one@0, section 'bad' fails" in str(note.text)
    assert report.document.subtitle == "Draft: 3 of 4 sections could not be built. S"
    assert "This section could not be built." in report.html
    assert [path.name for path in report.save()] == ["report.html"]


def test_only_the_two_ways_to_fail(tmp_path: Path) -> None:
    definition = read_definition(draft(tmp_path).definition.folder)
    with pytest.raises(cb.ReportError, match="failing is 'ignore'; use one of stop, placeholder"):
        build_with(definition, registry(several()), Calls(), failing="ignore")  # type: ignore[arg-type]


# -- themes, renderers and what a definition names -----------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('theme = "jurnal"', "no theme 'jurnal'; did you mean 'journal'"),
        ('formats = ["html", "docx"]', "no renderer 'docx'; use one of html, markdown, pdf"),
        ('formats = ["html", "html"]', "give each once; html repeats"),
        ("formats = []", "give at least one format"),
        ('method = "REMLL"', "no estimator 'REMLL'; did you mean 'REML'"),
        ('measure = "ORR"', "no measure 'ORR'"),
    ],
)
def test_a_definition_names_what_does_not_exist(lines: str, message: str, tmp_path: Path) -> None:
    toml = TOML.replace('formats = ["html"]', "") if "formats" in lines else TOML
    (tmp_path / "report.toml").write_text(
        f'{toml}{lines}\nsections = ["provenance"]', encoding="utf-8"
    )
    with pytest.raises(cb.ReportError) as caught:
        build_with(read_definition(tmp_path), registry(), Calls())
    assert message in str(caught.value)
    assert "report.toml" in str(caught.value)


def test_two_formats_cannot_write_one_file(tmp_path: Path) -> None:
    twice = plugin(renderers=[cb.Renderer("mine", ".html", GOOD["renderer"])])
    (tmp_path / "studies.csv").write_text(STUDIES, encoding="utf-8")
    toml = TOML.replace('["html"]', '["html", "mine"]') + 'sections = ["provenance"]'
    (tmp_path / "report.toml").write_text(toml, encoding="utf-8")
    message = "the format 'mine' would write report.html, which 'html' writes; leave one of the two"
    with pytest.raises(cb.ReportError, match=message):
        build_with(read_definition(tmp_path), registry(twice), Calls())


def test_a_renderer_cannot_write_over_an_input(tmp_path: Path) -> None:
    over = plugin(renderers=[cb.Renderer("mine", ".csv", GOOD["renderer"])])
    (tmp_path / "report.csv").write_text(STUDIES, encoding="utf-8")
    toml = TOML.replace('["html"]', '["mine"]').replace("studies.csv", "report.csv")
    (tmp_path / "report.toml").write_text(toml + 'sections = ["provenance"]', encoding="utf-8")
    message = re.escape("the format 'mine' would write report.csv, an input of the report")
    with pytest.raises(cb.ReportError, match=message):
        build_with(read_definition(tmp_path), registry(over), Calls())


def test_a_failing_format_does_not_keep_the_others_from_being_written(tmp_path: Path) -> None:
    failing = renderer(fail)
    (tmp_path / "studies.csv").write_text(STUDIES, encoding="utf-8")
    toml = TOML.replace('["html"]', '["mine", "html"]') + 'sections = ["provenance"]'
    (tmp_path / "report.toml").write_text(toml, encoding="utf-8")
    report = build_with(read_definition(tmp_path), registry(failing), Calls())
    with pytest.raises(cb.ReportError) as caught:
        report.save()
    assert "one@0, renderer 'mine' fails: ValueError: broken" in str(caught.value)
    assert "written: report.html, results.json; not written: report.txt" in str(caught.value)
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "results.json").exists()


def test_plugins_renderer_and_estimator_are_used(tmp_path: Path) -> None:
    """A fixed tau2 of 0.1 gives the weights 1 / (vi + 0.1), from the definition of the model."""
    used = plugin(
        estimators=[cb.Estimator("MINE", "mine", GOOD["estimator"], "")],
        renderers=[cb.Renderer("mine", ".txt", lambda d, theme: f"{d.title} {theme.id}".encode())],
    )
    (tmp_path / "studies.csv").write_text(STUDIES, encoding="utf-8")
    toml = TOML.replace('["html"]', '["mine"]') + 'method = "MINE"\nsections = ["forest"]'
    (tmp_path / "report.toml").write_text(toml, encoding="utf-8")
    report = build_with(read_definition(tmp_path), registry(used), Calls())
    report.save()
    assert (tmp_path / "report.txt").read_bytes() == b"T journal"
    values: Any = report.lock["results"]["pool"]["values"]  # type: ignore[index]
    effects = cb.effects(cb.read_studies(tmp_path / "studies.csv"), measure="OR")
    weights = 1 / (effects.vi + 0.1)
    assert values["tau2"] == 0.1
    assert values["estimate"] == pytest.approx(
        float((weights * effects.yi).sum() / weights.sum()), rel=1e-12
    )


@pytest.fixture(autouse=True)
def _no_output(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing that a plugin prints reaches the output of a build."""
    yield
    assert capsys.readouterr().out == ""
