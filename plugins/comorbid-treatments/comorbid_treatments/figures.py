"""Figures of networks, as deterministic SVG with the words that stand for them."""

from __future__ import annotations

from comorbid_treatments.figure_forest import forest
from comorbid_treatments.figure_funnel import funnel
from comorbid_treatments.figure_graph import network_graph
from comorbid_treatments.figure_heat import net_heat

__all__ = ["forest", "funnel", "net_heat", "network_graph"]
