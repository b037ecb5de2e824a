"""Conventions of a report: what of its definition depends on its effects."""

from __future__ import annotations

import math

from comorbid.effects.measures import null_of
from comorbid.effects.table import Effects
from comorbid.errors import Problem, ReportError
from comorbid.models.kernel import Test
from comorbid.report.definition import FILE, Definition
from comorbid.studies.table import Studies


def test_of(definition: Definition, effects: Effects) -> Test:
    """Return the test of the report: the preset's, where the definition has no other."""
    preset = definition.preset
    if preset is None or definition.test != preset.test:
        return definition.test
    return preset.test_for(effects, level=definition.level)


def sides_of(definition: Definition, effects: Effects) -> tuple[str, ...]:
    """Return what the sides of no effect mean; `ReportError` if the measure has no such value."""
    if definition.sides and math.isnan(null_of(effects.measure)):
        message = f"sides are given, and the measure {effects.measure} has no value of no effect"
        raise ReportError([Problem(message, "leave sides out", file=FILE)])
    return definition.sides


def check_uninformative(definition: Definition, studies: Studies, effects: Effects) -> None:
    """Raise `ReportError` if the preset leaves out studies that are among the effects.

    These are those without events in both groups, or with events only, for an odds or risk
    ratio. They are left out by a decision, which subgroups and other analyses then follow as well.
    """
    preset = definition.preset
    if preset is None or preset.drop00 == "no" or effects.measure not in ("OR", "RR"):
        return
    frame = studies.frame.set_index("estimate_id")
    pairs = zip(effects.ids, effects.source, strict=True)
    counts = frame.loc[[id_ for id_, source in pairs if source == "counts"]]
    none = (counts["ai"].eq(0) & counts["ci"].eq(0)) | (counts["bi"].eq(0) & counts["di"].eq(0))
    problems = [
        Problem(
            f"{id_} has no events in both groups, or events only, and {preset.id} leaves such a "
            "study out",
            f'exclude it: [[override]] with estimate = "{id_}", use = "exclude" and the reason',
            file=FILE,
        )
        for id_ in counts.index[none]
    ]
    if problems:
        raise ReportError(problems)
