"""The subgroup plot: the pooled value of each subgroup, and the test between them."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import one_line, own_settings, printable, to_svg
from comorbid.document.figures.chart import Chart, Row, lay_out
from comorbid.document.figures.draw import draw
from comorbid.document.figures.numbers import Format, fixed
from comorbid.document.figures.refit_rows import i2_cell, refit_format, refit_row
from comorbid.subgroups import Subgroups

_SINGLE = " (1 study, not pooled)"


def subgroups(result: Subgroups, *, title: str = "") -> Figure:
    """Draw the pooled value of each subgroup as a diamond as wide as its confidence interval.

    A subgroup of one study is a square on that study's interval, marked as not pooled. The test
    between subgroups stands below.

    Parameters
    ----------
    result : Subgroups
        Made by `comorbid.subgroups`.
    title : str
        Printed above the figure.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Warns
    -----
    DataWarning
        If a name has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.6, 1.4], vi=[0.03, 0.08, 0.05], measure="OR",
    ...                      moderators={"sex": ["f", "f", "m"]})
    >>> figure = cb.figures.subgroups(cb.subgroups(effects, by="sex", test="z"))
    >>> print(figure.alt)
    Subgroup plot by sex: odds ratio with 95 % confidence interval. f, 2 studies: 1.69 (1.27 to
    2.26). m, 1 study, not pooled: 4.06 (2.62 to 6.29). Test between subgroups: Q = 10.61 on 1 df,
    p = 0.001.
    """
    form = refit_format(result.refits)
    with own_settings():
        chart = _chart(result, form, title)
        layout = lay_out(chart)
        alt = _alt(result, chart)
        svg = to_svg(draw(chart, layout), title=title or "Subgroup plot", description=alt)
    return Figure(svg=svg, alt=alt, caption=_caption(result))


def _chart(result: Subgroups, form: Format, title: str) -> Chart:
    refits = result.refits
    return Chart(
        heads=(
            printable(words.capitalized(result.by.replace("_", " "))) or "Subgroup",
            words.estimate_head(refits.measure, refits.level),
            "Studies",
            "I²",
        ),
        rows=tuple(_row(result, i, form) for i in range(len(refits.labels))),
        totals=(),
        scale=refits.scale,
        axis_label=words.axis_label(refits.measure, refits.scale),
        notes=(
            f"{_test(result)}.",
            f"Each by itself: {words.model(refits.method)}; {words.interval(refits.test)}.",
            *(f"{words.capitalized(warning)}." for warning in result.warnings),
        ),
        title=title,
    )


def _row(result: Subgroups, i: int, form: Format) -> Row:
    refits = result.refits
    k = int(refits.batch.k[i])
    single = k == 1
    return refit_row(
        refits,
        i,
        form,
        cells=(str(k), i2_cell(refits, i)),
        mark="square" if single else "diamond",
        remark=_SINGLE if single else "",
        share=0.4,
    )


def _test(result: Subgroups) -> str:
    if math.isnan(result.q_between):
        return "Test between subgroups: not possible, fewer than two have a standard error"
    return (
        f"Test between subgroups: Q = {fixed(result.q_between, 2)} on {result.q_between_df} df, "
        f"{prose.p_value(result.q_between_p)}"
    )


def _alt(result: Subgroups, chart: Chart) -> str:
    """Return what the figure shows, in words."""
    refits = result.refits
    rows = [
        f"{one_line(label)}, {'1 study, not pooled' if k == 1 else f'{k:.0f} studies'}: "
        f"{row.estimate} ({row.interval})."
        for label, k, row in zip(refits.labels, refits.batch.k, chart.rows, strict=True)
    ]
    return words.joined(
        f"Subgroup plot by {one_line(result.by)}: {words.measure(refits.measure)} with "
        f"{prose.level(refits.level)} confidence interval.",
        *rows,
        f"{_test(result)}.",
    )


def _caption(result: Subgroups) -> str:
    refits = result.refits
    name, level = words.measure(refits.measure), prose.level(refits.level)
    square = ""
    if (refits.batch.k == 1).any():
        square = "; a square is the one study of its subgroup, which is not pooled"
    return (
        f"{words.capitalized(name)} by {result.by.replace('_', ' ')}. A diamond is the pooled "
        f"{name} of a subgroup with its {level} confidence interval{square}."
    )
