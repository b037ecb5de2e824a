"""Component profiles: how well each value of a variance or correlation fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.checks import check_whole, numbers
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.component_intervals import ends_of
from comorbid.models.pinned import Pinned, pin
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComponentProfile(Recorded):
    """The profile likelihood of a variance or correlation; made by `Multilevel.profile`.

    Attributes
    ----------
    component : str
        Its name.
    values, log_likelihood : arrays of shape (m,)
        Values on the analysis scale, and the log-likelihood where all else is best.
    best : float
        The value of the maximum.
    maximum, cut : float
        The log-likelihood there, and the least that the interval at ``level`` holds.
    ci_low, ci_high : float
        The interval; inf where no variance is too large.
    """

    component: str
    values: Array
    log_likelihood: Array
    best: float
    maximum: float
    cut: float
    ci_low: float
    ci_high: float

    def to_frame(self) -> pd.DataFrame:
        """Return ``value, log_likelihood``, one row a value."""
        import pandas as pd

        return pd.DataFrame({"value": self.values, "log_likelihood": self.log_likelihood})

    def to_dict(self) -> dict[str, Any]:
        """Return settings, maximum and columns as plain values."""
        names = ("component", "best", "maximum", "cut", "ci_low", "ci_high")
        columns = {name: getattr(self, name).tolist() for name in ("values", "log_likelihood")}
        return {**{name: getattr(self, name) for name in names}, **self.made(), **columns}

    def summary(self) -> str:
        """Return the table as text."""
        name = "restricted log-likelihood" if self.method == "REML" else "log-likelihood"
        head = (
            f"Profile of {self.component}: {name} at most {text.number(self.maximum)} (at "
            f"{text.number(self.best)}); {100 * self.level:g}% interval "
            f"{text.pair((self.ci_low, self.ci_high))}, above {text.number(self.cut)}"
        )
        return f"{head}\n{self.to_frame().to_string(index=False, float_format=text.number)}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def component_profile(
    fit: Multilevel,
    component: str,
    *,
    values: Any = None,
    points: int = 41,
    level: float | None = None,
) -> ComponentProfile:
    r"""Return the profile likelihood of a component.

    .. math:: l(c) = \max_{\theta: c(\theta) = c} l(\theta)

    restricted for a fit by REML; by default at ``points`` correlations, or variances in even steps
    of their root from 0 to a tenth past the upper end of the interval; and at its ends.

    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    """
    check_whole("points", points, least=2)
    level = fit.level if level is None else level
    check_level(level)
    pinned = pin(fit, component)
    cut = fit.log_likelihood - float(special.chdtri(1, 1 - level)) / 2
    best = next(c.value for c in fit.components if c.name == component)
    ends = ends_of(pinned, cut)
    if values is None:
        chosen = _default(pinned, ends, points, best)
    else:
        chosen = numbers("values", values)
        low, high = (pinned.value(end) for end in pinned.ends)
        if chosen.ndim != 1 or not chosen.size or not ((chosen >= low) & (chosen <= high)).all():
            raise ModelError(
                f"values of {component}: give a list of numbers from {low:g} to {high:g}"
            )
    where = np.array([pinned.coordinate(float(value)) for value in chosen])
    return ComponentProfile(
        component=component,
        values=np.array(chosen),
        log_likelihood=pinned.heights(where)[0],
        best=best,
        maximum=fit.log_likelihood,
        cut=cut,
        ci_low=ends[0],
        ci_high=ends[1],
        **fit.made | {"level": level},
    )


def _default(pinned: Pinned, ends: tuple[float, float], points: int, best: float) -> Array:
    low, high = (pinned.value(end) for end in pinned.ends)
    if np.isfinite(high):
        even = np.linspace(low, high, points)
    else:
        high = 1.1 * ends[1] if np.isfinite(ends[1]) else 10 * max(best, pinned.unit2)
        even = np.linspace(0, np.sqrt(high), points) ** 2
    known = [value for value in (best, *ends) if np.isfinite(value)]
    return np.unique([*even, *known])
