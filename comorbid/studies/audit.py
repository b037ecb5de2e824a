"""The audit of a table alone: what in it is impossible, inconsistent or missing.

Every check of the table stands in one of the two lists here; checks that need effects or a fit are
in `comorbid.audited`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from comorbid.checks import check_type
from comorbid.studies.count_checks import counts_exceed_n, percentage_for_count
from comorbid.studies.finding import Audit as Audit, Finding as Finding, sorted_findings
from comorbid.studies.granularity_checks import impossible_means, impossible_percentages
from comorbid.studies.interval_checks import asymmetric_interval
from comorbid.studies.pooling_checks import (
    mixed_adjustment,
    mixed_measures,
    same_figures,
    same_people,
)
from comorbid.studies.precision_checks import impossible_interval, precision_disagrees
from comorbid.studies.published import Row, published_rows
from comorbid.studies.spread_checks import precision_out_of_line, sd_for_se, se_for_sd
from comorbid.studies.table import Studies
from comorbid.studies.table_checks import (
    incomplete_coverage,
    not_pooled,
    outside_range,
    several_rows,
)
from comorbid.studies.value_checks import impossible_value

ROW_CHECKS: tuple[Callable[[Row], Iterator[Finding]], ...] = (
    impossible_interval,
    precision_disagrees,
    asymmetric_interval,
    impossible_value,
    counts_exceed_n,
    percentage_for_count,
)
TABLE_CHECKS: tuple[Callable[[Studies], Iterator[Finding]], ...] = (
    impossible_means,
    impossible_percentages,
    se_for_sd,
    sd_for_se,
    precision_out_of_line,
    same_figures,
    same_people,
    mixed_measures,
    mixed_adjustment,
    incomplete_coverage,
    not_pooled,
    several_rows,
    outside_range,
)


def audit(studies: Studies) -> Audit:
    """Look for what in a table is impossible, inconsistent or missing, without pooling anything.

    Parameters
    ----------
    studies : Studies
        The table.

    Returns
    -------
    Audit
        Findings without effects on a pool; `comorbid.audit` describes them and adds the others.

    Raises
    ------
    DataError
        If it is no study table.

    Examples
    --------
    >>> from comorbid.studies.datasets import headache_back_pain
    >>> found = audit(headache_back_pain())
    >>> found.findings[0].code, found.findings[0].rows
    ('impossible-interval', ('ghandour2004-1',))
    """
    check_type("studies", studies, Studies, "read a table with read_studies()")
    rows = published_rows(studies)
    findings = [finding for check in ROW_CHECKS for row in rows for finding in check(row)]
    findings += [finding for check in TABLE_CHECKS for finding in check(studies)]
    return sorted_findings(findings)
