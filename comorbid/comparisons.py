"""Comparisons: comorbid's own analyses and sections of what differs between the studies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from comorbid.bias.trim_and_fill import trim_and_fill
from comorbid.contributions import Analysis, Context, Section
from comorbid.document.blocks import Block
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    regression,
    small_studies,
    subgroups as subgroup_section,
)
from comorbid.effects.scales import SCALES
from comorbid.errors import DataError, ModelError, Problem
from comorbid.findings import asymmetry_tests
from comorbid.models.fit import pool
from comorbid.models.formula import make_design, usable_rows
from comorbid.models.notices import LITTLE_POWER
from comorbid.models.regression import regress
from comorbid.models.regression_result import Regression
from comorbid.options import Option
from comorbid.parts import Parts, fit_of, options_of, parts_of, settings_of
from comorbid.subgroups import subgroups

_DECIDED = ("prespecified", "exploratory")


def _subgroups(context: Context) -> Parts:
    by = context.options["by"]
    problems = list(_subgroup_problems(context))
    if problems:
        with options_of("subgroups"):
            raise DataError(problems)
    found = {name: subgroups(context.effects, by=name, **settings_of(context)) for name in by}
    compared = sum(not math.isnan(result.q_between) for result in found.values())
    sizes = {
        name: {"subgroups": result.refits.batch.k.size, "studies": int(result.refits.batch.k.min())}
        for name, result in found.items()
    }
    decided = {name: list(context.options[name] or ()) for name in _DECIDED}
    return Parts({"by": found, "sizes": sizes, "compared": compared, "decided": decided})


def _subgroup_problems(context: Context) -> Iterator[Problem]:
    """Say which columns do not exist, and which are not said clearly to be decided on when."""
    by, known = context.options["by"], context.effects.moderators
    for name in by:
        if name not in known:
            yield Problem(f"no column {name!r}", f"use one of {', '.join(known)}")
    before, after = (context.options[when] or () for when in _DECIDED)
    for name in dict.fromkeys((*before, *after)):
        if name not in by:
            yield Problem(f"{name!r} is not among by", f"use one of {', '.join(by)}")
        elif name in before and name in after:
            yield Problem(f"{name!r} is {' and '.join(_DECIDED)}", "name it in one of them")


def _subgroup_section(context: Context) -> Sequence[Block]:
    found = parts_of(context, "subgroups")
    decided = {name: when for when, names in found["decided"].items() for name in names}
    results = tuple(found["by"].values())
    return subgroup_section.subgroups(results, compared=found["compared"], decided=decided)


def _meta_regression(context: Context) -> Parts:
    """Fit the regression; that the studies are too few or too much alike for it is a result."""
    formula, effects = context.options["formula"], context.effects
    with options_of("meta-regression"):  # a formula that is wrong stops the build
        rows, _ = usable_rows(effects, formula)
        k, p = make_design(formula, effects.take(rows).to_frame()).x.shape
    fit, reason = None, ""
    if k < p or (k == p > 1 and context.settings.method.id != "EE"):
        reason = "it needs more studies than coefficients"
    else:
        try:
            fit = regress(effects, formula, **settings_of(context))
        except ModelError as error:
            reason = "; ".join(problem.message for problem in error.problems)
    found = {"formula": formula, "k": k, "coefficients": p, "qe_df": k - p, "reason": reason}
    found |= {"fit": fit, "source": regression.HANDBOOK}
    if fit is None:
        return Parts(found)
    without = pool(fit.effects, **settings_of(context)).tau2
    return Parts({**found, **_rows(fit), "ends": _ends(fit), "tau2_without": without})


def _rows(fit: Regression) -> dict[str, Any]:
    """Return the coefficients as rows, and of logarithms what each multiplies the average by."""
    named, ends = {"labels": list(fit.names)}, ("estimate", "ci_low", "ci_high")
    columns = {c: getattr(fit, c).tolist() for c in (*ends, "se", "p_value")}
    rows = {"coefficients": {**named, **columns}}
    if fit.effects.scale == "log":
        back = SCALES["log"].back
        rows["ratios"] = {**named, **{c: back(getattr(fit, c)).tolist() for c in ends}}
    return rows


def _ends(fit: Regression) -> object:
    """Return what is predicted at the ends of the one numeric moderator, which the plot names."""
    if not regression.one_number(fit):
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
    found = parts_of(context, "meta-regression")
    if found["fit"] is None:
        names = ("formula", "k", "coefficients", "reason")
        return regression.not_fitted(**{name: found[name] for name in names})
    return regression.regression(found["fit"], tau2_without=found["tau2_without"])


def _small_studies(context: Context) -> Parts:
    """Return the tests for asymmetry and the refit, of ten studies or more."""
    fit = fit_of(context)
    tests, lacking = asymmetry_tests(fit, studies=context.studies)
    if fit.k < LITTLE_POWER:
        return Parts({"tests": tests, "filled": None, "lacking": lacking})
    filled = None
    try:
        filled = trim_and_fill(fit)
    except ModelError as error:
        lacking["trim-and-fill"] = str(error)
    added = {"studies": filled.k0 if filled else 0}
    return Parts({"tests": tests, "filled": filled, "added": added, "lacking": lacking})


def _funnel(context: Context) -> Sequence[Block]:
    found = parts_of(context, "small-study-effects")
    tests = tuple(found["tests"].values())
    return small_studies.small_studies(
        fit_of(context), tests=tests, filled=found["filled"], lacking=found["lacking"]
    )


ANALYSES = (
    Analysis(
        "subgroups",
        "Subgroups",
        _subgroups,
        needs=("pool",),
        options=(
            Option("by", "names", "columns of the study table to compare by", required=True),
            Option("prespecified", "names", "those decided on before the data were seen"),
            Option("exploratory", "names", "those that were not"),
            Option("rationale", "text", "why they are compared"),
        ),
        methods=(
            "Each subgroup is pooled by itself, with its own tau², and the averages are compared "
            "by Cochran's Q ",
            Cite("borenstein2013"),
            ".",
        ),
    ),
    Analysis(
        "meta-regression",
        "Meta-regression",
        _meta_regression,
        needs=("pool",),
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
            ", effects are tested for asymmetry by the tests that suit their measure and data, "
            "which are named with their results; trim-and-fill ",
            Cite("duval2000a"),
            " shows what missing studies of one kind could do.",
        ),
    ),
)
"""Analyses of what differs between the studies."""

SECTIONS = (
    Section("subgroups", "Subgroups", _subgroup_section, needs=("subgroups",)),
    Section("meta-regression", "Meta-regression", _regression_section, needs=("meta-regression",)),
    Section("funnel", "Small-study effects", _funnel, needs=("pool", "small-study-effects")),
)
"""Sections on what differs between the studies."""
