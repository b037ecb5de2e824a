"""Contrasts: rows of a table, two treatments each, to trials with a covariance among their arms."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import comorbid as cb
from comorbid_treatments.contrast_trials import Contrast, Correlation, make_trials
from comorbid_treatments.networks import Network
from comorbid_treatments.problems import row_names, some, stop
from comorbid_treatments.spelling import nearly_same, same_but_for_form

if TYPE_CHECKING:
    import pandas as pd


def network(
    contrasts: pd.DataFrame,
    *,
    measure: str = "GEN",
    reference: str | None = None,
    study: str = "study",
    treat1: str = "treat1",
    treat2: str = "treat2",
    yi: str = "yi",
    vi: str = "vi",
    rho: Correlation = None,
) -> Network:
    r"""Make a network from contrasts: a row says how two treatments compared in one trial.

    A trial of a arms is given by all :math:`a(a-1)/2` contrasts, of which the covariances follow:
    :math:`\mathrm{cov}(y_{ij}, y_{ik}) = (v_{ij} + v_{ik} - v_{jk})/2`. Or by :math:`a-1` contrasts
    against one shared arm, with ``rho``, their correlation, which must then be assumed: with arms
    of equal size it is 0.5, since half of each variance is that of the shared arm.

    Parameters
    ----------
    contrasts : DataFrame
        One row a contrast. Messages call it by its place in the index.
    measure : str
        What ``yi`` is, one of comorbid's measures: ``MD``, ``OR`` (then ``yi`` is its logarithm).
    reference : str, optional
        The treatment that others are compared with in tables; by default the first in the
        alphabet.
    study, treat1, treat2, yi, vi : str
        Names of the columns: trial, the two treatments, the effect of ``treat1`` against
        ``treat2`` on the analysis scale, and its sampling variance.
    rho : float or mapping of str to float, optional
        Correlation of contrasts with a shared arm, for trials that lack some contrasts; one for
        all, or one a trial.

    Returns
    -------
    Network

    Raises
    ------
    DataError
        With all problems at once: a missing value or column, a variance that is not positive, one
        treatment against itself or in two spellings, a contrast given twice, effects or variances
        of a trial that contradict each other, a contrast that lacks without ``rho``.
    ModelError
        If the reference is none of the treatments.

    Warns
    -----
    DataWarning
        If two names of treatments are so alike that one may be a slip.
    AssumptionWarning
        If ``rho`` was used.

    References
    ----------
    Ruecker G (2012). Network meta-analysis, electrical networks and graph theory. Research
    Synthesis Methods 3:312-324. doi:10.1002/jrsm.1058
    Ruecker G, Schwarzer G (2014). Reduce dimension or reduce weights? Comparing two approaches to
    multi-arm studies in network meta-analysis. Statistics in Medicine 33:4353-4369.
    doi:10.1002/sim.6236

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
    >>> net = ct.network(table, measure="MD", reference="C")
    >>> net.treatments, net.loops
    (('C', 'A', 'B'), 1)
    """
    names = {"study": study, "treat1": treat1, "treat2": treat2, "yi": yi, "vi": vi}
    rows = _read(contrasts, names)
    return assemble(rows, measure=measure, reference=reference, rho=rho)


def assemble(
    rows: list[Contrast],
    *,
    measure: str,
    reference: str | None,
    rho: Correlation = None,
    notes: tuple[str, ...] = (),
) -> Network:
    """Return the network of checked rows; ``notes`` are what is known to be worth saying."""
    places: dict[str, list[str]] = {}
    for row in rows:
        for name in (row.treat1, row.treat2):
            places.setdefault(name, []).append(row.row)
    problems = same_but_for_form(places)
    alike = nearly_same(places)
    studies = same_but_for_form(_by_study(rows))
    problems += [text.replace("one treatment", "one study", 1) for text in studies]
    stop(problems)
    for note in alike:
        warnings.warn(note, cb.DataWarning, stacklevel=3)
    ordered = _ordered(list(places), reference)
    trials, assumed = make_trials(rows, ordered, rho)
    for note in assumed:
        warnings.warn(note, cb.AssumptionWarning, stacklevel=3)
    scale = cb.Effects(np.zeros(1), np.ones(1), measure=measure).scale
    return Network(ordered, trials, measure, scale, (*notes, *alike, *assumed))


def _ordered(treatments: list[str], reference: str | None) -> tuple[str, ...]:
    """Return the treatments, the reference first and then in alphabetical order."""
    names = sorted(treatments, key=lambda name: (name.casefold(), name))
    if reference is None:
        return tuple(names)
    if reference not in names:
        known = ", ".join(names)
        raise cb.ModelError(f"the reference {reference!r} is no treatment; use one of {known}")
    return (reference, *(name for name in names if name != reference))


def _read(table: pd.DataFrame, names: Mapping[str, str]) -> list[Contrast]:
    """Return the table's rows; `DataError` with every problem."""
    missing = [f"no column {name!r} ({key})" for key, name in names.items() if name not in table]
    have = ", ".join(map(str, table.columns))
    stop([f"{problem}; the table has {have}" for problem in missing])
    if table.empty:
        raise cb.DataError("the table has no rows; give at least one contrast")
    rows, problems = [], []
    for row, values in zip(row_names(table), _cells(table, names.values()), strict=True):
        made = _contrast(row, *values)
        if isinstance(made, Contrast):
            rows.append(made)
        else:
            problems += made
    stop([*problems, *_repeated(rows)])
    return rows


def _contrast(
    row: str, study: object, treat1: object, treat2: object, yi: object, vi: object
) -> Contrast | list[str]:
    """Return a row as a contrast, or what is wrong with it."""
    words = [_word(value) for value in (study, treat1, treat2)]
    numbers = [_number(value) for value in (yi, vi)]
    where = row + (f" ({words[0]})" if words[0] else "")
    problems = []
    for word, name in zip(words, ("study", "treat1", "treat2"), strict=True):
        if not word:
            problems.append(f"{where}: no {name}; give its name")
    if words[1] and words[1] == words[2]:
        problems.append(f"{where}: {words[1]!r} against itself; name two treatments")
    if not np.isfinite(numbers[0]):
        problems.append(f"{where}: the effect is {yi!r}; give a number, or leave the row out")
    if not (np.isfinite(numbers[1]) and numbers[1] > 0):
        problems.append(f"{where}: the variance is {vi!r}; give a number above 0")
    return problems or Contrast(row, words[0], words[1], words[2], numbers[0], numbers[1])


def _cells(table: pd.DataFrame, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Return the cells of some columns, row by row."""
    return table[list(names)].itertuples(index=False, name=None)


def _word(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _repeated(rows: list[Contrast]) -> list[str]:
    seen: dict[tuple[str, frozenset[str]], list[str]] = {}
    for row in rows:
        seen.setdefault((row.study, frozenset((row.treat1, row.treat2))), []).append(row.row)
    return [
        f"{study}: {' and '.join(sorted(pair))} are compared in {some(places)}; keep one"
        for (study, pair), places in seen.items()
        if len(places) > 1
    ]


def _by_study(rows: list[Contrast]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for row in rows:
        places.setdefault(row.study, []).append(row.row)
    return places
