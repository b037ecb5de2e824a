"""What the rounding of published numbers leaves open."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Block, Paragraph, Table
from comorbid.effects.scales import SCALES
from comorbid.sensitivity.rounding_result import LABELS, Rounding

_ROWS = {name: label.capitalize() for name, label in LABELS.items()} | {"tau2": "tau²", "i2": "I²"}
_MOST_NAMED = 3


def rounding(found: Rounding) -> tuple[Block, ...]:
    """Return what rounding alone may do to the pool: sentences and a table."""
    return (
        Paragraph(f"{what_is_rounded(found)} {average(found)}"),
        Paragraph(f"{conclusion(found)} {most(found)}".strip()),
        _table(found),
    )


def what_is_rounded(found: Rounding) -> str:
    """Say how many of the effects come from rounded numbers."""
    k, n = len(found.ids), len(found.studies)
    of = "Both" if n == k == 2 else f"All {k}" if n == k else f"{n} of the {k}"
    come = "effects come" if n > 1 or n == k else "effects comes"
    others = f"; the other {'is' if k - n == 1 else f'{k - n} are'} taken as exact" * (n < k)
    return (
        f"{of} {come} from printed numbers, each of which stands for every value that rounds to "
        f"it{others}."
    )


def average(found: Rounding) -> str:
    """Say between which values the average lies."""
    row, back = found.ranges["estimate"], SCALES[found.scale].back
    value, low, high, least, greatest = (
        prose.value(float(back(number)), found.scale) for number in row
    )
    if least == greatest == value:
        text = f"Over {found.n:,} draws of such values the average is {value}, as printed."
    else:
        text = (
            f"Over {found.n:,} draws of such values the average lies between {least} and "
            f"{greatest}, in 95 % of them between {low} and {high}; with the numbers as printed it "
            f"is {value}."
        )
    if not found.bounds_of:
        return text
    ends = (prose.value(float(back(end)), found.scale) for end in found.bounds)
    return f"{text} No values that print so put it outside {' to '.join(ends)}."


def conclusion(found: Rounding) -> str:
    """Say whether rounding alone can decide what the interval excludes."""
    if not found.conclusion:
        return "This measure has no null value for an interval to exclude."
    null = prose.null_value(found.measure, found.scale)
    interval = f"{prose.level(found.level)} confidence interval {found.conclusion} {null}"
    if not found.changed:
        return f"The {interval} in all of the draws, as it does with the numbers as printed."
    draws = f"{found.changed:,} of the {prose.counted(found.n, 'draw', 'draws')}"
    return (
        f"With the numbers as printed the {interval}; in {draws} this is different, through "
        "rounding alone."
    )


def most(found: Rounding) -> str:
    """Say whose digits matter most."""
    known = [of for of in found.studies if not math.isnan(of.percent)]
    if len(known) < 2:
        return ""
    named = sorted(known, key=lambda of: -of.percent)[:_MOST_NAMED]
    shares = [
        f"{prose.percent(of.percent)} {'to those' if i else 'is due to the digits'} of {of.label}"
        for i, of in enumerate(named)
        if of.percent >= 0.5
    ]
    return f"Of the variance that rounding leaves to the average, {prose.listed(shares)}."


def _table(found: Rounding) -> Table:
    header = ("Quantity", "As printed", "95 % of draws", "All draws")
    rows = tuple(
        (_ROWS[name], *_cells(found, name))
        for name, row in found.ranges.items()
        if not math.isnan(row.value)
    )
    note = (
        "Values are drawn uniformly within their digits, given that each estimate lies in its "
        "interval. Sampling error is no part of it."
    )
    return Table(header, rows, "What rounding leaves open", numeric=header[1:], note=note)


def _cells(found: Rounding, name: str) -> tuple[str, ...]:
    row = found.ranges[name]
    if name in LABELS:
        back = SCALES[found.scale].back
        values = [prose.value(float(back(number)), found.scale) for number in row]
    elif name == "tau2":
        values = [prose.small(number) for number in row]
    else:
        values = [prose.percent(number, 1) for number in row]
    value, low, high, least, greatest = values
    return value, f"{low} to {high}", f"{least} to {greatest}"
