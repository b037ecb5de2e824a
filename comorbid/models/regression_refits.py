"""Refits of a meta-regression: one row a selection of its studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comorbid.models import text
from comorbid.models.fits import DesignFits
from comorbid.models.frames import as_text, labelled
from comorbid.models.recorded import Recorded

if TYPE_CHECKING:
    import pandas as pd

_COEFFICIENTS = {
    "estimate": "coefficients",
    **{name: name for name in ("se", "statistic", "p_value", "ci_low", "ci_high")},
}
_OTHERS = ("tau2", "i2", "h2", "qe", "qe_p", "k")


@dataclass(frozen=True, slots=True, eq=False)
class RegressionRefits(Recorded):
    """Fits of several selections of the same effects, one row each; made by `leave_one_out`.

    Attributes
    ----------
    kind : str
        What the rows are: ``leave-one-out``.
    labels : tuple of str
        One a row: the study left out.
    names : tuple of p str
        The coefficients.
    fits : DesignFits
        The fits; analysis scale.
    reasons : tuple of str
        One a row: why a row is incomplete, or empty.
    formula : str
        Of the regression.
    """

    kind: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    fits: DesignFits
    reasons: tuple[str, ...]
    formula: str

    def to_frame(self) -> pd.DataFrame:
        """Return the rows indexed by label, in full precision.

        For each coefficient ``estimate_NAME, se_NAME, statistic_NAME, p_value_NAME, ci_low_NAME,
        ci_high_NAME``; then ``tau2, i2, h2, qe, qe_p, k``, and ``reason`` when a row is incomplete.
        """
        columns: dict[str, Any] = {
            f"{shown}_{coefficient}": getattr(self.fits, name)[i]
            for i, coefficient in enumerate(self.names)
            for shown, name in _COEFFICIENTS.items()
        }
        columns |= {name: getattr(self.fits, name) for name in _OTHERS}
        columns["k"] = self.fits.k.astype(int)
        return labelled(self.labels, columns, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists, a list a coefficient."""
        columns = {shown: getattr(self.fits, name) for shown, name in _COEFFICIENTS.items()}
        columns |= {name: getattr(self.fits, name) for name in _OTHERS}
        columns["k"] = self.fits.k.astype(int)
        return {
            "kind": self.kind,
            "formula": self.formula,
            **self.made(),
            "names": list(self.names),
            "labels": list(self.labels),
            "reasons": list(self.reasons),
            **{name: values.tolist() for name, values in columns.items()},
        }

    def summary(self) -> str:
        """Return the coefficients of each row as text; analysis scale."""
        columns = dict(zip(self.names, self.fits.coefficients, strict=True))
        columns |= {"tau2": self.fits.tau2, "i2": self.fits.i2, "k": self.fits.k.astype(int)}
        table = as_text(labelled(self.labels, columns))
        return "\n".join(
            [
                f"{self.kind} of {self.formula} ({self.method}, {text.TEST_NAMES[self.test]})",
                table,
                *text.reason_notes(self.labels, self.reasons),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))
