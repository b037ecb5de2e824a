"""Draws of a new study's true effect that carry the uncertainty of tau2."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.intercept import Intercept

# tau2 is tabulated by factors of 2 ** (1 / 16) until less than this is left above.
_PER_DOUBLING, _LEFT = 16, 1e-9
# Studies times draws of one block.
_CELLS = 2**18


def draw_new_effects(yi: Array, vi: Array, draws: int, seed: int) -> Array:
    r"""Draw true effects of a new study from the confidence distributions of tau2 and the mean.

    .. math:: \theta = \hat\mu(\tau^2) + z \tau - t \sqrt{\frac{\sum w_i (y_i - \hat\mu)^2}
       {(k - 1) \sum w_i}}, \qquad w_i = \frac1{v_i + \tau^2}

    with z standard normal, t of Student's distribution with k - 1 degrees of freedom, and tau2
    from the distribution whose function at a value is the probability that Cochran's Q exceeds its
    observed value there; what that leaves for negative values falls on 0.

    Parameters
    ----------
    yi, vi : arrays of shape (k,)
        Effects and variances of at least two studies.
    draws, seed : int
        How many, and what the random numbers start from.

    Returns
    -------
    array of shape (draws,)

    Notes
    -----
    The distribution function is computed exactly at a grid of tau2 and interpolated between, which
    errs far less than the draws do.

    References
    ----------
    Nagashima K, Noma H, Furukawa TA (2019). Statistical Methods in Medical Research
    28:1689-1702. doi:10.1177/0962280218773520
    """
    rng = np.random.default_rng(seed)
    tau2 = _draw_tau2(yi, vi, rng.random(draws))
    normal, t = rng.standard_normal(draws), rng.standard_t(yi.size - 1, draws)
    data, effects = Intercept(yi[:, None], vi[:, None]), np.empty(draws)
    size = max(1, _CELLS // yi.size)
    for start in range(0, draws, size):
        part = slice(start, start + size)
        drawn = tau2[part]
        at = data.take(np.zeros(drawn.size, dtype=np.intp)).solve(drawn)
        se = np.sqrt(at.q / (yi.size - 1)) * at.root[0, 0]
        effects[part] = at.coefficients[0] + normal[part] * np.sqrt(drawn) - t[part] * se
    return effects


def _draw_tau2(yi: Array, vi: Array, probability: Array) -> Array:
    """Return the tau2 at which Q is below its observed value with these probabilities."""
    data = Intercept(yi[:, None], vi[:, None])
    form = GeneralisedQ(data, 1 / data.vi)
    column = np.zeros(1, dtype=np.intp)
    at_zero = float(form.below(np.zeros(1), column)[0][0])
    if at_zero <= _LEFT:
        return np.zeros(probability.size)
    low = float(vi.min()) * 1e-6
    high = float(form.q[0] / form.trace[0] + vi.max())
    while float(form.below(np.array([high]), column)[0][0]) > _LEFT:
        high *= 16
    steps = int(np.ceil(np.log2(high / low) * _PER_DOUBLING)) + 1
    grid = np.geomspace(low, high, steps)
    below = form.below(grid, np.zeros(steps, dtype=np.intp))[0]
    falling = np.minimum.accumulate(np.append(at_zero, below))
    values = np.append(low / 2, grid)
    logs = np.interp(
        np.log(np.maximum(probability, _LEFT)), np.log(falling[::-1]), np.log(values[::-1])
    )
    return np.where(probability < at_zero, np.exp(logs), 0.0)
