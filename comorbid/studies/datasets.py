"""Data sets that come with comorbid."""

from __future__ import annotations

import tomllib
from importlib import resources

from comorbid.studies.read import studies_from_bytes
from comorbid.studies.table import Review, Studies


def headache_back_pain() -> Studies:
    """Return published odds ratios for headache and low back pain together.

    From the systematic review of Vivekanantham and others (2019, doi:10.1186/s10194-019-1031-y):
    13 estimates of 6 of its 14 studies, 92 % of its participants. The authors of the review did
    not pool them. What is known about each figure is in ``NOTES.md`` beside the data.

    Returns
    -------
    Studies
        With the review in ``Studies.review`` and counts of both, back pain only, headache only
        and neither as ``ai, bi, ci, di``.

    Examples
    --------
    >>> studies = headache_back_pain()
    >>> studies.review.coverage(studies).summary()
    '6 of 14 studies, 92 % of participants (423,634 of 460,195)'
    """
    name = "headache-back-pain"
    folder = resources.files("comorbid.studies") / "data" / name
    facts = tomllib.loads((folder / "review.toml").read_text(encoding="utf-8"))
    return studies_from_bytes(
        (folder / "estimates.csv").read_bytes(),
        source=f"{name}/estimates.csv",
        review=Review.from_mapping(facts, source=f"{name}/review.toml"),
    )
