"""Count setup: what a one-step model sees of the tables, and whether it has an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import DataError, Problem
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
        return np.zeros(counts.k, dtype=bool)
    a, b, c, d = counts.values
    if counts.rates:
        return np.asarray(a + c == 0)
    return np.asarray((a + c == 0) | (b + d == 0) | (a + b == 0) | (c + d == 0))


def check_events(counts: Counts) -> None:
    """Raise `DataError` where no table has an event, or anything else, in one of the groups.

    Then the likelihood, of whatever model, rises without end with the estimate, or does not depend
    on it.
    """
    rows, measure = counts.values, counts.measure.id
    pairs = [(rows[i], rows[i + 1]) for i in range(0, len(rows), 2)]
    if measure == "PLO":
        pairs = [(rows[0], rows[1] - rows[0])]
    lacks = [_lacks(*pair, rates=counts.rates or measure == "IRLN") for pair in pairs]
    if not any(lacks):
        return
    if "anybody" in lacks:
        why, remedy = "no table has anybody in one of the groups", "give the counts of both groups"
    elif len(lacks) == 1:
        why, remedy = f"no table has {lacks[0]}: the pooled {measure} is infinite", _FINITE[measure]
    elif lacks[0] == lacks[1]:
        why = f"no table has {lacks[0]} in either group: they say nothing of the {measure}"
        remedy = "no model for counts can be fitted to them; leave the outcome out"
    else:
        each = [f"{lack} in group {g}" for g, lack in enumerate(lacks, start=1) if lack]
        why = f"no table has {', or '.join(each)}: the pooled {measure} is infinite"
        remedy = _FINITE[measure]
    raise DataError([Problem(why, remedy)])


_FINITE = {
    "OR": "penalised_logistic() gives a finite one",
    "IRR": "effects with measure='IRD', a difference of rates, are finite",
    "PLO": "effects with measure='PAS', a transformed proportion, are finite",
    "IRLN": "effects with measure='IRS', a transformed rate, are finite",
}


def _lacks(events: Array, others: Array, *, rates: bool) -> str:
    if not events.any():
        return "anybody" if not others.any() else "events"
    return "" if others.any() or rates else "people without the event"


def check_finite(setup: Setup, counts: Counts, name: str) -> None:
    """Raise `DataError` where the counts lie so far to one side that the estimate is infinite.

    With fixed study effects that is so if in every table group 1 is at its least, or group 2 at
    its most, or everywhere the other way round. Random ones have an end of their own, so that in
    UM.RS one of the groups must be at one edge in all tables.
    """
    low, high = [], []
    for group in setup.groups:
        least, most = edges(group)
        low.append(group.count == least)
        high.append(group.count == most)
    if name == "UM.FS":
        infinite = (low[0] | high[1]).all() or (high[0] | low[1]).all()
    else:
        infinite = any(side.all() for side in (*low, *high))
    if not infinite:
        return
    measure = counts.measure.id
    raise DataError(
        [
            Problem(
                f"the pooled {measure} is infinite: in every table that says something of it a "
                "group has no events, or nothing else, or as few or many as the margins allow",
                _FINITE[measure],
            )
        ]
    )
