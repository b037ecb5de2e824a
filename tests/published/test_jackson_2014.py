"""Jackson D, Turner R, Rhodes K, Viechtbauer W (2014). Intervals for the between-study variance.

BMC Medical Research Methodology 14:103, doi:10.1186/1471-2288-14-103: residual heterogeneity of two
meta-regressions (examples 1 and 2), by the standard error of REML on the log scale and by the
Paule-Mandel estimator's interval.
Read: metafor's test of these examples, which names no page. The article's generalised Cochran
intervals are not reproduced: comorbid has them without moderators only.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed

import comorbid as cb

EXAMPLE_1 = cb.Effects(
    yi=[
        *(0.0267, 0.8242, 0.3930, 2.4405, 2.1401, 1.2528, 2.4849, 0.3087),
        *(1.4246, 0.1823, 1.1378, 1.2321, 2.0695, 4.0237, 1.4383, 1.6021),
    ],
    vi=[
        *(0.1285, 0.0315, 0.0931, 2.0967, 1.0539, 0.1602, 1.0235, 0.0218),
        *(0.5277, 0.0556, 0.3304, 0.1721, 0.4901, 2.0200, 0.3399, 0.1830),
    ],
    moderators={"x": [0] * 10 + [1] * 6},
)
EXAMPLE_2 = cb.Effects(
    yi=[
        *(0.54, 0.4, 0.64, 0.365, 0.835, 0.02, 0.12, 0.085, 1.18, 0.08),
        *(0.18, 0.325, 0.06, 0.715, 0.065, 0.245, 0.24, 0.06, 0.19),
    ],
    vi=[
        *(0.0176, 0.019, 0.0906, 0.0861, 0.0063, 0.0126, 0.0126, 0.0041, 0.0759, 0.0126),
        *(0.0104, 0.0242, 0.0026, 0.2629, 0.0169, 0.0156, 0.0481, 0.0084, 0.0044),
    ],
    moderators={
        "x": [
            *(1986, 1987, 1988, 1988, 1998, 1999, 2000, 2000, 2000),
            *(2001, 2001, 2001, 2002, 2002, 2002, 2002, 2003, 2003, 2003),
        ]
    },
)


@pytest.mark.parametrize(
    ("effects", "printed"), [(EXAMPLE_1, "0.0110 0.6330"), (EXAMPLE_2, "0.0163 0.1108")]
)
def test_by_standard_error(effects: cb.Effects, printed: str) -> None:
    result = cb.regress(effects, "~ x", method="REML", test="z")
    half = 1.96 * result.se_tau2 / result.tau2
    assert np.exp(np.log(result.tau2) + np.array([-half, half])) == as_printed(printed)


@pytest.mark.parametrize(
    ("effects", "printed"), [(EXAMPLE_1, "0.0023 1.4871"), (EXAMPLE_2, "0.0178 0.1564")]
)
def test_paule_mandel(effects: cb.Effects, printed: str) -> None:
    result = cb.regress(effects, "~ x", method="PM", test="z")
    assert result.tau2_ci() == as_printed(printed)
