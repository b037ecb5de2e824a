from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.report.files import file_hash, write_together

LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import comorbid as cb
from comorbid.report.files import write_together
try:
    write_together(Path(sys.argv[1]), {"a": b"new", "b": b"x" * 5000})
except cb.ReportError as error:
    print(error)
"""


def test_files_are_written_and_nothing_is_left_aside(tmp_path: Path) -> None:
    write_together(tmp_path, {"a": b"1", "b": b"2"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}


def test_full_disk_leaves_the_earlier_files_whole(tmp_path: Path) -> None:
    """The system refuses the second file as it does on a full disk; the first was fine."""
    write_together(tmp_path, {"a": b"old a", "b": b"old b"})
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot write: File too large; make the folder writable or free some space" in run.stdout
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old a",
        "b": b"old b",
    }


def test_interruption_leaves_the_earlier_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_together(tmp_path, {"a": b"old a", "b": b"old b"})

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_together(tmp_path, {"a": b"new", "b": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old a",
        "b": b"old b",
    }


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that has gone stands for every folder that refuses a new file, also for root."""
    with pytest.raises(cb.ReportError, match="the earlier files are unchanged"):
        write_together(tmp_path / "gone", {"a": b"1"})


def test_a_folder_in_the_place_of_a_file_is_found_before_anything_is_renamed(
    tmp_path: Path,
) -> None:
    write_together(tmp_path, {"a": b"old"})
    (tmp_path / "b").mkdir()
    with pytest.raises(cb.ReportError, match="b: is a folder; move it away"):
        write_together(tmp_path, {"a": b"new", "b": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".a.12345.part").write_bytes(b"half")
    write_together(tmp_path, {"a": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_hash_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match=r"studies.csv: cannot read"):
        file_hash(tmp_path / "studies.csv")


def test_hash_is_sha256(tmp_path: Path) -> None:
    """FIPS 180-2, appendix B.1: the digest of the three letters abc."""
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_hash(tmp_path / "abc") == digest
