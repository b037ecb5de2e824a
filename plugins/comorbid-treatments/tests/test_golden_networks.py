"""Network estimates against netmeta 3.3.1, from contrasts and from arms."""

from __future__ import annotations

import comorbid_treatments as ct
import numpy as np
import pytest
from golden_networks import NAMES, arms, golden, network

CLOSED, ITERATED = 1e-9, 1e-6
KEYS = {
    "TE": "estimate",
    "seTE": "se",
    "lower": "ci_low",
    "upper": "ci_high",
    "pval": "p_value",
}
# netmeta stops its search of the restricted likelihood a little above 0.
METHODS = {"DL": ("DL", CLOSED), "REML": ("REML-separate", ITERATED)}


def matrix(results: dict, key: str) -> np.ndarray:
    """A golden matrix with rows and columns in the order of the network's treatments."""
    return np.array([[np.nan if x is None else x for x in row] for row in results[key]])


def in_golden_order(fit: ct.NetworkFit, name: str, results: dict) -> np.ndarray:
    order = [fit.network.position(treatment) for treatment in results["trts"]]
    return np.asarray(getattr(fit, name))[np.ix_(order, order)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_effect_matrices(name: str, method: str) -> None:
    results, (ours, tolerance) = golden(name, method), METHODS[method]
    for model, fit in {
        "common": ct.fit(network(name), method="EE"),
        "random": ct.fit(network(name), method=ours),
    }.items():
        for key, attribute in KEYS.items():
            found = in_golden_order(fit, attribute, results)
            expected = matrix(results, f"{key}.{model}")
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=key)
    for key, attribute in {"lower.predict": "pi_low", "upper.predict": "pi_high"}.items():
        found = in_golden_order(fit, attribute, results)
        np.testing.assert_allclose(found, matrix(results, key), rtol=0, atol=tolerance)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_heterogeneity(name: str, method: str) -> None:
    results, (ours, tolerance) = golden(name, method), METHODS[method]
    fit = ct.fit(network(name), method=ours)
    assert fit.tau2 == pytest.approx(results["tau2"], abs=tolerance)
    assert fit.q == pytest.approx(results["Q"], rel=CLOSED)
    assert fit.q_df == results["df.Q"]
    assert fit.q_p == pytest.approx(results["pval.Q"], rel=CLOSED)
    assert fit.i2 == pytest.approx(100 * results["I2"], abs=CLOSED)
    ends = [100 * results["lower.I2"], 100 * results["upper.I2"]]
    assert list(fit.i2_ci) == pytest.approx(ends, abs=1e-7)
    counts = (fit.network.k, len(fit.network.to_frame()), fit.network.n, len(fit.network.designs))
    assert counts == tuple(results[key] for key in "kmnd")


@pytest.mark.parametrize("name", NAMES)
def test_arms_give_the_contrasts(name: str) -> None:
    columns = {
        "senn2013": {"mean": "mi", "sd": "sdi", "n": "ni"},
        "franchini2012": {"mean": "mi", "sd": "sdi", "n": "ni"},
        "woods2010": {"study": "author", "events": "r", "n": "N"},
    }[name]
    net = ct.network_from_arms(
        arms(name),
        measure="OR" if name == "woods2010" else "MD",
        reference=network(name).reference,
        **columns,
    )
    key = ["study", "treat1", "treat2"]
    found, expected = (n.to_frame().sort_values(key) for n in (net, network(name)))
    assert found[key].to_numpy().tolist() == expected[key].to_numpy().tolist()
    np.testing.assert_allclose(found[["yi", "vi"]], expected[["yi", "vi"]], rtol=0, atol=1e-12)
