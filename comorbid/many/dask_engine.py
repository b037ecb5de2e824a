"""The Dask engine: the workers of a cluster do what the local engine does, to the same bytes.

Workers and this process share a file system: each task reads its part of the input and writes its
result into the work folder, aside and renamed, so that a task that is done twice, because a worker
was lost, leaves one result. This process holds no rows; it puts the results together at the end.
"""

from __future__ import annotations

import collections
import hashlib
import pickle
import platform
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comorbid.checks import shown
from comorbid.errors import ModelError, Problem
from comorbid.many.local import (
    Chunks,
    Engine,
    Step,
    known_parts,
    parts_left,
    pool_part,
    read_parts,
    software,
)
from comorbid.many.looks import Look, Looks, look, sampled
from comorbid.many.output import part_file
from comorbid.many.parts import Parts
from comorbid.many.settings import Settings
from comorbid.many.source import Source
from comorbid.many.spill import chunk_file, chunks_left, spill_chunk
from comorbid.many.work import ELSEWHERE

if TYPE_CHECKING:
    from distributed import Client as Client

_ROOMS = ("effects", "models", "many")
_GOES_ON = "then run again: what is done is kept in OUT.work"


@dataclass(frozen=True, slots=True)
class Job:
    """What the tasks of a run have in common, read by each worker from the work folder."""

    folder: Path
    source: Source
    fingerprint: list[dict[str, Any]]
    settings: Settings
    software: dict[str, str]
    code: str
    every: int


class _ClusterError(Exception):
    """The cluster ended or is not fit for the run: no reason to throw away what is written."""


@contextmanager
def dask_engine(client: Client | str | None) -> Iterator[Engine]:
    """Give the engine of a cluster.

    Parameters
    ----------
    client : distributed.Client, str or None
        A client, the address of a scheduler, or the client that is current.

    Raises
    ------
    ModelError
        If Dask is not installed, there is no such cluster, it ends before the run does, or a worker
        has other releases, another comorbid or other files than this process.
    """
    with _connected(client) as cluster:
        try:
            yield Engine(partial(_find, cluster), partial(_pool, cluster), ELSEWHERE)
        except _ClusterError as error:
            raise ModelError([*map(Problem, error.args), Problem(_GOES_ON)]) from error


@contextmanager
def _connected(client: Client | str | None) -> Iterator[Client]:
    if find_spec("distributed") is None:
        remedy = "pip install 'comorbid[dask]'"
        raise ModelError([Problem("engine is 'dask', and Dask is not installed", remedy)])
    import distributed

    if isinstance(client, str):
        try:
            connected = distributed.Client(client, set_as_default=False)
        except (OSError, ValueError) as error:
            remedy = "give the address of its scheduler, such as 'tcp://10.0.0.1:8786'"
            raise ModelError([Problem(f"no Dask cluster at {client}: {error}", remedy)]) from error
        with connected:
            yield connected
        return
    if client is None:
        try:
            client = distributed.Client.current()
        except ValueError as error:
            remedy = "make one, such as distributed.Client('tcp://10.0.0.1:8786'), or give client="
            raise ModelError([Problem("there is no Dask client", remedy)]) from error
    if not isinstance(client, distributed.Client) or client.asynchronous:
        remedy = "give a distributed.Client that is not asynchronous, or the address of a scheduler"
        raise ModelError([Problem(f"client is {shown(client)}", remedy)])
    yield client


# -- In this process -------------------------------------------------------------------------------


def _find(client: Client, folder: Path, source: Source, settings: Settings, step: Step) -> Parts:
    def find() -> Parts:
        job = _job(client, folder, source, settings)
        chunks = range(len(source.chunks))
        looks = Looks(source)
        for number, one in _done(client, _look, job, chunks, step, "checking the rows"):
            looks.add(number, one)
        return looks.parts()

    return known_parts(folder, find)


def _pool(
    client: Client, folder: Path, source: Source, parts: Parts, settings: Settings, step: Step
) -> None:
    left = parts_left(folder, parts)
    if not left:
        return
    job = _job(client, folder, source, settings)
    if not parts.straight:
        chunks = chunks_left(folder, source)
        collections.deque(_done(client, _spill, job, chunks, step, "sorting the rows"), maxlen=0)
    collections.deque(_done(client, _pool_part, job, left, step, "pooling the groups"), maxlen=0)


def _job(client: Client, folder: Path, source: Source, settings: Settings) -> str:
    """Write what tasks have in common, and return where, once all workers are fit for it."""
    from distributed.protocol import pickle as dask_pickle

    here = folder.resolve()
    files = replace(source, paths=tuple(path.resolve() for path in source.paths))
    job = Job(here, files, files.fingerprint(), settings, software(settings), _code(), sampled())
    vars(files)["chunks"] = source.chunks  # a worker is to have the same, not to find its own
    path = here / f"job-{secrets.token_hex(8)}.pickle"
    path.write_bytes(dask_pickle.dumps(job))  # with functions that have no name
    _check_releases(client, job.software)
    found = client.run(_trouble, str(path), on_error="return")
    unfit = [f"worker {worker} {what}" for worker, what in found.items() if what]
    if unfit:
        raise _ClusterError(*unfit)
    return str(path)


def _check_releases(client: Client, wanted: dict[str, str]) -> None:
    """Compare releases, calling nothing that a worker without comorbid lacks: it would break."""
    unfit = []
    for name, version in {"Python": platform.python_version(), **wanted}.items():
        ask = partial(metadata.version, name) if name in wanted else platform.python_version
        for worker, found in client.run(ask, on_error="return").items():
            has = f"{name} {found}" if isinstance(found, str) else f"no {name}"
            if found != version:
                unfit.append(f"worker {worker} has {has}, this process {version}")
    if unfit:
        raise _ClusterError(*unfit, "install the same releases on all workers")


def _done(
    client: Client,
    task: Callable[[str, int], Any],
    job: str,
    numbers: Sequence[int],
    step: Step,
    what: str,
) -> Iterator[tuple[int, Any]]:
    """Yield number and result of each task once it is done, on whichever worker."""
    import distributed
    from distributed.comm import CommClosedError

    left = dict(
        zip(client.map(task, [job] * len(numbers), numbers, pure=False), numbers, strict=True)
    )
    finished = distributed.as_completed(list(left), loop=client.loop)
    try:
        for count, future in enumerate(finished, start=1):
            result = future.result()
            step(count, len(numbers), what)
            yield left.pop(future), result
    except distributed.KilledWorker as error:
        message = f"worker after worker ended at a task of {what!r}, perhaps for want of memory"
        raise _ClusterError(message) from error
    except (CancelledError, CommClosedError) as error:
        raise _ClusterError("the Dask cluster ended before the run did") from error
    finally:
        if left and client.status == "running":
            client.cancel(list(left))


# -- On a worker -----------------------------------------------------------------------------------


def _look(path: str, chunk: int) -> Look | tuple[Problem, ...]:
    """Look at the keys of a chunk, or say what is wrong with its rows."""
    job = _loaded(path)
    table = job.source.chunk(chunk, job.settings)
    return look(table, chunk, job.source, job.settings, every=job.every, hashed=True)


def _spill(path: str, chunk: int) -> None:
    """Sort the rows of a chunk by part, unless that is done."""
    job = _loaded(path)
    if not chunk_file(job.folder, chunk).exists():
        table = job.source.chunk(chunk, job.settings)
        (whole,) = read_parts(job.folder).bins
        spill_chunk(job.folder, chunk, table, job.source, whole, job.settings)


def _pool_part(path: str, part: int) -> None:
    """Write the result of a part, unless that is done."""
    job = _loaded(path)
    if not part_file(job.folder, part).exists():
        parts = read_parts(job.folder)
        chunks = Chunks(job.source, parts, job.settings) if parts.straight else None
        pool_part(job.folder, part, job.source, job.settings, chunks=chunks)


@lru_cache(maxsize=4)
def _loaded(path: str) -> Job:
    """Return a job; a worker that came after the check is checked here."""
    trouble = _trouble(path)
    if trouble:
        raise _ClusterError(f"a worker {trouble}")
    job: Job = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written by `_job`
    return job


def _trouble(path: str) -> str:
    """Return what makes this process unfit for a job, if anything."""
    if not Path(path).exists():
        return f"does not see {Path(path).parent}; write OUT to a folder that all workers share"
    job: Job = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written by `_job`
    if software(job.settings) != job.software or _code() != job.code:
        return f"has another comorbid, {Path(__file__).parents[1]}; install the same on all workers"
    try:
        same = job.source.fingerprint() == job.fingerprint
    except OSError as error:
        return f"cannot read the input: {error}; put it where all workers see it"
    return "" if same else "sees other input files; put them where all workers see the same"


@cache
def _code() -> str:
    """Return the hash of the code that results are computed by."""
    root = Path(__file__).parents[1]
    files = sorted(path for room in _ROOMS for path in (root / room).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
