"""The words of figures: column heads, notes, captions and alternative texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from comorbid.document import prose
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Chart, Layout
from comorbid.document.figures.numbers import Format, fixed, variance
from comorbid.models.fit import Fit
from comorbid.models.notices import few_studies
from comorbid.models.text import TEST_NAMES
from comorbid.subgroups import Subgroups

MOST_NAMES = 10
"""Studies up to which they are named one by one."""


def measure(name: str) -> str:
    """Return a measure's name inside a sentence; effects of no particular kind are "effect"."""
    return "effect" if name == "GEN" else prose.measure_name(name)


def with_article(name: str) -> str:
    """Return a name with its article: an odds ratio, a risk ratio."""
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def capitalized(text: str) -> str:
    """Return the text with its first letter large, and the others as they are."""
    return text[:1].upper() + text[1:]


def studies(count: int) -> str:
    """Return a number of studies."""
    return prose.counted(count, "study", "studies")


def estimate_head(name: str, level: float) -> str:
    """Return the head of the column of estimates: ``Odds ratio (95 % CI)``."""
    return f"{capitalized(measure(name))} ({prose.level(level)} CI)"


def axis_label(name: str, scale: str) -> str:
    """Return what stands below the axis."""
    return capitalized(measure(name)) + (", log scale" if scale == "log" else "")


def on_axis(scale: str) -> str:
    """Return what kind of axis a scale has."""
    return f"on a {'log' if scale == 'log' else 'linear'} axis"


def outside(labels: Sequence[str], limits: str, one: str = "study", many: str = "studies") -> str:
    """Say how many lie outside limits, and which if they are few."""
    if not labels:
        return f"No {one} lies outside {limits}."
    count = prose.counted(len(labels), f"{one} lies", f"{many} lie")
    return f"{count} outside {limits}{f': {named(labels)}' if len(labels) <= MOST_NAMES else ''}."


def by(result: Subgroups) -> str:
    """Return the name of the moderator that makes the subgroups."""
    return one_line(result.by.replace("_", " "))


def analysis(name: str, scale: str) -> str:
    """Return a measure's name on the analysis scale, inside a sentence: ``log odds ratio``."""
    if scale in ("log", "identity"):
        return f"log {measure(name)}" if scale == "log" else measure(name)
    return f"{measure(name)} on the analysis scale"


def model(method: str) -> str:
    """Return the model's name, with the estimator of the between-study variance."""
    return "equal-effects model" if method == "EE" else f"random-effects model, {method}"


def interval(test: str) -> str:
    """Return how an interval was made."""
    return f"{TEST_NAMES[test]} interval"


def method(fit: Fit) -> tuple[str, ...]:
    """Return the lines below a figure that say how the studies were pooled."""
    if fit.k == 1:
        return ("One study: nothing is pooled; the interval is the study's own (z).",)
    lines = [f"{capitalized(model(fit.method))}; {interval(fit.test)}."]
    if few_studies(fit, fit.k):
        lines.append(few_note(fit.k))
    return tuple(lines)


def few_note(k: int) -> str:
    """Return the note on what so few studies cannot give."""
    return f"With {k} studies neither the pooled interval nor the prediction can be relied on."


def heterogeneity(fit: Fit) -> str:
    """Return k, tau², I² with its basis, Q and its p-value, as far as they exist."""
    parts = [f"k = {fit.k}"]
    if fit.k > 1:
        equal = fit.method == "EE"
        parts += [] if equal else [f"τ² = {variance(fit.tau2)}"]
        parts += [f"I² = {prose.percent(fit.i2, 1)} ({'from Q' if equal else 'from τ²'})"]
        parts += [f"Q = {fixed(fit.q, 2)} on {fit.k - 1} df, {prose.p_value(fit.q_p)}"]
    return "; ".join(parts)


def pooled(fit: Fit, form: Format) -> str:
    """Return the pooled value and what is expected of a further study, in sentences."""
    level, name = prose.level(fit.level), measure(fit.effects.measure)
    value = (
        f"{name} {form.value(fit.estimate)}, {level} confidence interval {form.interval(*fit.ci)}"
    )
    if fit.k == 1:
        return f"One study, nothing is pooled: {value}."
    prediction = "No prediction interval."
    if not math.isnan(fit.pi[0]):
        prediction = f"{capitalized(level)} prediction interval {form.interval(*fit.pi)}."
    return f"Pooled {value} ({model(fit.method)}; {interval(fit.test)}). {prediction}"


def between(result: Subgroups) -> str:
    """Return the test between subgroups, without a full stop."""
    if math.isnan(result.q_between):
        return "Test between subgroups: not possible, fewer than two have a standard error"
    return (
        f"Test between subgroups: Q = {fixed(result.q_between, 2)} on {result.q_between_df} df, "
        f"{prose.p_value(result.q_between_p)}"
    )


def spread(
    subject: str,
    labels: Iterable[str],
    values: Iterable[float],
    form: Callable[[float], str],
    *,
    before: str = "without ",
) -> str:
    """Say between which values, with their labels, something lies; nothing if there are not two."""
    known = [(x, one_line(text)) for text, x in zip(labels, values, strict=True) if x == x]
    if len(known) < 2:
        return ""
    (low, first), (high, last) = min(known), max(known)
    if form(low) == form(high):
        return f"{subject} is {form(low)} throughout."
    return f"{subject} ranges from {form(low)} ({before}{first}) to {form(high)} ({before}{last})."


def full_names(chart: Chart, layout: Layout) -> str:
    """Return a sentence with the names of rows that are not drawn as they are, or nothing."""
    changed = [
        one_line(row.label)
        for row, text in zip((*chart.rows, *chart.totals), layout.labels, strict=True)
        if text != one_line(row.label) + row.remark
    ]
    return f"Labels in full: {'; '.join(changed)}." if changed else ""


def named(labels: Iterable[str]) -> str:
    """Return labels, which may hold commas, as a list inside a sentence."""
    return "; ".join(map(one_line, labels))


def joined(*sentences: str) -> str:
    """Return the sentences that say something as one text."""
    return " ".join(sentence for sentence in sentences if sentence)
