"""Facts of this machine that the bytes of a report's pages depend on, beside its inputs."""

from __future__ import annotations

import platform
import sys
import zlib
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from comorbid.errors import ReportError
from comorbid.report.press import Press
from comorbid.report.render.pdf import platform_facts as pdf_facts

_PACKAGES = ("comorbid", "forestplot", "jinja2", "matplotlib", "numpy", "pandas", "scipy")


def platform_facts(
    *, plugins: Iterable[str], pdf: bool, press: Press | None = None
) -> dict[str, dict[str, str]]:
    """Return the facts that decide the bytes: where they are equal, so are the bytes.

    The last digit of a number, and with it a drawing, depends on the vector instructions and the
    linear algebra that NumPy uses, and on the system's mathematical functions.

    Parameters
    ----------
    plugins : iterable of str
        ``name@version`` of each plugin in use.
    pdf : bool
        Whether the report has a PDF; only then the libraries that print it are looked for.
    press : Press, optional
        Prints the PDF in place of this process, and knows them.

    Returns
    -------
    dict
        ``pages``: facts of every page and drawing. ``pdf``: what the PDF depends on besides, empty
        where it cannot be made.

    Examples
    --------
    >>> sorted(platform_facts(plugins=["comorbid-migraine@1.0"], pdf=False)["pages"])[:4]
    ['blas', 'comorbid', 'comorbid-migraine', 'forestplot']
    """
    pages = {
        **{name: metadata.version(name) for name in _PACKAGES},
        **dict(plugin.split("@", 1) for plugin in plugins),
        **_arithmetic(),
        "libc": " ".join(platform.libc_ver()).strip() or "unknown",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": sys.platform,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
    return {"pages": dict(sorted(pages.items())), "pdf": _pdf_facts(press) if pdf else {}}


def _arithmetic() -> dict[str, str]:
    import numpy as np

    found: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = found["Build Dependencies"]["blas"]
    simd = found["SIMD Extensions"]
    features = [*simd.get("baseline", ()), *simd.get("found", ())]
    return {
        "blas": f"{blas.get('name', 'none')} {blas.get('version', '')}".strip(),
        "simd": " ".join(features) or "none",
    }


def _pdf_facts(press: Press | None) -> dict[str, str]:
    try:
        return press.facts() if press else pdf_facts()
    except ReportError:  # Pango is absent; who asks for the PDF is told so
        return {}
