"""Many independent meta-analyses of 14 studies: comorbid beside metafor and PyMARE.

All sides fit by REML with Knapp and Hartung's test, with intervals and I2. metafor's time is that
of a sample, scaled up.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from bench import Bench, Work
from data import assert_maximum, simulated
from pymare_side import pymare
from r_side import Array, Control, Found
from table import Target

from comorbid.models.compiled import Engine, available
from comorbid.models.fits import Batch
from comorbid.models.kernel import fit_batch
from comorbid.models.settings import find_estimator

pytestmark = pytest.mark.benchmark

COLUMNS = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2")
SAMPLE = 300
SIZES = (10_000, 100_000, 1_000_000)


def fitted(yi: Array, vi: Array, engine: Engine = "numpy") -> Batch:
    reml = find_estimator("REML")
    return fit_batch(yi, vi, estimator=reml, test="knha", level=0.95, engine=engine)


@pytest.mark.parametrize("n", SIZES)
def test_many_sets(bench: Bench, n: int) -> None:
    yi, vi = simulated(14, n)
    batch = fitted(yi, vi)
    some = slice(0, min(n, 100_000))
    assert batch.complete.all()
    assert_maximum(yi[:, some], vi[:, some], batch.tau2[some])
    compiled = partial(fitted, yi, vi, "compiled") if available() else None
    if compiled is not None:
        for name, values in compiled().columns().items():
            np.testing.assert_allclose(values, batch.columns()[name], rtol=1e-9, atol=1e-9)
    places = np.linspace(0, n - 1, SAMPLE).astype(int)

    def theirs(control: Control) -> Found:
        assert bench.r is not None
        return bench.r.do("many", yi[:, places], vi[:, places], control=control)

    target = n == 100_000
    bench.measure(
        Work(
            f"{n:,} sets of 14 studies",
            ours=lambda: fitted(yi, vi),
            compiled=compiled,
            theirs=theirs,
            check=lambda found: {name: getattr(batch, name)[places] for name in COLUMNS},
            sample=n / SAMPLE,
            pymare=pymare(yi, vi) if n <= 100_000 else None,
            runs=3,
            least=Target(times=2000) if target else Target(),
            goal=Target(times=6000, times_pymare=10) if target else Target(),
            said=f"the kernel, all converged, and rma.uni() in a loop over {SAMPLE} of them scaled"
            " up",
        )
    )


def test_pymare_agrees(bench: Bench) -> None:
    """Its search ends within about 1e-7; a set may have two maxima, of which ours is the higher."""
    yi, vi = simulated(14, 10_000)
    fit = pymare(yi, vi)
    if fit is None:
        pytest.skip("PyMARE is not installed")
    gaps = np.abs(fit() - fitted(yi, vi).tau2)
    bench.report.notes.append(
        f"PyMARE: of 10,000 sets tau2 is the same to {np.quantile(gaps, 0.999):.1g} in 99.9 %, and"
        f" {np.sum(gaps > 1e-4)} differ by more than 1e-4"
    )
    assert np.mean(gaps < 1e-5) > 0.999
