"""Subgroups: fits of parts of the studies, and the test between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.checks import check_type, is_missing, is_one_of, shown
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.estimators import Estimator
from comorbid.models.fit import Fit, pool
from comorbid.models.kernel import Test
from comorbid.models.refits import Refits
from comorbid.models.selections import refit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Subgroups:
    """Subgroup fits and the test between them; made by `subgroups`.

    Attributes
    ----------
    by : str
        The moderator.
    fit : Fit
        The studies of all subgroups together; ``fit.effects`` holds them.
    refits : Refits
        One row a subgroup, in the order in which they first occur.
    q_between : float
        Statistic of the test between subgroups; nan when fewer than two subgroups have a standard
        error.
    q_between_df : int
        Its degrees of freedom.
    q_between_p : float
        Its p-value.
    warnings : tuple of str
        How many studies have no value of the moderator.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.6, 1.4, 1.2], vi=[0.03, 0.08, 0.05, 0.04],
    ...                      moderators={"sex": ["f", "f", "m", "m"]})
    >>> cb.subgroups(effects, by="sex").to_frame()["estimate"].round(3).to_dict()
    {'f': 0.527, 'm': 1.289}
    """

    by: str
    fit: Fit
    refits: Refits
    q_between: float
    q_between_df: int
    q_between_p: float
    warnings: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Subgroup of each study of ``fit``."""
        return _names(self.fit.effects, self.by)

    def to_frame(self) -> pd.DataFrame:
        """Return the subgroup fits, as `Refits.to_frame` does."""
        return self.refits.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return the fits and the test as plain values."""
        return {
            "by": self.by,
            **self.refits.to_dict(),
            "weights_total": self._weights(),
            "together": self.fit.to_dict(),
            "groups": list(self.groups),
            "number_of_subgroups": len(self.refits.labels),
            "q_between": self.q_between,
            "q_between_df": self.q_between_df,
            "q_between_p": self.q_between_p,
            "warnings": [*self.refits.warnings, *self.warnings],
        }

    def _weights(self) -> list[float]:
        """Return the percentage of the weights of all studies that each subgroup has."""
        groups, weights = np.array(self.groups), self.fit.weights
        return [float(weights[groups == name].sum()) for name in self.refits.labels]

    def summary(self) -> str:
        """Return the table and the test as text."""
        test = (
            f"Test between subgroups: Q(df = {self.q_between_df}) = "
            f"{text.number(self.q_between)}, p {text.p_value(self.q_between_p)}"
        )
        return "\n".join([self.refits.summary(), test, *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.refits._repr_html_() + text.as_html(self.summary().splitlines()[-1])


def subgroups(
    effects: Effects,
    *,
    by: str,
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
) -> Subgroups:
    r"""Pool each subgroup by itself, with its own tau2, and test whether they differ.

    With the estimate :math:`\hat\mu_g` of each subgroup and the standard error that its own fit
    has under ``test``, and :math:`w_g = 1 / \mathrm{se}_g^2`,

    .. math:: Q_B = \sum_g w_g (\hat\mu_g - \bar\mu)^2 \sim \chi^2_{G - 1}

    Parameters
    ----------
    effects : Effects
        One effect a study.
    by : str
        Name of the moderator that holds the subgroups. Studies without a value are left out.
    method, test, level
        As in `pool`, for each subgroup.

    Returns
    -------
    Subgroups
        A subgroup of one study is given as that study, with its reason, and takes part in the
        test with its own standard error. One whose studies all lack an effect keeps its row, with
        the reason.

    Raises
    ------
    ModelError
        If there is no such moderator, or a setting is none of those allowed.
    DataError
        If no study has a value of it, or ``effects`` are none.

    References
    ----------
    Borenstein M, Higgins JPT (2013). Meta-analysis and subgroups. Prevention Science
    14:134-143. doi:10.1007/s11121-013-0377-7

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.6, 1.4, 1.2], vi=[0.03, 0.08, 0.05, 0.04],
    ...                      moderators={"sex": ["f", "f", "m", "m"]})
    >>> result = cb.subgroups(effects, by="sex", test="z")
    >>> result.q_between_df, round(result.q_between, 2)
    (1, 13.17)
    """
    check_type("effects", effects, Effects, "give what escalc() or effects() returns")
    if not is_one_of(by, effects.moderators):
        known = ", ".join(effects.moderators) or "none"
        raise ModelError(f"by is {shown(by)}; the effects have the moderators: {known}")
    values = effects.moderators[by]
    has_value = [_has_value(value) for value in values]
    effects = effects.take(np.flatnonzero(has_value))
    fit = pool(effects, method=method, test=test, level=level)
    names = tuple(dict.fromkeys(_names(effects, by)))
    members = np.array(_names(fit.effects, by))[:, None] == np.array(names)[None, :]
    refits = refit(fit, "subgroups", names, members)
    q, df, p = between_groups(refits)
    without = has_value.count(False)
    studies = "1 study has" if without == 1 else f"{without} studies have"
    left = "is" if without == 1 else "are"
    notes = [f"{studies} no {by} and {left} left out"] if without else []
    return Subgroups(by, fit, refits, q, df, p, tuple(notes))


def between_groups(refits: Refits) -> tuple[float, int, float]:
    """Return Q, degrees of freedom and p-value of the test between the rows' estimates."""
    usable = np.isfinite(refits.batch.se) & (refits.batch.se > 0)
    if usable.sum() < 2:
        return float("nan"), max(0, int(usable.sum()) - 1), float("nan")
    estimate, weight = refits.batch.estimate[usable], refits.batch.se[usable] ** -2
    mean = (weight * estimate).sum() / weight.sum()
    q = float((weight * (estimate - mean) ** 2).sum())
    df = int(usable.sum()) - 1
    return q, df, float(special.chdtrc(df, q))


def _names(effects: Effects, by: str) -> tuple[str, ...]:
    """Return the subgroup of each study."""
    return tuple(str(value) for value in effects.moderators[by])


def _has_value(value: object) -> bool:
    return not is_missing(value) and str(value).strip() != ""
