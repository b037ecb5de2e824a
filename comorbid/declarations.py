"""Declarations by themselves: what one is called, and what is wrong with its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

from comorbid.contributions import (
    Analysis,
    Column,
    Command,
    Declaration,
    Measure,
    Renderer,
    Section,
    Subgroup,
    Theme,
)
from comorbid.effects.scales import SCALES
from comorbid.options import WANTED, Option, read_option
from comorbid.studies.columns import STUDIES, TABLE_NAME
from comorbid.themes import resource, theme_problems

_TEXTS = ("id", "label", "title", "rationale", "stylesheet", "templates", "suffix", "references")
_MAY_BE_EMPTY = ("templates", "references")
_FUNCTIONS = ("run", "build", "effect", "tau2", "render")
_NAMES = ("needs", "tables", "columns", "fonts")
_KEBAB_IDS = Analysis | Subgroup | Section | Theme | Renderer | Command
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]*")


def id_of(declaration: Declaration) -> str:
    """Return what a declaration is called; a column of a further table with its table.

    Examples
    --------
    >>> id_of(Column("dose", "number", table="treatments"))
    'treatments.dose'
    """
    if isinstance(declaration, Column):
        own = declaration.table == STUDIES
        return declaration.name if own else f"{declaration.table}.{declaration.name}"
    if isinstance(declaration, Command):
        return str(declaration.name)
    return str(declaration.id)


def problems_of(declaration: Declaration) -> list[str]:
    """Return what is wrong with a declaration's own fields; empty when nothing is.

    Examples
    --------
    >>> problems_of(Section(id="My Section", title="", build=len))
    ["id 'My Section' is not kebab-case, such as 'my-section'", 'title is empty']
    """
    if wrong := list(_wrong_types(declaration)):
        return wrong
    problems = []
    id_ = id_of(declaration)
    if isinstance(declaration, _KEBAB_IDS) and not TABLE_NAME.fullmatch(id_):
        kebab = re.sub(r"[^a-z0-9]+", "-", id_.lower()).strip("-") or "a-name"
        problems.append(f"id {id_!r} is not kebab-case, such as {kebab!r}")
    problems += [
        f"{name} is empty"
        for name in _TEXTS
        if name not in _MAY_BE_EMPTY and not getattr(declaration, name, "given").strip()
    ]
    return [*problems, *_own_problems(declaration), *_resource_problems(declaration)]


def _wrong_types(declaration: Declaration) -> Iterator[str]:
    if isinstance(declaration, Command):
        return
    for name in _TEXTS:
        if not isinstance(getattr(declaration, name, ""), str):
            yield f"{name} is {getattr(declaration, name)!r}, not text"
    for name in _FUNCTIONS:
        if not callable(getattr(declaration, name, len)):
            yield f"{name} is no function"
    for name in _NAMES:
        names = getattr(declaration, name, ())
        if not isinstance(names, tuple) or not all(isinstance(entry, str) for entry in names):
            yield f"{name} is {names!r}, not a tuple of names"


def _own_problems(declaration: Declaration) -> Iterator[str]:
    """What only this kind of declaration can have wrong."""
    match declaration:
        case Measure() if declaration.scale not in SCALES:
            yield f"scale is {declaration.scale!r}; use one of {', '.join(SCALES)}"
        case Analysis():
            yield from _option_problems(declaration.options)
        case Subgroup() if not declaration.where:
            yield "where is empty; name a column and its values"
        case Renderer() if not _SUFFIX.fullmatch(declaration.suffix):
            yield f"suffix is {declaration.suffix!r}; write one such as '.html'"
        case Theme():
            yield from theme_problems(declaration)


def _resource_problems(declaration: Declaration) -> Iterator[str]:
    if isinstance(declaration, Analysis | Section) and declaration.references:
        try:
            resource(declaration.references)
        except ValueError as error:
            yield f"references: {error}"


def _option_problems(options: object) -> Iterator[str]:
    if not isinstance(options, tuple) or not all(isinstance(entry, Option) for entry in options):
        yield f"options is {options!r}, not a tuple of Option"
        return
    names = [option.name for option in options]
    for option in options:
        what = f"option {option.name!r}"
        if not str(option.name).isidentifier() or option.name != str(option.name).lower():
            yield f"{what} is not a lower-case name, such as 'min_people'"
        if names.count(option.name) > 1:
            yield f"{what} is there twice"
        if option.kind not in WANTED:
            yield f"{what} is of kind {option.kind!r}; use one of {', '.join(WANTED)}"
        elif option.default is not None and (
            option.required or read_option(option.kind, option.default) != option.default
        ):
            need = "none, as it is required" if option.required else WANTED[option.kind]
            yield f"{what} has the default {option.default!r}; give {need}"
