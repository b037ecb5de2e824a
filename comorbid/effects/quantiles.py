"""Means and standard deviations from medians, quartiles and ranges."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from comorbid.checks import check_choice, names, numbers
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.table import default_labels
from comorbid.errors import AssumptionWarning, DataError, DataWarning, Problem

if TYPE_CHECKING:
    import pandas as pd

Skewed = Literal["leave-out", "keep"]
_NAMES = ("minimum", "q1", "median", "q3", "maximum")
_FEWEST = 5


def means_from_quantiles(
    *,
    n: ArrayLike,
    minimum: ArrayLike | None = None,
    q1: ArrayLike | None = None,
    median: ArrayLike | None = None,
    q3: ArrayLike | None = None,
    maximum: ArrayLike | None = None,
    labels: Sequence[str] = (),
    skewed: Skewed = "leave-out",
) -> pd.DataFrame:
    r"""Estimate means and standard deviations from what a study gives of its five numbers.

    With the range, the quartiles, or both, under a normal distribution of the data:

    .. math:: \bar x = w_1 \frac{a + b}{2} + w_2 \frac{q_1 + q_3}{2} + (1 - w_1 - w_2)\, m, \qquad
       s = u \frac{b - a}{\xi} + (1 - u) \frac{q_3 - q_1}{\eta}

    where :math:`\xi = 2 \Phi^{-1}\!\left(\frac{n - 0.375}{n + 0.25}\right)` and
    :math:`\eta = 2 \Phi^{-1}\!\left(\frac{0.75 n - 0.125}{n + 0.25}\right)`. The weights are
    Luo's for the mean and Shi's for the standard deviation.

    Parameters
    ----------
    n : array_like of shape (k,)
        People of each study, 5 or more.
    minimum, q1, median, q3, maximum : array_like of shape (k,), optional
        Missing values are nan.
    labels : sequence of str, optional
        One a study. Default ``Study 1``, ``Study 2``, ...
    skewed : {"leave-out", "keep"}
        What becomes of a study whose numbers are skewed by the test of Shi (5 % level).

    Returns
    -------
    pandas.DataFrame
        Indexed by label: ``mean, sd``, nan where they cannot be estimated; ``skewness`` and
        ``critical``, the test's statistic and the value above which it is significant.

    Raises
    ------
    DataError
        If the numbers are not in order, lengths differ, or there are fewer than 5 people.
    ModelError
        If ``skewed`` is neither of the two.

    Warns
    -----
    AssumptionWarning
        The data are taken as normal.
    DataWarning
        Names the studies left out as skewed.

    References
    ----------
    Luo D, Wan X, Liu J, Tong T (2018). Statistical Methods in Medical Research 27:1785-1805.
    doi:10.1177/0962280216669183
    Wan X, Wang W, Liu J, Tong T (2014). BMC Medical Research Methodology 14:135.
    doi:10.1186/1471-2288-14-135
    Shi J, Luo D, Weng H, Zeng XT, Lin L, Chu H, Tong T (2020). Research Synthesis Methods
    11:641-654. doi:10.1002/jrsm.1429
    Shi J, Luo D, Wan X, Liu Y, Liu J, Bian Z, Tong T (2023). Statistical Methods in Medical
    Research 32:1338-1360. doi:10.1177/09622802231172043

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     print(means_from_quantiles(n=[40], q1=[5], median=[9], q3=[12]).round(3))
              mean     sd  skewness  critical
    label
    Study 1  8.645  5.383     0.143     0.417
    """
    import pandas as pd

    check_choice("skewed", skewed, get_args(Skewed))
    given = dict(zip(_NAMES, (minimum, q1, median, q3, maximum), strict=True))
    five, size = _arrays(given, n)
    slab = names("labels", labels) or default_labels(size.size)
    _check(five, size, slab)
    with np.errstate(all="ignore"):
        mean, sd = _estimates(five, size)
        skewness, critical = _skewness(five, size)
    out = skewness > critical
    if skewed == "leave-out":
        mean, sd = np.where(out, np.nan, mean), np.where(out, np.nan, sd)
        if out.any():
            which = ", ".join(slab[i] for i in np.flatnonzero(out).tolist())
            message = f"skewed, so no mean and standard deviation are estimated: {which}"
            warnings.warn(message, DataWarning, stacklevel=2)
    if np.isfinite(sd).any():
        message = "means and standard deviations from quantiles: the data are taken as normal"
        warnings.warn(message, AssumptionWarning, stacklevel=2)
    columns = {"mean": mean, "sd": sd, "skewness": skewness, "critical": critical}
    return pd.DataFrame(columns, index=pd.Index(slab, name="label"))


def _arrays(given: Mapping[str, ArrayLike | None], n: ArrayLike) -> tuple[dict[str, Array], Array]:
    size = np.atleast_1d(numbers("n", n))
    if size.ndim > 1:
        raise DataError(f"n has shape {size.shape}; give one value a study")
    five: dict[str, Array] = {}
    problems: list[Problem] = []
    for name, values in given.items():
        try:
            array = numbers(name, np.nan if values is None else values)
        except DataError as error:
            problems += error.problems
            continue
        if array.ndim > 1 or array.size not in (1, size.size):
            problems.append(Problem(f"{name} has shape {array.shape}", "give one value a study"))
            continue
        five[name] = np.broadcast_to(array, size.size)
    if problems:
        raise DataError(problems)
    return five, size


def _check(five: Mapping[str, Array], n: Array, slab: Sequence[str]) -> None:
    if len(slab) != n.size:
        raise DataError(f"labels has {len(slab)} values for {n.size} studies; give one a study")
    problems = [
        Problem(f"{slab[i]}: n is {n[i]:g}", f"these methods need {_FEWEST} people or more")
        for i in np.flatnonzero(~((n >= _FEWEST) & np.isfinite(n))).tolist()
    ]
    problems += [
        Problem(f"{slab[i]}: {name} is {values[i]:g}", "give a finite number, or nan")
        for name, values in five.items()
        for i in np.flatnonzero(np.isinf(values)).tolist()
    ]
    for i in range(n.size):
        known = [name for name in _NAMES if not np.isnan(five[name][i])]
        values = [float(five[name][i]) for name in known]
        if values != sorted(values):
            shown = ", ".join(f"{a} {b:g}" for a, b in zip(known, values, strict=True))
            problems.append(Problem(f"{slab[i]}: {shown}", "the five numbers must not fall"))
    if problems:
        raise DataError(problems)


def _has(five: Mapping[str, Array], *names: str) -> Mask:
    return np.asarray(np.all([~np.isnan(five[name]) for name in names], axis=0))


def _estimates(five: Mapping[str, Array], n: Array) -> tuple[Array, Array]:
    a, q1, m, q3, b = (five[name] for name in _NAMES)
    ends, quartiles = _has(five, "minimum", "maximum"), _has(five, "q1", "q3")
    range_weight = np.where(quartiles, 2.2 / (2.2 + n**0.75), 4 / (4 + n**0.75)) * ends
    quartile_weight = np.where(ends, 0.7 - 0.72 / n**0.55, 0.7 + 0.39 / n) * quartiles
    middle = (1 - range_weight - quartile_weight) * m
    mean = _part(range_weight, a + b) / 2 + _part(quartile_weight, q1 + q3) / 2 + middle
    share = np.where(quartiles, 1 / (1 + 0.07 * n**0.6), 1.0) * ends
    xi = 2 * special.ndtri((n - 0.375) / (n + 0.25))
    eta = 2 * special.ndtri((0.75 * n - 0.125) / (n + 0.25))
    sd = _part(share, (b - a) / xi) + _part((1 - share) * quartiles, (q3 - q1) / eta)
    some = ends | quartiles
    return np.where(some, mean, np.nan), np.where(some, sd, np.nan)


def _part(weight: Array, values: Array) -> Array:
    """Return weight times values, 0 where the weight is, whatever the value."""
    return np.where(weight == 0, 0.0, weight * values)


def _skewness(five: Mapping[str, Array], n: Array) -> tuple[Array, Array]:
    a, q1, m, q3, b = (five[name] for name in _NAMES)
    ends, quartiles = _has(five, "minimum", "maximum"), _has(five, "q1", "q3")
    by_range, by_quartiles = np.abs(a + b - 2 * m) / (b - a), np.abs(q1 + q3 - 2 * m) / (q3 - q1)
    both = np.maximum(2.65 * np.log(0.6 * n) / np.sqrt(n) * by_range, by_quartiles)
    choose = [ends & quartiles, ends, quartiles]
    critical = [
        2.97 / np.sqrt(n) - 39.1 / n**3,
        1.01 / np.log(n + 9) + 2.43 / (n + 1),
        2.66 / np.sqrt(n) - 5.92 / n**2,
    ]
    statistic = np.select(choose, [both, by_range, by_quartiles], np.nan)
    return statistic, np.where(np.isnan(statistic), np.nan, np.select(choose, critical, np.nan))
