"""One-step models of counts: rma.glmm of R's metafor, which has lme4 find the maxima.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, default control).
Where an estimate differs, ours has the higher likelihood, by the same quadrature.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_data import dataset
from golden_tables import records

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.models.arrow import maximise
from comorbid.models.count_models import CountModel, conditional, fixed_studies
from comorbid.models.cumulants import binomial, hypergeometric
from comorbid.models.jets import Jet
from comorbid.models.quadrature import integrate

CLOSE = 1e-4
NAMES = (
    *("bcg", "collins1985a", "collins1985a death", "hine1989", "laopaiboon2015", "li2007"),
    *("nielweise2007", "viechtbauer2021"),
)
MODELS = ("UM.FS", "UM.RS", "CM.AL", "CM.EL")
CASES = [(name, model) for name in NAMES for model in MODELS]
FIELDS = {"beta": "estimate", "se": "se", "tau2": "tau2", "QE.Wld": "qe_wld", "QE.LRT": "qe_lrt"}
# The cells of DISAGREEMENTS.md, and how far apart the two may be, relative to at least 0.1.
UP_TO = {
    ("collins1985a", "UM.FS"): {"beta": 2e-4, "tau2": 2e-4},
    ("collins1985a death", "UM.FS"): {"beta": 3e-4, "tau2": 4e-4},
    ("laopaiboon2015", "UM.FS"): {"beta": 7e-3, "tau2": 4e-3, "se": 2e-3},
    ("li2007", "UM.FS"): {"beta": 4e-4, "tau2": 5e-4, "se": 3e-4},
    ("nielweise2007", "UM.FS"): {"beta": 4e-4, "tau2": 9e-4, "se": 3e-4},
    ("bcg", "UM.RS"): {"se": 4e-3, "QE.Wld": 4e-3},
    ("collins1985a", "UM.RS"): {"beta": 2e-4, "tau2": 3e-4, "se": 2e-3},
    ("collins1985a death", "UM.RS"): {"QE.Wld": 6e-3},
    ("laopaiboon2015", "UM.RS"): {"QE.Wld": 6e-3},
    ("li2007", "UM.RS"): {"beta": 4e-4, "tau2": 8e-4, "se": 1e-2, "QE.Wld": 4.1e-3},
    ("nielweise2007", "UM.RS"): {"QE.Wld": 3e-4},
    ("viechtbauer2021", "UM.RS"): {"se": 1e-3, "QE.Wld": 3e-3},
    ("bcg", "CM.EL"): {"QE.Wld": 0.4},
    ("collins1985a", "CM.EL"): {"se": 2e-4, "QE.Wld": 1.4e-3},
    ("collins1985a death", "CM.EL"): {"se": 2e-4, "QE.Wld": 1.2e-3},
    ("hine1989", "CM.EL"): {"se": 3e-4, "tau2": 8e-4, "QE.Wld": 6e-4},
    ("laopaiboon2015", "CM.EL"): {"se": 6e-3},
    ("li2007", "CM.EL"): {"se": 2e-4, "QE.Wld": 7e-3},
    ("nielweise2007", "CM.EL"): {"QE.Wld": 8e-4},
    ("viechtbauer2021", "CM.EL"): {"QE.Wld": 6e-2},
}


def golden(name: str, model: str) -> dict[str, float]:
    data = dataset(f"dat.{name.split()[0]}")["more"]
    return dict((data["death"] if "death" in name else data)["glmm_OR"][model])


def cells(name: str) -> dict[str, list[float]]:
    data = dataset(f"dat.{name.split()[0]}")
    columns = data["cols2x2_death" if "death" in name else "cols2x2"]
    keys = ("ai", "n1i", "ci", "n2i")
    rows = [row for row in zip(*(columns[key] for key in keys), strict=True) if None not in row]
    return dict(zip(keys, map(list, zip(*rows, strict=True)), strict=True))


@cache
def fitted(name: str, model: str) -> cb.OneStep:
    return cb.glmm(cells(name), model=model, drop00="yes")


def apart(found: float, expected: float) -> float:
    return abs(found - expected) / max(abs(expected), 0.1)


@pytest.mark.parametrize(("name", "model"), CASES)
def test_what_a_model_estimates(name: str, model: str) -> None:
    fit, expected = fitted(name, model), golden(name, model)
    distances = {key: apart(getattr(fit, ours), expected[key]) for key, ours in FIELDS.items()}
    listed = UP_TO.get((name, model), {})
    assert {key for key, distance in distances.items() if distance > CLOSE} == set(listed)
    assert all(distances[key] <= bound for key, bound in listed.items())
    assert fit.agreed == fit.starts == 3


@pytest.mark.parametrize(("name", "model"), CASES)
def test_what_follows_from_the_estimates(name: str, model: str) -> None:
    """By the same formulas: metafor's values from its own estimates, ours where those agree."""
    fit, expected = fitted(name, model), golden(name, model)
    half = 1.959963984540054 * expected["se"]
    assert expected["ci.lb"] == pytest.approx(expected["beta"] - half, rel=1e-12)
    assert expected["zval"] == pytest.approx(expected["beta"] / expected["se"], rel=1e-12)
    if not {"beta", "se"} & set(UP_TO.get((name, model), {})):
        ends = (expected["ci.lb"], expected["ci.ub"])
        assert fit.ci == pytest.approx(ends, rel=CLOSE, abs=CLOSE / 10)
        assert fit.statistic == pytest.approx(expected["zval"], rel=2 * CLOSE)
        assert fit.p_value == pytest.approx(expected["pval"], rel=2e-3)
    typical = (
        {fit.tau2 / (fit.h2 - 1), expected["tau2"] / (expected["H2"] - 1)} if fit.tau2 else {1}
    )
    assert max(typical) == pytest.approx(min(typical), rel=1e-9)
    assert fit.i2 == pytest.approx(100 * (1 - 1 / fit.h2), abs=1e-9)
    assert expected["I2"] == pytest.approx(100 * (1 - 1 / expected["H2"]), abs=1e-9)
    # at the ends of p-values, 1e-4 of the statistic is more of them
    assert fit.qe_lrt_p == pytest.approx(expected["QEp.LRT"], rel=2e-3)


@pytest.mark.parametrize(("name", "model"), CASES)
def test_no_likelihood_is_higher(name: str, model: str) -> None:
    """Ours against that at metafor's beta and tau2, with all else at its best there."""
    fit, expected = fitted(name, model), golden(name, model)
    if model in ("UM.RS", "CM.EL"):
        assert fit.log_likelihood >= expected["ll"] - 1e-6
        assert fit.log_likelihood == pytest.approx(expected["ll"], abs=5e-4)
    if model != "UM.RS":
        theirs = log_likelihood(name, model, expected["beta"], math.sqrt(expected["tau2"]))
        assert fit.log_likelihood >= theirs - 1e-9
        assert fit.log_likelihood == pytest.approx(theirs, abs=1e-3)
        ours = log_likelihood(name, model, fit.estimate, math.sqrt(fit.tau2))
        assert fit.log_likelihood == pytest.approx(ours, abs=1e-9)


def log_likelihood(name: str, model: str, beta: float, tau: float) -> float:
    """Return the log-likelihood at these values, the study effects of UM.FS at their best."""
    a, n1, c, n2 = np.array(list(cells(name).values()), dtype=np.float64)
    some = (a + c > 0) & (a + c < n1 + n2)
    a, n1, c, n2 = (cell[some] for cell in (a, n1, c, n2))
    common = np.array([[beta], [tau]])
    if model == "UM.FS":
        made = fixed_studies((binomial(a, n1), binomial(c, n2)), random=True)
        return best_studies(made, common)
    nothing = np.zeros(a.size)
    made = (
        conditional(hypergeometric(a, n1, n2, a + c), nothing, random=True)
        if model == "CM.EL"
        else conditional(binomial(a, a + c), np.log(n1 / n2), random=True)
    )
    nodes = 15 if model == "CM.EL" else 7
    return float(integrate(made.arms, np.repeat(common, a.size, axis=1), nodes).value.sum())


def best_studies(model: CountModel, common: Array) -> float:
    k = model.own.size

    def likelihood(theta: Array) -> Jet:
        whole = np.concatenate([theta[..., 0], np.repeat(common, k, axis=1)])
        jet = integrate(model.arms, whole, 7)
        return Jet(np.stack([jet.value, jet.first[0], jet.second[0, 0]])[..., None])

    (found,) = maximise(likelihood, model.own[:, None], np.zeros((0, 1)), k)
    assert found.reached
    return found.log_likelihood


def test_proportions() -> None:
    """rma.glmm(measure = "PLO", xi, ni) of dat.pritz1997."""
    rows = records("pritz1997")
    table = {key: [float(row[key]) for row in rows] for key in ("xi", "ni")}
    expected: dict[str, Any] = dataset("dat.pritz1997")["more"]["glmm_PLO"]
    fit = cb.glmm(table, measure="PLO")
    found = {"beta": fit.estimate, "se": fit.se, "tau2": fit.tau2, "I2": fit.i2}
    found |= {"ci.lb": fit.ci[0], "ci.ub": fit.ci[1]}
    for key, value in found.items():
        assert value == pytest.approx(expected[key], rel=CLOSE), key


def test_rates() -> None:
    """rma.glmm(measure = "IRR", x1i, t1i, x2i, t2i, model = "CM.EL") of dat.nielweise2008."""
    rows = records("nielweise2008")
    table = {key: [float(row[key]) for row in rows] for key in ("x1i", "t1i", "x2i", "t2i")}
    expected = dataset("dat.nielweise2008")["more"]["glmm_IRR"]
    fit = cb.glmm(table, measure="IRR", model="CM.EL")
    found = {"beta": fit.estimate, "se": fit.se, "tau2": fit.tau2}
    for key, value in found.items():
        assert value == pytest.approx(expected[key], rel=CLOSE), key


def test_the_differences_are_documented() -> None:
    text = (Path(__file__).parent / "DISAGREEMENTS.md").read_text(encoding="utf-8")
    assert text.count("| one-step models") == 4
