"""The array types that signatures name, and frozen values made of arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


def read_only(values: ArrayLike) -> Array:
    """Return a copy as an array of floats that cannot be written to."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


class Frozen:
    """A frozen dataclass whose arrays cannot be written to, and that can be pickled and copied."""

    __slots__ = ()

    def __post_init__(self) -> None:
        # Not fields(), which takes as long as the fastest fits.
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return how to make the value again from its fields."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        views = {name: dict(v) for name, v in values.items() if isinstance(v, MappingProxyType)}
        return _restored, (type(self), values | views)


def _restored(cls: type[Any], values: dict[str, Any]) -> Any:
    return cls(**values)
