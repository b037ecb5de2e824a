"""Multilevel and multivariate models of 26 data sets against metafor 3.8-1.

``rma_mv_further.json.gz``: see tests/golden/data/README.md. Of several optimisers (nlminb, BFGS,
Nelder and Mead's) and starts the fit with the highest likelihood; ours must be as high.
"""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from golden_data import DATA

import comorbid as cb

FITS = json.loads(gzip.decompress((DATA / "rma_mv_further.json.gz").read_bytes()))["fits"]
VARIANCES, TABLE = 2e-5, 2e-5
# Below this part of a sampling variance, where nlminb's variances of 0 stop.
FLOOR = 1e-6


def rows_of(case: str) -> tuple[cb.Effects, Any]:
    table = {
        name: [math.nan if x is None else x for x in values]
        for name, values in FITS[case]["data"].items()
    }
    yi, vi = table.pop("yi"), table.pop("vi")
    v = FITS[case]["V"]
    return cb.Effects(yi=yi, vi=vi, moderators=table), None if v is None else np.array(v)


@cache
def fitted(case: str) -> cb.Multilevel:
    effects, v = rows_of(case)
    settings = {name: FITS[case][name] for name in ("random", "method", "test", "dfs")}
    if any("|" in term for term in settings["random"]):
        settings["struct"] = FITS[case]["struct"]
    return cb.multilevel(effects, FITS[case]["formula"].replace("factor(", "C("), V=v, **settings)


def close(found: Any, expected: Any, *, unit: float, rel: float = TABLE) -> None:
    values = [math.inf if x in (None, "Inf") else x for x in np.atleast_1d(expected).tolist()]
    assert np.atleast_1d(found).tolist() == pytest.approx(values, rel=rel, abs=rel * unit)


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize("case", FITS)
def test_fit(case: str) -> None:
    fit, expected = fitted(case), FITS[case]["fit"]
    assert fit.k == expected["k"]
    assert expected["ll"] - 1e-9 <= fit.log_likelihood <= expected["ll"] + 1e-7
    floor = FLOOR * float(np.median(fit.model.vi)) / VARIANCES
    for symbol in ("sigma2", "gamma2"):
        close(getattr(fit, symbol), expected[symbol], unit=floor, rel=VARIANCES)
    # metafor's order of levels; ours is sorted
    levels = [c.name[5:-1] for c in fit.components if c.symbol == "tau2"]
    tau2 = dict(zip(expected["g.levels"], expected["tau2"], strict=False))
    order = [tau2[level] for level in levels] if len(levels) > 1 else expected["tau2"]
    close(fit.tau2, order, unit=floor, rel=VARIANCES)
    if fit.rho.size:
        assert levels == expected["g.levels"] or fit.rho.size == 1
        close(fit.rho, expected["rho"], unit=1.0)
    for found, value, se in zip(fit.estimate, expected["beta"], fit.se, strict=True):
        close(found, value, unit=float(se), rel=2e-6)
    close(fit.se, expected["se"], unit=0.0)
    ends = zip((fit.ci_low, fit.ci_high), ("ci.lb", "ci.ub"), strict=True)
    for found, name in ends:
        close(found, expected[name], unit=float(fit.se.max()))
    if fit.test == "t":
        assert fit.df.tolist() == expected["ddf"]
    close([fit.aic, fit.bic, fit.aicc], [expected[n] for n in ("AIC", "BIC", "AICc")], unit=1.0)
    close(fit.qe, expected["QE"], unit=0.0, rel=1e-7)
    close(fit.qe_p, expected["QEp"], unit=1e-7, rel=1e-6)
    close(fit.qm, expected["QM"], unit=0.0, rel=1e-4)
    if "weights" in expected:
        close(fit.weights, expected["weights"], unit=1.0)
    if all(term.structure.variances == 1 for term in fit.model.terms):
        variances = np.array([c.value for c in fit.components if c.kind == "variance"])
        shares = 100 * variances / (variances.sum() + expected["vtilde"])
        close(fit.heterogeneity.i2, shares, unit=0.0, rel=1e-9)


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize("case", [case for case in FITS if FITS[case]["fit"]["pred"]])
def test_predictions(case: str) -> None:
    """predict(), and with a variance for each level predict(newmods=, tau2.levels=)."""
    fit, expected = fitted(case), FITS[case]["fit"]["pred"]
    found = fit.predict()
    names = {"estimate": "pred", "se": "se", "ci_low": "ci.lb", "ci_high": "ci.ub"}
    for ours, theirs in (names | {"pi_low": "pi.lb", "pi_high": "pi.ub"}).items():
        close(getattr(found, ours), expected[theirs], unit=5 * float(fit.se.max()))


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize("case", [case for case in FITS if FITS[case]["fit"]["ranef"]])
def test_random_effects(case: str) -> None:
    """Sorted, as metafor names the groups otherwise."""
    fit, expected = fitted(case), FITS[case]["fit"]["ranef"]
    table = fit.ranef().to_frame()
    terms = list(dict.fromkeys(table.index.get_level_values(0)))
    known = {name.replace("~", "").replace(" ", ""): values for name, values in expected.items()}
    assert sorted(known) == sorted(term.replace(" ", "") for term in terms)
    for term in terms:
        theirs = known[term.replace(" ", "")]
        for ours, name in (("pred", "intrcpt"), ("pi_low", "pi.lb"), ("pi_high", "pi.ub")):
            values = sorted(x or 0.0 for x in theirs[name])
            close(sorted(table.loc[term, ours]), values, unit=20 * float(fit.se.max()))


def test_a_maximum_that_metafor_does_not_find() -> None:
    """dat.dagostino1998, HCS: every optimiser of metafor stops with an error.

    At the variances and correlation below its restricted log-likelihood is -0.355219934652, by
    rma.mv(yi, V, mods=~0+outcome, random=~outcome|study, struct="HCS", tau2=, rho=); climbs from
    even variances end 2.6 below.
    """
    effects, v = rows_of("dagostino DIAG")
    fit = cb.multilevel(effects, "~ 0 + outcome", random="outcome | study", struct="HCS", V=v)
    assert fit.log_likelihood >= -0.355219934652 - 1e-9
    assert fit.tau2.tolist() == pytest.approx([0, 0, 0.162872230, 0.076483698], rel=1e-5, abs=1e-9)
    assert fit.rho.tolist() == pytest.approx([0.961028349], rel=1e-6)
    assert fit.search.lower


def test_a_profile_with_another_peak() -> None:
    """dat.pagliaro1992, UN: with tau2[3] = 0.5423 metafor's maximum is 1.920588 below the highest.

    rma.mv(yi, vi, mods=~0+trt, random=~trt|study, struct="UN", tau2=c(NA, NA, 0.5423)), of which
    all correlations are possible together; its interval ends at 0.5423, half of chi-squared(0.95).
    """
    fit = fitted("pagliaro UN")
    profile = fit.profile("tau2[sclerotherapy]", values=[0.5284, 0.5423])
    found = profile.log_likelihood - fit.log_likelihood
    assert found.tolist() == pytest.approx([-1.835485, -1.920588], abs=2e-6)
    assert profile.ci_high == pytest.approx(0.5423, rel=1e-4)
