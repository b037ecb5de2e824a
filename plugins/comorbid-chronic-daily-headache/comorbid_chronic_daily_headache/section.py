"""The section on chronic daily headache: results to blocks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

import comorbid as cb
from comorbid_chronic_daily_headache import sentences
from comorbid_chronic_daily_headache.contrasts import Contrasts
from comorbid_chronic_daily_headache.spread import interval, spread_of, written
from comorbid_chronic_daily_headache.trend import LINES, Line, Trends

prose = cb.prose

_HEADS: dict[Line, str] = {
    "from-none": "From no headache up",
    "with-headache": "Among people with headache",
}


def section(context: cb.Context) -> Sequence[cb.Block]:
    """Return the blocks of the section."""
    contrasts = cast(Contrasts, context.results["chronic-against-episodic"])
    trends = cast(Trends, context.results["headache-days"])
    every = cast(cb.DependentRows, context.results["chronic-all-rows"])
    chronic = cast(cb.AgainstRest, context.results["chronic"])
    return (
        cb.Paragraph(
            (
                "Headache on 15 or more days a month is called chronic, on fewer episodic ",
                cb.Cite("ichd2018"),
                ". Here the two are compared within the studies that have estimates for both.",
            )
        ),
        cb.Note(sentences.conclusion(contrasts), kind="caution", title="What can be concluded"),
        *(_comparison(contrasts) if contrasts.contrasts else ()),
        cb.Heading("Headache days"),
        *_days(trends, context.settings.level),
        cb.Heading("Chronic headache against the other studies"),
        cb.Paragraph(
            "This compares studies, which differ in more than the headache they looked at: people, "
            "questions and analysis differ as well."
        ),
        *cb.subgroup_blocks(chronic),
        *cb.dependent_rows_blocks(every, one=chronic.fit),
    )


def _comparison(result: Contrasts) -> Iterator[cb.Block]:
    yield _rows_used(result)
    for own in result.studies:
        yield cb.Paragraph(sentences.study(own, measure=result.measure, level=result.level))
    further = sentences.disagreement(result)
    if further:
        yield cb.Paragraph(further)
    yield _figure(result)
    yield cb.Paragraph(
        (
            "Both estimates of a study are against the same people without headache and so are "
            "not independent. Where cases and people are printed by frequency, their covariance is "
            "reconstructed ",
            cb.Cite("greenland1992", "hamling2008"),
            "; where they are not, both ends of the range that it can have are shown. "
            f"{sentences.sources(result)}",
        )
    )


def _figure(result: Contrasts) -> cb.Figure:
    """Draw each contrast with the first and the last of its covariances."""
    rows = [
        (
            f"{entry.chronic.label} / {entry.episodic.label}, {entry.words[i]}",
            entry.difference,
            entry.variances[i],
        )
        for entry in result.contrasts
        for i in (0, -1)
    ]
    labels, differences, variances = zip(*rows, strict=True)
    effects = cb.Effects(
        yi=np.array(differences),
        vi=np.array(variances),
        labels=labels,
        measure=f"ratio of {result.measure}s",
        scale="log",
    )
    caption = (
        f"The {result.measure} for chronic over that for episodic headache in the same people, "
        f"with its {prose.level(result.level)} interval by what their covariance may be."
    )
    return dataclasses.replace(
        cb.figures.estimates(effects, level=result.level, title=""), caption=caption
    )


def _ratios(ends: tuple[float, float]) -> tuple[float, float]:
    return math.exp(ends[0]), math.exp(ends[1])


def _rows_used(result: Contrasts) -> cb.Table:
    """Return the estimates that the contrasts are made of, with the words that define them."""
    header = (
        "Row",
        "Headache",
        result.measure.capitalize(),
        f"{prose.level(result.level)} interval",
    )
    defined = any(row.definition for row in result.rows)
    return cb.Table(
        (*header, "Definition") if defined else header,
        tuple(
            (
                row.label,
                row.headache,
                prose.value(math.exp(row.yi)),
                prose.interval(_ratios(interval(row.yi, row.vi, result.level))),
                *((row.definition,) if defined else ()),
            )
            for row in result.rows
        ),
        "Estimates for episodic and chronic headache in the same people",
        numeric=header[2:],
    )


def _days(result: Trends, level: float) -> Iterator[cb.Block]:
    yield cb.Paragraph(sentences.trend(result, level=level))
    if result.trends:
        yield _trend_table(result, level)
        yield cb.Paragraph(
            (
                f"{sentences.days(result.trends)} Each study's line is fitted by generalised "
                "least squares with the covariance of its estimates ",
                cb.Cite("orsini2006"),
                ", reconstructed or put at 0, half and the whole of its range.",
            )
        )
    skipped = sentences.left_out(result.left_out)
    if skipped:
        yield cb.Paragraph(skipped)


def _trend_table(result: Trends, level: float) -> cb.Table:
    percent = prose.level(level)
    header = ("Line", "Doses", "Versions", "Estimate", f"Ends of the {percent} intervals")
    rows = []
    for line in LINES:
        for words, refits in (("midpoints", result.midpoints), ("all assumed", result.pooled)):
            found = spread_of(refits[line])
            numbers = (f"{found.count}", written(found.estimates), written(found.ends))
            rows.append((_HEADS[line], words, *numbers))
    return cb.Table(
        header,
        tuple(rows),
        f"{result.measure[0].upper()}{result.measure[1:]}",
        numeric=header[2:],
        note="A version is one combination of doses and covariances.",
    )
