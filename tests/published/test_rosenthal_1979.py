"""Rosenthal R (1979). The "file drawer problem" and tolerance for null results.

Psychological Bulletin 86:638-641, doi:10.1037/0033-2909.86.3.638: 94 studies of mean z 1.014
tolerate 3,263 null results, 311 of mean z 1.18 tolerate 49,457, with 1.645 squared as 2.706.
Read: a summary of the article (psi-research-site.pages.dev/paper/rosenthal_1979_file_drawer), which
has its formula and both numbers, without pages. The mean z are not in it; they give the numbers.
"""

from __future__ import annotations

import math

import pytest
from scipy import special

import comorbid as cb


@pytest.mark.parametrize(("k", "mean_z", "printed"), [(94, 1.014, 3_263), (311, 1.18, 49_457)])
def test_tolerance(k: int, mean_z: float, printed: int) -> None:
    """The article rounds to the nearest, or down; the smallest number enough is rounded up."""
    fit = cb.pool(cb.Effects(yi=[mean_z] * k, vi=[1.0] * k), method="EE")
    alpha = float(special.ndtr(-math.sqrt(2.706)))
    assert cb.fail_safe_n(fit, kind="rosenthal", alpha=alpha).n in (printed, printed + 1)
