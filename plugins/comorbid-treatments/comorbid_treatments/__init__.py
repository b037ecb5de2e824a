"""Pairwise and network meta-analysis of treatments, from contrasts or from arms.

>>> import pandas as pd
>>> import comorbid_treatments as ct
>>> table = pd.DataFrame({
...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
>>> net = ct.network(table, measure="MD", reference="C")
>>> fit = ct.fit(net, method="REML")
>>> fit.to_frame()["estimate"].round(2).to_dict()
{'A': 1.03, 'B': 0.37}
"""

from __future__ import annotations

from comorbid_treatments import figures
from comorbid_treatments.arms import network_from_arms
from comorbid_treatments.contrasts import network
from comorbid_treatments.contribution import contributions
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.fits import fit
from comorbid_treatments.funnels import funnel
from comorbid_treatments.inconsistency import ChiSquared, Decomposition, decompose
from comorbid_treatments.leagues import League, league
from comorbid_treatments.networks import Network, Trial
from comorbid_treatments.pairs import pairwise
from comorbid_treatments.ranking import Ranking, p_scores, sucra
from comorbid_treatments.splits import NodeSplit, node_split

__all__ = [
    "ChiSquared",
    "Decomposition",
    "League",
    "Network",
    "NetworkFit",
    "NodeSplit",
    "Ranking",
    "Trial",
    "contributions",
    "decompose",
    "figures",
    "fit",
    "funnel",
    "league",
    "network",
    "network_from_arms",
    "node_split",
    "p_scores",
    "pairwise",
    "sucra",
]
