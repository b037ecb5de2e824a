"""Drawing leaves nothing behind, and nothing outside reaches into a drawing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_figures_svg import bcg

import comorbid as cb

ROOT = Path(cb.__file__).parent.parent

FIRST = """
import json, sys, warnings
import numpy as np
import matplotlib
import matplotlib.font_manager

def state():
    import matplotlib._pylab_helpers as helpers
    return [
        {k: str(v) for k, v in matplotlib.rcParams.items() if k != "backend"},
        matplotlib.rcParams._get_backend_or_none(),
        [str(f) for f in warnings.filters],
        np.geterr(),
        list(helpers.Gcf.figs),
        len(matplotlib.font_manager.fontManager.ttflist),
    ]

import comorbid as cb
fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02], measure="OR"))
figures = cb.figures
before = state()
figures.forest(fit)
figures.funnel(fit)
assert "forestplot" in sys.modules
for one, other in zip(before, state(), strict=True):
    assert one == other, (one, other)
print("unchanged")
"""

IMPORT = """
import sys
import comorbid as cb
cb.figures.forest
heavy = {"matplotlib", "forestplot", "pandas.plotting", "scipy.stats"} & set(sys.modules)
assert not heavy, heavy
print("light")
"""


def run(script: str, **environment: str) -> str:
    outside = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**outside, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_first_figure_of_a_process_changes_nothing_global() -> None:
    assert run(FIRST) == "unchanged"


def test_the_module_imports_no_drawing_package() -> None:
    assert run(IMPORT) == "light"


def test_no_screen_is_needed_and_no_window_opened() -> None:
    # Were the backend ever loaded, this one, which does not exist, would raise.
    assert run(FIRST, MPLBACKEND="module://no_such_backend") == "unchanged"


def test_a_figure_the_user_is_drawing_stays_the_current_one() -> None:
    from matplotlib import pyplot as plt

    mine = plt.figure()
    try:
        cb.figures.forest(cb.pool(bcg()))
        assert plt.gcf() is mine
        assert plt.get_fignums() == [mine.number]
        assert mine.axes == []
    finally:
        plt.close(mine)


def test_the_users_settings_do_not_reach_the_figure() -> None:
    import matplotlib

    fit = cb.pool(bcg())
    plain = cb.figures.forest(fit).svg
    with matplotlib.rc_context():
        matplotlib.style.use("dark_background")
        matplotlib.rcParams.update(
            {"text.usetex": True, "svg.fonttype": "none", "lines.linewidth": 9, "axes.grid": True}
        )
        assert cb.figures.forest(fit).svg == plain


def test_floating_point_errors_are_still_reported_afterwards() -> None:
    before = np.geterr()
    with np.errstate(all="raise"):
        cb.figures.forest(cb.pool(bcg()))
        assert set(np.geterr().values()) == {"raise"}
    assert np.geterr() == before


def test_warnings_are_still_heard_afterwards() -> None:
    cb.figures.forest(cb.pool(bcg()))
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", UserWarning, stacklevel=1)


def test_the_effects_and_the_fit_are_not_touched() -> None:
    fit = cb.pool(bcg())
    before = hashlib.sha256(repr(fit.to_dict()).encode()).hexdigest()
    cb.figures.forest(fit)
    cb.figures.funnel(fit)
    cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit)
    assert hashlib.sha256(repr(fit.to_dict()).encode()).hexdigest() == before
