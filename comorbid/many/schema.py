"""Schema: which columns Parquet files have, and whether the files agree in them."""

from __future__ import annotations

from comorbid.errors import DataError, Problem
from comorbid.many.arrow import kind_of, no_key
from comorbid.many.settings import Settings
from comorbid.many.source import Source


def schema_of(source: Source, settings: Settings | None = None) -> tuple[str, ...]:
    """Return the names of the columns; with settings, check that the files agree in them.

    Raises
    ------
    DataError
        If a file lacks a column, a column is not of the same kind in all files, or a key column
        holds what no key can be.
    """
    from pyarrow import parquet

    first: dict[str, tuple[str, str]] = {}
    problems: list[Problem] = []
    names: tuple[str, ...] = ()
    for file, (name, path) in enumerate(zip(source.names, source.paths, strict=True)):
        schema = parquet.read_schema(path)
        names = names or tuple(dict.fromkeys([*schema.names, *source.folders]))
        if settings is None:
            break
        for column in settings.columns:
            value = source.folder_key(file, column) if column in settings.by else None
            if column in schema.names:
                kind = kind_of(schema.field(column).type)
            elif value is not None:
                kind = "names" if isinstance(value, str) else "whole numbers"
            else:
                problems.append(Problem(f"lacks the column {column}", "add it", file=name))
                continue
            if column in settings.by:
                problems += no_key(f"{name}: {column}", kind)
            elif kind == "whole numbers":
                kind = "numbers"
            was, where = first.setdefault(column, (kind, name))
            if kind not in (was, "nothing") and was != "nothing":
                message = f"column {column} holds {kind}, and {was} in {where}"
                problems.append(Problem(message, "write all files with the same types", file=name))
    if problems:
        raise DataError(problems)
    return names
