"""Specifications: the pool under every combination of the choices that an analyst could defend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comorbid.checks import shown
from comorbid.effects.arrays import Index
from comorbid.effects.formula import Measure
from comorbid.effects.measures import find_measure, null_of
from comorbid.effects.overrides import Override
from comorbid.effects.scales import SCALES
from comorbid.errors import DataError, ModelError
from comorbid.models import text
from comorbid.models.estimators import Estimator
from comorbid.models.fit import Fit
from comorbid.models.kernel import Batch, Test, fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.settings import check_settings, find_estimator
from comorbid.sensitivity.open_choices import Choice, open_choices

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.studies.table import Studies

METHODS = ("DL", "ML", "PM", "REML", "SJ")
TESTS: tuple[Test, ...] = ("z", "knha", "adhoc")

_LOCKED = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")


class Spread(NamedTuple):
    """How a set of specifications comes out.

    ``n`` counts them, ``with_pi`` those that have a prediction interval; ``lowest, median,
    highest`` are of the estimates, analysis scale; ``ci_excludes`` and ``pi_excludes`` count the
    intervals that do not include the value of no association.
    """

    n: int
    lowest: float
    median: float
    highest: float
    ci_excludes: int
    with_pi: int
    pi_excludes: int


@dataclass(frozen=True, slots=True, eq=False)
class Specifications:
    """The pool under every combination of choices; made by `specifications`.

    Attributes
    ----------
    choices : tuple of Choice
        The specifications are all combinations of their options, the last choice varying fastest.
    batch : Batch
        Their fits, analysis scale.
    main : int
        Which of them is the fit that was given.
    null : float
        No association, analysis scale; nan for a measure that has none.
    measure, scale, method, test : str
        Of the fit that was given.
    level : float
        Of the intervals, a proportion.
    ids : tuple of str
        The estimates pooled in any of them.
    left_out : tuple of str
        What else could be chosen and is not among them.
    warnings : tuple of str
        Those of the fit.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.14], vi=[0.03, 0.08, 0.02], measure="OR")
    >>> found = cb.specifications(cb.pool(effects))
    >>> len(found), found.spread().ci_excludes
    (15, 5)
    """

    choices: tuple[Choice, ...]
    batch: Batch
    main: int
    null: float
    measure: str
    scale: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return self.batch.estimate.size

    @property
    def picks(self) -> Index:
        """Which option each specification takes, of shape (choices, specifications)."""
        shape = tuple(len(choice.options) for choice in self.choices)
        return np.indices(shape).reshape(len(shape), -1)

    def spread(self, choice: int | None = None, group: str = "") -> Spread:
        """Return how all specifications come out, or those with one group of options."""
        chosen = np.ones(len(self), dtype=bool)
        if choice is not None:
            inside = np.array([name == group for name in self.choices[choice].groups])
            chosen = inside[self.picks[choice]]
        batch = self.batch
        estimate = batch.estimate[chosen]
        low, high = batch.ci_low[chosen], batch.ci_high[chosen]
        pi_low, pi_high = batch.pi_low[chosen], batch.pi_high[chosen]
        return Spread(
            n=int(chosen.sum()),
            lowest=float(estimate.min()),
            median=float(np.median(estimate)),
            highest=float(estimate.max()),
            ci_excludes=int(((low > self.null) | (high < self.null)).sum()),
            with_pi=int(np.isfinite(pi_low).sum()),
            pi_excludes=int(((pi_low > self.null) | (pi_high < self.null)).sum()),
        )

    def by_option(self) -> tuple[tuple[str, Spread], ...]:
        """Return each group of options, after its choice, and how its specifications come out."""
        return tuple(
            (f"{choice.name}: {group}", self.spread(i, group))
            for i, choice in enumerate(self.choices)
            for group in dict.fromkeys(choice.groups)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a specification: its choices, and the columns of refit tables."""
        import pandas as pd

        made = {
            choice.name: [choice.options[i] for i in picked]
            for choice, picked in zip(self.choices, self.picks.tolist(), strict=True)
        }
        return pd.DataFrame({**made, **self.batch.columns()})

    def to_dict(self) -> dict[str, Any]:
        """Return choices, settings, columns and how they come out as plain values."""
        names = ("measure", "method", "test", "level", "main")
        own = {"estimate": float(self.batch.estimate[self.main])}
        return {
            "k": int(self.batch.k[self.main]),
            **{name: getattr(self, name) for name in names},
            "choices": {choice.name: list(choice.options) for choice in self.choices},
            "options": {choice.name: len(choice.options) for choice in self.choices},
            "curve": {name: getattr(self.batch, name).tolist() for name in _LOCKED},
            "own": {**own, "on_scale": self._printed(own)},
            "null": {"value": self.null, "on_scale": self._printed({"value": self.null})},
            "spread": self._columns([self.spread()]),
            "by_option": {
                "labels": [label for label, _ in self.by_option()],
                **self._columns([spread for _, spread in self.by_option()]),
            },
            "ids": list(self.ids),
            "left_out": list(self.left_out),
            "warnings": list(self.warnings),
        }

    def _columns(self, spreads: Sequence[Spread]) -> dict[str, Any]:
        """Return spreads as columns, their estimates also on the printed scale."""
        columns = {name: [getattr(spread, name) for spread in spreads] for name in Spread._fields}
        back = SCALES[self.scale].back
        ends = ("lowest", "median", "highest")
        return {**columns, "on_scale": {name: back(columns[name]).tolist() for name in ends}}

    def _printed(self, values: dict[str, float]) -> dict[str, float]:
        """Return values of the analysis scale on the printed one."""
        back = SCALES[self.scale].back
        return {name: float(back(value)) for name, value in values.items()}

    def summary(self) -> str:
        """Return how the specifications come out as text, on the printed scale."""
        rows = (("all", self.spread()), *self.by_option())
        lines = [f"{len(self)} specifications; as {self.measure}"]
        for label, spread in rows:
            ends = np.asarray(SCALES[self.scale].back(spread[1:4])).tolist()
            low, middle, high = (text.number(value, 3) for value in ends)
            lines.append(
                f"  {label}: n = {spread.n}, {low} to {high}, median "
                f"{middle}; CI excludes the null in {spread.ci_excludes}, PI in "
                f"{spread.pi_excludes} of {spread.with_pi}"
            )
        return "\n".join([*lines, *self.left_out, *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def specifications(
    fit: Fit,
    *,
    studies: Studies | None = None,
    overrides: Sequence[Override] = (),
    methods: Sequence[str | Estimator] = METHODS,
    tests: Sequence[Test] = TESTS,
    measure: Measure | None = None,
) -> Specifications:
    r"""Pool under every combination of estimator, test, source of effects and rows.

    With the options :math:`O_1, \ldots, O_m` of m choices the specifications are
    :math:`O_1 \times \cdots \times O_m`. Where the table of studies is given, effects come from
    the sources decided on, from counts wherever a row has them, or from printed estimates wherever
    it has one, and the rows are those pooled, or those with another row of one study in place of
    its own. A source in which `audit` finds an error, such as an interval that is impossible, is
    not taken.

    Parameters
    ----------
    fit : Fit
        The main pool, one row a study; its own choices are always among the options.
    studies : Studies, optional
        All rows, pooled or not.
    overrides : sequence of Override
        The decisions that the pool rests on.
    methods : sequence of str or Estimator
        Estimators of tau2, as in `pool`.
    tests : sequence of {"z", "t", "knha", "adhoc"}
        As in `pool`.
    measure : Measure, optional
        That of the fit, if it is none of comorbid's own.

    Returns
    -------
    Specifications

    Raises
    ------
    DataError
        If the fit holds two rows of one study, fewer than two studies, or an argument is of
        another type.
    ModelError
        If a method or test is none of those allowed.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD (2020). Specification curve analysis. Nature Human Behaviour
    4:1208-1214. doi:10.1038/s41562-020-0912-z
    Voracek M, Kossmeier M, Tran US (2019). Which data to meta-analyze, and how? Zeitschrift fuer
    Psychologie 227:64-82. doi:10.1027/2151-2604/a000357

    Examples
    --------
    >>> import comorbid as cb
    >>> studies = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("ghandour2004-1", use="counts", reason="Impossible interval.")
    >>> fit = cb.pool(cb.effects(studies, overrides=[counts]))
    >>> found = cb.specifications(fit, studies=studies, overrides=[counts])
    >>> [(choice.name, len(choice.options)) for choice in found.choices]
    [('estimator of tau²', 5), ('interval', 3), ('source', 2), ('rows', 8)]
    """
    check_fit(fit)
    if fit.k < 2:
        raise DataError("one study: nothing is pooled, and no choice matters")
    estimators, used = _with_own(methods, tests, fit)
    chosen = fit.effects.measure if measure is None else find_measure(measure)
    data = open_choices(fit.effects, studies, overrides, chosen)
    parts = [
        fit_batch(data.yi, data.vi, estimator=e, test=t, level=fit.level, weights=fit.arrays[2])
        for e in estimators
        for t in used
    ]
    names = [field.name for field in fields(Batch)]
    batch = Batch(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})
    method_ids = tuple(e.id for e in estimators)
    place = (method_ids.index(fit.method), used.index(fit.test))
    return Specifications(
        choices=(
            Choice("estimator of tau²", method_ids, method_ids),
            Choice("interval", used, tuple(text.TEST_NAMES[test] for test in used)),
            data.source,
            data.rows,
        ),
        batch=batch,
        main=(place[0] * len(used) + place[1]) * data.yi.shape[1],
        null=null_of(chosen) if isinstance(chosen, str) else chosen.null,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=data.ids,
        left_out=data.left_out,
        warnings=fit.warnings,
    )


def _with_own(
    methods: Sequence[str | Estimator], tests: Sequence[Test], fit: Fit
) -> tuple[tuple[Estimator, ...], tuple[Test, ...]]:
    """Return estimators and tests, each once, with those of the fit among them."""
    for name, given, example in (("methods", methods, METHODS), ("tests", tests, TESTS)):
        if not isinstance(given, list | tuple):
            raise ModelError(f"{name} is {shown(given)}; give a list, such as {list(example)}")
    found = {e.id: e for e in map(find_estimator, methods)}
    for test in tests:
        check_settings(test, fit.level)
    own: Test = fit.test
    estimators = {**found, fit.method: fit.estimator}
    return tuple(estimators.values()), tuple(dict.fromkeys((*tests, own)))
