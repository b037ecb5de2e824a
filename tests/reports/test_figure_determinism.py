"""The same fit gives the same figure bytes, whatever the process it is drawn in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import comorbid

SCRIPT = """
import sys
from pathlib import Path

import comorbid as cb

overrides = [
    cb.Override(estimate, use="counts", reason="The printed interval is not that of a sample.")
    for estimate in ("ghandour2004-1", "swain2014-1")
]
effects = cb.effects(cb.datasets.headache_back_pain(), overrides=overrides)
fit = cb.pool(effects)
folder = Path(sys.argv[1])
folder.mkdir()
figures = {
    "forest": cb.figures.forest(fit, title="Çelik & Łukasz"),
    "leave-one-out": cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit),
    "subgroups": cb.figures.subgroups(cb.subgroups(effects, by="population")),
    "funnel": cb.figures.funnel(fit),
}
for name, figure in figures.items():
    figure.save(folder / f"{name}.svg")
    (folder / f"{name}.txt").write_text(figure.alt + figure.caption, encoding="utf-8")
"""


def drawn(folder: Path, **environment: str) -> dict[str, bytes]:
    """Draw in a process of its own and return the files by name."""
    variables = {**os.environ, "PYTHONPATH": str(Path(comorbid.__file__).parent.parent)}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**variables, **environment},
        cwd=folder.parent,
        check=True,
    )
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_figures_are_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    here = drawn(tmp_path / "a", PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8")
    there = drawn(
        tmp_path / "b",
        PYTHONHASHSEED="4711",
        TZ="Asia/Kathmandu",
        LC_ALL="de_DE.UTF-8",
        SOURCE_DATE_EPOCH="1234567890",
        MPLBACKEND="svg",
    )
    assert len(here) == 8
    assert here == there
