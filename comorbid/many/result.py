"""The result: one pool a group, as a table in memory or in a Parquet file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from comorbid.effects.arrays import Frozen
from comorbid.models import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_ADJUSTED = {
    "BH": "Benjamini-Hochberg",
    "storey": "Storey's q-value",
    "none": "none",
}


@dataclass(frozen=True, slots=True, eq=False)
class PooledGroups(Frozen):
    """Pools of many groups, one row each; made by `pool_many`.

    Attributes
    ----------
    by : tuple of str
        The key columns.
    measure, method, test : str
        How each group was pooled.
    level : float
        Of the intervals, a proportion.
    kernel : {"numpy", "compiled"}
        What computed the fits: their last bits may differ.
    adjust : {"BH", "storey", "none"}
        How p-values were adjusted.
    null_share : float
        Storey's estimate of the share of groups without association; nan where it was not made.
    groups, estimates, missing : int
        Number of groups, of rows pooled, and of rows left out because they have no effect or no
        variance.
    path : Path or None
        The Parquet file that holds the table, if it was written.
    columns : mapping of str to arrays of shape (groups,)
        The table by column, if it was not written.
    warnings : tuple of str
        What is worth knowing about how it was made.

    Notes
    -----
    The column ``flags`` (``frame["flags"]``; pandas has an attribute of that name) holds words with
    blanks between:

    * ``no-study``: no row of the group has an effect and a variance.
    * ``one-study``: nothing is pooled; the interval (z) is the study's own.
    * ``few-studies``: 2 or 3 studies, and tau2 estimated from them.
    * ``not-fitted``: nothing could be computed; ``reason`` says why.
    * ``no-spread``: the standard error is 0, as the effects do not differ at all.
    * ``tau2-zero``: tau2 was estimated, and is 0.
    * ``nearly-all-weight``: one study has 90 % of the weight of a common effect, or, of three or
      more, 50 % of the weight in the pool.
    * ``missing-rows``: rows without effect or variance were left out; ``missing`` counts them.

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid as cb
    >>> table = pd.DataFrame({"drug": ["a", "a", "b"], "yi": [0.5, 0.9, 0.1], "vi": 0.04})
    >>> print(cb.pool_many(table, by="drug", measure="OR"))
    2 groups by drug, 3 estimates; as OR, REML, Knapp-Hartung, 95% intervals
    p-values adjusted over all groups: Benjamini-Hochberg
    """

    by: tuple[str, ...]
    measure: str
    method: str
    test: str
    level: float
    kernel: str
    adjust: str
    null_share: float
    groups: int
    estimates: int
    missing: int
    path: Path | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for values in self.columns.values():
            values.flags.writeable = False
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group in the order of the keys, in full precision; analysis scale.

        Columns: the keys; ``k, estimate, se, statistic, p_value, p_adjusted, ci_low, ci_high,
        pi_low, pi_high, tau2, i2, h2, q, q_p, loo_low, loo_high, loo_crosses_null, missing, flags,
        reason``. A result in a file is read whole.
        """
        import pandas as pd

        if self.path is not None:
            frame = pd.read_parquet(self.path)
        else:
            frame = pd.DataFrame(dict(self.columns))
        return frame.astype({"loo_crosses_null": "boolean"})

    def to_dict(self) -> dict[str, Any]:
        """Return settings and counts, and the table, ``columns``, where it is in memory."""
        names = ("measure", "method", "test", "level", "kernel", "adjust", "null_share")
        return {
            "by": list(self.by),
            **{name: getattr(self, name) for name in names},
            **{name: getattr(self, name) for name in ("groups", "estimates", "missing")},
            "path": None if self.path is None else str(self.path),
            "warnings": list(self.warnings),
            "columns": {name: values.tolist() for name, values in self.columns.items()},
        }

    def summary(self) -> str:
        """Return what was pooled and how, as text."""
        lines = [
            f"{_counted(self.groups, 'group')} by {', '.join(self.by)}, "
            f"{_counted(self.estimates, 'estimate')}; as {self.measure}, {self.method}, "
            f"{text.TEST_NAMES[self.test]}, {100 * self.level:g}% intervals"
        ]
        if self.missing:
            lines.append(f"{_counted(self.missing, 'row')} without effect or variance left out")
        if self.adjust != "none":
            lines.append(f"p-values adjusted over all groups: {_ADJUSTED[self.adjust]}")
        if self.path is not None:
            lines.append(f"written: {self.path}")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
