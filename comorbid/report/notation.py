"""Notation: what the lock calls a value, by the symbol, unit or noun beside the printed number.

A number that is called k is a value that the lock calls k: "k = 6" may not print the degrees of
freedom, "I² = 84 %" not a weight, and "5 trials" not the treatments if the lock has both. Beside
words that the lock does not know any value will do.
"""

from __future__ import annotations

import re
from functools import cache

Name = re.Pattern[str]

_BEFORE = {
    r"k": r"(.*_)?k",
    r"q": r"q|q_(between|within|total|e|m)|q[em]|.*_q",
    r"p": r"(.*_)?p(_values?)?",
    r"(?:τ|tau)²": r"(.*_)?tau2(_.*)?",
    r"i²": r"(.*_)?i2(_.*)?",
    r"h²": r"(.*_)?h2(_.*)?",
}
_AFTER = {
    r" ?%": r".*(percent|weight|[ir]2).*",
    r" (?:degrees? of freedom|df)": r"(.*_)?df(_.*)?",
    r" (?:stud(?:y|ies)|trials?)\b": r"(.*_)?(k|studies|trials)|not_here",
}
# An interval of tau² may hold 0, which is not the value of no association.
_NULL = re.compile(
    r"^(?!.*(?:tau|τ|[ih]²)).*(?<!\w)(?:(?:in|ex)clud(?:es|e|ing)|leaves? out|one side of) $"
)
_NOUN = re.compile(r" ([a-z]{3,})")
_REACH, _FAR = 12, 60
_GENERAL = ("", "estimate", "value")
"""Heads of columns that hold many things."""


def names_beside(text: str, start: int, end: int) -> tuple[Name, ...]:
    """Return what the lock may call a number, by what stands beside it; none if that is open.

    Parameters
    ----------
    text : str
        In lower case.
    start, end : int
        Where the number stands in it.

    Examples
    --------
    >>> [bool(name.fullmatch("q")) for name in names_beside("q = 42.52 on 5 df", 4, 9)]
    [True]
    >>> [bool(name.fullmatch("treatments")) for name in names_beside("5 trials", 0, 1)]
    [False]
    """
    before, after = text[max(0, start - _REACH) : start], text[end:]
    found = [name for words, name in _AFTER_NUMBER if words.match(after)]
    found += [name for words, name in _BEFORE_NUMBER if words.search(before)]
    if _NULL.search(text[max(0, start - _FAR) : start]):
        found.append(_of_noun("null"))
    if not found and (noun := _NOUN.match(after)):
        found.append(_of_noun(noun[1]))
    return tuple(found)


@cache
def name_at(head: str, *, nouns: bool = True) -> Name | None:
    """Return how the lock may call what stands in a column or row with a head, in lower case.

    ``nouns`` says whether a word that is no symbol is a name, as in the head of a column.

    Examples
    --------
    >>> name_at("tau²", nouns=False).fullmatch("tau2_ci") is not None
    True
    >>> name_at("mean rank").fullmatch("mean_rank") is not None, name_at("estimate")
    (True, None)
    """
    for words, name in _BEFORE_NUMBER:
        if words.search(f"{head} = "):
            return name
    for words, name in _AFTER_NUMBER:
        if words.fullmatch(f" {head}"):
            return name
    noun = "_".join(re.findall(r"\w+", head))
    return _of_noun(noun) if nouns and noun not in _GENERAL else None


@cache
def _of_noun(noun: str) -> Name:
    """Return how the lock may call what has a name, in the singular or the plural."""
    stem = re.escape(noun.removesuffix("ies").removesuffix("s"))
    return re.compile(rf"(.*_)?{stem}(y|s|ies)?(_ci)?")


_BEFORE_NUMBER = [
    (re.compile(rf"(?<!\w){words} [=<] $"), re.compile(name)) for words, name in _BEFORE.items()
]
_AFTER_NUMBER = [(re.compile(words), re.compile(name)) for words, name in _AFTER.items()]
