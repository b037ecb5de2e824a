"""Subsets: the fits of all subsets of the studies (GOSH), or of a random sample of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_whole
from comorbid.effects.arrays import Array, Frozen, Index, Mask
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.compiled import Engine, check_engine
from comorbid.models.fit import Fit
from comorbid.models.fits import Outlines
from comorbid.models.kernel import Batch, DesignFits
from comorbid.models.regression_result import Regression
from comorbid.sensitivity import membership
from comorbid.sensitivity.membership import Packed
from comorbid.sensitivity.refitting import Pooled, check_refittable, refit_in_blocks

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("estimate", "i2", "tau2", "q", "k")
_PROBABILITIES = (0.0, 0.025, 0.25, 0.5, 0.75, 0.975, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Subsets(Frozen):
    """Fits of subsets of the studies; made by `subsets`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    estimate, i2, tau2, q : arrays of shape (n,); estimate (p, n) for a regression
        One a subset, analysis scale (i2 a percentage). Of one study there is an estimate only.
    k : integer array of shape (n,)
        Studies in each subset.
    packed : array of shape (n, ceil(studies / 8)), 8-bit unsigned
        Membership: bit ``j % 8``, the lowest first, of byte ``j // 8`` is study j.
    total : int
        How many subsets there are, the empty one not counted; n < total is a random sample.
    failures : dict of int to str
        For each subset whose refit failed, why; its row is nan.
    measure, scale, method : str
        How the rows were fitted.
    seed : int
        Of the random sample.
    ids : tuple of str
        The estimates that subsets are made of.
    warnings : tuple of str
        What the fit of all of them warned of.
    names : tuple of p str
        The coefficients of a regression; none for a pooled effect.
    """

    labels: tuple[str, ...]
    estimate: Array
    i2: Array
    tau2: Array
    q: Array
    k: Index
    packed: Packed
    total: int
    failures: dict[int, str]
    measure: str
    scale: str
    method: str
    seed: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.k.size)

    def includes(self, label: str) -> Mask:
        """Return for each subset whether the study belongs to it.

        Raises
        ------
        ModelError
            If there is no such study.
        """
        if label not in self.labels:
            raise ModelError(f"no study {label!r}; the studies are {', '.join(self.labels)}")
        j = self.labels.index(label)
        return np.asarray((self.packed[:, j // 8] >> (j % 8)) & 1, dtype=bool)

    def members(self, rows: slice = slice(None)) -> Mask:
        """Return membership of the subsets ``rows`` as a boolean array of shape (studies, n)."""
        return membership.members(self.packed[rows], len(self.labels))

    def to_frame(self) -> pd.DataFrame:
        """Return ``estimate, i2, tau2, q, k``, one row a subset.

        Of a regression, ``estimate_NAME`` for each coefficient.
        """
        import pandas as pd

        return pd.DataFrame(self._columns(), index=pd.RangeIndex(len(self), name="subset"))

    def quantiles(self) -> pd.DataFrame:
        """Return how the columns are distributed: quantiles as rows, nan rows left out."""
        import pandas as pd

        with np.errstate(invalid="ignore"):
            columns = {
                name: np.quantile(values[np.isfinite(values)], _PROBABILITIES)
                if np.isfinite(values).any()
                else np.full(len(_PROBABILITIES), np.nan)
                for name, values in self._columns().items()
            }
        return pd.DataFrame(columns, index=pd.Index(_PROBABILITIES, name="probability"))

    def _columns(self) -> dict[str, Array]:
        columns: dict[str, Array] = {name: getattr(self, name) for name in _COLUMNS}
        if not self.names:
            return columns
        del columns["estimate"]
        estimates = zip(self.names, self.estimate, strict=True)
        return {**{f"estimate_{name}": values for name, values in estimates}, **columns}

    def to_dict(self) -> dict[str, Any]:
        """Return settings and the distribution of the columns; the subsets are too many."""
        table = self.quantiles()
        return {
            "measure": self.measure,
            "method": self.method,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            "n": len(self),
            "total": self.total,
            "seed": self.seed,
            "failed": len(self.failures),
            "probabilities": list(_PROBABILITIES),
            **{str(name): table[name].tolist() for name in table},
        }

    def summary(self) -> str:
        """Return the distribution of the columns as text."""
        which = "all" if len(self) == self.total else f"{len(self):,} random ones of the"
        head = f"{which} {self.total:,} subsets of {len(self.labels)} studies ({self.method})"
        body = self.quantiles().to_string(
            float_format=lambda value: text.number(value, 4), na_rep="-"
        )
        what = "refits gave no estimate, of too few or too similar studies among them"
        failed = [f"Note: {len(self.failures):,} {what}"] if self.failures else []
        return "\n".join([head[0].upper() + head[1:], body, *failed])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def subsets(
    fit: Pooled | Regression, *, limit: int = 2**20, seed: int = 1, engine: Engine = "numpy"
) -> Subsets:
    r"""Refit every subset of the studies (GOSH), or a random sample where there are too many.

    The :math:`2^k - 1` fits of a homogeneous set of studies form one symmetric cloud; several
    clouds point to groups of studies, or to single ones, that differ.

    Parameters
    ----------
    fit : Fit, MantelHaenszel, Peto or Regression
        The fit of all studies; subsets are fitted by its own method.
    limit : int
        The largest number of subsets that is fitted. Where there are more, this many distinct
        ones are drawn, each subset with the same probability.
    seed : int
        Of the random draw.
    engine : {"numpy", "compiled"}
        ``compiled`` is faster with very many subsets, needs ``comorbid[fast]`` and agrees to
        rounding; methods other than EE, DL, ML, REML, EB and PM, weights of the analyst,
        Mantel-Haenszel, Peto and regressions are computed with NumPy all the same.

    Returns
    -------
    Subsets
        In binary order: study 1; 2; 1 and 2; 3; ... A random sample is in random order. Memory
        grows with the number of subsets by 40 bytes and one bit a study each.

    Raises
    ------
    ModelError
        If ``limit`` is not a positive, or ``seed`` not a non-negative, whole number, or there is no
        such engine, or it is not installed.
    DataError
        If ``fit`` is none of the four.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA (2012). Research Synthesis Methods 3:214-223.
    doi:10.1002/jrsm.1053

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.9], vi=[0.03, 0.08, 0.02], labels=list("ABC")))
    >>> result = cb.subsets(fit)
    >>> len(result), result.k.tolist()
    (7, [1, 1, 2, 1, 2, 2, 3])
    >>> result.includes("C").tolist()
    [False, False, False, True, True, True, True]
    """
    check_refittable(fit)
    check_whole("limit", limit, least=1)
    check_whole("seed", seed, least=0)
    check_engine(engine)
    studies = fit.effects.k
    total = 2**studies - 1
    if total <= limit:
        packed = membership.all_subsets(studies)
    else:
        packed = membership.random_subsets(studies, limit, np.random.default_rng(seed))
    k = membership.sizes(packed)
    refit: Callable[[Mask], Batch | DesignFits | Outlines]
    shape: tuple[int, ...]
    if isinstance(fit, Regression):
        refit, names, shape = fit.fits_of, fit.names, (fit.p, k.size)
        estimate, q = "coefficients", "qe"
    else:
        refit = partial(fit.outlines_of, engine=engine) if isinstance(fit, Fit) else fit.refit
        names, shape = (), (k.size,)
        estimate, q = "estimate", "q"
    kept = {name: np.full(k.size, np.nan) for name in ("i2", "tau2", q)}
    kept[estimate] = np.full(shape, np.nan)
    failures = refit_in_blocks(
        lambda block: membership.members(packed[block], studies),
        lambda data, rows: refit(data[:, rows]),
        k=k,
        studies=studies,
        kept=kept,
    )
    return Subsets(
        labels=fit.effects.labels,
        estimate=kept[estimate],
        i2=kept["i2"],
        tau2=kept["tau2"],
        q=kept[q],
        k=k,
        packed=packed,
        total=total,
        failures=failures,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        seed=seed,
        ids=fit.effects.ids,
        warnings=fit.warnings,
        names=names,
    )
