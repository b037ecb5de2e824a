"""A stand-in for scipy.special that loads its compiled functions alone until more is asked for.

``import scipy.special`` also loads what adapts it to other array libraries, numpy.f2py and
numpy.testing among it: most of the time that a pool of one table takes from a cold start.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

_NAME = "scipy.special"
_COMPILED_MODULE = f"{_NAME}._ufuncs"  # not a public name

COMPILED = frozenset(
    (
        *("betaincinv", "chdtr", "chdtrc", "chdtri", "expit", "logit"),
        *("ndtr", "ndtri", "stdtr", "stdtrit", "xlogy"),
    )
)
"""Functions that are those of the compiled module, which scipy.special only hands on."""


class _StandIn(ModuleType):
    """What stands in ``sys.modules``; anything but the compiled functions brings the package."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._home(name), name)
        setattr(self, name, value)
        return value

    def _home(self, name: str) -> ModuleType:
        """Return the module to take a name from: the package where a SciPy has no other."""
        if name in COMPILED and importlib.util.find_spec(_COMPILED_MODULE) is not None:
            return importlib.import_module(_COMPILED_MODULE)
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return importlib.import_module(_NAME)


def load_less() -> None:
    """Let the stand-in be imported for scipy.special, unless that is loaded already."""
    if _NAME in sys.modules:
        return
    spec = importlib.util.find_spec(_NAME)
    if spec is None:  # what imports it will say so
        return
    stand_in = _StandIn(_NAME)
    stand_in.__spec__, stand_in.__path__ = spec, list(spec.submodule_search_locations or ())
    sys.modules[_NAME] = stand_in
