"""REML as netmeta computes it without numbers for arms: a trial's contrasts taken for separate."""

from __future__ import annotations

import numpy as np

from comorbid_treatments.networks import Array, Network, Trial


def separate_reml(network: Network) -> float:
    r"""Return tau2 by restricted likelihood, a trial's contrasts taken for separately measured.

    Of each trial the contrasts against the network's reference, or where it has no such arm its
    last treatment, have the covariance

    .. math:: \mathrm{diag}(v) + \tau^2 (I + J) / 2

    so the sampling error that they share is left out while the heterogeneity that they share is
    not. With two arms a trial this is REML.

    Notes
    -----
    netmeta 3.3 does so where it was given effects and standard errors only; given the numbers for
    arms it uses the full covariance, which is `fit` with ``method="REML"``.
    """
    from scipy.optimize import minimize_scalar

    trials = [_against_one(trial, network.n) for trial in network.trials]
    y = np.concatenate([y for y, _, _ in trials])
    v = np.concatenate([v for _, v, _ in trials])
    x = np.vstack([x for _, _, x in trials])[:, 1:]
    owner = np.repeat(np.arange(len(trials)), [len(y) for y, _, _ in trials])
    shared = ((owner[:, None] == owner) + np.eye(len(y))) / 2

    def deviance(tau2: float) -> float:
        inverse = np.linalg.inv(np.diag(v) + tau2 * shared)
        information = x.T @ inverse @ x
        residual = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
        logs = np.linalg.slogdet(information)[1] - np.linalg.slogdet(inverse)[1]
        return float(logs + residual @ inverse @ residual)

    top = 10 * (float(np.ptp(y)) ** 2 + float(v.max()))
    grid = np.concatenate([[0.0], np.geomspace(1e-6 * float(v.min()), top, 120)])
    best = int(np.argmin([deviance(tau2) for tau2 in grid]))
    if best == 0:
        return 0.0
    ends = (grid[best - 1], grid[min(best + 1, len(grid) - 1)])
    found = minimize_scalar(
        deviance, bounds=ends, method="bounded", options={"xatol": 1e-12 * ends[1]}
    )
    return float(found.x)


def _against_one(trial: Trial, n: int) -> tuple[Array, Array, Array]:
    """Return a trial's contrasts against one arm, their variances and their coefficients."""
    base = 0 if trial.arms[0] == 0 else len(trial.arms) - 1
    others = [i for i in range(len(trial.arms)) if i != base]
    g = trial.covariance
    x = np.zeros((len(others), n))
    for row, i in enumerate(others):
        x[row, trial.arms[i]], x[row, trial.arms[base]] = 1, -1
    spread = np.diag(g)
    return (
        trial.effects[others] - trial.effects[base],
        spread[others] + spread[base] - 2 * g[others, base],
        x,
    )
