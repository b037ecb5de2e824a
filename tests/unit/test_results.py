"""What every result has in common: frozen, read-only, four views, and how it was made."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import comorbid as cb
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import studies_csv

K = 10
CELLS = {
    "ai": [10, 20, 5, 8, 3, 12, 30, 9, 4, 7],
    "bi": [90, 70, 30, 50, 20, 40, 80, 33, 25, 60],
    "ci": [7, 15, 6, 4, 2, 9, 20, 10, 3, 5],
    "di": [88, 75, 33, 49, 25, 44, 90, 40, 22, 66],
}
EFFECTS = cb.escalc(
    "OR",
    **CELLS,
    labels=[f"Study {letter}" for letter in "ABCDEFGHIJ"],
    moderators={"year": [float(x) for x in range(K)], "sex": ["f", "m"] * 5, **CELLS},
)
FIT = cb.pool(EFFECTS)
REGRESSION = cb.regress(EFFECTS, "~ year")
DEPENDENT = cb.Effects(yi=EFFECTS.yi, vi=EFFECTS.vi, studies=list("AABBCCDDEE"), measure="OR")
THREE_LEVELS = cb.multilevel(DEPENDENT)
STUDIES = cb.datasets.headache_back_pain()
JUDGED = studies_from_bytes(studies_csv(K, rob_overall=["low"] * K).encode(), source="judged.csv")

RESULTS: dict[str, Any] = {
    "pool": FIT,
    "pool_many": cb.pool_many(EFFECTS.to_frame(), by="sex", measure="OR"),
    "predict": FIT.predict(),
    "heterogeneity": FIT.heterogeneity(),
    "regress": REGRESSION,
    "regression predict": REGRESSION.predict(),
    "covariance": cb.covariance(EFFECTS, cluster="sex", rho=0.5),
    "aggregate": cb.aggregate(EFFECTS, by="sex", rho=0.5),
    "robust": cb.robust(FIT),
    "robust of a multilevel model": cb.robust(THREE_LEVELS),
    "robust of a regression": cb.robust(REGRESSION),
    "che": cb.che(DEPENDENT),
    "wild_bootstrap": cb.wild_bootstrap(REGRESSION, draws=99),
    "permutation_test": cb.permutation_test(REGRESSION, repetitions=20, seed=1),
    "influence of a regression": cb.influence(REGRESSION),
    "leave_one_out of a regression": cb.leave_one_out(REGRESSION),
    "cumulative of a regression": cb.cumulative(REGRESSION),
    "profile of a regression": cb.profile(REGRESSION, points=5),
    "blup of a regression": cb.blup(REGRESSION),
    "rstudent of a regression": cb.rstudent(REGRESSION),
    "baujat of a regression": cb.baujat(REGRESSION),
    "multilevel": THREE_LEVELS,
    "multilevel predict": THREE_LEVELS.predict(),
    "multilevel ranef": THREE_LEVELS.ranef(),
    "multilevel blup": THREE_LEVELS.blup(),
    "multilevel confint": THREE_LEVELS.confint(),
    "multilevel profile": THREE_LEVELS.profile("study_id", points=3),
    "multilevel heterogeneity": THREE_LEVELS.heterogeneity,
    "multilevel leave_one_out": cb.leave_one_out(THREE_LEVELS),
    "che leave_one_out": cb.leave_one_out(cb.che(DEPENDENT)),
    "multilevel influence": cb.influence(THREE_LEVELS),
    "multilevel rstudent": cb.rstudent(THREE_LEVELS),
    "multilevel rstandard": cb.rstandard(THREE_LEVELS),
    "robust predict": cb.robust(THREE_LEVELS).predict(),
    "likelihood_ratio": cb.likelihood_ratio(
        THREE_LEVELS, cb.multilevel(DEPENDENT, random="estimate_id")
    ),
    "mantel_haenszel": cb.mantel_haenszel(CELLS),
    "peto": cb.peto(CELLS),
    "glmm": cb.glmm(CELLS),
    "beta_binomial": cb.beta_binomial(CELLS),
    "penalised_logistic": cb.penalised_logistic(CELLS),
    "sparse": cb.sparse(CELLS),
    "profile": cb.profile(FIT, points=5),
    "blup": cb.blup(FIT),
    "ranef": cb.ranef(FIT),
    "rstandard": cb.rstandard(FIT),
    "rstudent": cb.rstudent(FIT),
    "leave_one_out": cb.leave_one_out(FIT),
    "cumulative": cb.cumulative(FIT),
    "influence": cb.influence(FIT),
    "baujat": cb.baujat(FIT),
    "subsets": cb.subsets(FIT, limit=50),
    "bootstrap": cb.bootstrap(FIT, n=50),
    "other_rows": cb.other_rows(cb.pool(cb.effects(STUDIES)), studies=STUDIES),
    "multiverse": cb.multiverse(EFFECTS),
    "rounding": cb.rounding(cb.pool(cb.effects(STUDIES)), n=100),
    "subgroups": cb.subgroups(EFFECTS, by="sex"),
    "against_rest": cb.against_rest(STUDIES, where={"headache": ["migraine"]}),
    "dependent_rows": cb.dependent_rows(STUDIES, where={"headache": ["chronic"]}),
    "asymmetry": cb.asymmetry(FIT),
    "rank_test": cb.rank_test(FIT),
    "trim_and_fill": cb.trim_and_fill(FIT),
    "fail_safe_n": cb.fail_safe_n(FIT),
    "pet_peese": cb.pet_peese(FIT),
    "excess_significance": cb.excess_significance(FIT),
    "henmi_copas": cb.henmi_copas(FIT),
    "e_value": cb.e_value(FIT),
    "grim": cb.grim(["5.19", "5.21"], n=28),
    "s_value": cb.s_value(FIT),
    "confounded_meta": cb.confounded_meta(cb.pool(EFFECTS, tau2=0.05), r=0.1, n=100),
    "tipping_point": cb.tipping_point(FIT),
    "tipping_studies": cb.tipping_studies(FIT),
    "burden": cb.burden(FIT, p1=0.2, p2=0.1),
    "people": cb.people(cb.burden(FIT, p1=0.2, p2=0.1)),
    "selection_model": cb.selection_model(FIT, steps=[0.025]),
    "risk_of_bias": cb.risk_of_bias(JUDGED),
    "certainty": cb.certainty(cb.pool(cb.effects(JUDGED)), studies=JUDGED),
}
VIEWS = ("to_frame", "summary", "_repr_html_", "to_dict")
# What each result does not record, because it plays no part in it or stands in a part of it.
NOT_RECORDED = {
    "predict": {"test", "ids"},  # goes with a fit, which has them
    "heterogeneity": {"measure", "test", "ids"},
    "pool_many": {"ids"},  # of as many rows as there may be
    "multilevel heterogeneity": {"measure", "method", "test", "level", "ids", "warnings"},
    "likelihood_ratio": {"test", "level"},
    "covariance": {"method", "test", "level"},  # known before anything is fitted
    "aggregate": {"method", "test", "level"},
    "wild_bootstrap": {"level"},
    "permutation_test": {"level"},
    "baujat": {"test", "level"},
    "baujat of a regression": {"test", "level"},
    "subsets": {"test", "level"},
    "against_rest": {"measure", "method", "test", "level", "ids"},  # of its two fits
    "dependent_rows": {"measure", "method", "test", "level", "ids", "warnings"},  # of its fits
    "rank_test": {"method", "test", "level"},
    "trim_and_fill": {"measure", "method", "test", "level", "ids"},  # of the two fits
    "fail_safe_n": {"test", "level"},
    "pet_peese": {"method", "test", "level", "ids"},  # of the two regressions
    "excess_significance": {"level"},
    "henmi_copas": {"method", "test"},
    "selection_model": {"test"},
    "grim": {"measure", "method", "test", "level", "ids", "warnings"},  # of no studies
    "s_value": {"test"},
    "sparse": {"measure", "method", "test", "level"},  # nothing is pooled
    "people": {"measure", "method", "test", "level", "ids", "warnings"},  # of the burden
    "risk_of_bias": {"measure", "method", "test", "level", "warnings"},  # nothing is computed
}


def arrays(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every array in the fields of a result, and in the fields of those."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays(getattr(value, field.name), f"{path}.{field.name}")


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_cannot_be_changed(name: str) -> None:
    result = RESULTS[name]
    assert dataclasses.is_dataclass(result)
    field = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, field, None)
    assert not hasattr(result, "__dict__")
    # The tables and the kernel's own arrays are inner works of the two.
    inner = (".fits.", ".strata.", ".without.", ".design.", ".solution.")
    writeable = [
        path
        for path, array in arrays(result, "")
        if array.flags.writeable and not path.startswith(inner)
    ]
    assert not writeable


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_has_its_four_views(name: str) -> None:
    result = RESULTS[name]
    assert isinstance(result.to_frame(), pd.DataFrame)
    assert result.summary()
    assert repr(result) == result.summary()
    assert result._repr_html_().startswith("<")
    assert json.loads(json.dumps(result.to_dict())) is not None
    printing = [m for m in dir(result) if m.startswith(("to_", "as_", "print"))]
    assert printing == ["to_dict", "to_frame"]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_records_how_it_was_made(name: str) -> None:
    everything = {"measure", "method", "test", "level", "ids", "warnings"}
    recorded = RESULTS[name].to_dict()
    assert everything - set(recorded) == NOT_RECORDED.get(name, set())
    if "ids" in recorded and name not in ("other_rows", "rounding", "aggregate"):
        assert len(recorded["ids"]) == K
    if "measure" in recorded:
        assert recorded["measure"] == ("PETO" if name == "peto" else "OR")
    if "level" in recorded:
        assert recorded["level"] == 0.95


def test_an_estimate_on_the_printed_scale_reads_well() -> None:
    fit = cb.pool(cb.Effects(yi=[0.0, 0.4], vi=[0.1, 0.1], measure="RR"), test="z")
    # exp(0.2 -+ 1.959964 sqrt(0.05)) with tau2 = 0, as Q = 0.8 is below 1.
    assert repr(fit.on_scale()) == "RR 1.2214 (CI 0.7880 to 1.8932; PI 0.7880 to 1.8932)"


def test_an_end_beyond_the_largest_number_prints_as_infinite() -> None:
    fit = cb.pool(cb.Effects(yi=[0.0, 300.0], vi=[0.1, 0.1], measure="OR"))
    assert "95% CI 0.00 to inf" in fit.summary()
    assert cb.leave_one_out(fit).summary()


@pytest.mark.parametrize("name", ["leave_one_out", "cumulative", "bootstrap", "other_rows"])
def test_refit_tables_have_the_fixed_columns(name: str) -> None:
    columns = RESULTS[name].to_frame().columns.drop("reason", errors="ignore")
    assert columns.tolist() == [
        *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "pi_low", "pi_high"),
        *("tau2", "i2", "h2", "q", "q_p", "k"),
    ]


def test_influence_has_the_fixed_columns() -> None:
    assert RESULTS["influence"].to_frame().columns.tolist() == [
        *("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight", "dfbs"),
        "flagged",
    ]


def test_warnings_of_the_effects_reach_every_analysis() -> None:
    with pytest.warns(cb.DataWarning, match="Study 1"):
        effects = cb.escalc("OR", **{k: [math.nan, *v[1:]] for k, v in CELLS.items()})
    with pytest.warns(cb.DataWarning, match="left out"):
        fit = cb.pool(effects)
    found = effects.warnings[0]
    for result in (
        *(cb.leave_one_out(fit), cb.influence(fit), cb.baujat(fit), cb.rstudent(fit)),
        *(cb.subsets(fit, limit=9), cb.bootstrap(fit, n=50), cb.rank_test(fit), cb.blup(fit)),
        *(cb.asymmetry(fit), cb.trim_and_fill(fit), cb.fail_safe_n(fit), cb.pet_peese(fit)),
        *(cb.excess_significance(fit), cb.henmi_copas(fit), cb.rstandard(fit)),
        cb.selection_model(fit, steps=[0.025]),
    ):
        assert found in result.warnings, type(result)
