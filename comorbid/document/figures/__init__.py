"""Figures: functions that take a result and return a `Figure`, a drawing with its words.

matplotlib and forestplot are imported when a figure is drawn, not before.
"""

from __future__ import annotations

from comorbid.document.figures.forest_plot import forest
from comorbid.document.figures.funnel_plot import funnel
from comorbid.document.figures.leave_one_out_plot import leave_one_out
from comorbid.document.figures.subgroup_plot import subgroups

__all__ = ["forest", "funnel", "leave_one_out", "subgroups"]
