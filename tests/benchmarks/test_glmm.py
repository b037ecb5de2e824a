"""One-step models of counts: speed beside R's metafor, and coverage when events are rare.

Run with ``tox run -e bench``. Ratios are of the same run; coverage is a seeded simulation.
"""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from bench import Bench
from table import Row, Target

import comorbid as cb

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::comorbid.ComorbidWarning"),
]

# dat.bcg and dat.nielweise2007 of metadat 1.2-0, as ai, n1i, ci, n2i
SETS: dict[str, dict[str, list[int]]] = {
    "dat.bcg": {
        "ai": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
        "n1i": [
            *(123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913),
        ],
        "ci": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
        "n2i": [
            *(139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854),
        ],
    },
    "dat.nielweise2007": {
        "ai": [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
        "n1i": [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
        "ci": [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
        "n2i": [
            117,
            35,
            195,
            136,
            157,
            139,
            177,
            39,
            103,
            122,
            64,
            58,
            175,
            180,
            105,
            262,
            362,
            69,
        ],
    },
}
MODELS = ("UM.FS", "UM.RS", "CM.AL")


def simulated(k: int, seed: int) -> dict[str, list[int]]:
    """Return k tables of about 100 to 400 people a group, with risks of about 5 %."""
    rng = np.random.default_rng(seed)
    n1, n2 = rng.integers(100, 400, (2, k))
    base, effect = rng.normal(-3, 0.5, k), rng.normal(-0.4, 0.5, k)
    risk1, risk2 = (1 / (1 + np.exp(-base - side * effect)) for side in (0.5, -0.5))
    columns = {"ai": rng.binomial(n1, risk1), "n1i": n1, "ci": rng.binomial(n2, risk2), "n2i": n2}
    return {name: values.tolist() for name, values in columns.items()}


def seconds_of_metafor(table: dict[str, list[int]], model: str) -> tuple[float, float]:
    """Return the least processor time of three fits by rma.glmm(), and its estimate."""
    columns = ", ".join(f"{name} = c({', '.join(map(str, v))})" for name, v in table.items())
    code = f"""
    suppressMessages(library(metafor))
    fit <- function() suppressWarnings(rma.glmm(measure = "OR", {columns}, model = "{model}"))
    times <- sapply(1:3, function(i) sum(system.time(fit())[1:2]))
    cat(min(times), fit()$beta)
    """
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True)
    least, estimate = map(float, run.stdout.split())
    return least, estimate


def least_seconds(fit: Callable[[], Any], times: int) -> float:
    """Return the least processor time, which others on the machine move less."""
    found = []
    for _ in range(times):
        begin = time.process_time()
        fit()
        found.append(time.process_time() - begin)
    return min(found)


@pytest.mark.parametrize("model", MODELS)
def test_speed_beside_metafor(model: Any, bench: Bench) -> None:
    """Both in processor time of their own; metafor with lme4 and its default control."""
    for name, table in {**SETS, "40 simulated tables": simulated(40, seed=1)}.items():
        fit = cb.glmm(table, model=model, drop00="yes")
        ours = least_seconds(lambda t=table: cb.glmm(t, model=model, drop00="yes"), 10)  # type: ignore[misc]
        theirs = None
        if bench.r is not None:
            theirs, estimate = seconds_of_metafor(table, model)
            assert fit.estimate == pytest.approx(estimate, abs=2e-3)
        target = Target(times=10) if model == "UM.FS" else Target()
        work = f"glmm, {model}, {name}, least CPU time"
        bench.report.rows.append(Row(work, ours, metafor=theirs, least=target, goal=target))


@pytest.mark.parametrize("k", [100, 1_000, 10_000])
def test_time_grows_with_the_number_of_tables(k: int, capsys: pytest.CaptureFixture[str]) -> None:
    table = simulated(k, seed=k)
    fit = cb.glmm(table, model="UM.FS")
    ours = least_seconds(lambda: cb.glmm(table, model="UM.FS"), 1)
    # the truth is -0.4; 5 standard errors are no matter of chance
    assert abs(fit.estimate + 0.4) < 5 * fit.se + 0.05
    with capsys.disabled():
        print(f"\nUM.FS of {k:,} tables: {ours:.2f} s")


TRUTH, TAU, EVENTS, TABLES, DRAWS = -0.5, 0.4, 0.01, 15, 200


def rare_tables() -> Iterator[dict[str, Any]]:
    """Yield tables of 15 studies with 1 % events in group 2, 100 to 500 people a group."""
    rng = np.random.default_rng(2018)
    for _ in range(DRAWS):
        n1, n2 = rng.integers(100, 500, (2, TABLES))
        base = rng.normal(math.log(EVENTS / (1 - EVENTS)), 0.3, TABLES)
        effect = rng.normal(TRUTH, TAU, TABLES)
        risk1, risk2 = (1 / (1 + np.exp(-base - add)) for add in (effect, 0.0))
        yield {"ai": rng.binomial(n1, risk1), "n1i": n1, "ci": rng.binomial(n2, risk2), "n2i": n2}


def methods() -> dict[str, Callable[[Any], Any]]:
    def two_steps(test: Any) -> Callable[[Any], Any]:
        return lambda t: cb.pool(cb.escalc("OR", **t, drop00="yes"), test=test)

    return {
        "UM.FS": lambda t: cb.glmm(t, model="UM.FS"),
        "UM.RS": lambda t: cb.glmm(t, model="UM.RS"),
        "CM.EL": lambda t: cb.glmm(t, model="CM.EL"),
        "CM.AL": lambda t: cb.glmm(t, model="CM.AL"),
        "CM.EL with t": lambda t: cb.glmm(t, model="CM.EL", test="t"),
        "beta-binomial": cb.beta_binomial,
        "penalised logistic, equal effects": cb.penalised_logistic,
        "two steps, REML, z": two_steps("z"),
        "two steps, REML, Knapp-Hartung": two_steps("knha"),
    }


def test_coverage_at_1_percent_events(capsys: pytest.CaptureFixture[str]) -> None:
    """Share of 95 % intervals with the true log odds ratio, and the mean error of the estimate."""
    found: dict[str, list[tuple[float, bool]]] = {name: [] for name in methods()}
    failed = dict.fromkeys(found, 0)
    for table in rare_tables():
        for name, method in methods().items():
            try:
                fit = method(table)
            except cb.ModelError:
                failed[name] += 1
                continue
            found[name].append((fit.estimate - TRUTH, fit.ci[0] <= TRUTH <= fit.ci[1]))
    lines = [
        f"{TABLES} tables, {EVENTS:.0%} events, log OR {TRUTH}, tau {TAU}; {DRAWS} draws",
        f"{'method':<36}{'coverage':>10}{'mean error':>12}{'not fitted':>12}",
    ]
    share, bias = {}, {}
    for name, results in found.items():
        errors, inside = np.array([r[0] for r in results]), np.array([r[1] for r in results])
        share[name], bias[name] = inside.mean(), errors.mean()
        error = errors.std(ddof=1) / math.sqrt(errors.size)
        lines.append(
            f"{name:<36}{share[name]:>10.3f}{bias[name]:>8.3f} +-{error:.3f}{failed[name]:>8}"
        )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    # Monte-Carlo error of a coverage of 0.95: 4 of its standard errors
    margin = 4 * math.sqrt(0.95 * 0.05 / DRAWS)
    assert share["CM.EL with t"] > 0.95 - margin
    assert share["UM.RS"] > 0.90 - margin
    # what is added to zero cells draws the two-step estimate towards no association
    assert bias["two steps, REML, z"] > bias["CM.EL"]
    assert max(failed.values()) <= DRAWS / 50
