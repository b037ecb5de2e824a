"""What a command loads before it has done its work: the less, the sooner it is done."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import comorbid as cb
from comorbid.cli.special import COMPILED
from comorbid.studies.arrays import Arrays

TABLE = """study_id,measure,estimate,ci_low,ci_high,year
a,OR,1.7,1.2,2.4,1999
b,OR,2.6,1.5,4.5,2004
c,OR,2.1,1.4,3.2,2010
"""

HEAVY = {
    *("pandas", "pyarrow", "matplotlib", "forestplot", "pingouin", "statsmodels", "formulaic"),
    *(
        "scipy.stats",
        "scipy.optimize",
        "scipy.special._basic",
        "numpy.f2py",
        "numpy.testing",
        "numpy.ma",
    ),
    *("jinja2", "weasyprint", "pypdf", "pluggy", "pybtex", "numba", "dask"),
}

RUN = """
import sys
from comorbid.cli import main
code = main({arguments!r}, standalone_mode=False)
print("LOADED", *sys.modules)
"""


def run(code: str) -> str:
    """Return what a fresh Python prints."""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_a_pool_from_a_file_loads_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(TABLE, encoding="utf-8")
    said, _, loaded = run(RUN.format(arguments=["pool", str(path)])).partition("LOADED")
    assert HEAVY & set(loaded.split()) == set()
    assert "scipy.special._ufuncs" in loaded.split()
    assert said.strip() == cb.pool(cb.effects(cb.read_studies(path))).summary()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("special.ndtri(0.975), loaded()", "1.959963984540054 False"),
        ("special.logsumexp([0.0, 0.0]), loaded()", "0.6931471805599453 True"),
        ("special.factorial(4), special.gamma(5.0)", "24.0 24.0"),
        ("hasattr(special, 'no_such_function')", "False"),
        ("scipy.stats.norm.ppf(0.975) == special.ndtri(0.975)", "True"),
        ("scipy.special.ndtri is special.ndtri", "True"),
    ],
)
def test_what_stands_for_scipy_special_gives_all_of_it(code: str, said: str) -> None:
    """Closed forms: log 2, 4! and Gamma(5)."""
    lines = (
        "import sys, scipy",
        "from comorbid.cli.special import load_less",
        "load_less()",
        "from scipy import special",
        "loaded = lambda: 'scipy.special._basic' in sys.modules",
        f"print(*({code},))",
    )
    assert run("\n".join(lines)).strip() == said


def test_compiled_functions_are_those_of_scipy_special() -> None:
    from scipy.special import _ufuncs

    assert {name for name in COMPILED if getattr(special, name) is getattr(_ufuncs, name)} == {
        *COMPILED
    }


def test_a_scipy_that_keeps_its_compiled_functions_elsewhere_is_loaded_whole() -> None:
    code = (
        "import sys, comorbid.cli.special as ours; ours._COMPILED_MODULE = 'scipy.special._moved'; "
        "ours.load_less(); from scipy import special; "
        "print(special.ndtri(0.975), 'scipy.special._basic' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["1.959963984540054", "True"]


def test_columns_are_those_of_the_frame() -> None:
    table = Arrays(
        {
            "n": np.array([8.0, np.nan]),
            "sex": np.array(["f", ""], dtype=object),
            "blind": np.array([True, None], dtype=object),
            "primary": np.array([True, False]),
        }
    )
    frame = table.frame
    assert frame["sex"].tolist() == table.cells("sex") == ["f", ""]
    assert frame["primary"].tolist() == table.cells("primary") == [True, False]
    assert str(frame["blind"].dtype) == "boolean"
    assert [repr(cell) for cell in table.cells("blind")] == ["True", "<NA>"]
    assert table.records()[1]["blind"] is None
    assert frame["n"].tolist()[0] == table.take(np.array([True, False]))["n"][0] == 8.0
    assert (table.is_number("n"), table.is_number("sex"), table.is_number("age")) == (1, 0, 0)


def test_columns_cannot_be_written_to_also_when_pickled() -> None:
    values = np.array([1.0, 2.0])
    for table in (Arrays({"n": values}), pickle.loads(pickle.dumps(Arrays({"n": values})))):
        with pytest.raises(ValueError, match="read-only"):
            table["n"][0] = 9.0
        assert table["n"].tolist() == [1.0, 2.0]
    assert values.flags.writeable  # what was given stays its owner's
