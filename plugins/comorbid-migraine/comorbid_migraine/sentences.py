"""Sentences on migraine: functions of numbers that examine the statement and do not repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import comorbid as cb
from comorbid_migraine.rows import Within

_FEW = 5
"""Studies on each side from which on the test between the two is taken at its word."""

prose = cb.prose

STATEMENT = (
    "The press release on the review (University of Warwick, 22 September 2019) says that the "
    "association is stronger in people with migraine. The data are examined here."
)


def verdict(result: cb.AgainstRest) -> str:
    """Say what the studies of migraine allow to say about the statement."""
    if result.fit is None:
        return "No row of the study table is about migraine: the statement cannot be examined."
    studies = "One study has" if result.k == 1 else f"{result.k} studies have"
    head = f"{studies} a public estimate for migraine"
    if result.rest is None or result.contrast is None:
        return f"{head}, and none is left to compare with: the statement cannot be examined."
    own, others = (fit.on_scale().estimate for fit in (result.fit, result.rest))
    level = f"{prose.level(result.fit.level)} confidence interval "
    numbers = (
        f"{_average(result.fit, level)} against {_average(result.rest, level)} in the other studies"
    )
    name = prose.measure_name(result.fit.effects.measure)
    p = result.contrast.q_between_p
    if min(result.k, result.rest.k) < _FEW:
        side = _side(own, others)
        return (
            f"{head}. That is too few to confirm or refute the statement. Taken at face value the "
            f"{name} in migraine is {side}: {numbers} ({prose.p_value(p)})."
        )
    if not p < 1 - result.fit.level:
        return (
            f"{head}. They do not show that the {name} in migraine differs: {numbers} "
            f"({prose.p_value(p)})."
        )
    agree = "agree with" if own > others else "contradict"
    return (
        f"{head}. They {agree} the statement: the {name} is {numbers} ({prose.p_value(p)}). "
        "Studies of migraine and others differ in more than the headache, though."
    )


def _average(fit: cb.Fit, level: str) -> str:
    """Return an average with its interval, which of few studies may say next to nothing."""
    scaled, scale = fit.on_scale(), fit.effects.scale
    return f"{prose.value(scaled.estimate, scale)} ({level}{prose.interval(scaled.ci, scale)})"


def _side(own: float, others: float) -> str:
    if own == others:
        return "the same"
    return "the higher" if own > others else "the lower"


def within(rows: Within) -> Iterator[str]:
    """Say, study by study, where migraine lies among the estimates of the same people."""
    scale = rows.rows.scale
    for side in rows.sides():
        yield (
            f"{side.label}: {_values(side.migraine, scale)} for migraine, "
            f"{_values(side.others, scale)} in {_number(len(side.others))} on other headache, "
            f"{_place(side.migraine, side.others)}."
        )


def _values(values: Sequence[float], scale: str) -> str:
    low, high = prose.value(min(values), scale), prose.value(max(values), scale)
    return low if low == high else f"{low} to {high}"


def _number(rows: int) -> str:
    return "the one row" if rows == 1 else f"the {rows} rows"


def _place(own: Sequence[float], others: Sequence[float]) -> str:
    if max(own) < min(others):
        return "which all lie higher" if len(others) > 1 else "which lies higher"
    if min(own) > max(others):
        return "which all lie lower" if len(others) > 1 else "which lies lower"
    return "so that neither is the higher throughout"


def kinds(episodic: cb.AgainstRest, chronic: cb.AgainstRest) -> str:
    """Say how many studies are about episodic and about chronic migraine."""
    if not episodic.k and not chronic.k:
        return "No row of the study table is about episodic or chronic migraine by itself."
    counts = [prose.counted(result.k, "study", "studies") for result in (episodic, chronic)]
    return f"Episodic migraine has {counts[0]}, chronic migraine {counts[1]}."
