"""Closed forms, an independent solution by dense matrices, and what must not change a result."""

from __future__ import annotations

import itertools
from pathlib import Path

import comorbid_treatments as ct
import numpy as np
import pandas as pd
import pytest
from golden_networks import NAMES, network
from scipy.linalg import block_diag

import comorbid as cb


def contrasts(rows: list[tuple[str, str, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["study", "treat1", "treat2", "yi", "vi"])


def simulated(trials: int, treatments: str, arms: int, seed: int) -> pd.DataFrame:
    """Simulated arms: normal means, trials of 2 to ``arms`` arms."""
    random = np.random.default_rng(seed)
    rows = []
    for trial in range(trials):
        size = int(random.integers(2, arms + 1))
        for name in sorted(random.choice(list(treatments), size, replace=False)):
            n = int(random.integers(20, 200))
            rows.append((f"t{trial}", name, random.normal(), random.uniform(0.8, 2), n))
    return pd.DataFrame(rows, columns=["study", "treatment", "mean", "sd", "n"])


def from_arms(table: pd.DataFrame, **options: str) -> ct.Network:
    return ct.network_from_arms(table, measure="MD", mean="mean", sd="sd", **options)


def dense(net: ct.Network, table: pd.DataFrame, tau2: float) -> tuple[np.ndarray, np.ndarray]:
    """Effects against the reference by generalised least squares with the full covariances.

    Each trial against its first arm; covariance of two contrasts: the variance of that arm's mean
    plus tau2 / 2.
    """
    y, x, v = [], [], []
    for _, arms in table.groupby("study", sort=False):
        variances = (arms["sd"] ** 2 / arms["n"]).to_numpy()
        means, names = arms["mean"].to_numpy(), list(arms["treatment"])
        block = np.full((len(arms) - 1,) * 2, variances[0] + tau2 / 2)
        v.append(block + np.diag(variances[1:] + tau2 / 2))
        for i in range(1, len(arms)):
            row = np.zeros(net.n)
            row[net.position(names[i])] += 1
            row[net.position(names[0])] -= 1
            y.append(means[i] - means[0])
            x.append(row[1:])
    inverse, design = np.linalg.inv(block_diag(*v)), np.array(x)
    covariance = np.linalg.inv(design.T @ inverse @ design)
    return covariance @ design.T @ inverse @ np.array(y), covariance


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("method", ["EE", "DL", "REML"])
def test_independent_rows_are_generalised_least_squares(seed: int, method: str) -> None:
    table = simulated(25, "abcdef", 5, seed)
    net = from_arms(table)
    fit = ct.fit(net, method=method)
    effects, covariance = dense(net, table, fit.tau2)
    np.testing.assert_allclose(fit.estimate[1:, 0], effects, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.se[1:, 0], np.sqrt(np.diag(covariance)), rtol=1e-9)


def test_reml_of_arms_is_that_of_metafor() -> None:
    """The golden 0.1011143 leaves out the covariance within the three-arm trial; this does not.

    R 4.2.2, metafor 3.8-1: twice the tau2 of rma.mv(mi, sdi^2/ni, mods = ~ 0 + study + treatment,
    random = ~ treatment | study, rho = 0), whose optimiser stops within 1e-8.
    """
    assert ct.fit(network("senn2013")).tau2 == pytest.approx(0.0999145482, abs=1e-8)


def test_star_network_is_pairwise_meta_analysis() -> None:
    rows = [
        *(("1", "A", "C", 0.5, 0.04), ("2", "A", "C", 0.9, 0.09), ("3", "A", "C", 0.1, 0.05)),
        *(("4", "B", "C", -0.2, 0.03), ("5", "B", "C", 0.3, 0.06)),
    ]
    fit = ct.fit(ct.network(contrasts(rows), reference="C"), method="EE")
    pairs = ct.pairwise(fit.network, method="EE", test="z").to_frame()
    for name in "AB":
        columns = ["estimate", "se", "ci_low", "ci_high"]
        expected = pairs.loc[f"{name} vs C", columns].astype(float)
        np.testing.assert_allclose(fit.to_frame().loc[name, columns].astype(float), expected)
    indirect = fit.to_frame(against="B").loc["A"]
    assert indirect["se"] == pytest.approx(np.hypot(*pairs["se"]))
    assert np.isnan(ct.decompose(fit.network).between.p)
    assert ct.node_split(fit).tested == 0


def test_consistent_triangle_has_no_inconsistency() -> None:
    rows = [("1", "A", "C", 1.0, 0.04), ("2", "B", "C", 0.4, 0.05), ("3", "A", "B", 0.6, 0.02)]
    net = ct.network(contrasts(rows))
    split = ct.decompose(net)
    assert (split.between.q, split.between.df) == (pytest.approx(0, abs=1e-20), 1)
    table = ct.node_split(ct.fit(net, method="EE")).to_frame()
    np.testing.assert_allclose(table["difference"], 0, atol=1e-12)
    # Closed form: direct variance 0.04, indirect 0.05 + 0.02.
    share = (1 / 0.04) / (1 / 0.04 + 1 / 0.07)
    assert table["proportion"].loc[("C", "A")] == pytest.approx(share)


def test_inconsistency_of_a_triangle_is_bucher_s_test() -> None:
    """Q between designs is the square of Bucher's z (1997, doi:10.1016/S0895-4356(97)00049-8)."""
    rows = [("1", "A", "C", 1.3, 0.04), ("2", "B", "C", 0.4, 0.05), ("3", "A", "B", 0.2, 0.02)]
    net = ct.network(contrasts(rows))
    z = (1.3 - 0.4 - 0.2) / np.sqrt(0.04 + 0.05 + 0.02)
    split = ct.decompose(net)
    assert split.between.q == pytest.approx(z**2)
    table = ct.node_split(ct.fit(net, method="EE")).to_frame()
    np.testing.assert_allclose(np.abs(table["statistic"]), z)
    # Each design detached, nothing is left to disagree.
    assert [test.q for test in split.detached] == pytest.approx([0, 0, 0], abs=1e-12)
    np.testing.assert_allclose(split.heat, np.tile(split.q_between, (3, 1)).T, atol=1e-12)
    assert split.q_between.sum() == pytest.approx(z**2)


@pytest.mark.parametrize("name", NAMES)
def test_detached_designs_are_those_of_a_network_without_them(name: str) -> None:
    """A design with an effect of its own adds nothing between designs: Q of the others alone."""
    net = network(name)
    split = ct.decompose(net)
    assert split.q_between.sum() == pytest.approx(split.between.q, abs=1e-9)
    for design, test in zip(net.designs, split.detached, strict=True):
        kept = tuple(trial for trial in net.trials if trial.arms != design)
        if np.isnan(test.q):
            alone = ct.Network(net.treatments, kept)
            assert len(alone.parts) > 1
            continue
        others = ct.decompose(ct.Network(net.treatments, kept))
        assert test.q == pytest.approx(others.between.q, abs=1e-9)
        assert test.df == others.between.df


def test_contributions_match_the_published_random_walk() -> None:
    """Davies et al 2022, table 4: comparison 1-3 of trials on depression.

    The six digits are in the authors' results (github.com/AnnieDavies/NMA_and_RW,
    Results/RW_results/RW_prop.txt).
    """
    published = {
        ("1", "3"): 0.352581,
        ("1", "6"): 0.0564004,
        ("1", "7"): 0.0132187,
        ("1", "9"): 0.1835,
        ("1", "11"): 0.0172443,
        ("2", "6"): 0.00472538,
        ("2", "8"): 0.00126594,
        ("2", "11"): 0.00599132,
        ("3", "4"): 0.0105626,
        ("3", "5"): 0.0070044,
        ("3", "6"): 0.0265693,
        ("3", "9"): 0.226227,
        ("4", "9"): 0.0105626,
        ("5", "9"): 0.0070044,
        ("6", "7"): 0.00432988,
        ("6", "8"): 0.00126594,
        ("6", "9"): 0.0514052,
        ("6", "11"): 0.011253,
        ("7", "9"): 0.00888886,
        ("7", "10"): 0.0,
    }
    fit = ct.fit(depression(), method="EE")
    # LOR_net.txt, same place: 1 against 3, 6 and 7; 2 against 6.
    for pair, value in {"13": -0.119725, "16": -0.154769, "17": -0.431784, "26": 0.406034}.items():
        i, j = (fit.network.position(name) for name in pair)
        assert fit.estimate[i, j] == pytest.approx(value, abs=1e-6)
    row = ct.contributions(fit).loc[("3", "1")]
    found = {tuple(sorted(pair, key=int)): value for pair, value in row.items()}
    assert found == pytest.approx(published, abs=1e-6)


def depression() -> ct.Network:
    path = Path(__file__).parent / "data" / "depression-ruecker2014.csv"
    table = pd.read_csv(path, dtype={"study": str, "treat1": str, "treat2": str})
    return ct.network(table.assign(vi=table["sei"] ** 2), measure="OR")


def walked(source: int, sink: int, flow: np.ndarray) -> np.ndarray:
    """The shares of all steps, path by path."""
    shares = np.zeros_like(flow)
    paths = [([source], 1.0)]
    while paths:
        path, probability = paths.pop()
        if path[-1] == sink:
            for step in itertools.pairwise(path):
                shares[step] += probability / (len(path) - 1)
            continue
        out = flow[path[-1]]
        paths += [([*path, j], probability * out[j] / out.sum()) for j in np.flatnonzero(out)]
    return shares


def test_contributions_are_those_of_all_paths_one_by_one() -> None:
    fit = ct.fit(network("senn2013"), method="DL")
    net, rows = fit.network, fit.network.rows
    weights = -rows.x.T @ (rows.x / (rows.vi + fit.tau2)[:, None])
    np.fill_diagonal(weights, 0)
    shares = ct.contributions(fit)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    for (name1, name2), row in shares.iterrows():
        i, j = net.position(name1), net.position(name2)
        potential = fit.covariance[:, i] - fit.covariance[:, j]
        flow = weights * (potential[:, None] - potential)
        expected = walked(i, j, np.where(flow > 1e-12, flow, 0))
        for (a, b), value in row.items():
            u, v = net.position(a), net.position(b)
            assert value == pytest.approx(expected[u, v] + expected[v, u], abs=1e-12)


def test_order_of_rows_and_sides_does_not_matter() -> None:
    table = network("franchini2012").to_frame()
    turned = table.rename(columns={"treat1": "treat2", "treat2": "treat1"})
    turned = turned.assign(yi=-table["yi"]).sample(frac=1, random_state=3)
    first, second = (ct.fit(ct.network(t), method="DL") for t in (table, turned))
    np.testing.assert_allclose(first.estimate, second.estimate, atol=1e-12)
    np.testing.assert_allclose(first.se, second.se, atol=1e-12)


@pytest.mark.parametrize("method", ["DL", "REML"])
def test_reference_does_not_matter(method: str) -> None:
    table = network("senn2013").to_frame()
    fits = [ct.fit(ct.network(table, reference=r), method=method) for r in ("placebo", "miglitol")]
    assert fits[0].tau2 == pytest.approx(fits[1].tau2, rel=1e-9)
    columns = ["estimate", "se"]
    first, second = (fit.to_frame(against="metformin")[columns].sort_index() for fit in fits)
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_scaling_the_effects_scales_the_results() -> None:
    table = network("senn2013").to_frame()
    larger = table.assign(yi=10 * table["yi"], vi=100 * table["vi"])
    one, ten = (ct.fit(ct.network(t)) for t in (table, larger))
    assert ten.tau2 == pytest.approx(100 * one.tau2, rel=1e-6)
    np.testing.assert_allclose(ten.estimate, 10 * one.estimate, rtol=1e-6, atol=1e-9)
    assert ten.q == pytest.approx(one.q)


def test_tables_of_a_fit() -> None:
    fit = ct.fit(network("woods2010"), method="DL")
    league = ct.league(fit, order=ct.p_scores(fit).index)
    text = league.to_frame()
    # netmeta 3.3.1: log odds ratio 0.388317, interval -1.314399 to 2.091033.
    assert text.loc["Salmeterol", "SFC"] == "1.47 (0.27 to 8.09)"
    assert league.scale == "log"
    with pytest.raises(cb.ModelError, match="order must hold each treatment once"):
        ct.league(fit, order=["SFC"])
    funnel = ct.funnel(fit, order=["SFC", "Fluticasone", "Salmeterol", "Placebo"])
    assert funnel["adjusted"].abs().max() > 0
    assert (funnel.loc[funnel["k"] == 1, "adjusted"].abs() < 1e-12).all()
    assert set(funnel["treat2"]) == {"Fluticasone", "Salmeterol", "Placebo"}
    for value in (fit, fit.network, ct.decompose(fit.network), ct.node_split(fit), league):
        assert value.summary() == repr(value)
        assert value._repr_html_().startswith("<table")
        assert isinstance(value.to_dict(), dict)


def test_same_seed_same_ranks() -> None:
    fit = ct.fit(network("woods2010"), method="DL")
    one, two, other = (ct.sucra(fit, draws=5000, seed=seed).sucra for seed in (1, 1, 2))
    assert one.tolist() == two.tolist() != other.tolist()
