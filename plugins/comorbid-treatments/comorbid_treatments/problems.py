"""Messages about rows: which ones, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import comorbid as cb


def stop(problems: Sequence[str]) -> None:
    """Raise `DataError` with all problems, one a line, if there is any."""
    if len(problems) == 1:
        raise cb.DataError(problems[0])
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise cb.DataError(f"{len(problems)} problems:\n{lines}")


def rows_text(rows: Iterable[object]) -> str:
    """Write row names: ``row 3``, ``rows 3 and 5``, at most six of them.

    Examples
    --------
    >>> rows_text([3]), rows_text([3, 5]), rows_text(range(9))
    ('row 3', 'rows 3 and 5', 'rows 0, 1, 2, 3, 4, 5 and 3 more')
    """
    names = [str(row) for row in rows]
    if len(names) > 6:
        names = [*names[:6], f"{len(names) - 6} more"]
    return f"row{'s' if len(names) > 1 else ''} {cb.prose.listed(names)}"
