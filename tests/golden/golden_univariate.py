"""What the golden fits of one mean hold, and what comorbid gives for each value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from golden_data import CLOSED, ITERATIVE, dataset, difference, effects_of

import comorbid as cb
from comorbid.models.random_effects import blup, ranef
from comorbid.models.residuals import rstandard

METHODS = (
    *("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM"),
    *("GENQ", "GENQM", "DLIT", "SJIT"),
)
ITERATED = ("ML", "REML", "EB", "PM", "PMM", "GENQM", "DLIT", "SJIT")
TESTS = ("z", "t", "knha", "adhoc")

# Where tau2 is nearly 0 compared with the sampling variances, neither program's digits of it, or of
# I2, mean anything below this share of the smallest variance, or of 100 %.
NEGLIGIBLE = 1e-9
# metafor stops its search for generalised Q bounds at R's default step, .Machine$double.eps^0.25.
UNIROOT = 2.0**-13

# metafor repeats Sidik and Jonkman's step until it changes tau2 by less than 1e-14. Where the limit
# is 0 the steps shrink so slowly that this is before it, and all that rests on tau2 is as far off.
SJIT_EARLY = {
    *(("dat.nissen2007", "RD", "SJIT", test, "tau2") for test in TESTS),
    *(
        ("dat.nielweise2008", "IRD", "SJIT", test, key)
        for test in TESTS
        for key in (
            *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "qm", "qm_p"),
            *("tau2", "se_tau2", "i2", "h2", "dev.ML"),
            *(f"predict {name}" for name in ("pred", "se", "ci.lb", "ci.ub")),
            *(f"predict {name}" for name in ("pi.lb", "pi.ub", "pi.se")),
        )
    ),
    ("dat.nielweise2008", "IRD", "SJIT", "knha", "s2w"),
}

CRITERIA = ("ll", "dev", "AIC", "BIC", "AICc")
OURS = ("log_likelihood", "deviance", "aic", "bic", "aicc")


@dataclass(frozen=True)
class Cell:
    """One golden value: where it stands, what it is, what was found, how close is close."""

    place: tuple[str, ...]
    expected: float
    found: float
    tolerance: float
    floor: float = 1e-300

    @property
    def size(self) -> float:
        """How far apart the two are, as a share."""
        if self.found == self.expected:
            return 0.0
        return difference(self.found, self.expected, self.floor / self.tolerance)

    @property
    def agrees(self) -> bool:
        return self.size <= self.tolerance


def number(value: Any) -> float:
    return math.nan if value is None else float(value)


def freedom(value: Any) -> float:
    """Degrees of freedom: none given means the normal distribution."""
    return math.inf if math.isnan(number(value)) else float(value)


def fitted(name: str, measure: str, method: str, test: str) -> cb.Fit:
    effects = effects_of(name, measure)
    if method == "FE_unweighted_DL":
        return cb.pool(effects, method="DL", test="z", weights=np.ones(effects.k))
    weights = np.sqrt(1 / effects.vi) if method in ("GENQ", "GENQM") else None
    return cb.pool(effects, method=method, test=test, weights=weights)  # type: ignore[arg-type]


def golden_fits(name: str, measure: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    fits = dataset(name)["analyses"][measure]["fits"]
    yield "FE_unweighted_DL", "z", fits["FE_unweighted_DL"]
    for method in METHODS:
        for test in TESTS:
            if "beta" in (fits.get(method, {}).get(test) or {}):
                yield method, test, fits[method][test]


def fit_cells(name: str, measure: str) -> Iterator[Cell]:
    """Every golden fit of one mean."""
    for method, test, golden in golden_fits(name, measure):
        yield from mean_cells(
            (name, measure, method, test), golden, fitted(name, measure, method, test)
        )


def mean_cells(place: tuple[str, ...], golden: dict[str, Any], fit: cb.Fit) -> Iterator[Cell]:
    """Estimates, tests, intervals, heterogeneity, standard errors of tau2 and criteria."""
    smallest = float(fit.effects.vi.min())
    pairs = {
        "estimate": (golden["beta"], fit.estimate),
        "se": (golden["se"], fit.se),
        "statistic": (golden["zval"], fit.statistic),
        "p_value": (golden["pval"], fit.p_value),
        "ci_low": (golden["ci.lb"], fit.ci[0]),
        "ci_high": (golden["ci.ub"], fit.ci[1]),
        "tau2": (golden["tau2"], fit.tau2),
        "se_tau2": (golden["se.tau2"], fit.se_tau2),
        "i2": (golden["I2"], fit.i2),
        "h2": (golden["H2"], fit.h2),
        "q": (golden["QE"], fit.q),
        "q_p": (golden["QEp"], fit.q_p),
        **omnibus_pairs(golden, fit),
        **predict_pairs(golden.get("predict"), fit),
        **criteria_pairs(golden["fit.stats"], fit),
    }
    floors = {"tau2": NEGLIGIBLE * smallest, "i2": NEGLIGIBLE * 100}
    # A log-likelihood is a sum of k logs that may cancel; so are its differences.
    floors |= dict.fromkeys(criteria_pairs(golden["fit.stats"], fit), 1e-9 * fit.k)
    tolerance = ITERATIVE if fit.method in ITERATED else CLOSED
    for key, (expected, found) in pairs.items():
        floor = floors.get(key, 1e-300)
        yield Cell((*place, key), number(expected), found, tolerance, floor)


def criteria_pairs(golden: dict[str, Any], fit: cb.Fit) -> dict[str, tuple[Any, float]]:
    """Log-likelihoods and criteria of model choice by both likelihoods, and the fit's own."""
    pairs = {
        f"{theirs}.{kind}": (golden[f"{theirs}.{kind}"], getattr(statistics, ours))
        for kind, statistics in (("ML", fit.ml), ("REML", fit.reml))
        for theirs, ours in zip(CRITERIA, OURS, strict=True)
    }
    own = "REML" if fit.method == "REML" else "ML"
    pairs["log_likelihood"] = (golden[f"ll.{own}"], fit.log_likelihood)
    pairs["aic"] = (golden[f"AIC.{own}"], fit.aic)
    return pairs


def omnibus_pairs(golden: dict[str, Any], fit: cb.Fit) -> dict[str, tuple[Any, float]]:
    """Numbers of studies and coefficients, their joint test, and what se and I2 are made of.

    metafor gives the test of all coefficients here too: with only a mean, its test squared. The
    factor ``s2w`` of the variance is that of Knapp and Hartung, ``vt`` the typical variance.
    """
    vi = fit.effects.vi
    weights = 1 / (vi + fit.tau2)
    residual = fit.effects.yi - np.average(fit.effects.yi, weights=weights)
    s2w = float((weights * residual**2).sum()) / (fit.k - 1)
    s2w = {"knha": s2w, "adhoc": max(1.0, s2w)}.get(fit.test, 1.0)
    return {
        "df": (freedom(golden["ddf"]), fit.df),
        "k": (golden["k"], fit.k),
        "p": (golden["p"], 1),
        "m": (golden["m"], 1),
        "qm": (golden["QM"], fit.statistic**2),
        "qm_p": (golden["QMp"], fit.p_value),
        "qm_df": (golden["QMdf"][0], 1),
        "qm_df2": (freedom(golden["QMdf"][1]), fit.df),
        "s2w": (golden["s2w"], s2w),
        "vt": (golden["vt"], (fit.k - 1) / float(fit.projection.solve(np.zeros(1)).trace_p[0])),
    }


PREDICTED = {
    "pred": lambda found: found.estimate,
    "se": lambda found: found.se,
    "ci.lb": lambda found: found.ci[0],
    "ci.ub": lambda found: found.ci[1],
    "pi.lb": lambda found: found.pi[0],
    "pi.ub": lambda found: found.pi[1],
    "pi.se": lambda found: found.pi_se,
    "pi.ddf": lambda found: found.pi_df,
}


def predict_pairs(golden: dict[str, Any] | None, fit: cb.Fit) -> dict[str, tuple[Any, float]]:
    """Return the prediction that goes with a fit; the generalised Q methods have none here.

    In the equal-effects model metafor gives the standard error of the mean for that of a new
    study, and no interval; comorbid has neither.
    """
    if golden is None:
        return {}
    found = fit.predict()
    values = {key: value(found) for key, value in PREDICTED.items() if key in golden}
    if fit.method == "EE":
        values = {key: value for key, value in values.items() if key not in ("pi.se", "pi.ddf")}
    pairs = {key: (golden[key], value) for key, value in values.items()}
    if "pi.ddf" in pairs:
        pairs["pi.ddf"] = (freedom(golden["pi.ddf"]), values["pi.ddf"])
    return {f"predict {key}": pair for key, pair in pairs.items()}


def prediction_cells(name: str, measure: str) -> Iterator[Cell]:
    """Prediction intervals by every rule that metafor has."""
    for test, rules in dataset(name)["analyses"][measure]["predict_REML"].items():
        fit = cb.pool(effects_of(name, measure), test=test)
        for rule, golden in rules.items():
            found = fit.predict(method=rule)
            pairs = {key: (golden[key], value(found)) for key, value in PREDICTED.items()}
            floor = ITERATIVE * math.sqrt(NEGLIGIBLE * float(fit.effects.vi.min()))
            pairs["pi.ddf"] = (freedom(golden["pi.ddf"]), found.pi_df)
            for key, (expected, value) in pairs.items():
                small = floor if key.startswith("pi.") else 1e-300
                yield Cell(
                    (name, measure, test, rule, key), number(expected), value, ITERATIVE, small
                )


INTERVALS = {
    "QP": ("REML", "QP"),
    "PL_REML": ("REML", "PL"),
    "PL_ML": ("ML", "PL"),
    "GENQ_w_sqrt": ("GENQ", "GENQ"),
}


def interval_cells(name: str, measure: str) -> Iterator[Cell]:
    """Intervals of tau2, tau, I2 and H2, but the ends of generalised Q; and which are empty."""
    for key, golden in dataset(name)["analyses"][measure]["confint"].items():
        method, interval = INTERVALS[key]
        fit = fitted(name, measure, method, "z")
        found_all = fit.heterogeneity(method=interval)
        empty = float(bool(found_all.warnings))
        yield Cell((name, measure, key, "ci.null"), float(golden["ci.null"]), empty, ITERATIVE)
        table = found_all.to_frame()
        smallest = float(fit.effects.vi.min())
        for row, quantity in enumerate(table.index):
            floor = {"tau2": smallest, "i2": 100.0}.get(str(quantity), 1e-300) * NEGLIGIBLE
            if quantity == "tau":
                floor = math.sqrt(NEGLIGIBLE * smallest)
            ends = {"estimate": "estimate", "ci.lb": "ci_low", "ci.ub": "ci_high"}
            for theirs, ours in ends.items():
                if key.startswith("GENQ") and theirs != "estimate":
                    continue
                place = (name, measure, key, str(quantity), theirs)
                found = float(table.loc[quantity, ours])  # type: ignore[arg-type]
                yield Cell(place, number(golden[theirs][row]), found, ITERATIVE, floor)


def generalised_cells(name: str, measure: str) -> Iterator[Cell]:
    """Ends of the generalised Q interval, as closely as metafor searches for them.

    What metafor makes of its own ends of tau2 for tau, I2 and H2 is compared closely.
    """
    golden = dataset(name)["analyses"][measure]["confint"]["GENQ_w_sqrt"]
    fit = fitted(name, measure, "GENQ", "z")
    found_all = fit.heterogeneity("GENQ")
    ours = dict(zip(("ci.lb", "ci.ub"), found_all.tau2_ci, strict=True))
    high = found_all.tau2_ci[1]
    typical = high / (found_all.h2_ci[1] - 1) if high > 0 else 1.0
    for end, found in ours.items():
        tau2, *views = (number(value) for value in golden[end])
        yield Cell((name, measure, "GENQ", "tau2", end), tau2, found, UNIROOT, UNIROOT)
        own = (math.sqrt(tau2), 100 * tau2 / (tau2 + typical), tau2 / typical + 1)
        for key, theirs, value in zip(("tau", "i2", "h2"), views, own, strict=True):
            yield Cell((name, measure, "GENQ", key, end), theirs, value, ITERATIVE)


def study_cells(name: str, measure: str) -> Iterator[Cell]:
    """Weights, residuals and predictions for single studies."""
    analysis = dataset(name)["analyses"][measure]
    fit, knha = (cb.pool(effects_of(name, measure), test=test) for test in ("z", "knha"))
    weights = {
        method: fitted(name, measure, method, "z").weights for method in analysis["weights_pct"]
    }
    renamed = {"pi.lb": "pi_low", "pi.ub": "pi_high"}
    tables = {
        "rstandard_REML": rstandard(fit).to_frame(),
        "blup_REML": blup(fit).to_frame(),
        "blup_REML_knha": blup(knha).to_frame(),
        "ranef_REML": ranef(fit).to_frame(),
    }
    used = [i for i, y in enumerate(analysis["yi"]) if y is not None]
    floor = ITERATIVE * math.sqrt(NEGLIGIBLE * float(fit.effects.vi.min()))
    for method, expected in analysis["weights_pct"].items():
        yield from _rows((name, measure, f"weights_{method}"), expected, weights[method], used)
    for key, table in tables.items():
        for column, expected in analysis[key].items():
            found = table[renamed.get(column, column)].to_numpy()
            yield from _rows((name, measure, key, column), expected, found, used, floor)


def _rows(
    place: tuple[str, ...],
    expected: list[float | None],
    found: Any,
    used: list[int],
    floor: float = 1e-300,
) -> Iterator[Cell]:
    """One cell a study; metafor gives all rows or only those with an effect."""
    values = expected if len(expected) == len(found) else [expected[i] for i in used]
    for row, (theirs, ours) in enumerate(zip(values, found, strict=True)):
        yield Cell((*place, str(row)), number(theirs), float(ours), ITERATIVE, floor)
