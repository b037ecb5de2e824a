"""Bootstrap: how much estimate, tau2 and I2 would vary over data sets like this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from comorbid.checks import check_choice, check_whole
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.compiled import Engine, check_engine
from comorbid.models.fit import Fit
from comorbid.models.kernel import Batch, DesignFits, as_batch, fit_designs
from comorbid.models.pooled import check_fit
from comorbid.sensitivity.intervals import Distribution, Interval, distribution
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.refitting import refit_in_blocks

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["parametric", "nonparametric"]
_QUANTITIES = {"estimate": (-np.inf, np.inf), "tau2": (0.0, np.inf), "i2": (0.0, 100.0)}


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Refits of random data sets, and the intervals that follow; made by `bootstrap`.

    Attributes
    ----------
    fits : DesignFits
        The refits, one value a data set; nan where one failed.
    estimate, tau2, i2 : Distribution
        ``value`` of the fit, ``bias`` and ``se`` of the refits, and the interval ``ci``; analysis
        scale, i2 a percentage.
    kind, interval : str
        How data sets were drawn and intervals made.
    n, seed : int
        Data sets, and the seed of the random draw.
    level : float
        Of the intervals, a proportion.
    measure, method, test : str
        How the data sets were fitted.
    ids : tuple of str
        The estimates pooled.
    warnings : tuple of str
        What could not be given, and why; and those of the fit.
    """

    fits: DesignFits
    estimate: Distribution
    tau2: Distribution
    i2: Distribution
    kind: Kind
    interval: Interval
    n: int
    seed: int
    level: float
    measure: str
    method: str
    test: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def batch(self) -> Batch:
        """The refits with p-values and prediction intervals, which are computed at each call."""
        with np.errstate(all="ignore"):
            return as_batch(self.fits, equal=self.method == "EE", level=self.level)

    def to_frame(self) -> pd.DataFrame:
        """Return the refits, one row a data set, with the columns of every refit table."""
        import pandas as pd

        return pd.DataFrame(self.batch.columns(), index=pd.RangeIndex(self.n, name="data set"))

    def to_dict(self) -> dict[str, Any]:
        """Return settings and distributions; the refits follow from the seed."""
        names = ("kind", "interval", "n", "seed", "level", "measure", "method", "test")
        return {
            **{name: getattr(self, name) for name in names},
            "ids": list(self.ids),
            **{name: getattr(self, name).to_dict() for name in _QUANTITIES},
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the distributions as text."""
        head = (
            f"{self.n:,} {self.kind} bootstrap data sets ({self.method}); "
            f"{100 * self.level:g}% {self.interval} intervals; analysis scale"
        )
        lines = [f"{'':<10}{'value':>10}{'bias':>10}{'se':>10}  interval"]
        for name in _QUANTITIES:
            row: Distribution = getattr(self, name)
            cells = "".join(f"{text.number(x):>10}" for x in (row.value, row.bias, row.se))
            lines.append(f"{name:<10}{cells}  {text.pair(row.ci)}")
        return "\n".join([head, *lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def bootstrap(
    fit: Fit,
    *,
    n: int = 10_000,
    seed: int = 1,
    kind: Kind = "parametric",
    interval: Interval = "percentile",
    engine: Engine = "numpy",
) -> Bootstrap:
    r"""Bootstrap intervals for the pooled effect, tau2 and I2, at the level of the fit.

    The parametric data sets are drawn from the fitted model, with the variances as they are,

    .. math:: y_i^* \sim N(\hat\mu, v_i + \hat\tau^2)

    and the others by drawing k studies with replacement. With :math:`\hat\theta` of the fit and
    the quantiles :math:`q_p` of the refits, the interval is :math:`(q_\alpha, q_{1-\alpha})`
    (percentile), :math:`(2\hat\theta - q_{1-\alpha}, 2\hat\theta - q_\alpha)` (basic), or the
    percentile interval with its two probabilities corrected for bias and skewness (bca).

    Parameters
    ----------
    fit : Fit
        The fit of all studies.
    n : int
        Data sets.
    seed : int
        Of the random draw; the same seed gives the same result.
    kind : {"parametric", "nonparametric"}
        How data sets are drawn.
    interval : {"percentile", "basic", "bca"}
        How intervals are made. ``bca`` needs nonparametric data sets: its skewness comes from
        leaving out one study at a time. ``basic`` intervals are cut off at the ends of what is
        possible, 0 for tau2, 0 and 100 for I2.
    engine : {"numpy", "compiled"}
        What refits the data sets, which are the same. ``compiled`` is faster, needs
        ``comorbid[fast]`` and agrees to rounding; methods other than EE, DL, ML, REML, EB and PM,
        and weights of the analyst, are computed with NumPy all the same.

    Returns
    -------
    Bootstrap
        A data set that cannot be fitted stays as nan and is left out of the intervals, with a
        note on how many; an interval that does not exist is nan, with a note.

    Raises
    ------
    ModelError
        If a setting is none of those allowed, n is too small for the level, or the engine is not
        installed.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Davison AC, Hinkley DV (1997). Bootstrap Methods and their Application. Cambridge University
    Press. doi:10.1017/CBO9780511802843
    Efron B (1987). Journal of the American Statistical Association 82:171-185.
    doi:10.1080/01621459.1987.10478410

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.9, 0.6], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> result = cb.bootstrap(fit, n=1000, seed=1)
    >>> result.estimate.ci[0] < fit.estimate < result.estimate.ci[1]
    True
    """
    check_fit(fit)
    _check(fit, n, seed, kind, interval)
    check_engine(engine)
    fits, failures = _refits(fit, n, seed, kind, engine)
    drawn = {"estimate": fits.coefficients[0], "tau2": fits.tau2, "i2": fits.i2}
    without = leave_one_out(fit).batch if interval == "bca" else None
    # One study drawn with replacement is the same study every time: that is no distribution.
    varies = slice(0) if kind == "nonparametric" and fit.k == 1 else slice(None)
    distributions, notes = {}, []
    for name, bounds in _QUANTITIES.items():
        distributions[name], note = distribution(
            getattr(fit, name),
            drawn[name][varies],
            interval=interval,
            level=fit.level,
            bounds=bounds,
            without=None if without is None else getattr(without, name),
        )
        notes += [f"{name}: {note}"] if note else []
    if failures:
        first = next(iter(failures.values()))
        notes.insert(0, f"{len(failures):,} of {n:,} refits failed and are left out: {first}")
    return Bootstrap(
        fits=fits,
        **distributions,
        kind=kind,
        interval=interval,
        n=n,
        seed=seed,
        level=fit.level,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        ids=fit.effects.ids,
        warnings=(*notes, *fit.warnings),
    )


def _check(fit: Fit, n: int, seed: int, kind: str, interval: str) -> None:
    check_choice("kind", kind, get_args(Kind))
    check_choice("interval", interval, get_args(Interval))
    if interval == "bca" and kind == "parametric":
        raise ModelError(
            "interval 'bca' needs kind='nonparametric'; use 'percentile' or 'basic' with the "
            "parametric bootstrap"
        )
    check_whole("n", n, least=int(np.ceil(2 / (1 - fit.level))))
    check_whole("seed", seed, least=0)


def _refits(
    fit: Fit, n: int, seed: int, kind: Kind, engine: Engine
) -> tuple[DesignFits, dict[int, str]]:
    """Draw and refit n data sets, block by block; the blocks do not change what is drawn."""
    rng = np.random.default_rng(seed)
    yi, vi, weights = fit.effects.yi, fit.effects.vi, fit.user_weights
    spread = np.sqrt(vi + np.nan_to_num(fit.tau2))

    def draw(block: slice) -> tuple[Array, Array, Array | None]:
        shape = (block.stop - block.start, fit.k)
        if kind == "parametric":
            y = rng.standard_normal(shape)
            y *= spread
            y += fit.estimate
            same = np.broadcast_to(vi[:, None], y.T.shape)
            return y.T, same, None if weights is None else weights[:, None]
        picked = np.ascontiguousarray(rng.integers(0, fit.k, size=shape).T)
        return yi[picked], vi[picked], None if weights is None else weights[picked]

    def refit(data: tuple[Array, Array, Array | None], rows: slice) -> DesignFits:
        y, v, a = data
        return fit_designs(
            y[:, rows],
            v[:, rows],
            None,
            estimator=fit.estimator,
            test=fit.test,
            level=fit.level,
            weights=a if a is None or a.shape[1] == 1 else a[:, rows],
            engine=engine,
        )

    k = np.full(n, fit.k, dtype=np.intp)
    columns = DesignFits.blank(1, n)
    failures = refit_in_blocks(draw, refit, k=k, studies=fit.k, kept=columns)
    columns["k"] = k.astype(np.float64)
    return DesignFits(**columns), failures
