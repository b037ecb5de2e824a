"""The audit: what is impossible, inconsistent or missing, and what repairing it would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from comorbid.audited.pool import Pool, pool_of
from comorbid.audited.pool_checks import nearly_all_weight, other_side, outlier
from comorbid.audited.repairs import with_effects
from comorbid.audited.reproduction import not_reproduced
from comorbid.effects.formula import Measure
from comorbid.effects.measures import MEASURES
from comorbid.effects.overrides import Override
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import Test
from comorbid.studies.audit import audit as audit_table
from comorbid.studies.finding import Audit, Finding, sorted_findings
from comorbid.studies.table import Studies

POOL_CHECKS: tuple[Callable[[Pool], Iterator[Finding]], ...] = (
    nearly_all_weight,
    outlier,
    other_side,
)


def audit(
    studies: Studies,
    *,
    measure: str | Measure | None = None,
    overrides: Sequence[Override] = (),
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
) -> Audit:
    """Look for what in a table is impossible, inconsistent or missing, and what repair would do.

    Whatever printed digits allow for is not reported as a contradiction. A row that lacks what a
    check needs is skipped by that check.

    Parameters
    ----------
    studies : Studies
        The table.
    measure : str or Measure, optional
        What is pooled; by default what most primary rows report, or OR for counts alone.
    overrides : sequence of Override
        The decisions that the pool rests on.
    method, test, level
        As in `pool`.

    Returns
    -------
    Audit
        Findings with these codes:

        ``impossible-interval``
            The interval of an odds ratio is narrower than any 2x2 table of n people allows: the
            variance of a log odds ratio is the sum of 1/count over four counts, at least 16/n.
        ``asymmetric-interval``
            The estimate is not in the middle of its interval on the log scale (warning), or is
            printed equal to one end, which rounding can explain (note).
        ``counts-disagree``
            A crude odds ratio is not that of its own counts.
        ``counts-exceed-n``
            The counts add up to more (error) or fewer people than analysed.
        ``several-rows-per-study``
            A study has several rows, about the same people.
        ``incomplete-coverage``, ``not-pooled-by-authors``
            What the review behind the table says that a pooled value of it must be read with.

        Where a program can try a repair, such as the counts of a row in place of its interval,
        the finding says what it does to the pool, and to that of the common-effect model. Where
        the table cannot be pooled the audit says why.

    Raises
    ------
    DataError
        If it is no study table, or an override is something else.
    ModelError
        If the measure or a setting is unknown.

    Examples
    --------
    >>> import comorbid as cb
    >>> table3 = ["ghandour2004", "sjolie2002", "swain2014", "ashina2018", "bejia2005"]
    >>> studies = cb.datasets.headache_back_pain().select({"study_id": table3})
    >>> counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    >>> found = cb.audit(studies, overrides=[counts]).findings[0]
    >>> found.code, found.rows
    ('impossible-interval', ('ghandour2004-1',))
    >>> (effect,) = found.effects
    >>> round(effect.common_before.estimate, 2), round(effect.common_after.estimate, 2)
    (2.12, 2.84)
    """
    found = list(audit_table(studies).findings)
    impossible = {row for f in found if f.code == "impossible-interval" for row in f.rows}
    found += not_reproduced(studies, _measures(studies, measure), impossible)
    pool = pool_of(
        studies, measure=measure, overrides=overrides, method=method, test=test, level=level
    )
    if isinstance(pool, str):
        return sorted_findings(found, not_pooled=pool)
    found += [finding for check in POOL_CHECKS for finding in check(pool)]
    return sorted_findings(with_effects(found, pool))


def _measures(studies: Studies, chosen: str | Measure | None) -> dict[str, Measure]:
    """Return the measures that the rows report, by id; unknown ones are left out."""
    known = {measure.id: measure for measure in MEASURES}
    if isinstance(chosen, Measure):
        known[chosen.id] = chosen
    reported = dict.fromkeys(studies.frame["measure"])
    return {id_: known[id_] for id_ in reported if id_ in known}
