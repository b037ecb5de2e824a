"""Small-study effects and selection: every value of metafor's, through the public functions.

Where metafor's own searches stop early, the values cannot be compared as they are. There the tests
show that metafor's value follows from where it stopped, and that comorbid's is the better one; each
such rule is in DISAGREEMENTS.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from golden_bias import (
    AFTER,
    GIVEN_UP,
    LOWER_MAXIMA,
    Case,
    asymmetry_cells,
    cases,
    excess_cells,
    fail_safe_cells,
    fill_cells,
    filled_yi,
    fills,
    fitted,
    golden,
    henmi_copas_cells,
    listed,
    rank_cells,
    refit_cells,
    selections,
)
from golden_data import CLOSED
from golden_univariate import UNIROOT, Cell, number
from scipy import special

import comorbid as cb
from comorbid.bias.fail_safe import fail_safe_n
from comorbid.bias.selection import _grid
from comorbid.bias.selection_likelihood import SelectionLikelihood
from comorbid.bias.selection_result import SelectionModel
from comorbid.bias.trim_and_fill import trim_and_fill

Cells = Callable[[Case], Iterator[Cell]]

# The numbers of values compared can grow, never shrink.
AT_LEAST: dict[Cells, int] = {
    asymmetry_cells: 4_410,
    rank_cells: 244,
    fill_cells: 17_229,
    refit_cells: 14_170,
    fail_safe_cells: 2_440,
    henmi_copas_cells: 244,
    excess_cells: 1_947,
}
SELECTIONS_AT_LEAST = 275

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.DataWarning")


@pytest.mark.parametrize("cells", list(AT_LEAST))
def test_values_agree_with_metafor(cells: Cells) -> None:
    count, wrong = 0, []
    for case in cases():
        for cell in cells(case):
            count += 1
            if not cell.agrees:
                wrong.append((cell.place, cell.expected, cell.found, cell.size))
    assert not wrong
    assert count >= AT_LEAST[cells]


def test_metafor_fails_where_as_many_studies_are_missing_as_were_found() -> None:
    failures = 0
    for case in cases():
        for key, expected in golden(case)["trimfill"].items():
            if "k0" in expected:
                continue
            method, estimator, *side = key.split("_")
            fit = fitted(case, method, "z")
            with pytest.raises(cb.ModelError, match="as many studies are missing as were found"):
                trim_and_fill(fit, estimator=estimator, side=side[0] if side else None)
            failures += 1
    assert failures == 15


def test_filled_reml_fits_are_nearer_to_the_maximum_than_metafors() -> None:
    """By the restricted likelihood of our own filled effects; and the two are near each other."""
    off = []
    for case in cases():
        for key, expected, found in fills(case):
            if not key.startswith("REML"):
                continue
            there = cb.pool(found.effects, method="REML", test="z", tau2=expected["tau2"])
            rise = found.fit.reml.log_likelihood - there.reml.log_likelihood
            assert rise >= -1e-9 * found.fit.k
            off.append(abs(found.fit.tau2 - expected["tau2"]))
            ours = sorted(found.to_dict()["filled_yi"])
            shift = [a - b for a, b in zip(ours, sorted(filled_yi(expected)), strict=True)]
            assert np.ptp(shift or [0.0]) <= CLOSED * max(1.0, *map(abs, ours or [0.0]))
            assert max(map(abs, shift), default=0.0) <= 0.1 * found.fit.se
    assert 1e-6 < max(off) < 1e-4


def general(case: Case, method: str, tau2: float, n: float) -> tuple[float, float, float]:
    """Estimate, tau2 and p-value with n null studies, written once more."""
    effects = fitted(case, "EE", "z").effects
    yi, vi, k = effects.yi, effects.vi, effects.k
    w = 1 / (vi + tau2)
    mean = (w * yi).sum() / w.sum()
    joined = ((k + n - 2) * tau2 + mean**2 * k * n / (k + n)) / (k + n - 1) if n else tau2
    joined = 0.0 if method == "EE" else joined
    w = 1 / (vi + joined)
    total = w.sum() + n / (k / (1 / vi).sum() + joined)
    estimate = (w * yi).sum() / total
    return estimate, joined, 2 * special.ndtr(-abs(estimate) * math.sqrt(total))


@pytest.mark.parametrize("method", ["REML", "EE"])
def test_general_fail_safe_n(method: str) -> None:
    """Half of metafor's N are one too many; its other values follow from its own N and tau2.

    It seems to search for the root of a p-value that jumps from one whole number to the next,
    ends just below or just above the jump, wherever the p-value is nearer to alpha, and rounds up.
    Its tau2 of REML is fitted anew with its default stopping rule.
    """
    differences = [general_differences(case, method) for case in cases()]
    too_many, differ = (sum(column) for column in zip(*differences, strict=True))
    assert too_many >= 15
    assert differ >= (15 if method == "REML" else 0)


def general_differences(case: Case, method: str) -> tuple[bool, bool]:
    """Check one N; return whether metafor's is one too many and whether its tau2 differs."""
    expected = golden(case)["fsn"][f"General_{method}"]
    tau2 = expected["tau2"]
    assert expected["meanes"] == expected["est"]
    assert (expected["alpha"], expected["target"]) == (0.05, None)
    for n, names in ((0.0, ("est", "tau2", "pval")), (expected["fsnum"], AFTER)):
        for name, value in zip(names, general(case, method, tau2, n), strict=True):
            assert Cell((*case, name), number(expected[name]), value, CLOSED, 1e-300).agrees
    fit = fitted(case, method, "z")
    found = fail_safe_n(fit, kind="general")

    def p_value(n: float, tau2: float = tau2) -> float:
        return general(case, method, tau2, n)[2]

    assert found.tau2 == pytest.approx(tau2, abs=1e-4)
    differs = not math.isclose(found.tau2, tau2, rel_tol=1e-7)
    if found.n == 0:
        assert expected["fsnum"] == 0
        return False, differs
    assert p_value(found.n, fit.tau2) > 0.05
    assert p_value(found.n - 1, fit.tau2) <= 0.05
    first = next(n for n in (expected["fsnum"] - 1, expected["fsnum"]) if p_value(n) > 0.05)
    nearer_above = p_value(first) - 0.05 < 0.05 - p_value(first - 1)
    assert expected["fsnum"] == first + nearer_above
    assert method == "REML" or found.n in (expected["fsnum"], expected["fsnum"] - 1)
    return found.n < expected["fsnum"], differs


def test_searches_of_metafor_stop_as_far_off_as_allowed_for() -> None:
    """The tolerance for limits and critical values is needed: some use a good part of it."""
    sizes = [
        cell.size
        for case in cases()
        for cells in (henmi_copas_cells, excess_cells)
        for cell in cells(case)
        if cell.tolerance == UNIROOT
    ]
    assert UNIROOT / 4 < np.nanmax(sizes) < UNIROOT


def likelihood_at(
    case: Case, found: SelectionModel, beta: float, tau2: float, delta: list[float]
) -> float:
    """Return our log-likelihood at metafor's estimates."""
    fit = fitted(case, "ML", "z")
    sign = -1.0 if found.alternative == "less" else 1.0
    grid = _grid(fit, found.kind, found.steps, sign, False)
    free = delta[1:] if found.kind == "step" else delta
    likelihood = SelectionLikelihood(sign * fit.effects.yi, fit.effects.vi, grid)
    return float(likelihood.at(np.array([[sign * beta], [tau2], *([d] for d in free)])).value[0])


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in cases() if golden(case).get("selmodel")])
def test_selection_models(case: Case) -> None:
    """The same likelihood as metafor's, a maximum at least as high, and estimates as near as that.

    From a maximum l with information I the height falls by d'Id / 2 over a distance d, so that no
    estimate is further from its best value than sqrt(2 (l - l')) standard errors.
    """
    unselected = fitted(case, "ML", "z").ml.log_likelihood
    lower, given_up = set(), set()
    for key, expected, found in selections(case):
        place = (*case, key)
        estimates = (expected["beta"], expected["tau2"], listed(expected["delta"]))
        theirs = likelihood_at(case, found, *estimates)
        # metafor integrates to a relative error of 1.2e-4 a study; steps need no integral.
        off = 1e-9 if found.kind == "step" else 2.5 * found.k * UNIROOT
        assert theirs == pytest.approx(expected["ll"], abs=off), place
        rise = found.log_likelihood - theirs
        assert rise >= -1e-9, place
        assert found.gradient < 1e-7, place
        for lrt, height in ((found.lrt, found.log_likelihood), (expected["LRT"], expected["ll"])):
            assert lrt == pytest.approx(max(0.0, 2 * (height - unselected)), abs=1e-8), place
        assert found.lrt_df == expected["LRTdf"]
        assert_tests_follow(found, expected, place)
        assert expected["pgrp"] in (None, list(found.counts)), place
        if place in LOWER_MAXIMA:
            assert found.maxima[1][0] == pytest.approx(theirs, abs=2e-2), place
            lower.add(place)
        elif place in GIVEN_UP:
            assert rise > 1e-2, place
            given_up.add(place)
        else:
            assert rise < 1.2e-2, place
            assert_near(found, expected, rise, place)
    assert lower == {place for place in LOWER_MAXIMA if place[:2] == case}
    assert given_up == {place for place in GIVEN_UP if place[:2] == case}


def assert_tests_follow(
    found: SelectionModel, expected: dict[str, Any], place: tuple[str, ...]
) -> None:
    """Intervals and p-values follow from estimates and standard errors by the same formulas."""
    none = 0.0 if found.kind in ("halfnorm", "negexp") else 1.0
    theirs = [listed(expected[name]) for name in ("delta", "se.delta", "pval.delta")]
    both = (
        (found.lrt, found.lrt_p, found.estimate, found.se, found.ci),
        (
            *(expected["LRT"], number(expected["LRTp"]), expected["beta"], number(expected["se"])),
            (number(expected["ci.lb"]), number(expected["ci.ub"])),
        ),
    )
    for lrt, lrt_p, estimate, se, ci in both:
        tail = float(special.chdtrc(found.lrt_df, lrt)) if found.lrt_df else math.nan
        assert lrt_p == pytest.approx(tail, rel=1e-9, nan_ok=True), place
        half = 1.959963984540054 * se
        ends = (estimate - half, estimate + half)
        assert ci == pytest.approx(ends, rel=1e-9, abs=1e-9, nan_ok=True), place
    for columns in ((found.delta, found.delta_se, found.delta_p), theirs):
        for delta, se, p_value in zip(*columns, strict=True):
            tail = 2 * float(special.ndtr(-abs(delta - none) / se))
            assert p_value == pytest.approx(tail, rel=1e-7, nan_ok=True), place


def test_standard_errors_of_a_selection_model_are_those_of_the_curvature() -> None:
    """By second differences of the log-likelihood; metafor's are 0.118 and 0.151."""
    case = ("dat.riley2003", "DFS")
    expected, found = next((e, f) for key, e, f in selections(case) if key == "beta")
    best = np.array([found.estimate, found.tau2, *found.delta])
    step = 0.02 * np.array([found.se, found.tau2_se, *found.delta_se])

    def height(*moves: tuple[int, int]) -> float:
        at = best.copy()
        for i, sign in moves:
            at[i] += sign * step[i]
        return likelihood_at(case, found, at[0], at[1], at[2:].tolist())

    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    curvature = [
        [
            sum(a * b * height((i, a), (j, b)) for a, b in signs) / (4 * step[i] * step[j])
            for j in range(best.size)
        ]
        for i in range(best.size)
    ]
    se = np.sqrt(np.diag(np.linalg.inv(-np.array(curvature))))
    ours = (found.se, found.tau2_se, *found.delta_se)
    assert ours == pytest.approx(se.tolist(), rel=5e-3)
    assert (expected["se"], expected["se.tau2"]) == pytest.approx((0.118, 0.151), abs=5e-4)


def test_number_of_selection_models_never_shrinks() -> None:
    models = [
        model
        for case in cases()
        for model in (golden(case).get("selmodel") or {}).values()
        if model is not None
    ]
    assert len(models) >= SELECTIONS_AT_LEAST


def assert_near(
    found: SelectionModel, expected: dict[str, Any], rise: float, place: tuple[str, ...]
) -> None:
    reach = 1.05 * math.sqrt(max(0.0, 2 * rise)) + 1e-5
    pairs = [
        (found.estimate, found.se, expected["beta"]),
        (found.tau2, found.tau2_se, expected["tau2"]),
    ]
    # With one weight at its upper bound, metafor's distance from the bound moves the others.
    if max(found.delta) < 100:
        pairs += zip(found.delta, found.delta_se, listed(expected["delta"]), strict=True)
    for ours, se, theirs in pairs:
        if not math.isnan(se):
            assert abs(ours - theirs) <= reach * se, place
    if found.kind in ("halfnorm", "negexp") and found.delta == (0.0,):
        assert not found.se >= number(expected["se"]), place
    # Standard errors of steps differ as the points do; those that need integrals far more.
    both = not (math.isnan(found.tau2_se) or math.isnan(number(expected["se.tau2"])))
    if found.kind == "step" and both:
        assert found.se == pytest.approx(expected["se"], rel=20 * reach), place
        assert found.tau2_se == pytest.approx(expected["se.tau2"], rel=20 * reach), place
