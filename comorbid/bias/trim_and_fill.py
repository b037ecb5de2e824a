"""Trim and fill: what the funnel would be if the studies missing on one side were there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.bias.lines import Line, fit_line
from comorbid.bias.missing_studies import ESTIMATORS, missing, settled, standard_error
from comorbid.checks import check_choice
from comorbid.effects.arrays import Array, Index
from comorbid.effects.scales import SCALES, base_name
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Fit, pool
from comorbid.models.kernel import fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.views import Views, block

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd

    MissingStudies = Literal["L0", "R0", "Q0"]
    Side = Literal["left", "right"]

_SIDES = ("left", "right")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrimAndFill(Views):
    """Trim and fill; made by `trim_and_fill`.

    Attributes
    ----------
    estimator : {"L0", "R0", "Q0"}
        Of the number of missing studies.
    side : {"left", "right"}
        Where they are missing.
    k0 : int
        Number of missing studies.
    k0_se : float
        Its standard error; nan where the approximation to it gives none.
    p_value : float
        Test that none is missing, of R0 only; nan otherwise.
    original : Fit
        The fit of the studies found.
    fit : Fit
        The same of those and the filled ones.
    warnings : tuple of str
        Cautions.
    """

    estimator: str
    side: str
    k0: int
    k0_se: float
    p_value: float
    original: Fit
    fit: Fit
    warnings: tuple[str, ...]

    @property
    def effects(self) -> Effects:
        """The studies found and, after them, the filled ones."""
        return self.fit.effects

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of ``fit.to_frame()`` and whether each study is ``filled``."""
        table = self.fit.to_frame()
        table["filled"] = np.arange(self.fit.k) >= self.original.k
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return every number as plain values, with the filled effects ``yi, vi``."""
        filled = slice(self.original.k, None)
        numbers = ("estimator", "side", "k0", "k0_se", "p_value")
        return {
            **{name: getattr(self, name) for name in numbers},
            "filled_yi": self.effects.yi[filled].tolist(),
            "filled_vi": self.effects.vi[filled].tolist(),
            "original": self.original.to_dict(),
            "fit": self.fit.to_dict(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return number and side of the missing studies, and the estimate without and with."""
        rows = {"missing": f"{self.k0} on the {self.side} (SE {text.number(self.k0_se)})"}
        if not math.isnan(self.p_value):
            rows["none missing"] = f"p {text.p_value(self.p_value)}"
        for name, fit in (("found", self.original), ("filled", self.fit)):
            digits = 4 if fit.effects.scale == "identity" else 2
            back = SCALES[fit.effects.scale].back
            low, high = np.asarray(back(fit.ci)).tolist()
            estimate = float(back(fit.estimate))
            rows[name] = (
                f"{fit.effects.measure} {text.number(estimate, digits)} "
                f"({100 * fit.level:g}% CI {text.pair((low, high), digits)}), k = {fit.k}"
            )
        title = f"Trim and fill ({self.estimator}; {self.fit.method}, {self.fit.test})"
        return block(title, rows, self.warnings)


def trim_and_fill(
    fit: Fit, *, estimator: MissingStudies = "L0", side: Side | None = None
) -> TrimAndFill:
    r"""Estimate how many studies are missing on one side, and refit with their mirror images.

    The studies furthest to the other side are trimmed, the rest is refitted, and the number to
    trim is estimated again from all studies centred at that estimate, until it stays the same.
    With :math:`T_n` the sum of the ranks, by distance, of the studies on the side where none are
    missing, and :math:`\gamma` the number of studies on that side further away than any on the
    other:

    .. math:: R_0 = \gamma - 1, \qquad L_0 = \frac{4 T_n - k(k + 1)}{2k - 1}, \qquad
       Q_0 = k - \tfrac12 - \sqrt{2k^2 - 4 T_n + \tfrac14}

    rounded, and not below 0. The trimmed studies are mirrored at the last estimate and added.

    The result is no better estimate of the effect: it shows how much one kind of missing studies,
    those most extreme on one side, could matter.

    Parameters
    ----------
    fit : Fit
        The fit of the studies found; its method, test, level and any weights are used throughout,
        a mirrored study having the weight of its original.
    estimator : {"L0", "R0", "Q0"}
        Of the number of missing studies.
    side : {"left", "right"}, optional
        Where studies are missing; by default where Egger's regression, with the fit's own
        estimator of tau2, says: on the left when effects grow with the standard error.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    ModelError
        If there are fewer than two studies, or no side can be chosen; if the number never stays
        the same, or leaves no study; if a setting is none of those allowed.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Duval S, Tweedie R (2000). Biometrics 56:455-463. doi:10.1111/j.0006-341x.2000.00455.x
    Duval S, Tweedie R (2000). Journal of the American Statistical Association 95:89-98.
    doi:10.1080/01621459.2000.10473905

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.15, 0.2, 0.4, 0.6, 0.7, 0.9],
    ...                      vi=[0.01, 0.01, 0.02, 0.05, 0.09, 0.12, 0.2])
    >>> found = cb.trim_and_fill(cb.pool(effects))
    >>> found.k0, found.side, found.fit.k
    (3, 'left', 10)
    """
    check_fit(fit)
    _check(fit, estimator, side)
    where = side or _side_of(fit)
    sign = -1.0 if where == "right" else 1.0
    order = np.argsort(sign * fit.effects.yi, kind="stable")
    yi, vi = sign * fit.effects.yi[order], fit.effects.vi[order]
    weights = None if fit.user_weights is None else fit.user_weights[order]
    estimates = _trimmed_estimates(fit, yi, vi, weights)
    k0 = settled(estimator, yi, estimates)
    trimmed = order[fit.k - k0 :]
    filled = _filled(fit, trimmed, 2 * sign * float(estimates[k0]) - fit.effects.yi[trimmed])
    notes = (*fit.effects.warnings, _CAUTION)
    if fit.user_weights is not None:
        weights = np.concatenate([fit.user_weights, fit.user_weights[trimmed]])
    refitted = pool(filled, method=fit.estimator, test=fit.test, level=fit.level, weights=weights)
    return TrimAndFill(
        estimator=estimator,
        side=where,
        k0=k0,
        k0_se=standard_error(estimator, fit.k, missing(estimator, yi - estimates[k0])),
        p_value=2.0 ** -(k0 + 1) if estimator == "R0" else math.nan,
        original=fit,
        fit=refitted,
        warnings=notes,
    )


_CAUTION = (
    "filled studies are not data: the refit shows what missing studies of this kind could do, and "
    "is no better estimate"
)


def _check(fit: Fit, estimator: str, side: str | None) -> None:
    check_choice("estimator", estimator, ESTIMATORS)
    if side is not None:
        check_choice("side", side, _SIDES)
    if fit.k < 2:
        raise ModelError("one study: there is no funnel to trim; two are needed")


def _side_of(fit: Fit) -> Side:
    """Return the side on which small studies are missing, by the slope of Egger's regression."""
    if fit.user_weights is not None:
        raise ModelError("no side can be chosen with weights of yours; give side='left' or 'right'")
    line = Line(fit.effects.yi, fit.effects.vi, np.sqrt(fit.effects.vi), "sei", True)
    try:
        slope = float(fit_line(line, fit.estimator, "z", fit.level).coefficients[1, 0])
    except ModelError as error:
        raise ModelError(f"no side can be chosen: {error}; give side='left' or 'right'") from None
    return "right" if slope < 0 else "left"


def _trimmed_estimates(fit: Fit, yi: Array, vi: Array, weights: Array | None) -> Array:
    """Return the estimates without the last 0, 1, ..., k - 1 studies, all in one batch."""
    position = np.arange(fit.k)
    member = position[:, None] < fit.k - position
    batch = fit_batch(
        np.where(member, yi[:, None], 0.0),
        np.where(member, vi[:, None], np.inf),
        estimator=fit.estimator,
        test=fit.test,
        level=fit.level,
        weights=None if weights is None else weights[:, None],
    )
    return batch.estimate


def _filled(fit: Fit, trimmed: Index, yi: Array) -> Effects:
    """Return the effects and, after them, the mirror images of the trimmed studies."""
    effects = fit.effects
    names = [f"Filled {i + 1}" for i in range(trimmed.size)]
    taken = {*effects.labels, *effects.ids}
    names = [name if name not in taken else f"{name} (mirrored)" for name in names]
    return Effects(
        yi=np.concatenate([effects.yi, yi]),
        vi=np.concatenate([effects.vi, effects.vi[trimmed]]),
        labels=(*effects.labels, *names),
        measure=effects.measure,
        scale=effects.scale if np.isnan(effects.ni).any() else base_name(effects.scale),
        ids=(*effects.ids, *names),
        studies=(*effects.studies, *names),
        source=(*effects.source, *("filled" for _ in names)),
        overrides=effects.overrides,
        warnings=effects.warnings,
        ni=np.concatenate([effects.ni, effects.ni[trimmed]]),
    )
