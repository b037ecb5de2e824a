"""Selection models: their integrals, derivatives, maxima, and what they refuse."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from golden_data import effects_of
from scipy import integrate

import comorbid as cb
from comorbid.bias.selection import selection_model
from comorbid.bias.selection_grid import SelectionGrid, p_values, smooth_grid, step_grid, z_of
from comorbid.bias.selection_likelihood import SelectionLikelihood
from comorbid.bias.weight_functions import WEIGHT_FUNCTIONS

KINDS = tuple(WEIGHT_FUNCTIONS)
Y = np.array([0.9, 0.7, 0.6, 0.5, 0.3, 0.25, 0.1, 0.2])
V = np.array([0.15, 0.1, 0.09, 0.05, 0.03, 0.01, 0.02, 0.03])


def bcg(**settings: object) -> cb.Fit:
    return cb.pool(effects_of("dat.bcg", "OR"), **settings)  # type: ignore[arg-type]


def grid_of(kind: str, two_sided: bool, threshold: float | None = None) -> SelectionGrid:
    z = Y / np.sqrt(V)
    if kind == "step":
        return step_grid((0.025, 0.5, 1.0), z, two_sided=two_sided)
    return smooth_grid(WEIGHT_FUNCTIONS[kind], z, two_sided=two_sided, threshold=threshold)


def chance(
    kind: str,
    two_sided: bool,
    threshold: float | None,
    v: float,
    mu: float,
    tau2: float,
    delta: float,
) -> float:
    """The chance of publication by adaptive quadrature, cut where the weight has a kink."""
    function = WEIGHT_FUNCTIONS[kind]
    parameters = np.full((function.size, 1), delta)
    spread, se = math.sqrt(v + tau2), math.sqrt(v)

    def density(z: float) -> float:
        p = p_values(np.array([z]), two_sided)
        if function.nearest:
            p = np.clip(p, function.nearest, 1 - function.nearest)
        weight = function.log_weight(p, parameters)[0][0, 0]
        if threshold is not None and p[0] <= threshold:
            weight = 0.0
        u = (z * se - mu) / spread
        return math.exp(weight - u**2 / 2) * se / spread / math.sqrt(2 * math.pi)

    kinks = [0.0, *(s * 10.0**-j for s in (1, -1) for j in range(1, 6))]
    for p in (function.nearest, 1 - function.nearest, threshold):
        if p:
            z = float(z_of(np.array([p]), two_sided)[0])
            kinks += [z, -z]
    ends = ((mu - 12 * spread) / se, (mu + 12 * spread) / se)
    cuts = np.unique([*kinks, *np.linspace(-8.5, 8.5, 35), *ends])
    cuts = cuts[(cuts >= ends[0]) & (cuts <= ends[1])]
    return math.fsum(
        integrate.quad(density, a, b, epsabs=0, epsrel=1e-12, limit=200)[0]
        for a, b in itertools.pairwise(cuts)
    )


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_integrals_agree_with_adaptive_quadrature(kind: str, two_sided: bool) -> None:
    thresholds = (None,) if kind == "beta" else (None, 0.05)
    cases = [(0.04, 0.3, 0.0, 0.4), (0.5, -0.8, 2.0, 5.0), (3.0, 1.0, 0.1, 60.0)]
    for threshold, (v, mu, tau2, delta) in itertools.product(thresholds, cases):
        grid = grid_of(kind, two_sided, threshold)
        likelihood = SelectionLikelihood(np.array([0.0]), np.array([v]), grid)
        point = np.array([mu, tau2, *[delta] * WEIGHT_FUNCTIONS[kind].size])[:, None]
        with np.errstate(under="ignore"):
            found = likelihood._log_chance(point).value[0]
        expected = chance(kind, two_sided, threshold, v, mu, tau2, delta)
        assert found == pytest.approx(math.log(expected), abs=1e-9)


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("kind", ["step", *KINDS])
def test_derivatives_agree_with_differences(kind: str, two_sided: bool) -> None:
    likelihood = SelectionLikelihood(Y, V, grid_of(kind, two_sided))
    q = 2 if kind in ("step", "beta") else 1
    point = np.array([0.2, 0.05, *(0.7, 1.6)[:q]])
    size, h = point.size, 1e-5
    here = likelihood.at(point[:, None])
    shifted = np.concatenate(
        [point[:, None] + h * np.eye(size), point[:, None] - h * np.eye(size)], 1
    )
    around = likelihood.at(shifted)
    slope = (around.value[:size] - around.value[size:]) / (2 * h)
    curve = (around.gradient[:, :size] - around.gradient[:, size:]) / (2 * h)
    assert here.gradient[:, 0] == pytest.approx(slope, rel=1e-6, abs=1e-6)
    assert here.hessian[:, :, 0] == pytest.approx(curve, rel=1e-5, abs=1e-5)


def test_many_points_at_once_are_the_points_one_by_one() -> None:
    likelihood = SelectionLikelihood(Y, V, grid_of("beta", False))
    points = np.random.default_rng(4).uniform(0.05, 2.0, size=(4, 300))
    together = likelihood.at(points)
    for i in (0, 137, 299):
        alone = likelihood.at(points[:, [i]])
        assert together.value[i] == pytest.approx(alone.value[0], rel=1e-13)
        assert together.hessian[:, :, i] == pytest.approx(alone.hessian[:, :, 0], rel=1e-10)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # R 4.2.2, metafor 3.8-1, dat.bcg (OR), ML: selmodel(..., control=list(reltol=1e-14,
        # maxit=3000, intCtrl=list(rel.tol=1e-9, subdivisions=2000))): estimate, SE, tau2, its SE,
        # delta and their SEs, log-likelihood.
        (
            {"kind": "beta", "alternative": "less"},
            (
                *(-0.8806518485, 0.5274709962, 0.4080584019, 0.3693252060),
                *(1.1250283317, 1.4490700740, 0.1642652708, 0.7151749097, -12.3211306146),
            ),
        ),
        (
            {"kind": "halfnorm", "alternative": "less"},
            (
                *(-0.6566081869, 0.3499122795, 0.3647680396, 0.2907147320),
                *(0.8194661911, 2.3632550249, -13.0095615107),
            ),
        ),
        (
            {"kind": "step", "steps": [0.05, 0.5], "alternative": "two.sided"},
            (
                *(-0.7641932466, 0.2300073102, 0.2954260962, 0.1546436757),
                *(1.0, 0.6237336134, 1.6901730817, math.nan, 0.6040573654, 1.6398163122),
                -12.4713384351,
            ),
        ),
    ],
)
def test_models_agree_with_metafor_made_precise(
    settings: dict[str, object], expected: tuple[float, ...]
) -> None:
    found = selection_model(bcg(), **settings)  # type: ignore[arg-type]
    values = (
        *(found.estimate, found.se, found.tau2, found.tau2_se),
        *(*found.delta, *found.delta_se, found.log_likelihood),
    )
    assert values == pytest.approx(expected, rel=3e-5, nan_ok=True)
    assert found.log_likelihood >= expected[-1] - 1e-9


def test_without_selection_it_is_the_maximum_likelihood_fit() -> None:
    fit = bcg(method="ML", test="z")
    for kind, delta in (("beta", (1, 1)), ("negexp", (0,)), ("logistic", (0,)), ("power", (0,))):
        found = selection_model(fit, kind=kind, delta=delta)  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(fit.estimate, rel=1e-9)
        assert found.tau2 == pytest.approx(fit.tau2, rel=1e-8)
        assert found.log_likelihood == pytest.approx(fit.ml.log_likelihood, rel=1e-12)
        assert (found.lrt, found.lrt_df) == (pytest.approx(0.0, abs=1e-10), 0)


def test_one_parameter_may_be_fixed() -> None:
    found = selection_model(bcg(), kind="beta", delta=[1.0, None], alternative="less")
    assert found.delta[0] == 1.0
    assert math.isnan(found.delta_se[0])
    assert found.lrt_df == 1
    free = selection_model(bcg(), kind="beta", alternative="less")
    assert found.log_likelihood <= free.log_likelihood
    step = selection_model(bcg(), steps=[0.025, 0.5], delta=[1, 0.5, None], alternative="less")
    assert step.delta[:2] == (1.0, 0.5)


def test_alternatives_mirror_each_other_and_the_unit_does_not_matter() -> None:
    fits = [
        cb.pool(cb.Effects(yi=sign * unit * Y, vi=unit**2 * V))
        for sign, unit in ((1, 1.0), (-1, 1.0), (1, 1e5))
    ]
    for kind, steps in (("step", [0.025]), ("negexp", None), ("beta", None)):
        base = selection_model(fits[0], kind=kind, steps=steps)  # type: ignore[arg-type]
        less = selection_model(fits[1], kind=kind, steps=steps, alternative="less")  # type: ignore[arg-type]
        unit = selection_model(fits[2], kind=kind, steps=steps)  # type: ignore[arg-type]
        assert less.estimate == pytest.approx(-base.estimate, rel=1e-10)
        assert less.delta == pytest.approx(base.delta, rel=1e-10)
        assert unit.estimate == pytest.approx(1e5 * base.estimate, rel=1e-7)
        assert unit.tau2 == pytest.approx(1e10 * base.tau2, rel=1e-6, abs=1e-4)
        assert unit.lrt == pytest.approx(base.lrt, rel=1e-7, abs=1e-10)
        assert unit.log_likelihood == pytest.approx(base.log_likelihood - 8 * math.log(1e5))


def test_equal_effects_fit_keeps_tau2_at_0() -> None:
    found = selection_model(bcg(method="EE"), steps=[0.025], alternative="less")
    assert (found.method, found.tau2) == ("EE", 0.0)
    assert (
        found.log_likelihood
        < selection_model(bcg(), steps=[0.025], alternative="less").log_likelihood
    )
    assert "tau2" not in " ".join(found.warnings)


def test_several_maxima_are_named() -> None:
    fit = cb.pool(effects_of("dat.dorn2007", "RR"))
    found = selection_model(fit, kind="beta")
    assert len(found.maxima) == 2
    assert found.maxima[0] == (pytest.approx(found.log_likelihood), pytest.approx(found.estimate))
    assert found.maxima[0][0] > found.maxima[1][0]
    assert "the likelihood has 2 maxima; the next is 4.57 lower" in " ".join(found.warnings)
    assert 1 <= found.agreeing < found.starts
    assert found.gradient < 1e-7


def test_empty_steps_and_bounds_are_named() -> None:
    fit = cb.pool(effects_of("dat.begg1989", "PR"))
    found = selection_model(fit, steps=[0.025])
    assert found.counts == (20, 0)
    assert found.delta == (1.0, 0.0)
    notes = " ".join(found.warnings)
    assert "no result has a p-value from 0.025 to 1" in notes
    assert "delta2 is at its bound, 0" in notes


def test_likelihood_without_a_maximum_is_refused() -> None:
    """Effects exactly where an interval of weight 0 begins: each step outwards fits better."""
    fit = cb.pool(cb.Effects(yi=[0.0] * 6, vi=[0.1] * 6))
    with pytest.raises(cb.ModelError, match="maximum"):
        selection_model(fit, steps=[0.025, 0.5])


def test_weight_of_a_p_value() -> None:
    p = np.array([0.01, 0.025, 0.03, 0.9])
    step = selection_model(bcg(), steps=[0.025], alternative="less")
    assert step.weight(p).tolist() == [1.0, 1.0, step.delta[1], step.delta[1]]
    negexp = selection_model(bcg(), kind="negexp", delta=[2.0], steps=[0.025], alternative="less")
    assert negexp.weight(p) == pytest.approx([1.0, 1.0, math.exp(-0.06), math.exp(-1.8)])
    beta = selection_model(bcg(), kind="beta", delta=[2.0, 3.0], alternative="less")
    assert beta.weight(p) == pytest.approx(p * (1 - p) ** 2)


def test_mistakes_are_named() -> None:
    fit = bcg()
    cases: list[tuple[dict[str, object], str]] = [
        ({"kind": "normal"}, "kind is 'normal'; use one of step, beta"),
        ({"steps": [0.05], "alternative": "two-sided"}, "alternative is 'two-sided'; use one of"),
        ({}, "kind 'step' needs steps below 1"),
        ({"steps": [0.0, 0.5]}, "each is a p-value above 0"),
        ({"steps": [2.0]}, "each is a p-value above 0 and at most 1"),
        ({"kind": "beta", "steps": [0.05]}, "kind 'beta' takes no steps"),
        ({"kind": "negexp", "steps": [0.05, 0.1]}, "takes at most one step"),
        ({"steps": [0.05], "delta": [1]}, "delta has 1 values and kind 'step' has 2"),
        ({"steps": [0.05], "delta": [2, None]}, "weights are relative to the first step's"),
        ({"kind": "negexp", "delta": [-1]}, "a delta is -1; give values from 0 to 100"),
    ]
    for settings, message in cases:
        with pytest.raises(cb.ModelError, match=message):
            selection_model(fit, **settings)  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="4 parameters and k = 3"):
        selection_model(cb.pool(cb.Effects(yi=Y[:3], vi=V[:3])), kind="beta")


def test_four_views() -> None:
    for found in (
        selection_model(bcg(), steps=[0.025], alternative="less"),
        selection_model(bcg(), kind="beta", alternative="less"),
    ):
        json.dumps(found.to_dict())
        assert repr(found) == found.summary()
        assert found._repr_html_().startswith("<pre>")
        frame = found.to_frame()
        assert list(frame.index) == ["mu", "tau2", "delta1", "delta2"]
        assert frame.loc["mu", "estimate"] == found.estimate
    assert "came to this maximum" in found.summary()
