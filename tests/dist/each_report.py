"""Run one comorbid command on every report: `each_report.py build` or `each_report.py verify`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPORTS = Path(__file__).resolve().parents[2] / "reports"


def report_folders(reports: Path) -> list[Path]:
    """Folders that define a report, in the order of their names."""
    return sorted(definition.parent for definition in reports.glob("*/report.toml"))


def run_each(command: str, folders: list[Path]) -> list[Path]:
    """Run the command on every folder and return those on which it failed."""
    return [
        folder
        for folder in folders
        if subprocess.run(["comorbid", command, str(folder)], check=False).returncode != 0
    ]


def main() -> None:
    """Run the command named by the first argument; exit 1 if there is no report or one failed."""
    command = sys.argv[1]
    folders = report_folders(REPORTS)
    if not folders:
        sys.exit(f"no folder in {REPORTS} has a report.toml")
    failed = run_each(command, folders)
    print(f"comorbid {command}: {len(folders) - len(failed)} passed, {len(failed)} failed")
    if failed:
        sys.exit("failed: " + ", ".join(folder.name for folder in failed))


if __name__ == "__main__":
    main()
