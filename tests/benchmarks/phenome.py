"""A phenome-wide table of comorbidity whose truth is known: a seeded simulation, no data of people.

``python tests/benchmarks/phenome.py OUT --conditions 1000 --seed 1`` writes ``OUT/estimates``, a
folder of Parquet files with one row per pair of conditions and cohort, ``OUT/truth.parquet``, one
row per pair, and ``OUT/simulation.json``, which says how both were made. Whole pairs stand in a
file; memory holds one file's worth, whatever the number of conditions.

What is assumed, all of it drawn from the seed:

- Heterogeneity: tau2 is 0 for 30 % of pairs, otherwise log-normal(-2.56, 1.74), the distribution
  of a general setting in Turner RM et al. (2012), Int J Epidemiol 41:818-827,
  doi:10.1093/ije/dys041. Theirs are trials of treatments; that cohorts differ as much is assumed.
- The true mean log odds ratio is 0 for half of the pairs, otherwise normal(0.3, 0.5); prevalences
  are log-uniform from 0.2 % to 20 % and differ between cohorts (logit, standard deviation 0.3);
  cohorts have 5,000 to 500,000 people, log-uniform. These have no source: they are of the size that
  large health registers show, and only spread the cases over what a method has to cope with.
- Of 60 cohorts each condition is recorded in 33 to 60. A cohort reports a pair if it records both
  and expects 5 people with both, were they independent; the 5 that expect most report it anyway: 5
  to 60 estimates a pair. Whether one is missing does not depend on its value.

The model "normal" draws estimates from a normal distribution around each cohort's true effect, with
the variance that the expected counts at the pair's mean give: the random-effects model holds
exactly. "counts" draws the people of each 2 x 2 table and computes log odds ratio and variance from
them, with 1/2 added to the cells of a table where one is 0, as metafor does. There the log odds
ratio of rare conditions is biased, and its variance goes with it: what a method meets in practice.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

COHORTS = 60
NULL, HOMOGENEOUS = 0.5, 0.3
"""Shares of pairs whose mean log odds ratio is 0, and whose tau2 is 0."""
PAIRS_A_FILE = 8192

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Design:
    """Who is looked at: sizes (60,), prevalences and what is recorded (conditions, 60)."""

    seed: int
    size: Array
    prevalence: Array
    recorded: npt.NDArray[np.bool_]
    directed: bool

    @property
    def firsts(self) -> Index:
        """The number of the first pair of each condition, and the number of pairs at the end."""
        n = len(self.prevalence)
        partners = np.full(n, n - 1) if self.directed else np.arange(n - 1, -1, -1)
        return np.concatenate([[0], np.cumsum(partners)]).astype(np.intp)

    @property
    def pairs(self) -> int:
        return int(self.firsts[-1])

    def pair(self, number: Index) -> tuple[Index, Index]:
        """Exposure and outcome of pairs by number, in the order of exposure and outcome."""
        firsts = self.firsts
        exposure = np.searchsorted(firsts, number, side="right") - 1
        outcome = number - firsts[exposure]
        if self.directed:
            return exposure, outcome + (outcome >= exposure)
        return exposure, outcome + exposure + 1


def design(*, conditions: int, seed: int, directed: bool = False) -> Design:
    rng = np.random.default_rng([seed, 0])
    size = np.round(np.exp(rng.uniform(np.log(5e3), np.log(5e5), COHORTS)))
    logit = rng.uniform(np.log(0.002), np.log(0.2), (conditions, 1))
    logit = logit - np.log1p(-np.exp(logit)) + rng.normal(0, 0.3, (conditions, COHORTS))
    recording = rng.integers(33, COHORTS + 1, (conditions, 1))
    order = rng.random((conditions, COHORTS)).argsort(axis=1)
    return Design(seed, size, 1 / (1 + np.exp(-logit)), order < recording, directed)


def simulate(made: Design, file: int, *, model: str) -> tuple[pa.Table, pa.Table]:
    """The estimates and the truth of the pairs of one file; the same whatever else is made."""
    rng = np.random.default_rng([made.seed, 1, file])
    number = np.arange(file * PAIRS_A_FILE, min((file + 1) * PAIRS_A_FILE, made.pairs))
    exposure, outcome = made.pair(number)
    both = made.size * made.prevalence[exposure] * made.prevalence[outcome]
    recorded = made.recorded[exposure] & made.recorded[outcome]
    seen = np.where(recorded, both, -np.inf)
    fifth = np.partition(seen, COHORTS - 5, axis=1)[:, [COHORTS - 5]]
    pair, cohort = np.nonzero(seen >= np.minimum(5.0, fifth))

    mean = np.where(rng.random(number.size) < NULL, 0.0, rng.normal(0.3, 0.5, number.size))
    spread = np.exp(rng.normal(-2.56, 1.74, number.size))
    tau2 = np.where(rng.random(number.size) < HOMOGENEOUS, 0.0, spread)
    further = rng.normal(mean, np.sqrt(tau2))
    own = rng.normal(mean[pair], np.sqrt(tau2)[pair])

    people = made.size[cohort]
    margins = made.prevalence[exposure[pair], cohort], made.prevalence[outcome[pair], cohort]
    if model == "normal":
        vi = (1 / cells(*margins, mean[pair])).sum(axis=0) / people
        estimates = {"yi": rng.normal(own, np.sqrt(vi)), "vi": vi}
    else:
        counts = draw(rng, people, cells(*margins, own))
        table = counts + 0.5 * (counts == 0).any(axis=0)
        yi = np.log(table[0]) - np.log(table[1]) - np.log(table[2]) + np.log(table[3])
        estimates = dict(zip(["ai", "bi", "ci", "di"], counts.astype(np.int32), strict=True))
        estimates |= {"yi": yi, "vi": (1 / table).sum(axis=0)}
    names = _names("C", len(made.prevalence)), _names("cohort-", COHORTS)
    rows = {
        "exposure": _named(exposure[pair], names[0]),
        "outcome": _named(outcome[pair], names[0]),
        "cohort": _named(cohort, names[1]),
        **estimates,
    }
    truth = {
        "exposure": _named(exposure, names[0]),
        "outcome": _named(outcome, names[0]),
        "mean": mean,
        "tau2": tau2,
        "i2": true_i2(estimates["vi"], tau2, pair),
        "further": further,
        "k": np.bincount(pair, minlength=number.size),
        "expected_cases": np.bincount(pair, both[pair, cohort], number.size) / np.bincount(pair),
    }
    return pa.table(rows), pa.table(truth)


def cells(p1: Array, p2: Array, log_odds_ratio: Array) -> Array:
    """Shares of a 2 x 2 table with the margins p1 and p2 and an odds ratio, of shape (4, n).

    The smaller root of Plackett RL (1965), J Am Stat Assoc 60:516-522, without cancellation.
    """
    ratio = np.exp(log_odds_ratio)
    s = 1 + (p1 + p2) * (ratio - 1)
    a = 2 * ratio * p1 * p2 / (s + np.sqrt(s**2 - 4 * ratio * (ratio - 1) * p1 * p2))
    return np.maximum(np.stack([a, p1 - a, p2 - a, 1 - p1 - p2 + a]), 0.0)


def draw(rng: np.random.Generator, people: Array, shares: Array) -> Array:
    """Counts of 2 x 2 tables, multinomial: each cell is binomial given those before it."""
    left, rest = people.astype(np.int64), np.ones(people.size)
    counts = []
    for share in shares[:3]:
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = np.clip(np.nan_to_num(share / rest), 0.0, 1.0)
        counts.append(rng.binomial(left, chance))
        left, rest = left - counts[-1], rest - share
    return np.stack([*counts, left]).astype(np.float64)


def true_i2(vi: Array, tau2: Array, pair: Index) -> Array:
    """I2 in percent of the true tau2 and the typical variance of Higgins and Thompson (2002).

    Statistics in Medicine 21:1539-1558, equation 9. doi:10.1002/sim.1186
    """
    w, w2 = np.bincount(pair, 1 / vi), np.bincount(pair, 1 / vi**2)
    typical = (np.bincount(pair) - 1) * w / (w**2 - w2)
    return 100 * tau2 / (tau2 + typical)


def parts(made: Design, *, model: str) -> Iterator[tuple[pa.Table, pa.Table]]:
    for file in range(-(-made.pairs // PAIRS_A_FILE)):
        yield simulate(made, file, model=model)


def write(out: Path, *, conditions: int, seed: int, model: str, directed: bool = False) -> int:
    """Write a simulation into a new folder, aside and renamed; returns the number of estimates."""
    made = design(conditions=conditions, seed=seed, directed=directed)
    aside = out.with_name(f"{out.name}.{os.getpid()}.partial")
    (aside / "estimates").mkdir(parents=True)
    total, writer = 0, None
    try:
        for file, (estimates, truth) in enumerate(parts(made, model=model)):
            path = aside / "estimates" / f"part-{file:05d}.parquet"
            plain = {"use_dictionary": ["exposure", "outcome", "cohort"], "compression": "zstd"}
            pq.write_table(estimates, path, row_group_size=2**17, **plain)
            writer = writer or pq.ParquetWriter(aside / "truth.parquet", truth.schema)
            writer.write_table(truth)
            total += estimates.num_rows
    finally:
        if writer:
            writer.close()
    about = {
        "what": "a seeded simulation by tests/benchmarks/phenome.py; no data of people",
        "conditions": conditions,
        "pairs": made.pairs,
        "estimates": total,
        "seed": seed,
        "model": model,
        "directed": directed,
        "numpy": np.__version__,
    }
    (aside / "simulation.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    aside.rename(out)
    return total


def _names(prefix: str, n: int) -> pa.Array:
    return pa.array([f"{prefix}{i:0{len(str(n - 1))}d}" for i in range(n)])


def _named(index: Index, names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), names)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--conditions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", choices=["normal", "counts"], default="normal")
    parser.add_argument("--directed", action="store_true", help="both directions of each pair")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists; name a folder that does not")
    total = write(**vars(given))
    print(f"{given.out}: {total:,} estimates, a seeded simulation")


if __name__ == "__main__":
    main()
