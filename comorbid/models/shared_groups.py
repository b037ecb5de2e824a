"""Shared groups: correlations of effects that were measured against the same people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from comorbid.checks import is_number, numbers, shown
from comorbid.effects.arrays import Array, Index
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.clusters import Clusters, column, named

Columns = Mapping[str, Array]


def _odds(c: Columns) -> Array:
    return 1 / c["ci"] + 1 / c["di"]


def _risk_ratio(c: Columns) -> Array:
    return 1 / c["ci"] - 1 / (c["ci"] + c["di"])


def _risk_difference(c: Columns) -> Array:
    n = c["ci"] + c["di"]
    return np.asarray(c["ci"] * c["di"] / n**3)


# Variance of the shared group's part of an effect, by measure.
_CONTROL: dict[str, tuple[tuple[str, ...], Callable[[Columns], Array]]] = {
    "OR": (("ci", "di"), _odds),
    "RR": (("ci", "di"), _risk_ratio),
    "RD": (("ci", "di"), _risk_difference),
    "IRR": (("x2i",), lambda c: 1 / c["x2i"]),
    "MD": (("sd2i", "n2i"), lambda c: c["sd2i"] ** 2 / c["n2i"]),
    "ROM": (("m2i", "sd2i", "n2i"), lambda c: c["sd2i"] ** 2 / (c["n2i"] * c["m2i"] ** 2)),
    "SMD": (("n1i", "n2i"), lambda c: 1 / c["n2i"]),
}
_REFERENCE = {
    "OR": ("ai", "bi", "ci", "di"),
    "RR": ("ai", "bi", "ci", "di"),
    "IRR": ("x1i", "t1i", "x2i", "t2i"),
}


def by_control(effects: Effects, clusters: Clusters, given: object) -> list[tuple[Index, Array]]:
    """Return the correlations among the effects of each cluster, which share a control group.

    Parameters
    ----------
    effects : Effects
    clusters : Clusters
        Effects with the same control group.
    given : mapping of str to column or values
        What is known of the control group, by `covariance`'s names.
    """
    given = _mapping("control", given)
    measure = effects.measure
    if set(given) == {"variance"}:
        columns = _columns("control", given, ("variance",), effects)
        variance = columns["variance"]
    else:
        if measure not in _CONTROL:
            raise ModelError(
                f"there is no formula for a shared control group of the measure {measure}, only of "
                f"{', '.join(_CONTROL)}; give control={{'variance': ...}}, the variance that the "
                "group's own estimate has on the analysis scale"
            )
        needed, formula = _CONTROL[measure]
        columns = _columns("control", given, needed, effects)
        variance = formula(columns)
    shared = {name: value for name, value in columns.items() if name != "n1i"}
    _check_same("control", shared, clusters, effects)
    found = []
    for rows in clusters.rows():
        covariance = np.full((rows.size, rows.size), variance[rows[0]])
        if measure == "SMD" and "n1i" in columns:
            d = effects.yi[rows]
            people = columns["n1i"][rows].sum() + columns["n2i"][rows[0]]
            covariance += np.outer(d, d) / (2 * people)
        _check_part(covariance, rows, effects)
        found.append((rows, _correlation(covariance, effects.vi[rows])))
    return found


def _check_part(covariance: Array, rows: Index, effects: Effects) -> None:
    """Raise `DataError` if the shared group varies more than an effect that it is a part of."""
    more = np.flatnonzero(np.diagonal(covariance) >= effects.vi[rows])
    if more.size:
        i = more[0]
        raise DataError(
            f"control: its own variance is {covariance[i, i]:g}, and that of "
            f"{effects.labels[rows[i]]}, which it is a part of, {effects.vi[rows[i]]:g}; check the "
            "numbers of the control group"
        )


def by_reference(effects: Effects, clusters: Clusters, given: object) -> list[tuple[Index, Array]]:
    """Return the correlations among adjusted ratios of each cluster, which share a reference.

    The counts of each level are those that reproduce the adjusted ratios and keep the number of
    people (or of person-time) at each level and the number of cases in all.
    """
    given = _mapping("reference", given)
    if effects.measure not in _REFERENCE:
        raise ModelError(
            f"a shared reference group is for {', '.join(_REFERENCE)}, and the measure is "
            f"{effects.measure}"
        )
    a, b, c, d = _REFERENCE[effects.measure]
    columns = _columns("reference", given, (a, b, c, d), effects)
    _check_same("reference", {name: columns[name] for name in (c, d)}, clusters, effects)
    found = []
    for rows in clusters.rows():
        if not np.isfinite(effects.yi[rows]).all():
            raise DataError(
                f"no effect of {named(rows[np.isnan(effects.yi[rows])], effects.labels)}: counts "
                "against a shared reference group need all; leave these rows out first"
            )
        # The reference group first.
        cases = np.append(columns[c][rows[0]], columns[a][rows])
        others = np.append(columns[d][rows[0]], columns[b][rows])
        ratio = np.append(0.0, effects.yi[rows])
        fitted = fitted_cases(effects.measure, cases, others, ratio)
        people = others if effects.measure == "IRR" else cases + others
        own = _own_variance(effects.measure, fitted, people)
        sd = np.sqrt(own[0] + own[1:])
        correlation = own[0] / np.outer(sd, sd)
        np.fill_diagonal(correlation, 1.0)
        found.append((rows, correlation))
    return found


def fitted_cases(measure: str, cases: Array, others: Array, ratio: Array) -> Array:
    r"""Return the number of cases at each level that reproduces adjusted log ratios.

    With :math:`N_x` people at level x and :math:`M` cases in all,

    .. math:: A_x = N_x \frac{\omega e^{L_x}}{1 + \omega e^{L_x}}, \qquad \sum_x A_x = M

    for odds ratios, whose left side rises with the odds :math:`\omega` of the reference group, so
    that there is one solution; for risk and rate ratios :math:`A_x \propto N_x e^{L_x}`.

    Parameters
    ----------
    measure : {"OR", "RR", "IRR"}
    cases, others, ratio : arrays of shape (levels + 1,)
        The reference first. ``others`` are people who are no cases, or person-time.

    Raises
    ------
    DataError
        If the risk at a level would have to be above 1.
    """
    total = cases.sum()
    if measure == "OR":
        from scipy.optimize import brentq
        from scipy.special import expit

        people = cases + others

        def rest(log_odds: float) -> float:
            return float((people * expit(log_odds + ratio)).sum() - total)

        middle = float(np.log(total / others.sum()))
        width = float(np.abs(ratio).max()) + 1.0
        root = brentq(rest, middle - width, middle + width, xtol=1e-14, rtol=1e-14)
        return np.asarray(people * expit(root + ratio))
    people = others if measure == "IRR" else cases + others
    share = people * np.exp(ratio)
    fitted = np.asarray(share * (total / share.sum()))
    if measure == "RR" and (fitted >= people).any():
        raise DataError(
            "the adjusted risk ratios do not fit the counts: a level would have more cases than "
            "people; check the counts of this reference group"
        )
    return fitted


def _own_variance(measure: str, cases: Array, people: Array) -> Array:
    """Return the variance of each level's own log odds, risk or rate."""
    if measure == "OR":
        return 1 / cases + 1 / (people - cases)
    return 1 / cases - 1 / people if measure == "RR" else 1 / cases


def by_overlap(effects: Effects, given: object) -> list[tuple[Index, Array]]:
    """Return the correlations of effects of people some of whom are the same."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    if isinstance(given, Mapping):
        if set(given) != {"cases", "controls"}:
            raise DataError("overlap must have the keys 'cases' and 'controls' and no others")
        one = _shared("overlap['cases']", given["cases"], effects)
        none = _shared("overlap['controls']", given["controls"], effects)
        n1, n0 = np.diagonal(one), np.diagonal(none)
        odds = np.sqrt(np.outer(n1, n1) / np.outer(n0, n0))
        n = n1 + n0
        correlation = (none * odds + one / odds) / np.sqrt(np.outer(n, n))
    else:
        people = _shared("overlap", given, effects)
        n = np.diagonal(people)
        correlation = people / np.sqrt(np.outer(n, n))
    count, of = connected_components(csr_array(correlation), directed=False)
    parts = [np.flatnonzero(of == i) for i in range(count)]
    return [(rows, correlation[np.ix_(rows, rows)]) for rows in parts]


def _shared(name: str, given: object, effects: Effects) -> Array:
    """Return numbers of shared people, of shape (k, k), with all people on the diagonal."""
    people = numbers(name, given)
    if people.shape != (effects.k, effects.k):
        raise DataError(
            f"{name} has shape {people.shape} for {effects.k} effects; give a square matrix of the "
            "numbers of people whom two effects share, with those of each effect on the diagonal"
        )
    problems = []
    bad = ~(np.isfinite(people) & (people >= 0)) | np.diag(np.diagonal(people) == 0)
    if bad.any():
        rows = np.flatnonzero(bad.any(axis=1))
        problems.append(
            Problem(
                f"{name} has missing, infinite or negative numbers, or nobody on the diagonal, for "
                f"{named(rows, effects.labels)}",
                "fill in",
            )
        )
    elif (people != people.T).any():
        i, j = np.argwhere(people != people.T)[0]
        problems.append(
            Problem(
                f"{name} is not symmetric for {effects.labels[i]} and {effects.labels[j]}: "
                f"{people[i, j]:g} and {people[j, i]:g}",
                "give one number for both",
            )
        )
    elif (people > np.diagonal(people)).any():
        i, j = np.argwhere(people > np.diagonal(people))[0]
        problems.append(
            Problem(
                f"{name}: {effects.labels[i]} and {effects.labels[j]} share {people[i, j]:g} "
                f"people, and {effects.labels[j]} has {people[j, j]:g}",
                "give the numbers of people of each effect on the diagonal",
            )
        )
    if problems:
        raise DataError(problems)
    return people


def _correlation(covariance: Array, vi: Array) -> Array:
    sd = np.sqrt(vi)
    correlation = np.asarray(covariance / np.outer(sd, sd))
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _mapping(argument: str, given: object) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise DataError(f"{argument} is {shown(given)}; give a dict, such as {{'ci': 'ci', ...}}")
    return given


def _columns(
    argument: str, given: Mapping[str, object], needed: tuple[str, ...], effects: Effects
) -> dict[str, Array]:
    """Return the columns needed, each of positive numbers of shape (k,)."""
    if set(given) != set(needed):
        raise DataError(
            f"{argument} has {', '.join(map(str, given)) or 'nothing'}; {effects.measure} needs "
            f"{', '.join(needed)}"
        )
    found, problems = {}, []
    for name in needed:
        value = given[name]
        many = (value,) * effects.k if is_number(value) else column(name, value, effects)
        values = numbers(name, many)
        signed = name == "m2i"
        bad = ~np.isfinite(values) | ((values == 0) if signed else (values <= 0))
        if bad.any():
            problems.append(
                Problem(
                    f"{argument}: {name} is missing, 0 or negative for "
                    f"{named(np.flatnonzero(bad), effects.labels)}",
                    "fill it in; to a count of 0 add what was added for its effect",
                )
            )
        found[name] = values
    if problems:
        raise DataError(problems)
    return found


def _check_same(argument: str, columns: Columns, clusters: Clusters, effects: Effects) -> None:
    """Raise `DataError` unless each cluster has one group."""
    first = np.zeros(len(clusters.names), dtype=np.intp)
    first[clusters.of[::-1]] = np.arange(effects.k)[::-1]
    problems = [
        Problem(
            f"{argument}: {name} is {values[first[clusters.of[i]]]:g} for "
            f"{effects.labels[first[clusters.of[i]]]} and {values[i]:g} for {effects.labels[i]}, "
            f"which are of one cluster ({clusters.names[clusters.of[i]]})",
            "give cluster= a column that says which effects share a group",
        )
        for name, values in columns.items()
        for i in np.flatnonzero(values != values[first[clusters.of]])[:1]
    ]
    if problems:
        raise DataError(problems)
