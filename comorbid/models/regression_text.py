"""How meta-regressions print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comorbid.models.text import TEST_NAMES, heterogeneity, how, likelihood, number, p_value, share

if TYPE_CHECKING:
    from comorbid.models.regression_result import Regression


def regression_summary(regression: Regression) -> str:
    """Return the text of a meta-regression."""
    kind = "Equal" if regression.method == "EE" else "Mixed"
    test = TEST_NAMES[regression.test]
    table = regression.to_frame().to_string(
        float_format=number, formatters={"p_value": p_value}, na_rep="-", index_names=False
    )
    return "\n".join(
        [
            f"{kind}-effects meta-regression (k = {regression.k}{how(regression)}; test: {test})",
            f"formula: {regression.formula}",
            "",
            *heterogeneity(regression, "residual "),
            *_tests(regression),
            *([likelihood(regression)] if regression.k > regression.p else []),
            "",
            "Coefficients (analysis scale):",
            table,
            *(f"Note: {warning}" for warning in regression.warnings),
        ]
    )


def _tests(regression: Regression) -> list[str]:
    freedom = regression.k - regression.p
    lines = [f"QE(df = {freedom}) = {number(regression.qe)}, p {p_value(regression.qe_p)}"]
    if not math.isnan(regression.r2):
        lines.insert(0, f"R^2 {share(regression.r2)}")
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
