"""Files that hold whole groups, in whatever order, are pooled as they are: nothing is sorted."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_many_files import BY, TABLE, finish, killed_after, leave_work

import comorbid as cb
from comorbid.many import links, looks, parts, source
from comorbid.many.rows import read_rows
from comorbid.many.settings import settings_for

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK_ROWS", 500)
    monkeypatch.setattr(parts, "PART_ROWS", 1200)


def split(table: pd.DataFrame, files: int, *, mixed: bool = True) -> list[pd.DataFrame]:
    """The rows of each file: groups dealt out by chance, whole; their rows mixed or together."""
    rng = np.random.default_rng(3)
    group = table.groupby(BY, sort=False).ngroup().to_numpy()
    file = rng.integers(0, files, group.max() + 1)[group]
    place = rng.permutation(len(table)) if mixed else rng.permutation(group.max() + 1)[group]
    order = np.argsort(place, kind="stable")
    return [table.iloc[order[file[order] == i]].reset_index(drop=True) for i in range(files)]


def write(folder: Path, tables: list[pd.DataFrame], *, group: int = 150) -> Path:
    folder.mkdir()
    for i, table in enumerate(tables):
        whole = pa.Table.from_pandas(table, preserve_index=False)
        parquet.write_table(whole, folder / f"part-{i:03d}.parquet", row_group_size=group)
    return folder


def pooled(given: Path, out: Path, **how: Any) -> tuple[pd.DataFrame, set[str]]:
    """The result, and what was done on the way; sorted rows are in files of the work folder."""
    done: set[str] = set()

    def step(number: int, total: int, what: str) -> None:
        done.add(what)
        if any(out.with_name(f"{out.name}.work").rglob("chunk-*")):
            done.add("sorted rows are written")

    found = cb.pool_many(given, by=BY, out=out, measure="OR", method="DL", step=step, **how)
    return found.to_frame(), done


def in_memory(tables: list[pd.DataFrame], **how: Any) -> pd.DataFrame:
    return cb.pool_many(pd.concat(tables), by=BY, measure="OR", method="DL", **how).to_frame()


STRAIGHT = {"checking the rows", "pooling the groups", "writing the result"}
SORTED = STRAIGHT | {"sorting the rows", "sorted rows are written"}


@pytest.mark.parametrize(
    ("files", "group", "mixed"),
    [(6, 150, True), (6, 10**6, True), (6, 7, False), (6, 400, False), (90, 10**6, True)],
    ids=["several row groups", "one row group", "small row groups", "whole groups", "small files"],
)
def test_nothing_is_sorted(tmp_path: Path, files: int, group: int, mixed: bool) -> None:
    tables = split(TABLE, files, mixed=mixed)
    given = write(tmp_path / "in", tables, group=group)
    found, done = pooled(given, tmp_path / "pools.parquet", adjust="storey")
    assert done == STRAIGHT
    expected = in_memory(tables, adjust="storey")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert found[BY].equals(found[BY].sort_values(BY, ignore_index=True))
    assert parquet.read_metadata(tmp_path / "pools.parquet").num_row_groups > 2


def test_row_groups_of_one_file_are_enough(tmp_path: Path) -> None:
    tables = split(TABLE, 12)
    path = tmp_path / "a.parquet"
    schema = pa.Schema.from_pandas(tables[0], preserve_index=False)
    with parquet.ParquetWriter(path, schema) as file:
        for table in tables:
            file.write_table(pa.Table.from_pandas(table, schema=schema), row_group_size=10**6)
    found, done = pooled(path, tmp_path / "pools.parquet")
    assert done == STRAIGHT
    pd.testing.assert_frame_equal(found, in_memory(tables), check_exact=True)


def shared(tables: list[pd.DataFrame], pairs: list[tuple[int, int]]) -> list[pd.DataFrame]:
    """The tables, with half of the rows of one group of each first file in the second."""
    for one, other in pairs:
        table = tables[one]
        large = table.groupby(BY).size().idxmax()
        rows = table.index[(table[BY] == list(large)).all(axis=1)][::2]
        tables[other] = pd.concat([table.loc[rows], tables[other]], ignore_index=True)
        tables[one] = table.drop(index=rows).reset_index(drop=True)
    return tables


def test_a_group_in_two_files_joins_these(tmp_path: Path) -> None:
    tables = shared(split(TABLE, 6), [(4, 1)])
    found, done = pooled(write(tmp_path / "in", tables), tmp_path / "pools.parquet")
    assert done == STRAIGHT
    pd.testing.assert_frame_equal(found, in_memory(tables), check_exact=True)


def test_files_that_are_joined_are_sorted_if_they_are_too_many(tmp_path: Path) -> None:
    tables = shared(split(TABLE, 6), [(0, 3), (3, 1), (1, 5), (5, 2), (2, 4)])
    found, done = pooled(write(tmp_path / "in", tables), tmp_path / "pools.parquet")
    assert done == SORTED
    pd.testing.assert_frame_equal(found, in_memory(tables), check_exact=True)


def test_a_hash_that_groups_share_costs_no_more_than_sorting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = split(TABLE, 6)
    monkeypatch.setattr(looks, "hashes_of", lambda keys: np.zeros(1, dtype=np.uint64))
    found, done = pooled(write(tmp_path / "in", tables), tmp_path / "pools.parquet")
    assert done == SORTED
    pd.testing.assert_frame_equal(found, in_memory(tables), check_exact=True)


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    chance = random.Random(4)
    given = write(tmp_path / "in", split(TABLE, 6))
    expected = finish(given, tmp_path / "whole.parquet")
    killed = 0
    for i in range(4):
        out = tmp_path / f"{i}.parquet"
        killed += killed_after(given, out, chance.randint(4, 20), chance.random() * 0.02)
        assert not out.exists() or out.read_bytes() == expected
        assert finish(given, out) == expected
    assert killed > 2


class _EndedError(Exception):
    """What stands for the end of the process."""


def test_ended_before_any_file_is_renamed_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = write(tmp_path / "in", split(TABLE, 6)), tmp_path / "pools.parquet"
    pooled(given, tmp_path / "whole.parquet")
    expected = (tmp_path / "whole.parquet").read_bytes()
    replace = Path.replace
    for end_at in itertools.count():
        left = iter(range(end_at))

        def counted(path: Path, to: Path, left: Any = left) -> Path:
            if next(left, None) is None:
                raise _EndedError
            return replace(path, to)

        out.unlink(missing_ok=True)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", counted)
            try:
                pooled(given, out)
                break
            except _EndedError:
                assert not out.exists()
        _, done = pooled(given, out)
        assert ("checking the rows" in done) == (end_at < 2)  # manifest, then how it is cut
        assert out.read_bytes() == expected
    assert end_at > 8
    assert out.read_bytes() == expected


def test_work_that_was_cut_otherwise_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = write(tmp_path / "in", split(TABLE, 6)), tmp_path / "pools.parquet"
    manifest = leave_work(given, out, monkeypatch) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"layout": 2', '"layout": 1'))
    with pytest.warns(cb.DataWarning, match="layout changed since; everything is computed afresh"):
        cb.pool_many(given, by=BY, out=out)


# ── keys in the names of folders ──


def write_by(folder: Path, rows: Any, keys: list[str]) -> None:
    """Write a folder for each value of the keys, as Spark and Dask do too."""
    schema = pa.schema([rows.schema.field(key) for key in keys])
    by = dataset.partitioning(schema, flavor="hive")
    dataset.write_dataset(rows, folder, format="parquet", partitioning=by)


@pytest.mark.parametrize("keys", [BY, ["exposure"], ["outcome"]])
def test_folders_that_name_their_keys_are_pooled_as_they_are(
    tmp_path: Path, keys: list[str]
) -> None:
    table = pd.concat(split(TABLE, 1)).assign(outcome=lambda rows: rows["outcome"] * 3)
    rows = pa.Table.from_pandas(table, preserve_index=False)
    flavour = dataset.partitioning(
        pa.schema([rows.schema.field(key) for key in keys]), flavor="hive"
    )
    dataset.write_dataset(rows, tmp_path / "in", format="parquet", partitioning=flavour)
    found, done = pooled(tmp_path / "in", tmp_path / "pools.parquet")
    assert done == STRAIGHT
    pd.testing.assert_frame_equal(found, in_memory([table]), check_exact=True)


def test_names_of_folders_are_read_as_they_were_meant(tmp_path: Path) -> None:
    rows = TABLE.iloc[:4].assign(exposure=["007", "7", "a/b", "a b=é"], outcome=[3, 2, 1, -5])
    whole = pa.Table.from_pandas(rows, preserve_index=False)
    flavour = dataset.partitioning(
        pa.schema([whole.schema.field(key) for key in BY]), flavor="hive"
    )
    dataset.write_dataset(whole, tmp_path / "in", format="parquet", partitioning=flavour)
    found, _ = pooled(tmp_path / "in", tmp_path / "pools.parquet")
    pd.testing.assert_frame_equal(found, in_memory([rows]), check_exact=True)


def test_a_column_of_the_file_comes_before_the_name_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "exposure=another", [TABLE])
    found, _ = pooled(tmp_path, tmp_path.with_name("pools.parquet"))
    pd.testing.assert_frame_equal(found, in_memory([TABLE]), check_exact=True)


@pytest.mark.parametrize("folder", ["exposure=__HIVE_DEFAULT_PARTITION__", "other=1", "plain"])
def test_a_folder_that_lacks_the_key_is_named(tmp_path: Path, folder: str) -> None:
    for name in ("exposure=asthma", folder):
        (tmp_path / "in" / name).mkdir(parents=True)
        rows = pa.Table.from_pandas(TABLE.drop(columns="exposure"), preserve_index=False)
        parquet.write_table(rows, tmp_path / "in" / name / "0.parquet")
    with pytest.raises(cb.DataError, match=f"{folder}/0.parquet: lacks the column exposure"):
        cb.pool_many(tmp_path / "in", by=BY)


# ── which chunks have groups in common ──


def joined(groups: list[set[int]]) -> list[tuple[int, ...]]:
    """The same by brute force: sets that meet are made one until none do."""
    found: list[tuple[set[int], set[int]]] = []
    for i, own in enumerate(groups):
        meet = [one for one in found if one[1] & own]
        found = [one for one in found if not one[1] & own]
        found.append(({i}.union(*(one[0] for one in meet)), own.union(*(one[1] for one in meet))))
    return sorted(tuple(sorted(chunks)) for chunks, _ in found)


@pytest.mark.parametrize("seed", range(20))
def test_chunks_that_have_groups_in_common_are_found_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [set(rng.integers(0, 300, rng.integers(1, 9)).tolist()) for _ in range(30)]
    expected = [list(chunks) for chunks in joined(groups)]
    largest = max(map(len, expected))
    for most in (largest, largest - 1):
        found = links.Links([1] * 30, most)
        for i in rng.permutation(30).tolist():
            # Spread over 64 bits: the lowest are the chunk's.
            hashes = np.array(sorted(groups[i]), dtype=np.uint64) * np.uint64(2**64 // 301)
            found.add(i, hashes)
        assert found.components() == (expected if most == largest else None)


@pytest.mark.parametrize("name", ["numbers", "names"])
def test_a_group_has_the_same_hash_wherever_it_lies(name: str) -> None:
    as_: Callable[[int], Any] = (lambda i: i - 500) if name == "numbers" else "é{}".format
    groups = [(as_(i), as_(j)) for i in range(40) for j in range(40)]

    def hashes(rows: list[tuple[Any, Any]]) -> set[int]:
        frame = pd.DataFrame(rows, columns=BY).assign(yi=0.1, vi=1.0)
        settings = settings_for(frame, by=BY)
        return set(links.hashes_of(read_rows(frame, settings).keys).tolist())

    every = hashes(groups * 2)
    assert len(every) == len(groups)
    parts_ = [hashes(random.Random(1).sample(groups[i::7], k=50)) for i in range(7)]
    assert [len(own) for own in parts_] == [50] * 7
    assert not any(one & other for one, other in itertools.combinations(parts_, 2))
    assert set().union(*parts_) <= every
