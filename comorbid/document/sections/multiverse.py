"""How far the result depends on choices: the pool under every combination of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Note, Paragraph, Table
from comorbid.document.runs import Cite
from comorbid.effects.scales import SCALES
from comorbid.sensitivity.open_choices import Choice, row_of
from comorbid.sensitivity.outcomes import Share, Spread
from comorbid.sensitivity.universes import ALL, Multiverse

_NOUNS = {
    "estimator": ("estimator of tau²", "estimators of tau²"),
    "interval": ("interval", "intervals"),
    "source": ("source of the effects", "sources of the effects"),
    "rows": ("selection of rows", "selections of rows"),
    "studies included": ("selection of studies", "selections of studies"),
}
_MOST_MOVING = 3


def multiverse(found: Multiverse) -> tuple[Block, ...]:
    """Return what the pool becomes under other choices: sentences, tables and figure."""
    shares = found.shares()
    return (
        Paragraph(f"{choices(found)} {counted_once(found)}".rstrip()),
        Paragraph(f"{ends(found)} {excluding(found)} {moving(shares)}".rstrip()),
        *_shares_table(shares),
        figures.specification_curve(found, title=""),
        _table(found),
        *(Note(f"{what}.", kind="information") for what in found.left_out),
        Note(
            (
                "All rest on the same studies and are no further evidence. Each counts the same, "
                "however plausible, and how many agree depends on which were thought of ",
                Cite("simonsohn2020"),
                ".",
            ),
            kind="information",
        ),
    )


def choices(found: Multiverse) -> str:
    """Say how many combinations of choices there are, and of which.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.14], vi=[0.03, 0.08, 0.02], measure="OR")
    >>> print(choices(cb.multiverse(effects, methods=["REML"])))
    There are 12 combinations of 3 intervals and 4 selections of studies.
    """
    parts = [
        _options(choice)
        for choice in found.choices
        if len(choice.options) > 1 and choice.name not in found.rules
    ]
    rules = [f"“{name}”" for name in found.rules]
    if rules:
        noun = "the inclusion rule" if len(rules) == 1 else "each of the inclusion rules"
        parts.append(f"{noun} {prose.listed(rules)} obeyed or not")
    if not parts:
        return "No choice is open: the studies were pooled in 1 way."
    return f"There are {found.combinations:,} combinations of {prose.listed(parts)}."


def _options(choice: Choice) -> str:
    rows = (choice.name, choice.name.replace("row", "rows", 1))
    return prose.counted(len(choice.options), *_NOUNS.get(choice.name, rows))


def counted_once(found: Multiverse) -> str:
    """Say how many combinations lead to the same numbers, and how many pool nothing."""
    spread, different = found.spread(), len(found)
    sentences = []
    if different < found.combinations:
        sentences.append(
            f"Those that lead to the same numbers, estimator and interval count once, which leaves "
            f"{different:,}."
        )
    few = different - spread.n
    if few:
        leave = "leaves" if few == 1 else "leave"
        left = prose.counted(spread.n, "way to pool remains", "ways to pool remain")
        sentences.append(
            f"Of these {few:,} {leave} fewer than two studies and {'is' if few == 1 else 'are'} "
            f"not counted below: {left}."
        )
    return " ".join(sentences)


def moving(shares: Sequence[Share]) -> str:
    """Say which choices the average and the ends of its interval depend on most.

    Examples
    --------
    >>> print(moving([Share("rows", 80.0, 50.0, 40.0, 80.0, 50.0, 40.0),
    ...               Share("source", 20.0, 50.0, 60.0, 0.0, 0.0, 0.0)]))
    Of the variance of the average, 80 % goes with the choice of rows and 20 % with that of the
    source.
    """
    known = [share for share in shares if not math.isnan(share.estimate)]
    most = sorted(known, key=lambda share: -share.estimate)[:_MOST_MOVING]
    parts = [
        f"{prose.percent(share.estimate)} {'with that of' if i else 'goes with the choice of'} "
        f"{_name(share.choice)}"
        for i, share in enumerate(most)
        if round(share.estimate) > 0
    ]
    return f"Of the variance of the average, {prose.listed(parts)}." if parts else ""


def _name(choice: str) -> str:
    if choice in _NOUNS or choice.startswith(row_of("")):
        return choice if choice == "rows" else f"the {choice}"
    return f"the rule “{choice}”"


def ends(found: Multiverse) -> str:
    """Say between which values the average lies."""
    spread, back = found.spread(), SCALES[found.scale].back
    low, high = (
        prose.value(float(back(end)), found.scale) for end in (spread.lowest, spread.highest)
    )
    own = prose.value(float(back(found.batch.estimate[found.main])), found.scale)
    if low == high:
        return f"The average is {low} in all of them."
    return f"The average ranges from {low} to {high}; this report's own is {own}."


def excluding(found: Multiverse) -> str:
    """Say in how many of them the intervals exclude no association."""
    spread = found.spread()
    if math.isnan(found.null):
        return "This measure has no null value for an interval to exclude."
    null = prose.null_value(found.measure, found.scale)
    confidence = _of(spread.ci_excludes, spread.n)
    if spread.ci_other_side:
        confidence += (
            f", of which {spread.ci_other_side:,} on the other side than this report's own"
        )
    text = f"The {prose.level(found.level)} confidence interval excludes {null} in {confidence}"
    if not spread.with_pi:
        return f"{text}; there is no prediction interval."
    return f"{text}, the prediction interval in {_of(spread.pi_excludes, spread.with_pi)}."


def _of(some: int, every: int) -> str:
    ways = prose.counted(every, "way", "ways")
    if some == every:
        return f"all {ways}" if every > 1 else f"the {ways}"
    if not some:
        return f"none of {ways}"
    return f"{some:,} of {ways} ({prose.percent(100 * some / every)})"


def _table(found: Multiverse) -> Table:
    header: tuple[str, ...] = ("With", "Ways", "Lowest", "Median", "Highest")
    note = "What the audit shows to be impossible is left out."
    if not math.isnan(found.null):
        header = (*header, "CI excludes", "PI excludes")
        null = prose.null(found.measure, found.scale)
        note = (
            "CI excludes, PI excludes: in how many ways the confidence or prediction interval "
            f"leaves out {null}. {note}"
        )
    every = [(ALL, found.spread())]
    every += found.by_option()
    alike: dict[tuple[str, ...], list[str]] = {}
    for label, spread in every:
        choice, colon, option = label.rpartition(": ")
        cells = _cells(found, spread)[: len(header) - 1]
        alike.setdefault((choice + colon, *cells), []).append(option)
    rows = tuple((choice + "; ".join(of), *cells) for (choice, *cells), of in alike.items())
    return Table(header, rows, "The average under other choices", numeric=header[1:], note=note)


def _shares_table(shares: Sequence[Share]) -> tuple[Block, ...]:
    known = [share for share in shares if not all(map(math.isnan, share[1:4]))]
    if not known:
        return ()
    header = ("Choice", "Average", "Lower limit", "Upper limit", "Average, alone")
    rows = tuple(
        (share.choice, *(prose.percent(part, 1) for part in share[1:5])) for share in known
    )
    note = (
        "Shapley effects over the ways to pool: of the variance of the average and of the limits "
        "of its confidence interval, on the analysis scale, what goes with each choice. Alone: "
        "without what it explains together with others."
    )
    return (
        Table(
            header,
            rows,
            "Which choice moves the result: share of the variance",
            numeric=header[1:],
            note=note,
        ),
    )


def _cells(found: Multiverse, spread: Spread) -> tuple[str, ...]:
    back = SCALES[found.scale].back
    values = (spread.lowest, spread.median, spread.highest)
    if not spread.n:
        return ("0", *["–"] * 5)
    return (
        f"{spread.n:,}",
        *(prose.value(float(back(value)), found.scale) for value in values),
        f"{spread.ci_excludes:,}",
        f"{spread.pi_excludes:,}" if spread.with_pi else "–",
    )
