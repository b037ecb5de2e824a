"""Multilevel refits: the table of a multilevel model fitted without each of its groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comorbid.effects.arrays import Array, Index
from comorbid.effects.scales import SCALES, printed
from comorbid.models import text
from comorbid.models.frames import as_text, labelled
from comorbid.models.recorded import Recorded
from comorbid.models.variance_components import Component

if TYPE_CHECKING:
    import pandas as pd

_TABLE = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
_PREDICTION = ("pi_low", "pi_high")
_OTHERS = ("i2", "q", "q_p", "log_likelihood", "k")
_SCALED = ("estimate", "ci_low", "ci_high", *_PREDICTION)
_MEAN = ("Intercept",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MultilevelRefits(Recorded):
    """A multilevel fit without each of n groups; made by `leave_one_out`.

    Attributes
    ----------
    kind : str
        What the rows are: ``leave-one-out``.
    by : str
        The column of the groups.
    labels : tuple of n str
        The group left out.
    names : tuple of p str
        The coefficients.
    components : tuple of c str
        The variances and correlations.
    estimate, se, statistic, df, p_value, ci_low, ci_high : arrays of shape (p, n)
        Of the coefficients, on the analysis scale.
    pi_low, pi_high : arrays of shape (n,)
        Prediction interval of a mean; nan where there is no single one.
    variances : array of shape (c, n)
        The values of the components.
    i2, q, q_p, log_likelihood : arrays of shape (n,)
        I2 of all random effects together, the test of residual heterogeneity, log-likelihood.
    k : integer array of shape (n,)
        Rows that are left.
    reasons : tuple of n str
        Why a row is incomplete, or empty.
    formula, scale : str
        Of the fit.
    inference : str
        How coefficients are tested: ``model``, or the sandwich, such as ``CR2``.
    """

    kind: str
    by: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    components: tuple[str, ...]
    estimate: Array
    se: Array
    statistic: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    variances: Array
    i2: Array
    q: Array
    q_p: Array
    log_likelihood: Array
    k: Index
    reasons: tuple[str, ...]
    formula: str
    scale: str
    inference: str

    def to_frame(self) -> pd.DataFrame:
        """Return the rows indexed by the group left out, in full precision.

        Columns ``estimate, se, statistic, df, p_value, ci_low, ci_high, pi_low, pi_high`` of a
        mean, or ``estimate_NAME`` and so on of each coefficient; the components; ``i2, q, q_p,
        log_likelihood, k``; and ``reason`` when a row is incomplete.
        """
        columns: dict[str, Any] = {}
        for i, coefficient in enumerate(self.names):
            end = "" if self.names == _MEAN else f"_{coefficient}"
            columns |= {f"{name}{end}": getattr(self, name)[i] for name in _TABLE}
        if self.names == _MEAN:
            columns |= {name: getattr(self, name) for name in _PREDICTION}
        columns |= dict(zip(self.components, self.variances, strict=True))
        columns |= {name: getattr(self, name) for name in _OTHERS}
        return labelled(self.labels, columns, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists, a list a coefficient."""
        plain = ("kind", "by", "formula", "inference")
        lists = ("names", "components", "labels", "reasons")
        columns = (*_TABLE, *_PREDICTION, "variances", *_OTHERS)
        return {
            **{name: getattr(self, name) for name in plain},
            **self.made(),
            **{name: list(getattr(self, name)) for name in lists},
            **{name: getattr(self, name).tolist() for name in columns},
            **self._printed(),
        }

    def _printed(self) -> Mapping[str, Any]:
        """Return the means on the printed scale, as a lock keeps them."""
        if self.names != _MEAN:
            return {}
        values = {name: getattr(self, name).reshape(-1) for name in _SCALED}
        return {"on_scale": printed(values | {"null": 0.0}, self.scale)}

    def summary(self) -> str:
        """Return the table as text: of a mean on the printed scale, of coefficients on the other.

        Rows without a refit say why.
        """
        shown = {name: getattr(self, name).reshape(-1) for name in _SCALED}
        if self.names == _MEAN:
            columns = {name: SCALES[self.scale].back(values) for name, values in shown.items()}
            how = f"as {self.measure}"
        else:
            columns = dict(zip(self.names, self.estimate, strict=True))
            how = f"{self.formula}, analysis scale"
        columns |= dict(zip(self.components, self.variances, strict=True)) | {"i2": self.i2}
        table = labelled(self.labels, columns)
        table["k"] = self.k
        test = f"{self.inference}, t" if self.inference != "model" else text.TEST_NAMES[self.test]
        head = f"{self.kind} by {self.by} ({self.method}, {test}); {how}"
        notes = text.reason_notes(self.labels, self.reasons)
        return "\n".join([head, as_text(table), *notes])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def component_name(component: Component) -> str:
    """Return what a column of a component is called: ``sigma2[study_id]``, ``tau2[AL]``, ``rho``.

    Examples
    --------
    >>> component_name(Component("study_id", "variance", "sigma2", 0.1, 5, False))
    'sigma2[study_id]'
    """
    return f"sigma2[{component.name}]" if component.symbol == "sigma2" else component.name
