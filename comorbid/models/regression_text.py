"""How meta-regressions print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comorbid.models.text import TEST_NAMES, number, p_value

if TYPE_CHECKING:
    from comorbid.models.regression_result import Regression


def regression_summary(regression: Regression) -> str:
    """Return the text of a meta-regression."""
    equal = regression.method == "EE"
    model = "Equal-effects meta-regression" if equal else "Mixed-effects meta-regression"
    how = "" if equal else f"; tau^2 estimator: {regression.method}"
    head = f"{model} (k = {regression.k}{how}; test: {TEST_NAMES[regression.test]})"
    table = regression.to_frame().to_string(
        float_format=number, formatters={"p_value": p_value}, na_rep="-", index_names=False
    )
    return "\n".join(
        [
            head,
            f"formula: {regression.formula}",
            "",
            *_heterogeneity(regression, equal),
            "",
            "Coefficients (analysis scale):",
            table,
            *(f"Note: {warning}" for warning in regression.warnings),
        ]
    )


def _heterogeneity(regression: Regression, equal: bool) -> list[str]:
    lines = []
    if not equal:
        tau = math.sqrt(regression.tau2) if regression.tau2 >= 0 else math.nan
        error = "" if math.isnan(regression.se_tau2) else f" (se {number(regression.se_tau2)})"
        lines.append(f"residual tau^2 {number(regression.tau2)}{error}   tau {number(tau)}")
    basis = "from QE" if equal else "from tau^2"
    lines.append(
        f"residual I^2 {number(regression.i2, 2)}% ({basis})   H^2 {number(regression.h2, 2)}"
    )
    if not math.isnan(regression.r2):
        lines.append(f"R^2 {number(regression.r2, 2)}%")
    freedom = regression.k - regression.p
    lines.append(f"QE(df = {freedom}) = {number(regression.qe)}, p {p_value(regression.qe_p)}")
    if regression.design.intercept_only:
        return lines
    if math.isinf(regression.df):
        name = f"QM(df = {regression.qm_df})"
    else:
        name = f"F(df1 = {regression.qm_df}, df2 = {regression.df:g})"
    lines.append(
        f"Test of moderators: {name} = {number(regression.qm)}, p {p_value(regression.qm_p)}"
    )
    return lines
