"""Pool many: the public function."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from comorbid.checks import check_choice, check_type, shown
from comorbid.effects.formula import Measure
from comorbid.errors import DataError, ModelError, Problem
from comorbid.many.adjust import Adjust, adjust_p
from comorbid.many.core import pool_groups
from comorbid.many.local import LOCAL, Engine, run
from comorbid.many.output import Totals, as_table, with_adjusted, write_result
from comorbid.many.result import PooledGroups
from comorbid.many.schema import schema_of
from comorbid.many.settings import Settings, kernel_for, settings_for
from comorbid.many.source import open_source
from comorbid.many.work import work_folder
from comorbid.models.estimators import Estimator
from comorbid.models.student import Test

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.dataset import Dataset

    from comorbid.many.dask_engine import Client
    from comorbid.many.rows import Table

_TABLES = (
    "give a DataFrame, an Arrow table, reader or dataset, or the path of a Parquet file or of a "
    "folder of them"
)


def pool_many(
    table: Table | pa.RecordBatchReader | Dataset | str | os.PathLike[str],
    *,
    by: Sequence[str] | str,
    columns: Mapping[str, str] | None = None,
    measure: str | Measure = "GEN",
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
    adjust: Adjust = "BH",
    out: str | os.PathLike[str] | None = None,
    step: Callable[[int, int, str], None] | None = None,
    engine: Literal["local", "dask"] = "local",
    client: Client | str | None = None,
) -> PooledGroups:
    r"""Pool every group of a long table, such as each pair of conditions, by the same model.

    The rows of each group are pooled as `pool` does,

    .. math:: y_i = \mu_g + u_i + e_i, \qquad u_i \sim N(0, \tau_g^2), \quad e_i \sim N(0, v_i)

    and the p-values of all m groups are adjusted for their number,

    .. math:: \tilde p_{(i)} = \hat\pi_0 \min_{j \ge i} \min\left(1, \frac{m}{j} p_{(j)}\right)

    with :math:`\hat\pi_0 = 1` for Benjamini and Hochberg's false discovery rate, and for Storey's
    q-values :math:`\hat\pi_0 = \min(1, (1 + \#\{p_i > 0.5\}) / (0.5\,m))`. Both hold for groups
    that are independent, and Benjamini and Hochberg's under some positive dependence too; groups
    that share studies or people need not be either.

    Parameters
    ----------
    table : DataFrame, pyarrow.Table, RecordBatchReader, Dataset, or path
        One row an estimate, in any order. A path is that of a Parquet file, or of a folder whose
        files end in ``.parquet``; these may be larger than memory, and have keys from the names of
        their folders (``exposure=asthma``). A reader or dataset is first copied to such a file.
        Anything but a DataFrame needs ``comorbid[parquet]``.
    by : str or sequence of str
        The columns that say which group a row belongs to: names, or whole numbers.
    columns : mapping of str to str, optional
        Which column to take for an input that is named otherwise, such as ``{"yi": "log_or"}``.
        Inputs are ``yi`` with ``vi`` or ``sei``, on the analysis scale; or what the measure is
        computed from, such as ``ai, bi, ci, di``, as `escalc` computes it; or a printed
        ``estimate`` with ``ci_low`` and ``ci_high``, ``se`` or ``p_value``.
    measure : str or Measure
        What the effects are; sets the value of no association.
    method, test, level
        As in `pool`; methods that need weights are not offered.
    adjust : {"BH", "storey", "none"}
        How p-values are adjusted over all groups that have one.
    out : path, optional
        A Parquet file to write to. One that is there is replaced at the end. Until then, work is
        kept in the folder ``OUT.work`` beside it, and a run that was ended before goes on from
        there, to the same bytes, if table, settings and software are the same.
    step : callable, optional
        Called with number, total and name of each step.
    engine : {"local", "dask"}
        Where it is computed: in this process, or by the workers of a Dask cluster
        (``comorbid[dask]``), to the same bits. Workers, with the releases of this process, read the
        input and write into ``OUT.work`` themselves, so both must be in folders that all share.
    client : distributed.Client or str, optional
        Of the cluster, or the address of its scheduler; by default the client that is current.

    Returns
    -------
    PooledGroups
        One row a group in the order of the keys, see `PooledGroups.to_frame`: the fit on the
        analysis scale; lowest and highest estimate with one study left out (``loo_low, loo_high``)
        and whether leaving one out changes whether the interval includes no association
        (``loo_crosses_null``); rows ``missing`` an effect or variance, which are left out;
        ``flags`` (see `PooledGroups`); and a ``reason`` where nothing could be fitted.

    Raises
    ------
    DataError
        If there are no rows, columns or keys are missing, values are impossible (infinite, a
        variance not above 0), files cannot be read or disagree, ``out`` cannot be written or is
        being written by another process.
    ModelError
        If a setting is none of those allowed; with Dask, if it is not installed, there is no
        cluster, it ends before the run does, or a worker has other releases, another comorbid or
        other files than this process.

    Notes
    -----
    Files are looked through once, cut by their keys into parts of about two million rows, and
    pooled part by part; memory grows by 24 bytes a group only, for the adjustment. Rows in the
    order of their keys are read from where they are, and so are, in whatever order, files or row
    groups that share no groups with others, or with so few that those together have at most six
    million rows. All others are sorted into files of the work folder first, which
    takes as much space on disk as the effects do. A group must fit in memory, and as it is fitted
    without each of its studies too, its time grows as their square: 10,000 studies in one group
    take some 20 seconds by NumPy, and 100,000 half an hour.

    With Dask each of these steps is a task a part, and this process holds no rows: it writes the
    result from the files of the parts. The work of a worker that is lost is done by another; a run
    whose own process ends goes on as above, with the same or another cluster. The same bits are
    promised for machines of one kind, as with the local engine.

    References
    ----------
    Benjamini Y, Hochberg Y (1995). Journal of the Royal Statistical Society B 57:289-300.
    doi:10.1111/j.2517-6161.1995.tb02031.x
    Storey JD (2002). Journal of the Royal Statistical Society B 64:479-498.
    doi:10.1111/1467-9868.00346
    Storey JD, Taylor JE, Siegmund D (2004). Journal of the Royal Statistical Society B
    66:187-205. doi:10.1111/j.1467-9868.2004.00439.x

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid as cb
    >>> table = pd.DataFrame({
    ...     "exposure": ["migraine", "migraine", "asthma", "asthma", "asthma"],
    ...     "yi": [0.5, 0.9, 0.1, 0.3, 0.2], "vi": [0.03, 0.08, 0.02, 0.04, 0.03]})
    >>> pools = cb.pool_many(table, by="exposure", measure="OR")
    >>> pools.to_frame()[["exposure", "k", "estimate", "p_adjusted"]].round(3)
       exposure  k  estimate  p_adjusted
    0    asthma  3     0.177       0.177
    1  migraine  2     0.638       0.184
    """
    check_choice("adjust", adjust, get_args(Adjust))
    check_choice("engine", engine, ("local", "dask"))
    if engine == "local" and client is not None:
        raise ModelError([Problem("client is given, and engine is 'local'", "give engine='dask'")])
    chosen: dict[str, Any] = {
        "by": by,
        "columns": columns,
        "measure": measure,
        "method": method,
        "test": test,
        "level": level,
    }
    path = None if out is None else _checked_out(out, table)
    if path is not None:
        _check_pyarrow()
    with (
        _workers(engine, client) as workers,
        _as_path(table, path, copied=engine == "dask") as given,
    ):
        if isinstance(given, Path):
            return _from_files(given, chosen, adjust, path, step or _silent, workers)
        return _from_memory(given, chosen, adjust, path)


def _workers(
    engine: Literal["local", "dask"], client: Client | str | None
) -> AbstractContextManager[Engine]:
    if engine == "local":
        return nullcontext(LOCAL)
    from comorbid.many.dask_engine import dask_engine

    return dask_engine(client)


def _silent(number: int, total: int, what: str) -> None:
    """Say nothing."""


def _from_files(
    path: Path,
    chosen: Mapping[str, Any],
    adjust: Adjust,
    out: Path | None,
    step: Callable[[int, int, str], None],
    engine: Engine,
) -> PooledGroups:
    source = open_source(path)
    settings = settings_for(schema_of(source), **chosen, kernel=kernel_for(source.size))
    schema_of(source, settings)
    if out is not None:
        totals = run(source, settings, out=out, adjust=adjust, step=step, engine=engine)
        return _result(settings, adjust, totals, path=out)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "pools.parquet")
        totals = run(source, settings, out=made, adjust=adjust, step=step, engine=engine)
        frame = _result(settings, adjust, totals, path=made).to_frame()
    return _result(settings, adjust, totals, columns=_held(frame))


def _from_memory(
    table: Table, chosen: Mapping[str, Any], adjust: Adjust, out: Path | None
) -> PooledGroups:
    names = table.columns if hasattr(table, "iloc") else table.schema.names
    settings = settings_for(names, **chosen, kernel=kernel_for(len(table)))
    if not len(table):
        raise DataError([Problem("table has no rows", "add an estimate")])
    frame = pool_groups(table, settings)
    k, missing, p = (frame[name].to_numpy() for name in ("k", "missing", "p_value"))
    totals = Totals.of(k, missing, p, adjust)
    adjusted = None if adjust == "none" else adjust_p(p, adjust=adjust)
    if out is None:
        if adjusted is not None:
            at = list(frame.columns).index("p_value") + 1
            frame.insert(at, "p_adjusted", adjusted)
        return _result(settings, adjust, totals, columns=_held(frame))
    with work_folder(out, {"input": "a table in memory"}) as folder:
        aside = folder / "result.parquet"
        tables = with_adjusted([as_table(frame, settings)], adjusted, settings)
        write_result(aside, tables, settings, adjust)
        aside.replace(out)
    return _result(settings, adjust, totals, path=out)


def _held(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a table as arrays; what is neither true nor false is None."""
    columns = {str(name): column.to_numpy() for name, column in frame.items()}
    known = frame["loo_crosses_null"]
    columns["loo_crosses_null"] = known.astype(object).where(known.notna(), None).to_numpy()
    return columns


def _result(settings: Settings, adjust: Adjust, totals: Totals, **table: Any) -> PooledGroups:
    return PooledGroups(
        by=settings.by,
        measure=settings.measure.id,
        method=settings.estimator.id,
        test=settings.test,
        level=settings.level,
        kernel=settings.kernel,
        adjust=adjust,
        null_share=totals.null_share,
        groups=totals.groups,
        estimates=totals.estimates,
        missing=totals.missing,
        **table,
    )


@contextmanager
def _as_path(table: Any, out: Path | None, *, copied: bool = False) -> Iterator[Any]:
    """Give a table in memory as it is, and everything else as the path of Parquet files.

    A table in memory is one of those too, if it is to be copied for others.
    """
    import pandas as pd

    framed = isinstance(table, pd.DataFrame)
    if framed and not copied:
        yield table
        return
    if not (framed or isinstance(table, str | os.PathLike) or hasattr(table, "schema")):
        raise DataError([Problem(f"table is {shown(table)}", _TABLES)])
    _check_pyarrow()
    import pyarrow as pa
    from pyarrow import dataset

    if isinstance(table, str | os.PathLike):
        yield Path(table)
    elif isinstance(table, pa.Table) and not copied:
        yield table
    elif isinstance(table, pd.DataFrame | pa.Table | pa.RecordBatchReader | dataset.Dataset):
        reader = _reader(table)
        with tempfile.TemporaryDirectory(dir=None if out is None else out.parent) as folder:
            copy = Path(folder, "table.parquet")
            _copy(reader, copy)
            yield copy
    else:
        raise DataError([Problem(f"table is {shown(table)}", _TABLES)])


def _check_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        remedy = "pip install 'comorbid[parquet]', or give a DataFrame and no out"
        raise DataError([Problem("Parquet and Arrow need pyarrow, which is not installed", remedy)])


def _reader(table: Any) -> pa.RecordBatchReader:
    """Return what reads a table batch by batch."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import dataset

    if isinstance(table, pd.DataFrame):
        try:
            return pa.Table.from_pandas(table, preserve_index=False).to_reader()
        except pa.ArrowException as error:
            remedy = "give every column values of one type, or leave out those that are not used"
            raise DataError(
                [Problem(f"no Parquet file holds the table: {error}", remedy)]
            ) from error
    if isinstance(table, pa.Table):
        return table.to_reader()
    return table.scanner().to_reader() if isinstance(table, dataset.Dataset) else table


def _copy(reader: pa.RecordBatchReader, path: Path) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(path, reader.schema) as file:
        for batch in reader:
            if batch.num_rows:
                file.write_batch(batch)


def _checked_out(out: str | os.PathLike[str], table: object) -> Path:
    """Return where to write; raise `DataError` if that cannot be, or would change the input."""
    check_type("out", out, (str, os.PathLike), "give the path of a file")
    path = Path(out)
    problem = None
    if path.is_dir():
        problem = Problem("is a folder", "give the name of a file", file=str(path))
    elif not path.parent.is_dir():
        problem = Problem("its folder does not exist", "make it first", file=str(path))
    elif isinstance(table, str | os.PathLike):
        given, own = Path(table).resolve(), path.resolve()
        if own == given or given in own.parents:
            remedy = "write to another file, outside of the input"
            problem = Problem("is the input, or in its folder", remedy, file=str(path))
    if problem is not None:
        raise DataError([problem])
    return path
