"""Count notes: what makes the result of a one-step model one that should not be relied on."""

from __future__ import annotations

import numpy as np

from comorbid.models.climbs import Climb, inexactness
from comorbid.models.count_models import CountModel
from comorbid.models.counts import Counts

# Shares of a standard error that more nodes may move a result by before a note says so.
_MOVED = 0.05
# The largest risk of a group that counts as rare, where odds and risks are nearly the same.
_RARE = 0.1
# Standard deviation of log odds or rates with which 95 % of them span a factor of 6 million.
_RUN_AWAY = 4.0


def inexact(model: CountModel, found: Climb, nodes: int) -> list[str]:
    """Return a note where the nodes are too few for the integrals over the random effects."""
    moved = inexactness(model, found.top, nodes)
    if moved <= _MOVED:
        return []
    return [
        f"{nodes} {'node is' if nodes == 1 else 'nodes are'} too few for the integrals: more would "
        f"move the estimate or tau by about {100 * moved:.0f} % of its standard error; raise nodes"
    ]


def run_away(tau2: float, sigma2: float) -> list[str]:
    """Return a note where random effects spread as they do of groups of all or nothing alone."""
    if not any(variance > _RUN_AWAY**2 for variance in (tau2, sigma2)):
        return []
    return [
        f"random effects have a standard deviation above {_RUN_AWAY:g} on the log scale, as where "
        "groups have no events or nothing else: the likelihood is nearly flat there, and estimate, "
        "tau2 and intervals should not be relied on; compare method 'EE', penalised_logistic() or "
        "beta_binomial()"
    ]


def common_events(counts: Counts) -> list[str]:
    """Return a note where events are not as rare as the approximation of CM.AL takes them to be."""
    a, b, c, d = counts.values.sum(axis=1)
    people = np.array([a + b, c + d])
    largest = float((np.array([a, c]) / np.maximum(people, 1)).max())
    if largest <= _RARE:
        return []
    return [
        f"events are not rare ({100 * largest:.0f} % of a group): CM.AL takes odds for risks, so "
        "that its OR is nearer a risk ratio; use CM.EL"
    ]
