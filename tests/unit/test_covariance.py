from __future__ import annotations

import math
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import comorbid as cb
from comorbid.models.shared_groups import fitted_cases

# A seeded simulation: cases and others at a reference level and three more, and odds ratios that an
# adjustment has moved from those of the counts.
RNG = np.random.default_rng(1992)
CASES, OTHERS = RNG.integers(60, 180, 4).astype(float), RNG.integers(60, 180, 4).astype(float)
RATIOS = np.log(CASES[1:] * OTHERS[0] / (OTHERS[1:] * CASES[0])) + RNG.normal(0, 0.2, 3)
COUNTS = {"ai": CASES[1:], "bi": OTHERS[1:], "ci": CASES[0], "di": OTHERS[0]}


def two(**changes: Any) -> cb.Effects:
    given = {"yi": [0.1, 0.3, 0.6], "vi": [0.04, 0.01, 0.02], "studies": ["A", "A", "B"]}
    return cb.Effects(**(given | changes))


def test_blocks_are_those_of_the_matrix() -> None:
    found = cb.covariance(two(), rho=0.5)
    assert [block.rows.tolist() for block in found.blocks] == [[0, 1]]
    assert_allclose(found.matrix, [[0.04, 0.01, 0], [0.01, 0.01, 0], [0, 0, 0.02]], rtol=1e-12)
    assert np.asarray(found).tolist() == found.matrix.tolist()
    assert found.correlation[0, 1] == 0.5
    rows = np.array([[1, 0], [2, 1]])
    for got, at in zip(found.among(rows), rows, strict=True):
        assert got.tolist() == found.matrix[np.ix_(at, at)].tolist()
    assert "2 of 3 effects depend on others, in 1 block of 2" in found.summary()
    alone = cb.covariance(two(), cluster="label", rho=0.5)
    assert alone.summary().endswith("0 of 3 effects depend on others")


def test_effects_of_different_types_have_their_own_correlation() -> None:
    found = cb.covariance(
        two(studies=["A"] * 3, vi=[1.0] * 3), rho=0.6, type=["x", "y", "x"], rho_type=0.4
    )
    assert found.matrix.tolist() == [[1, 0.4, 0.6], [0.4, 1, 0.4], [0.6, 0.4, 1]]


def test_missing_variances_stay_missing() -> None:
    found = cb.covariance(two(yi=[0.1, math.nan, 0.6], vi=[0.04, math.nan, 0.02]), rho=0.5)
    assert np.isnan(found.matrix[1, 1])
    assert found.to_dict()["vi"][1] is None
    assert found.matrix[0, 0] == 0.04


@pytest.mark.parametrize(
    ("measure", "counts", "covariance"),
    [
        ("OR", {"ci": 10, "di": 90}, 1 / 10 + 1 / 90),
        ("RR", {"ci": 10, "di": 90}, 1 / 10 - 1 / 100),
        ("RD", {"ci": 10, "di": 90}, 0.1 * 0.9 / 100),
        ("IRR", {"x2i": 8}, 1 / 8),
        ("MD", {"sd2i": 3, "n2i": 50}, 9 / 50),
        ("ROM", {"m2i": 6, "sd2i": 3, "n2i": 50}, 0.25 / 50),
        ("GEN", {"variance": 0.1}, 0.1),
    ],
)
def test_a_shared_control_adds_its_own_variance(
    measure: str, counts: dict[str, float], covariance: float
) -> None:
    # Gleser and Olkin (2009): the delta-method variance of the control group's part.
    effects = cb.Effects(yi=[0.1, 0.3], vi=[0.4, 0.5], studies=["A", "A"], measure=measure)
    found = cb.covariance(effects, control=counts)
    assert_allclose(found.matrix, [[0.4, covariance], [covariance, 0.5]], rtol=1e-12)


def test_log_odds_ratios_with_one_control_are_a_sum_of_log_odds() -> None:
    # Their covariance by seeded simulation of the counts.
    rng = np.random.default_rng(1)
    n, draws = 400, 1_000_000
    events = [rng.binomial(n, p, draws) for p in (0.3, 0.4, 0.5)]
    odds = [np.log(x / (n - x)) for x in events]
    simulated = np.cov(odds[1] - odds[0], odds[2] - odds[0])[0, 1]
    effects = cb.Effects(yi=[0.4, 0.8], vi=[0.03, 0.03], studies=["A", "A"], measure="OR")
    found = cb.covariance(effects, control={"ci": 0.3 * n, "di": 0.7 * n}).matrix[0, 1]
    assert_allclose(found, simulated, rtol=0.02)


def test_standardised_differences_share_a_control_and_its_spread() -> None:
    # Gleser and Olkin (2009): 1/n_C + d_i d_j / (2 N), with all 90 people.
    effects = cb.Effects(yi=[0.5, 0.8], vi=[0.1, 0.1], studies=["A", "A"], measure="SMD")
    found = cb.covariance(effects, control={"n1i": [20, 30], "n2i": 40})
    assert_allclose(found.matrix[0, 1], 1 / 40 + 0.5 * 0.8 / 180, rtol=1e-12)


def test_a_missing_difference_leaves_the_others_as_they_are() -> None:
    effects = cb.Effects(yi=[0.5, math.nan, 0.8], vi=[0.1] * 3, studies=["A"] * 3, measure="SMD")
    found = cb.covariance(effects, control={"n1i": [20, 10, 30], "n2i": 40}).matrix
    assert_allclose(found[0, 2], 1 / 40 + 0.5 * 0.8 / 200, rtol=1e-12)
    assert np.isnan(found[0, 1])


def test_adjusted_odds_ratios_against_one_reference_group() -> None:
    # Greenland and Longnecker (1992): the correlation is that of the fitted counts.
    vi = np.array([0.05, 0.06, 0.07])
    effects = cb.Effects(yi=RATIOS, vi=vi, studies=["A"] * 3, measure="OR")
    found = cb.covariance(effects, reference=COUNTS).matrix
    fitted = fitted_cases("OR", CASES, OTHERS, np.append(0.0, RATIOS))
    own = 1 / fitted + 1 / (CASES + OTHERS - fitted)
    whole = np.sqrt((own[1:] + own[0]) / vi)
    assert_allclose(found - np.diag(vi), (own[0] / np.outer(whole, whole)) * (1 - np.eye(3)))


def test_fitted_counts_give_the_adjusted_ratios_and_keep_the_margins() -> None:
    cases, others, ratio = CASES, OTHERS, np.append(0.0, RATIOS)
    fitted = fitted_cases("OR", cases, others, ratio)
    rest = cases + others - fitted
    assert_allclose(np.log(fitted * rest[0] / (rest * fitted[0])), ratio, atol=1e-12)
    assert_allclose(fitted.sum(), cases.sum(), rtol=1e-12)
    for measure, people in (("RR", cases + others), ("IRR", others)):
        fitted = fitted_cases(measure, cases, others, ratio)
        assert_allclose(np.log(fitted / people * people[0] / fitted[0]), ratio, atol=1e-12)
        assert_allclose(fitted.sum(), cases.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    ("measure", "others", "own"),
    [
        ("OR", "bi di", lambda a, b: 1 / a + 1 / b),
        ("RR", "bi di", lambda a, b: 1 / a - 1 / (a + b)),
        ("IRR", "t1i t2i", lambda a, b: 1 / a + 0 * b),
    ],
)
def test_crude_ratios_have_the_covariance_of_their_counts(
    measure: str, others: str, own: Any
) -> None:
    # Where nothing is adjusted, the fitted counts are the counts.
    a, b = np.array([30.0, 74, 90]), np.array([60.0, 93, 96])
    variance = own(a, b)
    at_risk = a + b if measure == "RR" else b
    yi = np.log(a[1:] / at_risk[1:] * at_risk[0] / a[0])
    effects = cb.Effects(yi=yi, vi=variance[1:] + variance[0], studies=["A", "A"], measure=measure)
    first, second = others.split()
    cases = ("x1i", "x2i") if measure == "IRR" else ("ai", "ci")
    counts = {cases[0]: a[1:], first: b[1:], cases[1]: a[0], second: b[0]}
    found = cb.covariance(effects, reference=counts)
    assert_allclose(found.matrix[0, 1], variance[0], rtol=1e-10)


def effects_of_cells(measure: str, cells: np.ndarray) -> np.ndarray:
    """Effects of levels against the last row of (..., levels + 1, 2) cases and others."""
    one, no = cells[..., 0], cells[..., 1]
    if measure == "OR":
        odds = np.log(one / no)
        return np.asarray(odds[..., :-1] - odds[..., -1:])
    risk = one / (one + no)
    risk = np.log(risk) if measure == "RR" else risk
    return np.asarray(risk[..., :-1] - risk[..., -1:])


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_one_group_against_several_by_the_delta_method(measure: str) -> None:
    # J S J' with the covariances S of all cells of one multinomial sample, J by differences.
    cells = np.array([[30.0, 60], [74, 93], [90, 96], [41, 160]])
    n = cells.sum()
    s = np.diag(cells.ravel()) - np.outer(cells, cells) / n
    steps = np.eye(8).reshape(8, 4, 2) * 1e-4
    jacobian = (
        effects_of_cells(measure, cells + steps) - effects_of_cells(measure, cells - steps)
    ).T / 2e-4
    expected = jacobian @ s @ jacobian.T
    effects = cb.Effects(
        yi=effects_of_cells(measure, cells),
        vi=np.diagonal(expected),
        studies=["A"] * 3,
        measure=measure,
    )
    ways = [{"control": {"ci": 41, "di": 160}}]
    if measure != "RD":
        ai, bi = cells[:3].T
        ways.append({"reference": {"ai": ai, "bi": bi, "ci": 41, "di": 160}})
    for way in ways:
        assert_allclose(cb.covariance(effects, **way).matrix, expected, rtol=1e-6)


def test_adjusted_odds_ratios_have_the_correlations_of_a_simulation() -> None:
    # Seeded simulation with known truth: two strata of a confounder, three levels and a reference,
    # odds ratios adjusted by Mantel and Haenszel's method. Greenland and Longnecker's correlations
    # follow from the crude counts and the adjusted ratios alone, and are near the simulated ones.
    rng = np.random.default_rng(1992)
    people = np.array([[300, 200, 150, 100], [100, 150, 200, 250]])
    slope, base = np.log([1.0, 1.3, 1.7, 2.4]), np.array([-1.2, 0.1])
    risk = 1 / (1 + np.exp(-(base[:, None] + slope)))
    cases = rng.binomial(people, risk, (40_000, 2, 4)).astype(float)
    others, both = people - cases, people[:, 1:] + people[:, :1]
    ratios = np.log(
        (cases[:, :, 1:] * others[:, :, :1] / both).sum(axis=1)
        / (others[:, :, 1:] * cases[:, :, :1] / both).sum(axis=1)
    )
    simulated = np.corrcoef(ratios.T)
    a, b = (people * risk).sum(axis=0), (people * (1 - risk)).sum(axis=0)
    effects = cb.Effects(yi=slope[1:], vi=ratios.var(axis=0), studies=["A"] * 3, measure="OR")
    counts = {"ai": a[1:], "bi": b[1:], "ci": a[0], "di": b[0]}
    found = cb.covariance(effects, reference=counts).correlation
    crude = a[1:] * b[0] / (b[1:] * a[0])
    assert (crude > 1.15 * np.exp(slope[1:])).all()
    assert_allclose(found, simulated, atol=0.04)


def test_overlapping_people() -> None:
    # n12 / sqrt(n1 n2): 30 / sqrt(90 * 40) = 0.5
    found = cb.covariance(two(), overlap=[[90, 30, 0], [30, 40, 0], [0, 0, 70]])
    assert_allclose(found.matrix[0], [0.04, 0.01, 0], rtol=1e-12)
    assert [block.rows.tolist() for block in found.blocks] == [[0, 1]]


def test_overlapping_cases_and_controls() -> None:
    # Lin and Sullivan (2009), equation 4, with as many cases as controls: (50 + 0) / 100 for two
    # studies of 50 + 50 people that share their controls alone.
    effects = cb.Effects(yi=[0.1, 0.2], vi=[0.04, 0.04])
    shared = {"cases": [[50, 0], [0, 50]], "controls": [[50, 50], [50, 50]]}
    assert_allclose(cb.covariance(effects, overlap=shared).correlation[0, 1], 0.5, rtol=1e-12)
    # The same by the covariance of log odds ratios with a shared control of 1,000 and a rare
    # exposure: sqrt(n1 n1) / ... is the share of the variance that the controls have.
    unequal = {"cases": [[100, 0], [0, 100]], "controls": [[900, 900], [900, 900]]}
    found = cb.covariance(effects, overlap=unequal).correlation[0, 1]
    assert_allclose(found, (1 / 900) / (1 / 100 + 1 / 900), rtol=1e-12)


def test_rows_of_yoon_bound_the_variance_of_their_reference_group() -> None:
    # Its abstract prints no counts: what the four odds ratios share is below the least variance.
    studies = cb.datasets.headache_back_pain()
    rows = cb.effects(studies, rows="all", overrides=[COUNTED])
    yoon = rows.take([i for i, study in enumerate(rows.studies) if study == "yoon2013"])
    assert yoon.k == 4
    least = yoon.vi.min()
    found = cb.covariance(yoon, control={"variance": 0.9 * least})
    assert_allclose(found.matrix[0, 1:], 0.9 * least)
    with pytest.raises(cb.DataError, match="its own variance is"):
        cb.covariance(yoon, control={"variance": 1.1 * least})


COUNTED = cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible.")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cb.covariance(two()), "nothing says how the effects depend; give one of rho"),
        (
            lambda: cb.covariance(two(), rho=0.5, overlap=np.eye(3)),
            "rho and overlap both say how the effects depend",
        ),
        (lambda: cb.covariance(two(), rho=1), "largest cluster .A. has 2 effects, whose common"),
        (
            lambda: cb.covariance(two(studies=["A"] * 3), rho=-0.5),
            "lies between -0.5 and 1, both excluded",
        ),
        (lambda: cb.covariance(two(), rho=2), "rho is 2; give a number from -1 to 1"),
        (lambda: cb.covariance(two(), rho=0.5, type="x"), "type and rho_type go together"),
        (
            lambda: cb.covariance(two(), rho=0.5, type=["x", "y", "x"], rho_type={("x", "z"): 0.3}),
            "rho_type names 'x' and 'z'; the types are x, y",
        ),
        (
            lambda: cb.covariance(two(), rho=0.5, type=["x", "y", "x"], rho_type={}),
            "rho_type has nothing; give pairs of types",
        ),
        (
            lambda: cb.covariance(two(), rho=0.5, type=["x", "y", "x"], rho_type={"xy": 0.3}),
            "rho_type has 'xy'; give pairs of types, such as",
        ),
        (
            lambda: cb.covariance(two(), rho=0.5, type=["x", "y", "x"], rho_type={("x", "y"): 2}),
            "rho_type\\(x, y\\) is 2; give a number from -1 to 1",
        ),
        (
            lambda: cb.covariance(
                two(), rho=0.5, type=["x", "y", "x"], rho_type={("x", "y"): 0.1, ("y", "x"): 0.2}
            ),
            "rho_type has two correlations of y and x; give one",
        ),
        (
            lambda: cb.covariance(
                two(studies=["A"] * 3), rho=0.5, type=list("xyz"), rho_type={("x", "y"): 0.3}
            ),
            "rho_type has no correlation of x and z; give one",
        ),
        (
            lambda: cb.covariance(two(), cluster=["a", None, ""], rho=0.5),
            "cluster is missing for Study 2, Study 3; give each effect a value of it",
        ),
        (
            lambda: cb.covariance(two(), cluster="x", rho=0.5),
            "cluster: there is no column x; there are",
        ),
        (
            lambda: cb.covariance(two(measure="OR"), control={"ci": [1, 2, 3], "di": 9}),
            r"ci is 1 for Study 1 and 2 for Study 2, which are of one cluster \(A\)",
        ),
        (
            lambda: cb.covariance(two(measure="OR"), control={"ci": 0, "di": 9}),
            "ci is missing, 0 or negative for Study 1, Study 2, Study 3",
        ),
        (
            lambda: cb.covariance(two(measure="OR"), control={"ci": 3}),
            "control has ci; OR needs ci, di",
        ),
        (
            lambda: cb.covariance(two(measure="ZCOR"), control={"ci": 3, "di": 3}),
            "no formula for a shared control group of the measure ZCOR",
        ),
        (
            lambda: cb.covariance(two(), reference=COUNTS),
            "a shared reference group is for OR, RR, IRR, and the measure is GEN",
        ),
        (
            lambda: cb.covariance(
                two(studies=["A"] * 3, vi=[1.0] * 3),
                rho=0.9,
                type=["x", "y", "z"],
                rho_type=-0.9,
            ),
            r"Study 1, Study 2, Study 3 are not positive definite .* 0.555\d times these",
        ),
        (
            lambda: cb.covariance(two(), overlap=[[9, 10, 0], [10, 40, 0], [0, 0, 70]]),
            "share 10 people, and Study 1 has 9",
        ),
        (
            lambda: cb.covariance(two(), overlap=np.diag([1, 0, 2])),
            "overlap has missing, infinite or negative numbers, or nobody on the diagonal, for S",
        ),
        (lambda: cb.covariance(two(), overlap=np.eye(2)), r"overlap has shape \(2, 2\) for 3"),
        (lambda: cb.aggregate(two()), "give one of rho and V"),
        (
            lambda: cb.aggregate(two(), V=cb.covariance(two(), cluster=["a"] * 3, rho=0.5)),
            "V joins Study 1 and Study 3, which become different rows",
        ),
        (
            lambda: cb.aggregate(two(), V=np.eye(3)),
            "diagonal of V is not the variances of Study 1, Study 2, Study 3",
        ),
    ],
)
def test_what_cannot_be_is_said(call: Any, message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=message):
        call()


def test_the_remedy_of_a_matrix_that_is_not_positive_definite_works() -> None:
    effects = two(studies=["A"] * 3, vi=[1.0] * 3)
    kinds = ["x", "y", "z"]
    found = cb.covariance(effects, rho=0.9, type=kinds, rho_type=-0.9 * 0.555)
    assert np.linalg.eigvalsh(found.matrix)[0] < 1e-2
    with pytest.raises(cb.DataError):
        cb.covariance(effects, rho=0.9, type=kinds, rho_type=-0.9 * 0.5565)


def test_a_row_a_study_keeps_what_the_rows_have_in_common() -> None:
    effects = cb.Effects(
        yi=[0.1, 0.3, 0.6, math.nan],
        vi=[0.04, 0.01, 0.02, math.nan],
        studies=["B", "B", "A", "A"],
        measure="OR",
        moderators={"year": [1990, 1992, 2000, 2001], "sex": ["f", "m", "f", "f"]},
    )
    found = cb.aggregate(effects, rho=0.5)
    assert (found.labels, found.measure, found.scale) == (("B", "A"), "OR", "log")
    assert found.moderators["year"] == (1991.0, 2000.0)
    assert found.moderators["sex"] == (None, "f")
    assert found.warnings == ("left out, no effect: Study 4",)
    assert_allclose(found.vi[1], 0.02)


def test_moderators_missing_in_some_rows_are_those_of_the_others() -> None:
    # As metafor's aggregate, whose default is na.rm = TRUE for other variables as well.
    effects = cb.Effects(
        yi=[0.1, 0.3, 0.6, 0.2],
        vi=[0.04, 0.01, 0.02, 0.1],
        studies=["A", "A", "B", "B"],
        moderators={"year": [1990, None, None, math.nan], "sex": ["f", None, None, None]},
    )
    found = cb.aggregate(effects, rho=0.5)
    assert found.moderators["year"][0] == 1990
    assert math.isnan(found.moderators["year"][1])
    assert found.moderators["sex"] == ("f", None)


def test_a_mean_outside_the_range_of_its_own_effects_is_said() -> None:
    # Weights of (v2 - c, v1 - c) with c = 0.9 sqrt(v1 v2) = 0.09: (0.91, -0.08) / 0.83.
    effects = cb.Effects(yi=[1.0, 2.0, 3.0], vi=[0.01, 1.0, 1.0], studies=["A", "A", "B"])
    found = cb.aggregate(effects, rho=0.9)
    assert_allclose(found.yi[0], (0.91 * 1 - 0.08 * 2) / 0.83, rtol=1e-12)
    assert "outside the range of its own effects" in found.warnings[0]
    assert found.warnings[0].split(": ")[1].startswith("A; ")
    assert cb.aggregate(effects, rho=0.9, weights="equal").warnings == ()
    assert cb.aggregate(effects, rho=0.05).warnings == ()
    # Equal effects have their own value as mean, whatever rounding does.
    same = cb.Effects(yi=[0.3, 0.3, 0.3], vi=[0.1, 0.2, 0.3], studies=["A"] * 3)
    assert cb.aggregate(same, rho=0.5).warnings == ()


def test_aggregating_loses_nothing_of_an_equal_effects_mean() -> None:
    # With effects of one study equal in truth, two steps are one: generalised least squares.
    rng = np.random.default_rng(3)
    k = 60
    effects = cb.Effects(
        yi=rng.normal(size=k), vi=rng.uniform(0.1, 1, k), studies=rng.integers(0, 12, k).tolist()
    )
    v = cb.covariance(effects, rho=0.4)
    pooled = cb.pool(cb.aggregate(effects, V=v), method="EE", test="z")
    w = np.linalg.inv(v.matrix)
    assert_allclose(pooled.estimate, (w @ effects.yi).sum() / w.sum(), rtol=1e-10)
    assert_allclose(pooled.se, w.sum() ** -0.5, rtol=1e-10)


def dependent(studies: int) -> cb.Effects:
    rng = np.random.default_rng(7)
    study = np.repeat(np.arange(studies), 3)
    k = study.size
    yi = rng.normal(size=studies)[study] * 0.3 + rng.normal(size=k) * 0.3
    return cb.Effects(yi=yi, vi=rng.uniform(0.02, 0.2, k), studies=study.tolist())


def test_a_model_with_blocks_is_that_with_their_matrix() -> None:
    effects = dependent(12)
    gaps = cb.Effects(
        yi=[math.nan, *effects.yi[1:]], vi=[math.nan, *effects.vi[1:]], studies=effects.studies
    )
    for data in (effects, gaps):
        v = cb.covariance(data, rho=0.5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cb.DataWarning)
            ours, theirs = (cb.multilevel(data, V=given) for given in (v, v.matrix))
        assert_allclose(ours.sigma2, theirs.sigma2, rtol=1e-9)
        assert_allclose(ours.vcov, theirs.vcov, rtol=1e-9)


def test_models_are_compared_by_their_covariances_however_given() -> None:
    effects = dependent(12)
    v = cb.covariance(effects, rho=0.5)
    full, reduced = (
        cb.multilevel(effects, V=v),
        cb.multilevel(effects, random="study_id", V=v.matrix),
    )
    assert cb.likelihood_ratio(full, reduced).to_dict()
    other = cb.multilevel(effects, random="study_id", V=cb.covariance(effects, rho=0.4))
    with pytest.raises(cb.ModelError, match="different sampling covariances"):
        cb.likelihood_ratio(full, other)


def test_covariances_of_other_effects_are_refused() -> None:
    v = cb.covariance(dependent(12), rho=0.5)
    for call in (cb.multilevel, cb.aggregate):
        with pytest.raises(cb.DataError, match="V is of other effects"):
            call(dependent(13), V=v)


def test_no_matrix_of_all_pairs_is_formed() -> None:
    # One of 2,400 rows takes 46 MB.
    effects = dependent(800)
    tracemalloc.start()
    try:
        cb.che(effects, rho=0.6)
        cb.aggregate(effects, rho=0.6)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6
