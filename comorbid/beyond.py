"""Beyond the pool: comorbid's own analyses and sections of what may differ and what it means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from comorbid.bias.asymmetry import asymmetry
from comorbid.bias.trim_and_fill import trim_and_fill
from comorbid.burden import Burden, burden
from comorbid.contributions import Analysis, Context, Section
from comorbid.document.blocks import Block
from comorbid.document.figures.people_plot import PEOPLE
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    burden as burden_section,
    deviations,
    regression,
    small_studies,
    specifications as specification_section,
    subgroups as subgroup_section,
)
from comorbid.effects.scales import SCALES
from comorbid.errors import ModelError, Problem, ReportError
from comorbid.models.fit import Fit
from comorbid.models.formula import make_design, usable_rows
from comorbid.models.regression import regress
from comorbid.models.regression_result import Regression
from comorbid.models.views import LITTLE_POWER, plain
from comorbid.options import Option
from comorbid.people import people
from comorbid.sensitivity.specifications import specifications
from comorbid.sensitivity.without_overrides import without_overrides
from comorbid.subgroups import subgroups

_COUNTS = ("ai", "bi", "ci", "di")
_MOST_PEOPLE = 1e6


@dataclass(frozen=True, slots=True)
class Parts:
    """A result of several parts, by name: results, numbers and text."""

    parts: Mapping[str, Any]

    def to_dict(self) -> dict[str, object]:
        """Return each part as plain values."""
        return {
            name: {key: plain(value) for key, value in part.items()}
            if isinstance(part, Mapping)
            else plain(part)
            for name, part in self.parts.items()
        }


def _fit(context: Context) -> Fit:
    return cast(Fit, context.results["pool"])


def _parts(context: Context, name: str) -> Mapping[str, Any]:
    return cast(Parts, context.results[name]).parts


def _settings(context: Context) -> dict[str, Any]:
    return {name: getattr(context.settings, name) for name in ("method", "test", "level")}


def _subgroups(context: Context) -> Parts:
    by = context.options["by"]
    known = context.effects.moderators
    unknown = [name for name in by if name not in known]
    if unknown:
        remedy = f"use one of {', '.join(known)}"
        raise ReportError(
            [
                Problem(f"[analyses.subgroups]: no column {name!r}", remedy, file="report.toml")
                for name in unknown
            ]
        )
    found = {name: subgroups(context.effects, by=name, **_settings(context)) for name in by}
    compared = sum(not math.isnan(result.q_between) for result in found.values())
    return Parts({"by": found, "compared": compared})


def _subgroup_section(context: Context) -> Sequence[Block]:
    found = _parts(context, "subgroups")
    return subgroup_section.subgroups(tuple(found["by"].values()), compared=found["compared"])


def _meta_regression(context: Context) -> Parts:
    """Fit the regression; that the studies are too few or too much alike for it is a result."""
    formula, effects = context.options["formula"], context.effects
    rows, _ = usable_rows(effects, formula)
    # A formula that is wrong raises here, and stops the build.
    k, p = make_design(formula, effects.take(rows).to_frame()).x.shape
    fit, reason = None, ""
    if k < p or (k == p > 1 and context.settings.method.id != "EE"):
        reason = "it needs more studies than coefficients"
    else:
        try:
            fit = regress(effects, formula, **_settings(context))
        except ModelError as error:
            reason = "; ".join(problem.message for problem in error.problems)
    found = {"formula": formula, "k": k, "coefficients": p, "left": k - p, "reason": reason}
    return Parts({**found, "fit": fit, "ends": _ends(fit), "source": regression.HANDBOOK})


def _ends(fit: Regression | None) -> object:
    """Return what is predicted at the ends of the one numeric moderator, which the plot names."""
    if fit is None or not regression.one_number(fit):
        return None
    name = fit.design.columns[0]
    values = fit.effects.to_frame()[name].to_numpy(dtype=np.float64)
    ends = [float(values.min()), float(values.max())]
    predicted = fit.predict({name: ends})
    columns = {
        column: getattr(predicted, column).tolist()
        for column in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    }
    back = SCALES[fit.effects.scale].back
    on_scale = {column: back(values).tolist() for column, values in columns.items()}
    return {"at": ends, **columns, "on_scale": on_scale}


def _regression_section(context: Context) -> Sequence[Block]:
    found = _parts(context, "meta-regression")
    if found["fit"] is None:
        names = ("formula", "k", "coefficients", "reason")
        return regression.not_fitted(**{name: found[name] for name in names})
    return regression.regression(found["fit"])


def _small_studies(context: Context) -> Parts:
    """Return the tests for asymmetry and the refit, of ten studies or more."""
    fit, enough = _fit(context), {"threshold": LITTLE_POWER}
    if fit.k < LITTLE_POWER:
        return Parts({**enough, "k": fit.k, "tests": {}, "filled": None})
    counts: dict[str, Any] = {}
    if fit.effects.measure in ("OR", "PETO") and set(fit.effects.source) == {"counts"}:
        frame = context.studies.frame.set_index("estimate_id").loc[list(fit.effects.ids)]
        counts = {name: frame[name].to_numpy(dtype=np.float64) for name in _COUNTS}
    tests = {
        test: asymmetry(fit, test=test, **counts)
        for test in (("harbord", "peters") if counts else ("egger",))
    }
    return Parts({**enough, "k": fit.k, "tests": tests, "filled": trim_and_fill(fit)})


def _funnel(context: Context) -> Sequence[Block]:
    found = _parts(context, "small-study-effects")
    tests = tuple(found["tests"].values())
    return small_studies.small_studies(_fit(context), tests=tests, filled=found["filled"])


def _specifications(context: Context) -> Parts:
    fit = _fit(context)
    if fit.k < 2:
        return Parts({"found": None})
    chosen = {name: context.options[name] for name in ("methods", "tests") if context.options[name]}
    found = specifications(fit, studies=context.studies, overrides=context.overrides, **chosen)
    return Parts({"found": found})


def _specification_section(context: Context) -> Sequence[Block]:
    return specification_section.specifications(_parts(context, "specifications")["found"])


def _burden(context: Context) -> Parts:
    options = context.options
    found = burden(_fit(context), p1=_prevalence(options["p1"]), p2=_prevalence(options["p2"]))
    size = options["population"]
    of = people(found, size=_round_number(found))
    extra = (of.extra.estimate, *of.extra.ci)
    return Parts(
        {
            "conditions": (options["condition1"], options["condition2"]),
            "sources": (options["source1"], options["source2"]),
            "percent": tuple(tuple(100 * part for part in p) for p in (found.p1, found.p2)),
            "people": of,
            "people_a_mark": of.size / PEOPLE,
            "more_or_fewer": tuple(abs(number) for number in extra),
            "population": None if size is None else people(found, size=size),
        }
    )


def _prevalence(given: tuple[float, ...]) -> Any:
    return given[0] if len(given) == 1 else given


def _round_number(found: Burden) -> float:
    """Return a thousand people, or ten times more until one is expected to have both."""
    least = min(found.expected.estimate, found.both.estimate)
    return min(_MOST_PEOPLE, 10.0 ** max(3, math.ceil(-math.log10(least) - 1e-9)))


def _burden_section(context: Context) -> Sequence[Block]:
    found = _parts(context, "burden")
    return burden_section.burden(
        found["people"],
        conditions=found["conditions"],
        sources=found["sources"],
        population=found["population"],
    )


def _without_overrides(context: Context) -> Parts:
    """Refit without each decision, and count the studies that are not pooled."""
    fit = _fit(context)
    found = without_overrides(fit, studies=context.studies, overrides=context.overrides)
    left_out = deviations.not_pooled(fit, context.studies)
    return Parts({"without": found, "not_pooled": left_out, "studies": len(left_out)})


def _deviations(context: Context) -> Sequence[Block]:
    found = _parts(context, "overrides")
    return deviations.deviations(
        _fit(context),
        found["without"],
        left_out=found["not_pooled"],
        studies=context.studies,
        overrides=context.overrides,
        declared=[(deviation.what, deviation.why) for deviation in context.deviations],
    )


ANALYSES = (
    Analysis(
        "subgroups",
        "Subgroups",
        _subgroups,
        options=(Option("by", "names", "columns of the study table to compare by", required=True),),
    ),
    Analysis(
        "meta-regression",
        "Meta-regression",
        _meta_regression,
        options=(Option("formula", "text", 'moderators, such as "~ year"', required=True),),
        methods=(
            "A mixed-effects meta-regression relates the effects to what is known of the studies ",
            Cite("berkey1995", "knapp2003"),
            ".",
        ),
    ),
    Analysis(
        "small-study-effects",
        "Small-study effects",
        _small_studies,
        needs=("pool",),
        methods=(
            "From ten studies on ",
            Cite("sterne2011"),
            ", effects are tested for asymmetry: odds ratios computed from counts by Harbord's "
            "and Peters' tests ",
            Cite("harbord2006", "peters2006"),
            ", others by Egger's ",
            Cite("egger1997"),
            "; trim-and-fill ",
            Cite("duval2000a"),
            " shows what missing studies of one kind could do.",
        ),
    ),
    Analysis(
        "specifications",
        "Specifications",
        _specifications,
        needs=("pool",),
        options=(
            Option("methods", "names", "estimators of tau2 to combine"),
            Option("tests", "names", "tests to combine: z, t, knha, adhoc"),
        ),
        methods=(
            "The pool is repeated under every combination of estimator, interval, source of the "
            "effects and rows ",
            Cite("simonsohn2020"),
            "; a source in which the audit finds an error is not taken.",
        ),
    ),
    Analysis(
        "burden",
        "Burden",
        _burden,
        needs=("pool",),
        options=(
            Option("condition1", "text", "name of the first condition", required=True),
            Option("p1", "numbers", "its prevalence, alone or with low and high", required=True),
            Option("source1", "text", "who says so", required=True),
            Option("condition2", "text", "name of the second condition", required=True),
            Option("p2", "numbers", "its prevalence, alone or with low and high", required=True),
            Option("source2", "text", "who says so", required=True),
            Option("population", "number", "number of people to speak of"),
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
        methods="The pool is repeated without each decision about a single estimate.",
    ),
)
"""Analyses beyond the main pool."""

SECTIONS = (
    Section("subgroups", "Subgroups", _subgroup_section, needs=("subgroups",)),
    Section("meta-regression", "Meta-regression", _regression_section, needs=("meta-regression",)),
    Section("funnel", "Small-study effects", _funnel, needs=("pool", "small-study-effects")),
    Section(
        "specifications",
        "Sensitivity to choices",
        _specification_section,
        needs=("specifications",),
    ),
    Section("burden", "What it means in people", _burden_section, needs=("burden",)),
    Section("deviations", "Deviations and decisions", _deviations, needs=("pool", "overrides")),
)
"""Sections beyond the main pool."""
