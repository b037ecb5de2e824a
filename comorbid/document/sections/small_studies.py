"""Whether small studies find other effects than large ones, as far as their number allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comorbid.bias.asymmetry_result import Asymmetry
from comorbid.bias.trim_and_fill import TrimAndFill
from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Note, Paragraph
from comorbid.document.figures import words
from comorbid.document.runs import Cite
from comorbid.document.sections.notices import notes
from comorbid.models.fit import Fit
from comorbid.models.notices import LITTLE_POWER

TESTS = {
    "egger": ("Egger's test", "their standard errors", "egger1997"),
    "harbord": ("Harbord's test", "the information in their counts", "harbord2006"),
    "peters": ("Peters' test", "the inverse of their size", "peters2006"),
}
"""Of each test its name, what the effects are set against, and who proposed it."""
_RATIOS = ("OR", "PETO", "RR")
_CAVEAT = (
    "Log {0}s and their standard errors are correlated even where no study is missing, so that "
    "Egger's test may find asymmetry too often "
)


def small_studies(
    fit: Fit, *, tests: Sequence[Asymmetry], filled: TrimAndFill | None, lacking: Mapping[str, str]
) -> tuple[Block, ...]:
    """Return funnel plot, tests and refit where there are enough studies, or why there are none.

    ``lacking`` says of what cannot be computed why.
    """
    if fit.k < LITTLE_POWER:
        return notes(fit, about=("asymmetry",))
    added = filled if filled and filled.k0 else None
    blocks: list[Block] = [figures.funnel(fit, title="", filled=added)]
    blocks += [Paragraph((tested(test), " ", Cite(TESTS[test.test][2]), ".")) for test in tests]
    if any(test.test == "egger" for test in tests) and fit.effects.measure in _RATIOS:
        odds = fit.effects.measure != "RR"
        reason = "need the counts of every study" if odds else "are made for odds ratios"
        caveat = _CAVEAT.format(prose.measure_name(fit.effects.measure))
        more = f". The tests that avoid this {reason}."
        blocks.append(Note((caveat, Cite("sterne2011"), more), kind="information"))
    if filled is not None:
        blocks.append(Paragraph((filling(filled), " ", Cite("duval2000a"), ".")))
    blocks += [
        Paragraph(f"{words.capitalized(what)} cannot be computed: {why}.")
        for what, why in lacking.items()
    ]
    return (
        *blocks,
        Note(
            (
                "Asymmetry has several possible reasons: studies that are missing, small studies "
                "of other people or of poorer quality, or chance. A test cannot tell them apart, "
                "and a large p-value does not show that no study is missing ",
                Cite("sterne2011"),
                ".",
            ),
            kind="information",
        ),
    )


def tested(test: Asymmetry) -> str:
    """Say what a test for asymmetry gives, without a full stop.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.5, 0.3, 0.25], vi=[0.30, 0.20, 0.08, 0.03, 0.01])
    >>> print(tested(cb.asymmetry(cb.pool(effects))))
    Egger's test of 5 effects against their standard errors: slope 1.35 (standard error 0.13),
    t = 10.45 on 3 degrees of freedom, p = 0.002
    """
    name, against, _ = TESTS[test.test]
    degrees = prose.counted(int(test.df), "degree", "degrees")
    slope, se = (prose.value(x, "identity") for x in (test.slope, test.slope_se))
    return (
        f"{name} of {test.k} effects against {against}: slope {slope} (standard error {se}), "
        f"t = {prose.value(test.statistic, 'identity')} on {degrees} of freedom, "
        f"{prose.p_value(test.p_value)}"
    )


def filling(found: TrimAndFill) -> str:
    """Say what trim-and-fill adds and what the average becomes, without a full stop.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.15, 0.2, 0.4, 0.6, 0.7, 0.9], measure="OR",
    ...                      vi=[0.01, 0.01, 0.02, 0.05, 0.09, 0.12, 0.2])
    >>> print(filling(cb.trim_and_fill(cb.pool(effects))))
    Trim-and-fill (estimator L0) adds 3 studies on the left; with them the average would be an odds
    ratio of 1.17 (95 % confidence interval 0.99 to 1.39) in place of 1.23 (1.04 to 1.45). Studies
    so added are not data: this shows what missing studies of one kind could do, and is no better
    estimate
    """
    start = f"Trim-and-fill (estimator {found.estimator})"
    if not found.k0:
        return f"{start} finds no study to add on the {found.side}"
    scale = found.original.effects.scale
    before, after = found.original.on_scale(), found.fit.on_scale()
    name = words.with_article(words.measure(found.original.effects.measure))
    return (
        f"{start} adds {prose.counted(found.k0, 'study', 'studies')} on the {found.side}; "
        f"with {'it' if found.k0 == 1 else 'them'} the average would be {name} of "
        f"{prose.value(after.estimate, scale)} ({prose.level(found.fit.level)} confidence interval "
        f"{prose.interval(after.ci, scale)}) in place of {prose.value(before.estimate, scale)} "
        f"({prose.interval(before.ci, scale)}). Studies so added are not data: this shows what "
        "missing studies of one kind could do, and is no better estimate"
    )
