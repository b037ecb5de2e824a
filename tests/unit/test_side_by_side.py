"""Parts of a report made in two processes: the same outcome as one after the other."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.contributions import Section
from comorbid.registry import Declared
from comorbid.report import side_by_side as module
from comorbid.report.compose import Built
from comorbid.report.side_by_side import side_by_side

HERE = os.getpid()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux only")


@pytest.fixture(autouse=True)
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Copy the process also where the tests run on one core or beside threads; count copies."""
    monkeypatch.setattr(module, "_can_copy", lambda: True)
    pids: list[int] = []
    fork = os.fork

    def counted() -> int:
        pids.append(fork())
        return pids[-1]

    monkeypatch.setattr(os, "fork", counted)
    return pids


def there() -> bool:
    return os.getpid() != HERE


def plain(name: str) -> tuple[cb.Block, ...]:
    return (cb.Paragraph(name),)


def slow_here(name: str) -> tuple[cb.Block, ...]:
    """Leave what is left to the other process."""
    if not there():
        time.sleep(0.2)
    return plain(name)


def warns(name: str) -> tuple[cb.Block, ...]:
    warnings.warn(f"{name} warns", cb.errors.ComorbidWarning, stacklevel=1)
    return plain(name)


def fails(name: str) -> tuple[cb.Block, ...]:
    raise KeyError(name)


def refuses(name: str) -> tuple[cb.Block, ...]:
    raise cb.errors.ReportError([cb.errors.Problem(f"{name} is refused", "try", file="a", line=3)])


def dies_there(name: str) -> tuple[cb.Block, ...]:
    if there():
        os._exit(3)
    return plain(name)


def cannot_be_sent(name: str) -> tuple[Any, ...]:
    return (lambda: name,)


def entries(
    *functions: Callable[[str], Any], plugin: Iterable[int] = ()
) -> list[Declared[Section]]:
    return [
        Declared(
            Section(f"s{i}", "S", lambda _context, f=f, i=i: f(f"s{i}")),  # type: ignore[misc]
            "one@1" if i in set(plugin) else "comorbid@1",
        )
        for i, f in enumerate(functions)
    ]


def together(
    given: list[Declared[Section]], build: Callable[[Declared[Section]], Built], calls: Calls
) -> list[Built]:
    built = dict(side_by_side(given, build, calls))
    return [built[i] for i in range(len(given))]


def outcome(given: list[Declared[Section]], *, beside: bool) -> tuple[list[Any], ...]:
    """Build sections and return what came of it, in a form that can be compared."""
    calls = Calls()

    def build(entry: Declared[Section]) -> Built:
        section = entry.declaration
        try:
            return tuple(calls.make(entry.origin, section.id, section.build, None))
        except cb.errors.ProblemsError as error:
            return error

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        built = together(given, build, calls) if beside else list(map(build, given))
    return (
        [
            (type(b), b.problems, repr(b.__cause__))
            if isinstance(b, cb.errors.ProblemsError)
            else [block() if callable(block) else block for block in b]
            for b in built
        ],
        [(w.category, str(w.message)) for w in caught],
        [(call.origin, call.what) for call in calls.made],
    )


@pytest.mark.parametrize(
    "given",
    [
        entries(slow_here, slow_here, slow_here, slow_here, slow_here),
        entries(plain, plain, slow_here, plain, plain, plugin=(1, 3)),
        entries(warns, plain, warns, slow_here, warns, warns, plain, warns, plugin=(4,)),
        entries(plain, slow_here, fails, refuses, warns, fails, plain, plugin=(5,)),
        entries(plain, slow_here, dies_there, plain, dies_there),
        entries(plain, slow_here, cannot_be_sent, slow_here, cannot_be_sent),
        entries(fails, plain, plain),
    ],
    ids=["plain", "plugins", "warnings", "errors", "dies", "cannot be sent", "first fails"],
)
def test_the_outcome_is_that_of_one_after_the_other(
    given: list[Declared[Section]], copied: list[int]
) -> None:
    assert outcome(given, beside=True) == outcome(given, beside=False)
    assert len(copied) == 1
    with pytest.raises(ChildProcessError):  # none is left
        os.waitpid(copied[0], os.WNOHANG)


def test_both_processes_build_and_plugins_meet_one(tmp_path: Any) -> None:
    log = tmp_path / "log"

    def logs(name: str) -> tuple[cb.Block, ...]:
        with log.open("a") as file:
            file.write(f"{name} {'there' if there() else 'here'}\n")
        return slow_here(name)

    outcome(entries(*[logs] * 8, plugin=(2, 5)), beside=True)
    places = dict(line.split() for line in log.read_text().splitlines())
    assert sorted(places) == [f"s{i}" for i in range(8)]
    assert {places[name] for name in ("s0", "s2", "s5")} == {"here"}
    assert "there" in places.values()


def test_steps_are_counted_to_the_end() -> None:
    steps: list[int] = []
    calls = Calls(step=lambda number, total, what: steps.append(number))
    calls.steps = 6

    def build(entry: Declared[Section]) -> Built:
        calls.begin(entry.declaration.id)
        return calls.make(entry.origin, "a section", slow_here, entry.declaration.id)

    together(entries(*[plain] * 6), build, calls)
    assert steps == [1, 2, 3, 4, 5, 6]


def test_an_error_that_ends_the_build_ends_the_copy(copied: list[int]) -> None:
    def build(entry: Declared[Section]) -> Built:
        if entry.origin == "one@1":
            raise cb.errors.PluginError("changed the study table")
        return slow_here(entry.declaration.id)

    with pytest.raises(cb.errors.PluginError, match="changed the study table"):
        together(entries(*[plain] * 6, plugin=(3,)), build, Calls())
    with pytest.raises(ChildProcessError):
        os.waitpid(copied[0], os.WNOHANG)


def test_a_copy_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, copied: list[int]
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    taken = []

    def build(entry: Declared[Section]) -> Built:
        if there():
            time.sleep(60)
        taken.append(entry.declaration.id)
        return slow_here(entry.declaration.id)

    built = together(entries(*[plain] * 5), build, Calls())
    assert built == [plain(f"s{i}") for i in range(5)]
    assert sorted(taken) == [f"s{i}" for i in range(5)]


def test_without_room_for_a_process_one_builds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    given = entries(plain, warns, plain, fails)
    assert outcome(given, beside=True) == outcome(given, beside=False)


def test_what_needs_more_than_the_first_is_made_when_all_else_is_there() -> None:
    names = ["first", "a", "b", "c", "d"]
    needs = {"b": {"first", "a"}, "d": {"b", "c"}}
    there_before: dict[str, set[str]] = {}
    found: set[str] = set()

    def build(entry: Declared[Section]) -> Built:
        there_before[entry.declaration.id] = set(found)
        return slow_here(entry.declaration.id)

    given = [Declared(Section(name, "S", plain), "comorbid@1") for name in names]  # type: ignore[arg-type]
    parts = side_by_side(
        given, build, Calls(), ready=lambda entry: found >= needs.get(entry.declaration.id, set())
    )
    for i, built in parts:
        assert built == plain(names[i])
        found.add(names[i])
    assert found == set(names)
    assert there_before["b"] >= {"first", "a"}
    assert there_before["d"] >= {"b", "c"}
