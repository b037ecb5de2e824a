"""Multilevel effects: what the whole evidence says of each group, and of each single effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.containment import term_freedom
from comorbid.models.frames import as_text
from comorbid.models.random_effects import StudyPredictions
from comorbid.models.random_terms import Random
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level
from comorbid.models.solution import Solution, solution
from comorbid.models.student import t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel

_COLUMNS = ("pred", "se", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RandomEffects(Recorded):
    """Random effects of the groups of each term; made by `Multilevel.ranef`.

    Attributes
    ----------
    terms, groups : tuples of str
        The term, and its group, with the level of its inner factor if there is one.
    pred, se, pi_low, pi_high : arrays of shape (n,)
        Prediction, its standard error, and its interval, on the analysis scale.
    """

    terms: tuple[str, ...]
    groups: tuple[str, ...]
    pred: Array
    se: Array
    pi_low: Array
    pi_high: Array

    def to_frame(self) -> pd.DataFrame:
        """Return ``pred, se, pi_low, pi_high`` by term and group, in full precision."""
        import pandas as pd

        index = pd.MultiIndex.from_arrays([self.terms, self.groups], names=["term", "group"])
        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS}, index=index)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, names and columns as plain lists."""
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        return {**self.made(), "terms": list(self.terms), "groups": list(self.groups), **columns}

    def summary(self) -> str:
        """Return the table as text."""
        return f"Random effects ({self.method}), analysis scale\n{as_text(self.to_frame())}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def random_effects(fit: Multilevel, level: float | None = None) -> RandomEffects:
    r"""Predict the random effects of each term, with intervals.

    .. math:: \hat u = G Z'P y, \qquad
       \operatorname{var}(\hat u - u) = G - G Z'P Z G, \qquad
       P = W - WX(X'WX)^{-1}X'W

    Robinson GK (1991). That BLUP is a good thing: the estimation of random effects. Statistical
    Science 6:15-32. doi:10.1214/ss/1177011926
    """
    level = _level(fit, level)
    at_maximum = solution(fit)
    found = [_of_term(fit, at_maximum, place, level) for place in range(len(fit.model.terms))]
    names = [name for part in found for name in part[0]]
    columns = np.concatenate([part[1] for part in found], axis=1)
    return RandomEffects(
        terms=tuple(term for term, _ in names),
        groups=tuple(group for _, group in names),
        **dict(zip(_COLUMNS, columns, strict=True)),
        **fit.made | {"level": level},
    )


def true_effects(fit: Multilevel, level: float | None = None) -> StudyPredictions:
    r"""Predict the true effect behind each row: what is expected of it and its random effects.

    .. math:: \hat\theta = y - VPy, \qquad \operatorname{var}(\hat\theta - \theta) = V - VPV

    Robinson GK (1991). Statistical Science 6:15-32. doi:10.1214/ss/1177011926
    """
    level = _level(fit, level)
    pred, variance = np.empty(fit.k), np.empty(fit.k)
    at_maximum = solution(fit)
    for blocks, at in at_maximum.blocks:
        real, rows = blocks.stack.real, blocks.stack.rows[blocks.stack.real]
        rest, p = at_maximum.projected(at)
        shrunk = (blocks.v @ rest[..., None])[..., 0]
        pred[rows] = fit.effects.yi[rows] - shrunk[real] * fit.model.unit
        own = np.einsum("mii->mi", blocks.v - blocks.v @ p @ blocks.v)
        variance[rows] = own[real] * fit.model.unit**2
    se = np.sqrt(np.maximum(variance, 0))
    df = np.where(fit.x != 0, fit.df, np.inf).min(axis=1)
    half = t_quantile(df, (1 + level) / 2) * se
    return StudyPredictions(
        kind="blup",
        labels=fit.effects.labels,
        pred=pred,
        se=se,
        pi_low=pred - half,
        pi_high=pred + half,
        **fit.made | {"level": level},
    )


def _of_term(
    fit: Multilevel, at_maximum: Solution, place: int, level: float
) -> tuple[list[tuple[str, str]], Array]:
    """Return the names of the effects of one term, and their four columns."""
    term = fit.model.terms[place]
    pred, variance = at_maximum.effects(place)
    pred, variance = pred * fit.model.unit, variance * fit.model.unit**2
    cells = term.group * max(len(term.levels), 1) + term.inner
    first = np.unique(cells, return_index=True)[1]
    pred, se = pred[first], np.sqrt(np.maximum(variance[first], 0))
    df = np.inf
    if fit.test == "t":
        df = term_freedom(fit.dfs, fit.k, fit.p, len(term.groups))
    half = float(t_quantile(np.array([df]), (1 + level) / 2)[0]) * se
    names = [(term.name, _group_name(term, int(row))) for row in first]
    return names, np.array([pred, se, pred - half, pred + half])


def _group_name(term: Random, row: int) -> str:
    group = term.groups[term.group[row]]
    return f"{term.levels[term.inner[row]]} | {group}" if term.levels else group


def _level(fit: Multilevel, level: float | None) -> float:
    if level is None:
        return fit.level
    check_level(level)
    return level
