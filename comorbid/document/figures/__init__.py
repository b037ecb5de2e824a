"""Figures: functions that take a result and return a `Figure`, a drawing with its words.

`drawing` makes one of one's own, with a `Pen` on a `Panel` or an empty sheet.

matplotlib and forestplot are imported when a figure is drawn, not before.
"""

from __future__ import annotations

from comorbid.document.figures.baujat_plot import baujat_plot
from comorbid.document.figures.bias_summary_plot import risk_of_bias_summary
from comorbid.document.figures.bubble_plot import bubble
from comorbid.document.figures.canvas import ACCENT, MUTED, PALE, SHADE, WIDTH, text_width
from comorbid.document.figures.caterpillar_plot import caterpillar
from comorbid.document.figures.confounding_plot import confounding
from comorbid.document.figures.cumulative_plot import cumulative_forest
from comorbid.document.figures.drapery_plot import drapery
from comorbid.document.figures.drawing import drawing
from comorbid.document.figures.estimates_plot import estimates
from comorbid.document.figures.forest_plot import forest
from comorbid.document.figures.funnel_plot import funnel
from comorbid.document.figures.glance_plot import at_a_glance
from comorbid.document.figures.gosh_plot import gosh
from comorbid.document.figures.influence_plot import influence_plot
from comorbid.document.figures.labbe_plot import labbe
from comorbid.document.figures.leave_one_out_plot import leave_one_out
from comorbid.document.figures.panel import Panel
from comorbid.document.figures.pen import Pen
from comorbid.document.figures.people_plot import people
from comorbid.document.figures.profile_plot import profile
from comorbid.document.figures.qq_plot import qqnorm
from comorbid.document.figures.radial_plot import radial
from comorbid.document.figures.specification_plot import specification_curve
from comorbid.document.figures.subgroup_plot import subgroups
from comorbid.document.figures.traffic_light_plot import traffic_light

__all__ = [
    "ACCENT",
    "MUTED",
    "PALE",
    "SHADE",
    "WIDTH",
    "Panel",
    "Pen",
    "at_a_glance",
    "baujat_plot",
    "bubble",
    "caterpillar",
    "confounding",
    "cumulative_forest",
    "drapery",
    "drawing",
    "estimates",
    "forest",
    "funnel",
    "gosh",
    "influence_plot",
    "labbe",
    "leave_one_out",
    "people",
    "profile",
    "qqnorm",
    "radial",
    "risk_of_bias_summary",
    "specification_curve",
    "subgroups",
    "text_width",
    "traffic_light",
]
