"""The multiverse: the pool under every combination of the choices that an analyst could defend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type, shown
from comorbid.effects.build import effects
from comorbid.effects.formula import Measure
from comorbid.effects.measures import find_measure, null_of
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models import text
from comorbid.models.estimators import Estimator
from comorbid.models.fit import Fit, pool
from comorbid.models.kernel import Batch, Test, fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.settings import check_settings, find_estimator
from comorbid.sensitivity.open_choices import (
    Choice,
    OpenChoices,
    open_choices,
    row_of,
)
from comorbid.sensitivity.rules import Rules, checked_rules
from comorbid.sensitivity.universes import COLUMNS, Multiverse

if TYPE_CHECKING:
    from comorbid.studies.finding import Audit, Finding
    from comorbid.studies.table import Studies

METHODS = ("DL", "ML", "PM", "REML", "SJ")
TESTS: tuple[Test, ...] = ("z", "knha", "adhoc")


def multiverse(
    studies: Studies | Effects,
    *,
    fit: Fit | None = None,
    rules: Rules | None = None,
    audit: Audit | None = None,
    methods: Sequence[str | Estimator] = METHODS,
    tests: Sequence[Test] = TESTS,
    measure: str | Measure | None = None,
) -> Multiverse:
    r"""Pool under every combination of estimator, test, source of effects, rows and studies.

    With the options :math:`O_1, \ldots, O_m` of m choices the combinations are
    :math:`O_1 \times \cdots \times O_m`:

    - the estimator of tau2 and the test;
    - from a table, the source of effects: as decided, from counts wherever a row has them, or from
      printed estimates wherever it has one, but never one in which `audit` finds an error, such as
      an interval that is impossible;
    - from a table, the row of each study that has several: that pooled, or another; with too many
      combinations of these, another row of one study at a time;
    - each rule, obeyed or not: a row that lacks the values that it asks for is left out;
    - the studies: all, without the rows of one error or warning of `audit`, without one study.

    Combinations that lead to the same numbers, estimator and test are one specification and count
    once. One that leaves fewer than two studies is kept, with its reason, and counts nowhere.

    Which choice moves the result is a decomposition of the variance over the specifications, each
    of the same weight, shared by the combinations that lead to it: with
    :math:`\nu(u) = \operatorname{Var} E(Y \mid X_u)`, the variance of Y that a set u of the m
    choices explains, the share of choice j is its Shapley effect

    .. math:: \phi_j = \frac{1}{\operatorname{Var} Y} \sum_{u \not\ni j}
       \frac{|u|!\, (m - |u| - 1)!}{m!} \left( \nu(u \cup \{j\}) - \nu(u) \right)

    which is never negative, and 1 over all choices. What it explains alone,
    :math:`\nu(\{j\}) / \operatorname{Var} Y`, stands beside it.

    Parameters
    ----------
    studies : Studies or Effects
        The table, also with rows that are not pooled, or effects that come from none.
    fit : Fit, optional
        The main pool, one row a study, with its overrides; its own choices are always among the
        options. By default `pool` of the primary rows, or of the effects.
    rules : mapping of str to mapping, optional
        Names of inclusion rules, each with columns and the values that belong, as for subgroups:
        ``{"adults only": {"population": ["adults"]}}``. Of effects, columns are moderators.
    audit : Audit, optional
        What `comorbid.audit` found in the table with the same overrides; by default what it finds
        in the table by itself, without a pool.
    methods : sequence of str or Estimator
        Estimators of tau2, as in `pool`.
    tests : sequence of {"z", "t", "knha", "adhoc"}
        As in `pool`.
    measure : str or Measure, optional
        By default that of the fit, and odds ratios where there is none.

    Returns
    -------
    Multiverse

    Raises
    ------
    DataError
        If the fit holds rows that are not there, two rows of one study or fewer than two studies,
        a rule asks for what is not there, or an argument is of another type.
    ModelError
        If a method or test is none of those allowed, or there are too many rules.

    References
    ----------
    Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W (2016). Increasing transparency through a
    multiverse analysis. Perspectives on Psychological Science 11:702-712.
    doi:10.1177/1745691616658637
    Simonsohn U, Simmons JP, Nelson LD (2020). Specification curve analysis. Nature Human Behaviour
    4:1208-1214. doi:10.1038/s41562-020-0912-z
    Voracek M, Kossmeier M, Tran US (2019). Which data to meta-analyze, and how? Zeitschrift fuer
    Psychologie 227:64-82. doi:10.1027/2151-2604/a000357
    Song E, Nelson BL, Staum J (2016). Shapley effects for global sensitivity analysis. SIAM/ASA
    Journal on Uncertainty Quantification 4:1060-1083. doi:10.1137/15M1048070

    Examples
    --------
    >>> import comorbid as cb
    >>> studies = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("ghandour2004-1", use="counts", reason="Impossible interval.")
    >>> fit = cb.pool(cb.effects(studies, overrides=[counts]))
    >>> found = cb.multiverse(studies, fit=fit, rules={"adults only": {"population": ["adults"]}})
    >>> [choice.name for choice in found.choices]
    ['estimator', 'interval', 'source', 'row of Ashina 2018', 'row of Yoon 2013', 'adults only',
     'studies included']
    >>> [len(choice.options) for choice in found.choices]
    [5, 3, 2, 5, 4, 2, 8]
    >>> found.combinations, len(found)
    (9600, 3600)
    """
    fit = _main(studies, fit, measure)
    chosen = fit.effects.measure if measure is None else find_measure(measure)
    estimators, used = _with_own(methods, tests, fit)
    taken = (*COLUMNS, *map(row_of, fit.effects.labels))
    rules = checked_rules({} if rules is None else rules, taken=taken)
    table = None if isinstance(studies, Effects) else studies
    findings = _findings(table, audit)
    data = open_choices(fit.effects, table, chosen, rules, findings)
    method_ids = tuple(e.id for e in estimators)
    n = data.yi.shape[1]
    pairs = len(estimators) * len(used)
    return Multiverse(
        choices=(
            Choice("estimator", method_ids, method_ids),
            Choice("interval", used, tuple(text.TEST_NAMES[test] for test in used)),
            *data.choices,
        ),
        batch=_fitted(data, fit, estimators, used),
        which=(n * np.arange(pairs)[:, None] + data.which).ravel(),
        main=(method_ids.index(fit.method) * len(used) + used.index(fit.test)) * n,
        null=null_of(chosen) if isinstance(chosen, str) else chosen.null,
        rules=rules,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=data.ids,
        left_out=data.left_out,
        warnings=fit.warnings,
    )


def _main(studies: Studies | Effects, fit: Fit | None, measure: str | Measure | None) -> Fit:
    """Return the main pool, and check that it is one of these studies."""
    from comorbid.studies.table import Studies

    check_type("studies", studies, (Studies, Effects), "give a table of studies, or effects")
    if fit is None:
        own: str | Measure = "OR" if measure is None else measure
        fit = pool(studies if isinstance(studies, Effects) else effects(studies, measure=own))
    check_fit(fit)
    if fit.k < 2:
        raise DataError("one study: nothing is pooled, and no choice matters")
    known = studies.ids if isinstance(studies, Effects) else tuple(studies.frame["estimate_id"])
    missing = [id_ for id_ in fit.effects.ids if id_ not in known]
    if missing:
        message = f"the fit holds {', '.join(missing)}, which studies does not"
        raise DataError([Problem(message, "give the studies that the fit is of")])
    return fit


def _findings(table: Studies | None, audit: Audit | None) -> Sequence[Finding]:
    """Return what was found in the table, or what is found now."""
    from comorbid.studies.audit import audit as audit_of_table
    from comorbid.studies.finding import Audit

    if audit is not None:
        check_type("audit", audit, Audit, "give what audit() returns")
        return audit.findings
    return () if table is None else audit_of_table(table).findings


def _with_own(
    methods: Sequence[str | Estimator], tests: Sequence[Test], fit: Fit
) -> tuple[tuple[Estimator, ...], tuple[Test, ...]]:
    """Return estimators and tests, each once, with those of the fit among them."""
    for name, given, example in (("methods", methods, METHODS), ("tests", tests, TESTS)):
        if not isinstance(given, list | tuple):
            raise ModelError(f"{name} is {shown(given)}; give a list, such as {list(example)}")
    found = {e.id: e for e in map(find_estimator, methods)}
    for test in tests:
        check_settings(test, fit.level)
    own: Test = fit.test
    estimators = {**found, fit.method: fit.estimator}
    return tuple(estimators.values()), tuple(dict.fromkeys((*tests, own)))


def _fitted(
    data: OpenChoices, fit: Fit, estimators: Sequence[Estimator], tests: Sequence[Test]
) -> Batch:
    """Return the fits of every data set by every estimator and test, the data sets fastest."""
    parts = [
        fit_batch(data.yi, data.vi, estimator=e, test=t, level=fit.level, weights=fit.arrays[2])
        for e in estimators
        for t in tests
    ]
    names = [field.name for field in fields(Batch)]
    return Batch(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})
