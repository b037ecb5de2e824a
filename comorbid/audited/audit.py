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
        Findings with these codes, of tables beyond what `read_studies` refuses (an estimate outside
        its interval, limits reversed, a ratio below 0, incomplete counts):

        ``impossible-interval``
            An interval or standard error is smaller than the people of the row allow, by its
            measure: of a log odds ratio 4/sqrt(n), and more if group sizes or events are known
            (`comorbid.studies.bounds` has the formulas).
        ``precision-disagrees``
            Interval and standard error of a row do not give each other; perhaps at another level.
        ``asymmetric-interval``, ``ratio-on-log-scale``
            The estimate is not in the middle of its interval on the scale of its measure; it is,
            if the ratio is a logarithm. A note where it is printed equal to one end, which
            rounding can explain.
        ``counts-disagree``, ``interval-not-reproduced``
            A crude estimate is not that of its own counts, means or correlation to the digits
            printed, or its interval is more than 1.25 times as wide or as narrow as they make it
            or exactly that of another level.
        ``reversed-direction``
            The estimate is the inverse of what its counts give; or a study is beyond chance on
            the other side of no association than the others, and its inverse fits them.
        ``impossible-value``, ``percentage-for-proportion``
            An estimate is beyond the range of its measure, perhaps as a percentage.
        ``counts-exceed-n``
            The counts add up to more (error) or fewer people than analysed.
        ``percentage-for-count``
            The counts add up to 100 in both groups, or to 99 or 101, and no n says how many people
            there are (note).
        ``nearly-all-weight``
            One study has 90 % of the weight under the common-effect model, or 50 % of the pool's.
        ``outlier``
            An externally standardised residual is beyond the quantile of a t distribution that
            about one in twenty pools of k studies at most exceeds (Bonferroni).
        ``impossible-mean``, ``impossible-sd``, ``impossible-percentage``
            No people give this percentage, mean or standard deviation. A column of percentages says
            in its name of which column: ``percent_of_n1i``, ``female_percent_of_n``. Of means
            (``m1i, sd1i, n1i``, the same with 2, ``mi, sdi, ni``) the row must say what the outcome
            can be: ``items``, how many whole numbers a score averages (1 for a count or one
            question), or the ends ``scale_low`` and ``scale_high`` of the score. See `grim`.
        ``se-for-sd``, ``sd-for-se``
            A standard deviation is far from those of the other rows, and near them if it is a
            standard error; or the reverse. At least 5 other rows (`comorbid.studies.spread_checks`
            has the rule and how often it errs).
        ``precision-out-of-line``
            A standard error, or interval, is at least 2.5 times smaller or larger for its n than
            those of the other rows, beyond what these differ by among themselves.
        ``same-figures``
            Rows of different studies in the pool have the same counts, means or estimate, with 5
            or 6 significant digits in all of them (note) or more (warning).
        ``same-people``
            Rows of different studies in the pool share the first author and n, or the first author
            and the country, at most 5 years apart.
        ``mixed-measures``, ``mixed-adjustment``
            The pool has estimates of several measures, or crude and adjusted ones.
        ``several-rows-per-study``
            A study has several rows, about the same people.
        ``incomplete-coverage``, ``not-pooled-by-authors``, ``outside-review-range``
            What the review behind the table says that a pooled value of it must be read with.

        Where a program can try a repair, such as the counts of a row in place of its interval,
        the finding says what it does to the pool, and to that of the common-effect model. Where
        the table cannot be pooled the audit says why.

    Raises
    ------
    DataError
        If it is no study table, or an override is something else, or about no row or figure of it.
    ModelError
        If the measure or a setting is unknown.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

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
    reported = dict.fromkeys(studies.arrays["measure"])
    return {id_: known[id_] for id_ in reported if id_ in known}
