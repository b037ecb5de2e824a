"""Permutation tests: how often chance alone would give coefficients as large as those found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from comorbid.checks import check_whole, is_number, is_one_of, shown
from comorbid.effects.arrays import Array, Frozen, Index
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.arrangements import arrangements, count_arrangements
from comorbid.models.instead import check_kind
from comorbid.models.kernel import fit_designs
from comorbid.models.regression_result import Regression

if TYPE_CHECKING:
    import pandas as pd

Block = tuple[Array, Array, Array | None]

LIMIT = 1_000_000
# Data sets fitted at a time.
_BLOCK = 4096
# Statistics that differ by no more than rounding and the tolerance of tau2 are equal.
_EQUAL = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class PermutationTest(Frozen):
    """A permutation test of a meta-regression; made by `permutation_test`.

    Attributes
    ----------
    names : tuple of str
        The coefficients.
    statistic, p_value : arrays of shape (p,)
        Of each coefficient: the test statistic found, and the share of arrangements in which its
        absolute value is at least as large.
    qm, qm_p : float
        The same for all coefficients but the intercept together.
    exact : bool
        Whether every arrangement was tried.
    repetitions : int
        How many were; the one found counts as one of them.
    seed : int or None
        Of the random arrangements.
    measure, method, test : str
        How the regression was made.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the regression.
    """

    names: tuple[str, ...]
    statistic: Array
    p_value: Array
    qm: float
    qm_p: float
    exact: bool
    repetitions: int
    seed: int | None
    measure: str
    method: str
    test: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients indexed by term: ``statistic, p_value``."""
        import pandas as pd

        columns = {"statistic": self.statistic, "p_value": self.p_value}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="term"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "measure": self.measure,
            "method": self.method,
            "test": self.test,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "names": list(self.names),
            "statistic": self.statistic.tolist(),
            "p_value": self.p_value.tolist(),
            "qm": self.qm,
            "qm_p": self.qm_p,
            "exact": self.exact,
            "repetitions": self.repetitions,
            "seed": self.seed,
        }

    def summary(self) -> str:
        """Return the tests as text."""
        how = "all" if self.exact else "random"
        head = f"Permutation test ({self.repetitions} {how} arrangements)"
        table = self.to_frame().to_string(
            float_format=text.number, formatters={"p_value": text.p_value}, index_names=False
        )
        omnibus = f"Test of moderators: {text.number(self.qm)}, p {text.p_value(self.qm_p)}"
        return "\n".join([head, table, omnibus])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def permutation_test(
    regression: Regression,
    *,
    repetitions: int | Literal["exact"] = "exact",
    seed: int | None = None,
) -> PermutationTest:
    r"""Test coefficients against their distribution when moderators are dealt out at random.

    The rows of the design are dealt to the studies, each of which keeps its effect, its variance
    and its weight; without moderators the effects' signs are flipped. With B arrangements, each
    refitted by the regression's own method and test,

    .. math:: p = \frac{\#\{|t^*| \ge |t|\}}{B}, \qquad
       p = \frac{1 + \#\{|t^*| \ge |t|\}}{B}

    when all are tried, and when B - 1 are drawn at random beside the one found.

    Parameters
    ----------
    regression : Regression
        Of ``"~ 1"`` for a pooled effect.
    repetitions : int or "exact"
        All distinct arrangements (:math:`k! / \prod n_g!` with :math:`n_g` rows alike; without
        moderators :math:`2^k`), if they are no more than 1,000,000; or how many, B.
    seed : int, optional
        Of the random arrangements, which need one.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ModelError
        If there are too many arrangements to try them all, a seed is missing, a setting is none of
        those allowed, or weights of 0 leave an arrangement without coefficients.
    DataError
        If ``regression`` is not what `regress` returns.

    References
    ----------
    Higgins JPT, Thompson SG (2004). Statistics in Medicine 23:1663-1682. doi:10.1002/sim.1752
    Follmann DA, Proschan MA (1999). Biometrics 55:732-737.
    doi:10.1111/j.0006-341X.1999.00732.x
    Phipson B, Smyth GK (2010). Statistical Applications in Genetics and Molecular Biology 9:39.
    doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> test = permutation_test(regress(effects, "~ year", method="DL"))
    >>> test.repetitions, round(float(test.p_value[1]), 4)
    (120, 0.0333)
    """
    check_kind(
        regression,
        Regression,
        "give what regress() returns",
        name="regression",
        Multilevel="of dependent rows, wild_bootstrap(fit)",
    )
    groups = _Groups(regression)
    exact = is_one_of(repetitions, ("exact",))
    if exact:
        total = groups.count
        if total > LIMIT:
            raise ModelError(
                f"there are {total:,} arrangements, more than {LIMIT:,}; give a number of "
                "repetitions and a seed"
            )
        blocks, least, seed = groups.every(), 0, None
    else:
        total = _checked(repetitions, seed)  # type: ignore[arg-type]
        blocks, least = groups.random(total - 1, np.random.default_rng(seed)), 1
    found = np.append(np.abs(regression.statistic), regression.qm)
    reached = np.full(found.size, least)
    for block in blocks:
        reached += (_statistics(regression, groups.x, *block) >= _floor(found)).sum(axis=1)
    p_value = reached / total
    return PermutationTest(
        names=regression.names,
        statistic=regression.statistic,
        p_value=p_value[:-1],
        qm=regression.qm,
        qm_p=float(p_value[-1]),
        exact=exact,
        repetitions=total,
        seed=seed,
        **{name: v for name, v in regression.made.items() if name != "level"},
    )


def _checked(repetitions: int, seed: int | None) -> int:
    whole = isinstance(repetitions, Integral) and is_number(repetitions)
    if not whole or repetitions < 2:
        raise ModelError(
            f"repetitions is {shown(repetitions)}; use 'exact' or a number of at least 2"
        )
    if seed is None:
        raise ModelError("random arrangements need a seed, a whole number that repeats them")
    check_whole("seed", seed, least=0)
    return int(repetitions)


def _floor(found: Array) -> Array:
    return (found - _EQUAL * np.maximum(1.0, found))[:, None]


def _statistics(
    regression: Regression, x: Array | None, yi: Array, vi: Array, weights: Array | None
) -> Array:
    """Return absolute statistics of the coefficients and the omnibus test, of shape (p + 1, n)."""
    fits = fit_designs(
        yi,
        vi,
        x,
        estimator=regression.estimator,
        test=regression.test,
        level=regression.level,
        weights=weights,
    )
    if np.isnan(fits.coefficients).any():
        raise ModelError(
            "weights of 0 leave some arrangements without coefficients; give each study a weight "
            "above 0"
        )
    return np.vstack([np.abs(fits.statistic), fits.wald(regression.design.tested)[0]])


class _Groups:
    """The studies of a regression by equal rows of its design, and the ways to rearrange them.

    ``x`` is the design with equal rows together, or None; blocks are ``yi``, ``vi`` and the
    analyst's weights, if there are any, of shape (k, n), dealt to its rows.
    """

    def __init__(self, regression: Regression) -> None:
        self.yi, self.vi, self.weights = regression.arrays
        self.k = regression.k
        self.flips = regression.design.intercept_only
        rows, group = np.unique(regression.design.x, axis=0, return_inverse=True)
        self.sizes = np.bincount(group.ravel()).tolist()
        self.x = None if self.flips else np.repeat(rows, self.sizes, axis=0)

    @property
    def count(self) -> int:
        """How many arrangements there are."""
        return 2**self.k if self.flips else count_arrangements(self.sizes)

    def every(self) -> Iterator[Block]:
        """Yield every arrangement once, in blocks."""
        for start in range(0, self.count, _BLOCK):
            numbers = np.arange(start, min(start + _BLOCK, self.count))
            if self.flips:
                bits = numbers >> np.arange(self.k)[:, None] & 1
                yield self._flipped(bits)
            else:
                # Places of a group, in order, are the studies that its rows are dealt to.
                dealt = arrangements(self.sizes, numbers)
                yield self._dealt(np.argsort(dealt, axis=0, kind="stable"))

    def random(self, count: int, rng: np.random.Generator) -> Iterator[Block]:
        """Yield random arrangements, in blocks."""
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            if self.flips:
                yield self._flipped(rng.integers(0, 2, size=(self.k, size)))
            else:
                yield self._dealt(rng.permuted(np.tile(np.arange(self.k)[:, None], size), axis=0))

    def _flipped(self, bits: Index) -> Block:
        vi = np.broadcast_to(self.vi, bits.shape)
        return np.where(bits == 1, -self.yi, self.yi), vi, self.weights

    def _dealt(self, order: Index) -> Block:
        weights = None if self.weights is None else self.weights[order, 0]
        return self.yi[order, 0], self.vi[order, 0], weights
