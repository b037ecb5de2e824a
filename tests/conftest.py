"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# Figures are drawn without a window, in subprocesses as well.
os.environ["MPLBACKEND"] = "Agg"

# The same examples on every machine and in every run; no deadline, for machines with slow cores.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
