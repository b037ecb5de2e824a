"""Judging: comorbid's own analyses and sections of risk of bias and certainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from comorbid.certainty import Certainty, certainty
from comorbid.contributions import Absent, Analysis, Context, Section
from comorbid.document.blocks import Block
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    certainty as certainty_section,
    findings as findings_section,
    risk_of_bias as bias_section,
)
from comorbid.grade import ALLOWED
from comorbid.models.spread import Spread
from comorbid.options import Option
from comorbid.parts import fit_of, options_of
from comorbid.risk_of_bias import RiskOfBias, risk_of_bias
from comorbid.studies.judgements import RISK_OF_BIAS, domains


def _risk_of_bias(context: Context) -> RiskOfBias | Absent:
    if not domains(map(str, context.studies.frame)):
        return Absent(
            "The study table has no judgements of risk of bias (columns whose names begin with "
            f"{RISK_OF_BIAS}), and none are made here: "
            "how far bias may have moved the results is not judged."
        )
    return risk_of_bias(context.studies, fit=fit_of(context))


def _risk_of_bias_section(context: Context) -> Sequence[Block]:
    return bias_section.risk_of_bias(cast(RiskOfBias, context.results["risk-of-bias"]))


def _certainty(context: Context) -> Certainty:
    options = context.options
    given = {name: options[name] for name in ALLOWED if options[name] is not None}
    start = given.pop("start", None)
    with options_of("certainty"):
        return certainty(
            fit_of(context),
            studies=context.studies,
            threshold=options["threshold"],
            start=start,
            judgements=given,
        )


def _certainty_section(context: Context) -> Sequence[Block]:
    spread = cast(Spread, context.results["heterogeneity"])
    found = cast(Certainty, context.results["certainty"])
    return certainty_section.certainty(fit_of(context), spread, found)


def _summary_of_findings(context: Context) -> Sequence[Block]:
    return findings_section.summary_of_findings(
        fit_of(context),
        cast(Spread, context.results["heterogeneity"]),
        cast(Certainty, context.results["certainty"]),
        conditions=context.studies.conditions,
    )


ANALYSES = (
    Analysis(
        "risk-of-bias",
        "Risk of bias",
        _risk_of_bias,
        needs=("pool",),
        methods=(
            "Judgements of the risk of bias of each study, where the study table has them, are "
            "shown as traffic lights and as a summary weighted by the pool ",
            Cite("mcguinness2021"),
            ".",
        ),
    ),
    Analysis(
        "certainty",
        "Certainty of the evidence",
        _certainty,
        needs=("pool",),
        options=(
            Option("threshold", "number", "smallest effect that matters, on the printed scale"),
            *(
                Option(name, "names", f"{' / '.join(ratings)}, and why: [rating, reason]")
                for name, ratings in ALLOWED.items()
            ),
        ),
        methods=(
            "For the domains of GRADE ",
            Cite("guyatt2011"),
            " facts are computed: how far the studies agree, how precise the average is, by the "
            "optimal information size ",
            Cite("guyatt2011b"),
            " too where counts and a threshold are given, and tests of small-study effects. "
            "Judgements are only made by the analyst, each with a reason.",
        ),
    ),
)
"""Analyses of judgements."""

SECTIONS = (
    Section("risk-of-bias", "Risk of bias", _risk_of_bias_section, needs=("risk-of-bias",)),
    Section(
        "summary-of-findings",
        "Summary of findings",
        _summary_of_findings,
        needs=("pool", "heterogeneity", "certainty"),
    ),
    Section(
        "certainty",
        "Certainty of the evidence",
        _certainty_section,
        needs=("pool", "heterogeneity", "certainty"),
        constants=("group 2",),
    ),
)
"""Sections of judgements."""
