"""Pignon JP, Bourhis J, Domenge C, Designe L (2000). Chemotherapy in head and neck cancer.

Lancet 355:949-955, doi:10.1016/S0140-6736(00)90011-4: 63 trials, as 65 comparisons, hazard ratio of
death 0.90 (0.85-0.94, p < 0.0001); adjuvant and neoadjuvant chemotherapy without, concomitant
with, a significant benefit, and heterogeneous.
Read: its abstract.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed, columns

import comorbid as cb


def comparisons() -> cb.Effects:
    """Log hazard ratios from observed minus expected deaths and their variances."""
    raw = columns("dat.pignon2000")
    difference, variance = np.array(raw["OmE"]), np.array(raw["V"])
    moderators = {"timing": [f"{group:.0f}" for group in raw["grp"]]}
    return cb.Effects(
        yi=difference / variance, vi=1 / variance, measure="HR", moderators=moderators
    )


def test_hazard_ratio() -> None:
    fit = cb.pool(comparisons(), method="EE", test="z")
    hazard = fit.on_scale()
    assert (hazard.estimate, *hazard.ci) == as_printed("0.90 0.85 0.94")
    assert fit.p_value < 0.0001


def test_timing() -> None:
    """Groups 1, 2 and 3: adjuvant, neoadjuvant and concomitant."""
    groups = cb.subgroups(comparisons(), by="timing", method="EE", test="z").to_frame()
    significant = groups["p_value"] < 0.05
    assert significant.to_dict() == {"1": False, "2": False, "3": True}
    assert groups.loc["3", "q_p"] < 0.05
