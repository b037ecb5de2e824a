"""comorbid_treatments: pairwise and network meta-analysis of treatments."""

from __future__ import annotations

from comorbid_treatments.arms import network_from_arms
from comorbid_treatments.contrasts import network
from comorbid_treatments.fits import NetworkFit, fit
from comorbid_treatments.networks import Network, Trial

__all__ = ["Network", "NetworkFit", "Trial", "fit", "network", "network_from_arms"]
