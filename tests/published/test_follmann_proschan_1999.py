"""Follmann DA, Proschan MA (1999). Valid inference in random effects meta-analysis.

Biometrics 55:732-737, doi:10.1111/j.0006-341X.1999.00732.x, Table 1: cholesterol lowering, 8
trials; deaths, Peto's log odds ratios, and the exact permutation test of their DerSimonian-Laird
mean over all 256 signs, p = 10/256.
Read: metafor's test of this example, which names the table; the page is not known.
"""

from __future__ import annotations

import itertools

import numpy as np
from printed import as_printed

import comorbid as cb

TRIALS = cb.escalc(
    "PETO",
    ai=[173, 157, 131, 56, 52, 36, 62, 2],
    n1i=[5331, 1906, 4541, 2051, 424, 1149, 6582, 88],
    ci=[210, 193, 121, 84, 65, 42, 20, 2],
    n2i=[5296, 1900, 4516, 2030, 422, 1129, 1663, 30],
)


def test_permutation_of_the_mean() -> None:
    """As in the article, by how far the mean is from 0."""
    signs = np.array(list(itertools.product([1, -1], repeat=8)))
    means = [
        cb.pool(cb.Effects(yi=sign * TRIALS.yi, vi=TRIALS.vi), method="DL").estimate
        for sign in signs
    ]
    reached = np.abs(means) >= abs(means[0]) * (1 - 1e-12)
    assert (reached.sum(), len(means)) == (10, 256)


def test_permutation_of_the_ratio() -> None:
    """The test of comorbid goes by the mean over its standard error, as metafor's does by default.

    metafor 3.8-1, permutest(exact=TRUE), has 14/256 too.
    """
    found = cb.permutation_test(cb.regress(TRIALS, "~ 1", method="DL", test="z"))
    assert found.repetitions == 256
    assert 256 * found.p_value == as_printed("14")
