"""Checks of where an estimate stands in its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from comorbid.studies.finding import Finding, Repair
from comorbid.studies.published import Interval, Rounded, Row, apart

_CORRELATIONS = ("COR", "UCOR", "ZCOR", "PHI", "ZPHI", "RPB", "ZPB")
_DIFFERENCES = ("RD", "MD", "IRD", "MN", "MC")
# Exact intervals of standardised differences are a little skewed: their middle is up to a tenth of
# half their width from the estimate.
_SKEWED = ("SMD", "SMDH", "SMD1", "SMD1H")
_SKEW = 0.1

_EXPECTED = {
    "log": "On the log scale an estimate stands in the middle of its interval.",
    "arctanh": "A correlation stands in the middle of its interval, as it is or on Fisher's scale.",
    "identity": "An estimate of a difference stands in the middle of its interval.",
}
_COMPARE = (
    "Compare the three numbers with the paper; where the interval is exact or from a profile"
    " likelihood, take the standard error from counts or from the authors."
)


def asymmetric_interval(row: Row) -> Iterator[Finding]:
    """Find an estimate that is not in the middle of its interval, on no usual scale."""
    estimate, interval, scales = row.estimate, row.interval, _symmetric_on(row)
    if estimate is None or interval is None or not scales:
        return
    skew = _SKEW if row.measure in _SKEWED else 0.0
    if not all(_is_off(estimate, interval, scale, skew) for scale in scales):
        if estimate.value in (interval.low.value, interval.high.value):
            yield _equal_to_an_end(row, estimate, interval)
    elif scales == ("log",) and not _is_off(estimate, interval, "identity", 0.0):
        yield _on_log_scale(row, estimate, interval)
    else:
        yield _off_middle(row, estimate, replace(interval, scale=scales[0]))


def _symmetric_on(row: Row) -> tuple[str, ...]:
    """Return the scales on which intervals of a measure are symmetric.

    Those of proportions are of many kinds, most of them not symmetric on any.
    """
    if row.scale == "log":
        return ("log",)
    if row.measure in _CORRELATIONS:
        return ("arctanh", "identity")
    return ("identity",) if row.measure in (*_DIFFERENCES, *_SKEWED) else ()


def _is_off(estimate: Rounded, interval: Interval, scale: str, skew: float) -> bool:
    """Return whether no values that print so are symmetric on a scale."""
    low, high = replace(interval, scale=scale).middle
    allowed = 1e-9 * abs(estimate.value) + skew * (interval.high.value - interval.low.value) / 2
    return high < estimate.low - allowed or low > estimate.high + allowed


def _off_middle(row: Row, estimate: Rounded, interval: Interval) -> Finding:
    (middle,) = apart(interval.printed_middle)
    low, high = apart(*interval.middle)
    found = (
        f"{row.label}: the middle of {interval} is {middle}, and between {low} and {high} for all"
        f" its digits say, but the estimate is {estimate.text}."
    )
    expected = _EXPECTED[interval.scale]
    return Finding("asymmetric-interval", "warning", (row.id,), expected, found, _COMPARE)


def _on_log_scale(row: Row, estimate: Rounded, interval: Interval) -> Finding:
    """Return that a ratio has an interval as its logarithm would have."""
    values = {
        "estimate": math.exp(estimate.value),
        "ci_low": math.exp(interval.low.value),
        "ci_high": math.exp(interval.high.value),
    }
    found = (
        f"{row.label}: {estimate.text} stands in the middle of {interval} as the numbers are, not"
        f" on the log scale, where the middle is {apart(interval.printed_middle)[0]}."
    )
    remedy = (
        "Look whether the paper prints the logarithm of the ratio; if so, give the ratio. If it"
        " prints the ratio, compare the three numbers, or take the standard error from counts."
    )
    repair = Repair(f"if {row.id} is the logarithm of a ratio", values={row.id: values})
    return Finding(
        "ratio-on-log-scale",
        "warning",
        (row.id,),
        f"{_EXPECTED['log']} So does the logarithm of a ratio in its own interval as it is.",
        found,
        remedy,
        (repair,),
    )


def _equal_to_an_end(row: Row, estimate: Rounded, interval: Interval) -> Finding:
    end = "upper" if estimate.value == interval.high.value else "lower"
    narrow, printed, wide = apart(interval.se_narrowest, interval.se, interval.se_widest)
    found = (
        f"{row.label}: the estimate {estimate.text} is printed equal to the {end} end of its"
        f" interval {interval}. Rounding alone can explain it, but then the standard error of"
        f" {printed} that the interval gives may be anything from {narrow} to {wide}."
    )
    remedy = "Use the counts of the row if it has them, or an interval with more digits."
    repairs: tuple[Repair, ...] = ()
    if row.counts is not None and row.counts.se is not None:
        repairs = (Repair(f"with the counts of {row.id}", counts=(row.id,)),)
    return Finding(
        "asymmetric-interval",
        "note",
        (row.id,),
        _EXPECTED.get(interval.scale, _EXPECTED["log"]),
        found,
        remedy,
        repairs,
    )
