"""How often intervals hold the truth of `phenome`, and how many discoveries are false.

Each share is printed beside its binomial standard error, each bias beside its own, so that what
differs from the nominal value by more than chance can be told from what does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Mask = npt.NDArray[np.bool_]

KEYS = ["exposure", "outcome"]
FITTED = ["estimate", "ci_low", "ci_high", "pi_low", "pi_high", "p_adjusted"]
K_CLASSES = [(5, 9), (10, 19), (20, 39), (40, 60)]
I2_CLASSES = [(0, 0), (0, 25), (25, 50), (50, 75), (75, 100)]
CASES_CLASSES = [(0, 5), (5, 10), (10, 50), (50, np.inf)]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of n, and the standard error of the share if each is hit with that chance."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else float("nan")

    @property
    def se(self) -> float:
        return float(np.sqrt(self.value * (1 - self.value) / self.n)) if self.n else float("nan")

    def off(self, expected: float) -> float:
        """How many of the standard errors that n hits at the expected share have it lies away."""
        return float((self.value - expected) / np.sqrt(expected * (1 - expected) / self.n))

    def __str__(self) -> str:
        return f"{100 * self.value:6.2f} ({100 * self.se:.2f})"


def joined(fits: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Fits beside the truth, every pair once."""
    named = dict.fromkeys(KEYS, str)
    fitted = fits[[*KEYS, *FITTED]].astype(named)
    found = truth.astype(named).merge(fitted, on=KEYS, validate="1:1")
    assert len(found) == len(truth) == len(fits)
    assert np.isfinite(found[["estimate", "ci_low", "ci_high", "p_adjusted"]]).all(axis=None)
    return found


def holds(found: pd.DataFrame, interval: str, value: str) -> Share:
    inside = (found[f"{interval}_low"] <= found[value]) & (
        found[value] <= found[f"{interval}_high"]
    )
    return Share(int(inside.sum()), len(found))


def confidence(found: pd.DataFrame) -> Share:
    return holds(found, "ci", "mean")


def prediction(found: pd.DataFrame) -> Share:
    """Of the true effect of one more cohort, which no estimate has seen."""
    return holds(found, "pi", "further")


def false_discoveries(found: pd.DataFrame, q: float = 0.05) -> Share:
    """Nulls among the pairs whose adjusted p-value is at most q."""
    called = found["p_adjusted"] <= q
    return Share(int((called & (found["mean"] == 0)).sum()), int(called.sum()))


def discovered(found: pd.DataFrame, q: float = 0.05) -> Share:
    """Pairs with a true association that are called one."""
    real = found["mean"] != 0
    return Share(int((real & (found["p_adjusted"] <= q)).sum()), int(real.sum()))


def bias(found: pd.DataFrame) -> tuple[float, float]:
    """The mean difference of estimate and truth, log odds ratio, and its standard error."""
    error = found["estimate"] - found["mean"]
    return float(error.mean()), float(error.std() / np.sqrt(len(error)))


def classes(truth: pd.DataFrame) -> dict[str, Mask]:
    """By what is true of a pair, never by what was estimated: that would choose by the result."""
    made: dict[str, Mask] = {"all": np.ones(len(truth), bool)}
    for low, high in K_CLASSES:
        made[f"k {low} to {high}"] = truth["k"].between(low, high).to_numpy()
    for low, high in I2_CLASSES:
        inside = truth["i2"].between(low, high, inclusive="right") if high else truth["i2"] == 0
        made[f"I2 {low} to {high} %" if high else "I2 0 (tau2 = 0)"] = inside.to_numpy()
    for low, high in CASES_CLASSES:
        inside = truth["expected_cases"].between(low, high, inclusive="left")
        made[f"cases {low} to {high:g}"] = inside.to_numpy()
    return {name: inside for name, inside in made.items() if inside.any()}


def report(tests: dict[str, pd.DataFrame]) -> str:
    """Coverage and bias by class, one column a test, and the false discoveries."""
    first = next(iter(tests.values()))
    columns = [f"{what} {test}" for what in ("CI", "PI") for test in tests]
    lines = [f"{'':<18}{'pairs':>9}" + "".join(f"{name:>15}" for name in [*columns, "bias"])]
    for name, inside in classes(first).items():
        shares = [measure(found[inside]) for measure in (confidence, prediction)
                  for found in tests.values()]  # fmt: skip
        mean, se = bias(first[inside])
        cells = "".join(f"{share!s:>15}" for share in shares)
        lines.append(f"{name:<18}{inside.sum():>9,}{cells}{mean:>8.4f} ({se:.4f})")
    for test, found in tests.items():
        lines.append(
            f"{test}: false discoveries at 5 % (BH) {false_discoveries(found)} %,"
            f" true associations found {discovered(found)} %"
        )
    return "\n".join(lines)
