r"""The least standard error that an effect of so many people can have, by measure.

Each follows from the variance of the measure by leaving open what is not known and taking the
smallest value. On the scale of the analysis, n people, :math:`n_1` and :math:`n_2` of them in the
groups, m with the event:

.. math::
   \mathrm{OR}: \quad v = \tfrac1a + \tfrac1b + \tfrac1c + \tfrac1d
   \ge \tfrac4{n_1} + \tfrac4{n_2} \ge \tfrac{16}n, \qquad
   v \ge \tfrac4m + \tfrac4{n - m}

as :math:`1/a + 1/b \ge 4 / (a + b)`; an adjusted odds ratio of an unconditional logistic model has
no less, because the information on the coefficient of a group is at most
:math:`\sum p_i (1 - p_i) (x_i - \bar x)^2 \le n_1 n_2 / (4 n)`.

.. math::
   \mathrm{PETO}: \quad & v = \frac{n^2 (n - 1)}{n_1 n_2 m (n - m)} \ge \frac{16 (n - 1)}{n^2} \\
   \mathrm{RR}: \quad & v = \frac{1 - p_1}{n_1 p_1} + \frac{1 - p_2}{n_2 p_2}
   \ge \frac{r - 1}{n_2} \ge \frac{r - 1}n, \qquad v \ge \tfrac4m - \tfrac1{n_1} - \tfrac1{n_2} \\
   \mathrm{RD}: \quad & v = \frac{p_1 (1 - p_1)}{n_1} + \frac{p_2 (1 - p_2)}{n_2}
   \ge \frac{|d| (1 - |d|)}n \\
   \mathrm{HR}: \quad & v \ge \tfrac4m \ge \tfrac4n, \qquad
   \mathrm{IRR}: \quad v = \tfrac1{x_1} + \tfrac1{x_2} \ge \tfrac4{x_1 + x_2} \\
   \mathrm{PR}: \quad & \mathrm{se} \ge \frac{\sqrt{n p (1 - p)}}{n + z^2}, \qquad
   \mathrm{PLO}: \quad \mathrm{se} \ge
   \tfrac2z \operatorname{arsinh} \frac z{2 \sqrt{n p (1 - p)}} \\
   \mathrm{SMD}: \quad & v \ge J^2 \left(\tfrac1{n_1} + \tfrac1{n_2}\right)
   \ge \tfrac{4 J^2}n, \qquad J = 1 - \tfrac3{4n - 9}, \qquad
   \text{correlations, as arctanh}: \quad v \ge \tfrac1n

with 1/2 added to each count where one is 0, as in published estimates,
with the ratio r taken above 1 (:math:`r p_2 \le 1`, :math:`n_2` the group with the lower risk), the
events m of both groups for HR and x for IRR, and for proportions the half width of Wilson's
interval, than which Wald's, Jeffreys' and the exact one are no narrower.

References
----------
Woolf B (1955). Annals of Human Genetics 19:251-253. doi:10.1111/j.1469-1809.1955.tb01348.x
Wilson EB (1927). Journal of the American Statistical Association 22:209-212.
doi:10.1080/01621459.1927.10502953
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from comorbid.studies.finding import Severity
from comorbid.studies.published import Row

_STANDARDISED = ("SMD", "SMDH")
# Variances of a difference near 0 are as small as they can be, and often rounded before the root.
_ROUNDING = 0.98
_SHARP_SMD = f"{_ROUNDING} sqrt(1/n1 + 1/n2) (1 - 3/(4n - 9))"
_FEWEST = 5
_CORRELATIONS = ("COR", "UCOR", "ZCOR")


@dataclass(frozen=True, slots=True)
class Bound:
    """A least standard error.

    Attributes
    ----------
    least : float
    whose : str
        What cannot have less: ``"No 2x2 table of 350 people gives"``.
    formula : str
    severity : {"error", "warning"}
        A warning where other designs or estimators of the measure may have less.
    scale : str
        Where it holds; empty for that of the measure.
    people : float
        How many people it is of, where it falls with the root of their number; else nan.
    """

    least: float
    whose: str
    formula: str
    severity: Severity = field(default="error")
    scale: str = ""
    people: float = math.nan


def bounds(row: Row) -> Iterator[Bound]:
    """Return what is known to be least for a row, by its people alone first.

    Of an adjusted or matched estimate it may be less: half as much with matched pairs, and of
    marginal effects that are standardised over covariates which predict the event.
    """
    rule = _RULES.get(row.measure)
    certain = not (row.is_adjusted or "match" in row.adjustment.casefold())
    for bound in () if rule is None else rule(row):
        if bound.least > 0:
            yield bound if certain else replace(bound, severity="warning")


def _odds_ratio(row: Row) -> Iterator[Bound]:
    more, halves = _added(row)
    if row.people is not None:
        n = row.people + 2 * more
        yield Bound(4 / math.sqrt(n), _no_table(n, halves), "4/sqrt(n)", people=n)
    if row.groups is None:
        return
    n1, n2 = (n + more for n in row.groups)
    yield Bound(_root(4 / n1 + 4 / n2), _no_groups(n1, n2, halves), "sqrt(4/n1 + 4/n2)")
    if row.events is not None and 0 < row.events < sum(row.groups):
        m = row.events + more
        rest = n1 + n2 - m
        whose = f"No 2x2 table with columns of {m:,.0f} and {rest:,.0f} people{halves} gives"
        yield Bound(_root(4 / m + 4 / rest), whose, "sqrt(4/m + 4/(n - m))")


def _peto(row: Row) -> Iterator[Bound]:
    more, halves = _added(row)
    if row.people is not None and row.people > 1:
        n = row.people + 2 * more
        # Of counts that are not known one may be 0.
        severity: Severity = "warning" if row.counts is None else "error"
        least = 4 * math.sqrt(n - 1) / n
        yield Bound(least, _no_table(n, halves), "4 sqrt(n - 1)/n", severity)
    if row.events is not None and row.groups is not None:
        n1, n2, m = (number + more for number in (*row.groups, row.events))
        n = n1 + n2
        if 0 < m < n:
            least = n * _root((n - 1) / (n1 * n2 * m * (n - m)))
            who = _no_groups(n1, n2, halves).removesuffix(" give").removesuffix(",")
            whose = f"{who}, {m:,.0f} with the event, give"
            yield Bound(least, whose, "n sqrt((n - 1)/(n1 n2 m (n - m)))")


def _risk_ratio(row: Row) -> Iterator[Bound]:
    if row.estimate is None or row.is_adjusted:
        return
    low, high = row.estimate.low, row.estimate.high
    # The ratio that the digits allow nearest to 1, above 1 or its inverse.
    ratio = max(low, 1 / high if high > 0 else 0.0, 1.0)
    above = "RR" if row.estimate.value > 1 else "1/RR"
    what = f"with a risk ratio of {row.estimate.text}"
    if row.people is not None:
        least = _root((ratio - 1) / row.people)
        yield Bound(least, f"No {row.people:,.0f} people {what} give", f"sqrt(({above} - 1)/n)")
    if row.groups is not None:
        more, halves = _added(row)
        lower = row.groups[row.estimate.value > 1] + more
        whose = f"No {lower:,.0f} people in the group of lower risk{halves} {what} give"
        severity: Severity = "warning" if row.counts is None else "error"
        yield Bound(_root((ratio - 1) / lower), whose, f"sqrt(({above} - 1)/n)", severity)
        if row.events:
            # Adding to the counts may raise it too.
            tables = [
                (row.events + add, [n + add for n in row.groups], text)
                for add, text in {(0.0, ""), (more, halves)}
            ]
            yield min((_of_events(*table) for table in tables), key=lambda bound: bound.least)


def _of_events(m: float, groups: Sequence[float], halves: str) -> Bound:
    n1, n2 = groups
    whose = f"No {m:,.0f} events in groups of {n1:,.0f} and {n2:,.0f} people{halves} give"
    return Bound(_root(4 / m - 1 / n1 - 1 / n2), whose, "sqrt(4/m - 1/n1 - 1/n2)")


def _risk_difference(row: Row) -> Iterator[Bound]:
    if row.estimate is None or row.people is None or row.is_adjusted:
        return
    low, high = row.estimate.low, row.estimate.high
    ends = [abs(low), abs(high)]
    if low <= 0 <= high or max(ends) > 1:
        return
    least = min(_root(d * (1 - d) / row.people) for d in ends)
    whose = f"No {row.people:,.0f} people with a risk difference of {row.estimate.text} give"
    yield Bound(least, whose, "sqrt(|RD| (1 - |RD|)/n)")


def _hazard_ratio(row: Row) -> Iterator[Bound]:
    if row.people is not None:
        whose = f"No {row.people:,.0f} people who have the event once at most give"
        yield Bound(2 / math.sqrt(row.people), whose, "2/sqrt(n)", "warning")
    if row.events:
        whose = f"No {row.events:,.0f} events give"
        yield Bound(2 / math.sqrt(row.events), whose, "2/sqrt(m)", "warning")


def _rate_ratio(row: Row) -> Iterator[Bound]:
    events = row.pair("x1i", "x2i")
    if events is not None:
        m = sum(events)
        yield Bound(2 / math.sqrt(m), f"No {m:,.0f} events give", "2/sqrt(m)")


def _proportion(row: Row) -> Iterator[Bound]:
    if row.people is None or row.estimate is None or row.interval is None:
        return
    n, z = row.people, NormalDist().inv_cdf((1 + row.interval.level) / 2)
    spread = min(max(0.0, n * p * (1 - p)) for p in (row.estimate.low, row.estimate.high))
    whose = f"No interval of a proportion of {row.estimate.text} of {n:,.0f} people gives"
    if row.measure == "PR":
        yield Bound(_root(spread) / (n + z * z), whose, "sqrt(n p (1 - p))/(n + z^2)", "warning")
    elif spread > 0:
        spread = max(n * p * (1 - p) for p in (row.estimate.low, row.estimate.high))
        least = 2 * math.asinh(z / (2 * math.sqrt(spread))) / z
        yield Bound(least, whose, "2 arsinh(z/(2 sqrt(n p (1 - p))))/z", "warning")


def _standardised_difference(row: Row) -> Iterator[Bound]:
    if row.is_adjusted or row.people is None or row.people < _FEWEST:
        return
    less = _ROUNDING * (1 - 3 / (4 * row.people - 9))
    whose = f"No two separate groups of {row.people:,.0f} people give"
    least = less * 2 / math.sqrt(row.people)
    yield Bound(least, whose, f"{_ROUNDING} (2/sqrt(n)) (1 - 3/(4n - 9))", "warning")
    if row.groups is not None:
        n1, n2 = row.groups
        least = less * _root(1 / n1 + 1 / n2)
        yield Bound(least, _no_groups(n1, n2), _SHARP_SMD, "warning")


def _correlation(row: Row) -> Iterator[Bound]:
    if row.people is not None and row.people >= _FEWEST:
        whose = f"No correlation of {row.people:,.0f} people has, on Fisher's scale,"
        yield Bound(1 / math.sqrt(row.people), whose, "1/sqrt(n)", "warning", "arctanh")


def _root(variance: float) -> float:
    return math.sqrt(max(0.0, variance))


def _no_table(n: float, halves: str = "") -> str:
    return f"No 2x2 table of {n:,.0f} people{halves} gives"


def _no_groups(n1: float, n2: float, halves: str = "") -> str:
    return f"No groups of {n1:,.0f} and {n2:,.0f} people{halves} give"


def _added(row: Row) -> tuple[float, str]:
    """Return by how many people groups and columns grow if 1/2 is added to counts, and the words.

    It is where a count is 0, which leaves no odds ratio.
    """
    zero = row.counts is not None and row.counts.se is None
    return (1.0, ", 1/2 added to each count,") if zero else (0.0, "")


_RULES: dict[str, Callable[[Row], Iterator[Bound]]] = {
    "OR": _odds_ratio,
    "PETO": _peto,
    "RR": _risk_ratio,
    "RD": _risk_difference,
    "HR": _hazard_ratio,
    "IRR": _rate_ratio,
    "PR": _proportion,
    "PLO": _proportion,
    **dict.fromkeys(_STANDARDISED, _standardised_difference),
    **dict.fromkeys(_CORRELATIONS, _correlation),
}
