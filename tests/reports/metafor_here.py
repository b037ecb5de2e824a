"""Whether R and its package metafor are installed, for the tests that ask them."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def _has_metafor() -> bool:
    command = shutil.which("Rscript")
    if command is None:
        return False
    done = subprocess.run(
        [command, "-e", "quit(status = !requireNamespace('metafor', quietly = TRUE))"],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


needs_metafor = pytest.mark.skipif(not _has_metafor(), reason="Rscript with metafor is not here")
