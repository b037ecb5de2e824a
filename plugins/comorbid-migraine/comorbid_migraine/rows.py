"""Rows about migraine, and the other rows of the studies that have one."""

from __future__ import annotations

import comorbid as cb

EPISODIC, CHRONIC = "episodic migraine", "chronic migraine"
MIGRAINE = ("migraine", EPISODIC, CHRONIC)


def within_studies(context: cb.Context) -> cb.Effects:
    """Return every row of the studies that have a row about migraine and another one.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Effects
        Without a row where no study has both. Rows of one study rest on the same people and are
        not to be pooled.

    Raises
    ------
    DataError
        If there is no column ``headache``.
    """
    frame = context.studies.frame
    if "headache" not in frame:
        raise cb.DataError("no column headache; add it, with migraine on its rows")
    about = frame["headache"].isin(MIGRAINE)
    with_both = [
        study
        for study, own in about.groupby(frame["study_id"], sort=False)
        if own.any() and not own.all()
    ]
    if not with_both:
        return context.effects.take([])
    table = context.studies.select({"study_id": with_both})
    ids = set(table.frame["estimate_id"])
    return cb.effects(
        table,
        measure=context.settings.measure,
        rows="all",
        overrides=[decision for decision in context.overrides if decision.estimate in ids],
    )
