"""Multilevel and multivariate models against R's metafor.

5.0-1, as tests/golden/data/README.md says how, and 3.8-1 where that is said. Its variances are
where nlminb stopped (``rel.tol`` 1e-10 to 1e-14), which along flat directions is up to about 1e-5
short of the maximum; ours must fit at least as well.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from typing import Any

import numpy as np
import pytest
from golden_data import DATA, dataset

import comorbid as cb

VARIANCES, COEFFICIENTS, TABLE = 1e-5, 1e-6, 2e-5
# Golden cases of this many data sets; the last guards that none is left out.
CASES: dict[str, dict[str, Any]] = {
    "dat.konstantopoulos2011 mv_3level_REML": {"random": "district/school"},
    "dat.konstantopoulos2011 mv_3level_ML": {"random": "district/school", "method": "ML"},
    "dat.konstantopoulos2011 mv_CS": {"random": "school | district"},
    "dat.konstantopoulos2011 mv_3level_year": {
        "formula": "~ center(year)",
        "random": "district/school",
    },
    "dat.konstantopoulos2011 mv_3level_t_contain": {
        "random": "district/school",
        "test": "t",
        "dfs": "contain",
    },
    "dat.assink2016 mv_3level_diagV": {"random": "study/esid"},
    "dat.assink2016 mv_3level_V_rho0.6": {"random": "study/esid", "V": ("study", 0.6)},
    "dat.assink2016 mv_mods": {
        "formula": "~ pubstatus + deltype",
        "random": "study/esid",
        "V": ("study", 0.6),
    },
    "dat.berkey1998 UN_REML": {"random": "outcome | trial", "struct": "UN"},
    "dat.berkey1998 UN_ML": {"random": "outcome | trial", "struct": "UN", "method": "ML"},
    "dat.berkey1998 HCS_REML": {"random": "outcome | trial", "struct": "HCS"},
    "dat.berkey1998 UN_ML_year": {
        "formula": "~ 0 + outcome + outcome:I(year - 1983)",
        "random": "outcome | trial",
        "struct": "UN",
        "method": "ML",
    },
    # The entry is of independent errors, whatever its name says: metafor 3.8-1 gives its numbers
    # for V = vi, and for vcalc(rho = 0.5) those of the test below.
    "dat.riley2003 UN_rho0.5": {"random": "outcome | study", "struct": "UN"},
}
FORMULAS = {"dat.berkey1998": "~ 0 + outcome", "dat.riley2003": "~ 0 + outcome"}


def numbers_or_text(values: list[str]) -> list[Any]:
    try:
        return [float(value) if "." in value else int(value) for value in values]
    except ValueError:
        return values


def rows_of(name: str) -> cb.Effects:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = {column: numbers_or_text([row[column] for row in rows]) for column in rows[0]}
    yi, vi = (table.pop(key) for key in ("yi", "vi"))
    return cb.Effects(yi=yi, vi=vi, moderators=table)


def correlated(effects: cb.Effects, cluster: str, rho: float) -> np.ndarray:
    """One correlation of all errors within a cluster."""
    groups = np.array(effects.moderators[cluster])
    v = rho * np.sqrt(np.outer(effects.vi, effects.vi)) * (groups[:, None] == groups)
    np.fill_diagonal(v, effects.vi)
    return v


def fitted(case: str) -> cb.Multilevel:
    name = case.split()[0]
    effects, settings = rows_of(name), dict(CASES[case])
    if name == "dat.berkey1998":
        settings["V"] = dataset(name)["more"]["V"]
    elif "V" in settings:
        settings["V"] = correlated(effects, *settings["V"])
    formula = settings.pop("formula", FORMULAS.get(name, "~ 1"))
    return cb.multilevel(effects, formula, **settings)


def golden(case: str) -> dict[str, Any]:
    name, key = case.split()
    return dict(dataset(name)["more"][key])


def listed(value: Any) -> list[float]:
    return [math.inf if x is None else x for x in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("case", CASES)
def test_components_and_coefficients(case: str) -> None:
    fit, expected = fitted(case), golden(case)
    for symbol in ("sigma2", "tau2", "rho"):
        values = [x for x in listed(expected[symbol]) if x != 0]
        assert getattr(fit, symbol).tolist() == pytest.approx(values, rel=VARIANCES), symbol
    # Of a coefficient near 0, to the same part of its standard error.
    for found, beta, se in zip(fit.estimate, listed(expected["beta"]), fit.se, strict=True):
        assert found == pytest.approx(beta, rel=COEFFICIENTS, abs=COEFFICIENTS * se)
    vcov = np.array(expected["vb"])
    assert fit.vcov == pytest.approx(vcov, rel=TABLE, abs=TABLE * np.diagonal(vcov).min())


@pytest.mark.parametrize("case", CASES)
def test_tests_and_criteria(case: str) -> None:
    fit, expected = fitted(case), golden(case)
    names = {
        "se": "se",
        "statistic": "zval",
        "p_value": "pval",
        "ci_low": "ci.lb",
        "ci_high": "ci.ub",
    }
    for ours, theirs in names.items():
        values = listed(expected[theirs])
        assert getattr(fit, ours).tolist() == pytest.approx(values, rel=TABLE, abs=1e-7), ours
    assert fit.df.tolist() == listed(expected["ddf"])
    assert fit.k == expected["k"]
    assert fit.qe == pytest.approx(expected["QE"], rel=1e-9)
    assert fit.qe_p == pytest.approx(expected["QEp"], rel=1e-6)
    assert fit.qm == pytest.approx(expected["QM"], rel=TABLE)
    assert fit.qm_p == pytest.approx(expected["QMp"], rel=2e-4)
    assert expected["ll"] - 1e-9 <= fit.log_likelihood <= expected["ll"] + 1e-7
    assert fit.aic == pytest.approx(expected["AIC"], rel=1e-7)
    assert fit.bic == pytest.approx(expected["BIC"], rel=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_predictions(case: str) -> None:
    fit, expected = fitted(case), golden(case)["pred"]
    found = fit.predict()
    names = {
        "estimate": "pred",
        "se": "se",
        "ci_low": "ci.lb",
        "ci_high": "ci.ub",
        "pi_low": "pi.lb",
        "pi_high": "pi.ub",
    }
    for ours, theirs in names.items():
        values = listed(expected[theirs])
        assert getattr(found, ours).tolist() == pytest.approx(values, rel=TABLE, abs=1e-6), ours


@pytest.mark.parametrize("case", CASES)
def test_the_search_ends_on_a_maximum(case: str) -> None:
    search = fitted(case).search
    assert search.gradient < 1e-8
    # HCS of berkey1998 has another maximum, 2.2 lower, in which some starts end.
    assert search.agreed > 0.7 * search.starts
    assert search.lower == (pytest.approx((2.2388,), abs=1e-4) if "HCS" in case else ())
    assert search.boundary == (("rho[DFS, OS]",) if "riley" in case else ())


def test_random_effects_of_districts_and_schools() -> None:
    expected = dataset("dat.konstantopoulos2011")["more"]["ranef"]
    table = fitted("dat.konstantopoulos2011 mv_3level_REML").ranef().to_frame()
    names = {"pred": "intrcpt", "se": "se", "pi_low": "pi.lb", "pi_high": "pi.ub"}
    for term, groups in {"district": 11, "district/school": 56}.items():
        for ours, theirs in names.items():
            found = table.loc[term, ours].tolist()
            assert len(found) == groups
            assert found == pytest.approx(expected[term][theirs], rel=TABLE, abs=1e-6), ours


def test_profile_likelihood_intervals() -> None:
    """Where confint() of metafor stops is good to about 5e-4; at ours the profile is the cut.

    metafor found no upper end for the schools.
    """
    expected = dataset("dat.konstantopoulos2011")["more"]["confint_sigma2"]
    fit = fitted("dat.konstantopoulos2011 mv_3level_REML")
    found = fit.confint().to_frame()
    assert found.loc["district", "ci_low"] == pytest.approx(expected["1"]["lb"], rel=5e-4)
    assert found.loc["district", "ci_high"] == pytest.approx(expected["1"]["ub"], rel=5e-4)
    assert found.loc["district/school", "ci_low"] == pytest.approx(expected["2"]["lb"], rel=1e-3)
    assert expected["2"]["ub"] is None
    for name in found.index:
        profile = fit.profile(name, values=found.loc[name, ["ci_low", "ci_high"]].tolist())
        assert profile.log_likelihood.tolist() == pytest.approx([profile.cut] * 2, abs=1e-8)


def test_riley_with_correlated_errors() -> None:
    """By metafor 3.8-1, with V = vcalc(vi, cluster=study, type=outcome, rho=0.5).

    rma.mv(yi, V, mods=~outcome-1, random=~outcome|study, struct="UN", control=list(rel.tol=1e-11))
    """
    effects = rows_of("dat.riley2003")
    v = correlated(effects, "study", 0.5)
    fit = cb.multilevel(effects, "~ 0 + outcome", random="outcome | study", struct="UN", V=v)
    assert fit.tau2.tolist() == pytest.approx([0.4022002, 0.3626971], rel=1e-6)
    assert fit.rho.tolist() == [1.0]
    assert fit.log_likelihood == pytest.approx(-119.8541, abs=5e-5)


def test_every_golden_fit_is_compared() -> None:
    names = {case.split()[0] for case in CASES}
    fits = {
        f"{name} {key}"
        for name in names
        for key, value in dataset(name)["more"].items()
        if isinstance(value, dict) and "sigma2" in value
    }
    assert fits == set(CASES)


FURTHER = json.loads(gzip.decompress((DATA / "rma_mv.json.gz").read_bytes()))["fits"]
TIMES = {"formula": "~ 0 + C(time)", "random": "time | study"}
# How each of metafor's calls is written here; "ishak UN ML" is ishak2007 with struct and method.
CALLS: dict[str, dict[str, Any]] = {
    "ishak": TIMES,
    "fine": TIMES,
    "crede3": {"random": "studyid/sampleid"},
    "crede3t": {
        "formula": "~ year",
        "random": "studyid/sampleid",
        "test": "t",
        "dfs": "contain",
    },
    "bornmann": {"random": "study/obs"},
    "bornmann_mod": {"formula": "~ type", "random": "study/obs", "method": "ML"},
    "assink_two": {"formula": "~ deltype", "random": ["deltype | study", "id"]},
}
# metafor's correlation is -1, where with four levels G is no covariance matrix, and lower.
STUCK = "fine HCS"


def further(case: str) -> cb.Multilevel:
    name, *rest = case.split()
    settings = {**CALLS[name], **dict(zip(("struct", "method"), rest, strict=False))}
    table = dict(FURTHER[case]["data"])
    yi, vi = (table.pop(key) for key in ("yi", "vi"))
    effects = cb.Effects(yi=yi, vi=vi, moderators=table)
    formula = settings.pop("formula", "~ 1")
    return cb.multilevel(effects, formula, V=FURTHER[case].get("V"), **settings)


@pytest.mark.parametrize("case", [case for case in FURTHER if case != STUCK])
def test_further_data_sets(case: str) -> None:
    """ishak2007, fine1993, crede2010, bornmann2007 and assink2016, by metafor 3.8-1."""
    fit, expected = further(case), FURTHER[case]
    assert expected["ll"] - 1e-9 <= fit.log_likelihood <= expected["ll"] + 2e-8
    for symbol in ("sigma2", "tau2", "rho"):
        found = getattr(fit, symbol).tolist()
        if found:
            assert found == pytest.approx(listed(expected[symbol]), rel=2 * VARIANCES), symbol
    assert fit.se.tolist() == pytest.approx(listed(expected["se"]), rel=TABLE)
    for found, beta, se in zip(fit.estimate, listed(expected["beta"]), fit.se, strict=True):
        assert found == pytest.approx(beta, rel=COEFFICIENTS, abs=COEFFICIENTS * se)
    assert fit.aicc == pytest.approx(expected["AICc"], rel=1e-7)
    assert fit.bic == pytest.approx(expected["BIC"], rel=1e-7)
    assert fit.qe == pytest.approx(expected["QE"], rel=1e-7)
    if fit.test == "t":
        assert fit.df.tolist() == listed(expected["ddf"])
    # HCS of ishak2007 has other maxima, 40 lower, where a variance is 0; AR of fine1993 one 1.8
    # lower.
    assert fit.search.agreed >= 3
    assert all(lower > (1.8 if case == "fine AR" else 40) for lower in fit.search.lower)


def test_where_metafor_is_stuck() -> None:
    fit, expected = further(STUCK), FURTHER[STUCK]
    assert expected["rho"] == pytest.approx(-1, abs=1e-6)
    assert fit.log_likelihood > expected["ll"] + 1
    assert fit.rho[0] > 0
    assert fit.search.agreed > 1
    assert fit.search.lower != ()
