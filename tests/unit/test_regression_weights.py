"""Regressions with weights of the analyst or a fixed tau2.

Comparisons with R: tests/golden/test_weighted_regressions.py.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.generalised import _solved
from comorbid.models.kernel import fit_designs
from comorbid.models.permutation import permutation_test
from comorbid.models.settings import find_estimator

# The first eight studies of the meta-analysis of Raudenbush (1984) on teachers' expectations.
YI = [0.03, 0.12, -0.14, 1.18, 0.26, -0.06, -0.02, -0.32]
VI = [0.0156, 0.0216, 0.0279, 0.1391, 0.1362, 0.0106, 0.0106, 0.0484]
WEIGHTS = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
EFFECTS = cb.Effects(
    yi=YI,
    vi=VI,
    labels=list("ABCDEFGH"),
    moderators={
        "weeks": [2.0, 21.0, 19.0, 0.0, 0.0, 3.0, 17.0, 24.0],
        "tester": ["aware", "aware", "aware", "aware", "blind", "aware", "blind", "aware"],
        "lab": ["x", "x", "y", "y", "z", "z", "w", "w"],
    },
)


@pytest.mark.parametrize("test", ["z", "knha"])
@pytest.mark.parametrize("method", ["DL", "REML", "EE", "GENQ"])
def test_coefficients_and_sandwich_by_matrices(method: str, test: Any) -> None:
    """(X'AX)^-1 X'A y with the sandwich of A and V + tau2 I; knha multiplies it by that of W."""
    found = cb.regress(EFFECTS, "~ weeks + tester", method=method, test=test, weights=WEIGHTS)
    x, a = found.design.x, np.diag(WEIGHTS)
    tau2 = found.tau2
    m = np.diag(np.array(VI) + tau2)
    bread = np.linalg.inv(x.T @ a @ x)
    assert found.estimate == pytest.approx(bread @ x.T @ a @ np.array(YI), rel=1e-12)
    sandwich = bread @ x.T @ a @ m @ a @ x @ bread
    w = np.linalg.inv(m)
    rest = np.array(YI) - x @ np.linalg.solve(x.T @ w @ x, x.T @ w @ np.array(YI))
    factor = rest @ w @ rest / 5 if test == "knha" else 1.0
    assert found.vcov == pytest.approx(factor * sandwich, rel=1e-10)
    assert found.user_weights is not None
    assert found.user_weights.tolist() == WEIGHTS
    assert found.to_dict()["user_weights"] == WEIGHTS
    assert "weights of the analyst" in found.summary()


def test_weights_of_the_model_change_nothing() -> None:
    own = cb.regress(EFFECTS, "~ weeks", method="DL")
    same = cb.regress(EFFECTS, "~ weeks", method="DL", weights=1 / (np.array(VI) + own.tau2))
    assert same.estimate == pytest.approx(own.estimate, rel=1e-12)
    assert same.vcov == pytest.approx(own.vcov, rel=1e-10)
    assert same.log_likelihood == pytest.approx(own.log_likelihood, rel=1e-12)


@pytest.mark.parametrize(("power", "method"), [(1, "DL"), (0, "HE")])
def test_generalised_q_has_special_cases(power: int, method: str) -> None:
    """DerSimonian and Kacker 2007, doi:10.1016/j.cct.2006.04.004, here with moderators."""
    general = cb.regress(
        EFFECTS, "~ weeks + tester", method="GENQ", weights=np.array(VI) ** -float(power)
    )
    special = cb.regress(EFFECTS, "~ weeks + tester", method=method)
    assert special.tau2 > 0
    assert general.tau2 == pytest.approx(special.tau2, rel=1e-12)
    assert general.se_tau2 == pytest.approx(special.se_tau2, rel=1e-12)
    for interval in ("QP", "GENQ"):
        assert general.tau2_ci(interval) == pytest.approx(special.tau2_ci(interval), rel=1e-9)


def test_a_study_of_weight_0_counts_for_tau2_alone() -> None:
    weights = [1.0, 2.0, 0.0, 1.0, 3.0, 1.0, 2.0, 1.0]
    found = cb.regress(EFFECTS, "~ weeks", method="DL", test="z", weights=weights)
    assert found.tau2 == cb.regress(EFFECTS, "~ weeks", method="DL").tau2
    rows = [0, 1, 3, 4, 5, 6, 7]
    rest = cb.regress(
        EFFECTS.take(rows),
        "~ weeks",
        method="DL",
        test="z",
        tau2=found.tau2,
        weights=np.array(weights)[rows],
    )
    assert found.estimate == pytest.approx(rest.estimate, rel=1e-12)
    assert found.vcov == pytest.approx(rest.vcov, rel=1e-12)
    assert cb.influence(found).hat[2] == 0


def test_adjusted_r2_of_the_equal_effects_model() -> None:
    """By hand: residual sums of squares with the weights, per degree of freedom left."""
    weights = np.array([0.0, *WEIGHTS[1:]])
    found = cb.regress(EFFECTS, "~ weeks + tester", method="EE", weights=weights)
    y, x, a = np.array(YI), found.design.x, weights
    rest = y - x @ found.estimate
    centred = y - (a * y).sum() / a.sum()
    expected = 1 - ((a * rest**2).sum() / 4) / ((a * centred**2).sum() / 6)
    assert found.r2 == pytest.approx(100 * max(0.0, expected))


def test_tau2_may_be_fixed() -> None:
    found = cb.regress(EFFECTS, "~ weeks", test="z", tau2=0.05)
    variance = np.array(VI) + 0.05
    x = found.design.x / np.sqrt(variance)[:, None]
    expected = np.linalg.lstsq(x, np.array(YI) / np.sqrt(variance), rcond=None)[0]
    assert found.estimate == pytest.approx(expected, rel=1e-12)
    assert found.tau2 == 0.05
    assert math.isnan(found.r2)
    assert math.isnan(found.se_tau2)
    assert found.aic == pytest.approx(-2 * found.log_likelihood + 2 * 2)
    assert found.to_dict()["tau2_fixed"] == 0.05
    assert "tau^2 fixed by the analyst" in found.summary()
    with pytest.raises(cb.ModelError, match="fixed, not estimated"):
        found.tau2_ci()
    rows = cb.leave_one_out(found).fits
    assert (rows.tau2 == 0.05).all()


def test_as_many_coefficients_as_studies_with_a_fixed_tau2() -> None:
    """R 4.2.2, metafor 3.8-1: rma(c(.1,.5,.9), c(.1,.2,.1), mods=~x+z, tau2=0.3)."""
    effects = cb.Effects(
        yi=[0.1, 0.5, 0.9], vi=[0.1, 0.2, 0.1], moderators={"x": [1, 2, 4], "z": [1, 0, 1]}
    )
    found = cb.regress(effects, "~ x + z", tau2=0.3)
    assert found.estimate == pytest.approx([-0.0333333333333, 0.2666666666667, -0.1333333333333])
    assert found.se == pytest.approx([0.9249625, 0.2981424, 0.8498366], rel=1e-6)
    assert math.isnan(found.i2)


def test_one_study_with_a_fixed_tau2() -> None:
    """R 4.2.2, metafor 3.8-1: rma(0.5, 0.04, tau2=0.1) has the standard error 0.3741657."""
    one = cb.Effects(yi=[0.5], vi=[0.04])
    fit = cb.pool(one, tau2=0.1)
    assert (fit.tau2, fit.se) == (0.1, pytest.approx(0.3741657, rel=1e-6))
    assert "is that of the fixed tau2" in fit.warnings[0]
    assert cb.regress(one, "~ 1", tau2=0.1).se[0] == fit.se
    first = cb.cumulative(cb.pool(EFFECTS, tau2=0.1)).batch
    assert first.se[0] == pytest.approx(math.sqrt(VI[0] + 0.1))


def test_weights_go_with_the_rows_that_are_used() -> None:
    holes = cb.Effects(
        yi=YI,
        vi=VI,
        labels=list("ABCDEFGH"),
        moderators={"weeks": [math.nan, *EFFECTS.moderators["weeks"][1:]]},
    )
    weights = [math.nan, *WEIGHTS[1:]]
    with pytest.warns(cb.DataWarning, match="left out, a moderator is missing: A"):
        found = cb.regress(holes, "~ weeks", weights=weights)
    rest = cb.regress(EFFECTS.take(range(1, 8)), "~ weeks", weights=WEIGHTS[1:])
    assert found.estimate.tolist() == rest.estimate.tolist()
    assert found.user_weights is not None
    assert found.user_weights.tolist() == WEIGHTS[1:]


@pytest.mark.parametrize("method", ["DL", "GENQ", "fixed"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_leave_one_out_is_the_fit_of_the_others(method: str, test: Any) -> None:
    settings: dict[str, Any] = {"method": method, "test": test}
    if method == "fixed":
        settings = {"tau2": 0.02, "test": test}
    found = cb.regress(EFFECTS, "~ weeks", weights=WEIGHTS, **settings)
    table = cb.leave_one_out(found).to_frame()
    for i in range(8):
        rows = [j for j in range(8) if j != i]
        weights = [WEIGHTS[j] for j in rows]
        alone = cb.regress(EFFECTS.take(rows), "~ weeks", weights=weights, **settings)
        for j, name in enumerate(found.names):
            for column in ("estimate", "se", "statistic", "p_value", "ci_low", "ci_high"):
                value = table[f"{column}_{name}"].iloc[i]
                assert value == pytest.approx(getattr(alone, column)[j], rel=1e-9)
        for column in ("tau2", "i2", "h2", "qe", "qe_p", "k"):
            assert table[column].iloc[i] == pytest.approx(getattr(alone, column), rel=1e-9)


def test_refits_of_clusters_and_cumulative_ones() -> None:
    found = cb.regress(EFFECTS, "~ weeks", method="DL", weights=WEIGHTS)
    by_lab = cb.leave_one_out(found, by="lab")
    assert by_lab.labels == ("x", "y", "z", "w")
    assert by_lab.to_frame()["k"].tolist() == [6] * 4
    alone = cb.regress(EFFECTS.take(range(2, 8)), "~ weeks", method="DL", weights=WEIGHTS[2:])
    assert by_lab.fits.coefficients[:, 0] == pytest.approx(alone.estimate)
    added = cb.cumulative(found, by="weeks")
    assert added.labels[0] in ("D", "E")
    assert added.fits.coefficients[:, -1] == pytest.approx(found.estimate)
    reasons = added.to_frame()["reason"].tolist()
    assert reasons[:3] == [
        "its studies, or their weights, cannot tell the coefficients apart",
        "its studies, or their weights, cannot tell the coefficients apart",
        "",
    ]
    assert np.isnan(added.to_frame()["estimate_weeks"].iloc[0])
    assert "Note: D: its studies" in added.summary()
    with pytest.raises(cb.ModelError, match="of a pooled effect"):
        cb.figures.cumulative_forest(added)  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="of a pooled effect"):
        cb.figures.leave_one_out(by_lab, fit=cb.pool(EFFECTS))  # type: ignore[arg-type]
    values = added.to_dict()
    assert values["formula"] == "~ weeks"
    assert len(values["estimate"]) == 2
    assert values["k"] == list(range(1, 9))
    assert "<table" in added._repr_html_()


def test_subsets_of_a_regression_are_the_fits_of_the_parts() -> None:
    found = cb.regress(EFFECTS, "~ weeks", method="DL", weights=WEIGHTS)
    result = cb.subsets(found)
    assert result.estimate.shape == (2, 255)
    for row in (40, 254):
        rows = np.flatnonzero(result.members()[:, row])
        part = cb.regress(
            EFFECTS.take(rows), "~ weeks", method="DL", weights=np.array(WEIGHTS)[rows]
        )
        assert result.estimate[:, row] == pytest.approx(part.estimate)
        assert result.tau2[row] == pytest.approx(part.tau2)
        assert (result.q[row], result.k[row]) == (pytest.approx(part.qe), part.k)
    alone = result.k == 1
    assert np.isnan(result.estimate[:, alone]).all()
    columns = ["estimate_Intercept", "estimate_weeks", "i2", "tau2", "q", "k"]
    assert result.to_frame().columns.tolist() == columns
    assert len(result.to_dict()["estimate_weeks"]) == 7
    assert "refits gave no estimate" in result.summary()
    with pytest.raises(cb.ModelError, match="of a pooled effect"):
        cb.figures.gosh(result)


def test_as_many_studies_as_coefficients_are_left() -> None:
    three = cb.regress(EFFECTS.take([0, 1, 2]), "~ weeks", method="DL")
    reasons = cb.leave_one_out(three).reasons
    assert set(reasons) == {"as many studies as coefficients are left: there is no tau2"}
    assert np.isfinite(cb.leave_one_out(three).fits.se).all()
    pull = cb.influence(three)
    assert np.isnan(pull.rstudent).all()
    assert np.isfinite(pull.cook_d).all()
    equal = cb.regress(EFFECTS.take([0, 1, 2]), "~ weeks", method="EE", test="z")
    assert set(cb.leave_one_out(equal).reasons) == {""}


def test_exact_permutation_test_deals_weights_with_their_studies() -> None:
    effects, weights = EFFECTS.take(range(5)), np.array(WEIGHTS[:5])
    found = cb.regress(effects, "~ weeks", method="DL", test="z", weights=weights)
    x = found.design.x
    reached = np.zeros(2)
    orders = list(itertools.permutations(range(5)))
    for order in orders:
        one = fit_designs(
            effects.yi[:, None],
            effects.vi[:, None],
            x[list(order)],
            estimator=find_estimator("DL"),
            test="z",
            level=0.95,
            weights=weights[:, None],
        )
        reached += np.abs(one.statistic[:, 0]) >= np.abs(found.statistic) - 1e-8
    assert permutation_test(found).p_value == pytest.approx(reached / len(orders))
    flips = cb.regress(effects, "~ 1", method="DL", test="z", weights=weights)
    signs = np.array(list(itertools.product([1, -1], repeat=5)))
    z = [
        cb.pool(
            cb.Effects(yi=sign * effects.yi, vi=effects.vi), method="DL", test="z", weights=weights
        ).statistic
        for sign in signs
    ]
    share = np.mean(np.abs(z) >= abs(flips.statistic[0]) - 1e-8)
    assert permutation_test(flips).p_value[0] == pytest.approx(share)


def test_permutations_without_coefficients_are_an_error() -> None:
    effects = cb.Effects(yi=YI[:5], vi=VI[:5], moderators={"group": ["a", "a", "a", "b", "b"]})
    found = cb.regress(effects, "~ group", method="DL", weights=[1, 0, 0, 1, 0])
    with pytest.raises(cb.ModelError, match="weights of 0 leave some arrangements"):
        permutation_test(found)


def test_a_pooled_effect_has_no_moderators_to_permute() -> None:
    with pytest.raises(cb.DataError, match=r"regression is of type Fit; give what regress\(\)"):
        permutation_test(cb.pool(EFFECTS))  # type: ignore[arg-type]


def test_influence_with_weights_is_what_refits_say() -> None:
    found = cb.regress(EFFECTS, "~ weeks", method="DL", test="knha", weights=WEIGHTS)
    pull = cb.influence(found)
    x, a = found.design.x, np.diag(WEIGHTS)
    bread = np.linalg.inv(x.T @ a @ x)
    for i in (0, 3):
        rows = [j for j in range(8) if j != i]
        weights = [WEIGHTS[j] for j in rows]
        rest = cb.regress(EFFECTS.take(rows), "~ weeks", method="DL", test="knha", weights=weights)
        moved = found.estimate - rest.estimate
        m = np.diag(np.array(VI) + rest.tau2)
        spread = rest.s2 * bread @ x.T @ a @ m @ a @ x @ bread
        assert pull.dfbs[:, i] == pytest.approx(moved / np.sqrt(np.diag(spread)))
        assert pull.dffits[i] == pytest.approx(x[i] @ moved / math.sqrt(x[i] @ spread @ x[i]))
        assert pull.cook_d[i] == pytest.approx(moved @ np.linalg.inv(found.vcov) @ moved)
        assert pull.cov_r[i] == pytest.approx(np.linalg.det(rest.vcov) / np.linalg.det(found.vcov))


def test_a_pooled_effect_and_a_regression_have_one_influence() -> None:
    for weights in (None, WEIGHTS):
        one = cb.influence(cb.pool(EFFECTS, weights=weights))
        other = cb.influence(cb.regress(EFFECTS, "~ 1", weights=weights))
        assert other.names == ("Intercept",)
        assert other.dfbs[0] == pytest.approx(one.dfbs, rel=1e-9)
        for name in ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)
        assert list(one.to_frame().columns[-2:]) == ["dfbs", "flagged"]
        assert list(other.to_frame().columns[-2:]) == ["dfbs_Intercept", "flagged"]
        assert "names" not in one.to_dict()
        assert other.to_dict()["names"] == ["Intercept"]
        with pytest.raises(cb.ModelError, match="of a pooled effect"):
            cb.figures.influence_plot(other)


def test_profile_of_a_regression() -> None:
    found = cb.regress(EFFECTS, "~ weeks", test="z")
    curve = cb.profile(found, points=5)
    assert curve.best == pytest.approx(found.tau2, rel=1e-9)
    assert curve.maximum == pytest.approx(found.log_likelihood, rel=1e-12)
    fixed = cb.regress(EFFECTS, "~ weeks", test="z", tau2=float(curve.tau2[3]))
    assert curve.estimate[:, 3] == pytest.approx(fixed.estimate, rel=1e-9)
    assert curve.ci_high[:, 3] == pytest.approx(fixed.ci_high, rel=1e-9)
    assert curve.log_likelihood[3] == pytest.approx(fixed.reml.log_likelihood, rel=1e-12)
    low, high = found.tau2_ci("PL")
    ends = cb.profile(found, tau2=[low, high]).log_likelihood
    assert ends[1] == pytest.approx(curve.cut, rel=1e-9)
    figure = cb.figures.profile(found)
    highest = f"{found.log_likelihood:.2f}".replace("-", "−")
    assert f"log-likelihood is highest, {highest}," in " ".join(figure.alt.split())
    assert figure.alt.startswith("Profile of the residual between-study variance of 8 studies")
    columns = curve.to_frame().columns
    assert list(columns[:4]) == ["tau2", "log_likelihood", "estimate_Intercept", "se_Intercept"]
    assert curve.to_dict()["names"] == ["Intercept", "weeks"]


def test_baujat_of_a_regression_is_about_fitted_values() -> None:
    figure = cb.figures.baujat_plot(cb.baujat(cb.regress(EFFECTS, "~ weeks")))
    assert "influence on the effect fitted to it, from" in " ".join(figure.alt.split())


def test_predictions_for_the_studies_of_a_regression() -> None:
    found = cb.regress(EFFECTS, "~ weeks")
    expected = found.design.x @ found.estimate
    share = found.tau2 / (found.tau2 + np.array(VI))
    assert cb.blup(found).pred == pytest.approx(share * YI + (1 - share) * expected)
    assert cb.ranef(found).pred == pytest.approx(share * (np.array(YI) - expected))
    spread = np.einsum("ij,jk,ik->i", found.design.x, found.vcov, found.design.x)
    variance = share * VI + (1 - share) ** 2 * spread
    assert cb.blup(found).se == pytest.approx(np.sqrt(variance))
    with pytest.raises(cb.ModelError, match="fit without weights"):
        cb.ranef(cb.regress(EFFECTS, "~ weeks", weights=WEIGHTS))


def test_residuals_of_a_study_that_alone_makes_a_coefficient() -> None:
    alone = cb.Effects(yi=YI, vi=VI, moderators={"group": list("aaaabbbc")})
    z = cb.rstandard(cb.regress(alone, "~ group", method="DL")).z
    assert np.isnan(z).tolist() == [False] * 7 + [True]


def test_elimination_stays_on_one_branch_of_the_logarithm() -> None:
    """Against the sum of logs of eigenvalues, which lie in the lower half of the plane too."""
    rng = np.random.default_rng(4)
    q = np.linalg.qr(rng.normal(size=(12, 5)))[0].T
    factor = 1 + 2 * (0.1 + 40j) * 10 ** rng.uniform(-2, 2, 12)
    matrix = (q / factor) @ q.T
    right = rng.normal(size=(5, 5)) + 0j
    log_det, solved = _solved(matrix[..., None], right[..., None])
    eigenvalues = np.linalg.eigvals(matrix)
    assert abs(np.angle(eigenvalues).sum()) > math.pi
    assert log_det[0] == pytest.approx(np.log(eigenvalues).sum(), rel=1e-10)
    assert solved[..., 0] == pytest.approx(np.linalg.solve(matrix, right), rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "settings", "error", "message"),
    [
        ("~ weeks", {"weights": [1, 2]}, cb.DataError, r"shape \(2,\) for 8 effects"),
        ("~ weeks", {"weights": [0] * 8}, cb.DataError, "the weights sum to 0"),
        (
            "~ weeks",
            {"weights": ["a"] * 8},
            cb.DataError,
            r"weights\[0\] is 'a', .* and 5 more; give num",
        ),
        (
            "~ weeks",
            {"weights": [1, -1, math.nan, math.inf, 1, 1, 1, 1]},
            cb.DataError,
            "3 problems:\n  B: weight -1.0; .*\n  C: weight nan; .*\n  D: weight inf; a weight",
        ),
        (
            "~ weeks + tester",
            {"weights": [1, 1, 1, 1, 0, 1, 0, 1]},
            cb.ModelError,
            r"tester\[T.blind\] is 0 for all studies with a weight above 0; leave it out",
        ),
        (
            "~ weeks + tester",
            {"weights": [1, 0, 0, 0, 1, 0, 0, 0]},
            cb.ModelError,
            "is collinear with Intercept, weeks: it says nothing .* with a weight above 0",
        ),
        (
            "~ weeks",
            {"weights": [1, 1, 0, 0, 0, 0, 0, 0], "method": "GENQ"},
            cb.ModelError,
            "do not determine tau2: at least 3 studies need a weight above 0",
        ),
        ("~ weeks", {"method": "GENQM"}, cb.ModelError, "need the analyst's weights"),
        ("~ weeks", {"tau2": -0.1}, cb.ModelError, "tau2 is -0.1; give a finite variance"),
        ("~ weeks", {"tau2": "a"}, cb.ModelError, "tau2 is 'a'; give a finite variance"),
        ("~ weeks", {"tau2": 0.1, "method": "EE"}, cb.ModelError, "has no tau2 to fix"),
    ],
)
def test_what_is_wrong_with_weights_or_tau2_is_said(
    formula: str, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cb.regress(EFFECTS, formula, **settings)
