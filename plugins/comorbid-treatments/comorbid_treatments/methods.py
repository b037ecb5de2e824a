"""What the comparison of treatments does, for the section Methods, and whom it cites."""

from __future__ import annotations

import comorbid as cb

REFERENCES = "comorbid_treatments:references.bib"

METHODS = (
    "The trials of each comparison are pooled by themselves (REML, standard normal intervals). "
    "Where trials connect all treatments, a network meta-analysis takes them together by weighted "
    "least squares, in which the contrasts of a trial with several arms are correlated ",
    cb.Cite("ruecker2012", "ruecker2014"),
    "; tau² is one for all comparisons (REML), and 0 where no comparison was made by two trials. "
    "What a network estimate owes to each direct comparison follows from random walks ",
    cb.Cite("davies2022"),
    ". Treatments are ranked by P-scores ",
    cb.Cite("ruecker2015"),
    " and, from simulated sets of effects, by SUCRA ",
    cb.Cite("salanti2011"),
    ". Consistency is tested between designs ",
    cb.Cite("higgins2012"),
    " and comparison by comparison, direct against indirect evidence ",
    cb.Cite("koenig2013"),
    ", and drawn as net heat ",
    cb.Cite("krahn2013"),
    "; small trials are looked at in a comparison-adjusted funnel ",
    cb.Cite("chaimani2012"),
    ".",
)
