"""Refits: the table that leave-one-out, cumulative, subgroup and subset analyses return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comorbid.effects.scales import SCALES, printed
from comorbid.models import text
from comorbid.models.fit import Scaled
from comorbid.models.frames import labelled
from comorbid.models.kernel import Batch

if TYPE_CHECKING:
    import pandas as pd

SCALED = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """Fits of several selections of the same effects, one row each.

    Attributes
    ----------
    kind : str
        What the rows are: ``leave-one-out``, ``subgroups``.
    labels : tuple of str
        One a row: the study left out, the subgroup.
    batch : Batch
        The fits; analysis scale.
    reasons : tuple of str
        One a row: why a row is incomplete, or empty.
    measure, scale, method, test : str
        How the rows were fitted.
    level : float
        Of the intervals, a proportion.
    ids : tuple of str
        The estimates that were refitted.
    warnings : tuple of str
        What the fit of all of them warned of.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR")
    >>> refits = cb.leave_one_out(cb.pool(effects))
    >>> refits.to_frame()["estimate"].round(3).to_dict()
    {'Study 1': 0.78, 'Study 2': 0.656, 'Study 3': 0.674}
    """

    kind: str
    labels: tuple[str, ...]
    batch: Batch
    reasons: tuple[str, ...]
    measure: str
    scale: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the rows indexed by label, in full precision.

        Columns ``estimate, se, statistic, p_value, ci_low, ci_high, pi_low, pi_high, tau2, i2,
        h2, q, q_p, k``, and ``reason`` when a row is incomplete.
        """
        return labelled(self.labels, self.batch.columns(), self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        columns = {name: values.tolist() for name, values in self.batch.columns().items()}
        return {
            "kind": self.kind,
            "measure": self.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            "reasons": list(self.reasons),
            **columns,
            "q_df": [max(0.0, k - 1) for k in columns["k"]],
            "on_scale": {
                "null": SCALES[self.scale].back(0.0).item(),
                **printed({name: columns[name] for name in SCALED}, self.scale),
            },
        }

    def on_scale(self) -> tuple[Scaled, ...]:
        """Return each row's estimate and intervals back-transformed, as `Fit.on_scale` does."""
        back = SCALES[self.scale].back
        columns = [back(getattr(self.batch, name)).tolist() for name in SCALED]
        return tuple(
            Scaled(self.measure, estimate, (ci_low, ci_high), (pi_low, pi_high))
            for estimate, ci_low, ci_high, pi_low, pi_high in zip(*columns, strict=True)
        )

    def summary(self) -> str:
        """Return the table as text, on the printed scale."""
        names = list(SCALED)
        table = self.to_frame()[[*names, "tau2", "i2", "k"]]
        table[names] = table[names].apply(SCALES[self.scale].back)
        head = f"{self.kind} ({self.method}, {text.TEST_NAMES[self.test]}); as {self.measure}"
        rows = table.to_string(float_format=lambda value: text.number(value, 3), na_rep="-")
        return "\n".join([head, rows, *text.reason_notes(self.labels, self.reasons)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))
