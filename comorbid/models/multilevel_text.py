"""How multilevel and multivariate fits print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comorbid.models.text import number, p_value, pair, share

if TYPE_CHECKING:
    from comorbid.models.multilevel_result import Multilevel


def multilevel_summary(fit: Multilevel) -> str:
    """Return the text of a fit."""
    kind = "Multivariate" if any(c.symbol == "tau2" for c in fit.components) else "Multilevel"
    what = "model" if fit.design.intercept_only else "meta-regression"
    how = f"k = {fit.k}; method: {fit.method}; test: {_test(fit)}"
    columns = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
    used = [name for name in columns if name != "df" or fit.test == "t"]
    table = fit.to_frame()[used].to_string(
        float_format=number, formatters={"p_value": p_value}, na_rep="-", index_names=False
    )
    return "\n".join(
        [
            f"{kind} {what} ({how})",
            f"formula: {fit.formula}   random: {', '.join(fit.random)}{_struct(fit)}",
            "",
            "Variance components (analysis scale):",
            *_components(fit),
            *_shares(fit),
            "",
            f"QE(df = {fit.k - fit.p}) = {number(fit.qe)}, p {p_value(fit.qe_p)}",
            *_moderators(fit),
            _likelihood(fit),
            fit.search.summary(),
            "",
            "Coefficients (analysis scale):",
            table,
            *_scaled(fit),
            *(f"Note: {warning}" for warning in fit.warnings),
        ]
    )


def _test(fit: Multilevel) -> str:
    if fit.test == "z":
        return "z"
    return "t, residual df" if fit.dfs == "residual" else "t, containment df"


def _struct(fit: Multilevel) -> str:
    return f"   struct: {', '.join(fit.struct)}" if fit.struct else ""


def _components(fit: Multilevel) -> list[str]:
    width = max(len(component.name) for component in fit.components) + 2
    lines = [f"  {'':<{width}}{'estimate':>10}{'sqrt':>10}{'groups':>8}"]
    for component in fit.components:
        root = "-" if component.kind == "correlation" else number(math.sqrt(component.value))
        value = number(component.value)
        lines.append(f"  {component.name:<{width}}{value:>10}{root:>10}{component.groups:>8}")
    return lines


def _shares(fit: Multilevel) -> list[str]:
    found = fit.heterogeneity
    named = list(zip(found.names, found.i2.tolist(), strict=True))
    listed = "   ".join(f"{name} {share(value)}" for name, value in named)
    total = "" if math.isnan(found.total) else f"   in all {share(found.total)}"
    none = ", ".join(name for name, value in named if math.isnan(value))
    why = f"   ({none}: none, as the coefficients fit each of its effects)" if none else ""
    return [f"I^2: {listed}{total}{why}"]


def _moderators(fit: Multilevel) -> list[str]:
    if fit.design.intercept_only:
        return []
    name = f"QM(df = {fit.qm_df})"
    if fit.test == "t":
        rest = min(fit.df[i] for i in fit.design.tested)
        name = f"F(df1 = {fit.qm_df}, df2 = {rest:g})"
    return [f"Test of moderators: {name} = {number(fit.qm)}, p {p_value(fit.qm_p)}"]


def _likelihood(fit: Multilevel) -> str:
    name = "restricted log-likelihood" if fit.method == "REML" else "log-likelihood"
    values = fit.fit_statistics
    criteria = {"AIC": values.aic, "BIC": values.bic, "AICc": values.aicc}
    listed = "   ".join(f"{key} {number(value)}" for key, value in criteria.items())
    return f"{name} {number(values.log_likelihood)}   {listed}"


def _scaled(fit: Multilevel) -> list[str]:
    percent = f"{100 * fit.level:g}%"
    if not fit.design.intercept_only:
        return []
    rows = fit.predict()
    if len(rows.labels) > 1:
        return []
    pi = (float(rows.pi_low[0]), float(rows.pi_high[0]))
    lines = [f"{percent} PI of a new effect: {pair(pi)}"]
    if fit.effects.scale != "identity":
        scaled = fit.on_scale()
        lines.append(
            f"As {scaled.measure}: {number(scaled.estimate, 2)} ({percent} CI {pair(scaled.ci, 2)};"
            f" {percent} PI {pair(scaled.pi, 2)})"
        )
    return lines
