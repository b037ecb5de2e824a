"""Pools of many groups from Arrow tables, and from Parquet files in parts, however often ended."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import comorbid as cb
from comorbid.cli import main
from comorbid.many import parts, source, work

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
parquet = pytest.importorskip("pyarrow.parquet")

BY = ["exposure", "outcome"]


def long_table(*, groups: int, seed: int = 5) -> pd.DataFrame:
    """A seeded simulation, group after group in the order of the keys, with gaps."""
    rng = np.random.default_rng(seed)
    k = rng.integers(1, 12, groups)
    group = np.repeat(np.arange(groups), k)
    vi = rng.uniform(0.01, 0.3, group.size)
    yi = rng.normal(0.2, np.sqrt(vi + 0.05))
    yi[rng.random(group.size) < 0.02] = np.nan
    exposures = [f"E{i:03d}" for i in range(groups // 17 + 1)]
    return pd.DataFrame(
        {
            "exposure": np.array(exposures, dtype=object)[group // 17],
            "outcome": group % 17,
            "yi": yi,
            "vi": vi,
        }
    )


TABLE = long_table(groups=900)
MIXED = TABLE.sample(frac=1, random_state=2).reset_index(drop=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK_ROWS", 500)
    monkeypatch.setattr(parts, "PART_ROWS", 1200)


def write(path: Path, table: pd.DataFrame, *, group: int = 400) -> Path:
    parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), path, group)
    return path


def pooled(table: Any, out: Path | None = None, **how: Any) -> tuple[pd.DataFrame, set[str]]:
    """The result, and what was done on the way."""
    done: list[str] = []

    def step(number: int, total: int, what: str) -> None:
        assert 1 <= number <= total
        done.append(what)

    return cb.pool_many(table, by=BY, out=out, step=step, **how).to_frame(), set(done)


@pytest.mark.parametrize(
    ("table", "group", "sorts"),
    [(TABLE, 400, False), (MIXED, 400, True), (MIXED, 10**6, True), (TABLE, 7, False)],
    ids=["in order", "in no order", "in one row group", "in small row groups"],
)
def test_parts_give_what_the_whole_gives(
    tmp_path: Path, table: pd.DataFrame, group: int, sorts: bool
) -> None:
    half = len(table) // 2
    folder = tmp_path / "estimates"
    (folder / "b").mkdir(parents=True)
    write(folder / "a.parquet", table.iloc[:half], group=group)
    write(folder / "b" / "b.parquet", table.iloc[half:], group=group)
    write(folder / "_not_this.parquet", table)
    out = tmp_path / "pools.parquet"
    found, done = pooled(folder, out, method="DL")
    expected, _ = pooled(table, method="DL")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert ("sorting the rows" in done) == sorts
    assert sorted(path.name for path in tmp_path.iterdir()) == ["estimates", "pools.parquet"]
    again, _ = pooled(dataset.dataset(folder), method="DL")
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


@pytest.mark.parametrize(
    "given_as",
    [
        pa.Table.from_pandas,
        lambda table: pa.Table.from_pandas(table).to_reader(max_chunksize=100),
        lambda table: pa.Table.from_pandas(table.astype({"exposure": "category"})),
        lambda table: pa.table(
            {
                "exposure": pa.array(table.exposure, pa.large_string()),
                "outcome": pa.array(table.outcome, pa.uint8()),
                **{name: pa.array(table[name]) for name in ("yi", "vi")},
            }
        ),
    ],
    ids=["table", "reader", "dictionary", "other types"],
)
def test_an_arrow_table_of_any_types_gives_the_same_bits(given_as: Any) -> None:
    expected, _ = pooled(MIXED, method="DL")
    found, _ = pooled(given_as(MIXED), method="DL")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("outcome", [0.5, 1, 2], "outcome holds numbers; a key is names"),
        ("outcome", [2**63] * 3, "outcome: Integer value 9223372036854775808 not in range"),
        ("exposure", ["a", None, "b"], "row 2: exposure is missing"),
        ("yi", list("abc"), "yi holds names; give numbers"),
    ],
)
def test_an_arrow_table_that_cannot_be_pooled_is_said(
    column: str, values: list[Any], message: str
) -> None:
    table = pa.Table.from_pandas(TABLE.iloc[:3].drop(columns=column))
    kind = pa.uint64() if isinstance(values[0], int) else None
    table = table.append_column(column, pa.array(values, kind))
    with pytest.raises(cb.DataError, match=message):
        pooled(table)


def test_names_as_many_as_rows_are_pooled_too(tmp_path: Path) -> None:
    table = MIXED.assign(exposure=[f"{7919 * i % 1900:05d}" for i in range(len(MIXED))])
    found, done = pooled(write(tmp_path / "a.parquet", table), method="DL")
    assert "sorting the rows" in done
    pd.testing.assert_frame_equal(found, pooled(table, method="DL")[0], check_exact=True)


def test_counts_are_pooled_in_parts_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    cells = {name: rng.integers(0, 40, len(MIXED)) for name in ("ai", "bi", "ci", "di")}
    table = MIXED[BY].assign(**cells)
    found, _ = pooled(write(tmp_path / "a.parquet", table), measure="OR", method="DL")
    expected, _ = pooled(table, measure="OR", method="DL")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_the_file_says_how_it_was_made(tmp_path: Path) -> None:
    out = tmp_path / "pools.parquet"
    result = cb.pool_many(write(tmp_path / "a.parquet", TABLE), by=BY, out=out, measure="OR")
    made = json.loads(parquet.read_schema(out).metadata[b"comorbid"])
    assert (made["measure"], made["method"], made["adjust"]) == ("OR", "REML", "BH")
    assert result.path == out
    assert result.columns == {}
    assert f"written: {out}" in result.summary()
    assert result.groups == parquet.read_metadata(out).num_rows == 900


# ── ended and run again ──

RUN = """
import sys, comorbid as cb
from comorbid.many import parts, source
source.CHUNK_ROWS, parts.PART_ROWS = 500, 1200
cb.pool_many(sys.argv[1], by=["exposure", "outcome"], out=sys.argv[2], method="DL",
             step=lambda number, total, what: print(number, what, flush=True))
"""


def start(given: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", RUN, str(given), str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(given: Path, out: Path) -> bytes:
    process = start(given, out)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert not out.with_name(f"{out.name}.work").exists()
    return out.read_bytes()


def killed_after(given: Path, out: Path, steps: int, later: float) -> bool:
    """Start a run, kill it a while after so many steps; return whether it was still running."""
    process = start(given, out)
    assert process.stdout is not None
    lines = itertools.islice(process.stdout, steps)
    assert sum(1 for _ in lines) <= steps
    time.sleep(later)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def kill_and_check(tmp_path: Path, *, times: int, seed: int) -> None:
    chance = random.Random(seed)
    killed = 0
    given = write(tmp_path / "a.parquet", MIXED)
    expected = finish(given, tmp_path / "whole.parquet")
    for i in range(times):
        out = tmp_path / f"{i}.parquet"
        for _ in range(chance.randint(1, 3)):
            killed += killed_after(given, out, chance.randint(0, 24), chance.random() * 0.03)
            # Whatever moment it was, there is no file or a whole one.
            assert not out.exists() or out.read_bytes() == expected
        assert finish(given, out) == expected
    assert killed > times / 2


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    kill_and_check(tmp_path, times=3, seed=1)


@pytest.mark.slow
def test_a_run_that_was_killed_often_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    kill_and_check(tmp_path, times=25, seed=2)


class _EndedError(Exception):
    """What stands for the end of the process."""


@pytest.mark.parametrize("table", [TABLE, MIXED.iloc[:2600]], ids=["in order", "in no order"])
def test_ended_before_or_after_any_file_is_renamed_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: pd.DataFrame
) -> None:
    given = write(tmp_path / "a.parquet", table)
    whole = tmp_path / "whole.parquet"
    pooled(given, whole, method="DL")
    replace, unlink = Path.replace, Path.unlink
    moments = 0
    for end_at in itertools.count():
        left = iter(range(end_at))

        def counted(act: Callable[..., Any], left: Iterator[int] = left) -> Callable[..., Any]:
            def acting(path: Path, *arguments: Any, **named: Any) -> Any:
                if next(left, None) is None:
                    raise _EndedError
                return act(path, *arguments, **named)

            return acting

        out = tmp_path / "pools.parquet"
        out.unlink(missing_ok=True)
        monkeypatch.setattr(Path, "replace", counted(replace))
        monkeypatch.setattr(Path, "unlink", counted(unlink))
        try:
            pooled(given, out, method="DL")
            ended = False
        except _EndedError:
            ended = True
        monkeypatch.setattr(Path, "replace", replace)
        monkeypatch.setattr(Path, "unlink", unlink)
        if ended:
            moments += 1
            assert not out.exists() or out.read_bytes() == whole.read_bytes()
            pooled(given, out, method="DL")
        assert out.read_bytes() == whole.read_bytes()
        assert not (tmp_path / "pools.parquet.work").exists()
        if not ended:
            break
    assert moments > 10


def leave_work(given: Path, out: Path, monkeypatch: pytest.MonkeyPatch, **how: Any) -> Path:
    """Run until the result of the first part is there."""
    from comorbid.many import local

    written = local.write_part

    def once(*arguments: Any) -> None:
        written(*arguments)
        raise _EndedError

    with monkeypatch.context() as patched:
        patched.setattr(local, "write_part", once)
        with pytest.raises(_EndedError):
            pooled(given, out, **how)
    return out.with_name(f"{out.name}.work")


def test_work_that_is_there_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    folder = leave_work(given, out, monkeypatch)
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.arrow")}
    assert len(before) > 5
    _, done = pooled(given, out)
    assert done == {"pooling the groups", "writing the result"}


@pytest.mark.parametrize(
    ("change", "how", "said"),
    [
        (lambda path: None, {"method": "PM"}, "settings changed"),
        (lambda path: None, {"adjust": "storey"}, "settings changed"),
        (lambda path: write(path, MIXED.iloc[:-1]), {}, "input changed"),
        (lambda path: write(path, MIXED.assign(yi=0.5)), {}, "input changed"),
    ],
    ids=["method", "adjust", "rows", "values"],
)
def test_what_changed_since_is_said_and_everything_is_done_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, how: dict[str, Any], said: str
) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    leave_work(given, out, monkeypatch)
    change(given)
    with pytest.warns(cb.DataWarning, match=f"{said} since; everything is computed afresh"):
        found, _ = pooled(given, out, **how)
    expected, _ = pooled(given, tmp_path / "other.parquet", **how)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_other_software_starts_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    folder = leave_work(given, out, monkeypatch)
    manifest = folder / "manifest.json"
    manifest.write_text(re.sub(r'"numpy": "[^"]*"', '"numpy": "0.0"', manifest.read_text()))
    with pytest.warns(cb.DataWarning, match="software changed since"):
        pooled(given, out)


def test_files_of_others_in_the_work_folder_stay(tmp_path: Path) -> None:
    given, out = write(tmp_path / "a.parquet", TABLE), tmp_path / "pools.parquet"
    mine = tmp_path / "pools.parquet.work" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    pooled(given, out)
    assert [path.name for path in mine.parent.iterdir()] == ["notes.txt"]


def test_a_second_run_on_the_same_file_is_refused(tmp_path: Path) -> None:
    given, out = write(tmp_path / "a.parquet", TABLE), tmp_path / "pools.parquet"
    with (
        work.work_folder(out, {"input": "another process"}),
        pytest.raises(cb.DataError, match=r"pools.parquet: another process is making this file"),
    ):
        pooled(given, out)
    pooled(given, out)
    assert out.exists()


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    assert killed_after(given, out, 10, 0)
    assert (tmp_path / "pools.parquet.work" / "lock").exists()
    finish(given, out)


def test_an_input_that_changes_meanwhile_is_an_error(tmp_path: Path) -> None:
    given, out = write(tmp_path / "a.parquet", TABLE), tmp_path / "pools.parquet"

    def step(number: int, total: int, what: str) -> None:
        if what == "pooling the groups" and number == total:
            os.utime(given, (1, 1))

    with pytest.raises(cb.DataError, match="the input changed while it was read"):
        cb.pool_many(given, by=BY, out=out, step=step)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


# ── what cannot be used ──


def test_an_earlier_result_is_replaced_at_the_end_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    out.write_bytes(b"earlier")
    leave_work(given, out, monkeypatch)
    assert out.read_bytes() == b"earlier"
    pooled(given, out)
    assert out.read_bytes() != b"earlier"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("estimates", "estimates: is a folder; give the name of a file"),
        ("none/pools.parquet", "its folder does not exist; make it first"),
        ("estimates/pools.parquet", "is the input, or in its folder; write to another file"),
        ("estimates/a.parquet", "is the input, or in its folder; write to another file"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_first(
    tmp_path: Path, out: str, message: str
) -> None:
    (tmp_path / "estimates").mkdir()
    write(tmp_path / "estimates" / "a.parquet", TABLE)
    with pytest.raises(cb.DataError, match=message):
        pooled(tmp_path / "estimates", tmp_path / out)


@pytest.mark.skipif(os.name != "posix", reason="no full device")
def test_a_disk_without_space_is_said_and_the_work_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = write(tmp_path / "a.parquet", MIXED), tmp_path / "pools.parquet"
    with monkeypatch.context() as patched:

        def full(path: Path, *_: Any) -> Path:
            if "part-000001" in path.name:
                raise OSError(28, "No space left on device")
            return path.rename(*_)

        patched.setattr(Path, "replace", full)
        with pytest.raises(cb.DataError, match="cannot write: No space left on device; make its"):
            pooled(given, out)
    found, done = pooled(given, out)
    assert "sorting the rows" not in done
    assert len(found) == 900


def test_folders_and_files_that_are_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(cb.DataError, match=r"none.parquet: is no file and no folder; check the"):
        pooled(tmp_path / "none.parquet")
    with pytest.raises(cb.DataError, match="holds no Parquet file; give a folder of files that"):
        pooled(tmp_path)
    (tmp_path / "text.parquet").write_text("yi,vi\n1,1\n")
    cut = write(tmp_path / "cut.parquet", TABLE).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(cb.DataError) as caught:
        pooled(tmp_path)
    assert [problem.file for problem in caught.value.problems] == ["cut.parquet", "text.parquet"]
    assert "is it whole, and a Parquet file?" in str(caught.value)


def test_a_file_that_is_broken_inside_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", TABLE)
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(bytes(content))
    with pytest.raises(cb.DataError, match=r"a.parquet: cannot be read"):
        pooled(path, tmp_path / "pools.parquet")


def test_a_file_without_rows(tmp_path: Path) -> None:
    with pytest.raises(cb.DataError, match="holds no rows; add an estimate"):
        pooled(write(tmp_path / "a.parquet", TABLE.iloc[:0]))


def test_files_must_agree_in_their_columns(tmp_path: Path) -> None:
    folder = tmp_path / "estimates"
    folder.mkdir()
    write(folder / "a.parquet", TABLE)
    write(folder / "b.parquet", TABLE.drop(columns="vi"))
    write(folder / "c.parquet", TABLE.assign(outcome=TABLE.outcome.astype(str)))
    with pytest.raises(cb.DataError) as caught:
        pooled(folder)
    assert [str(problem) for problem in caught.value.problems] == [
        "b.parquet: lacks the column vi; add it",
        "c.parquet: column outcome holds names, and whole numbers in a.parquet; write all files "
        "with the same types",
    ]


def test_lists_are_no_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", TABLE.assign(outcome=[[1]] * len(TABLE)))
    with pytest.raises(cb.DataError, match=r"a.parquet: outcome holds list<.*; a key is names"):
        pooled(path)


def test_whole_numbers_and_numbers_go_together_as_values(tmp_path: Path) -> None:
    folder = tmp_path / "estimates"
    folder.mkdir()
    write(folder / "a.parquet", TABLE)
    write(folder / "b.parquet", TABLE.assign(yi=1, vi=2, exposure="new"))
    found, _ = pooled(folder, method="DL")
    assert found.estimate[found.exposure == "new"].eq(1).all()


def test_rows_that_cannot_be_are_named_with_their_file_all_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "estimates"
    folder.mkdir()
    write(folder / "a.parquet", TABLE.assign(vi=TABLE.vi.where(TABLE.index != 1234, -1)))
    write(folder / "b.parquet", TABLE.assign(exposure=TABLE.exposure.where(TABLE.index != 7)))
    with pytest.raises(cb.DataError) as caught:
        pooled(folder, tmp_path / "pools.parquet")
    assert [str(problem) for problem in caught.value.problems] == [
        "a.parquet, row 1235: vi is -1; it must be more than 0",
        "b.parquet, row 8: exposure is missing; give every row its key, or leave the row out",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["estimates"]


# ── the command ──


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, ["pool-many", *map(str, arguments)])


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    given = write(tmp_path / "a.parquet", MIXED.rename(columns={"yi": "log or"}))
    out = tmp_path / "pools.parquet"
    result = run(
        *(given, out, "--by", "exposure, outcome", "--column", "yi=log or"),
        *("--measure", "OR", "--method", "DL", "--test", "z", "--adjust", "storey"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].startswith("900 groups by exposure, outcome, ")
    expected, _ = pooled(MIXED, measure="OR", method="DL", test="z", adjust="storey")
    pd.testing.assert_frame_equal(cb_frame(out), expected, check_exact=True)


def cb_frame(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).astype({"loo_crosses_null": "boolean"})


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--by", "exposure", "--method", "XX"], 2, "method is 'XX'"),
        (["--by", "exposure", "--column", "yi"], 2, "give INPUT=COLUMN, such as yi=log_or"),
        ([], 2, "Missing option '--by'"),
        (["--by", "drug"], 1, "error: by names drug, which the table lacks"),
        (["--by", ","], 1, "error: by is []; name one or several columns"),
        (["--by", "exposure", "--adjust", "holm"], 1, "error: adjust is 'holm'; use one of"),
    ],
)
def test_the_command_says_what_is_wrong(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    given = write(tmp_path / "a.parquet", TABLE)
    result = run(given, tmp_path / "pools.parquet", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
