"""Unmeasured: comorbid's own analysis and section of bias that no study measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from comorbid.bias.e_values import e_value
from comorbid.bias.s_values import s_value
from comorbid.contributions import Absent, Analysis, Context, Section
from comorbid.document.blocks import Block
from comorbid.document.runs import Cite
from comorbid.document.sections import unmeasured as section
from comorbid.effects.measures import null_of
from comorbid.effects.scales import SCALES
from comorbid.models.fit import Fit
from comorbid.models.risk_ratios import READ_AS_RATIOS
from comorbid.options import Option
from comorbid.parts import Parts, fit_of, options_of, parts_of
from comorbid.sensitivity.confounding import FEW, confounded_meta
from comorbid.sensitivity.tipping import tipping_point, tipping_studies

_ID = "unmeasured-bias"
# Studies up to which each is moved until the interval includes the null.
_MOST_MOVED = 50


def _unmeasured(context: Context) -> Parts | Absent:
    fit, options = fit_of(context), context.options
    if math.isnan(null_of(fit.effects.measure)):
        return Absent("This measure has no value of no association that bias could bring it to.")
    risks = options["baseline_risk"]
    reading: dict[str, Any] = {"outcome": options["outcome"], "baseline_risk": risks}
    read = fit.effects.measure in READ_AS_RATIOS or risks is not None
    vary = read and fit.k >= FEW and fit.tau2 > 0 and fit.method != "EE"
    model: Literal["robust", "fixed"] = "fixed" if fit.method == "EE" else "robust"
    several = fit.k > 1
    with options_of(_ID):
        found = e_value(fit, **reading) if read else None
        effects = confounded_meta(fit, **reading, **_asked(fit, options)) if vary else None
    return Parts(
        {
            "e_value": found,
            "true_effects": effects,
            "s_value": s_value(fit, model=model) if several else None,
            "tipping": tipping_point(fit) if several else None,
            "studies": tipping_studies(fit) if 1 < fit.k <= _MOST_MOVED else None,
        }
    )


def _asked(fit: Fit, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of the true effects, the threshold on the analysis scale."""
    q = options["q"]
    return {
        "q": None if q is None else float(SCALES[fit.effects.scale].forward(q)),
        "r": options["r"],
    }


def _section(context: Context) -> Sequence[Block]:
    return section.unmeasured(
        fit_of(context),
        section.Unmeasured(**parts_of(context, _ID)),
        conditions=context.studies.conditions,
    )


ANALYSES = (
    Analysis(
        _ID,
        "Bias that no study measured",
        _unmeasured,
        needs=("pool",),
        options=(
            Option(
                "outcome",
                "text",
                "of odds and hazard ratios: common, or rare",
                default="common",
            ),
            Option("baseline_risk", "number", "risk without the exposure, of risk differences"),
            Option("q", "number", "effect that matters, such as an odds ratio of 1.2"),
            Option("r", "number", "share of true effects beyond it to be left", default=0.1),
        ),
        methods=(
            "How strong confounding that no study adjusted for would have to be is given by "
            "E-values ",
            Cite("vanderweele2017"),
            " and, with ten studies or more, by the share of true effects that it would leave ",
            Cite("mathur2020a"),
            "; a preference for small p-values by S-values ",
            Cite("mathur2020b"),
            "; and missing null studies by pooling again with such studies added.",
        ),
    ),
)
"""The analysis of what no study measured."""

SECTIONS = (
    Section(
        _ID,
        "Bias that no study measured",
        _section,
        needs=("pool", _ID),
        constants=("fewer than 4 degrees",),
    ),
)
"""The section on it."""
