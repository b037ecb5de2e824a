"""The header of a study table: which column is which, and which names are mistakes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from comorbid.errors import PluginError, Problem
from comorbid.studies.cells import quoted
from comorbid.studies.columns import CORE_COLUMNS, STUDIES, WORD_COUNTS, Column
from comorbid.studies.judgements import judgement_columns, meant

_LETTERS = ("ai", "bi", "ci", "di")
_ONLY = "_only"

# Names that other packages and papers use for a column of ours.
_OTHER_NAMES = {
    "study": "study_id",
    "slab": "label",
    "or": "estimate",
    "oddsratio": "estimate",
    "cilower": "ci_low",
    "cilb": "ci_low",
    "lower": "ci_low",
    "lowerci": "ci_low",
    "lci": "ci_low",
    "ll": "ci_low",
    "cihi": "ci_high",
    "ciupper": "ci_high",
    "ciub": "ci_high",
    "upper": "ci_high",
    "upperci": "ci_high",
    "uci": "ci_high",
    "ul": "ci_high",
    "sei": "se",
    "stderr": "se",
    "standarderror": "se",
    "samplesize": "n",
}


@dataclass(frozen=True, slots=True)
class Header:
    """What the names of a header mean.

    Parameters
    ----------
    positions : mapping of str to int
        Name (as it should be spelled) to position in the row, in file order.
    declared : mapping of str to Column
        The declared columns among them.
    counts : tuple of str
        The columns that hold ai, bi, ci and di, or nothing.
    conditions : tuple of str, or None
        The two conditions, where the counts are headed in words.
    problems : tuple of Problem
        Everything that is wrong with the names.
    """

    positions: Mapping[str, int]
    declared: Mapping[str, Column]
    counts: tuple[str, ...]
    conditions: tuple[str, str] | None
    problems: tuple[Problem, ...]


def declared_columns(extra: Sequence[Column]) -> dict[str, Column]:
    """Return the core columns and ``extra`` by name.

    Raises
    ------
    PluginError
        If ``extra`` redefines a core column, names a column twice, or has one of another table.
    """
    columns = {column.name: column for column in CORE_COLUMNS}
    problems = []
    for column in extra:
        if column.table != STUDIES:
            message = f"column {column.name} is of the table {column.table}"
            problems.append(Problem(message, "read that table with read_table"))
        if column.name in columns or column.name in WORD_COUNTS:
            message = f"column {column.name} is declared already"
            problems.append(Problem(message, "give the added column another name"))
        columns[column.name] = column
    if problems:
        raise PluginError(problems)
    return columns


def read_header(
    names: Sequence[str], columns: Mapping[str, Column], *, source: str, line: int
) -> Header:
    """Match the names of a study table's header with the declared ``columns`` and 2x2 counts."""
    found = match_names(names, columns, source=source, line=line, words=WORD_COUNTS)
    counts, conditions, wrong = _count_columns(tuple(found.positions), source, line)
    declared = {
        **judgement_columns(found.positions),
        **found.declared,
        **_word_columns(counts, conditions),
    }
    nearly = [
        Problem(
            f"the name {quoted(name)} is nearly {wanted}",
            f"rename it to {wanted}; if it holds something else, give it a name less alike",
            source,
            line,
            name,
        )
        for name in found.positions
        if name not in found.declared and (wanted := meant(name))
    ]
    problems = (*found.problems, *wrong, *nearly)
    return Header(found.positions, declared, counts, conditions, problems)


def match_names(
    names: Sequence[str],
    columns: Mapping[str, Column],
    *,
    source: str,
    line: int,
    words: Sequence[str] = (),
) -> Header:
    """Match the names of a header with the declared ``columns``, and nothing more.

    A name that is nearly a declared one, or one of ``words``, is a problem; from then on it is
    taken for that one, so that the problems of its cells are found in the same reading.
    """
    spelled, problems = _spelled(names, columns, words, source, line)
    positions: dict[str, int] = {}
    for position, name in enumerate(spelled):
        positions.setdefault(name, position)
    positions.pop("", None)
    declared = {name: columns[name] for name in positions if name in columns}
    missing = [
        Problem(
            f"there is no column {column.name} among {quoted(', '.join(names))}",
            f"add it: {column.description}" if column.description else "add it",
            file=source,
            line=line,
        )
        for column in columns.values()
        if column.required and column.name not in positions
    ]
    return Header(positions, declared, (), None, (*problems, *missing))


def nearest(name: str, declared: Collection[str], present: Collection[str]) -> str | None:
    """Return the declared name that ``name`` nearly is, or None.

    Case, spaces and punctuation never make a different name. Beyond that, a few other letters
    (none up to three letters, one up to six, else two) or a name common elsewhere count as near
    when the declared column is not itself among those ``present``.

    Examples
    --------
    >>> nearest("CI low", ["ci_low", "ci_high"], ["CI low"])
    'ci_low'
    >>> nearest("estimat", ["estimate"], ["estimat"])
    'estimate'
    >>> nearest("years", ["year"], ["year", "years"]) is None
    True
    """
    plain = _plain(name)
    if not plain:
        return None
    for candidate in declared:
        if plain == _plain(candidate):
            return candidate
    absent = [candidate for candidate in declared if candidate not in present]
    other = _OTHER_NAMES.get(plain)
    if other in absent:
        return other
    distances = [(_distance(plain, _plain(candidate)), candidate) for candidate in absent]
    near = [pair for pair in distances if pair[0] <= _tolerance(_plain(pair[1]))]
    return min(near)[1] if near else None


def _spelled(
    names: Sequence[str],
    columns: Mapping[str, Column],
    words: Sequence[str],
    source: str,
    line: int,
) -> tuple[list[str], list[Problem]]:
    """Names as they should be spelled, and the problems of each."""
    spelled: list[str] = []
    problems: list[Problem] = []
    present = set(names)
    candidates = {*columns, *words}
    plain_words = {_plain(name): name for name in words}
    first: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        problem, meant = None, name
        if not name:
            message = f"cell {position} of the header is empty"
            problem = Problem(message, "name the column or delete it", source, line)
        elif first.setdefault(name, position) < position:
            message = f"the header names {name} twice, in cells {first[name]} and {position}"
            problem = Problem(message, "rename or delete one of them", source, line, name)
        elif name not in candidates and (
            near := plain_words.get(_plain(name)) or nearest(name, columns, present)
        ):
            meant = near
            message = f"the name {quoted(name)} is nearly {near}"
            remedy = f"rename it to {near}; if it holds something else, give it a name less alike"
            problem = Problem(message, remedy, source, line, name)
        spelled.append(meant)
        if problem:
            problems.append(problem)
    return spelled, problems


def _count_columns(
    names: Sequence[str], source: str, line: int
) -> tuple[tuple[str, ...], tuple[str, str] | None, list[Problem]]:
    """The four count columns, the conditions they name, and what is wrong with the set."""
    letters = [name for name in _LETTERS if name in names]
    words = [name for name in WORD_COUNTS if name in names]
    only = [name for name in names if name.endswith(_ONLY) and name != _ONLY]
    # one column ending in _only says nothing about a 2x2 table; two without the rest do
    if not words and len(only) != 2:
        only = []
    found = letters + words + only
    if not found:
        return (), None, []
    remedy = (
        "give all four counts as ai, bi, ci, di, or all four as both, <condition one>_only, "
        "<condition two>_only, neither"
    )
    if letters and (words or only):
        message = f"the 2x2 counts are headed in two ways at once: {', '.join(found)}"
    elif letters and len(letters) < 4:
        gone = [name for name in _LETTERS if name not in names]
        message = f"of the 2x2 counts there are {', '.join(letters)} but not {', '.join(gone)}"
        if letters == ["ci"]:
            remedy += "; a confidence interval goes in ci_low and ci_high"
    elif not letters and (len(words) < 2 or len(only) != 2):
        message = f"the 2x2 counts in words are not one set of four: {', '.join(found)}"
    elif letters:
        return _LETTERS, None, []
    else:
        first, second = (name.removesuffix(_ONLY).replace("_", " ").strip() for name in only)
        return ("both", only[0], only[1], "neither"), (first, second), []
    return (), None, [Problem(message, remedy, file=source, line=line)]


def _word_columns(counts: tuple[str, ...], conditions: tuple[str, str] | None) -> dict[str, Column]:
    """Columns for counts that are headed in words."""
    if conditions is None:
        return {}
    first, second = conditions
    people = (
        f"with both {first} and {second}",
        f"with {first} only",
        f"with {second} only",
        f"with neither {first} nor {second}",
    )
    return {
        name: Column(name, "count", description=f"the number of people {who}")
        for name, who in zip(counts, people, strict=True)
    }


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _tolerance(plain: str) -> int:
    return 0 if len(plain) <= 3 else 1 if len(plain) <= 6 else 2


def _distance(a: str, b: str) -> int:
    """Letters to insert, delete, change or swap with their neighbour to get from a to b."""
    if abs(len(a) - len(b)) > 2:
        return 3  # beyond every tolerance
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
