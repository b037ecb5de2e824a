"""The kit for authors: it passes what conforms, and finds each way not to."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.errors import ComorbidError
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section, registry, studies_csv
from comorbid.testing.conformance import check_plugin, conformance_checks


def plugin(**hooks: Any) -> types.ModuleType:
    """A plugin called one, with each hook given as what it returns."""
    made = types.ModuleType("one")

    def hook(value: Any) -> Callable[[], Any]:
        return cb.hookimpl(lambda: value() if callable(value) else value)

    for name, value in hooks.items():
        setattr(made, f"comorbid_{name}", hook(value))
    return made


def failures(made: object, **given: Any) -> dict[str, str]:
    """The checks that a plugin fails, by name, with what they say."""
    found = {}
    for name, check in conformance_checks(made, **given).items():
        try:
            check()
        except (AssertionError, ComorbidError) as error:
            found[name] = str(error)
    return found


def text(context: cb.Context) -> tuple[cb.Block, ...]:
    return (cb.Paragraph(f"{context.effects.k} studies"),)


def section(build: Callable[..., Any] = text, **more: Any) -> types.ModuleType:
    return plugin(sections=[cb.Section("mine", "Mine", build, **more)])


class Found:
    """A result with these values."""

    def __init__(self, **values: object) -> None:
        self.values = values

    def to_dict(self) -> dict[str, object]:
        return self.values


def rate(rows: Any) -> Any:
    """Events by person-time, with the variance of a Poisson count."""
    return rows["x"] / rows["n"], rows["x"] / rows["n"] ** 2


# What the core's own analyses require.
OPTIONS = {
    "subgroups": {"by": "year"},
    "meta-regression": {"formula": "~ year"},
    "burden": {
        "condition1": "one",
        "p1": 0.2,
        "source1": "a register",
        "condition2": "two",
        "p2": [0.03, 0.02, 0.05],
        "source2": "a survey",
    },
}

GOOD = plugin(
    columns=[
        cb.Column("sex", "text"),
        cb.Column("dose", "number", check=lambda v: v > 1, required=True),
        cb.Column("drug", "text", required=True, table="trials"),
    ],
    measures=[cb.Measure("RATE", "a rate", ("x", "n"), rate, "identity", 0.0, "")],
    estimators=[cb.Estimator("ZERO", "none", lambda yi, vi: np.zeros(yi.shape[1]), "")],
    analyses=[
        cb.Analysis("mean", "Mean", lambda c: Found(mean=float(c.effects.yi.mean())), ("pool",)),
        cb.Analysis("rows", "Rows", lambda c: Found(n=len(c.tables["trials"])), tables=("trials",)),
    ],
    subgroups=[cb.Subgroup("women", "women", {"sex": ("f",)}, "Why.", True)],
    sections=[cb.Section("mine", "Mine", text, needs=("mean", "women"), tables=("trials",))],
    renderers=[cb.Renderer("text", ".txt", lambda document, theme: document.title.encode())],
)  # fmt: skip


def test_a_plugin_that_conforms_passes_every_check() -> None:
    assert failures(GOOD) == {}
    assert list(conformance_checks(GOOD)) == [
        "declarations",
        "column dose",
        "column sex",
        "column trials.drug",
        "measure RATE",
        "estimator ZERO",
        *(f"{what}, k = {k}" for k in (0, 1, 2) for what in ("section mine", "results")),
        "renderer text",
    ]


test_the_check_is_a_test_of_its_own = check_plugin(GOOD)


def test_the_core_itself_conforms() -> None:
    """Its sections and results at k = 1 and 2, its theme, and its renderers but the PDF."""
    from comorbid import builtin

    own = types.ModuleType("copy")
    own.comorbid_themes = cb.hookimpl(  # type: ignore[attr-defined]
        lambda: [cb.Theme("copy", *_journal())]
    )
    assert failures(own) == {}
    sections = [entry.id for entry in builtin.comorbid_sections()]
    for k, id_ in itertools.product((1, 2), sections):
        table = studies_csv(k, year=range(2000, 2000 + k))
        first, second = (build_section(id_, studies=table, options=OPTIONS) for _ in range(2))
        assert first == second


def _journal() -> tuple[str, str, tuple[str, ...]]:
    from comorbid.themes import JOURNAL

    return JOURNAL.stylesheet, JOURNAL.templates, JOURNAL.fonts


def test_k_is_the_number_of_studies_of_each_subgroup() -> None:
    seen = []

    def build(context: cb.Context) -> tuple[cb.Block, ...]:
        groups: Any = context.results
        seen.append((groups["women"].k, groups["men"].k, groups["women"].rest.k))
        return ()

    groups = [
        cb.Subgroup(name, name, {"sex": (letter,)}, "Why.", True)
        for name, letter in (("women", "f"), ("men", "m"))
    ]
    mine = cb.Section("mine", "Mine", build, needs=("women", "men"))
    assert failures(plugin(subgroups=groups, sections=[mine])) == {}
    assert seen == [(0, 0, 3)] * 2 + [(1, 1, 4)] * 2 + [(2, 2, 5)] * 2


counter = itertools.count()


def flips(values: Any) -> Any:
    return np.full(len(values), next(counter) % 2 == 0)


def measure(effect: Callable[..., Any]) -> types.ModuleType:
    return plugin(measures=[cb.Measure("M", "M", ("n",), effect, "identity", 0.0, "")])


def estimator(tau2: Callable[..., Any]) -> types.ModuleType:
    return plugin(estimators=[cb.Estimator("E", "E", tau2, "")])


def guess(rows: Any) -> Any:
    known = np.nan_to_num(rows["n"])
    return known, known + 1


@pytest.mark.parametrize(
    ("made", "check", "message"),
    [
        (plugin(sections=[1]), "declarations", "returns a int; return Section values"),
        (plugin(), "declarations", "the plugin has no hook"),
        (
            plugin(
                sections=lambda: [cb.Section(f"section-{next(counter)}", "S", text)],
            ),
            "declarations",
            "a hook declares other ids each time",
        ),
        (
            section(lambda context: [cb.Paragraph("x" * (next(counter) + 1))]),
            "section mine, k = 1",
            "built twice, the section 'mine' is another",
        ),
        (
            section(lambda context: [cb.Figure("<svg/>", "")]),
            "section mine, k = 2",
            "without alternative text",
        ),
        (
            section(lambda context: [cb.Paragraph(str(context.effects.yi[1]))]),
            "section mine, k = 1",
            "fails: IndexError",
        ),
        (
            section(lambda context: setattr(context.effects, "yi", 1)),
            "section mine, k = 1",
            "fails: FrozenInstanceError",
        ),
        (
            plugin(analyses=[cb.Analysis("a", "A", lambda c: Found(n=next(counter)))]),
            "results, k = 1",
            "computed twice, a result is another",
        ),
        (
            plugin(analyses=[cb.Analysis("a", "A", lambda c: Found(n={1}))]),
            "results, k = 2",
            "a set cannot be locked",
        ),
        (
            plugin(columns=[cb.Column("x", "number", check=lambda v: v >= v.mean())]),
            "column x",
            "a value's answer depends on the other values",
        ),
        (
            plugin(columns=[cb.Column("x", "number", check=flips)]),
            "column x",
            "checked twice, the answer is another",
        ),
        (
            measure(lambda r: (r["n"] - r["n"].mean(), r["n"])),
            "measure M",
            "k = 1 gives other effects",
        ),
        (
            measure(guess),
            "measure M",
            "missing input gives a number, which is a guess",
        ),
        (
            estimator(lambda y, v: np.full(y.shape[1], y.var())),
            "estimator E",
            "k = 2: tau2 depends on the other data sets of a batch",
        ),
        (
            estimator(lambda y, v: y[0] ** 2),
            "estimator E",
            "k = 2: tau2 depends on the order",
        ),
        (
            estimator(lambda y, v: y.var(axis=0)),
            "estimator E",
            "k = 3: studies with vi = inf change tau2",
        ),
        (
            plugin(renderers=[cb.Renderer("r", ".r", lambda d, t: str(next(counter)).encode())]),
            "renderer r",
            "the same document gives other bytes",
        ),
        (
            plugin(renderers=[cb.Renderer("r", ".r", lambda d, t: "text")]),
            "renderer r",
            "render returns a str, not bytes",
        ),
    ],
)  # fmt: skip
def test_each_way_not_to_conform_is_found(made: object, check: str, message: str) -> None:
    assert message in failures(made)[check]


def test_a_plugin_gives_what_its_declarations_do_not_say() -> None:
    """A check that no usual value passes, and a table whose rows must fit the studies."""
    columns = [
        cb.Column("icd", "text", required=True, check=lambda v: np.array([c == "G43" for c in v])),
        cb.Column("study_id", "text", required=True, table="trials"),
    ]

    def build(context: cb.Context) -> tuple[cb.Block, ...]:
        names = set(context.tables["trials"].frame["study_id"])
        unknown = names - set(context.studies.frame["study_id"])
        if unknown:
            raise cb.DataError(f"unknown studies: {sorted(unknown)}")
        return ()

    made = plugin(columns=columns, sections=[cb.Section("a", "A", build, tables=("trials",))])
    assert "no example is acceptable as icd" in failures(made)["section a, k = 1"]

    def studies(k: int) -> str:
        return studies_csv(k + 1, icd=["G43"] * (k + 1))

    assert "unknown studies" in failures(made, studies=studies)["section a, k = 0"]
    given = {"trials": "study_id\nstudy-1\n"}
    assert failures(made, studies=studies, tables=given) == {}


def test_studies_are_simulated_with_a_seed_and_can_be_read() -> None:
    assert studies_csv(4) == studies_csv(4)
    frame = studies_from_bytes(studies_csv(30).encode(), source="s.csv").frame
    assert len(frame) == 30
    assert (frame["ci_low"] < frame["estimate"]).all()
    assert np.log(frame["estimate"]).mean() == pytest.approx(0.7, abs=0.2)
    with pytest.raises(cb.DataError, match="sex needs 4 values, one a study"):
        studies_csv(4, sex=["f"])


def test_build_section_needs_nothing_installed() -> None:
    made = section(lambda c: [cb.Paragraph(str(len(c.tables["t"])))], tables=("t",))
    column = plugin(columns=[cb.Column("a", "text", table="t")])
    assert build_section("mine", made, column, tables={"t": "a\nx\ny\n"}) == (cb.Paragraph("2"),)
    with pytest.raises(cb.ReportError, match="no section 'nine'; did you mean 'mine'"):
        build_section("nine", made)
    with pytest.raises(cb.PluginError, match="no plugin declares the table 'u'"):
        build_section("mine", made, column, tables={"t": "a\nx\n", "u": "a\nx\n"})


def test_registry_takes_plugins_as_they_are() -> None:
    assert registry(section()).find("sections", "mine").origin == "one@0"
