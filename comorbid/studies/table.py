"""The table of studies, read and checked: a value that cannot be changed."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.studies.arrays import Arrays
from comorbid.studies.review import Coverage, PublishedEstimate, Review
from comorbid.studies.selecting import rows_with

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FRAME_COLUMNS", "Coverage", "PublishedEstimate", "Review", "Studies"]

FRAME_COLUMNS: tuple[str, ...] = (
    "estimate_id",
    "study_id",
    "label",
    "measure",
    "estimate",
    "ci_low",
    "ci_high",
    "ci_level",
    "se",
    "ai",
    "bi",
    "ci",
    "di",
    "n",
    "primary",
)
"""The columns that every table has, in this order, before its moderators."""

_ROWS_SHOWN = 40


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Studies:
    """A table of studies, one published estimate a row.

    Made by `read_studies`; never changes. Whatever it returns is a copy.

    Attributes
    ----------
    arrays, digits : Arrays, their columns of shape (rows,)
        What `frame` and `printed` are made of, column by column.
    lines : tuple of int
        The line of the file where each row begins; the header counts.
    source : str
        Name of the file as given.
    sha256 : str
        Hash of the bytes of the file, in hexadecimal. A selection keeps that of its file.
    conditions : tuple of two str, or None
        The two conditions, where the 2x2 counts are headed in words; rows of the 2x2 table are
        with and without the first, columns with and without the second.
    review : Review, or None
        The systematic review that the table comes from.

    Examples
    --------
    >>> from comorbid.studies.datasets import headache_back_pain
    >>> studies = headache_back_pain()
    >>> len(studies), len(studies.primary())
    (13, 6)
    >>> studies.select({"headache": ["migraine"]}).frame["label"].tolist()
    ['Ashina 2018 (3)', 'Bejia 2005']
    """

    arrays: Arrays
    digits: Arrays
    lines: tuple[int, ...]
    source: str
    sha256: str
    conditions: tuple[str, str] | None = None
    review: Review | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The table: `FRAME_COLUMNS`, then every moderator in the order of the file.

        Numbers and counts are float64 with NaN for missing, text is str with "" for missing,
        ``primary`` is bool. ``estimate``, ``ci_low`` and ``ci_high`` are on the scale of the
        measure (an odds ratio), ``se`` is on the analysis scale (of the log odds ratio).
        """
        return self.arrays.frame.copy(deep=True)

    @property
    def printed(self) -> pd.DataFrame:
        """``estimate, ci_low, ci_high`` and ``se`` digit by digit as in the file; "" is missing.

        So are the means, standard deviations and percentages that `comorbid.audit` reads, where
        the file has them. The decimal mark is a point, also where the file has a comma.
        """
        return self.digits.frame.copy(deep=True)

    def __len__(self) -> int:
        return self.arrays.rows

    def select(self, where: Mapping[str, Sequence[str]]) -> Studies:
        """Return the rows whose value in every named column is one of those given.

        Parameters
        ----------
        where : mapping of str to sequence of str
            Column to values. Numbers are compared as numbers, ``primary`` takes yes and no, and
            "" stands for missing.

        Returns
        -------
        Studies
            In the same order; without rows where no row has all of the values.

        Raises
        ------
        DataError
            If a column does not exist or a value never occurs in it.
        """
        return self._kept(rows_with(self.arrays.frame, where, source=self.source))

    def primary(self) -> Studies:
        """Return the rows that go into the main pool."""
        return self._kept(self.arrays["primary"])

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, as `frame` does."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; a missing number is None."""
        rows = [
            {name: _plain(value) for name, value in row.items()} for row in self.arrays.records()
        ]
        return {
            "source": self.source,
            "sha256": self.sha256,
            "conditions": None if self.conditions is None else list(self.conditions),
            "review": None if self.review is None else self.review.to_dict(),
            "lines": list(self.lines),
            "rows": rows,
        }

    def summary(self) -> str:
        """Return the table as text: what it holds, then one line a row."""
        cells = [self._cells(i) for i in range(min(len(self), _ROWS_SHOWN))]
        table = [("label", "measure", "estimate", "n", "pool"), *cells]
        widths = [max(len(row[j]) for row in table) for j in range(len(table[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        if len(self) > _ROWS_SHOWN:
            lines.append(f"and {len(self) - _ROWS_SHOWN:,} more rows")
        return "\n".join([*self._facts(), "", *lines] if len(self) else self._facts())

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        facts = "".join(f"<p>{html.escape(fact)}</p>" for fact in self._facts())
        return facts + str(self.arrays.frame.head(_ROWS_SHOWN).to_html(index=False, na_rep=""))

    def _facts(self) -> list[str]:
        number, primary = len(set(self.arrays["study_id"])), self.arrays["primary"].sum()
        facts = [
            f"{_count(len(self), 'estimate')} of {_count(number, 'study')}"
            f" from {self.source}, {primary} in the main pool"
        ]
        if self.conditions is not None:
            facts.append(f"conditions: {self.conditions[0]} and {self.conditions[1]}")
        if self.review is not None:
            facts.append(f"coverage: {self.review.coverage(self).summary()}")
        return facts

    def _cells(self, i: int) -> tuple[str, ...]:
        row, printed = ({n: v[i] for n, v in part.items()} for part in (self.arrays, self.digits))
        interval = f" ({printed['ci_low']}-{printed['ci_high']})" if printed["ci_low"] else ""
        n = "" if np.isnan(row["n"]) else f"{row['n']:,.0f}"
        pool = "yes" if row["primary"] else "no"
        return row["label"], row["measure"], f"{printed['estimate']}{interval}", n, pool

    def _kept(self, keep: np.ndarray[Any, Any]) -> Studies:
        return replace(
            self,
            arrays=self.arrays.take(keep),
            digits=self.digits.take(keep),
            lines=tuple(line for line, kept in zip(self.lines, keep, strict=True) if kept),
        )


def _plain(value: Any) -> Any:
    """A cell as a value that JSON can hold."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
