"""What the association means in people: how many have both conditions, and how many by chance."""

from __future__ import annotations

from collections.abc import Callable

from comorbid.burden import Burden
from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Note, Paragraph, Table
from comorbid.people import People


def burden(
    people: People,
    *,
    conditions: tuple[str, str],
    sources: tuple[str, str],
    population: People | None = None,
    note: str | None = None,
) -> tuple[Block, ...]:
    """Return how many have both conditions: sentences, figure and table.

    ``people`` speaks of a round number of people, ``population`` of those of a real one;
    ``note`` says in how far the pooled studies are about these conditions.
    """
    found = people.burden
    whole = () if population is None else (Paragraph(in_population(population, conditions)),)
    return (
        Paragraph(prevalences(people, conditions, sources)),
        Note(
            "The numbers hold if the pooled association holds in the population that the "
            "prevalences are of, and if both mean the same by the two conditions. "
            f"{f'{note}. ' if note else ''}{direction(found, conditions)}The numbers "
            "count people who have both; they do not say that one condition brings about the "
            "other.",
            title="What these numbers assume",
        ),
        Paragraph(f"{by_chance(people)} {implied(people)}"),
        *whole,
        figures.people(people, conditions=conditions, title=""),
        _table(people, conditions),
        Paragraph(risk(found, conditions)),
    )


def prevalences(people: People, conditions: tuple[str, str], sources: tuple[str, str]) -> str:
    """Say how frequent each condition is, and who says so."""
    found = people.burden
    parts = [
        f"{condition}, {_share(prevalence)} of people ({source})"
        for condition, prevalence, source in zip(
            conditions, (found.p1, found.p2), sources, strict=True
        )
    ]
    return f"How frequent each condition is by itself is taken from elsewhere: {'; '.join(parts)}."


def by_chance(people: People) -> str:
    """Say how many would have both if the conditions were independent."""
    of, expected = f"{people.size:,.0f}", people.expected
    return (
        f"If the two were independent, {_number(expected.estimate)} of {of} people would be "
        "expected to have both."
    )


def implied(people: People) -> str:
    """Say how many have both by the pooled association, and how far from chance that is."""
    found, extra = people.burden, people.extra
    name, level = prose.measure_name(found.measure), prose.level(found.level)
    low, high = (_more(end) for end in extra.ci)
    null = ", which includes none" if extra.ci[0] <= 0 <= extra.ci[1] else ""
    prediction = ""
    if people.both.pi[0] == people.both.pi[0]:
        prediction = f"; {level} prediction interval {_ends(people.both.pi)}"
    return (
        f"The pooled {name} implies that {_number(people.both.estimate)} have both ({level} "
        f"confidence interval {_ends(people.both.ci)}{prediction}): {_more(extra.estimate)} than "
        f"independence would give (from {low} to {high}{null})."
    )


def direction(found: Burden, conditions: tuple[str, str]) -> str:
    """Say whom a measure that has a direction is taken to compare; nothing of the others.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.4], vi=[0.01], measure="RR"))
    >>> print(direction(cb.burden(fit, p1=0.2, p2=0.1), ("back pain", "headache")))
    The pooled risk ratio is taken to be of headache, in people with back pain and without.
    """
    if found.measure not in ("RR", "RD"):
        return ""
    name = prose.measure_name(found.measure)
    return (
        f"The pooled {name} is taken to be of {conditions[1]}, in people with {conditions[0]} and "
        "without. "
    )


def in_population(people: People, conditions: tuple[str, str]) -> str:
    """Say the same of a population."""
    level, extra = prose.level(people.burden.level), people.extra
    low, high = (_more(end, _rough) for end in extra.ci)
    return (
        f"Among {people.size:,.0f} people that would be "
        f"{_rough(people.both.estimate)} with {prose.listed(conditions)} ({level} confidence "
        f"interval {_rough(people.both.ci[0])} to {_rough(people.both.ci[1])}), where independence "
        f"would give {_rough(people.expected.estimate)}: {_more(extra.estimate, _rough)} than that "
        f"(from {low} to {high})."
    )


def risk(found: Burden, conditions: tuple[str, str]) -> str:
    """Say what ratios of risks the association implies at these prevalences."""
    level, (first, second) = prose.level(found.level), conditions
    parts = [
        f"{one} is {prose.value(ratio.estimate)} times as frequent in people with {other} as "
        f"in people without ({level} confidence interval {prose.interval(ratio.ci)})"
        for one, other, ratio in (
            (first, second, found.risk_ratio_1),
            (second, first, found.risk_ratio_2),
        )
    ]
    text = f"At these prevalences {prose.listed(parts)}"
    if found.measure != "OR":
        return f"{text}."
    return f"{text}; an odds ratio is further from 1 than the ratio of risks it stands for."


def _table(people: People, conditions: tuple[str, str]) -> Table:
    found = people.burden
    level, of = prose.level(found.level), f"of {people.size:,.0f} people"
    header = ("Quantity", "Estimate", f"{level} interval", f"{level} prediction")
    counts = {
        f"Both if independent, {of}": people.expected,
        f"Both, {of}": people.both,
        f"Both beyond chance, {of}": people.extra,
    }
    one, two = conditions
    ratios = {
        "Both, as a multiple of chance": found.observed_expected,
        f"Risk ratio of {one}, with and without {two}": found.risk_ratio_1,
        f"Risk ratio of {two}, with and without {one}": found.risk_ratio_2,
    }
    shares = {
        "Phi, the correlation of the two": found.phi,
        f"Excess fraction of {one}": found.attributable_fraction_1,
        f"Excess fraction of {two}": found.attributable_fraction_2,
    }
    rows = [
        *((name, _number(q.estimate), _ends(q.ci), _ends(q.pi)) for name, q in counts.items()),
        *(
            (name, prose.value(q.estimate), prose.interval(q.ci), prose.interval(q.pi))
            for name, q in ratios.items()
        ),
        *(
            (name, prose.number(q.estimate), _ends(q.ci, prose.number), _ends(q.pi, prose.number))
            for name, q in shares.items()
        ),
    ]
    return Table(
        header,
        tuple(rows),
        "People with both conditions",
        numeric=header[1:],
        note="The prediction interval is for a population like those of the single studies. The "
        f"excess fraction of {one} is the share of it that there would not be if everybody had it "
        f"as often as those without {two}, and the reverse. It is known as the population "
        "attributable fraction, which presumes that one brings about the other; nothing here "
        f"shows that.{_simulated(found)}",
    )


def _simulated(found: Burden) -> str:
    if found.p1[1] == found.p1[2] and found.p2[1] == found.p2[2]:
        return ""
    return (
        " The intervals also carry those of the prevalences, by simulation with independent draws "
        "of the pooled value and of the log odds of each prevalence."
    )


def _number(value: float) -> str:
    """Return a number of people with one decimal."""
    return "–" if value != value else f"{value:,.1f}".replace("-", "\N{MINUS SIGN}")


def _more(value: float, form: Callable[[float], str] = _number) -> str:
    return f"{form(abs(value))} {'more' if value >= 0 else 'fewer'}"


def _ends(ends: tuple[float, float], form: Callable[[float], str] = _number) -> str:
    return f"{form(ends[0])} to {form(ends[1])}" if ends[0] < ends[1] else "–"


def _rough(value: float) -> str:
    """Return a large number of people with three significant digits."""
    return f"{float(f'{value:.3g}'):,.0f}"


def _share(prevalence: tuple[float, float, float]) -> str:
    value, low, high = prevalence
    text = prose.percent(100 * value, 1)
    if low == high:
        return text
    return f"{text} ({prose.percent(100 * low, 1)} to {prose.percent(100 * high, 1)})"
