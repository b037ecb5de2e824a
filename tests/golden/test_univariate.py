"""Every fit of one mean that R's metafor made of the golden data sets, through the public API.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control). What
metafor gives with its default control, under ``fits_default_control``, is not compared: it shows
how far its default stopping rule is off (tau2 of dat.nielweise2007, risk difference, ML, by 34 %).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from golden_data import analyses
from golden_univariate import (
    SJIT_EARLY,
    UNIROOT,
    Cell,
    fit_cells,
    fitted,
    generalised_cells,
    interval_cells,
    prediction_cells,
    study_cells,
)

from comorbid.models.generalised import GeneralisedQ

Cells = Callable[[str, str], Iterator[Cell]]

# The numbers of values compared can grow, never shrink.
AT_LEAST = {
    fit_cells: 137_128,
    prediction_cells: 3_904,
    interval_cells: 2_684,
    generalised_cells: 488,
    study_cells: 25_164,
}

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.DataWarning")


@pytest.mark.parametrize("cells", list(AT_LEAST))
def test_values_agree_with_metafor(cells: Cells) -> None:
    count, wrong, gone = 0, [], []
    for name, measure in analyses():
        for cell in cells(name, measure):
            count += 1
            if cell.place in SJIT_EARLY:
                gone += [cell] if cell.agrees else []
            elif not cell.agrees:
                wrong.append(cell)
    assert not wrong
    assert not gone, "listed in DISAGREEMENTS.md, but agrees"
    assert count >= AT_LEAST[cells]


@pytest.mark.parametrize(("name", "measure"), analyses())
def test_ends_of_generalised_q_have_the_probability_they_should(name: str, measure: str) -> None:
    """The ends of metafor are known to 1.2e-4 only; ours are checked in the equation they solve."""
    fit = fitted(name, measure, "GENQ", "z")
    form = GeneralisedQ(fit.projection, fit.projection.weights)  # type: ignore[arg-type]
    only = np.zeros(1, dtype=np.intp)
    for end, probability in zip(fit.tau2_ci("GENQ"), (0.975, 0.025), strict=True):
        below = form.below(np.array([end]), only)[0][0]
        if end > 0:
            assert below == pytest.approx(probability, rel=1e-9)
        else:
            assert below <= probability


def test_some_ends_of_generalised_q_show_how_far_metafor_searches() -> None:
    """The tolerance above is needed: some ends differ by more than half of it."""
    sizes = [
        abs(cell.found - cell.expected)
        for name, measure in analyses()
        for cell in generalised_cells(name, measure)
        if cell.place[3] == "tau2"
    ]
    assert UNIROOT / 2 < max(sizes) < UNIROOT


def test_a_tau2_next_to_zero_shows_that_the_floor_is_needed() -> None:
    """The last row of DISAGREEMENTS.md."""
    place = ("dat.lau1992", "OR", "ML", "z", "tau2")
    cell = next(cell for cell in fit_cells("dat.lau1992", "OR") if cell.place == place)
    assert cell.agrees
    assert cell.found == 0 < cell.expected < cell.floor
