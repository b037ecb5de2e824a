"""Conformance: what every plugin must do, as a parametrised test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from comorbid.calls import Calls
from comorbid.contributions import Analysis, Command, Context, Renderer, Section, Subgroup, Theme
from comorbid.declarations import id_of
from comorbid.document.blocks import Block, Paragraph
from comorbid.errors import ComorbidError
from comorbid.registry import HOOKS, Declared, Registry, hookimpl
from comorbid.testing.arrays import check_column, check_estimator, check_measure, require
from comorbid.testing.examples import studies_for, tables_for
from comorbid.testing.kit import build_document, registry, studies_csv

Check = Callable[[], None]
Options = Mapping[str, Mapping[str, object]]
_READER = "results-for-the-test"


def check_plugin(
    plugin: object,
    *,
    studies: Callable[[int], str] | None = None,
    tables: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> Any:
    """Return a parametrised test of everything that a plugin promises by its hooks.

    It checks ids, signatures and return types; that a hook declares the same each time; that every
    result and section comes out the same twice, for k = 0, 1 and 2 studies of each subgroup (1
    and 2 studies in all for a plugin without one); that nothing it was given is changed; that
    results can be locked; that figures have alternative text; that measures, estimators and
    checks of columns are pure and vectorised; that a theme asks for nothing from outside; that
    renderers return the same bytes twice; and that commands have a help page.

    Parameters
    ----------
    plugin : module or object
        With the marked hooks.
    studies : callable, optional
        ``studies(k) -> text of a CSV file`` with k studies about the plugin's subject and some
        others; by default such a table is made from the declared subgroups and columns.
    tables : mapping of str to str, optional
        Further tables as texts of CSV files; by default two rows made from the declared columns.
    options : mapping of str to mapping, optional
        Options of the plugin's analyses by id; an analysis that requires one needs it here.

    Returns
    -------
    callable
        A test for pytest, parametrised by the name of each check.

    Examples
    --------
    >>> import comorbid_migraine  # doctest: +SKIP
    >>> test_conformance = check_plugin(comorbid_migraine)  # doctest: +SKIP
    """
    import pytest

    checks = conformance_checks(plugin, studies=studies, tables=tables, options=options)

    def test_conformance(check: Check) -> None:
        check()

    return pytest.mark.parametrize("check", checks.values(), ids=checks.keys())(test_conformance)


def conformance_checks(
    plugin: object,
    *,
    studies: Callable[[int], str] | None = None,
    tables: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> dict[str, Check]:
    """Return the checks of a plugin by name; each raises when the plugin does not conform."""
    checks: dict[str, Check] = {"declarations": partial(_declarations, plugin)}
    try:
        declared = registry(plugin)
    except ComorbidError:
        return checks  # the check of the declarations says what is wrong
    return checks | dict(_later_checks(plugin, declared, studies, tables, options or {}))


def _later_checks(
    plugin: object,
    declared: Registry,
    studies: Callable[[int], str] | None,
    tables: Mapping[str, str] | None,
    options: Options,
) -> Iterator[tuple[str, Check]]:
    origin = next(e.origin for e in declared.distributions if plugin in e.plugins)
    own = {
        kind: [e for e in getattr(declared, kind) if e.origin == origin]
        for kind in (k.removeprefix("comorbid_") for k in HOOKS)
    }
    for entry in own["columns"]:
        yield f"column {id_of(entry.declaration)}", partial(check_column, entry)
    for entry in own["measures"]:
        yield f"measure {entry.declaration.id}", partial(check_measure, entry)
    for entry in own["estimators"]:
        yield f"estimator {entry.declaration.id}", partial(check_estimator, entry)
    made = studies or studies_for(declared, origin)
    given = tables_for(declared, origin) if tables is None else lambda: dict(tables)
    ids = [entry.declaration.id for entry in own["sections"]]
    results = [*own["analyses"], *own["subgroups"]]
    for k in (0, 1, 2) if studies or own["subgroups"] else (1, 2):
        for id_ in ids:
            check = partial(_twice, (plugin,), [id_], made, k, given, options)
            yield f"section {id_}, k = {k}", check
        if results:
            reader = _Reader(results)
            check = partial(_twice, (plugin, reader), [_READER], made, k, given, options)
            yield f"results, k = {k}", check
    for entry in own["themes"]:
        yield f"theme {entry.declaration.id}", partial(_theme, entry)
    for entry in own["renderers"]:
        yield f"renderer {entry.declaration.id}", partial(_renderer, entry)
    for entry in own["commands"]:
        yield f"command {entry.declaration.name}", partial(_command, entry)


class _Reader:
    """A plugin whose one section needs all results of another, so that they are computed."""

    def __init__(self, results: list[Declared[Analysis | Subgroup]]) -> None:
        self.needs = tuple(entry.declaration.id for entry in results)
        named = [e.declaration.tables for e in results if isinstance(e.declaration, Analysis)]
        self.tables = tuple(dict.fromkeys(name for names in named for name in names))

    @hookimpl
    def comorbid_sections(self) -> tuple[Section, ...]:
        return (Section(_READER, "Results", self._build, needs=self.needs),)

    def _build(self, context: Context) -> tuple[Block, ...]:
        return (Paragraph(", ".join(context.results)),)


def _declarations(plugin: object) -> None:
    """Ids, signatures and types are right, and asked twice the hooks declare the same."""
    first, second = registry(plugin), registry(plugin)
    for distribution in first.distributions:
        ids = first.ids_of(distribution.origin)
        require(ids == second.ids_of(distribution.origin), "a hook declares other ids each time")
    hooks = [name for name in HOOKS if hasattr(plugin, name)]
    require(bool(hooks), f"the plugin has no hook; use one of {', '.join(HOOKS)}")


def _twice(
    plugins: tuple[object, ...],
    sections: list[str],
    studies: Callable[[int], str],
    k: int,
    tables: Callable[[], dict[str, str]],
    options: Options,
) -> None:
    """The build itself refuses changed inputs, values that cannot be locked and bare figures."""
    built = [
        build_document(sections, registry(*plugins), studies(k), tables(), options)
        for _ in range(2)
    ]
    (first, document), (second, again) = built
    require(first.values == second.values, "computed twice, a result is another")
    require(document == again, f"built twice, the section {sections[0]!r} is another")


def _theme(entry: Declared[Theme]) -> None:
    from comorbid.report.render.html import page_script, render_html

    _, document = build_document(["summary"], registry(), studies_csv(), {}, {})
    html = render_html(document, entry.declaration).replace(f"<script>{page_script()}", "")
    for outside in ('src="http', "@import", "<script", "<link"):
        require(outside not in html, f"a page in this theme holds {outside}")


def _renderer(entry: Declared[Renderer]) -> None:
    from comorbid.themes import JOURNAL

    built = [build_document(["summary"], registry(), studies_csv(), {}, {})[1] for _ in range(2)]
    pages = [
        Calls().make(entry.origin, "renderer", entry.declaration.render, document, JOURNAL)
        for document in built
    ]
    require(isinstance(pages[0], bytes), f"render returns a {type(pages[0]).__name__}, not bytes")
    require(pages[0] == pages[1], "the same document gives other bytes")


def _command(entry: Declared[Command]) -> None:
    """Its help page is shown without an error."""
    command = entry.declaration
    try:
        command.main(["--help"], prog_name=str(command.name))
    except SystemExit as done:
        require(not done.code, f"--help ends with exit code {done.code}")
