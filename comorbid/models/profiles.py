"""Profiles: the log-likelihood of every tau2, and what the coefficients are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy import special

from comorbid.checks import check_whole, numbers
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fitted import Fitted, check_fitted
from comorbid.models.inference import infer
from comorbid.models.likelihood import Kind, constant, likelihood_of
from comorbid.models.maxima import global_maximum
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level
from comorbid.models.solved import solve_at
from comorbid.models.tau2_intervals import profile_likelihood

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.component_profiles import ComponentProfile


_LARGEST = 1e100
_TABLE = ("estimate", "se", "ci_low", "ci_high")
_COLUMNS = ("tau2", "log_likelihood", *_TABLE)


@dataclass(frozen=True, slots=True, eq=False)
class Profile(Recorded):
    """The profile likelihood of tau2; made by `profile`.

    Attributes
    ----------
    kind : {"ML", "REML"}
        Which likelihood.
    names : tuple of p str
        The coefficients of a regression; none for a pooled effect.
    tau2, log_likelihood : arrays of shape (m,)
        Values of tau2, and the log-likelihood where all else is best.
    estimate, se, ci_low, ci_high : arrays of shape (m,), or (p, m) for a regression
        The pooled effect, or the coefficients, at each tau2 by the fit's test; analysis scale.
    best : float
        The tau2 of the global maximum.
    maximum, cut : float
        The log-likelihood there, and the least that the interval at ``level`` holds.
    """

    kind: Kind
    names: tuple[str, ...]
    tau2: Array
    log_likelihood: Array
    estimate: Array
    se: Array
    ci_low: Array
    ci_high: Array
    best: float
    maximum: float
    cut: float

    def to_frame(self) -> pd.DataFrame:
        """Return ``tau2, log_likelihood, estimate, se, ci_low, ci_high``, one row a tau2.

        Of a regression, ``estimate_NAME`` and so on for each coefficient.
        """
        import pandas as pd

        columns = {"tau2": self.tau2, "log_likelihood": self.log_likelihood}
        if not self.names:
            return pd.DataFrame(columns | {name: getattr(self, name) for name in _TABLE})
        for i, coefficient in enumerate(self.names):
            columns |= {f"{name}_{coefficient}": getattr(self, name)[i] for name in _TABLE}
        return pd.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, maximum and columns as plain values."""
        names = ("kind", "best", "maximum", "cut")
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        settings = {name: getattr(self, name) for name in names}
        return {**settings, **self.made(), "names": list(self.names), **columns}

    def summary(self) -> str:
        """Return the table as text."""
        name = "restricted log-likelihood" if self.kind == "REML" else "log-likelihood"
        head = (
            f"Profile of tau2: {name} at most {text.number(self.maximum)} (tau2 "
            f"{text.number(self.best)}); {100 * self.level:g}% interval above "
            f"{text.number(self.cut)}"
        )
        table = self.to_frame().to_string(
            index=False, float_format=lambda value: text.number(value)
        )
        return f"{head}\n{table}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


@overload
def profile(
    fit: Fitted,
    *,
    tau2: Sequence[float] | None = None,
    component: None = None,
    values: None = None,
    points: int = 41,
    level: float | None = None,
) -> Profile: ...
@overload
def profile(
    fit: Multilevel,
    *,
    tau2: None = None,
    component: str | None = None,
    values: Sequence[float] | None = None,
    points: int = 41,
    level: float | None = None,
) -> ComponentProfile: ...
def profile(
    fit: Fitted | Multilevel,
    *,
    tau2: Sequence[float] | None = None,
    component: str | None = None,
    values: Sequence[float] | None = None,
    points: int = 41,
    level: float | None = None,
) -> Profile | ComponentProfile:
    r"""Profile likelihood of tau2, or of a variance or correlation of a multilevel fit.

    .. math:: l(\tau^2) = \max_\beta l(\beta, \tau^2)

    restricted for a fit by REML: how well each value fits when all else is best for it.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        Of more studies than coefficients, with tau2.
    tau2 : sequence of float, optional
        Where; by default ``points`` even steps from 0 to a tenth past the upper end of the profile
        likelihood interval, and the best value.
    component : str, optional
        Of a multilevel fit, the name of one of ``fit.components``; needed where it has several.
    values : sequence of float, optional
        Where, for that component; by default from 0, or along the whole range of a correlation.
    points : int
        How many steps.
    level : float, optional
        Of the interval that ``cut`` marks, a proportion; by default the fit's.

    Returns
    -------
    Profile, or ComponentProfile for a multilevel fit

    Raises
    ------
    ModelError
        If the fit has no tau2 or has weights of the analyst, a value is negative or not finite, a
        multilevel fit has several components and none is named, or a setting is none of those
        allowed.
    DataError
        If ``fit`` is none of these, or ``tau2`` holds what is no number.

    References
    ----------
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> cb.profile(fit, tau2=[0, 0.2, 0.4]).log_likelihood.round(2).tolist()
    [-8.26, -2.4, -2.5]

    Of a multilevel fit, one component:

    >>> rows = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                   studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> at = cb.profile(cb.multilevel(rows), component="study_id", values=[0.0, 0.1])
    >>> at.log_likelihood.round(2).tolist()
    [-2.75, -1.05]
    """
    if isinstance(fit, Multilevel):
        return _of_component(fit, component, tau2, values, points, level)
    check_fitted(fit, OneStep="for the interval of its tau2 by the profile, fit.tau2_ci()")
    if component is not None or values is not None:
        raise ModelError("component and values are of a multilevel fit; use tau2")
    check_whole("points", points, least=2)
    level = fit.level if level is None else level
    check_level(level)
    if fit.method == "EE" or fit.k <= fit.p:
        raise ModelError(
            "no tau2 to profile: the fit is equal-effects, or of no more studies than coefficients"
        )
    if fit.user_weights is not None:
        raise ModelError("a profile needs the model's own weights; fit without weights")
    likelihood, data = likelihood_of(fit.method), fit.projection
    best = float(global_maximum(data, likelihood)[0])
    if tau2 is None:
        high = float(profile_likelihood(data, likelihood, level).high[0])
        where = np.unique(np.append(np.linspace(0, 1.1 * high, points), best))
    else:
        where = np.array(numbers("tau2", tau2))
        allowed = (where >= 0) & (where <= _LARGEST)
        if where.ndim != 1 or not where.size or not allowed.all():
            raise ModelError(f"tau2 of a profile: give a list of variances from 0 to {_LARGEST:g}")
    rest = constant(likelihood.kind, fit.k, fit.p, float(data.log_xx[0]))

    def at(each: Array) -> Array:
        moments = data.at(each, np.zeros(each.size, dtype=np.intp))
        return likelihood.height(moments) + rest

    maximum = float(at(np.array([best]))[0])
    copies = data.take(np.zeros(where.size, dtype=np.intp))
    rows = infer(copies, solve_at(copies, where), equal=False, test=fit.test, level=fit.level)
    found = {"estimate": rows.coefficients, **{name: getattr(rows, name) for name in _TABLE[1:]}}
    return Profile(
        kind=likelihood.kind,
        names=fit.names,
        tau2=where,
        log_likelihood=at(where),
        **{name: value if fit.names else value[0] for name, value in found.items()},
        best=best,
        maximum=maximum,
        cut=maximum - float(special.chdtri(1, 1 - level)) / 2,
        **fit.made | {"level": level},
    )


def _of_component(
    fit: Multilevel,
    component: str | None,
    tau2: Sequence[float] | None,
    values: Sequence[float] | None,
    points: int,
    level: float | None,
) -> ComponentProfile:
    """Return the profile of a component, which need not be named where it is the only one."""
    from comorbid.models.component_profiles import component_profile

    names = [each.name for each in fit.components]
    if tau2 is not None:
        raise ModelError(
            "tau2 is of pool() and regress(); give values= of component=, one of "
            f"{', '.join(names)}"
        )
    if component is None and len(names) > 1:
        raise ModelError(
            f"this fit has several components; give component=, one of {', '.join(names)}"
        )
    chosen = names[0] if component is None else component
    return component_profile(fit, chosen, values=values, points=points, level=level)
