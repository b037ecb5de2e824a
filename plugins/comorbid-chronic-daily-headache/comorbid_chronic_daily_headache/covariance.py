"""Covariance of the estimates of one study that share a reference group.

Log ratios of several levels against one reference have a common part: the reference group. Where
cases and people are printed by level, Greenland and Longnecker (1992) reconstruct the covariance;
where they are not, it lies in a range.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

import comorbid as cb

Array = npt.NDArray[np.float64]
Measure = Literal["OR", "RR", "IRR"]

TINY = 1e-14
"""How exactly roots are found."""


def greenland_longnecker(
    log_ratios: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    cases: npt.ArrayLike,
    totals: npt.ArrayLike,
    measure: str = "OR",
) -> Array:
    r"""Reconstruct the covariance of log ratios by the method of Greenland and Longnecker.

    With the fitted counts of `fitted_cases` the variance that level j adds is :math:`c_j`, that
    of the reference :math:`c_0`, and with the variances :math:`v_j` as printed

    .. math:: \mathrm{cov}_{jk} = r_{jk} \sqrt{v_j v_k}, \qquad
       r_{jk} = \frac{c_0}{\sqrt{(c_0 + c_j)(c_0 + c_k)}}

    where :math:`c` is 1/cases + 1/non-cases for odds ratios, 1/cases - 1/people for risk ratios,
    and 1/cases for rate ratios.

    Parameters
    ----------
    log_ratios, variances : array_like of shape (levels,)
        Adjusted log ratios against the reference, and their variances.
    cases, totals : array_like of shape (levels + 1,)
        Cases and people (person-time for IRR) of the reference, then of each level; crude.
    measure : {"OR", "RR", "IRR"}
        What the ratios are.

    Returns
    -------
    array of shape (levels, levels)

    Raises
    ------
    DataError
        If shapes differ, or a number is impossible.
    ModelError
        If the measure is another, or no counts with these margins have these ratios.

    References
    ----------
    Greenland S, Longnecker MP (1992). American Journal of Epidemiology 135:1301-1309.
    doi:10.1093/oxfordjournals.aje.a116237

    Examples
    --------
    Alcohol and breast cancer (Rohan and McMichael 1988), the example of the paper:

    >>> y, ends = np.log([0.80, 1.16, 1.57]), np.log([[0.51, 0.73, 0.99], [1.27, 1.85, 2.51]])
    >>> v = ((ends[1] - ends[0]) / 3.92) ** 2
    >>> V = greenland_longnecker(y, v, cases=[165, 74, 90, 122], totals=[337, 167, 186, 212])
    >>> V[0, 1:].round(4).tolist()
    [0.0188, 0.0194]
    """
    y, v, a, n = checked(log_ratios, variances, cases, totals, measure)
    fitted = fitted_cases(y, cases=a, totals=n, measure=measure)
    c = variance_parts(fitted, n, measure)
    own = np.sqrt(v / (c[0] + c[1:]))
    covariance: Array = c[0] * np.outer(own, own)
    np.fill_diagonal(covariance, v)
    return covariance


def fitted_cases(
    log_ratios: npt.ArrayLike,
    *,
    cases: npt.ArrayLike,
    totals: npt.ArrayLike,
    measure: str = "OR",
) -> Array:
    r"""Return the cases that have the adjusted ratios and the crude table's margins.

    The people at each level and the sum of all cases stay as they are. For odds ratios
    :math:`A_j = N_j / (1 + e^{-L_j - t})` with :math:`L_0 = 0` and the one t that makes the sum
    right; for the others :math:`A_j \propto N_j e^{L_j}`. It is the point that Greenland and
    Longnecker's iteration converges to.

    Parameters
    ----------
    log_ratios, cases, totals, measure
        As in `greenland_longnecker`.

    Returns
    -------
    array of shape (levels + 1,)
        Reference first.

    Raises
    ------
    DataError, ModelError
        As in `greenland_longnecker`.

    Examples
    --------
    >>> fitted_cases([0.0], cases=[10, 30], totals=[100, 100]).tolist()
    [20.0, 20.0]
    """
    from scipy import optimize, special

    y, _, a, n = checked(log_ratios, np.ones_like(log_ratios), cases, totals, measure)
    logs = np.concatenate([[0.0], y])
    if measure == "OR":
        middle = special.logit(a.sum() / n.sum())
        t = optimize.brentq(
            lambda t: float((n * special.expit(logs + t)).sum() - a.sum()),
            middle - logs.max() - 1,
            middle - logs.min() + 1,
            xtol=TINY,
        )
        return np.asarray(n * special.expit(logs + t))
    shares = n * np.exp(logs)
    fitted = np.asarray(a.sum() * shares / shares.sum())
    if measure == "RR" and (fitted >= n).any():
        raise cb.ModelError(
            "no counts have these risk ratios: some level would have more cases than people"
        )
    return fitted


def variance_parts(cases: Array, totals: Array, measure: str) -> Array:
    """Return what each level, reference first, adds to the variance of a log ratio."""
    if measure == "OR":
        return np.asarray(1 / cases + 1 / (totals - cases))
    return np.asarray(1 / cases - (1 / totals if measure == "RR" else 0.0))


def largest_shared(
    variances: npt.ArrayLike, *, n: npt.ArrayLike = np.nan, measure: str = "OR"
) -> float:
    r"""Return the largest variance that the reference group can have; the smallest is 0.

    Each variance is the reference's part, which is the covariance of every pair, and a part of
    the level's own. The own part cannot be negative, and of a log odds ratio in at most n people
    it is at least :math:`1/a + 1/b \ge 4/n`.

    Parameters
    ----------
    variances : array_like of shape (levels,)
        Of the log ratios.
    n : float or array_like of shape (levels,)
        People behind them; nan if unknown.
    measure : str
        The bound by people is for ``OR`` alone.

    Returns
    -------
    float
        At least 0.

    Examples
    --------
    >>> round(largest_shared([0.035, 0.194], n=796), 4), largest_shared([0.035, 0.194])
    (0.03, 0.035)
    """
    people = np.asarray(n, dtype=np.float64)
    own = np.where(np.isfinite(people), 4 / people, 0.0) if measure == "OR" else 0.0
    return max(0.0, float(np.min(np.asarray(variances, dtype=np.float64) - own)))


def with_shared(variances: npt.ArrayLike, shared: npt.ArrayLike) -> Array:
    """Return the covariance matrices in which every pair has the covariance ``shared``.

    Parameters
    ----------
    variances : array_like of shape (levels,)
    shared : array_like of shape (...)

    Returns
    -------
    array of shape (..., levels, levels)

    Examples
    --------
    >>> with_shared([0.04, 0.09], 0.01).tolist()
    [[0.04, 0.01], [0.01, 0.09]]
    """
    v, c = np.asarray(variances, dtype=np.float64), np.asarray(shared, dtype=np.float64)
    eye = np.eye(v.size)
    return np.asarray(c[..., None, None] * (1 - eye) + v * eye)


def checked(
    log_ratios: npt.ArrayLike,
    variances: npt.ArrayLike,
    cases: npt.ArrayLike,
    totals: npt.ArrayLike,
    measure: str,
) -> tuple[Array, Array, Array, Array]:
    """Return the arrays, or raise with everything that is wrong with them."""
    if measure not in get_args(Measure):
        raise cb.ModelError(f"measure is {measure!r}; use one of {', '.join(get_args(Measure))}")
    y, v = (np.asarray(x, dtype=np.float64) for x in (log_ratios, variances))
    a, n = (np.asarray(x, dtype=np.float64) for x in (cases, totals))
    if (
        y.ndim != 1
        or not y.size
        or v.shape != y.shape
        or a.shape != (y.size + 1,)
        or n.shape != a.shape
    ):
        raise cb.DataError(
            f"log_ratios has shape {y.shape}, variances {v.shape}, cases {a.shape}, totals "
            f"{n.shape}; give one value a level, and for cases and totals the reference before it"
        )
    everyone = measure != "IRR"
    rules = {
        "a log ratio is not finite": np.isfinite(y),
        "a variance is not positive and finite": np.isfinite(v) & (v > 0),
        "a number of cases is negative or not finite": np.isfinite(a) & (a >= 0),
        "a total is not positive and finite": np.isfinite(n) & (n > 0),
        "there are more cases than people": (a <= n) | (not everyone),
        "there are no cases": a.sum() > 0,
        "there are no people who are not cases": (a.sum() < n.sum()) | (not everyone),
    }
    wrong = [message for message, holds in rules.items() if not np.all(holds)]
    if wrong:
        raise cb.DataError("; ".join(wrong))
    return y, v, a, n
