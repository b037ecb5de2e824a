"""The array types that signatures name, and frozen values made of arrays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


class Frozen:
    """A frozen dataclass whose arrays cannot be written to."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
