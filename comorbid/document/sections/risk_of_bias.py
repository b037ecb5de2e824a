"""Risk of bias: how each study was judged, as far as the study table says."""

from __future__ import annotations

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Paragraph
from comorbid.document.figures.judgement_marks import name_of
from comorbid.risk_of_bias import RiskOfBias


def risk_of_bias(found: RiskOfBias) -> tuple[Block, ...]:
    """Return how the studies were judged overall, and the two plots."""
    return (
        Paragraph(f"The judgements are those of the study table. {overall(found)}"),
        figures.traffic_light(found, title=""),
        figures.risk_of_bias_summary(found, title=""),
    )


def overall(found: RiskOfBias) -> str:
    """Say how many studies were judged how as a whole."""
    if found.overall is None:
        return "They are by domain: it has no overall judgement of a study, and none is made here."
    parts = [
        f"{name_of(cell, found.words)} in {prose.counted(n, 'study', 'studies')}"
        for cell, n in found.counts()[-1].items()
    ]
    return f"Overall: {prose.listed(parts)}."
