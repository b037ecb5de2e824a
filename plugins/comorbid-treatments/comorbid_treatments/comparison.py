"""The analysis of a report: the table of treatments as pairs, as a network, and what it lacks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

import comorbid as cb
from comorbid_treatments.contrasts import network
from comorbid_treatments.contribution import contributions
from comorbid_treatments.counts import excluding, network_counts
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.fits import fit
from comorbid_treatments.funnels import funnel
from comorbid_treatments.inconsistency import Decomposition, decompose
from comorbid_treatments.leagues import League, league
from comorbid_treatments.networks import Network
from comorbid_treatments.pairs import pairwise
from comorbid_treatments.ranking import Ranking, SmallValues, p_scores, sucra
from comorbid_treatments.splits import NodeSplit, node_split
from comorbid_treatments.table import TABLE, Entry, read_entries

METHOD: Literal["REML"] = "REML"
SEED = 2012


@dataclass(frozen=True, slots=True, eq=False)
class NetworkResults:
    """What a connected network gives.

    Attributes
    ----------
    fit : NetworkFit
    league : League
        Highest P-score first.
    p_scores : mapping of str to float
        Highest first.
    ranking : Ranking
    split : Decomposition
    nodes : NodeSplit
    shares : DataFrame
        Contributions of direct comparisons.
    """

    fit: NetworkFit
    league: League
    p_scores: dict[str, float]
    ranking: Ranking
    split: Decomposition
    nodes: NodeSplit
    shares: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "fit": self.fit.to_dict(),
            "p_scores": {
                "labels": list(self.p_scores),
                "p_score": list(self.p_scores.values()),
            },
            "ranking": self.ranking.to_dict(),
            "decomposition": self.split.to_dict(),
            "node_split": self.nodes.to_dict(),
            "split_comparisons": self._split_comparisons(),
            "funnel": self._funnel(),
            "contributions": {
                "labels": [" vs ".join(map(str, pair)) for pair in self.shares.index],
                "comparisons": [" vs ".join(map(str, pair)) for pair in self.shares.columns],
                "percent": (100 * self.shares).to_numpy().tolist(),
            },
            "league": self.league.to_dict(),
            "excluding": excluding(self.fit).to_dict(),
        }

    @property
    def funnel_points(self) -> pd.DataFrame:
        """Contrasts with the reference of the comparisons that two trials or more made."""
        net = self.fit.network
        points = funnel(self.fit, order=[*net.treatments[1:], net.reference])
        return points[(points["treat2"] == net.reference) & (points["k"] > 1)]

    def _funnel(self) -> dict[str, int]:
        """Return what is said of the funnel."""
        points = self.funnel_points
        return {
            "points": len(points),
            "comparisons": len(points[["treat1", "treat2"]].drop_duplicates()),
            "below": int((points["adjusted"] < 0).sum()),
            "above": int((points["adjusted"] > 0).sum()),
        }

    def _split_comparisons(self) -> dict[str, Any]:
        """Return direct and indirect evidence on the printed scale, where there are both."""
        table = self.nodes.to_frame()
        both = table[np.isfinite(table["difference"])]
        half = float(ndtri((1 + self.fit.level) / 2)) * both["se"]
        values = {
            "direct": both["direct"],
            "indirect": both["indirect"],
            "estimate": both["difference"],
            "ci_low": both["difference"] - half,
            "ci_high": both["difference"] + half,
        }
        back = np.exp if self.fit.network.scale == "log" else np.positive
        return {
            "labels": [" vs ".join(map(str, pair)) for pair in both.index],
            "k": both["k"].tolist(),
            "percent_direct": (100 * both["proportion"]).tolist(),
            "p_value": both["p_value"].tolist(),
            "on_scale": {name: back(column).tolist() for name, column in values.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The treatments of a table compared; made by `compare`.

    Attributes
    ----------
    entries : tuple of Entry
        All rows of the table.
    network : Network or None
        Of the rows that are compared; None without one.
    pairs : Refits or None
        Each comparison on its own.
    results : NetworkResults or None
        None if the treatments are not connected.
    unpooled : tuple of tuple of str
        The parts into which the network falls if every comparator keeps its own name.
    """

    entries: tuple[Entry, ...]
    network: Network | None
    pairs: cb.Refits | None
    results: NetworkResults | None
    unpooled: tuple[tuple[str, ...], ...]

    @property
    def compared(self) -> tuple[Entry, ...]:
        """The rows that are compared."""
        return tuple(entry for entry in self.entries if entry.primary)

    @property
    def small_values(self) -> SmallValues:
        """Whether small values are desirable, by the table's direction."""
        return small_values(self.compared)

    def to_frame(self) -> pd.DataFrame:
        """Return the network estimates against the reference, or the pairwise ones."""
        if self.results is not None:
            return self.results.fit.to_frame()
        return pd.DataFrame() if self.pairs is None else self.pairs.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "entries": [entry.to_dict() for entry in self.entries],
            "network": None if self.network is None else self.network.to_dict(),
            "counts": None if self.network is None else network_counts(self.network).to_dict(),
            "pairs": None if self.pairs is None else self.pairs.to_dict(),
            "results": None if self.results is None else self.results.to_dict(),
            "unpooled": [list(part) for part in self.unpooled],
            "parts_unpooled": len(self.unpooled),
        }


def run(context: cb.Context) -> Comparison:
    """Compare the treatments of a report's table."""
    table = context.tables[TABLE]
    frame = table.frame
    frame.index = pd.Index([f"{table.source}, line {line}" for line in table.lines], name="")
    return compare(frame, level=context.settings.level)


def compare(frame: pd.DataFrame, *, level: float = 0.95) -> Comparison:
    """Compare the treatments of a table, pair by pair and as a network.

    Parameters
    ----------
    frame : DataFrame
        The columns of the table ``treatments``.
    level : float
        Of all intervals, which are standard normal: the network has no other, and two or three
        trials of a comparison are too few for a Knapp-Hartung interval.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        About rows, all problems at once.
    """
    entries = read_entries(frame)
    compared = [entry for entry in entries if entry.primary]
    if not compared:
        return Comparison(entries, None, None, None, ())
    # What is assumed or suspected is kept with the network, and printed in the report.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cb.ComorbidWarning)
        net = _network(compared, [entry.node for entry in compared])
        unpooled = _network(compared, [entry.comparator for entry in compared]).parts
    pairs = pairwise(net, method=METHOD, test="z", level=level)
    if len(net.parts) > 1:
        return Comparison(entries, net, pairs, None, unpooled)
    return Comparison(entries, net, pairs, _results(net, compared, level), unpooled)


def _network(compared: Sequence[Entry], comparators: Sequence[str]) -> Network:
    """Return the network in which the entries' comparators have these names."""
    effects = cb.escalc(
        compared[0].measure,
        estimate=np.array([entry.estimate for entry in compared]),
        ci_low=np.array([entry.ci_low for entry in compared]),
        ci_high=np.array([entry.ci_high for entry in compared]),
        labels=[entry.row for entry in compared],
    )
    table = pd.DataFrame(
        {
            "study": [entry.label for entry in compared],
            "treat1": [entry.treatment for entry in compared],
            "treat2": comparators,
            "yi": effects.yi,
            "vi": effects.vi,
        },
        index=pd.Index([entry.row for entry in compared], name=""),
    )
    trials = {(entry.label, node) for entry, node in zip(compared, comparators, strict=True)}
    counted = Counter(node for _, node in sorted(trials))
    return network(
        table,
        measure=compared[0].measure,
        reference=max(sorted(counted), key=lambda node: counted[node]),
        rho={entry.label: entry.rho for entry in compared if not np.isnan(entry.rho)},
    )


def _results(net: Network, compared: Sequence[Entry], level: float) -> NetworkResults:
    fitted = fit(net, method=METHOD, level=level)
    better = small_values(compared)
    scores = p_scores(fitted, small_values=better)
    return NetworkResults(
        fit=fitted,
        league=league(fitted, order=[str(name) for name in scores.index]),
        p_scores={str(name): float(score) for name, score in scores.items()},
        ranking=sucra(fitted, small_values=better, seed=SEED),
        split=decompose(net),
        nodes=node_split(fitted),
        shares=contributions(fitted),
    )


def small_values(compared: Sequence[Entry]) -> SmallValues:
    """Return whether small values are desirable: where negative ones favour the treatment."""
    direction = compared[0].direction if compared else ""
    return "desirable" if direction.startswith("negative") else "undesirable"
