"""The migraine plugin does what comorbid asks of every plugin, and its command works."""

from __future__ import annotations

from pathlib import Path

import comorbid_migraine
from click.testing import CliRunner
from comorbid_migraine.command import command

from comorbid.testing import check_plugin, studies_csv

test_conformance = check_plugin(comorbid_migraine)


def test_command_compares_the_migraine_rows_with_the_others(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    headache = ["migraine", "migraine", "any", "any", "any"]
    path.write_text(studies_csv(5, headache=headache), encoding="utf-8")
    done = CliRunner().invoke(command, [str(path)])
    assert done.exit_code == 0, done.output
    assert "migraine" in done.output
    assert "Test between subgroups: Q(df = 1)" in done.output
