"""Sampling covariance: the matrix V of dependent effects, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Index, read_only
from comorbid.effects.table import Effects
from comorbid.errors import DataError, Problem
from comorbid.models import text
from comorbid.models.clusters import named, stacks_of
from comorbid.models.partition import components

if TYPE_CHECKING:
    import pandas as pd

# A correlation matrix with an eigenvalue below this is singular but for rounding.
_SINGULAR = 1e-10


class Dependent(NamedTuple):
    """Effects that depend on each other: their positions (s,) and covariances (s, s)."""

    rows: Index
    matrix: Array


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Covariance(Frozen):
    """The sampling covariance of effects; made by `covariance`.

    It can be given wherever a matrix V is asked for.

    Attributes
    ----------
    ids, labels : tuple of str
        Of the effects, in the order of rows and columns.
    measure : str
    vi : array of shape (k,)
        Their variances, the diagonal; nan where an effect has none.
    blocks : tuple of Dependent
        Positions and covariances of the effects that depend on each other; between blocks, and
        for effects that are in none, covariances are 0.
    how : str
        What the covariances rest on.
    assumed : mapping of str to float
        The correlations assumed: ``rho, rho_type, phi``; of several for pairs of types
        ``rho_type(one, other)``.
    warnings : tuple of str
        Those of the effects.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6], vi=[0.04, 0.01, 0.02], studies=["A", "A", "B"])
    >>> cb.covariance(effects, rho=0.5).matrix.round(9).tolist()
    [[0.04, 0.01, 0.0], [0.01, 0.01, 0.0], [0.0, 0.0, 0.02]]
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    measure: str
    vi: Array
    blocks: tuple[Dependent, ...]
    how: str
    assumed: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of effects."""
        return self.vi.size

    @property
    def matrix(self) -> Array:
        """V, of shape (k, k), which is as large as the square of the number of effects."""
        v = np.diag(self.vi)
        for block in self.blocks:
            v[np.ix_(block.rows, block.rows)] = block.matrix
        return v

    def among(self, rows: Index) -> Array:
        """Return the covariances (b, s, s) among each of b sets of s effects, given by position."""
        block, place = np.full(self.k, -1), np.zeros(self.k, dtype=np.intp)
        sizes = np.array([b.rows.size for b in self.blocks] or [0])
        for number, each in enumerate(self.blocks):
            block[each.rows], place[each.rows] = number, np.arange(each.rows.size)
        values = np.concatenate([np.zeros(1), *(each.matrix.ravel() for each in self.blocks)])
        starts = 1 + np.append(0, np.cumsum(sizes**2))[block]
        at = starts[rows] + place[rows] * sizes[block[rows]]
        together = (block[rows][:, :, None] == block[rows][:, None, :]) & (block[rows] >= 0)[
            :, :, None
        ]
        found = values[np.where(together, at[:, :, None] + place[rows][:, None, :], 0)]
        diagonal = np.arange(rows.shape[1])
        found[:, diagonal, diagonal] = self.vi[rows]
        return found

    def take(self, rows: Index) -> Covariance:
        """Return the covariances of the effects at these positions, each named once."""
        place = np.full(self.k, -1)
        place[rows] = np.arange(rows.size)
        blocks = []
        for each in self.blocks:
            kept = place[each.rows] >= 0
            if kept.sum() > 1:
                inside = each.matrix[np.ix_(kept, kept)]
                blocks.append(Dependent(place[each.rows[kept]], read_only(inside)))
        return replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            vi=read_only(self.vi[rows]),
            blocks=tuple(blocks),
        )

    def times(self, factor: float) -> Covariance:
        """Return the covariances in other units."""
        blocks = tuple(Dependent(rows, read_only(m * factor)) for rows, m in self.blocks)
        return replace(self, vi=read_only(self.vi * factor), blocks=blocks)

    @property
    def pairs(self) -> Index:
        """Positions of two effects whose covariance is not 0, of shape (n, 2), in order."""
        found = [np.empty((0, 2), dtype=np.intp)]
        for rows, matrix in self.blocks:
            found.append(np.sort(rows[np.argwhere(np.tril(matrix, -1))], axis=1))
        joined = np.concatenate(found)
        return joined[np.lexsort(joined.T)]

    @property
    def dependent(self) -> bool:
        """Whether a covariance is not 0."""
        return any(np.count_nonzero(np.tril(matrix, -1)) for _, matrix in self.blocks)

    @property
    def together(self) -> Index:
        """For each effect the number of those that it depends on, also through others."""
        whole = [block.rows for block in self.blocks if block.matrix.all()]
        if len(whole) < len(self.blocks):
            return components([], self.pairs, self.k)
        found = np.arange(self.k)
        for rows in whole:
            found[rows] = rows[0]
        return np.unique(found, return_inverse=True)[1]

    def equals(self, other: Covariance) -> bool:
        """Return whether all covariances are the same, however they are put into blocks."""
        pairs = self.pairs
        if not (np.array_equal(self.vi, other.vi) and np.array_equal(pairs, other.pairs)):
            return False
        return np.array_equal(self.among(pairs)[:, 0, 1], other.among(pairs)[:, 0, 1])

    @property
    def correlation(self) -> Array:
        """The correlations, of shape (k, k)."""
        sd = np.sqrt(self.vi)
        return np.asarray(self.matrix / np.outer(sd, sd))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return V, for functions that take a matrix."""
        return np.asarray(self.matrix, dtype=dtype)

    def to_frame(self) -> pd.DataFrame:
        """Return V with the labels of the effects as index and columns; analysis scale, squared."""
        import pandas as pd

        labels = list(self.labels)
        return pd.DataFrame(self.matrix, index=pd.Index(labels, name="label"), columns=labels)

    def to_dict(self) -> dict[str, Any]:
        """Return the blocks with the ids of their effects, and how they were made."""
        return {
            "measure": self.measure,
            "ids": list(self.ids),
            "how": self.how,
            "assumed": dict(self.assumed),
            "vi": [None if np.isnan(v) else v for v in self.vi.tolist()],
            "blocks": [
                {"ids": [self.ids[i] for i in block.rows], "matrix": block.matrix.tolist()}
                for block in self.blocks
            ],
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return what it is, and how strong the correlations are, as text."""
        sizes = [block.rows.size for block in self.blocks]
        dependent = f"{sum(sizes)} of {self.k} effects depend on others"
        lines = [f"Sampling covariance of {self.k} effects: {self.how}"]
        if sizes:
            blocks = f"{len(sizes)} blocks of up to" if len(sizes) > 1 else "1 block of"
            dependent += f", in {blocks} {max(sizes)}"
        lines.append(dependent)
        found = [_correlations(block.matrix) for block in self.blocks]
        found = [r[~np.isnan(r)] for r in found]
        among = np.concatenate(found) if found else np.empty(0)
        if among.size:
            lines.append(f"correlations within them {among.min():.4f} to {among.max():.4f}")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def _correlations(matrix: Array) -> Array:
    """Return the correlations above the diagonal."""
    sd = np.sqrt(np.diagonal(matrix))
    return np.asarray((matrix / np.outer(sd, sd))[np.triu_indices(len(sd), 1)])


def of_correlations(
    effects: Effects,
    parts: Sequence[tuple[Index, Array]],
    *,
    how: str,
    assumed: dict[str, float] | None = None,
) -> Covariance:
    """Return the covariances of effects with these correlations among rows.

    Raises
    ------
    DataError
        If they contradict each other: a matrix that is not positive definite, with its effects.
    """
    _check_definite(effects, parts)
    sd = np.sqrt(effects.vi)
    blocks = []
    for rows, correlation in parts:
        if rows.size > 1:
            matrix = correlation * np.outer(sd[rows], sd[rows])
            np.fill_diagonal(matrix, effects.vi[rows])
            blocks.append(Dependent(rows, read_only(matrix)))
    return _of_blocks(effects, blocks, how, assumed or {})


def of_matrix(effects: Effects, rows: Index, matrix: Array) -> Covariance:
    """Return the covariances that a matrix gives for some rows."""
    return _of_blocks(effects, [Dependent(rows, read_only(matrix))], "a matrix", {})


def _of_blocks(
    effects: Effects, blocks: Sequence[Dependent], how: str, assumed: dict[str, float]
) -> Covariance:
    return Covariance(
        ids=effects.ids,
        labels=effects.labels,
        measure=effects.measure,
        vi=read_only(effects.vi),
        blocks=tuple(blocks),
        how=how,
        assumed=assumed,
        warnings=effects.warnings,
    )


def _check_definite(effects: Effects, parts: Sequence[tuple[Index, Array]]) -> None:
    known = ~(np.isnan(effects.yi) | np.isnan(effects.vi))
    used = [(rows[known[rows]], r[np.ix_(known[rows], known[rows])]) for rows, r in parts]
    used = [(rows, r) for rows, r in used if rows.size > 1]
    if not used:
        return
    problems = []
    for stack in stacks_of([rows for rows, _ in used]):
        least = np.linalg.eigvalsh(np.stack([used[i][1] for i in stack.numbers]))[:, 0]
        for i in np.flatnonzero(least < _SINGULAR):
            rows, correlation = used[stack.numbers[i]]
            problems.append(_problem(rows, correlation, float(least[i]), effects))
    if problems:
        raise DataError(problems)


def _problem(rows: Index, correlation: Array, least: float, effects: Effects) -> Problem:
    a, b = np.unravel_index(np.argmax(np.abs(np.triu(correlation, 1))), correlation.shape)
    # Correlations shrunk by c have the eigenvalues 1 - c (1 - own).
    share = np.floor(1e4 / (1 - min(least, 0) + 1e-4)) / 1e4
    return Problem(
        f"the covariances of {named(rows, effects.labels)} are not positive definite (smallest "
        f"eigenvalue of the correlations {least:.2g}; the largest correlation is "
        f"{correlation[a, b]:.4g}, of {effects.labels[rows[a]]} and {effects.labels[rows[b]]})",
        f"look for an effect that stands twice, or too small a variance; {share:g} times these "
        "correlations would do",
    )
