"""R's side: one process of R with metafor, which is told what to do and times it itself."""

from __future__ import annotations

import csv
import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Control = Literal["default", "exact"]

WORKS = Path(__file__).with_name("metafor.R")


@dataclass(frozen=True, slots=True)
class Found:
    """What R found and how many seconds that took, without its start and the data's way there."""

    seconds: float
    columns: dict[str, Array]


class Metafor:
    """A running process of R; made by `metafor`.

    Attributes
    ----------
    versions : str
        Of R and metafor.
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder
        r, metafor = self._answer().split("\t")
        self.versions = f"{r.split(' (')[0]}, metafor {metafor}"

    def do(
        self, work: str, yi: Array, vi: Array, *, number: int = 0, control: Control = "default"
    ) -> Found:
        """Let R do a work of ``metafor.R`` with effects of shape (k,), or (k, n) for n sets.

        nan stands where a set has fewer than k studies.
        """
        data, found = self._folder / "data.csv", self._folder / "found.csv"
        _write(data, yi, vi)
        assert self._process.stdin is not None
        print(work, control, number, data, found, sep="\t", file=self._process.stdin, flush=True)
        seconds = float(self._answer())
        with found.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Found(seconds, {name: _column(rows, name) for name in rows[0]})

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("R has ended; its message is above")
        if line.startswith("error: "):
            raise RuntimeError(f"R fails: {line.removeprefix('error: ')}")
        return line.rstrip("\n")


@contextmanager
def metafor() -> Iterator[Metafor | None]:
    """Start R with metafor, and end it; None where one of the two is not installed."""
    command = shutil.which("Rscript")
    if command is None or not _has_metafor(command):
        yield None
        return
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([command, "--vanilla", str(WORKS)], text=True, **pipes) as process,
    ):
        yield Metafor(process, Path(folder))


def _has_metafor(command: str) -> bool:
    look = "quit(status = !requireNamespace('metafor', quietly = TRUE))"
    return subprocess.run([command, "-e", look], capture_output=True, check=False).returncode == 0


def _write(path: Path, yi: Array, vi: Array) -> None:
    yi, vi = (values.reshape(values.shape[0], -1) for values in (yi, vi))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("set", "yi", "vi"))
        for number, columns in enumerate(zip(yi.T.tolist(), vi.T.tolist(), strict=True)):
            pairs = zip(*columns, strict=True)
            writer.writerows((number, y, v) for y, v in pairs if not math.isnan(y))


def _column(rows: list[dict[str, str]], name: str) -> Array:
    return np.array([np.nan if row[name] == "NA" else float(row[name]) for row in rows])
