"""What the audit finds in the golden data sets: exactly what stands here, each with its reason.

None is known to be an error of the data sets. Outliers are studies that stand apart, or what a
scale makes of them on which risks of different sizes differ most; by chance about one pool in
twenty at most would have one.
"""

from __future__ import annotations

import pytest
from golden_tables import tables

import comorbid as cb
from comorbid.studies import Audit

SEVERAL = "several-rows-per-study"

EXPECTED = {
    # Stein & Aronson 1953: risks of 12 % and 26 % where other large trials had under 2 %, so that
    # its difference is large though its ratio is ordinary (neither OR nor RR has a finding).
    "bcg RD": [("outlier", "s6")],
    # Zheng 2002: 12 of 38 against 2 of 42, where the others have hardly a side.
    "laopaiboon2015 OR": [("reversed-direction", "s15")],
    # Pierce 2000: 1 of 97 against 19 of 103; risks elsewhere were lower.
    "nielweise2007 RD": [("outlier", "s9")],
    # 38 of 584 against 87 of 588, at the lowest of the doses.
    "viechtbauer2021 OR": [("outlier", "s6"), ("reversed-direction", "s6")],
    # Several experiments a paper, taken as independent in the textbook; Quercus rubra in paper
    # 2037 grew to almost four times as much. Two of the other experiments have less growth with
    # more carbon dioxide, under stress of little fertiliser, beyond the chance of so few trees.
    "curtis1998": [
        *((SEVERAL, "21"), ("outlier", "445")),
        *(("reversed-direction", row) for row in ("444", "749")),
    ],
    # Hanna 2004 has 23,000 of 39,000 catheter-days and few infections, so that its rates are far
    # the most precise; not so their ratio.
    "nielweise2008 IRD": [("nearly-all-weight", "s3")],
    # WIA-OC5b: 17.9 deaths fewer than expected, with a variance of 14.1.
    "pignon2000": [("outlier", "104")],
    # Two publications of one first author in one country, at most five years apart: Garfinkel 1981
    # (cohort) and 1985 (cases and controls), Lam 1985 and 1987, Brownson 1987 and 1992, Liu 1991
    # and 1993. Only the papers say whether people are in both.
    "hackshaw1998": [("same-people", row) for row in ("s1", "s10", "s20", "s27")],
    # Two outcomes of the same patients, read here as if of different studies: study 17 has one
    # hazard ratio for both. Studies 8 and 9 have the same log hazard ratio, 1.64 (0.64).
    "riley2003": [("same-figures", "s33"), ("same-figures", "s15")],
    # Ayers 1993: -0.75, with 34 people.
    "bangertdrowns2004": [("reversed-direction", "s2")],
    # School 33 in district 71: 1.19 with a standard error of 0.1, where others are around 0.2.
    "konstantopoulos2011": [("outlier", "s33")],
    # Lindhe 1982: of 15 patients the attachment level has a variance of 0.0008, the probing depth
    # 0.0057 (the data set has both outcomes of 5 trials, here as if of 10).
    "berkey1998": [("precision-out-of-line", "s4")],
    # Several effects a study, taken as independent only here; study 16 has them on both sides.
    "assink2016": [(SEVERAL, "1"), ("reversed-direction", "94")],
}


@pytest.fixture(scope="module")
def audits() -> dict[str, Audit]:
    return {name: cb.audit(table, measure=measure) for name, (table, measure) in tables().items()}


def test_nothing_is_found_but_what_is_explained(audits: dict[str, Audit]) -> None:
    found = {
        name: [(finding.code, finding.rows[0]) for finding in audit.findings]
        for name, audit in audits.items()
    }
    assert {name: codes for name, codes in found.items() if codes} == EXPECTED


def test_every_data_set_is_pooled_and_none_has_an_error(
    audits: dict[str, Audit],
) -> None:
    assert len(audits) == 52
    assert {audit.not_pooled for audit in audits.values()} == {""}
    severities = {finding.severity for audit in audits.values() for finding in audit.findings}
    assert severities == {"warning", "note"}
