"""Messages about rows: which ones, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import comorbid as cb

if TYPE_CHECKING:
    import pandas as pd


def stop(problems: Sequence[str]) -> None:
    """Raise `DataError` with all problems, one a line, if there is any."""
    if len(problems) == 1:
        raise cb.DataError(problems[0])
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise cb.DataError(f"{len(problems)} problems:\n{lines}")


def row_names(table: pd.DataFrame) -> list[str]:
    """Return how messages call the rows: ``row 3``, or with another word if the index has a name.

    Examples
    --------
    >>> import pandas as pd
    >>> line = pd.Index([7], name="line")
    >>> row_names(pd.DataFrame(index=[3, 4])), row_names(pd.DataFrame(index=line))
    (['row 3', 'row 4'], ['line 7'])
    """
    word = "row" if table.index.name is None else f"{table.index.name}"
    return [f"{word} {label}".strip() for label in table.index]


def some(rows: Iterable[str]) -> str:
    """Join the names of rows, at most six of them.

    Examples
    --------
    >>> some(["row 3", "row 5"]), some("abcdefghi")
    ('row 3 and row 5', 'a, b, c, d, e, f and 3 more')
    """
    names = list(rows)
    if len(names) > 6:
        names = [*names[:6], f"{len(names) - 6} more"]
    return cb.prose.listed(names)
