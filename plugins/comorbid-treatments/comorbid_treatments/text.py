"""Sentences about a comparison of treatments: no more than the trials and intervals allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import comorbid as cb
from comorbid_treatments.comparison import Comparison, NetworkResults
from comorbid_treatments.counts import excluding, network_counts
from comorbid_treatments.networks import Network
from comorbid_treatments.table import Entry

_HEADACHE = ("headache", "migraine")


def scope(compared: Sequence[Entry]) -> str:
    """Say what the trials measured, if it was not headache."""
    words = [f"{entry.condition} {entry.outcome}".lower() for entry in compared]
    if any(word in text for word in _HEADACHE for text in words):
        return ""
    back = all("back pain" in entry.condition.lower() for entry in compared)
    return (
        f"These are trials of treatments{' for back pain' if back else ''}, and none of them "
        f"measured headache: the outcome is {compared[0].outcome}. Nothing below says what a "
        "treatment does for headache, or for people who have both."
    )


def data(net: Network, compared: Sequence[Entry]) -> str:
    """Say how many trials compare what, in which direction, and when."""
    several = [trial.label for trial in net.trials if len(trial.arms) > 2]
    trials = cb.prose.counted(net.k, "trial", "trials")
    arms = f"; {cb.prose.listed(several)} has more than two arms" if len(several) == 1 else ""
    if len(several) > 1:
        arms = f"; {cb.prose.listed(several)} have more than two arms"
    return (
        f"{trials[0].upper()}{trials[1:]} {'compares' if net.k == 1 else 'compare'} "
        f"{net.n} treatments{arms}. The measure is the "
        f"{cb.prose.measure_name(compared[0].measure)} in {compared[0].outcome}, "
        f"{direction(compared[0])}. {times(compared)}"
    )


def direction(entry: Entry) -> str:
    """Say which side of no difference favours the treatment named first.

    Examples
    --------
    >>> import dataclasses
    >>> from comorbid_treatments.table import Entry
    >>> values = dict.fromkeys([field.name for field in dataclasses.fields(Entry)], "")
    >>> direction(Entry(**{**values, "measure": "MD", "direction": "positive favours treatment"}))
    'where values above 0 favour the treatment named first'
    """
    null = 1 if entry.measure in ("OR", "RR", "HR", "IRR") else 0
    side = "above" if entry.direction.startswith("positive") else "below"
    return f"where values {side} {null} favour the treatment named first"


def times(compared: Sequence[Entry]) -> str:
    """Say at which time each trial is compared: one time a trial."""
    when: dict[float, list[str]] = {}
    for entry in compared:
        labels = when.setdefault(entry.months, [])
        if entry.label not in labels:
            labels.append(entry.label)
    ordered = sorted(when.items(), key=lambda item: (-len(item[1]), item[0]))
    if len(ordered) == 1:
        return f"All results are those {_months(ordered[0][0])} after entry."
    parts = [f"{_months(months)} ({cb.prose.listed(labels)})" for months, labels in ordered]
    return f"Each trial is compared at one time after entry: {'; '.join(parts)}."


def _months(months: float) -> str:
    return f"{months:g} {'month' if months == 1 else 'months'}"


def left_out(comparison: Comparison) -> tuple[str, ...]:
    """Say which treatments of a compared trial have no estimate at the time that is compared."""
    compared = {(entry.trial, entry.treatment) for entry in comparison.compared}
    trials = {trial for trial, _ in compared}
    absent: dict[tuple[str, str], list[Entry]] = {}
    for entry in comparison.entries:
        if entry.trial in trials and (entry.trial, entry.treatment) not in compared:
            absent.setdefault((entry.label, entry.treatment), []).append(entry)
    texts = []
    for (label, treatment), entries in absent.items():
        when = cb.prose.listed([_months(entry.months) for entry in entries])
        note = f" ({entries[0].note})" if entries[0].note else ""
        texts.append(
            f"{label} also compared {treatment}, for which the table has an estimate at {when} "
            f"only; it takes no part{note}."
        )
    return tuple(texts)


def pooling(comparison: Comparison) -> str:
    """Say which comparators are taken for one treatment, and what happens if they are not."""
    pooled = list(
        dict.fromkeys(
            (entry.node, entry.comparator)
            for entry in comparison.compared
            if entry.node != entry.comparator
        )
    )
    if not pooled:
        return "Every comparator keeps the name that its trial gives it."
    nodes = cb.prose.listed(list(dict.fromkeys(f"“{node}”" for node, _ in pooled)))
    names = cb.prose.listed([f"“{comparator}”" for _, comparator in pooled])
    parts = len(comparison.unpooled)
    apart = (
        f"Without it the trials fall into {parts} separate groups, and treatments of different "
        "groups cannot be compared at all."
        if parts > 1
        else "Without it the treatments are still connected."
    )
    return (
        f"The comparators differ. Taking {names} for {nodes} is an assumption, not a finding: "
        f"every comparison between treatments of different trials rests on it. {apart}"
    )


def cannot_show(comparison: Comparison) -> tuple[str, ...]:
    """Say what this network cannot show, and why."""
    net, results = comparison.network, comparison.results
    if net is None or results is None:
        return ()
    texts = []
    if results.fit.q_df == 0:
        texts.append(
            "Whether trials differ: no comparison was made by two trials, so the variance between "
            "trials (tau²) cannot be estimated, there are no prediction intervals, and all "
            "intervals are too narrow if trials do differ."
        )
    if net.loops == 0:
        texts.append(f"Whether it is consistent: {inconsistent(net)}")
    counts = network_counts(net)
    if counts.indirect:
        every = cb.prose.counted(counts.comparisons, "comparison", "comparisons")
        texts.append(
            f"How treatments compare that no trial compared: {counts.indirect} of {every} are "
            "indirect, not randomised against each other, and hold only if the trials are alike in "
            "all that changes a treatment's effect: people, comparator, time."
        )
    if comparison.pairs is not None and _largest(comparison.pairs) < 2:
        texts.append(
            "Whether small trials find larger effects: a comparison-adjusted funnel plot needs "
            "comparisons of at least two trials."
        )
    return tuple(texts)


def inconsistent(net: Network) -> str:
    """Say that consistency cannot be tested."""
    return (
        "direct and indirect evidence cannot be tested against each other, since there is no "
        "closed loop of comparisons independent of a trial with more than two arms."
    )


def _largest(pairs: cb.Refits) -> int:
    return int(pairs.to_frame()["k"].max())


def model(results: NetworkResults) -> str:
    """Say whether the model lets the effects of trials differ."""
    if results.fit.q_df == 0:
        return (
            "The network model is a common-effect model: every trial of a comparison is taken to "
            "have the same true effect."
        )
    return "The network model is a random-effects model, with one tau² for all comparisons."


def derived(comparison: Comparison) -> str:
    """Name the comparisons within a trial that the table does not give."""
    given = {(e.label, frozenset((e.treatment, e.node))) for e in comparison.compared}
    table = cast(Network, comparison.network).to_frame()
    pairs = [
        f"{first} vs {second} of {study}"
        for study, first, second in zip(
            table["study"], table["treat1"], table["treat2"], strict=True
        )
        if (study, frozenset((first, second))) not in given
    ]
    if not pairs:
        return ""
    verb = "follows" if len(pairs) == 1 else "follow"
    return (
        f" Not in the table of estimates: {cb.prose.listed(pairs)}, which {verb} from the trial's "
        "other contrasts and their assumed correlation."
    )


def estimates(results: NetworkResults) -> str:
    """Say how many intervals exclude no difference, against the reference and otherwise."""
    found, fit = excluding(results.fit), results.fit
    text = (
        f"Against {fit.network.reference} the {cb.prose.level(fit.level)} interval excludes "
        f"{found.null:g} for {found.against} of "
        f"{cb.prose.counted(found.of_treatments, 'treatment', 'treatments')}"
    )
    if not found.of_comparisons:
        return f"{text}."
    between = "none" if found.between == 0 else f"{found.between}"
    return (
        f"{text}; between the treatments themselves it does so for {between} of "
        f"{cb.prose.counted(found.of_comparisons, 'comparison', 'comparisons')}."
    )


def no_gain(results: NetworkResults) -> str:
    """Say what the network adds to the trials, if it is no more than indirect comparisons."""
    table = results.nodes.to_frame()
    own = table.loc[table["k"] > 0, "proportion"]
    if (own < 1 - 1e-6).any():
        return ""
    arms = (
        " A path over other treatments runs through other arms of the same trial."
        if any(len(trial.arms) > 2 for trial in results.fit.network.trials)
        else ""
    )
    return (
        "Where trials compared two treatments the network estimate is theirs, unchanged: no "
        f"indirect evidence from other trials adds to it.{arms}"
    )


def same_as_trials(results: NetworkResults) -> bool:
    """Say whether every comparison that a trial made has its estimate and interval from it alone.

    Without a tau2 a comparison that gains nothing from others has the interval of its one trial.
    """
    return results.fit.q_df == 0 and bool(no_gain(results))


def ranking(results: NetworkResults) -> str:
    """Say what the ranks do not say."""
    names = list(results.p_scores)
    first, second = (results.fit.network.position(name) for name in names[:2])
    fit = results.fit
    apart = fit.ci_low[first, second] > 0 or fit.ci_high[first, second] < 0
    best = results.ranking.probability[first, 0]
    certain = (
        "their difference has an interval that excludes no difference"
        if apart
        else "the interval of their difference includes no difference"
    )
    return (
        "Ranks without intervals mislead. A P-score is the mean certainty that a treatment is "
        "better than another one; it says nothing of how large a difference is, nor whether trials "
        f"were fair or alike. First stands {names[0]}, with a probability of "
        f"{cb.prose.percent(100 * best)} to be the best of these; second {names[1]}: {certain}."
    )


def consistency(results: NetworkResults) -> str:
    """Say what the tests of consistency found, or that there are none."""
    split, net = results.split, results.fit.network
    if net.loops == 0:
        text = inconsistent(net)
        return f"{text[0].upper()}{text[1:]}"
    common, random = split.between, split.between_random
    if split.within.df:
        allowed = (
            f"with heterogeneity within designs allowed for Q = {random.q:.2f}, "
            f"{cb.prose.p_value(random.p)}"
        )
        beyond = "chance and heterogeneity"
    else:
        allowed = "no design has two trials, so heterogeneity within designs cannot be allowed for"
        beyond = "sampling error; heterogeneity may be the reason"
    verdict = (
        f"Direct and indirect evidence disagree by more than {beyond}. The network estimates and "
        "the ranks above average over trials that contradict each other."
        if random.p < 1 - results.fit.level
        else "A large p-value does not show consistency: the test has little power with few trials."
    )
    return (
        f"Differences between designs, the test of consistency: Q = {common.q:.2f} on "
        f"{cb.prose.counted(common.df, 'degree', 'degrees')} of freedom, "
        f"{cb.prose.p_value(common.p)}; {allowed}. {verdict}"
    )


def heterogeneity(results: NetworkResults) -> str:
    """Say how far trials of the network differ."""
    fit = results.fit
    if fit.q_df == 0:
        return ""
    return (
        f"Between-trial variance (tau²), one for all comparisons, is estimated as "
        f"{cb.prose.small(fit.tau2)} (REML), I² as {cb.prose.percent(fit.i2)} (Q = {fit.q:.2f} on "
        f"{cb.prose.counted(fit.q_df, 'degree', 'degrees')} of freedom, "
        f"{cb.prose.p_value(fit.q_p)})"
        + ("; with so few degrees of freedom it is hardly known." if fit.q_df < 5 else ".")
    )
