"""The normal Q-Q plot: residuals against what a normal distribution would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import (
    ACCENT,
    MUTED,
    PALE,
    PAPER,
    finished,
    printable,
)
from comorbid.document.figures.multilevel_words import noun
from comorbid.document.figures.numbers import fixed
from comorbid.document.figures.panel import Panel
from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.group_residuals import GroupResiduals
from comorbid.sensitivity.group_influence import DeletedGroupResiduals
from comorbid.sensitivity.residuals import DeletedResiduals

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_SMALL_SAMPLE = 10
_OVERHANG = 0.2
_STEPS = 121


@runtime_checkable
class Standardised(Protocol):
    """Residuals over their standard errors, ``z`` of shape (k,), of the studies ``labels``."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The studies."""

    @property
    def z(self) -> Array:
        """Their residuals; nan where one does not exist."""


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The n residuals, from the smallest.

    ``name`` says what they are; ``labels``, ``x`` (quantiles of the normal distribution) and ``z``
    have n values; ``missing`` are the studies without one; ``level`` is that of the band; ``by`` is
    the column of groups whose residuals depend on each other, empty where there is none.
    """

    name: str
    labels: tuple[str, ...]
    missing: tuple[str, ...]
    x: Array
    z: Array
    level: float
    by: str

    @property
    def n(self) -> int:
        """How many there are."""
        return self.z.size

    def band(self, rank: Array) -> tuple[Array, Array]:
        """Return between which values the residual of a rank lies."""
        from scipy import special

        tail = (1 - self.level) / 2
        low, high = (
            special.ndtri(special.betaincinv(rank, self.n + 1 - rank, p)) for p in (tail, 1 - tail)
        )
        return low, high

    @property
    def outside(self) -> Index:
        """Return the positions of the residuals outside the band."""
        low, high = self.band(np.arange(1.0, self.n + 1))
        return np.flatnonzero((self.z < low) | (self.z > high))


def qqnorm(residuals: Standardised, *, level: float = 0.95, title: str | None = None) -> Figure:
    r"""Draw a normal Q-Q plot of residuals, with a band.

    The i-th smallest of n residuals stands over the normal quantile
    :math:`\Phi^{-1}\!\left(\frac{i - a}{n + 1 - 2a}\right)`, with a = 3/8 up to ten studies and
    1/2 above. If the effects are normal as the model has them, the residuals lie along the line
    of equality. The band is pointwise and exact for independent standard normal values: the i-th
    smallest is :math:`\Phi^{-1}(B)` with B of the Beta distribution with i and n + 1 - i. The
    residuals of one fit are slightly dependent, so that the band is a guide and no test.

    Parameters
    ----------
    residuals : Residuals or DeletedResiduals
        What `comorbid.rstandard` or `comorbid.rstudent` returns: anything with ``labels`` and
        residuals ``z``. Studies without a residual (nan) are left out and named.
    level : float
        Of the band, a proportion between 0 and 1.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same residuals, on one platform.

    Raises
    ------
    DataError
        If ``residuals`` are something else.
    ModelError
        If no study has a residual, or the level is no proportion.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Wang MC, Bushman BJ (1998). Using the normal quantile plot to explore meta-analytic data
    sets. Psychological Methods 3:46-54. doi:10.1037/1082-989X.3.1.46
    Blom G (1958). Statistical Estimates and Transformed Beta-Variables. Wiley (no DOI).

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.qq_plot import qqnorm
    >>> from comorbid.sensitivity.residuals import rstudent
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> print(qqnorm(rstudent(fit)).caption)
    Standardised deleted residuals against the quantiles of the normal distribution. On the line
    both are equal; the band holds 95 % of independent normal values of each rank.
    """
    check_type("residuals", residuals, Standardised, "give what rstandard() or rstudent() returns")
    if not 0 < level < 1:
        raise ModelError(f"level is {level!r}; give a proportion between 0 and 1, such as 0.95")
    ordered = _order(residuals, level)
    return finished(
        lambda shown: _draw(ordered, shown),
        title=title,
        default=f"Normal Q-Q plot of {words.studies(ordered.n)}",
        alt=_alt(ordered),
        caption=_caption(ordered),
    )


def _order(residuals: Standardised, level: float) -> _Ordered:
    z = np.asarray(residuals.z, dtype=np.float64)
    found = np.flatnonzero(np.isfinite(z))
    if not found.size:
        raise ModelError(
            "no study has a residual; a Q-Q plot needs a fit of several studies that differ"
        )
    order = found[np.argsort(z[found], kind="stable")]
    missing = np.flatnonzero(~np.isfinite(z))
    without = isinstance(residuals, DeletedResiduals | DeletedGroupResiduals)
    deleted = "deleted " if without else ""
    return _Ordered(
        name=f"standardised {deleted}residual",
        labels=tuple(residuals.labels[i] for i in order),
        missing=tuple(residuals.labels[i] for i in missing),
        x=_quantile(np.arange(1.0, order.size + 1), order.size),
        z=z[order],
        level=level,
        by=residuals.by if isinstance(residuals, GroupResiduals) else "",
    )


def _quantile(rank: Array, n: int) -> Array:
    """Return the normal quantile that the value of a rank among n stands over."""
    from scipy import special

    a = 3 / 8 if n <= _SMALL_SAMPLE else 1 / 2
    return np.asarray(special.ndtri((rank - a) / (n + 1 - 2 * a)))


def _draw(ordered: _Ordered, title: str) -> Drawing:
    ranks = np.linspace(1 - _OVERHANG, ordered.n + _OVERHANG, _STEPS)
    across = _quantile(ranks, ordered.n)
    low, high = ordered.band(ranks)
    ends = float(across[0]), float(across[-1])
    bottom, top = min(low[0], ordered.z[0]), max(high[-1], ordered.z[-1])
    margin = 0.04 * float(top - bottom)
    panel = Panel(
        x=ends,
        y=(float(bottom) - margin, float(top) + margin),
        x_label="Normal quantile",
        y_label=words.capitalized(ordered.name),
        title=title,
        notes=_notes(ordered),
    )
    drawing, pen = panel.open()
    band = [*zip(across, low, strict=True), *zip(across[::-1], high[::-1], strict=True)]
    pen.area([(float(x), float(y)) for x, y in band], PALE, "band")
    pen.line([(ends[0], ends[0]), (ends[1], ends[1])], "equal", color=MUTED, width=0.8)
    for i, (x, z) in enumerate(zip(ordered.x.tolist(), ordered.z.tolist(), strict=True)):
        pen.disc(x, z, 5.0, ACCENT, f"study-{i}", edge=PAPER)
    return drawing


def _notes(ordered: _Ordered) -> tuple[str, ...]:
    """Return what stands below the figure."""
    level = prose.level(ordered.level)
    return (
        f"Shaded: where {level} of independent normal values of each rank lie. Line: equality.",
        *(printable(note) for note in (_outside(ordered), _missing(ordered)) if note),
    )


def _outside(ordered: _Ordered) -> str:
    """Say which residuals lie outside the band."""
    names = [ordered.labels[i] for i in ordered.outside]
    return words.outside(names, "the band", "residual", "residuals")


def _missing(ordered: _Ordered) -> str:
    """Say which studies have no residual."""
    return f"Without a residual: {words.named(ordered.missing)}." if ordered.missing else ""


def _alt(ordered: _Ordered) -> str:
    """Return what the figure shows, in words."""
    first, last = (
        f"{fixed(ordered.z[i], 2)} ({words.named([ordered.labels[i]])})" for i in (0, -1)
    )
    return words.joined(
        f"Normal Q-Q plot of {prose.counted(ordered.n, ordered.name, f'{ordered.name}s')}.",
        f"They range from {first} to {last}, where {fixed(ordered.x[0], 2)} and "
        f"{fixed(ordered.x[-1], 2)} are expected."
        if ordered.n > 1
        else f"It is {first}, where 0.00 is expected.",
        f"The band holds {prose.level(ordered.level)} of independent normal values of each rank.",
        _outside(ordered),
        _missing(ordered),
    )


def _caption(ordered: _Ordered) -> str:
    """Return what the shapes stand for."""
    return (
        f"{words.capitalized(ordered.name)}s against the quantiles of the normal distribution. On "
        f"the line both are equal; the band holds {prose.level(ordered.level)} of independent "
        "normal values of each rank."
        + (f" Residuals of one {noun(ordered.by)} depend on each other." if ordered.by else "")
    )
