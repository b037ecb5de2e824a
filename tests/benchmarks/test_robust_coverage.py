"""How often intervals for dependent effects hold the truth; printed, not asserted.

Seeded simulation: m studies with 2 to 8 effects each, true effects that differ between studies
and within them, and sampling errors that correlate by 0.6 within a study. The slope is that of a
moderator that a third of the studies have.
``tox run -e bench -- tests/benchmarks/test_robust_coverage.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from truth import Share

import comorbid as cb

pytestmark = pytest.mark.benchmark

CLUSTERS, SETS = (5, 10, 40), 200
MEAN, SLOPE, RHO = 0.5, 0.0, 0.6
BETWEEN, WITHIN = 0.04, 0.01


def simulated(m: int, rng: np.random.Generator) -> cb.Effects:
    study = np.repeat(np.arange(m), rng.integers(2, 9, m))
    k = study.size
    vi = rng.uniform(0.02, 0.1, k)
    errors = np.sqrt(RHO) * rng.normal(size=m)[study] + np.sqrt(1 - RHO) * rng.normal(size=k)
    random = np.sqrt(BETWEEN) * rng.normal(size=m)[study] + np.sqrt(WITHIN) * rng.normal(size=k)
    some = (study % 3 == 0).astype(float)
    yi = MEAN + SLOPE * some + random + np.sqrt(vi) * errors
    return cb.Effects(yi=yi, vi=vi, studies=study.tolist(), moderators={"some": some})


def holds(low: float, high: float, truth: float) -> bool:
    return low <= truth <= high


def once(effects: cb.Effects) -> dict[str, tuple[bool, bool]]:
    """Whether each method's interval of the mean and of the slope holds the truth."""
    pooled, slope = cb.pool(effects), cb.regress(effects, "~ some")
    found = {"as if independent": (pooled.ci, (slope.ci_low[1], slope.ci_high[1]))}
    for vcov in ("CR0", "CR1p", "CR2", "CR3"):
        mean, regression = cb.robust(pooled, vcov=vcov), cb.robust(slope, vcov=vcov)
        found[vcov] = (tuple(mean.ci[0]), tuple(regression.ci[1]))
    mean, regression = cb.che(effects, rho=RHO), cb.che(effects, "~ some", rho=RHO)
    found["CHE, CR2"] = (tuple(mean.ci[0]), tuple(regression.ci[1]))
    # By inversion; 5 clusters have 16 patterns of signs, which reject nothing at 0.05.
    ends = [cb.wild_bootstrap(fit, draws=499).ci() for fit in (pooled, slope)]
    found["wild bootstrap"] = (ends[0], ends[1])
    return {name: (holds(*one, MEAN), holds(*other, SLOPE)) for name, (one, other) in found.items()}


def test_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    heads = [f"{what}, m = {m}" for what in ("mean", "slope") for m in CLUSTERS]
    columns: dict[str, list[tuple[Share, Share]]] = {}
    for m in CLUSTERS:
        rng = np.random.default_rng(20220101 + m)
        sets = [once(simulated(m, rng)) for _ in range(SETS)]
        for name in sets[0]:
            shares = (Share(sum(s[name][i] for s in sets), SETS) for i in (0, 1))
            columns.setdefault(name, []).append((next(shares), next(shares)))
    lines = [f"{SETS} sets each; % of 95 % intervals (standard error)"]
    lines.append(f"{'':<20}" + "".join(f"{head:>15}" for head in heads))
    for name, by_size in columns.items():
        cells = [*(str(mean) for mean, _ in by_size), *(str(slope) for _, slope in by_size)]
        lines.append(f"{name:<20}" + "".join(f"{cell:>15}" for cell in cells))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert len(columns) == 7
