"""What is wrong with the input is said once, with the rows and the remedy, never as a traceback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import comorbid as cb

YI, VI, LABELS = [0.1, 0.2, 0.5, 0.4, 0.6, 0.1], [0.1, 0.2, 0.3, 0.1, 0.2, 0.1], list("ABCDEF")
EFFECTS = cb.Effects(
    yi=YI,
    vi=VI,
    labels=LABELS,
    moderators={
        "year": [1, 2, 3, 4, 5, 7],
        "twice": [2, 4, 6, 8, 10, 14],
        "same": [1] * 6,
        "sex": list("fmfmfm"),
        "far": [1.0, 2.0, 3.0, math.inf, 5.0, 6.0],
    },
)
FIT = cb.pool(EFFECTS)
REGRESSION = cb.regress(EFFECTS, "~ year + sex")
TABLES = {"ai": [10, 5], "bi": [90, 95], "ci": [4, 2], "di": [96, 98]}
MH = cb.mantel_haenszel(TABLES)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"vi": [0.1, math.inf, 0.0, -0.2, 0.2, 0.1]},
            "3 problems:\n  B: variance inf; a variance must be positive and finite; leave the row "
            "out or set both to nan\n  C: variance 0.0; .*\n  D: variance -0.2; ",
        ),
        ({"yi": [math.inf, -math.inf, *YI[2:]]}, "2 problems:\n  A: effect inf; an effect must be"),
        ({"yi": ["x", *YI[1:]]}, r"yi\[0\] is 'x'; give numbers, and nan or None where one is"),
        ({"vi": [None, "y", *VI[2:]]}, r"vi\[1\] is 'y'; give numbers"),
        ({"yi": 1.0, "vi": 2.0}, r"yi has shape \(\) and vi \(\); both need one value a study"),
    ],
)
def test_effects(values: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        cb.Effects(**{"yi": YI, "vi": VI, "labels": LABELS, **values})


@pytest.mark.parametrize("fit", [cb.pool, lambda x, **more: cb.regress(x, "~ year", **more)])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "FE"}, "method is 'FE'; use one of EE, DL"),
        ({"method": 3}, "method is 3; use one of EE, DL"),
        ({"test": "F"}, "test is 'F'; use one of z, t, knha, adhoc"),
        ({"level": 95}, "level is 95; give a proportion between 0 and 1"),
        ({"level": "95"}, "level is '95'; give a proportion between 0 and 1"),
        ({"level": math.nan}, "level is nan; give a proportion"),
        ({"tau2": "a"}, "tau2 is 'a'; give a finite variance of at least 0"),
        ({"tau2": [0.1, 0.2]}, r"tau2 is \[0.1, 0.2\]; give a finite variance"),
        ({"tau2": math.inf}, "tau2 is inf; give a finite variance"),
    ],
)
def test_settings(fit: Callable[..., Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        fit(EFFECTS, **settings)


@pytest.mark.parametrize("function", [cb.pool, cb.regress])
def test_what_are_no_effects(function: Callable[..., Any]) -> None:
    with pytest.raises(cb.DataError, match=r"effects is of type list; give what escalc\(\), "):
        function([0.1, 0.2])


@pytest.mark.filterwarnings("ignore:left out:comorbid.DataWarning")
def test_no_effect_is_left() -> None:
    empty = cb.Effects(yi=[math.nan] * 2, vi=[0.1, 0.2], labels=["A", "B"])
    with pytest.raises(cb.DataError, match="no effect to pool: every row is missing"):
        cb.pool(empty)
    with pytest.raises(cb.DataError, match=r"no study has an effect .*left out, no effect: A, B"):
        cb.regress(empty, "~ 1")


@pytest.mark.parametrize(
    ("formula", "rows", "error", "message"),
    [
        (
            "~ year + twice + same",
            6,
            cb.ModelError,
            "2 problems:\n  twice is collinear with year: it says nothing that they do not for all "
            "studies; leave one of them out\n  same is the same for all studies; leave it out",
        ),
        ("~ far", 6, cb.DataError, "D: far is inf; formula '~ far' needs a finite number"),
        ("~ year", 1, cb.ModelError, r"2 coefficients \(Intercept 1, year 1\) and 1 study: leave"),
        ("~ year", 2, cb.ModelError, "and 2 studies: nothing is left to estimate tau2 from; leave"),
        (
            "~ yeer + sexx",
            6,
            cb.ModelError,
            "2 problems:\n.*no column or function sexx; did you mean sex.\n.*did you mean year",
        ),
        (None, 6, cb.ModelError, "formula is None; give text"),
    ],
)
def test_formulas(formula: Any, rows: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cb.regress(EFFECTS.take(range(rows)), formula)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"year": 1.0}, "new data: no column sex; give every moderator"),
        ({}, "2 problems:\n  new data: no column year; .*\n  new data: no column sex"),
        (
            {"year": [1.0, 2.0, 3.0], "sex": ["f", "x", "y"]},
            "2 problems:\n  new data, row Row 2: sex is 'x'; the data fitted have f, m\n"
            "  new data, row Row 3: sex is 'y'",
        ),
        ({"year": 1.0, "sex": 3}, "row Row 1: sex is 3; the data fitted have f, m"),
        ({"year": [1.0, math.nan], "sex": "f"}, "row Row 2: a moderator is missing; give its"),
        ({"year": [1.0, math.inf], "sex": "f"}, "Row 2: year is inf; formula .* finite number"),
        ({"year": ["a", 2.0, "3"], "sex": "f"}, "Row 1: year is 'a'; give a number\n.*Row 3: year"),
        ({"year": [], "sex": []}, "new data has no row"),
        ([1, 2], "new data is a list; give a DataFrame, or a mapping"),
        (np.ones((1, 2)), "new data is a ndarray; give a DataFrame"),
        (pd.DataFrame({"year": [1.0]}, index=["new"]), "no column sex"),
    ],
)
def test_predictions_at_new_values(new: Any, message: str) -> None:
    for _ in range(2):
        # Twice, for what was wrong once must not be remembered as a level.
        with pytest.raises(cb.DataError, match=message):
            REGRESSION.predict(new)
    assert np.isfinite(REGRESSION.predict({"year": [2.0], "sex": ["m"]}).estimate).all()


def test_a_mean_alone_needs_no_new_values() -> None:
    mean = cb.regress(EFFECTS, "~ 1")
    assert mean.predict({}).estimate.tolist() == mean.estimate.tolist()


@pytest.mark.parametrize("function", [cb.mantel_haenszel, cb.peto])
@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({**TABLES, "ai": [1, -2]}, "Study 2: ai is -2; it must be 0 or more"),
        ({**TABLES, "ai": [1, math.inf]}, "Study 2: ai is inf"),
        ({**TABLES, "ai": [math.nan] * 2}, "no table to pool: every row misses a count"),
        ({**TABLES, "ai": ["x", 2]}, r"ai\[0\] is 'x'; give numbers"),
        ({**TABLES, "ai": [1]}, "the columns differ in length: ai 1, bi 2, ci 2, di 2"),
        ({"ai": [1], "bi": [1], "ci": [1]}, "needs the columns ai bi ci di, or ai n1i ci n2i"),
        ({"ai": [5], "n1i": [2], "ci": [3], "n2i": [4]}, "Study 1: bi is -3"),
        ({name: [] for name in TABLES}, "no table to pool"),
        ([1, 2], "tables is of type list; give a study table, a DataFrame, or a dict of columns"),
        (None, "tables is of type NoneType; give a study table"),
    ],
)
def test_tables(function: Callable[..., Any], tables: Any, message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        function(tables)
    with pytest.raises(cb.ModelError, match="level is 95; give a proportion"):
        function(TABLES, level=95)


def test_tables_of_zeros_have_no_estimate_and_say_so() -> None:
    for function in (cb.mantel_haenszel, cb.peto):
        found = function({name: [0, 0] for name in TABLES})
        assert math.isnan(found.estimate)
        assert "the tables do not determine the pooled effect" in found.warnings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"repetitions": 0}, "repetitions is 0; use 'exact' or a number of at least 2"),
        ({"repetitions": 10}, "need a seed"),
        ({"repetitions": 10, "seed": "a"}, "seed is 'a'; give a whole number of at least 0"),
        ({"repetitions": 10, "seed": -1}, "seed is -1; give a whole number of at least 0"),
    ],
)
def test_permutation_tests(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        cb.permutation_test(REGRESSION, **settings)


@pytest.mark.parametrize(
    ("fit", "settings", "message"),
    [
        (cb.pool(EFFECTS, method="EE"), {}, "no tau2 to profile"),
        (cb.pool(EFFECTS.take([0])), {}, "no tau2 to profile"),
        (FIT, {"tau2": [0.1, -1.0]}, "give a list of variances from 0 to 1e"),
        (FIT, {"tau2": [math.nan]}, "give a list of variances from 0 to 1e"),
        (FIT, {"tau2": []}, "give a list of variances from 0 to 1e"),
        (FIT, {"tau2": "a"}, "tau2 is 'a'; give numbers"),
        (FIT, {"level": 95}, "level is 95; give a proportion"),
        (FIT, {"points": 1}, "points is 1; give a whole number of at least 2"),
        (
            MH,
            {},
            r"fit is of type MantelHaenszel; give what pool\(\), regress\(\) or multilevel",
        ),
    ],
)
def test_profiles(fit: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises((cb.ModelError, cb.DataError), match=message):
        cb.profile(fit, **settings)


@pytest.mark.parametrize("function", [cb.influence, cb.rstudent, cb.rstandard, cb.blup, cb.ranef])
def test_fits_without_a_between_study_variance(function: Callable[..., Any]) -> None:
    with pytest.raises(cb.DataError, match="fit is of type MantelHaenszel; give what pool"):
        function(MH)


def test_a_regression_has_no_bootstrap() -> None:
    with pytest.raises(
        cb.DataError, match=r"fit is of type Regression; give what pool\(\) returns"
    ):
        cb.bootstrap(REGRESSION)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "XX"}, "method is 'XX'; use one of default"),
        ({"method": "NNF", "draws": "a"}, "draws is 'a'; give a whole number of at least 2"),
        ({"method": "NNF", "seed": -1}, "seed is -1; give a whole number of at least 0"),
        ({"level": 2}, "level is 2; give a proportion"),
    ],
)
def test_prediction_rules(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        FIT.predict(**settings)
