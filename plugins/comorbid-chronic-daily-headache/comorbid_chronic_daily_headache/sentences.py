"""Sentences on chronic headache and headache days: functions of numbers that claim no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import comorbid as cb
from comorbid_chronic_daily_headache.contrasts import Contrast, Contrasts, contrast_spread
from comorbid_chronic_daily_headache.spread import Spread, spread_of, written
from comorbid_chronic_daily_headache.trend import UNIT, Line, Trend, Trends

_FEW = 5
"""Studies from which on a pooled interval is taken at its word."""

prose = cb.prose


def conclusion(result: Contrasts) -> str:
    """Say what the contrasts allow to conclude, and what they do not."""
    studies = len(result.studies)
    name = result.measure
    if not studies:
        return (
            "No study in the table has an estimate for chronic and one for episodic headache: "
            "there is nothing to compare."
        )
    if result.pooled is None:
        return (
            "One study has an estimate for chronic and one for episodic headache: nothing can be "
            f"pooled, and whether the {name} differs between the two cannot be concluded."
        )
    found = spread_of(result.pooled)
    if studies < _FEW:
        return (
            f"With {studies} studies these data cannot tell whether the {name} differs between "
            f"chronic and episodic headache, and no interval of an average can be relied on. "
            f"{_pooled(result, found)}"
        )
    return f"{_verdict(found, name)} {_pooled(result, found)}"


def _verdict(found: Spread, name: str) -> str:
    if found.count in (found.above, found.below):
        side = "higher" if found.above else "lower"
        return (
            f"In these studies the {name} is {side} in chronic than in episodic headache, whatever "
            "the unknown covariances are."
        )
    if found.above + found.below == 0:
        return (
            f"These data do not show that the {name} differs between chronic and episodic headache."
        )
    return (
        f"Whether these data show a difference of the {name} between chronic and episodic headache "
        "depends on what is not known about them."
    )


def _pooled(result: Contrasts, found: Spread) -> str:
    """Say where the average lies over all versions."""
    if result.pooled is None:
        return ""
    versions = prose.counted(found.count, "version", "versions")
    return (
        f"Pooled in {versions}, one for each combination of what is open (which pair of estimates, "
        f"which covariance), the average ratio of chronic to episodic is "
        f"{written(found.estimates)}; the {prose.level(result.level)} intervals reach from "
        f"{written(found.ends)}, and {_excluded(found)}."
    )


def _excluded(found: Spread) -> str:
    """Say how many of the intervals include 1."""
    if found.including == found.count:
        return "every one includes 1, no difference"
    if not found.including:
        return "every one excludes 1"
    return f"{found.including} of {found.count} include 1, no difference"


def study(contrasts: Sequence[Contrast], *, measure: str, level: float) -> str:
    """Say what one study's contrasts are, over everything that is open about them."""
    found = contrast_spread(contrasts, level)
    first, percent = contrasts[0], prose.level(level)
    pairs = len(contrasts)
    given = (
        ""
        if pairs == 1
        else f", by which of {pairs} pairs of its estimates is taken; which belong together is not "
        "known"
    )
    head = (
        f"In {first.name} the {measure} for chronic headache is {written(found.estimates)} times "
        f"that for episodic headache{given}. "
    )
    return f"{head}Its {percent} intervals reach from {written(found.ends)}; {_excluded(found)}."


def disagreement(result: Contrasts) -> str:
    """Say how far the studies lie apart; nothing with fewer than two."""
    if result.pooled is None:
        return ""
    ends = [
        (math.exp(entry.difference), entry.name)
        for own in result.studies
        for entry in (own[0], own[-1])
    ]
    (low, first), (high, last) = min(ends), max(ends)
    i2 = result.pooled.batch.i2
    least, most = prose.percent(float(i2.min())), prose.percent(float(i2.max()))
    return (
        f"The ratio of chronic to episodic goes from {prose.value(low)} ({first}) to "
        f"{prose.value(high)} ({last}); I² of the pooled versions is "
        f"{least if least == most else f'{least} to {most}'}."
    )


def sources(result: Contrasts) -> str:
    """Say how many studies print the counts that the covariance is reconstructed from."""
    studies = prose.counted(len(result.studies), "study", "studies")
    return f"The counts for that are printed by {result.reconstructed} of {studies}."


def trend(result: Trends, *, level: float) -> str:
    """Say what the two lines have for slopes, and what that allows to conclude."""
    if not result.trends:
        return (
            "No study gives headache days for several levels: a dose-response over headache days "
            "cannot be estimated, and beyond chronic against episodic nothing can be said."
        )
    number = len(result.trends)
    studies = (
        f"One study gives headache days for several levels, {result.trends[0].name}."
        if number == 1
        else f"{number} studies give headache days for several levels, and their slopes are pooled."
    )
    name = result.measure.split(" per ")[0]
    return (
        f"{studies} Among people with headache the {name} is {_slope(result, 'with-headache')} "
        f"times as high with {UNIT} headache days a month more "
        f"({_assumed(result, 'with-headache', level)}). On a line that begins at people without "
        f"headache it is {_slope(result, 'from-none')} times as high "
        f"({_assumed(result, 'from-none', level)}), but that line also takes in the step from no "
        f"headache to any, and does not speak of days alone. {_trend_conclusion(result, name)}"
    )


def _slope(result: Trends, line: Line) -> str:
    return written(spread_of(result.midpoints[line]).estimates)


def _assumed(result: Trends, line: Line, level: float) -> str:
    """Say how far the slope lies under all assumptions."""
    found = spread_of(result.pooled[line])
    return (
        f"{written(found.estimates)} over all assumptions, with {prose.level(level)} intervals "
        f"from {written(found.ends)}; {_excluded(found)}"
    )


def _trend_conclusion(result: Trends, name: str) -> str:
    found = spread_of(result.pooled["with-headache"])
    if len(result.trends) < _FEW or found.count not in (found.above, found.below):
        return f"These data cannot tell whether the {name} rises or falls with headache days."
    way = "higher" if found.above else "lower"
    return f"In these studies the {name} is {way} with more headache days, under every assumption."


def days(trends: Sequence[Trend]) -> str:
    """Say which doses were taken."""
    levels = "; ".join(
        f"{entry.name}: {prose.listed([f'{dose:g}' for dose in entry.doses[0].tolist()])}"
        for entry in trends
    )
    is_open = any(end != end for entry in trends for row in entry.rows for end in row.days)
    ends = (
        " An end that a definition leaves open is taken as 0 or 30 days, and such a level is put "
        "at a quarter and three quarters of the way up as well."
        if is_open
        else ""
    )
    return (
        "The doses are assumptions: 0 days for people without headache, and for a level the middle "
        f"between its ends ({levels} days a month).{ends}"
    )


def left_out(reasons: Mapping[str, str]) -> str:
    """Say which studies have days and no trend, and why; nothing without any."""
    return " ".join(f"{name} has no trend: it {why}." for name, why in reasons.items())
