"""Inconsistency and ranking against netmeta 3.3.1."""

from __future__ import annotations

import math

import comorbid_treatments as ct
import numpy as np
import pytest
from golden_networks import NAMES, golden, network
from test_golden_networks import CLOSED, METHODS


@pytest.mark.parametrize("name", NAMES)
def test_decomposition(name: str) -> None:
    results = golden(name, "DL")
    split = ct.decompose(network(name))
    tests = (split.total, split.within, split.between)
    for key, position in (("Q", "q"), ("df", "df"), ("pval", "p")):
        found = [getattr(test, position) for test in tests]
        assert found == pytest.approx(results["decomp"]["Q.decomp"][key], abs=CLOSED), key
    for key, test in (("heterogeneity", split.within), ("inconsistency", split.between)):
        assert test.q == pytest.approx(results[f"Q.{key}"], abs=CLOSED)
        assert test.df == results[f"df.Q.{key}"]
        assert test.p == pytest.approx(results[f"pval.Q.{key}"], rel=CLOSED)
    random = results["decomp"]["Q.inc.random"]
    assert math.sqrt(split.tau2_within) == pytest.approx(random["tau.within"], abs=CLOSED)
    assert split.between_random.q == pytest.approx(random["Q"], abs=CLOSED)
    assert split.between_random.df == random["df"]
    assert split.between_random.p == pytest.approx(random["pval"], abs=CLOSED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_node_splits(name: str, method: str) -> None:
    results, (ours, tolerance) = golden(name, method)["netsplit"], METHODS[method]
    table = ct.node_split(ct.fit(network(name), method=ours)).to_frame()
    assert len(results["comparison"]) == len(table)
    for i, comparison in enumerate(results["comparison"]):
        pair = tuple(comparison.split(":"))
        sign = 1 if pair in table.index else -1
        row = table.loc[pair if sign == 1 else pair[::-1]]
        assert row["k"] == results["k"][i]
        for key, column, way in (
            ("prop.random", "proportion", 1),
            ("direct", "direct", sign),
            ("direct.se", "direct_se", 1),
            ("indirect", "indirect", sign),
            ("indirect.se", "indirect_se", 1),
            ("diff", "difference", sign),
            ("z", "statistic", sign),
            ("p", "p_value", 1),
        ):
            expected = np.nan if results[key][i] is None else results[key][i]
            assert way * row[column] == pytest.approx(expected, abs=tolerance, nan_ok=True), (
                comparison,
                key,
            )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_p_scores(name: str, method: str) -> None:
    results, (ours, tolerance) = golden(name, method)["pscore_random"], METHODS[method]
    for model, chosen in (("common", "EE"), ("random", ours)):
        scores = ct.p_scores(ct.fit(network(name), method=chosen))
        assert scores.to_dict() == pytest.approx(results[model], abs=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_sucra_is_the_p_score_but_for_simulation(name: str) -> None:
    """Ruecker and Schwarzer 2015: the expectation of SUCRA is the P-score."""
    fit = ct.fit(network(name), method="DL")
    ranking = ct.sucra(fit, draws=200_000, seed=20)
    scores = ct.p_scores(fit)[list(ranking.treatments)]
    # A rank has a standard deviation below n / 2, SUCRA one below n / 2 / (n - 1).
    np.testing.assert_allclose(ranking.sucra, scores, atol=5 / math.sqrt(200_000))
    np.testing.assert_allclose(ranking.probability.sum(axis=0), 1)
    np.testing.assert_allclose(ranking.probability.sum(axis=1), 1)
