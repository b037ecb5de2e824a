from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid import hookspecs, registry
from comorbid.distributions import Distribution, installed_plugins
from comorbid.registry import CORE_COMMANDS, KINDS, load_registry, registry_of, singular
from comorbid.themes import JOURNAL as THEME

HOOKS = [name for name in vars(hookspecs) if name.startswith("comorbid_")]
GUIDE = Path(__file__).parents[2] / "plugins" / "README.md"


def plugin(**hooks: Any) -> types.ModuleType:
    """A plugin module with these hooks, each given as what it returns."""

    def implementation(value: Any) -> Any:
        def hook() -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return cb.hookimpl(hook)

    return module({name: implementation(value) for name, value in hooks.items()})


def module(hooks: dict[str, Any]) -> types.ModuleType:
    made = types.ModuleType("a_plugin")
    for name, function in hooks.items():
        setattr(made, f"comorbid_{name}", function)
    return made


def load(*plugins: object) -> registry.Registry:
    """The registry of comorbid itself and these plugins, called one@1, two@1, ..."""
    from comorbid import builtin

    names = ("one", "two", "three")
    distributions = [Distribution("comorbid", "0", (builtin,))]
    distributions += [
        Distribution(name, "1", (entry,)) for name, entry in zip(names, plugins, strict=False)
    ]
    return registry_of(distributions)


def section(id_: str = "mine", title: str = "Mine") -> cb.Section:
    return cb.Section(id_, title, lambda context: (cb.Paragraph("text"),))


def test_core_declares_through_the_same_hooks() -> None:
    found = load_registry()
    assert [entry.name for entry in found.distributions] == ["comorbid"]
    assert {"summary", "methods", "forest", "leave-one-out", "provenance"} <= {
        entry.declaration.id for entry in found.sections
    }
    assert "OR" in [entry.declaration.id for entry in found.measures]
    assert {"audit", "pool", "leave-one-out"} <= {entry.declaration.id for entry in found.analyses}
    assert [entry.declaration.id for entry in found.themes] == ["compact", "journal"]
    assert [entry.declaration.id for entry in found.renderers] == ["html", "markdown", "pdf"]


def test_every_hook_has_its_kind_and_the_core_commands_are_known() -> None:
    from comorbid.cli import main

    assert [f"comorbid_{kind}" for kind in KINDS] == HOOKS
    assert set(CORE_COMMANDS) == set(main.commands)
    assert [singular(kind) for kind in KINDS][:4] == ["column", "measure", "estimator", "analysis"]


def test_every_kind_can_be_contributed() -> None:
    everything = plugin(
        columns=[cb.Column("icd_code", "text", description="the code of the diagnosis")],
        measures=[cb.Measure("XX", "X", ("n",), lambda rows: (rows["n"], rows["n"]), "log", 0, "")],
        estimators=[cb.Estimator("HALF", "a half", lambda yi, vi: yi[0] * 0 + 0.5, "")],
        analyses=[cb.Analysis("mean", "The mean", lambda context: context.effects)],
        subgroups=[cb.Subgroup("adults", "adults", {"population": ("adults",)}, "Why.", True)],
        sections=[section()],
        themes=[cb.Theme("plain", THEME.stylesheet, fonts=THEME.fonts)],
        renderers=[cb.Renderer("text", ".txt", lambda document, theme: b"")],
    )
    found = load(everything)
    for kind, id_ in [
        ("measures", "XX"),
        ("estimators", "HALF"),
        ("analyses", "mean"),
        ("subgroups", "adults"),
        ("sections", "mine"),
        ("themes", "plain"),
        ("renderers", "text"),
    ]:
        assert found.find(kind, id_).origin == "one@1"
    assert [entry.declaration.name for entry in found.columns] == ["icd_code"]


def test_order_of_plugins_does_not_matter() -> None:
    first, second = plugin(sections=[section("b")]), plugin(sections=[section("a")])
    from comorbid import builtin

    distributions = [
        Distribution("comorbid", "0", (builtin,)),
        Distribution("one", "1", (first,)),
        Distribution("two", "1", (second,)),
    ]
    forward, backward = registry_of(distributions), registry_of(reversed(distributions))
    assert forward == backward


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ({"sections": ValueError("no")}, "one@1, comorbid_sections fails: ValueError: no"),
        ({"sections": [1]}, "one@1, comorbid_sections returns a int; return Section values"),
        (
            {"sections": None},
            "one@1, comorbid_sections fails: TypeError: it returns nothing",
        ),
        ({"sections": 5}, "one@1, comorbid_sections fails: TypeError"),
        ({"section": []}, "one@1: unknown hook comorbid_section; did you mean comorbid_sections?"),
        ({"sections": [section("My One")]}, "'My One' is not kebab-case, such as 'my-one'"),
        ({"sections": [section(title=" ")]}, "one@1, comorbid_sections, 'mine': title is empty"),
        (
            {"sections": [section("summary")]},
            "section 'summary' of one@1 is already declared by comorbid@0",
        ),
        (
            {"subgroups": [cb.Subgroup("pool", "x", {"a": ("b",)}, "Why.", True)]},
            "subgroup 'pool' of one@1 is already declared by comorbid@0",
        ),
        (
            {"columns": [cb.Column("estimate", "number")]},
            "column 'estimate' of one@1 is already declared by comorbid (a core column)",
        ),
        ({"subgroups": [cb.Subgroup("s", "s", {}, "Why.", True)]}, "where is empty"),
    ],
)
def test_a_broken_plugin_is_named(hooks: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.PluginError, match=re.escape(message)):
        load(plugin(**hooks))


def test_two_plugins_with_one_id_name_both() -> None:
    with pytest.raises(cb.PluginError, match="'mine' of two@1 is already declared by one@1"):
        load(plugin(sections=[section()]), plugin(sections=[section()]))


def test_all_problems_at_once() -> None:
    with pytest.raises(cb.PluginError) as caught:
        load(plugin(sections=[1], measures=[2]), plugin(analyses=RuntimeError("x")))
    assert len(caught.value.problems) == 3


def test_unmarked_hook_and_hook_with_arguments() -> None:
    with pytest.raises(cb.PluginError, match="comorbid_sections is not marked"):
        load(module({"sections": lambda: ()}))

    @cb.hookimpl
    def hook(report: object) -> Iterable[cb.Section]:
        return ()

    with pytest.raises(
        cb.PluginError,
        match="comorbid_sections takes report; a hook takes no",
    ):
        load(module({"sections": hook}))


def test_one_failing_plugin_does_not_hide_another() -> None:
    """Each is called alone: the error names the broken one only."""
    with pytest.raises(cb.PluginError) as caught:
        load(plugin(sections=ValueError("broken")), plugin(sections=[section()]))
    assert [problem.message for problem in caught.value.problems] == [
        "one@1, comorbid_sections fails: ValueError: broken"
    ]


def test_a_hook_by_any_name_that_is_marked_and_unknown() -> None:
    made = types.ModuleType("a_plugin")
    made.comorbd_sections = cb.hookimpl(lambda: ())  # type: ignore[attr-defined]
    message = "one@1: unknown hook comorbd_sections; did you mean comorbid_sections?"
    with pytest.raises(cb.PluginError, match=re.escape(message)):
        load(made)


def test_a_generator_declares_as_well() -> None:
    def sections() -> Iterable[cb.Section]:
        yield section("one")
        yield section("two")

    found = load(module({"sections": cb.hookimpl(sections)}))
    assert found.ids_of("one@1") == {"sections": ["one", "two"]}


def test_one_distribution_or_object_twice() -> None:
    mine = plugin(sections=[section()])
    with pytest.raises(cb.PluginError, match="plugin my-plugin is listed twice; list it once"):
        registry_of([Distribution("my-plugin", "1", (mine,)), Distribution("My_Plugin", "1", ())])
    with pytest.raises(cb.PluginError, match="a@1: two entry points name one object"):
        registry_of([Distribution("a", "1", (mine, mine))])


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (cb.Section("a", 5, len), "title is 5, not text"),  # type: ignore[arg-type]
        (cb.Section("a", "A", "build"), "build is no function"),  # type: ignore[arg-type]
        (cb.Section("a", "A", len, needs="pool"), "needs is 'pool', not a tuple of names"),  # type: ignore[arg-type]
        (cb.Section("a", "A", len, tables=["t"]), "tables is ['t'], not a tuple"),  # type: ignore[arg-type]
    ],
)
def test_fields_of_the_wrong_type_are_named(declaration: cb.Section, message: str) -> None:
    with pytest.raises(
        cb.PluginError, match=re.escape(f"one@1, comorbid_sections, 'a': {message}")
    ):
        load(plugin(sections=[declaration]))


@pytest.mark.parametrize("suffix", ["txt", ".", ".a/b", "../x", ".TXT"])
def test_a_suffix_stays_a_suffix(suffix: str) -> None:
    renderer = cb.Renderer("mine", suffix, lambda document, theme: b"")
    with pytest.raises(cb.PluginError, match=re.escape(f"suffix is {suffix!r}; write one such as")):
        load(plugin(renderers=[renderer]))


def test_where_is_frozen_and_one_value_may_be_text() -> None:
    where: dict[str, Any] = {"sex": "f", "age": ["1", "2"]}
    group = cb.Subgroup("s", "s", where, "Why.", True)
    where["sex"] = "m"
    assert group.where == {"sex": ("f",), "age": ("1", "2")}
    with pytest.raises(TypeError):
        group.where["sex"] = ("m",)  # type: ignore[index]


@pytest.mark.parametrize(
    ("requires", "fits"), [("comorbid>=0.1", True), ("comorbid>=99", False), ("other>=99", True)]
)
def test_a_plugin_says_which_comorbid_it_needs(
    requires: str,
    fits: bool,
    tmp_path: Path,
    install: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(tmp_path, f"comorbid-x{len(requires)}", "import comorbid", requires=requires)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"comorbid-x{len(requires)}"
    if fits:
        assert load_registry([name]).distributions[1].name == name
        return
    with pytest.raises(cb.PluginError) as caught:
        load_registry([name])
    version = metadata.version("comorbid")
    assert str(caught.value) == (
        f"plugin {name} 1.0 needs comorbid>=99; this is comorbid {version}; "
        "install versions that fit together"
    )


def test_what_an_interrupted_installation_left_is_no_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installed_plugins()
    left = tmp_path / "comorbid_left-1.0.dist-info"
    left.mkdir()
    (left / "entry_points.txt").write_text("[comorbid]\nleft = comorbid_left\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_plugins() == before


def test_requirements_are_checked_before_anything_runs() -> None:
    with pytest.raises(cb.PluginError) as caught:
        load_registry(["comorbid-nowhere >=1", "not a requirement!", "pluggy", "pytest <1"])
    text = str(caught.value)
    assert "plugin comorbid-nowhere is not installed; " in text
    assert "plugin requirement 'not a requirement!'" in text
    assert f"pluggy {metadata.version('pluggy')} is no comorbid plugin" in text
    assert "plugin pytest is version" in text


@pytest.mark.plugins
def test_a_misspelt_plugin_suggests_the_nearest_that_is_installed() -> None:
    with pytest.raises(cb.PluginError, match="did you mean 'comorbid-migraine'"):
        load_registry(["comorbid-migrane >=1"])


def test_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(cb.PluginError, match="did you mean 'summary'"):
        load_registry().find("sections", "sumary")


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_are_documented_with_their_arguments(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert function.__doc__
    assert list(inspect.signature(function).parameters) == []
    for word in ("Called:", "Gets:", "Returns:", "If it fails:"):
        assert word in function.__doc__
    assert f"`{hook}()`" in GUIDE.read_text(encoding="utf-8")


def test_only_listed_plugins_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(point: metadata.EntryPoint) -> object:
        raise AssertionError(f"{point.name} was imported")

    monkeypatch.setattr(metadata.EntryPoint, "load", refuse)
    assert load_registry().sections
