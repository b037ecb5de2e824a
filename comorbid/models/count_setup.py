"""Count setup: what a one-step model sees of the tables, and whether it has an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import DataError
from comorbid.models.count_models import (
    Cor,
    CountModel,
    conditional,
    edges,
    fixed_studies,
    one_group,
    random_studies,
)
from comorbid.models.counts import Counts
from comorbid.models.cumulants import Observed, binomial, hypergeometric, poisson


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What a model sees of the tables: one count a table, or two, and their offset."""

    groups: tuple[Observed, ...]
    offset: Array
    used: Mask

    @property
    def k(self) -> int:
        """Number of tables that the model sees."""
        return int(self.used.sum())

    def model(self, name: str, random: bool, cor: Cor) -> CountModel:
        """Return the model of this name, with or without random effects on the effect."""
        if name == "GLMM":
            return one_group(self.groups[0], random)
        if name == "UM.FS":
            return fixed_studies(self.groups, random)
        if name == "UM.RS":
            return random_studies(self.groups, random, cor)
        return conditional(self.groups[0], self.offset, random)


def set_up(counts: Counts, name: str, drop00: str) -> Setup:
    """Return the counts that the model has a likelihood for."""
    used = ~silent_tables(counts) | (name == "UM.RS" and drop00 == "no")
    if not used.any():
        raise DataError("no table has both events and others, in both groups: nothing to pool")
    values = counts.values[:, used]
    offset = np.zeros(values.shape[1])
    if name == "GLMM":
        one = poisson(*values) if counts.measure.id == "IRLN" else binomial(*values)
        return Setup((one,), offset, used)
    a, b, c, d = values
    if name in ("UM.FS", "UM.RS"):
        pairs = (a, b), (c, d)
        groups = tuple(poisson(x, t) if counts.rates else binomial(x, x + t) for x, t in pairs)
        return Setup(groups, offset, used)
    if name == "CM.EL" and not counts.rates:
        return Setup((hypergeometric(a, a + b, c + d, a + c),), offset, used)
    offset = np.log(b / d) if counts.rates else np.log((a + b) / (c + d))
    return Setup((binomial(a, a + c),), offset, used)


def silent_tables(counts: Counts) -> Mask:
    """Return which tables hold no comparison: no events, or nothing else, or an empty group."""
    if len(counts.values) == 2:
        return np.asarray(counts.values[1] == 0)
    a, b, c, d = counts.values
    if counts.rates:
        return np.asarray(a + c == 0)
    return np.asarray((a + c == 0) | (b + d == 0) | (a + b == 0) | (c + d == 0))


def check_finite(setup: Setup, counts: Counts) -> None:
    """Raise `DataError` where the counts lie so far to one side that the estimate is infinite."""
    low, high = [], []
    for group in setup.groups:
        least, most = edges(group)
        low.append(group.count == least)
        high.append(group.count == most)
    # of two groups, the effect is one way without end where group 1 is at its least in the tables
    # in which group 2 is not at its own, and the other way round
    if len(low) == 2:
        sides = ((low[0] | high[1]).all(), (high[0] | low[1]).all())
    else:
        sides = (low[0].all(), high[0].all())
    if any(sides):
        what = "as low as it can be" if sides[0] else "as high as it can be"
        where = "the only group" if setup.groups and len(counts.values) == 2 else "group 1"
        raise DataError(
            f"the pooled {counts.measure.id} is infinite: in every table the number of events in "
            f"{where} is {what}; penalised_logistic() gives a finite odds ratio"
        )
