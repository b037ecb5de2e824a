from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import comorbid as cb

SOURCE = Path(cb.__file__)
PREFIXES = ("cb.", "comorbid.", "comorbid ")


def test_every_public_name_exists() -> None:
    for name in cb.__all__:
        assert getattr(cb, name) is not None


def test_names_for_type_checkers_are_the_public_ones() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: f"{node.module}"
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {name: f"comorbid.{home}" for name, home in cb._HOME.items()}


def test_function_wins_over_the_room_of_the_same_name() -> None:
    code = (
        "import comorbid.effects.build, comorbid.subgroups, comorbid as cb; "
        "from comorbid import effects; "
        "print(callable(cb.effects), callable(cb.subgroups), callable(effects))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True", "True"]


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'meta_analysis'"):
        cb.meta_analysis  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, comorbid; print([m for m in ('numpy','pandas','scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [n for n in cb.__all__ if n != "__version__"])
def test_every_public_name_is_documented(name: str) -> None:
    value = getattr(cb, name)
    assert getattr(value, "__doc__", None) or name == "Block"


FUNCTIONS = [name for name in cb.__all__ if inspect.isfunction(getattr(cb, name))]
SECOND = ("regress", "multilevel", "likelihood_ratio", "che")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_everything_after_the_first_argument_is_keyword_only(name: str) -> None:
    parameters = inspect.signature(getattr(cb, name)).parameters.values()
    by_position = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    # A formula reads best in place, and so do two fits that are compared.
    assert len(by_position) <= (2 if name in SECOND else 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_switch_is_a_boolean(name: str) -> None:
    for parameter in inspect.signature(getattr(cb, name)).parameters.values():
        assert not isinstance(parameter.default, bool), parameter.name
        assert "bool" not in str(parameter.annotation), parameter.name


def test_the_readme_names_every_function() -> None:
    # hookimpl, numbered and subgroup_blocks are for plugins, in plugins/README.md
    root = Path(__file__).parents[2]
    text = "".join((root / path).read_text("utf-8") for path in ("README.md", "plugins/README.md"))
    functions = [name for name in cb.__all__ if inspect.isfunction(getattr(cb, name))]
    assert len(functions) > 40
    missing = [n for n in functions if not any(f"{at}{n}" in text for at in PREFIXES)]
    assert missing == []
