"""Beyond the pool: comorbid's own analyses and sections of choices, people and decisions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from comorbid.burden import Burden, burden
from comorbid.contributions import Absent, Analysis, Context, Section
from comorbid.document.blocks import Block
from comorbid.document.figures.people_plot import PEOPLE
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    burden as burden_section,
    deviations,
    multiverse as multiverse_section,
    rounding as rounding_section,
)
from comorbid.effects.scales import SCALES
from comorbid.models.fit import pool
from comorbid.options import Option
from comorbid.parts import Parts, fit_of, options_of, parts_of
from comorbid.people import people
from comorbid.sensitivity.multiverse import multiverse
from comorbid.sensitivity.rounding import rounding
from comorbid.sensitivity.rounding_result import Rounding
from comorbid.sensitivity.universes import Multiverse
from comorbid.sensitivity.without_overrides import without_overrides
from comorbid.studies.finding import Audit

_MOST_PEOPLE = 1e6


def _multiverse(context: Context) -> Multiverse | Absent:
    fit = fit_of(context)
    if fit.k < 2:
        return Absent("With one study nothing is pooled, and no choice matters.")
    chosen = {name: value for name, value in context.options.items() if value}
    with options_of("multiverse"):
        return multiverse(
            context.studies,
            fit=fit,
            audit=cast(Audit, context.results["audit"]),
            measure=context.settings.measure,
            **chosen,
        )


def _data(context: Context) -> dict[str, Any]:
    names = ("studies", "overrides")
    return {name: getattr(context, name) for name in names} | {"measure": context.settings.measure}


def _multiverse_section(context: Context) -> Sequence[Block]:
    return multiverse_section.multiverse(cast(Multiverse, context.results["multiverse"]))


def _rounding(context: Context) -> Rounding | Absent:
    fit = fit_of(context)
    if fit.k < 2:
        return Absent("With one study nothing is pooled that rounding could move.")
    if not any(fit.effects.digits):
        return Absent("No effect comes from printed numbers: nothing is rounded.")
    return rounding(fit)


def _rounding_section(context: Context) -> Sequence[Block]:
    return rounding_section.rounding(cast(Rounding, context.results["rounding"]))


def _burden(context: Context) -> Parts:
    options, size = context.options, context.options["population"]
    p1, p2 = (_prevalence(options[name]) for name in ("p1", "p2"))
    with options_of("burden"):
        found = burden(fit_of(context), p1=p1, p2=p2, population=size)
    of = people(found, size=_round_number(found))
    whole = None if size is None else people(found, size=size)
    extra = [q for each in (of, whole) if each for q in (each.extra.estimate, *each.extra.ci)]
    return Parts(
        {
            "conditions": (options["condition1"], options["condition2"]),
            "sources": (options["source1"], options["source2"]),
            "percent": tuple(tuple(100 * part for part in p) for p in (found.p1, found.p2)),
            "people": of,
            "people_a_mark": of.size / PEOPLE,
            "more_or_fewer": tuple(abs(number) for number in extra),
            "population": whole,
            "note": options["note"],
        }
    )


def _prevalence(given: tuple[float, ...]) -> Any:
    return given[0] if len(given) == 1 else given


def _round_number(found: Burden) -> float:
    """Return a thousand people, or ten times more until one is expected to have both."""
    least = max(1 / _MOST_PEOPLE, min(found.expected.estimate, found.both.estimate))
    return 10.0 ** max(3, math.ceil(-math.log10(least) - 1e-9))


def _burden_section(context: Context) -> Sequence[Block]:
    found = parts_of(context, "burden")
    return burden_section.burden(
        found["people"],
        conditions=found["conditions"],
        sources=found["sources"],
        population=found["population"],
        note=found["note"],
    )


def _without_overrides(context: Context) -> Parts:
    """Refit without each decision, and count the studies that are not pooled."""
    fit = fit_of(context)
    found = without_overrides(fit, **_data(context))
    left_out = deviations.not_pooled(fit, context.studies)
    known = found.batch.estimate[np.isfinite(found.batch.estimate)]
    ends = SCALES[found.scale].back([known.min(), known.max()]).tolist() if known.size else []
    parts = {"without": found, "between": tuple(ends), "defaults": _defaults(context)}
    return Parts({**parts, "not_pooled": left_out, "studies": len(left_out)})


def _defaults(context: Context) -> dict[str, Any]:
    """Return what method, test and level are where the report says nothing of them."""
    preset, known = context.settings.preset, inspect.signature(pool).parameters
    found = {name: known[name].default for name in ("method", "test", "level")}
    if preset is not None:
        found |= preset.settings(context.effects)
    named = "" if preset is None else preset.id
    return {**found, "percent": 100 * found["level"], "preset": named}


def _deviations(context: Context) -> Sequence[Block]:
    found = parts_of(context, "overrides")
    return deviations.deviations(
        fit_of(context),
        found["without"],
        left_out=found["not_pooled"],
        defaults=found["defaults"],
        preset=found["defaults"]["preset"],
        studies=context.studies,
        overrides=context.overrides,
        declared=[(deviation.what, deviation.why) for deviation in context.deviations],
        protocol="protocol" in context.reporting,
        reasons="summary" not in {section.id for section in context.in_use.sections},
    )


ANALYSES = (
    Analysis(
        "multiverse",
        "Multiverse",
        _multiverse,
        needs=("pool", "audit"),
        options=(
            Option("methods", "names", "estimators of tau2 to combine"),
            Option("tests", "names", "tests to combine: z, t, knha, adhoc"),
            Option("rules", "rules", "inclusion rules to obey or not"),
        ),
        methods=(
            "The pool is repeated under every combination of estimator and interval, of source of "
            "the effects and rows where there is a choice, of inclusion rules obeyed or not, and "
            "of the studies, without the rows of one finding of the audit or without one study ",
            Cite("steegen2016", "simonsohn2020", "voracek2019"),
            "; a source in which the audit finds an error is not taken. Combinations that lead to "
            "the same numbers count once. What goes with each choice of the variance of results "
            "is its Shapley effect ",
            Cite("song2016"),
            ".",
        ),
    ),
    Analysis(
        "rounding",
        "Rounding",
        _rounding,
        needs=("pool",),
        methods=(
            "Each printed number stands for every value that rounds to it: such values are drawn "
            "at random, uniformly within the digits and with each estimate in its interval, and "
            "pooled as the others ",
            Cite("jcgm2008"),
            "; whose digits matter most follows from draws of one study alone.",
        ),
    ),
    Analysis(
        "burden",
        "Burden",
        _burden,
        needs=("pool",),
        options=(
            Option(
                "condition1",
                "text",
                "name of the first condition, of a risk ratio that of the groups compared",
                required=True,
            ),
            Option("p1", "numbers", "its prevalence, alone or with low and high", required=True),
            Option("source1", "text", "who says so", required=True),
            Option("condition2", "text", "name of the second condition", required=True),
            Option("p2", "numbers", "its prevalence, alone or with low and high", required=True),
            Option("source2", "text", "who says so", required=True),
            Option("population", "number", "number of people to speak of"),
            Option("note", "text", "in how far the pooled studies are about these conditions"),
        ),
        methods=(
            "How many people have both conditions follows from the pooled ratio and the "
            "prevalence of each ",
            Cite("plackett1965"),
            ".",
        ),
    ),
    Analysis(
        "overrides",
        "The pool without decisions",
        _without_overrides,
        needs=("pool",),
        methods="Where decisions about single estimates are made, the pool is repeated without "
        "each of them.",
    ),
)
"""Analyses beyond the main pool."""

SECTIONS = (
    Section(
        "multiverse",
        "Sensitivity to choices",
        _multiverse_section,
        needs=("multiverse",),
        constants=("Shown are 400",),
    ),
    Section(
        "rounding",
        "What rounding leaves open",
        _rounding_section,
        needs=("rounding",),
        constants=("95 % of",),
    ),
    Section("burden", "What it means in people", _burden_section, needs=("burden",)),
    Section("deviations", "Deviations and decisions", _deviations, needs=("pool", "overrides")),
)
"""Sections beyond the main pool."""
