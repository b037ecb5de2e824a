"""The people plot: a thousand people by which of the two conditions they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures.axis import Axis
from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MARGIN,
    MUTED,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    finished,
    one_line,
    printable,
    shorten,
)
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.pen import LEADING, Pen
from comorbid.people import People

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_ACROSS, _DOWN = 50, 20
PEOPLE = _ACROSS * _DOWN
"""How many marks a people plot has."""

_STEP = 9.0
_SQUARE = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_DIAMOND = ((0, -1), (1, 0), (0, 1), (-1, 0))
_SIZE = 6.4


@dataclass(frozen=True, slots=True)
class _Group:
    """People who are drawn alike: how many marks, how they look, and what the key says."""

    name: str
    count: int
    mark: str
    fill: str
    edge: str
    size: float
    text: str


def people(
    people: People,
    *,
    conditions: tuple[str, str] = ("condition 1", "condition 2"),
    title: str | None = None,
) -> Figure:
    """Draw a thousand marks, one a person or a group of people, by the conditions that they have.

    Those with both come first: as many as independence would give, and those beyond it. Shapes
    tell the groups apart without colour.

    Parameters
    ----------
    people : People
        Made by `comorbid.people`. Of more than 1,000 people a mark stands for several.
    conditions : (str, str)
        Names of the two.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same numbers, on one platform.

    Raises
    ------
    DataError
        If ``people`` is something else.

    Examples
    --------
    >>> import math
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[math.log(2)], vi=[0.01], measure="OR"))
    >>> found = cb.people(cb.burden(fit, p1=1/5, p2=1/30))
    >>> print(cb.figures.people(found, conditions=("back pain", "headache")).alt)
    Of 1,000 people 10.9 have both back pain and headache, where 6.7 would if the two were
    independent; 189.1 have back pain alone, 22.4 headache alone, 222.4 at least one, and 777.6
    neither.
    """
    check_type("people", people, People, "give what people() returns")
    alt = _alt(people, conditions)
    return finished(
        lambda shown: _draw(people, conditions, shown),
        title=title,
        default=f"{people.size:,.0f} people by the conditions that they have",
        alt=alt,
        caption=_caption(people),
    )


def _groups(people: People, conditions: tuple[str, str]) -> tuple[_Group, ...]:
    """Return the groups with whole numbers of marks, which add up to a thousand."""
    per = PEOPLE / people.size
    both = round(people.both.estimate * per)
    chance = min(both, round(people.expected.estimate * per))
    one, two = round(people.have_1 * per) - both, round(people.have_2 * per) - both
    rest = PEOPLE - both - one - two
    first, second = (printable(one_line(name)) for name in conditions)
    alone = _number(people.only_1), _number(people.only_2)
    short = f"{_number(people.expected.estimate)} both, if independent"
    more = f"{_number(people.extra.estimate)} both beyond that"
    found = [_Group("chance", chance, "square", INK, INK, _SIZE, short)]
    if people.extra.estimate >= 0:
        found.append(_Group("beyond", both - chance, "disc", ACCENT, ACCENT, _SIZE, more))
    else:
        found[0] = _Group(
            "chance",
            both,
            "square",
            INK,
            INK,
            _SIZE,
            f"{_number(people.both.estimate)} both ({_number(people.expected.estimate)} if "
            "independent)",
        )
    return (
        *found,
        _Group("only-1", one, "square", PALE, ACCENT, 5.6, f"{alone[0]} {first} alone"),
        _Group("only-2", two, "diamond", PAPER, INK, 6.2, f"{alone[1]} {second} alone"),
        _Group("neither", rest, "square", MUTED, MUTED, 0.7, f"{_number(people.neither)} neither"),
    )


def _draw(people: People, conditions: tuple[str, str], title: str) -> Drawing:
    """Return the drawing: marks in columns from the left, and the key below."""
    groups = _groups(people, conditions)
    tall, key = _DOWN * _STEP, SMALL * LEADING * len(groups) + 8
    frame = open_frame(title, _notes(people), tall=tall, above=4.0, below=key)
    left = (WIDTH - _ACROSS * _STEP) / 2
    axes = frame.axes(left, _ACROSS * _STEP)
    axes.set(xlim=(0, _ACROSS * _STEP), ylim=(0, tall))
    axes.set_axis_off()
    pen = Pen(axes, Axis(0.0, _ACROSS * _STEP, ()), _ACROSS * _STEP, 1.0)
    start = 0
    for i, group in enumerate(groups):
        places = [divmod(n, _DOWN) for n in range(start, start + group.count)]
        _marks(pen, group, [((c + 0.5) * _STEP, tall - (r + 0.5) * _STEP) for c, r in places])
        height = -4 - SMALL * LEADING * (i + 0.5)
        _marks(pen, group, [(pen.at(MARGIN + 4), height)], "key-")
        text = shorten(group.text, WIDTH - 2 * MARGIN - 14, SMALL)
        pen.text(MARGIN + 14, height, text, size=SMALL)
        start += group.count
    frame.write(pen)
    return frame.drawing


def _marks(pen: Pen, group: _Group, at: list[tuple[float, float]], before: str = "") -> None:
    """Draw one group's marks as one path, which is small and fast; sizes and places in points."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not at:
        return
    half, places = group.size / 2, np.array(at)[:, None, :]
    if group.mark == "disc":
        path = Path.make_compound_path(*(Path.circle(place, half) for place in at))
    else:
        corners = _SQUARE if group.mark == "square" else _DIAMOND
        ends = (places + half * np.array([*corners, corners[0]])).reshape(-1, 2)
        codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
        path = Path(ends, np.tile(codes, len(at)))
    patch = PathPatch(path)
    patch.set(facecolor=group.fill, edgecolor=group.edge, linewidth=0.9, zorder=3)
    patch.set_gid(f"{before}{group.name}")
    pen.axes.add_patch(patch)
    patch.set_clip_on(False)


def _notes(people: People) -> tuple[str, ...]:
    per = people.size / PEOPLE
    mark = "A mark is one person" if per == 1 else f"A mark is {per:,g} people"
    return (f"{mark}; numbers of marks are rounded.",)


def _number(value: float) -> str:
    return f"{value:,.1f}".replace("-", "\N{MINUS SIGN}")


def _alt(people: People, conditions: tuple[str, str]) -> str:
    one, two = (one_line(name) for name in conditions)
    return (
        f"Of {people.size:,.0f} people {_number(people.both.estimate)} have both {one} and {two}, "
        f"where {_number(people.expected.estimate)} would if the two were independent; "
        f"{_number(people.only_1)} have {one} alone, {_number(people.only_2)} {two} alone, "
        f"{_number(people.either)} at least one, and {_number(people.neither)} neither."
    )


def _caption(people: People) -> str:
    name = prose.measure_name(people.burden.measure)
    return (
        f"Of {people.size:,.0f} people, who has both conditions, one or none, by the pooled {name} "
        "and the prevalence of each condition."
    )
