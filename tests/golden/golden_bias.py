"""What the golden files hold on small-study effects and selection, and what comorbid gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from golden_data import CLOSED, ITERATIVE, analyses, dataset, effects_of
from golden_univariate import NEGLIGIBLE, UNIROOT, Cell, number, omnibus_pairs

import comorbid as cb
from comorbid.bias.asymmetry import asymmetry
from comorbid.bias.excess import excess_significance
from comorbid.bias.fail_safe import fail_safe_n
from comorbid.bias.henmi_copas import henmi_copas
from comorbid.bias.rank_test import rank_test
from comorbid.bias.selection import selection_model
from comorbid.bias.selection_result import SelectionModel
from comorbid.bias.trim_and_fill import TrimAndFill, trim_and_fill
from comorbid.models.tau2_errors import se_restricted

Case = tuple[str, str]

STEPS = {
    "stepfun_025": (0.025,),
    "stepfun_025_5": (0.025, 0.5),
    "stepfun_fixed_delta": (
        *(0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65, 0.75, 0.90, 0.95, 0.99, 0.995),
    ),
}

# The cells of DISAGREEMENTS.md in which metafor's selection model is at a lower maximum, or far
# from any: data set, measure, model. (Where dat.bcg is, dat.colditz1994 is too.)
LOWER_MAXIMA = {
    ("dat.bangertdrowns2004", "SMD", "beta"),
    ("dat.dorn2007", "OR", "beta"),
    ("dat.dorn2007", "RR", "beta"),
    ("dat.laopaiboon2015", "OR", "beta"),
    ("dat.laopaiboon2015", "RR", "beta"),
    ("dat.lau1992", "OR", "beta"),
    ("dat.li2007", "OR", "beta"),
    ("dat.li2007", "OR", "stepfun_025"),
    ("dat.li2007", "RD", "stepfun_025"),
    ("dat.li2007", "RR", "beta"),
    ("dat.li2007", "RR", "negexp"),
    ("dat.li2007", "RR", "stepfun_025"),
    ("dat.nielweise2007", "RD", "beta"),
    ("dat.nielweise2007", "RD", "stepfun_025_5"),
    ("dat.pritz1997", "PLN", "beta"),
}
# The same, but metafor's search gave up on the way, at the tau2 or near where it started.
GIVEN_UP = {
    *(("dat.nielweise2007", "OR", kind) for kind in ("beta", "halfnorm", "negexp")),
    *(("dat.nielweise2007", "RR", kind) for kind in ("beta", "negexp", "stepfun_025_5")),
    ("dat.spooner2002", "MD", "negexp"),
    ("dat.yusuf1985", "OR", "beta"),
    ("dat.yusuf1985", "PETO", "beta"),
}


def cases() -> list[Case]:
    return [case for case in analyses() if "regtest" in golden(case)]


def golden(case: Case) -> dict[str, Any]:
    return dataset(case[0])["analyses"][case[1]]


@cache
def fitted(case: Case, method: str, test: str) -> cb.Fit:
    return cb.pool(effects_of(*case), method=method, test=test)  # type: ignore[arg-type]


def sizes(case: Case) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    ni = golden(case).get("ni")
    if ni is None:
        return None
    used = ~np.isnan(effects_of(*case).yi)
    values = np.array([math.nan if n is None else n for n in ni], dtype=np.float64)
    return values[used] if values.size == used.size else values


def asymmetry_cells(case: Case) -> Iterator[Cell]:
    """Egger's test in both forms, by every predictor that the golden files have."""
    smallest = float(fitted(case, "EE", "z").effects.vi.min())
    for key, expected in golden(case)["regtest"].items():
        model, predictor, *settings = key.split("_")
        method = settings[0] if settings else "REML"
        fit = fitted(case, method, "knha" if "knha" in settings else "z")
        found = asymmetry(fit, model=model, predictor=predictor, ni=sizes(case))
        values = {
            "zval": found.statistic,
            "pval": found.p_value,
            "dfs": math.nan if math.isinf(found.df) else found.df,
            "est": found.limit,
            "ci.lb": found.limit_ci[0],
            "ci.ub": found.limit_ci[1],
            "tau2": found.tau2,
        }
        tolerance = ITERATIVE if method == "REML" and model == "rma" else CLOSED
        for quantity, value in values.items():
            floor = NEGLIGIBLE * smallest if quantity == "tau2" else 1e-300
            place = (*case, "regtest", key, quantity)
            yield Cell(place, number(expected[quantity]), value, tolerance, floor)


def rank_cells(case: Case) -> Iterator[Cell]:
    """The rank test, exact and normal."""
    for key, distribution in (("default", "exact"), ("exact_false", "normal")):
        expected = golden(case)["ranktest"][key]
        found = rank_test(fitted(case, "EE", "z"), distribution=distribution)  # type: ignore[arg-type]
        for quantity, value in (("tau", found.tau), ("pval", found.p_value)):
            yield Cell((*case, "ranktest", key, quantity), expected[quantity], value, CLOSED)


def fills(case: Case) -> Iterator[tuple[str, dict[str, Any], TrimAndFill]]:
    """Every trim and fill with its golden values; those that metafor fails on are left out."""
    for key, expected in golden(case)["trimfill"].items():
        if "k0" not in expected:
            continue
        method, estimator, *side = key.split("_")
        fit = fitted(case, method, "z")
        found = trim_and_fill(fit, estimator=estimator, side=side[0] if side else None)  # type: ignore[arg-type]
        yield key, expected, found


def fill_cells(case: Case) -> Iterator[Cell]:
    """Number, side and test of missing studies; and the filled effects and fit but for REML."""
    for key, expected, found in fills(case):
        place = (*case, "trimfill", key)
        values = {"k0": found.k0, "se.k0": found.k0_se, "p.k0": found.p_value, "k": found.fit.k}
        for quantity, value in values.items():
            yield Cell((*place, quantity), number(expected[quantity]), value, CLOSED)
        side = float(found.side == expected["side"])
        yield Cell((*place, "side"), 1.0, side, CLOSED)
        if not key.startswith("REML"):
            theirs = filled_yi(expected)
            ours = found.to_dict()["filled_yi"]
            for row, pair in enumerate(zip(sorted(theirs), sorted(ours), strict=True)):
                yield Cell((*place, f"filled_yi {row}"), *pair, CLOSED)
            yield from fit_cells(place, expected, found.fit, CLOSED)
            se_tau2 = number(expected["se.tau2"])
            yield Cell((*place, "se.tau2"), se_tau2, found.fit.se_tau2, CLOSED)


def filled_yi(expected: dict[str, Any]) -> list[float]:
    values = expected["filled_yi"]
    return values if isinstance(values, list) else [values]


def fit_cells(
    place: tuple[str, ...], expected: dict[str, Any], fit: cb.Fit, tolerance: float
) -> Iterator[Cell]:
    """A golden fit of trim and fill."""
    smallest = float(fit.effects.vi.min())
    pairs = {
        "beta": fit.estimate,
        "se": fit.se,
        "zval": fit.statistic,
        "pval": fit.p_value,
        "ci.lb": fit.ci[0],
        "ci.ub": fit.ci[1],
        "tau2": fit.tau2,
        "I2": fit.i2,
        "H2": fit.h2,
        "QE": fit.q,
        "QEp": fit.q_p,
    }
    stats = {
        f"{name}.{kind}": getattr(values, ours)
        for kind, values in (("ML", fit.ml), ("REML", fit.reml))
        for name, ours in (
            *(("ll", "log_likelihood"), ("dev", "deviance")),
            *(("AIC", "aic"), ("BIC", "bic"), ("AICc", "aicc")),
        )
    }
    floors = {"tau2": NEGLIGIBLE * smallest, "I2": NEGLIGIBLE * 100}
    for quantity, (theirs, ours) in omnibus_pairs(expected, fit).items():
        yield Cell((*place, quantity), number(theirs), ours, tolerance)
    for quantity, value in pairs.items():
        floor = floors.get(quantity, 1e-300)
        yield Cell((*place, quantity), number(expected[quantity]), value, tolerance, floor)
    for quantity, value in stats.items():
        criterion = number(expected["fit.stats"][quantity])
        yield Cell((*place, quantity), criterion, value, tolerance, 1e-9 * fit.k)


def refit_cells(case: Case) -> Iterator[Cell]:
    """The REML fits of trim and fill, from metafor's own filled effects and tau2.

    metafor refits with its default stopping rule here, whatever that of the original fit, so that
    its tau2 is off by up to about 3e-5. Everything else must follow from it, but the criteria that
    count tau2 as estimated.
    """
    for key, expected, found in fills(case):
        if not key.startswith("REML"):
            continue
        effects = found.original.effects
        trimmed = [float(v) for v in found.to_dict()["filled_vi"]]
        theirs = filled_yi(expected)
        rank = np.argsort(np.argsort(found.to_dict()["filled_yi"])) if theirs else []
        yi = [*effects.yi, *(sorted(theirs)[i] for i in rank)]
        together = cb.Effects(yi=yi, vi=[*effects.vi, *trimmed])
        fit = cb.pool(together, method="REML", test="z", tau2=expected["tau2"])
        cells = fit_cells((*case, "trimfill", key), expected, fit, CLOSED)
        yield from (cell for cell in cells if not cell.place[-1].startswith(("AIC", "BIC")))
        ours = float(se_restricted(fit.projection, np.array([fit.tau2]))[0])
        yield Cell((*case, "trimfill", key, "se.tau2"), number(expected["se.tau2"]), ours, CLOSED)


# The general kind's values with the null studies added.
AFTER = ("est.fsn", "tau2.fsn", "pval.fsn")


def fail_safe_cells(case: Case) -> Iterator[Cell]:
    """Fail-safe N, but what the general kind makes of REML, and its N."""
    for key, expected in golden(case)["fsn"].items():
        kind = key.split("_")[0].lower()
        found = fail_safe_n(fitted(case, "EE", "z"), kind=kind)  # type: ignore[arg-type]
        if kind == "general":
            continue
        values = {
            "fsnum": found.n,
            "est": found.estimate,
            "meanes": found.estimate,
            "pval": found.p_value,
            "target": found.target,
            "alpha": 0.05 if kind == "orwin" else found.alpha,
            # Only the general kind has a tau2, and values with N null studies.
            **dict.fromkeys(("tau2", *AFTER), math.nan),
        }
        for quantity, value in values.items():
            place = (*case, "fsn", key, quantity)
            yield Cell(place, number(expected[quantity]), value, CLOSED)


def henmi_copas_cells(case: Case) -> Iterator[Cell]:
    """Henmi and Copas' interval; metafor finds its critical value to R's default 1.2e-4."""
    expected = golden(case)["hc_DL"]
    found = henmi_copas(fitted(case, "EE", "z"))
    place = (*case, "hc_DL", ".")
    yield Cell((*place, "beta"), expected["beta"], found.estimate, CLOSED)
    yield Cell((*place, "se"), expected["se"], found.se, CLOSED)
    for quantity, ours in (("ci.lb", found.ci[0]), ("ci.ub", found.ci[1])):
        theirs = (expected[quantity] - found.estimate) / found.se
        value = (ours - found.estimate) / found.se
        yield Cell((*place, quantity), theirs, value, UNIROOT)


def excess_cells(case: Case) -> Iterator[Cell]:
    """The test of excess significance; metafor finds its limit to R's default 1.2e-4."""
    expected = golden(case)["tes"]
    found = excess_significance(fitted(case, "EE", "z"))
    place = (*case, "tes", ".")
    values = {
        "k": float(len(found.labels)),
        "O": float(found.observed),
        "E": found.expected,
        "OEratio": found.ratio,
        "X2": found.statistic,
        "pval": found.p_value,
        "theta": found.estimate,
        "tes.alpha": found.limit_alpha,
    }
    for quantity, value in values.items():
        yield Cell((*place, quantity), number(expected[quantity]), value, CLOSED)
    for row, pair in enumerate(zip(expected["power"], found.power.tolist(), strict=True)):
        yield Cell((*place, f"power {row}"), *pair, CLOSED)
    limit = number(expected["theta.lim"])
    yield Cell((*place, "theta.lim"), limit, found.limit, UNIROOT, UNIROOT)


def selections(case: Case) -> Iterator[tuple[str, dict[str, Any], SelectionModel]]:
    """Every selection model with its golden values."""
    for key, expected in (golden(case).get("selmodel") or {}).items():
        if expected is None:
            continue
        found = selection_model(
            fitted(case, "ML", "z"),
            kind="step" if key in STEPS else key,
            steps=STEPS.get(key),
            alternative=expected["alternative"],
            delta=expected["delta"] if key == "stepfun_fixed_delta" else None,
        )
        yield key, expected, found


def listed(values: Any) -> list[float]:
    return [number(x) for x in (values if isinstance(values, list) else [values])]
