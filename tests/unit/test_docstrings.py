"""Every public name has the docstring that the house asks for: numpydoc, with an example."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from typing import Any

import pytest

import comorbid as cb
from comorbid import checks

ROOMS = (
    *("effects", "models", "sensitivity", "bias", "subgroups", "burden", "certainty"),
    *("risk_of_bias", "many"),
)


def public() -> dict[str, Any]:
    """Every public name and what it stands for; of the modules among them, what they offer."""
    found = {name: getattr(cb, name) for name in cb.__all__ if name != "__version__"}
    modules = {name: value for name, value in found.items() if inspect.ismodule(value)}
    for module, value in modules.items():
        offered = getattr(value, "__all__", None) or [
            name
            for name, member in vars(value).items()
            if getattr(member, "__module__", None) == value.__name__ and not name.startswith("_")
        ]
        found.update({f"{module}.{name}": getattr(value, name) for name in offered})
    return {name: value for name, value in found.items() if name not in modules}


PUBLIC = public()
FUNCTIONS = {name: v for name, v in PUBLIC.items() if inspect.isfunction(v)}
CLASSES = {name: v for name, v in PUBLIC.items() if inspect.isclass(v)}
STATISTICS = [
    name
    for name, function in FUNCTIONS.items()
    if function.__module__.split(".")[1] in ROOMS and name not in ("find_measure",)
]
# What is no function and no class has no docstring of its own.
VALUES = {
    "Block": "a union of the blocks",
    "JOURNAL": "a theme",
    **{f"figures.{name}": "a colour" for name in ("ACCENT", "MUTED", "PALE", "SHADE")},
    "figures.WIDTH": "a length",
}


def sections(value: Any) -> dict[str, str]:
    """The sections of a docstring by title; what stands before the first is called Summary."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(value) or "", flags=re.MULTILINE)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """Names defined in a section, with their type and what is said of each."""
    found: dict[str, str] = {}
    for block in re.split(r"^(?=\S)", section, flags=re.MULTILINE):
        head, _, text = block.partition("\n")
        for name in head.partition(" : ")[0].split(","):
            if name.strip():
                found[name.strip()] = f"{head}\n{text}"
    return found


def called(function: types.FunctionType) -> Iterator[types.FunctionType]:
    """A function, its module's own helpers that it calls, and the checks of arguments."""
    todo, seen = [function], set()
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        tree = ast.parse(textwrap.dedent(inspect.getsource(current)))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            helper = current.__globals__.get(node.func.id)
            if not inspect.isfunction(helper):
                continue
            near = helper.__module__ in (function.__module__, checks.__name__)
            if near or node.func.id.startswith("check_"):
                todo.append(helper)


def raised(function: types.FunctionType) -> set[str]:
    """Errors that a function raises itself, or through what `called` yields."""
    names = set()
    for part in called(function):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(part)))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                names.add(getattr(node.exc.func, "id", ""))
    return {name for name in names if isinstance(getattr(cb, name, None), type)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_the_signature(name: str) -> None:
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    expected = [stars.get(p.kind, "") + p.name for p in parameters]
    documented = entries(sections(FUNCTIONS[name]).get("Parameters", ""))
    assert list(documented) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_returned_and_raised_is_said(name: str) -> None:
    found = sections(FUNCTIONS[name])
    assert found.get("Returns", "").strip()
    said = tuple(getattr(cb, error) for error in entries(found.get("Raises", "")))
    missing = [e for e in raised(FUNCTIONS[name]) if not issubclass(getattr(cb, e), said)]
    assert not missing


@pytest.mark.parametrize("name", CLASSES)
def test_fields_are_those_of_the_class(name: str) -> None:
    cls = CLASSES[name]
    if not dataclasses.is_dataclass(cls):
        return
    documented: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        found = sections(base)
        documented |= entries(found.get("Parameters", "")) | entries(found.get("Attributes", ""))
    fields = [field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")]
    assert [n for n in documented if n in fields] == fields
    others = set(documented) - set(fields)
    assert all(isinstance(getattr(cls, n, None), property) for n in others), others


@pytest.mark.parametrize("name", PUBLIC)
def test_arrays_have_a_shape(name: str) -> None:
    value = PUBLIC[name]
    types_ = getattr(value, "__annotations__", {})
    documented: dict[str, str] = {}
    for base in reversed(getattr(value, "__mro__", (value,))):
        for title in ("Parameters", "Attributes"):
            documented |= entries(sections(base).get(title, ""))
    arrays = [n for n, t in types_.items() if re.search(r"Array|Mask|Index", str(t))]
    without = [n for n in arrays if n in documented and "shape" not in documented[n]]
    assert not without


@pytest.mark.parametrize("name", CLASSES)
def test_methods_are_described(name: str) -> None:
    cls = CLASSES[name]
    for method, value in vars(cls).items():
        if not method.startswith("_") and (callable(value) or isinstance(value, property)):
            assert inspect.getdoc(value), method


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in VALUES])
def test_an_example_runs(name: str) -> None:
    example = sections(PUBLIC[name]).get("Examples", "")
    assert ">>> " in example
    assert "+SKIP" not in example


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_have_formula_and_source(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    assert ".. math::" in text or ":math:`" in text or "References" in sections(FUNCTIONS[name])
    assert "doi:10." in sections(FUNCTIONS[name]).get("References", "")


def test_exceptions_are_needed() -> None:
    assert set(VALUES) == {n for n in PUBLIC if n not in FUNCTIONS and n not in CLASSES}
