"""What the figures of meta-regressions have in common: weights, and words on the model."""

from __future__ import annotations

import math

import numpy as np

from comorbid.document import prose
from comorbid.document.figures import words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.numbers import fixed, format_for, variance
from comorbid.effects.arrays import Array
from comorbid.models.regression_result import Regression


def weights(regression: Regression) -> Array:
    """Return the weight of each study, 1 / (vi + tau2), in per cent."""
    weight = 1 / (regression.effects.vi + float(np.nan_to_num(regression.tau2)))
    return np.asarray(100 * weight / weight.sum())


def model(regression: Regression) -> str:
    """Return how the regression was fitted and what it leaves, as a sentence."""
    equal = regression.method == "EE"
    name = "Equal-effects meta-regression" if equal else f"Meta-regression, {regression.method}"
    parts = [name, words.interval(regression.test)]
    if not equal:
        parts.append(f"τ² left {variance(regression.tau2)}")
    if not math.isnan(regression.r2):
        parts.append(f"R² {prose.percent(regression.r2, 1)}")
    return f"{'; '.join(parts)}."


def tests(regression: Regression) -> str:
    """Return the tests of the moderators and of what they leave, as sentences."""
    left = (
        f"Residual heterogeneity: QE = {fixed(regression.qe, 2)} on "
        f"{regression.k - regression.p} df, {prose.p_value(regression.qe_p)}."
    )
    if regression.design.intercept_only:
        return left
    value, df = fixed(regression.qm, 2), f"{regression.qm_df}"
    found = f"QM = {value} on {df} df"
    if not math.isinf(regression.df):
        found = f"F = {value} on {df} and {regression.df:g} df"
    return f"Test of the moderators: {found}, {prose.p_value(regression.qm_p)}. {left}"


def slope(regression: Regression, column: str) -> str:
    """Return what a unit of the one moderator does, as a sentence, if the line is straight."""
    if column not in regression.names or len(regression.names) > 2:
        return ""
    i = regression.names.index(column)
    low, high = float(regression.ci_low[i]), float(regression.ci_high[i])
    scale, measure = regression.effects.scale, regression.effects.measure
    known = scale if scale in ("log", "identity") else "identity"
    form = format_for(known, [(high - low) / 2])
    name = words.measure(measure) if known == scale else words.analysis(measure, scale)
    does = "is multiplied by" if known == "log" else "changes by"
    return (
        f"Per unit of {one_line(column)} the {name} {does} "
        f"{form.value(float(regression.estimate[i]))} ({prose.level(regression.level)} confidence "
        f"interval {form.interval(low, high)}; {prose.p_value(float(regression.p_value[i]))})."
    )
