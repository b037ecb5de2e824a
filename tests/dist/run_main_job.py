"""Do the main job from the wheels alone: `run_main_job.py WHEELS`.

A clean environment gets the wheels; a copy of the report's folder, away from the source tree, is
verified against its committed lock, built, and verified again, also its PDF alone. Then a number is
changed in the lock, and must be found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "reports" / "headache-back-pain"
PRESSED = ("report.pdf", "report.html")


class Installation:
    """A clean virtual environment that holds comorbid and its plugins, installed from wheels."""

    def __init__(self, folder: Path, wheels: list[Path]) -> None:
        venv.create(folder, with_pip=True, clear=True)
        self.folder = folder
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        constraints = ROOT / "reports" / "constraints.txt"
        pip = ["-m", "pip", "install", "--quiet", "--constraint", str(constraints)]
        self.run("python", *pip, *map(str, wheels))

    def run(self, program: str, *arguments: str, exit_code: int = 0) -> str:
        """Run a program of the environment outside the source tree; return what it said."""
        outside = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        print("+", program, *arguments, flush=True)
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.folder.parent,
            env=outside,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode != exit_code:
            sys.exit(f"{program} ended with exit code {done.returncode}, not {exit_code}")
        return done.stdout


def check_origin(installed: Installation) -> None:
    """The package that runs must be the installed one, not the source tree."""
    said = installed.run("python", "-c", "import comorbid; print(comorbid.__file__)")
    if not Path(said.strip()).is_relative_to(installed.folder):
        sys.exit(f"comorbid was imported from {said.strip()}, not from the wheel")


def check_pdf(report: Path) -> None:
    """The build must have left a PDF of some length, and the page as HTML."""
    pdf = (report / "report.pdf").read_bytes()
    if not pdf.startswith(b"%PDF-") or len(pdf) < 20_000:
        sys.exit(f"report.pdf is no whole PDF: {len(pdf)} bytes, beginning {pdf[:8]!r}")
    if "<html" not in (report / "report.html").read_text(encoding="utf-8"):
        sys.exit("report.html is no HTML")


def change_a_number(lock: Path) -> None:
    """Change the last digit of the first estimate in the lock."""
    text = lock.read_text(encoding="utf-8")
    found = re.search(r'"estimate": (-?\d+\.\d{6,})', text)
    if found is None:
        sys.exit(f"{lock.name} holds no estimate in full precision")
    position = found.end(1) - 1
    digit = (int(text[position]) + 5) % 10
    lock.write_text(text[:position] + str(digit) + text[position + 1 :], encoding="utf-8")


def do_main_job(wheels: Path, scratch: Path) -> None:
    """Do it in the folder ``scratch``, away from the source tree."""
    report = scratch / REPORT.name
    shutil.copytree(REPORT, report, ignore=shutil.ignore_patterns(*PRESSED))
    installed = Installation(scratch / "environment", sorted(wheels.resolve().glob("*.whl")))
    check_origin(installed)
    installed.run("comorbid", "plugins")
    installed.run("comorbid", "verify", str(report))
    installed.run("comorbid", "build", str(report))
    check_pdf(report)
    installed.run("comorbid", "verify", str(report))
    alone = shutil.copy(report / "report.pdf", scratch / "alone.pdf")
    installed.run("comorbid", "verify", str(alone))
    change_a_number(report / "results.json")
    if "estimate" not in installed.run("comorbid", "verify", str(report), exit_code=1):
        sys.exit("verify failed as it should, but did not name the changed number")


def main() -> None:
    """Install, verify, build, verify, and see a changed lock fail."""
    with tempfile.TemporaryDirectory() as scratch:
        do_main_job(Path(sys.argv[1]), Path(scratch).resolve())
    print("The wheels do the main job.")


if __name__ == "__main__":
    main()
