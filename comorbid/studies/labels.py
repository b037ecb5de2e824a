"""One name for every row, short enough for a figure and never used twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence


def unique_labels(
    names: Sequence[str],
    *,
    estimate_ids: Sequence[str],
    study_ids: Sequence[str],
    primary: Sequence[bool],
) -> list[str]:
    """Return ``names`` with repeated ones told apart.

    Where exactly one of the rows with a name is primary, it keeps the name; every other repeated
    row gets, in brackets, what its estimate id has beyond its study id, or the whole estimate id
    where that would not tell the rows apart.

    Parameters
    ----------
    names, estimate_ids, study_ids : sequence of str
        One a row; estimate ids are unique.
    primary : sequence of bool
        Whether the row goes into the main pool.

    Examples
    --------
    >>> unique_labels(
    ...     ["Ashina 2018", "Ashina 2018", "Bejia 2005"],
    ...     estimate_ids=["ashina2018-1", "ashina2018-2", "bejia2005-1"],
    ...     study_ids=["ashina2018", "ashina2018", "bejia2005"],
    ...     primary=[True, False, True],
    ... )
    ['Ashina 2018', 'Ashina 2018 (2)', 'Bejia 2005']
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        groups[name].append(i)
    short, long = list(names), list(names)
    for name, rows in groups.items():
        keep = [i for i in rows if primary[i]]
        others = [i for i in rows if len(rows) > 1 and keep != [i]]
        parts = [_beyond(estimate_ids[i], study_ids[i]) for i in others]
        clear = all(parts) and len(set(parts)) == len(parts)
        for i, part in zip(others, parts, strict=True):
            long[i] = f"{name} ({estimate_ids[i]})"
            short[i] = f"{name} ({part})" if clear else long[i]
    for labels in (short, long):
        if max(Counter(labels).values(), default=1) == 1:
            return labels
    return list(estimate_ids)


def _beyond(estimate_id: str, study_id: str) -> str:
    """What an estimate id says beyond the study id it begins with."""
    if not estimate_id.startswith(study_id):
        return ""
    return estimate_id.removeprefix(study_id).strip(" -_.:/")
