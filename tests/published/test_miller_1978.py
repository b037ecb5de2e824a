"""Miller JJ (1978). The inverse of the Freeman-Tukey double arcsine transformation.

The American Statistician 32:138, doi:10.1080/00031305.1978.10479283: 3 of 11, 6 of 17, 10 of 21
and 1 of 6. The article's transformation is twice the one that comorbid and metafor use.
Read: metafor's test of this analysis, which names the page.
"""

from __future__ import annotations

from printed import as_printed

import comorbid as cb

COUNTS = cb.escalc("PFT", xi=[3, 6, 10, 1], ni=[11, 17, 21, 6])


def test_transformed_proportions() -> None:
    assert 2 * COUNTS.yi == as_printed("1.1391 1.2888 1.5253 0.9515")
    assert 4 * COUNTS.vi == as_printed("0.0870 0.0571 0.0465 0.1538")


def test_plain_mean() -> None:
    """Turned back with the harmonic mean of the group sizes."""
    fit = cb.pool(COUNTS, method="EE", test="z", weights=[1, 1, 1, 1])
    assert 2 * fit.estimate == as_printed("1.2262")
    assert fit.on_scale().estimate == as_printed("0.3164")


def test_weighted_mean() -> None:
    fit = cb.pool(COUNTS, method="EE", test="z")
    assert 2 * fit.estimate == as_printed("1.3093")
    assert fit.on_scale().estimate == as_printed("0.3595")
