"""How fits print: the layout that users of R know, one function a result."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from comorbid.models.notices import Notice, notices

if TYPE_CHECKING:
    from comorbid.models.fit import Fit
    from comorbid.models.fitted import Fitted

TEST_NAMES = {"z": "z", "t": "t", "knha": "Knapp-Hartung", "adhoc": "Knapp-Hartung, ad hoc"}


def as_html(text: str) -> str:
    """Return preformatted text as an HTML fragment."""
    return f"<pre>{html.escape(text)}</pre>"


def number(value: float, digits: int = 4) -> str:
    """Format with fixed decimals; what does not exist is a dash."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def share(value: float) -> str:
    """Format a percentage with two decimals; what does not exist is a dash alone."""
    return "-" if math.isnan(value) else f"{value:.2f}%"


def p_value(value: float) -> str:
    """Format a p-value as R does: four decimals, or ``<.0001``."""
    if math.isnan(value):
        return "-"
    return "<.0001" if value < 0.0001 else f"{value:.4f}"


def pair(values: tuple[float, float], digits: int = 4) -> str:
    """Format an interval."""
    return f"{number(values[0], digits)} to {number(values[1], digits)}"


def reason_notes(labels: Sequence[str], reasons: Sequence[str]) -> list[str]:
    """Return a line for each row that is incomplete."""
    pairs = zip(labels, reasons, strict=True)
    return [f"Note: {label}: {reason}" for label, reason in pairs if reason]


def fit_summary(fit: Fit) -> str:
    """Return the text of a fit."""
    equal = fit.method == "EE"
    model = "Equal-effects model" if equal else "Random-effects model"
    percent = f"{100 * fit.level:g}%"
    lines = [f"{model} (k = {fit.k}{how(fit)}; test: {TEST_NAMES[fit.test]})", ""]
    lines += [
        *heterogeneity(fit),
        f"Q(df = {fit.k - 1}) = {number(fit.q)}, p {p_value(fit.q_p)}",
        "",
    ]
    lines += [likelihood(fit), ""] if fit.k > 1 else []
    lines += ["Model results (analysis scale):"]
    rows = {
        "estimate": number(fit.estimate),
        "se": number(fit.se),
        "statistic": number(fit.statistic),
        "df": "inf" if math.isinf(fit.df) else f"{fit.df:g}",
        "p": p_value(fit.p_value),
        f"{percent} CI": pair(fit.ci),
        f"{percent} PI": pair(fit.pi),
    }
    lines += [f"  {name:<10}{value}" for name, value in rows.items()]
    if fit.effects.scale != "identity":
        scaled = fit.on_scale()
        lines += [
            "",
            f"As {scaled.measure}: {number(scaled.estimate, 2)} ({percent} CI {pair(scaled.ci, 2)};"
            f" {percent} PI {pair(scaled.pi, 2)})",
        ]
    limits = [notice for notice in notices(fit) if notice.about != "asymmetry"]
    lines += [line for notice in limits for line in _side_by_side(notice)]
    lines += [f"Note: {note}" for note in (*limits, *fit.warnings)]
    return "\n".join(lines)


def how(fit: Fitted) -> str:
    """Say where tau2 and the weights come from."""
    tau2 = f"; tau^2 estimator: {fit.method}"
    if fit.estimator.fixed is not None:
        tau2 = "; tau^2 fixed by the analyst"
    weights = "" if fit.user_weights is None else "; weights of the analyst"
    return f"{'' if fit.method == 'EE' else tau2}{weights}"


def heterogeneity(fit: Fitted, what: str = "") -> list[str]:
    """Say what tau2, I2 and H2 are; ``what`` stands before them."""
    lines = []
    equal = fit.method == "EE"
    if not equal:
        tau = math.sqrt(fit.tau2) if fit.tau2 >= 0 else math.nan
        se = "" if math.isnan(fit.se_tau2) else f" (SE {number(fit.se_tau2)})"
        lines.append(f"{what}tau^2 {number(fit.tau2)}{se}   tau {number(tau)}")
    basis = "from Q" if equal else "from tau^2"
    return [*lines, f"{what}I^2 {share(fit.i2)} ({basis})   H^2 {number(fit.h2, 2)}"]


def likelihood(fit: Fitted) -> str:
    """Say how well the model fits."""
    values = fit.fit_statistics
    name = "restricted log-likelihood" if fit.method == "REML" else "log-likelihood"
    criteria = {"AIC": values.aic, "BIC": values.bic, "AICc": values.aicc}
    listed = "   ".join(f"{key} {number(value)}" for key, value in criteria.items())
    return f"{name} {number(values.log_likelihood)}   {listed}"


def _side_by_side(notice: Notice) -> list[str]:
    """With two or three studies, the three intervals beside each other."""
    if notice.id != "few-studies":
        return []
    lines = ["", "Confidence intervals side by side:"]
    for test, (low, high) in notice.on_scale().items():
        name = {"z": "classic (z)", "knha": "Knapp-Hartung", "adhoc": "ad hoc"}[test]
        lines.append(f"  {name:<15}{pair((low, high), 2)}")
    return lines
