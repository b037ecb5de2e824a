"""Nissen SE, Wolski K (2007). Rosiglitazone and the risk of myocardial infarction.

New England Journal of Medicine 356:2457-2471, doi:10.1056/NEJMoa072761: 42 trials, Peto odds ratio
for myocardial infarction 1.43 (1.03 to 1.98).
Read: a letter to the journal, "Rosiglitazone and cardiovascular risk" (2007), which quotes odds
ratio and interval as reported in the article, and crude risks of 0.55 % and 0.59 %; no page.
"""

from __future__ import annotations

import gzip
import json

from printed import DATA, as_printed

import comorbid as cb


def infarctions() -> dict[str, list[float]]:
    with gzip.open(DATA / "dat.nissen2007.json.gz", "rt", encoding="utf-8") as file:
        return dict(json.load(file)["cols2x2"])


def test_peto() -> None:
    fit = cb.peto(infarctions())
    odds = fit.on_scale()
    assert (odds.estimate, *odds.ci) == as_printed("1.43 1.03 1.98")


def test_crude_risks() -> None:
    table = {name: sum(values) for name, values in infarctions().items()}
    risks = (100 * table["ai"] / table["n1i"], 100 * table["ci"] / table["n2i"])
    assert risks == as_printed("0.55 0.59")
