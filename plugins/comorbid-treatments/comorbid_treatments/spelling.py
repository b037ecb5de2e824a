"""Names of treatments: one treatment that is spelled two ways would be two treatments."""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence

from comorbid_treatments.problems import some

_NEAR = 0.85
_SHORTEST = 5
# A plus sign or an asterisk may tell two treatments apart; these only tell how one is written.
_FORM = re.compile(r"[\s_.,;:'\"()\-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}]+")


def same_but_for_form(rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a problem for names that differ in case, spaces, punctuation or encoding only.

    Parameters
    ----------
    rows : mapping of str to sequence of str
        Each name with the rows in which it stands.

    Examples
    --------
    >>> same_but_for_form({"Usual care": ["row 1"], "usual  care": ["row 3"], "yoga": ["row 1"]})
    ["one treatment in 2 spellings: 'Usual care' (row 1), 'usual  care' (row 3); use one"]
    """
    forms: dict[str, list[str]] = {}
    for name in rows:
        forms.setdefault(_form(name), []).append(name)
    return [
        f"one treatment in {len(names)} spellings: {_with_rows(names, rows)}; use one"
        for names in forms.values()
        if len(names) > 1
    ]


def nearly_same(rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a note for names so alike that one may be a slip of the other.

    Names that differ in a number, as doses do, are taken to be meant.

    Examples
    --------
    >>> nearly_same({"sulfonylurea": ["row 1"], "sulphonylurea": ["row 2"]})
    ["'sulfonylurea' (row 1) and 'sulphonylurea' (row 2) are taken for two treatments; if they are
    one, use one spelling"]
    >>> nearly_same({"dose 10": ["row 3"], "dose 20": ["row 4"]})
    []
    """
    return [
        f"{_with_rows([a, b], rows, ' and ')} are taken for two treatments; if they are one, use "
        "one spelling"
        for a, b in itertools.combinations(rows, 2)
        if _near(_form(a), _form(b))
    ]


def _form(name: str) -> str:
    # Characters that look alike or cannot be seen: accents written apart, spaces of no width.
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf"
    )
    return _FORM.sub("", unicodedata.normalize("NFKC", seen.casefold()))


def _near(a: str, b: str) -> bool:
    if a == b or min(len(a), len(b)) < _SHORTEST or re.findall(r"\d+", a) != re.findall(r"\d+", b):
        return False
    return difflib.SequenceMatcher(None, a, b).ratio() >= _NEAR


def _with_rows(names: Sequence[str], rows: Mapping[str, Sequence[str]], between: str = ", ") -> str:
    return between.join(f"{name!r} ({some(rows[name])})" for name in names)
