"""The subgroup plot: the pooled value of each subgroup, and the test between them."""

from __future__ import annotations

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import printable
from comorbid.document.figures.chart import Chart, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.refit_rows import (
    i2_cell,
    refit_format,
    refit_values,
    size,
    spoken,
)
from comorbid.effects.measures import null_of
from comorbid.subgroups import Subgroups


def subgroups(result: Subgroups, *, title: str | None = None) -> Figure:
    """Draw the pooled value of each subgroup as a diamond as wide as its confidence interval.

    A subgroup of one study is a square on that study's interval, marked as not pooled. The test
    between subgroups stands below.

    Parameters
    ----------
    result : Subgroups
        Made by `comorbid.subgroups`.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Raises
    ------
    DataError
        If ``result`` is something else.

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
    check_type("result", result, Subgroups, "give what subgroups() returns")
    form = refit_format(result.refits)
    return chart_figure(
        _chart(result, form),
        title=title,
        default=f"Subgroup plot by {words.by(result)}",
        alt=lambda _: _alt(result, form),
        caption=_caption(result),
    )


def _chart(result: Subgroups, form: Format) -> Chart:
    refits = result.refits
    return Chart(
        heads=(
            printable(words.capitalized(words.by(result))) or "Subgroup",
            words.estimate_head(refits.measure, refits.level),
            "Studies",
            "I²",
        ),
        rows=tuple(_row(result, i) for i in range(len(refits.labels))),
        totals=(),
        form=form,
        axis_label=words.axis_label(refits.measure, refits.scale),
        null=null_of(refits.measure),
        notes=(
            f"{words.between(result)}.",
            f"Each by itself: {words.model(refits.method)}; {words.interval(refits.test)}.",
            *(f"{words.capitalized(warning)}." for warning in result.warnings),
        ),
    )


def _row(result: Subgroups, i: int) -> Row:
    refits = result.refits
    k = int(refits.batch.k[i])
    return Row(
        label=refits.labels[i],
        values=refit_values(refits, i),
        cells=(str(k), i2_cell(refits, i)),
        mark="square" if k == 1 else "diamond",
        remark="" if k > 1 else f" ({size(k)})",
        share=0.4,
    )


def _alt(result: Subgroups, form: Format) -> str:
    """Return what the figure shows, in words."""
    refits = result.refits
    return words.joined(
        f"Subgroup plot by {words.by(result)}: {words.measure(refits.measure)} with "
        f"{prose.level(refits.level)} confidence interval.",
        *(f"{spoken(refits, i, form)}." for i in range(len(refits.labels))),
        f"{words.between(result)}.",
    )


def _caption(result: Subgroups) -> str:
    refits = result.refits
    name, level = words.measure(refits.measure), prose.level(refits.level)
    square = ""
    if (refits.batch.k == 1).any():
        square = "; a square is the one study of its subgroup, which is not pooled"
    return (
        f"{words.capitalized(name)} by {words.by(result)}. A diamond is the pooled "
        f"{name} of a subgroup with its {level} confidence interval{square}."
    )
