"""Effects straight from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import names, numbers
from comorbid.effects.arrays import Array
from comorbid.effects.compute import (
    compute,
    gaps,
    problems_of,
    sizes_of,
    source_of,
    warn,
    without_zero_variance,
)
from comorbid.effects.few_events import few_events_note
from comorbid.effects.formula import Measure, first_known
from comorbid.effects.measures import find_measure
from comorbid.effects.reported import REPORTED_COLUMNS, effect_of, reported_problems
from comorbid.effects.table import Effects, default_labels
from comorbid.effects.zeros import Drop00, To, Zeros
from comorbid.errors import DataError, Problem


def escalc(
    measure: str | Measure,
    *,
    add: float | None = None,
    to: To = "only0",
    drop00: Drop00 = "no",
    vtype: str = "LS",
    labels: Sequence[str] = (),
    moderators: Mapping[str, Sequence[Any]] | None = None,
    **inputs: ArrayLike,
) -> Effects:
    r"""Compute effects and their sampling variances from arrays, as metafor's function does.

    `measures` lists the measures, with what each is computed from, its formula, scale and source;
    `find_measure` prints one. For an odds ratio, after the correction of zero cells,

    .. math:: y = \log\frac{ad}{bc}, \qquad v = \frac1a + \frac1b + \frac1c + \frac1d

    Where a study has both, a printed estimate of the same measure goes before its counts.

    Parameters
    ----------
    measure : str or Measure
        An id, metafor's where it has one: ``OR``, ``RR``, ``RD``, ``SMD``, ``ZCOR``, ``PLO``, ...
    add : float, optional
        What is added to zero counts; by default 0.5, and 0 for the measures that exist without it
        (AS, PHI, ZPHI, RTET, ZTET, IRSD, PAS, PFT, IRS, IRFT).
    to : {"only0", "all", "if0all", "none"}
        To the studies that have a zero count; to all; to all as soon as one has a zero; to none.
    drop00 : {"no", "yes"}
        ``yes``: a study without events in both groups, or with events only, gets no effect.
    vtype : str
        How the variance is estimated: ``LS``, large-sample; ``LS2``, another or a second-order
        one; ``UB``, unbiased; ``AV``, at the mean over all studies; ``HO``, with equal variances;
        ``ST`` or ``CS``, for stratified or cross-sectional samples. A measure's formula says which
        it has.
    labels : sequence of str, optional
        One a study, unique. Default ``Study 1``, ``Study 2``, ...
    moderators : mapping of str to sequence, optional
        Further columns, for subgroups and regression, as a dict or a DataFrame.
    **inputs : array_like of shape (k,)
        The measure's columns, such as ``ai, bi, ci, di``; ``ai, n1i, ci, n2i`` for 2x2 counts;
        ``xi, mi`` for proportions; ``ti`` (t statistic), ``pi`` (p-value with the sign of the
        effect) or ``di`` (Cohen's d) with the sizes for standardised differences, ``ti`` or ``pi``
        with ``ni`` for correlations. Or a printed ``estimate`` with ``ci_low, ci_high, ci_level``,
        ``se`` (analysis scale) or ``p_value``, and ``ni``. A missing value is nan, a single number
        stands for all studies.

    Returns
    -------
    Effects
        In the order given. A study without an effect is kept as nan, with a warning.

    Raises
    ------
    DataError
        If columns are missing or unknown, lengths differ, or a value is impossible.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.escalc("RR", ai=[4, 0], n1i=[123, 20], ci=[11, 3], n2i=[139, 20])
    >>> effects.yi.round(4).tolist(), effects.vi.round(4).tolist()
    ([-0.8893, -1.9459], [0.3256, 2.1905])
    >>> cb.escalc("HR", estimate=[0.8], ci_low=[0.6], ci_high=[1.07]).vi.round(4).tolist()
    [0.0218]
    """
    chosen = find_measure(measure)
    zeros = Zeros(add, to, drop00)
    rows = _arrays(inputs)
    check_inputs(chosen, list(rows))
    k = len(next(iter(rows.values())))
    slab = names("labels", labels) or default_labels(k)
    if len(slab) != k:
        raise DataError(f"labels has {len(slab)} values for {k} studies; give one a study")
    problems = [*problems_of(chosen, rows, slab), *reported_problems(rows, chosen.scale, slab)]
    if problems:
        raise DataError(problems)
    yi, vi = compute(chosen, rows, zeros=zeros, vtype=vtype)
    y_printed, v_printed = effect_of(rows, chosen.scale)
    printed = ~np.isnan(y_printed) & ~np.isnan(v_printed)
    yi = np.where(printed, y_printed, yi)
    vi = without_zero_variance(np.where(printed, v_printed, vi))
    notes = gaps(chosen, rows, slab, yi, vi, zeros)
    counted = ~(printed | np.isnan(yi) | np.isnan(vi))
    warn(notes)
    return Effects(
        yi=yi,
        vi=vi,
        labels=slab,
        measure=chosen.id,
        scale=chosen.scale,
        source=tuple("reported" if flag else source_of(chosen) for flag in printed),
        moderators={} if moderators is None else moderators,
        warnings=(*notes, *few_events_note(chosen, rows, slab, counted)),
        ni=first_known(sizes_of(chosen, rows), rows.get("ni", np.full(k, np.nan))),
    )


def _arrays(inputs: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Return the inputs as arrays of one length."""
    arrays: dict[str, Array] = {}
    problems: list[Problem] = []
    for name, values in inputs.items():
        try:
            arrays[name] = numbers(name, values)
        except DataError as error:
            problems += error.problems
            continue
        if arrays[name].ndim > 1:
            problems.append(
                Problem(f"{name} has shape {arrays[name].shape}", "give one value a study")
            )
    lengths = {name: len(array) for name, array in arrays.items() if array.ndim}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        problems.append(Problem(f"the inputs differ in length: {shown}", "give one value a study"))
    if problems:
        raise DataError(problems)
    k = next(iter(lengths.values()), 1)
    return {name: np.broadcast_to(array, k) for name, array in arrays.items()}


def check_inputs(measure: Measure, given: Sequence[str]) -> None:
    """Raise `DataError` unless the inputs suffice and none is unknown."""
    choices = measure.inputs
    known = {*REPORTED_COLUMNS, "ni"}.union(*choices)
    ways = "; or ".join(", ".join(columns) for columns in choices)
    remedy = f"give {ways}; or estimate with ci_low and ci_high, se or p_value"
    problems = [
        Problem(f"{measure.id} is not computed from {name}", remedy)
        for name in given
        if name not in known
    ]
    if "estimate" not in given and not any(set(columns) <= set(given) for columns in choices):
        nearest = max(choices, key=lambda columns: len(set(columns) & set(given)))
        missing = ", ".join(name for name in nearest if name not in given)
        problems.append(Problem(f"{measure.id} lacks {missing}", remedy))
    if problems:
        raise DataError(problems)
