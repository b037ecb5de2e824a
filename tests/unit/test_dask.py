"""The Dask engine: the bytes of the local one, from worker processes that may end at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

distributed = pytest.importorskip("distributed")

import cloudpickle  # noqa: E402 - comes with distributed
import pyarrow as pa  # noqa: E402
from pyarrow import parquet  # noqa: E402

import comorbid as cb  # noqa: E402
from comorbid.many import dask_engine, parts, source  # noqa: E402
from comorbid.many.settings import settings_for  # noqa: E402

BY = ["exposure", "outcome"]
# What a test sends to workers is sent whole: they do not find this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def long_table(groups: int = 400) -> pd.DataFrame:
    """A seeded simulation, group after group in the order of the keys."""
    rng = np.random.default_rng(8)
    k = rng.integers(1, 12, groups)
    group = np.repeat(np.arange(groups), k)
    vi = rng.uniform(0.01, 0.3, group.size)
    yi = rng.normal(0.2, np.sqrt(vi + 0.05))
    names = np.array([f"E{i:03d}" for i in range(groups)], dtype=object)
    return pd.DataFrame({"exposure": names[group // 17], "outcome": group % 17, "yi": yi, "vi": vi})


TABLE = long_table()
MIXED = TABLE.sample(frac=1, random_state=2).reset_index(drop=True)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes of one machine."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK_ROWS", 200)
    monkeypatch.setattr(parts, "PART_ROWS", 250)


def write(folder: Path, table: pd.DataFrame, *, group: int = 150) -> Path:
    folder.mkdir()
    half = len(table) // 2
    for name, rows in {"a": table.iloc[:half], "b": table.iloc[half:]}.items():
        whole = pa.Table.from_pandas(rows, preserve_index=False)
        parquet.write_table(whole, folder / f"{name}.parquet", row_group_size=group)
    return folder


def write_apart(folder: Path) -> Path:
    """Write eight files that hold whole groups, in no order."""
    folder.mkdir()
    file = pd.util.hash_pandas_object(MIXED[BY], index=False) % 8
    for i, rows in MIXED.groupby(file):
        whole = pa.Table.from_pandas(rows, preserve_index=False)
        parquet.write_table(whole, folder / f"{i}.parquet", row_group_size=100)
    return folder


def locally(given: Path, out: Path) -> bytes:
    cb.pool_many(given, by=BY, measure="OR", out=out)
    return out.read_bytes()


@pytest.mark.parametrize(
    ("table", "group", "sorts"),
    [(TABLE, 150, False), (MIXED, 150, True), (MIXED, 10**6, True)],
    ids=["in order", "in no order", "in one row group"],
)
def test_workers_write_the_bytes_of_the_local_run(
    client: Any, tmp_path: Path, table: pd.DataFrame, group: int, sorts: bool
) -> None:
    given, out = write(tmp_path / "in", table, group=group), tmp_path / "dask.parquet"
    done = []
    found = cb.pool_many(
        given,
        by=BY,
        measure="OR",
        out=out,
        engine="dask",
        step=lambda number, total, what: done.append((number, total, what)),
    )
    assert found.groups == 400
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dask.parquet",
        "in",
        "local.parquet",
    ]
    pooled = [(number, total) for number, total, what in done if what == "pooling the groups"]
    assert len(pooled) == pooled[0][1] > 5
    assert any(what == "sorting the rows" for *_, what in done) == sorts


def test_workers_read_keys_from_the_names_of_folders_too(client: Any, tmp_path: Path) -> None:
    for name, rows in TABLE.groupby("exposure"):
        folder = tmp_path / "in" / f"exposure={name}"
        folder.mkdir(parents=True)
        whole = pa.Table.from_pandas(rows.drop(columns="exposure"), preserve_index=False)
        parquet.write_table(whole, folder / "0.parquet")
    out = tmp_path / "dask.parquet"
    cb.pool_many(tmp_path / "in", by=BY, measure="OR", out=out, engine="dask")
    assert out.read_bytes() == locally(tmp_path / "in", tmp_path / "local.parquet")
    assert parquet.read_metadata(out).num_rows == 400


def test_a_table_in_memory_is_pooled_by_workers_too(client: Any) -> None:
    expected = cb.pool_many(MIXED, by=BY, method="DL").to_frame()
    for table in (MIXED, pa.Table.from_pandas(MIXED, preserve_index=False)):
        found = cb.pool_many(table, by=BY, method="DL", engine="dask", client=client).to_frame()
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_an_address_is_as_good_as_a_client(client: Any, tmp_path: Path) -> None:
    address = client.scheduler.address
    found = cb.pool_many(TABLE, by=BY, out=tmp_path / "a.parquet", engine="dask", client=address)
    assert found.groups == parquet.read_metadata(tmp_path / "a.parquet").num_rows == 400
    assert distributed.Client.current() is client


RUN = """
import os, signal, sys
import comorbid as cb
from comorbid.many import parts, source
source.CHUNK_ROWS, parts.PART_ROWS = 200, 250
given, out, address, last = sys.argv[1:]
def step(number, total, what):
    if (what, number) == ("pooling the groups", int(last)):
        os.kill(os.getpid(), signal.SIGKILL)
cb.pool_many(given, by=["exposure", "outcome"], measure="OR", out=out, engine="dask",
             client=address, step=step)
"""


def test_a_run_whose_client_was_killed_goes_on(client: Any, tmp_path: Path) -> None:
    given, out = write(tmp_path / "in", MIXED), tmp_path / "dask.parquet"
    address = client.scheduler.address
    command = [sys.executable, "-W", "error", "-c", RUN, str(given), str(out), address, "3"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not out.exists()
    kept = list((tmp_path / "dask.parquet.work").glob("*/part-*.arrow"))
    assert len(kept) >= 3
    steps: list[str] = []
    cb.pool_many(
        given,
        by=BY,
        measure="OR",
        out=out,
        engine="dask",
        step=lambda number, total, what: steps.append(what),
    )
    assert "checking the rows" not in steps
    assert "sorting the rows" not in steps
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")


def test_what_is_left_of_a_run_on_other_settings_is_not_gone_on_from(
    client: Any, tmp_path: Path
) -> None:
    # A worker may write its last part after its client was ended, and after the next run began.
    given, out = write(tmp_path / "in", MIXED), tmp_path / "dask.parquet"

    def interrupt(number: int, total: int, what: str) -> None:
        if (what, number) == ("pooling the groups", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask", step=interrupt)
    (first,) = (tmp_path / "dask.parquet.work").glob("*/")
    assert len(list(first.glob("part-*.arrow"))) >= 3
    with pytest.warns(cb.DataWarning, match="not gone on from, because settings changed"):
        cb.pool_many(given, by=BY, measure="OR", method="DL", out=out, engine="dask")
    expected = tmp_path / "local.parquet"
    cb.pool_many(given, by=BY, measure="OR", method="DL", out=expected)
    assert out.read_bytes() == expected.read_bytes()


def test_wrong_rows_are_named_as_by_the_local_run(client: Any, tmp_path: Path) -> None:
    table = MIXED.copy()
    table.loc[[3, 700, 1500], "vi"] = -1.0
    given = write(tmp_path / "in", table)
    with pytest.raises(cb.DataError) as local:
        cb.pool_many(given, by=BY)
    with pytest.raises(cb.DataError) as dask:
        cb.pool_many(given, by=BY, out=tmp_path / "dask.parquet", engine="dask")
    assert dask.value.problems == local.value.problems
    assert len(local.value.problems) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# -- Clusters that cannot do it --------------------------------------------------------------------


def test_workers_with_other_releases_are_refused_by_name(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = dask_engine.software
    monkeypatch.setattr(
        dask_engine, "software", lambda how: ours(how) | {"numpy": "1.0", "no": "2"}
    )
    with pytest.raises(cb.ModelError) as refused:
        cb.pool_many(TABLE, by=BY, engine="dask")
    for worker in client.run(os.getpid):
        assert f"worker {worker} has numpy {np.__version__}, this process 1.0" in str(refused.value)
        assert f"worker {worker} has no no, this process 2" in str(refused.value)
    assert "install the same releases on all workers" in str(refused.value)


def test_workers_with_other_code_are_refused_by_name(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_engine, "_code", lambda: "another")
    with pytest.raises(cb.ModelError, match=r"has another comorbid, .*install the same") as refused:
        cb.pool_many(TABLE, by=BY, engine="dask")
    assert all(f"worker {worker} " in str(refused.value) for worker in client.run(os.getpid))


def test_workers_that_do_not_see_the_folder_are_named(client: Any, tmp_path: Path) -> None:
    found = client.run(dask_engine._trouble, str(tmp_path / "none" / "job.pickle"))
    assert set(found.values()) == {
        f"does not see {tmp_path / 'none'}; write OUT to a folder that all workers share"
    }


def test_a_worker_that_comes_later_is_checked_before_its_first_task(
    client: Any, tmp_path: Path
) -> None:
    given = source.open_source(write(tmp_path / "in", TABLE))
    how = settings_for(TABLE, by=BY)
    job = dask_engine._job(client, tmp_path, given, how)
    write(tmp_path / "other", MIXED)
    (tmp_path / "other" / "a.parquet").replace(tmp_path / "in" / "a.parquet")
    task = client.submit(dask_engine._look, job, 0, pure=False)
    with pytest.raises(dask_engine._ClusterError, match="a worker sees other input files"):
        task.result(timeout=30)


@pytest.mark.slow
def test_a_cluster_that_goes_ends_the_run_and_keeps_the_work(client: Any, tmp_path: Path) -> None:
    given, out = write(tmp_path / "in", MIXED), tmp_path / "dask.parquet"
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as other,
    ):

        def step(number: int, total: int, what: str) -> None:
            if (what, number) == ("pooling the groups", 3):
                cluster.close()

        with pytest.raises(cb.ModelError, match="the Dask cluster ended before the run did"):
            cb.pool_many(
                given, by=BY, measure="OR", out=out, engine="dask", client=other, step=step
            )
    assert list((tmp_path / "dask.parquet.work").glob("*/part-*.arrow"))
    cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask")
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")


def test_there_must_be_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(**how: Any) -> None:
        cb.pool_many(TABLE, by=BY, **how)

    with pytest.raises(cb.ModelError, match="engine is 'spark'; use one of local, dask"):
        pool(engine="spark")
    with pytest.raises(cb.ModelError, match="client is given, and engine is 'local'"):
        pool(client="tcp://127.0.0.1:1")
    with pytest.raises(cb.ModelError, match=r"client is 3; give a distributed.Client"):
        pool(engine="dask", client=3)
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(cb.ModelError, match=r"no Dask cluster at tcp://127.0.0.1:1"),
    ):
        pool(engine="dask", client="tcp://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setattr(distributed.Client, "current", classmethod(_no_client))
        with pytest.raises(cb.ModelError, match="there is no Dask client; make one"):
            pool(engine="dask")
    monkeypatch.setattr(dask_engine, "find_spec", lambda name: None)
    with pytest.raises(cb.ModelError, match=r"not installed; pip install 'comorbid\[dask\]'"):
        pool(engine="dask")


def _no_client(cls: type) -> None:
    raise ValueError("No clients found")


# -- Workers that end ------------------------------------------------------------------------------


class Killer(distributed.WorkerPlugin):
    """Ends the process of one worker while it is at its third task of a kind."""

    def __init__(self, flag: Path, task: str) -> None:
        self.flag, self.task, self.seen = flag, task, 0

    def setup(self, worker: Any) -> None:
        self.seen = 0

    def transition(self, key: Any, start: str, finish: str, **more: Any) -> None:
        if finish != "executing" or not str(key).startswith(self.task):
            return
        self.seen += 1
        if self.seen == 3:
            try:
                with self.flag.open("x", encoding="utf-8") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                return  # another worker was ended, or this is the one that took its place
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("task", "made"),
    [
        ("_spill", lambda folder: write(folder, MIXED)),
        ("_pool_part", lambda folder: write(folder, MIXED)),
        ("_look", write_apart),
        ("_pool_part", write_apart),
    ],
    ids=["sorting", "pooling", "looking at files of whole groups", "pooling files of whole groups"],
)
def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    client: Any, tmp_path: Path, task: str, made: Callable[[Path], Path]
) -> None:
    given, out = made(tmp_path / "in"), tmp_path / "dask.parquet"
    client.register_plugin(Killer(tmp_path / "killed", task), name="killer")
    done = set()

    def step(number: int, total: int, what: str) -> None:
        done.add(what)

    try:
        cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask", client=client, step=step)
    finally:
        client.unregister_worker_plugin("killer")
    ended = int((tmp_path / "killed").read_text(encoding="utf-8"))
    assert ended not in client.run(os.getpid).values()
    assert ("sorting the rows" in done) == (made is not write_apart)
    keys = parquet.read_table(out, columns=BY).to_pandas()
    assert len(keys) == 400
    assert not keys.duplicated().any()
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")
    assert not (tmp_path / "dask.parquet.work").exists()


def test_workers_sort_nothing_where_files_hold_whole_groups(client: Any, tmp_path: Path) -> None:
    given, out = write_apart(tmp_path / "in"), tmp_path / "dask.parquet"
    done = set()

    def step(number: int, total: int, what: str) -> None:
        done.add(what)
        assert not list((tmp_path / "dask.parquet.work").rglob("chunk-*"))

    cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask", step=step)
    assert done == {"checking the rows", "pooling the groups", "writing the result"}
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")
    keys = parquet.read_table(out, columns=BY).to_pandas()
    assert keys.equals(keys.sort_values(BY, ignore_index=True))


def test_workers_that_end_one_after_another_end_the_run_and_keep_the_work(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By default a task ends four workers before Dask gives it up; here one.
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    given, out = write(tmp_path / "in", MIXED), tmp_path / "dask.parquet"
    client.register_plugin(Killer(tmp_path / "killed", "_pool_part"), name="killer")
    try:
        with pytest.raises(
            cb.ModelError, match=r"worker after worker ended .*\n.* run again: what is done is kept"
        ):
            cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask")
    finally:
        client.unregister_worker_plugin("killer")
    assert list((tmp_path / "dask.parquet.work").glob("*/part-*.arrow"))
    cb.pool_many(given, by=BY, measure="OR", out=out, engine="dask")
    assert out.read_bytes() == locally(given, tmp_path / "local.parquet")
