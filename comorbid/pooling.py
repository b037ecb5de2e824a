"""Pooling: comorbid's own analyses and sections of the pool, and what single studies do to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from comorbid.checks import is_missing
from comorbid.contributions import Absent, Analysis, Context, Section
from comorbid.document import sentences
from comorbid.document.blocks import Block
from comorbid.document.runs import Cite
from comorbid.document.sections import heterogeneity, results, sensitivity
from comorbid.document.sections.one_step import one_step
from comorbid.errors import ProblemsError
from comorbid.models.fit import Fit, pool
from comorbid.models.refits import Refits
from comorbid.models.sparse import sparse
from comorbid.models.spread import Spread, spread
from comorbid.parts import Parts, fit_of, parts_of, settings_of
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.influence import Influence, influence
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.other_rows import other_rows

_OUTLIERS = Cite("viechtbauer2010b")
_TWO_BY_TWO = ("OR", "RR", "RD")
_CELLS = ("ai", "bi", "ci", "di")
_COUNTS = "counts"


def _pool(context: Context) -> Fit | Absent:
    if not np.isfinite(context.effects.vi).any():
        return Absent(sentences.nothing_pooled(context.studies, context.overrides))
    return pool(context.effects, **settings_of(context))


def _spread(context: Context) -> Spread:
    return spread(fit_of(context))


def _one_step(context: Context) -> Parts:
    """Judge the 2x2 tables that are pooled; where they are sparse, pool them in one step too."""
    fit = fit_of(context)
    effects = fit.effects
    ids = {
        id_ for id_, source in zip(effects.ids, effects.source, strict=True) if source == _COUNTS
    }
    nothing: dict[str, object] = {"sparse": None, "one_step": None, "reason": ""}
    if context.settings.measure.id not in _TWO_BY_TWO or len(ids) < 2:
        return Parts(nothing)
    arrays = context.studies.arrays
    used = np.array([id_ in ids for id_ in arrays["estimate_id"]])
    tables = {name: arrays[name][used] for name in ("label", "estimate_id", *_CELLS)}
    found = sparse(tables)
    if not found.doubtful:
        return Parts(nothing | {"sparse": found})
    from comorbid.models.glmm import glmm  # takes long to load, and few reports need it

    try:
        pooled = glmm(tables, model="CM.EL", level=context.settings.level)
    except ProblemsError as error:
        reason = "; ".join(problem.message for problem in error.problems)
        return Parts(nothing | {"sparse": found, "reason": reason})
    return Parts(
        nothing | {"sparse": found, "one_step": pooled, "without_counts": fit.k - pooled.k}
    )


def _leave_one_out(context: Context) -> Refits:
    return leave_one_out(fit_of(context))


def _influence(context: Context) -> Influence:
    return influence(fit_of(context))


def _cumulative(context: Context) -> Refits | Absent:
    fit = fit_of(context)
    years = fit.effects.moderators.get("year", (None,) * fit.k)
    without = [
        label for label, year in zip(fit.effects.labels, years, strict=True) if is_missing(year)
    ]
    return Absent(sentences.no_years(without)) if without else cumulative(fit, by="year")


def _other_rows(context: Context) -> Refits:
    return other_rows(
        fit_of(context),
        studies=context.studies,
        overrides=context.overrides,
        measure=context.settings.measure,
    )


def _forest(context: Context) -> Sequence[Block]:
    spread = "heterogeneity" not in _section_ids(context)
    fit, parts = fit_of(context), parts_of(context, "one-step")
    return (
        *results.forest(fit, spread=spread, sides=context.settings.sides),
        *one_step(fit, parts["sparse"], parts["one_step"], parts["reason"]),
    )


def _heterogeneity_section(context: Context) -> Sequence[Block]:
    spread = cast(Spread, context.results["heterogeneity"])
    expected = "forest" not in _section_ids(context)
    return heterogeneity.heterogeneity(fit_of(context), spread, expected=expected)


def _section_ids(context: Context) -> set[str]:
    return {section.id for section in context.in_use.sections}


def _leave_one_out_section(context: Context) -> Sequence[Block]:
    return results.leave_one_out(fit_of(context), cast(Refits, context.results["leave-one-out"]))


def _influence_section(context: Context) -> Sequence[Block]:
    return sensitivity.influence(fit_of(context), cast(Influence, context.results["influence"]))


def _cumulative_section(context: Context) -> Sequence[Block]:
    return sensitivity.cumulative(cast(Refits, context.results["cumulative"]))


def _other_rows_section(context: Context) -> Sequence[Block]:
    return results.other_rows(fit_of(context), cast(Refits, context.results["other-rows"]))


ANALYSES = (
    Analysis("pool", "The pooled effect", _pool),
    Analysis(
        "one-step",
        "Tables with few events",
        _one_step,
        needs=("pool",),
        methods=(
            "Where tables of counts have too few events for the normal method ",
            Cite("sweeting2004"),
            ", they are pooled in one step as well, from the counts themselves ",
            Cite("stijnen2010"),
            ".",
        ),
    ),
    Analysis(
        "heterogeneity",
        "Differences between studies",
        _spread,
        needs=("pool",),
        methods=(
            "Where tau² is estimated, it has an interval by the Q-profile method ",
            Cite("viechtbauer2007"),
            ", from which those of tau, I² and H² follow, and another by profile likelihood ",
            Cite("hardy1996"),
            ".",
        ),
    ),
    Analysis(
        "leave-one-out",
        "Leave-one-out",
        _leave_one_out,
        needs=("pool",),
        methods=("The pool is repeated without each study in turn ", _OUTLIERS, "."),
    ),
    Analysis(
        "influence",
        "Influence of single studies",
        _influence,
        needs=("pool",),
        methods=("Diagnostics show which study moves the result ", _OUTLIERS, "."),
    ),
    Analysis(
        "cumulative",
        "The pool over the years",
        _cumulative,
        needs=("pool",),
        methods=(
            "Studies are added one at a time in the order of their years ",
            Cite("lau1992"),
            ".",
        ),
    ),
    Analysis(
        "other-rows",
        "Other rows of the same studies",
        _other_rows,
        needs=("pool",),
        methods="Where a study has several rows, the pool is repeated with each of the others "
        "in place of the one used.",
    ),
)
"""Analyses of the pool."""

SECTIONS = (
    Section(
        "forest",
        "The pooled effect",
        _forest,
        needs=("pool", "one-step"),
        constants=("a cell of 0", "cells of 0", "cell below 5", "cell below 1"),
    ),
    Section(
        "heterogeneity",
        "Differences between studies",
        _heterogeneity_section,
        needs=("pool", "heterogeneity"),
        constants=("low (25 %)", "high (75 %)"),
    ),
    Section(
        "leave-one-out",
        "Leave-one-out",
        _leave_one_out_section,
        needs=("pool", "leave-one-out"),
    ),
    Section(
        "influence",
        "Influence of single studies",
        _influence_section,
        needs=("pool", "influence"),
        constants=("beyond 1.96", "DFBETAS beyond 1"),
    ),
    Section(
        "cumulative",
        "The pool over the years",
        _cumulative_section,
        needs=("pool", "cumulative"),
    ),
    Section(
        "other-rows",
        "Other rows of the same studies",
        _other_rows_section,
        needs=("pool", "other-rows"),
    ),
)
"""Sections on the pool."""
