"""What the analyses do, for the section Methods, and whom they cite."""

from __future__ import annotations

import comorbid as cb

REFERENCES = "comorbid_chronic_daily_headache:references.bib"

CONTRASTS = (
    "Both estimates of a study are against the same people without headache and so are not "
    "independent: the variance of the difference of their logarithms is the sum of their variances "
    "less twice their covariance. Where cases and people are printed by frequency, the covariance "
    "is reconstructed ",
    cb.Cite("greenland1992", "hamling2008"),
    ". Where they are not, all that is known is that it is the variance which the people without "
    "headache contribute: at least 0, and at most the smaller of the two variances (of log odds "
    "ratios less 4/n, which n people with headache contribute at the least). For adjusted "
    "estimates this takes their correlation to be that of a crude table. The pool is made in every "
    "combination of what is open.",
)

TRENDS = (
    "The line of each study that prints headache days for several levels is fitted by generalised "
    "least squares with the covariance of its estimates ",
    cb.Cite("orsini2006"),
    ", reconstructed or put at 0, half and the whole of its range, and the slopes are pooled in "
    "every combination of what is open.",
)

ALL_ROWS = (
    "Where studies have several rows on chronic headache, all are averaged in a multilevel model "
    "with correlated sampling errors ",
    cb.Cite("pustejovsky2022"),
    " and, where there are enough studies for them, cluster-robust intervals (CR2) ",
    cb.Cite("tipton2015"),
    ". Where the counts of a study's rows have one group in common, and no other, its covariances "
    "are reconstructed from these.",
)
