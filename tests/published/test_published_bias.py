"""Published analyses of publication bias, each with what the paper or its reanalysis prints.

Takagi H, Sekino S, Kato T, Matsuno Y, Umemoto T (2006). Revisiting evidence on lung cancer and
passive smoking: adjustment for publication bias by means of "trim and fill" algorithm. Lung Cancer
51:245-246, doi:10.1016/j.lungcan.2005.11.004, abstract: 37 studies (Hackshaw 1998), 44 with the 7
filled ones, relative risk 1.19 (1.08-1.31, p = 0.0004).

Rosenthal R (1979). The "file drawer problem" and tolerance for null results. Psychological Bulletin
86:638-641, doi:10.1037/0033-2909.86.3.638: 94 studies of mean z 1.014 tolerate 3,263 null results,
311 of mean z 1.18 tolerate 49,457; computed with 1.645 squared as 2.706.

Citkowicz M, Vevea JL (2017). Psychological Methods 22:28-41, doi:10.1037/met0000119, the example of
the beta model: 23 studies of Baskerville NB, Liddy C, Hogg W (2012). Annals of Family Medicine
10:63-74, doi:10.1370/afm.1312. Numbers: metafor 5, its own test of that example.

Preston C, Ashby D, Smyth R (2004). Journal of Evaluation in Clinical Practice 10:313-322,
doi:10.1111/j.1365-2753.2003.00457.x, the example: 12 trials of Hahn S, Kim Y, Garner P (2001). BMJ
323:81-85, doi:10.1136/bmj.323.7304.81. Numbers: metafor 5, its own test of that example.

Vevea JL, Woods CM (2005). Psychological Methods 10:428-443, doi:10.1037/1082-989X.10.4.428, weight
functions of Table 1 on 20 studies of student ratings (Cooper H, Hedges LV (1994). The Handbook of
Research Synthesis, Table A.3, from Cohen 1981). Numbers: metafor 5, its own test of that example.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import comorbid as cb
from comorbid.bias.fail_safe import fail_safe_n
from comorbid.bias.selection import selection_model
from comorbid.bias.trim_and_fill import trim_and_fill

_FILE = Path(__file__).parents[1] / "golden" / "data" / "dat.hackshaw1998.json.gz"


def passive_smoking() -> cb.Effects:
    with gzip.open(_FILE, "rt", encoding="utf-8") as file:
        analysis = json.load(file)["analyses"]["logOR"]
    return cb.Effects(yi=analysis["yi"], vi=analysis["vi"], measure="OR")


def test_takagi_2006_trim_and_fill() -> None:
    found = trim_and_fill(cb.pool(passive_smoking(), method="DL", test="z"))
    assert (found.original.k, found.k0, found.fit.k) == (37, 7, 44)
    risk = found.fit.on_scale()
    assert round(risk.estimate, 2) == 1.19
    assert tuple(round(end, 2) for end in risk.ci) == (1.08, 1.31)
    assert round(found.fit.p_value, 4) == 0.0004


@pytest.mark.parametrize(("k", "mean_z", "printed"), [(94, 1.014, 3_263), (311, 1.18, 49_457)])
def test_rosenthal_1979(k: int, mean_z: float, printed: int) -> None:
    fit = cb.pool(cb.Effects(yi=[mean_z] * k, vi=[1.0] * k), method="EE")
    alpha = float(special.ndtr(-math.sqrt(2.706)))
    found = fail_safe_n(fit, kind="rosenthal", alpha=alpha)
    # The paper rounds to the nearest, or down; the smallest number that is enough is rounded up.
    assert found.n in (printed, printed + 1)


def test_citkowicz_and_vevea_2017_beta_model() -> None:
    yi = [
        *(1.01, 0.82, 0.59, 0.44, 0.84, 0.73, 1.12, 0.04, 0.24, 0.32, 1.04, 1.31),
        *(0.59, 0.66, 0.62, 0.47, 1.08, 0.98, 0.26, 0.39, 0.60, 0.94, 0.11),
    ]
    se = [
        *(0.52, 0.46, 0.23, 0.18, 0.29, 0.29, 0.36, 0.37, 0.15, 0.40, 0.32, 0.57),
        *(0.29, 0.19, 0.31, 0.27, 0.32, 0.32, 0.18, 0.18, 0.31, 0.53, 0.27),
    ]
    found = selection_model(cb.pool(cb.Effects(yi=yi, vi=np.square(se))), kind="beta")
    assert found.delta == pytest.approx((0.4731131, 4.4613162), abs=2e-4)
    assert found.delta_se == pytest.approx((0.2352481, 2.1841983), abs=1e-3)
    assert found.lrt == pytest.approx(7.846907, abs=5e-4)
    assert found.lrt_df == 2
    assert found.tau2 < 0.00000243 + 1e-8
    assert len(found.maxima) == 2


def test_preston_2004_weight_functions() -> None:
    a = np.array([4, 0, 34, 7, 6, 1, 11, 2, 0, 33], dtype=float)
    n1 = np.array([19, 18, 341, 71, 45, 94, 88, 82, 15, 221])
    c = np.array([5, 0, 50, 16, 5, 8, 12, 7, 1, 43], dtype=float)
    n2 = np.array([19, 18, 334, 69, 44, 96, 82, 84, 20, 218])
    events = a + c > 0
    cells = np.stack([a, n1 - a, c, n2 - c])[:, events]
    cells = cells + 0.5 * (cells == 0).any(axis=0)
    yi, vi = np.array([1, -1, -1, 1]) @ np.log(cells), (1 / cells).sum(axis=0)
    fit = cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR"), method="EE")
    printed = {"halfnorm": 3.162948, "negexp": 2.656714, "logistic": 3.339338, "power": 1.458923}
    errors = {"halfnorm": 2.988922, "negexp": 2.347468, "logistic": 2.388776}
    for kind, delta in printed.items():
        found = selection_model(fit, kind=kind, alternative="less")  # type: ignore[arg-type]
        assert found.delta[0] == pytest.approx(delta, abs=2e-5)
        assert found.delta_se[0] == pytest.approx(errors.get(kind, found.delta_se[0]), rel=1e-4)
        assert (found.method, found.tau2) == ("EE", 0.0)


def test_vevea_and_woods_2005_weights_chosen_in_advance() -> None:
    n = np.array([10, 20, 13, 22, 28, 12, 12, 36, 19, 12, 36, 75, 33, 121, 37, 14, 40, 16, 14, 20])
    r = np.array(
        [
            *(0.68, 0.56, 0.23, 0.64, 0.49, -0.04, 0.49, 0.33, 0.58, 0.18),
            *(-0.11, 0.27, 0.26, 0.40, 0.49, 0.51, 0.40, 0.34, 0.42, 0.16),
        ]
    )
    fit = cb.pool(cb.Effects(yi=np.arctanh(r), vi=1 / (n - 3)), method="ML")
    steps = (0.005, 0.01, 0.05, 0.1, 0.25, 0.35, 0.5, 0.65, 0.75, 0.9, 0.95, 0.99, 0.995)
    table_1 = {
        (0.351894, 0.004500): (
            *(1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
        ),
        (0.321518, 0.009544): (
            *(1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
        ),
        (0.362019, 0.002774): (
            *(1, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
        ),
        (0.332180, 0.005652): (
            *(1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
        ),
    }
    for printed, delta in table_1.items():
        found = selection_model(fit, steps=steps, delta=delta)
        assert (found.estimate, found.tau2) == pytest.approx(printed, abs=1e-6)
        assert found.lrt_df == 0
        assert math.isnan(found.lrt_p)
