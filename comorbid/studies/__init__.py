"""What the literature says: tables of studies, read, checked and audited."""

from __future__ import annotations

from comorbid.studies.columns import CORE_COLUMNS, RATIO_MEASURES, Column
from comorbid.studies.finding import Audit, Finding
from comorbid.studies.read import read_studies
from comorbid.studies.review import Coverage, PublishedEstimate, Review
from comorbid.studies.table import Studies

__all__ = [
    "CORE_COLUMNS",
    "RATIO_MEASURES",
    "Audit",
    "Column",
    "Coverage",
    "Finding",
    "PublishedEstimate",
    "Review",
    "Studies",
    "read_studies",
]
