"""The words of figures of multilevel fits: groups, variances, and how they were estimated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress

from comorbid.document import prose
from comorbid.document.figures import words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import NONE, Row
from comorbid.document.figures.numbers import fixed, variance
from comorbid.models.group_means import GroupMeans
from comorbid.models.multilevel_result import Multilevel

_STUDY = ("study", "study_id", "label")
_SYMBOLS = {"sigma2": "σ²", "tau2": "τ²", "rho": "ρ", "gamma2": "γ²", "phi": "φ"}


def estimates(count: int) -> str:
    """Return a number of estimates."""
    return prose.counted(count, "estimate", "estimates")


def noun(by: str) -> str:
    """Return what a group of a column is called: a study, or as the column is."""
    return "study" if by in _STUDY else one_line(by.replace("_", " "))


def groups(count: int, by: str) -> str:
    """Return a number of groups: ``6 studies``, ``11 groups by district``."""
    if by in _STUDY:
        return words.studies(count)
    return f"{prose.counted(count, 'group', 'groups')} by {noun(by)}"


def group_name(name: str, by: str, labels: Sequence[str]) -> str:
    """Return what a group is called above its rows.

    An identifier such as ``ashina2018`` gives way to what its rows' labels begin with, if that is
    the same in words.

    Examples
    --------
    >>> group_name("ashina2018", "study_id", ["Ashina 2018", "Ashina 2018 (2)"])
    'Ashina 2018'
    >>> group_name("11", "district", ["School 1", "School 2"]), group_name("3", "study", ["A", "B"])
    ('district: 11', 'Study 3')
    """
    if by not in _STUDY:
        return f"{noun(by)}: {name}"
    if name.isdigit():
        return f"Study {name}"
    first, wanted = labels[0], _letters(name)
    starts = (first[:end] for end in range(1, len(first) + 1))
    shared = next((start for start in starts if wanted and _letters(start) == wanted), name)
    return shared if all(label.startswith(shared) for label in labels) else name


def rows_of_groups(fit: Multilevel, means: GroupMeans) -> str:
    """Return how many rows and groups there are."""
    link = " of" if noun(means.by) == "study" else " in"
    return f"{estimates(fit.k)}{link} {groups(len(means.groups), means.by)}"


def group_names(fit: Multilevel, means: GroupMeans) -> list[str]:
    """Return what the groups are called."""
    labels = fit.effects.labels
    inside = [compress(labels, means.group == i) for i in range(len(means.groups))]
    return [
        group_name(name, means.by, list(own))
        for name, own in zip(means.groups, inside, strict=True)
    ]


def grouped(name: str, rows: Sequence[Row], *, opens: bool) -> Iterator[Row]:
    """Yield the heading of a group and its rows; or its one row, named after it."""
    if len(rows) == 1:
        label = rows[0].label
        shown = label if name in label else f"{name}, {label}"
        yield replace(rows[0], label=shown, opens=opens)
        return
    blank = ("",) * len(rows[0].cells)
    yield Row(label=name, values=NONE, cells=blank, mark="heading", bold=True)
    yield from (replace(row, within=name) for row in rows)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def component(name: str, kind: str) -> str:
    """Return the symbol of a component with what it is of: ``σ² of study_id``, ``τ²[AL]``."""
    letter = _SYMBOLS[kind]
    own = one_line(name)
    return letter + own.removeprefix(kind) if own.startswith(kind) else f"{letter} of {own}"


def value(x: float, kind: str) -> str:
    """Return a component as it prints: a correlation with two decimals, a variance with three."""
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞"
    return fixed(x, 2) if kind == "correlation" else variance(x)


def method(fit: Multilevel, robust: str = "") -> str:
    """Return the line that says how the rows were pooled; ``robust`` names other intervals."""
    interval = robust or words.interval(fit.test)
    if fit.test == "t" and not robust:
        interval += f", {'residual' if fit.dfs == 'residual' else 'containment'} df"
    return f"Multilevel model, {fit.method}, random {one_line(', '.join(fit.random))}; {interval}."


def heterogeneity(fit: Multilevel) -> str:
    """Return the components with I², and the test by sampling errors alone; no full stop."""
    found = [f"{component(c.name, c.symbol)} = {value(c.value, c.kind)}" for c in fit.components]
    total = fit.heterogeneity.total
    if not math.isnan(total):
        found.append(f"I² = {prose.percent(total, 1)} in all")
    found.append(f"Q = {fixed(fit.qe, 2)} on {fit.k - fit.p} df, {prose.p_value(fit.qe_p)}")
    return "; ".join(found)
