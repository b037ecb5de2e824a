"""Crossed random effects: against matrices of all rows, against metafor, and what is too much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.covariance_result import Covariance
from comorbid.models.dense_blocks import DenseBlocks
from comorbid.models.mixed_equations import Inner, MixedEquations, Term
from comorbid.models.nested_levels import NestedLevels, turned
from comorbid.models.splits import best_split, block_equations, equations

K = 90
SETTINGS: list[dict[str, Any]] = [
    {"random": ["study_id", "item"]},
    {"random": ["study_id / estimate_id", "item"], "formula": "~ dose"},
    {"random": ["study_id", "item", "rater"], "method": "ML"},
    {"random": ["outcome | study_id", "item"], "struct": "UN", "formula": "~ 0 + outcome"},
    {"random": ["outcome | study_id", "outcome | item"], "struct": ["HCS", "CS"]},
]


def simulated(k: int = K, a: int = 12, b: int = 8, seed: int = 4) -> cb.Effects:
    """Seeded: studies a crossed with items b, and raters crossed with both."""
    rng = np.random.default_rng(seed)
    study, item = rng.integers(0, a, k), rng.integers(0, b, k)
    vi = rng.uniform(0.02, 0.2, k)
    yi = 0.4 + rng.normal(0, 0.5, a)[study] + rng.normal(0, 0.4, b)[item]
    yi += rng.normal(0, np.sqrt(vi + 0.05))
    moderators = {
        "item": [f"item {i}" for i in item],
        "rater": rng.integers(0, 5, k).tolist(),
        "outcome": ["xy"[i] for i in rng.integers(0, 2, k)],
        "dose": rng.normal(size=k).tolist(),
    }
    return cb.Effects(yi=yi, vi=vi, studies=[f"S{i}" for i in study], moderators=moderators)


def within_studies(effects: cb.Effects) -> Covariance:
    return cb.covariance(effects, rho=0.6)


def terms_of(rng: np.random.Generator, *sizes: int, q: int = 1) -> list[Term]:
    """Random intercepts, the last with q levels of an inner factor."""
    none = np.zeros(K, dtype=np.intp)
    found = [Term(np.append(np.arange(n), rng.integers(0, n, K - n)), none, 1) for n in sizes]
    return [*found[:-1], replace(found[-1], inner=rng.integers(0, q, K), q=q)]


def points(rng: np.random.Generator, terms: list[Term]) -> list[np.ndarray]:
    """Five G of each term: one 0, and one singular."""
    found = []
    for term in terms:
        root = rng.normal(size=(5, term.q, term.q))
        root[len(found)] = 0.0
        root[4, 1:] = root[4, :1]
        found.append(root @ root.swapaxes(1, 2))
    return found


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("q", [1, 3])
@pytest.mark.parametrize("v", ["independent", "within groups", "anywhere"])
def test_heights_and_slopes_are_those_of_one_matrix(method: Any, q: int, v: str) -> None:
    """To 1e-10, with each term crossed with the others in turn, and all of them with none."""
    rng = np.random.default_rng(6)
    terms = terms_of(rng, 12, K, 8, q=q)
    columns = np.vstack([np.ones(K), rng.normal(size=(2, K))])
    vi = rng.uniform(0.5, 2, K)
    sampling: Any = vi
    if v != "independent":
        groups = terms[0].group if v == "within groups" else rng.integers(0, 30, K)
        effects = cb.Effects(yi=columns[-1], vi=vi, studies=[f"{g}" for g in groups])
        sampling = within_studies(effects)
    matrices = points(rng, terms)
    height, slopes = MixedEquations(DenseBlocks(columns, sampling, terms), 2, (), method).evaluate(
        matrices
    )
    for crossed in [(2,), (0, 2), (0, 1, 2), (1,)]:
        z = [terms[place].columns for place in crossed]
        all_of = np.vstack([columns[:2], *z, columns[2:]])
        within = [term for place, term in enumerate(terms) if place not in crossed]
        inners: list[Inner] = [DenseBlocks(all_of, sampling, within)]
        if v == "independent" and crossed != (1,):
            inners.append(NestedLevels(all_of, vi, [term.group for term in within]))
        if v == "within groups" and crossed != (1,):
            rotated, values = turned(np.vstack([np.ones(K), all_of]), sampling, sampling.together)
            groupings = [term.group for term in within]
            inners.append(NestedLevels(rotated[1:], values, groupings, rotated[0]))
        for inner in inners:
            ours = MixedEquations(inner, 2, [(i, terms[i]) for i in crossed], method)
            ours_height, ours_slopes = ours.evaluate(matrices)
            assert ours_height == pytest.approx(height, rel=1e-10, abs=1e-10)
            assert ours.profile(matrices).height == pytest.approx(height, rel=1e-10, abs=1e-10)
            for mine, theirs in zip(ours_slopes, slopes, strict=True):
                assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("v", [None, within_studies])
@pytest.mark.parametrize("settings", SETTINGS)
def test_all_of_a_fit_is_that_of_one_block(
    settings: dict[str, Any], v: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Estimates, predictions, weights, intervals and tests, with and without crossed terms."""
    effects = simulated()
    given = {"formula": "~ 1", **settings, "V": None if v is None else v(effects)}
    ours = cb.multilevel(effects, given.pop("formula"), **given)
    terms = [term.term for term in ours.model.terms]
    assert best_split(ours.model.together, terms, ours.model.columns.shape, sums=True).crossed
    assert best_split(ours.model.together, terms, ours.model.columns.shape, sums=False).crossed
    found = everything(ours)
    monkeypatch.setattr("comorbid.models.splits._FAST", np.inf)
    theirs = cb.multilevel(effects, ours.formula, **given)
    assert not best_split(ours.model.together, terms, ours.model.columns.shape, sums=True).crossed
    assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-10)
    for name, expected in everything(theirs).items():
        assert found[name] == pytest.approx(expected, rel=1e-6, abs=1e-7, nan_ok=True), name


def everything(fit: cb.Multilevel) -> dict[str, Any]:
    ranef, blup = fit.ranef().to_frame(), fit.blup().to_frame()
    found = {
        "estimate": fit.estimate,
        "vcov": fit.vcov,
        "components": [component.value for component in fit.components],
        "heterogeneity": fit.heterogeneity.i2,
        "ranef": ranef.to_numpy(),
        "blup": blup.to_numpy(),
        "prediction": fit.predict().to_frame().select_dtypes("number").to_numpy(),
    }
    if fit.design.intercept_only:
        found["weights"] = fit.weights
    if len(fit.components) <= 3:
        found["confint"] = fit.confint().to_frame().to_numpy()
    return found


def test_metafor_s_numbers() -> None:
    """Of 500 seeded rows of 40 groups a crossed with 25 of b, by metafor 3.8-1 in R.

    ``rma.mv(yi, vi, random=list(~1|a, ~1|b))``, ``rma.mv(yi, vi, random=list(~1|a/row, ~1|b),
    method="ML")``, and ``rma.mv(yi, V, random=list(~1|a/row, ~1|b))`` with errors within a group
    correlated by 0.6, each with ``control=list(rel.tol=1e-10)``; and ``ranef`` of the last.
    """
    rng = np.random.default_rng(8)
    k = 500
    a, b = rng.integers(0, 40, k), rng.integers(0, 25, k)
    vi = rng.uniform(0.02, 0.2, k)
    yi = 0.4 + rng.normal(0, 0.3, 40)[a] + rng.normal(0, 0.25, 25)[b]
    yi += rng.normal(0, np.sqrt(vi + 0.03))
    columns = {"a": a.tolist(), "b": b.tolist()}
    effects = cb.Effects(yi=yi, vi=vi, moderators=columns)
    v = cb.covariance(effects, cluster="a", rho=0.6)
    fits = [
        cb.multilevel(effects, random=["a", "b"]),
        cb.multilevel(effects, random=["a / estimate_id", "b"], method="ML"),
        cb.multilevel(effects, random=["a / estimate_id", "b"], V=v),
    ]
    expected = [
        ([0.0831934387971, 0.0227479120298], 0.3070842287202, 0.0563462090582, -291.257487790711),
        (
            [0.0788453532174, 0.0375351196740, 0.0212580274424],
            0.3090773384202,
            0.0557631429930,
            -271.7408605413005,
        ),
        (
            [0.0450260266843, 0.0946056291425, 0.0237338446402],
            0.2975924786078,
            0.0584966513349,
            -278.0046749675604,
        ),
    ]
    for fit, (sigma2, mean, se, log_likelihood) in zip(fits, expected, strict=True):
        # nlminb stops up to 3e-5 short of the maximum, where ours is no lower.
        assert fit.sigma2.tolist() == pytest.approx(sigma2, rel=1e-4)
        assert fit.log_likelihood >= log_likelihood - 1e-10
        assert fit.estimate.tolist() == pytest.approx([mean], rel=1e-6)
        assert fit.se.tolist() == pytest.approx([se], rel=1e-5)
        assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-7)
    ranef = fits[2].ranef().to_frame()
    of_a, of_b = (ranef.loc[term].loc[["0", "1"]] for term in ("a", "b"))
    assert of_a["pred"].tolist() == pytest.approx([-0.131852125614, -0.342949024718], rel=1e-5)
    assert of_b["pred"].tolist() == pytest.approx([0.1344517304234, 0.0635286422976], rel=1e-5)
    # metafor's errors of random effects take the coefficients' errors in, as ours do.
    assert of_a["se"].tolist() == pytest.approx([0.157770681229, 0.152925437537], rel=1e-5)
    assert of_b["se"].tolist() == pytest.approx([0.0838662229738, 0.0756512455560], rel=1e-5)


def test_thousands_of_rows_of_two_crossed_factors() -> None:
    """As one block they would be matrices of 1,828 rows, and of more than are allowed."""
    for k in (1828, 4000):
        effects = simulated(k, 100, 50)
        fit = cb.multilevel(effects, random=["study_id", "item"])
        assert fit.sigma2.tolist() == pytest.approx([0.25, 0.16], abs=0.1)
        assert fit.search.gradient < 1e-6
        assert len(fit.ranef().groups) == 150
        assert fit.weights.sum() == pytest.approx(100)
        with pytest.raises(cb.ModelError, match="effects of different clusters"):
            cb.robust(fit)


def test_what_is_too_much_is_said() -> None:
    rng = np.random.default_rng(2)
    k = 9000
    groups = [np.append(np.arange(3500), rng.integers(0, 3500, k - 3500)) for _ in range(2)]
    terms = [Term(rng.permutation(codes), np.zeros(k, dtype=np.intp), 1) for codes in groups]
    columns = np.vstack([np.ones(k), rng.normal(size=k)])
    for make in (equations, block_equations):
        with pytest.raises(cb.ModelError, match=r"have 3,500, 3,500 random effects, crossed"):
            make(columns, np.ones(k), None, terms, "REML")
    nested = [Term(terms[0].group // 1750, terms[0].inner, 1), terms[0]]
    assert block_equations(columns, np.ones(k), None, nested, "REML").slices[0][0] == 0


def test_errors_that_depend_on_each_other_through_others_are_together() -> None:
    effects = cb.Effects(yi=[0.0] * 5, vi=[1.0] * 5, studies=list("BAABC"))
    assert within_studies(effects).together.tolist() == [0, 1, 1, 0, 2]
    v = np.eye(5)
    for i, j in ((4, 2), (2, 0)):
        v[i, j] = v[j, i] = 0.5
    model = cb.multilevel(effects, random="study_id", V=v).model
    assert isinstance(model.v, Covariance)
    assert model.v.together.tolist() == [0, 1, 0, 2, 0]
    assert cb.covariance(effects, cluster="estimate_id", rho=0.5).together.tolist() == list(
        range(5)
    )


def test_errors_many_orders_of_magnitude_apart() -> None:
    """Where differences of products would lose most digits: variances of 1e-6 to 100, and 100."""
    rng = np.random.default_rng(1)
    terms = terms_of(rng, 12, 8)
    vi = 10 ** rng.uniform(-6, 2, K)
    y = rng.normal(0, 10, 12)[terms[0].group] + rng.normal(0, 10, 8)[terms[1].group]
    x = np.vstack([np.ones(K), rng.normal(size=K)])
    y += rng.normal(0, np.sqrt(vi))
    matrices = [np.full((1, 1, 1), 100.0)] * 2
    dense = MixedEquations(DenseBlocks(np.vstack([x, y]), vi, terms), 2, (), "REML")
    all_of = np.vstack([x, terms[1].columns, y])
    ours = MixedEquations(NestedLevels(all_of, vi, [terms[0].group]), 2, [(1, terms[1])], "REML")
    height, slopes = dense.evaluate(matrices)
    found, own = ours.evaluate(matrices)
    assert found == pytest.approx(height, rel=1e-7)
    assert np.ravel(own) == pytest.approx(np.ravel(slopes), rel=1e-7)
