"""Views: what a result shows, as a frame, as text and as plain values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from comorbid.models import text
from comorbid.models.notices import under_ten

if TYPE_CHECKING:
    import pandas as pd


class Views(ABC):
    """Text, HTML and plain values of a frozen dataclass that says what its ``summary`` is."""

    __slots__ = ()

    @abstractmethod
    def summary(self) -> str:
        """Return the result as text."""

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain numbers, strings, lists and dicts."""
        names = [field.name for field in fields(cast("Any", self))]
        return {name: plain(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def plain(value: Any) -> Any:
    """Return arrays and tuples as lists, results and named tuples as dicts, others as they are."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def frozen(values: Any) -> Any:
    """Return a read-only copy of an array."""
    array = np.array(values)
    array.flags.writeable = False
    return array


def frame(index: Sequence[str], name: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns as a table with a named index."""
    import pandas as pd

    return pd.DataFrame(dict(columns), index=pd.Index(list(index), name=name))


def block(title: str, rows: Mapping[str, str], warnings: Sequence[str] = ()) -> str:
    """Return a title, named values below each other, and the warnings."""
    width = max(len(name) for name in rows) + 2
    lines = [title, *(f"  {name:<{width}}{value}" for name, value in rows.items())]
    return "\n".join([*lines, *(f"Note: {warning}" for warning in warnings)])


def few_studies(k: int) -> tuple[str, ...]:
    """Return the caution on a test for asymmetry of so few studies."""
    return tuple(map(str, under_ten(k)))
