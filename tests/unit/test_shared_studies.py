"""Selections of the same studies: the same as the kernel gives, by products of matrices."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_data import DATA, analyses, effects_of

import comorbid as cb
from comorbid.models import shared_fits
from comorbid.models.fits import DesignFits
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import fit_designs
from comorbid.models.settings import find_estimator
from comorbid.models.shared_data import Selections
from comorbid.models.shared_fits import fit_selections, outline_selections
from comorbid.models.shared_studies import SharedStudies
from comorbid.sensitivity import membership

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "PM", "EB", "PMM", "DLIT", "SJIT")
# Of estimates in standard errors, of tau2 in smallest variances, of all else in itself.
NEAR = 1e-12


def simulated(k: int, seed: int = 1, orders: float = 1.5) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    vi = 0.01 * 10 ** rng.uniform(0, orders, k)
    return rng.normal(0.7, np.sqrt(vi + 0.03)), vi


def some(k: int, n: int = 400) -> Any:
    """Random selections, the empty one and single studies among them."""
    rng = np.random.default_rng(k)
    member = rng.random((k, n)) < rng.uniform(0.1, 0.95, n)
    return np.concatenate([member, np.eye(k, dtype=bool), ~np.eye(k, dtype=bool)], axis=1)


def by_kernel(yi: Any, vi: Any, member: Any, method: str, test: str = "knha") -> DesignFits:
    return fit_designs(
        np.where(member, yi[:, None], 0.0),
        np.where(member, vi[:, None], np.inf),
        None,
        estimator=find_estimator(method),
        test=test,
        level=0.95,
    )


def shared(yi: Any, vi: Any, member: Any, method: str, test: str = "knha") -> DesignFits:
    return fit_selections(yi, vi, member, estimator=find_estimator(method), test=test, level=0.95)


def assert_same(found: DesignFits, expected: DesignFits, lowest: float) -> None:
    unit = np.where(expected.k > 1, expected.se[0], np.abs(expected.coefficients[0]))
    scales = dict.fromkeys(("coefficients", "se", "ci_low", "ci_high"), unit)
    scales |= {"tau2": lowest, "statistic": 1.0, "i2": 100.0, "qe_p": 1.0, "p_value": 1.0}
    for field in fields(DesignFits):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        assert np.array_equal(np.isnan(a), np.isnan(b)), field.name
        scale = np.maximum(np.abs(b), scales.get(field.name, 0.0))
        with np.errstate(invalid="ignore"):
            off = np.where(a == b, 0.0, np.abs(a - b) / scale)
        assert not (off > NEAR).any(), (field.name, np.nanmax(off))


@pytest.mark.parametrize("test", ["z", "t", "knha", "adhoc"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_and_test_gives_what_the_kernel_gives(method: str, test: str) -> None:
    for k in (2, 3, 14, 40):
        yi, vi = simulated(k)
        member = some(k)
        expected = by_kernel(yi, vi, member, method, test)
        assert_same(shared(yi, vi, member, method, test), expected, vi.min())


@pytest.mark.parametrize("method", ["REML", "ML", "PM", "DL"])
def test_golden_data_sets_give_what_the_kernel_gives(method: str) -> None:
    fitted = 0
    for name, measure in analyses():
        effects = effects_of(name, measure)
        known = np.isfinite(effects.yi) & np.isfinite(effects.vi)
        yi, vi = effects.yi[known], effects.vi[known]
        if (vi > 0).all():
            member = some(len(yi), 40)
            expected = by_kernel(yi, vi, member, method)
            assert_same(shared(yi, vi, member, method), expected, vi.min())
            fitted += 1
    assert fitted > 40


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_likelihoods_with_two_maxima_give_what_the_kernel_gives(method: str) -> None:
    """The data sets of reml-global-maximum.json, of which many have a second maximum."""
    for case in json.loads((Path(DATA) / "reml-global-maximum.json").read_text()):
        yi, vi = np.array(case["yi"]), np.array(case["vi"])
        member = np.ones((len(yi), 1), dtype=bool)
        if len(yi) < 9:
            member = membership.members(membership.all_subsets(len(yi)), len(yi))
        expected = by_kernel(yi, vi, member, method)
        assert_same(shared(yi, vi, member, method), expected, vi.min())


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(4))
def test_no_maximum_is_out_of_sight(method: str, seed: int) -> None:
    """The oracle is the likelihood on a fine grid: none of its values is above that at tau2."""
    k = 14
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.01, 0.3, k) if seed < 2 else 0.01 * 10 ** rng.uniform(0, 3, k)
    yi = rng.normal(0.7, np.sqrt(vi + 0.03))
    member = membership.members(membership.random_subsets(k, 1000, rng), k)
    member = member[:, member.sum(axis=0) > 1]
    found = shared(yi, vi, member, method).tau2

    def height(tau2: Any) -> Any:
        w = member / (vi[:, None] + tau2)
        mean = (w * yi[:, None]).sum(axis=0) / w.sum(axis=0)
        q = (w * (yi[:, None] - mean) ** 2).sum(axis=0)
        log_w = np.log(np.where(member, w, 1.0)).sum(axis=0)
        return (log_w - q - (np.log(w.sum(axis=0)) if method == "REML" else 0.0)) / 2

    best = np.max([height(t) for t in vi.min() * np.expm1(np.linspace(0, 9, 1500))], axis=0)
    assert (height(found) >= best - 1e-9).all()


def test_hidden_maxima_are_found() -> None:
    """Between 0 and the smallest variance the likelihood of this selection has its maximum.

    The score is negative at 0, at the smallest variance and beyond, and positive between 0.0034 and
    0.0138 (on a grid of 40 steps); the likelihood at its root is 0.0005 above that at 0.
    """
    yi = np.array([0.49072008, 1.03643992, 0.59021876, 1.27782836, 0.92054419, -0.13643314])
    vi = np.array([0.15842827, 0.28563447, 0.12866775, 0.16938217, 0.01799214, 0.16606156])
    found = shared(yi, vi, np.ones((6, 1), dtype=bool), "ML")
    assert found.tau2[0] == pytest.approx(0.0138231, abs=1e-6)


def hard(name: str) -> tuple[Any, Any, Any]:
    """Studies and selections that sums over all studies are bad for."""
    yi, vi = simulated(8, seed=5)
    member = some(8)
    match name:
        case "outlier":
            yi[3] = 1e7
        case "precise outlier":
            yi[3], vi[3] = 1e7, 1e-9
        case "dominating":
            vi[[2, 5]] = 1e-14, 1e-10
        case "most precise far away":
            yi[3], vi[3] = 1e5, vi.min() / 2
        case "two dominating":
            vi[[2, 5]], yi[5] = (1e-14, 1e-10), yi[2]
        case "alike":
            yi[:] = 0.1
        case "two alike":
            yi[2:] = yi[2] + 1e-9 * np.arange(6)
        case "far from 0":
            yi += 1e9
        case "tiny":
            yi, vi = yi * 1e-40, vi * 1e-80
        case "large":
            yi, vi = yi * 1e40, vi * 1e80
        case "orders":
            vi = 10.0 ** np.arange(-20, 20, 5)
    return yi, vi, member


@pytest.mark.parametrize("method", ["EE", "DL", "REML", "ML", "PM", "SJ", "HE"])
@pytest.mark.parametrize(
    "name",
    [
        *("outlier", "precise outlier", "dominating", "alike", "two alike", "far from 0"),
        *("tiny", "large", "orders", "most precise far away", "two dominating"),
    ],
)
def test_hard_selections_give_what_the_kernel_gives(name: str, method: str) -> None:
    yi, vi, member = hard(name)
    with np.errstate(all="ignore"):
        expected = by_kernel(yi, vi, member, method)
        assert_same(shared(yi, vi, member, method), expected, vi.min())


@pytest.mark.parametrize("k", [14, 100, 300])
def test_blocks_and_threads_change_nothing(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    yi, vi = simulated(k)
    member = some(k)
    whole = shared(yi, vi, member, "REML")
    again = shared(yi, vi, member, "REML")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = shared(yi, vi, member, "REML")
    for field in fields(DesignFits):
        values = getattr(whole, field.name)
        for other in (again, alone):
            assert np.array_equal(values, getattr(other, field.name), equal_nan=True)
    for size in (1, 50):
        monkeypatch.setattr(shared_fits, "_CELLS", size * k)
        assert_same(shared(yi, vi, member, "REML"), whole, vi.min())


def test_outlines_are_columns_of_the_fits() -> None:
    yi, vi = simulated(14)
    member = some(14)
    for method in ("REML", "EE", "DL"):
        fits = shared(yi, vi, member, method)
        outlines = outline_selections(yi, vi, member, estimator=find_estimator(method))
        for name, other in {"estimate": "coefficients", "q": "qe"}.items():
            expected = getattr(fits, other).reshape(-1)
            assert np.allclose(getattr(outlines, name), expected, 1e-13, 0, equal_nan=True)
        for name in ("tau2", "i2", "k"):
            expected = getattr(fits, name)
            assert np.allclose(getattr(outlines, name), expected, 1e-13, 0, equal_nan=True)
        assert np.array_equal(outlines.complete, fits.complete)


def test_moments_are_those_of_the_kernel() -> None:
    yi, vi = simulated(9)
    member = some(9)
    member = member[:, member.sum(axis=0) > 1]
    ours = Selections(SharedStudies(yi, vi), member)
    theirs = Intercept(np.where(member, yi[:, None], 0.0), np.where(member, vi[:, None], np.inf))
    tau2 = np.linspace(0, 0.2, member.shape[1])
    a, b = (data.at(tau2, slice(None)) for data in (ours, theirs))
    quick = ours.sums(tau2)
    near = partial(np.testing.assert_allclose, rtol=1e-10)
    for name in ("w", "w2", "ypp", "yppp", "trace_p", "trace_pp"):
        near(getattr(a, name), getattr(b, name), err_msg=name)
        near(getattr(quick, name), getattr(b, name), err_msg=name)
    for name in ("q", "log_w", "log_xwx"):
        near(getattr(a, name), getattr(b, name), err_msg=name)
    for x, y in zip(ours.unweighted(), theirs.unweighted(), strict=True):
        near(x, y)
    near(ours.variance(), theirs.variance())
    near(ours.log_xx, theirs.log_xx)
    near(ours.lowest, np.where(member, vi[:, None], np.inf).min(axis=0))
    near(ours.highest, np.where(member, vi[:, None], 0.0).max(axis=0))


def test_estimators_of_others_are_left_to_the_kernel() -> None:
    def tau2(yi: Any, vi: Any) -> Any:
        return np.full(yi.shape[1], 0.02)

    mine = cb.Estimator("mine", "mine", tau2, "nobody")
    yi, vi = simulated(5)
    fit = cb.pool(cb.Effects(yi=yi, vi=vi), method=mine)
    assert set(cb.leave_one_out(fit).batch.tau2) == {0.02}
    fixed = cb.pool(cb.Effects(yi=yi, vi=vi), tau2=0.02)
    assert np.allclose(
        cb.leave_one_out(fit).batch.estimate, cb.leave_one_out(fixed).batch.estimate, 1e-13
    )
