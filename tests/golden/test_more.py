"""Single results of R's metafor: subgroups, prediction at new moderators, a test between models.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden_data import ITERATIVE, dataset, effects_of
from golden_metareg import effects_for
from golden_univariate import mean_cells
from scipy import stats

import comorbid as cb

ALLOCATIONS = ("alternate", "random", "systematic")
# predict(r, newmods = LATITUDES)
LATITUDES = (0.0, 10.0, 33.46, 55.0)


def more(name: str) -> dict[str, Any]:
    return dataset(name)["more"]


def by_latitude(method: str, formula: str) -> cb.Regression:
    return cb.regress(effects_for("dat.bcg", "RR_ablat"), formula, method=method, test="z")


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_each_subgroup_is_a_fit_of_its_own(allocation: str) -> None:
    """rma(yi, vi, subset = alloc == ...) of the BCG risk ratios."""
    effects = effects_for("dat.bcg", "RR_alloc")
    rows = [i for i, value in enumerate(effects.to_frame()["alloc"]) if value == allocation]
    fit = cb.pool(effects.take(np.array(rows)), method="REML", test="z")
    golden = more("dat.bcg")["subgroups_alloc_RR"][allocation]
    cells = list(mean_cells(("dat.bcg", "subgroups", allocation), golden, fit))
    assert [cell for cell in cells if not cell.agrees] == []
    assert len(cells) >= 40
    table = cb.subgroups(effects, by="alloc", method="REML", test="z").to_frame()
    assert table.loc[allocation, "estimate"] == pytest.approx(golden["beta"], rel=ITERATIVE)
    assert table.loc[allocation, "tau2"] == pytest.approx(golden["tau2"], rel=ITERATIVE)


def test_prediction_at_new_latitudes() -> None:
    golden = more("dat.bcg")["predict_newmods_RR_ablat"]
    regression = by_latitude("REML", "~ ablat")
    found = regression.predict({"ablat": list(LATITUDES)})
    ours = {
        "pred": found.estimate,
        "se": found.se,
        "ci.lb": found.ci_low,
        "ci.ub": found.ci_high,
        "pi.lb": found.pi_low,
        "pi.ub": found.pi_high,
        "cr.lb": found.pi_low,
        "cr.ub": found.pi_high,
        "pi.se": np.sqrt(found.se**2 + regression.tau2),
    }
    for name, values in ours.items():
        assert values.tolist() == pytest.approx(golden[name], rel=ITERATIVE), name


def test_likelihood_ratio_of_latitude() -> None:
    """anova() of the ML fits with and without the latitude."""
    golden = more("dat.bcg")["anova_ablat_ML"]
    full, reduced = (by_latitude("ML", formula) for formula in ("~ ablat", "~ 1"))
    ratio = 2 * (full.log_likelihood - reduced.log_likelihood)
    assert ratio == pytest.approx(golden["LRT"], rel=ITERATIVE)
    assert stats.chi2.sf(ratio, 1) == pytest.approx(golden["pval"], rel=ITERATIVE)


def test_double_arcsine_goes_back_with_the_harmonic_mean() -> None:
    """predict(r, transf = transf.ipft.hm, targs = list(ni = ni)) of dat.pritz1997."""
    golden = more("dat.pritz1997")["PFT_back_hm"]
    effects = effects_of("dat.pritz1997", "PFT")
    sizes = np.array(dataset("dat.pritz1997")["analyses"]["PFT"]["ni"], dtype=np.float64)
    harmonic = sizes.size / float((1 / sizes).sum())
    named = cb.Effects(yi=effects.yi, vi=effects.vi, scale=f"double-arcsine(n={harmonic!r})")
    found = cb.pool(named, method="REML", test="z").on_scale()
    assert found.estimate == pytest.approx(golden["pred"], rel=ITERATIVE)
    assert found.ci == pytest.approx((golden["ci.lb"], golden["ci.ub"]), rel=ITERATIVE)
