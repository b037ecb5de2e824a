"""Whether the effect differs between kinds of studies: one test and figure a column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Heading, Note, Paragraph
from comorbid.document.figures import words
from comorbid.subgroups import Subgroups

_SMALL = 5
_CAUTION = (
    "The studies were not allotted to these subgroups: studies that differ in one respect differ "
    "in others, and any of them may be the reason for a difference."
)
_PLANNED = {
    "prespecified": "The comparison was decided on before the data were seen.",
    "exploratory": "The comparison was not prespecified and is exploratory.",
    "": "Whether the comparison was prespecified is not declared.",
}
_NONE_FOUND = " That no difference is found does not show that there is none."


def subgroups(
    results: Sequence[Subgroups], *, compared: int, decided: Mapping[str, str]
) -> tuple[Block, ...]:
    """Return, for each column that studies are compared by, sentence and figure.

    ``compared`` counts the columns that have a test between subgroups, ``decided`` says of a column
    whether it is prespecified or exploratory, as far as the report declares it.
    """
    blocks: list[Block] = []
    for result in results:
        if len(results) > 1:
            blocks.append(Heading(f"By {_by(result)}"))
        blocks.append(Paragraph(f"{between(result)} {_PLANNED[decided.get(result.by, '')]}"))
        if len(result.refits.labels) > 1:
            blocks.append(figures.forest(result, title=""))
        blocks += [Note(text, kind="information") for text in result.warnings]
    if compared:
        found = all(_differs(result) for result in results if not math.isnan(result.q_between))
        text = f"{_CAUTION}{'' if found else _NONE_FOUND}{_several(compared)}"
        blocks.append(Note(text, title="A comparison between studies"))
    return tuple(blocks)


def between(result: Subgroups) -> str:
    """Say whether the effect differs between subgroups, and what their size allows one to say.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.6, 1.4], vi=[0.03, 0.08, 0.05],
    ...                      moderators={"sex": ["f", "f", "m"]})
    >>> print(between(cb.subgroups(effects, by="sex", test="z")))
    The averages by sex differ by more than their standard errors explain (test between subgroups: Q
    = 10.61 on 1 degree of freedom, p = 0.001), but the smallest subgroup has 1 study, and what the
    difference is due to cannot be told. Not pooled, with 1 study: m; what it found is part of the
    test.
    """
    name, labels = _by(result), result.refits.labels
    effect = words.measure(result.refits.measure)
    if len(labels) == 1:
        studies = "The one study" if result.fit.k == 1 else f"Each of the {result.fit.k} studies"
        return f"{studies} has {name} {labels[0]}: there is nothing to compare."
    sizes = result.refits.batch.k.tolist()
    singles = [label for label, k in zip(labels, sizes, strict=True) if k == 1]
    alone = ""
    if singles:
        each = " each" if len(singles) > 1 else ""
        alone = f" Not pooled, with 1 study{each}: {prose.listed(singles)}"
    if math.isnan(result.q_between):
        stop = "." if alone else ""
        return f"Fewer than two subgroups by {name} have a standard error: no test.{alone}{stop}"
    if alone:
        alone += f"; what {'they' if len(singles) > 1 else 'it'} found is part of the test."
    test = (
        f"test between subgroups: Q = {result.q_between:.2f} on "
        f"{prose.counted(result.q_between_df, 'degree', 'degrees')} of freedom, "
        f"{prose.p_value(result.q_between_p)}"
    )
    few = prose.counted(int(min(sizes)), "study", "studies")
    if min(sizes) < _SMALL and _differs(result):
        return (
            f"The averages by {name} differ by more than their standard errors explain ({test}), "
            f"but the smallest subgroup has {few}, and what the difference is due to cannot be "
            f"told.{alone}"
        )
    if min(sizes) < _SMALL:
        return (
            f"With {few} in the smallest subgroup these data cannot tell whether the {effect} "
            f"differs by {name} ({test}).{alone}"
        )
    return f"Whether the {effect} differs by {name}: {test}."


def _differs(result: Subgroups) -> bool:
    """Say whether the averages differ by more than their standard errors explain."""
    return result.q_between_p < 1 - result.refits.level


def _by(result: Subgroups) -> str:
    return result.by.replace("_", " ")


def _several(compared: int) -> str:
    if compared == 1:
        return ""
    return (
        f" In all, {compared} comparisons are made, and no p-value is corrected for their number."
    )
