"""Judgements: columns in which people have judged each study, and what they may say."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from comorbid.studies.columns import Column, Values

RISK_OF_BIAS = "rob_"
"""What the name of a column with judgements of one domain of risk of bias begins with."""

OVERALL = f"{RISK_OF_BIAS}overall"
INDIRECTNESS = "indirectness"

WORDS: dict[str, tuple[str, ...]] = {
    "low": ("low", "low risk"),
    "some": ("some", "some concerns", "moderate", "medium"),
    "high": ("high", "high risk", "serious"),
    "critical": ("critical", "very high"),
    "unclear": ("unclear", "no information", "not clear"),
}
"""The levels of a judgement, and the words that stand for each."""

_LEVELS = {word: level for level, words in WORDS.items() for word in words}
_SCORE = re.compile(r"(\d{1,2}) ?(?:/|of) ?(\d{1,2})")
_NEARLY = re.compile(r"rob[\s_:.-]+(\w.*)", re.IGNORECASE)
MAY_BE = (
    f"{'; '.join(', '.join(words) for words in WORDS.values())}; or points of how many, "
    "more being better, 2/4 or 2 of 4"
)
"""What a judgement may be, as errors and the data dictionary say it."""


def level_of(cell: str) -> str:
    """Return the level that a cell stands for; nothing for an empty one, a score or other text.

    Examples
    --------
    >>> level_of("Some concerns"), level_of("serious"), level_of("2/4"), level_of("")
    ('some', 'high', '', '')
    """
    return _LEVELS.get(" ".join(cell.lower().split()), "")


def score_of(cell: str) -> tuple[int, int] | None:
    """Return the points of a cell and how many there can be, or None if it is no score.

    Examples
    --------
    >>> score_of("2/4"), score_of("3 of 3"), score_of("5/4"), score_of("high")
    ((2, 4), (3, 3), None, None)
    """
    found = _SCORE.fullmatch(" ".join(cell.split()))
    if found is None:
        return None
    points, most = int(found[1]), int(found[2])
    return (points, most) if points <= most > 0 else None


def judgement_columns(names: Iterable[str]) -> dict[str, Column]:
    """Return what the columns with judgements among these names may hold.

    Examples
    --------
    >>> list(judgement_columns(["study_id", "rob_selection", "rob_", "indirectness"]))
    ['rob_selection', 'indirectness']
    """
    whose = {name: f"risk of bias, {domain_of(name)}" for name in names if _is_domain(name)}
    if INDIRECTNESS in names:
        whose[INDIRECTNESS] = "how far the study is from the question"
    return {
        name: Column(
            name, "text", description=f"a judgement ({what}): {MAY_BE}", check=_are_judgements
        )
        for name, what in whose.items()
    }


def meant(name: str) -> str:
    """Return the column with judgements that a name nearly is, or nothing.

    Examples
    --------
    >>> meant("RoB: Missing data"), meant("Indirectness"), meant("rob_overall"), meant("robust")
    ('rob_missing_data', 'indirectness', '', '')
    """
    if name.startswith(RISK_OF_BIAS) or name == INDIRECTNESS:
        return ""
    if found := _NEARLY.fullmatch(name.strip()):
        return RISK_OF_BIAS + "_".join(re.findall(r"\w+", found[1].lower()))
    return INDIRECTNESS if name.strip().lower() == INDIRECTNESS else ""


def domain_of(name: str) -> str:
    """Return the domain of a column as it is printed.

    Examples
    --------
    >>> domain_of("rob_missing_data")
    'missing data'
    """
    return name.removeprefix(RISK_OF_BIAS).replace("_", " ").strip()


def domains(names: Iterable[str]) -> list[str]:
    """Return the columns on risk of bias among these, in their order, the overall one last."""
    return sorted(filter(_is_domain, names), key=lambda name: name == OVERALL)


def _is_domain(name: str) -> bool:
    return name.startswith(RISK_OF_BIAS) and bool(domain_of(name))


def _are_judgements(cells: Values) -> Values:
    return np.array([bool(level_of(cell) or score_of(cell)) for cell in cells], dtype=bool)
