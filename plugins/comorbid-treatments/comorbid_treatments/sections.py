"""The section: a comparison of treatments as blocks of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import cast

import numpy as np
import pandas as pd

import comorbid as cb
from comorbid_treatments import figures, text
from comorbid_treatments.comparison import Comparison, NetworkResults
from comorbid_treatments.figure_text import estimate_text
from comorbid_treatments.networks import Network
from comorbid_treatments.table import Entry

ID = "treatments"
_LEAST_SHARE = 0.01
_FEW = 10
CONSTANTS = ("below 1 %", "at least 10", "Fewer than 10")
"""What the section prints with a number in it that is computed from nothing."""


def section(context: cb.Context) -> Sequence[cb.Block]:
    """Build the section."""
    return blocks(cast(Comparison, context.results[ID]), papers=context.bibliography.own)


def blocks(comparison: Comparison, *, papers: Collection[str] = ()) -> tuple[cb.Block, ...]:
    """Return a comparison as blocks; ``papers`` are the keys, trial ids, that can be cited."""
    if comparison.network is None:
        return (cb.Paragraph("The table of treatments has no row that is compared."),)
    made: list[cb.Block] = []
    scope = text.scope(comparison.compared)
    if scope:
        made.append(cb.Note(scope, title="Not about headache"))
    made.append(cb.Paragraph(text.data(comparison.network, comparison.compared)))
    made += [cb.Note(note, kind="information") for note in text.left_out(comparison)]
    limits = text.cannot_show(comparison)
    if limits:
        made += [cb.Heading("What these trials cannot show"), cb.Items(limits)]
    made += _trials(comparison, papers)
    if comparison.results is None:
        made += [_apart(comparison.network), _pairs(comparison)]
    else:
        made += _network(comparison, comparison.results)
    return tuple(made)


def _trials(comparison: Comparison, papers: Collection[str]) -> Iterator[cb.Block]:
    yield cb.Heading("The trials")
    yield cb.Paragraph(text.pooling(comparison))
    names = ("Trial", "People", "Months", "Treatment", "Comparator")
    header = (*names, "Estimate (95 % interval)", "Compared")
    rows = [
        (
            entry.label,
            entry.condition or "–",
            f"{entry.months:g}",
            entry.treatment,
            entry.comparator,
            f"{cb.prose.value(entry.estimate, 'identity')} "
            f"({cb.prose.interval((entry.ci_low, entry.ci_high), 'identity')})",
            f"yes, as {entry.node}"
            if entry.primary and entry.node != entry.comparator
            else ("yes" if entry.primary else "no"),
        )
        for entry in comparison.entries
    ]
    yield cb.Table(
        header,
        tuple(rows),
        "Estimates of the table, as printed",
        numeric=("Months",),
        note="People: their condition, as the table has it. Compared: whether the row takes part, "
        "and under which name its comparator does.",
    )
    yield from _sources(comparison, papers)
    reasons = dict.fromkeys(
        (entry.comparator, entry.node, entry.reason)
        for entry in comparison.compared
        if entry.node != entry.comparator
    )
    if reasons:
        head = ("Comparator", "Taken for", "Reason given")
        yield cb.Table(head, tuple(reasons), "Comparators that are pooled")
    net = cast(Network, comparison.network)
    yield from (cb.Note(f"{note}.", kind="information") for note in net.warnings)
    yield figures.network_graph(net)


def _sources(comparison: Comparison, papers: Collection[str]) -> Iterator[cb.Block]:
    """Yield where the figures of the trials can be read."""
    entries = {(e.label, e.source_url): e for e in comparison.entries if e.source_url}
    if entries:
        yield cb.Paragraph("The numbers of the trials can be read at:")
        yield cb.Items(tuple(_source(entry, papers) for entry in entries.values()))


def _source(entry: Entry, papers: Collection[str]) -> tuple[str | cb.Link | cb.Cite, ...]:
    """Return a trial's paper, if it can be cited, and its address, as a link if it can be one."""
    url = entry.source_url
    cited = (f"{entry.label} ", cb.Cite(entry.trial)) if entry.trial in papers else (entry.label,)
    return (*cited, ": ", cb.Link(url, url) if url.startswith("https://") else url)


def _apart(net: Network) -> cb.Block:
    parts = "; ".join(cb.prose.listed(part) for part in net.parts)
    return cb.Note(
        f"No trial connects these groups of treatments: {parts}. Treatments of different groups "
        "cannot be compared; there is no network meta-analysis, league table or ranking.",
        title="Not connected",
    )


def _pairs(comparison: Comparison) -> cb.Block:
    """Return each comparison on its own, beside the network's estimate where that differs."""
    pairs, net = cast(cb.Refits, comparison.pairs), cast(Network, comparison.network)
    results, percent = comparison.results, cb.prose.level(pairs.level)
    if results is not None and text.same_as_trials(results):
        results = None
    header = ["Comparison", "Trials", f"Trials alone ({percent} interval)"]
    if results is not None:
        header.append(f"Network ({percent} interval)")
        if np.isfinite(results.fit.pi_low[1, 0]):
            header.append(f"{percent} prediction")
    table = net.to_frame()
    compared = list(dict.fromkeys(zip(table["treat1"], table["treat2"], strict=True)))
    alone = zip(compared, pairs.labels, pairs.to_frame().to_dict("records"), strict=True)
    rows = []
    for (first, second), label, row in sorted(
        alone, key=lambda entry: [net.position(name) for name in reversed(entry[0])]
    ):
        ends = (float(row["ci_low"]), float(row["ci_high"]))
        cells = [
            label,
            f"{row['k']:.0f}",
            estimate_text(float(row["estimate"]), ends, pairs.scale),
        ]
        if results is not None:
            cells += _of_network(results, first, second)[: len(header) - 3]
        rows.append(tuple(cells))
    return cb.Table(
        tuple(header),
        tuple(rows),
        "Comparisons that trials made",
        numeric=tuple(header[1:]),
        note="Trials alone: two or more are pooled with a tau² of their own. Comparisons of one "
        "trial are that trial's result, with an interval of the same width that is symmetric, so "
        "that a last digit may differ from the printed one. A trial with more than two arms stands "
        f"in several rows.{text.derived(comparison)}",
    )


def _of_network(results: NetworkResults, first: str, second: str) -> list[str]:
    """Return the network's estimate of a comparison and its prediction interval."""
    fit = results.fit
    i, j = fit.network.position(first), fit.network.position(second)
    scale = fit.network.scale
    ends = (float(fit.ci_low[i, j]), float(fit.ci_high[i, j]))
    prediction = np.array([fit.pi_low[i, j], fit.pi_high[i, j]])
    if scale == "log":
        prediction = np.exp(prediction)
    return [
        estimate_text(float(fit.estimate[i, j]), ends, scale),
        cb.prose.interval((float(prediction[0]), float(prediction[1])), scale),
    ]


def _network(comparison: Comparison, results: NetworkResults) -> Iterator[cb.Block]:
    fit = results.fit
    yield cb.Heading("Estimates")
    said = (text.model(results), text.estimates(results), text.no_gain(results))
    yield cb.Paragraph(" ".join(filter(None, said)))
    if text.heterogeneity(results):
        yield cb.Paragraph(text.heterogeneity(results))
    first = comparison.compared[0]
    measured = cb.prose.measure_name(first.measure)
    label = f"{measured[0].upper()}{measured[1:]}, {first.outcome}"
    side = "right" if first.direction.startswith("positive") else "left"
    yield figures.forest(fit, axis_label=f"{label}; to the {side}: favours the treatment")
    yield _pairs(comparison)
    if not text.no_gain(results):
        yield from _rests_on(results)
    yield _league(results)
    yield cb.Heading("Ranking")
    sources = (" P-score ", cb.Cite("ruecker2015"), "; SUCRA ", cb.Cite("salanti2011"), ".")
    yield cb.Note((text.ranking(results), *sources), title="Ranks are not results")
    yield _ranks(results)
    if fit.network.loops:
        yield cb.Heading("Consistency")
        yield cb.Paragraph(text.consistency(results))
        yield from _inconsistency(results)


_OWN = " Each rests on its own comparison alone."


def _rests_on(results: NetworkResults) -> Iterator[cb.Block]:
    """Yield the estimates against the reference that rest on more than their own comparison."""
    reference, shares = results.fit.network.reference, results.shares
    names, others = (shares.index.get_level_values(level) for level in (0, 1))
    kept = [i for i, second in enumerate(others) if second == reference]
    columns = [" vs ".join(map(str, pair)) for pair in shares.columns]
    rows = []
    for i in kept:
        values = shares.iloc[i].to_numpy(dtype=np.float64)
        largest = [j for j in np.argsort(-values, kind="stable") if values[j] >= _LEAST_SHARE]
        parts = [f"{columns[j]} {_share(float(values[j]))}" for j in largest]
        own = f"{names[i]} vs {reference}"
        if [columns[j] for j in largest] != [own]:
            rows.append((own, "; ".join(parts)))
    alone = " Where no row says otherwise, that is its own comparison." * (len(rows) < len(kept))
    yield cb.Paragraph(
        (
            "What each estimate rests on follows from random walks ",
            cb.Cite("davies2022"),
            f".{alone if rows else _OWN}",
        )
    )
    if not rows:
        return
    yield cb.Table(
        ("Estimate", "Rests on the direct comparisons"),
        tuple(rows),
        f"Contributions to the estimates against {reference}",
        note="Shares below 1 % are left out. Of a trial with more than two arms a part runs "
        "through its other arms.",
    )


def _share(value: float) -> str:
    """Write a share so that no line breaks before its sign."""
    return cb.prose.percent(100 * value).replace(" ", "\N{NO-BREAK SPACE}")


def _league(results: NetworkResults) -> cb.Block:
    league = results.league
    cells, names = league.to_frame().to_numpy().tolist(), league.treatments
    numbers = [f"{i + 1}" for i in range(len(names))]
    rows = [
        (f"{number} {name}", *("–" if i == j else cell for j, cell in enumerate(row)))
        for i, (number, name, row) in enumerate(zip(numbers, names, cells, strict=True))
    ]
    return cb.Table(
        ("Row against column", *numbers),
        tuple(rows),
        "League table",
        numeric=tuple(numbers),
        note="The treatment of the row against that of the column. Below the diagonal: network "
        "estimates; above it: trials alone, with the network's tau²; a point where no trial "
        "compared the two.",
    )


def _ranks(results: NetworkResults) -> cb.Block:
    ranking = results.ranking
    place = {name: i for i, name in enumerate(ranking.treatments)}
    rows = [
        (
            name,
            f"{score:.2f}",
            f"{ranking.sucra[place[name]]:.2f}",
            f"{ranking.mean_rank[place[name]]:.1f}",
            cb.prose.percent(100 * float(ranking.probability[place[name], 0])),
        )
        for name, score in results.p_scores.items()
    ]
    header = ("Treatment", "P-score", "SUCRA", "Mean rank", "Probability best")
    return cb.Table(
        header,
        tuple(rows),
        "Ranks",
        numeric=header[1:],
        note=f"SUCRA, mean rank and probability from {ranking.draws:,} simulated sets of effects.",
    )


def _inconsistency(results: NetworkResults) -> Iterator[cb.Block]:
    """Yield node-splits, net heat, contributions and funnel, as far as there is anything to see."""
    fit, scale = results.fit, results.fit.network.scale
    table = results.nodes.to_frame()
    both = table[np.isfinite(table["difference"])]
    if len(both):
        yield _split(both, scale, fit.level)
    if np.isfinite(np.diag(results.split.heat)).sum() > 1 and results.split.between.df > 1:
        yield figures.net_heat(results.split)
    points = results.funnel_points
    if len(points):
        yield cb.Paragraph(
            f"The funnel holds the comparisons with {fit.network.reference} that at least two "
            "trials made, all in the direction of the treatment."
        )
        if len(points) < _FEW:
            yield cb.Note(
                f"With {len(points)} points it can neither show nor rule out that small trials "
                f"find larger effects; at least {_FEW} are needed.",
                title=f"Fewer than {_FEW} points",
            )
        yield figures.funnel(points, level=fit.level)


def _split(both: pd.DataFrame, scale: str, level: float) -> cb.Block:
    """Return the comparisons that have direct and indirect evidence."""
    from scipy.special import ndtri

    between = f"{'Ratio' if scale == 'log' else 'Difference'} ({cb.prose.level(level)} interval)"
    header = ("Comparison", "Trials", "Direct share", "Direct", "Indirect", between, "p")
    differences = both["difference"].to_numpy()
    half = float(ndtri((1 + level) / 2)) * both["se"].to_numpy()
    names = [" vs ".join(map(str, pair)) for pair in both.index]
    rows = [
        (
            name,
            f"{row['k']:.0f}",
            cb.prose.percent(100 * float(row["proportion"])),
            *(_printed(float(row[name]), scale) for name in ("direct", "indirect")),
            estimate_text(value, (value - width, value + width), scale),
            cb.prose.p_value(float(row["p_value"])).removeprefix("p ").removeprefix("= "),
        )
        for name, row, value, width in zip(
            names, both.to_dict("records"), differences.tolist(), half.tolist(), strict=True
        )
    ]
    return cb.Table(header, tuple(rows), "Direct and indirect evidence", numeric=header[1:])


def _printed(value: float, scale: str) -> str:
    return cb.prose.value(float(np.exp(value)) if scale == "log" else value, scale)
