"""Where every number comes from, and how to make it again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from comorbid.document import prose
from comorbid.document.blocks import Block, Inline, Note, Paragraph, Table
from comorbid.document.runs import Cite
from comorbid.engines import SecondEngine

_NAMES = {
    "estimate": "the average",
    "se": "the standard error",
    "ci_low": "the lower end of the confidence interval",
    "ci_high": "the upper end of the confidence interval",
    "pi_low": "the lower end of the prediction interval",
    "pi_high": "the upper end of the prediction interval",
    "tau2": "tau²",
    "i2": "I²",
    "q": "Q",
    "q_p": "the p-value of Q",
}


def provenance(
    *,
    inputs: Mapping[str, str],
    software: Mapping[str, str],
    plugins: Sequence[str],
    second: SecondEngine | None = None,
) -> tuple[Block, ...]:
    """Return the tables of inputs, plugins and software, and how to check the report.

    ``second`` is how far the fits are from those of another program.
    """
    return (
        Paragraph(
            "Every number in this report is computed from the tables and the definition, or stands "
            "in them; what is computed is stored in full precision in the file results.json. "
            "“comorbid verify” computes it again and compares."
        ),
        *(() if second is None else (second_engine(second),)),
        Table(
            header=("File", "SHA-256"),
            rows=tuple(sorted(inputs.items())),
            caption="Inputs",
        ),
        Table(
            header=("Software", "Version"),
            rows=tuple(sorted({**software, **dict(p.split("@", 1) for p in plugins)}.items())),
            caption="Software and plugins that the locked numbers were computed with",
        ),
    )


def second_engine(found: SecondEngine) -> Block:
    """Say what R's metafor makes of the fits, unless it was asked about others."""
    asked: Inline = f"R's metafor {found.metafor} (R {found.r}) "
    if found.outdated:
        return Note(_outdated(found), kind="caution", title="A comparison that no longer holds")
    if not found.fits:
        why = f" ({_reasons(found)})" if found.left_out else ""
        return Paragraph(f"{asked}made no fit of this report again{why}.")
    quantity = max(found.largest, key=lambda name: found.largest[name][0])
    difference, fit = found.largest[quantity]
    largest = (
        f"one of the two gives no value for {_NAMES[quantity]} ({fit})"
        if math.isinf(difference)
        else f"the largest relative difference is {prose.small(difference)}, of {_NAMES[quantity]} "
        f"({fit})"
    )
    made = prose.counted(found.fits, "fit", "fits")
    text = (
        asked,
        Cite("viechtbauer2010"),
        f" made {made} of this report again, from the same effects with the same settings: "
        f"{largest}. Compared are average, standard error, both intervals, tau², I², Q and its "
        f"p-value. {_left_out(found)}",
    )
    if found.agrees:
        return Paragraph(text)
    return Note(text, kind="caution", title="Two programs differ by more than 10⁻⁶")


def _outdated(found: SecondEngine) -> str:
    number = prose.counted(len(found.outdated), "fit is", "fits are")
    return (
        f"R's metafor {found.metafor} was asked about an earlier state of this report: since then "
        f"{number} new, gone, or of other effects, settings or values. What it gave then is not "
        "printed; “comorbid build --second-engine” asks it again."
    )


def _left_out(found: SecondEngine) -> str:
    """Say which fits were not made again, and that nothing else was."""
    others = "No other kind of result, such as a regression, was made again."
    if not found.left_out:
        return others
    were = prose.counted(len(found.left_out), "further fit was not", "further fits were not")
    return f"{were} ({_reasons(found)}). {others}"


def _reasons(found: SecondEngine) -> str:
    several = len(found.reasons) > 1
    return "; ".join(f"{why}: {n}" if several else why for why, n in found.reasons.items())
