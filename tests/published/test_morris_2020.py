"""Stars of the Newcastle-Ottawa Scale, as a review of studies of low back pain prints them.

Morris P, Ali K, Merritt M, Pelletier J, Macedo LG (2020). A systematic review of the role of
inflammatory biomarkers in acute, subacute and chronic non-specific low back pain. BMC
Musculoskeletal Disorders 21:142. doi:10.1186/s12891-020-3154-3, Table 3: selection of 4 stars (5 in
the one cross-sectional study), comparability of 2, outcome of 3, and the total.
Read: the page of the table at the journal; not the rest of the article.
"""

from __future__ import annotations

import pytest

import comorbid as cb
from comorbid.studies.judgements import score_of
from comorbid.studies.read import studies_from_bytes

TABLE = {
    "Gebhardt 2006": ("2/4", "1/2", "3/3", 6),
    "Klyne 2018a": ("2/4", "2/2", "2/3", 6),
    "Sturmer 2005": ("2/4", "1/2", "2/3", 5),
    "Heffner 2011": ("1/4", "2/2", "1/3", 4),
    "Klyne 2017a": ("4/4", "2/2", "1/3", 7),
    "Luchting 2016": ("2/4", "2/2", "0/3", 4),
    "Wang 2008": ("2/4", "1/2", "1/3", 4),
    "Wang 2010": ("4/5", "2/2", "1/3", 7),
}


@pytest.fixture(scope="module")
def studies() -> cb.Studies:
    """The stars; the estimates, which the table needs, are made up and all the same."""
    rows = ["study_id,measure,estimate,ci_low,ci_high,rob_selection,rob_comparability,rob_outcome"]
    rows += [f"{name},OR,1,0.5,2,{','.join(stars)}" for name, (*stars, _) in TABLE.items()]
    return studies_from_bytes("\n".join(rows).encode(), source="studies.csv")


def test_the_stars_add_up_to_the_totals_that_are_printed(studies: cb.Studies) -> None:
    found = cb.risk_of_bias(studies)
    assert found.domains == ("selection", "comparability", "outcome")
    for name, stars in zip(found.labels, zip(*found.judgements, strict=True), strict=True):
        assert sum((score_of(cell) or (0, 0))[0] for cell in stars) == TABLE[name][3]


def test_the_plots_say_how_many_studies_have_how_many_stars(studies: cb.Studies) -> None:
    alt = cb.figures.traffic_light(studies).alt
    assert alt == (
        "Risk of bias of 8 studies, study by study. Selection: 4/4 in 1, 4/5 in 1, 2/4 in 5, "
        "1/4 in 1. Comparability: 2/2 in 5, 1/2 in 3. Outcome: 3/3 in 1, 2/3 in 2, 1/3 in 4, "
        "0/3 in 1."
    )
    assert "Comparability: 2/2 62 %, 1/2 38 %." in cb.figures.risk_of_bias_summary(studies).alt
