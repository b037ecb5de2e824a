"""The effects that are pooled: one estimate with its variance a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_whole, is_one_of, is_text, names, numbers, shown
from comorbid.effects.arrays import Array, Frozen, read_only
from comorbid.effects.digits import Digits
from comorbid.effects.measures import MEASURES
from comorbid.effects.overrides import Override, check_overrides
from comorbid.effects.scales import SCALES, base_name, needs_size, printed, sized_name
from comorbid.errors import DataError, ModelError, Problem

if TYPE_CHECKING:
    import pandas as pd


# Columns of the table of effects that a moderator of the same name must not hide.
_RESERVED = ("yi", "vi")


def _columns(moderators: Mapping[str, Iterable[Any]]) -> Mapping[str, tuple[Any, ...]]:
    """Return the moderators as tuples by name, read-only."""
    remedy = "give a dict or a DataFrame of columns, one value a study"
    if not hasattr(moderators, "items"):
        raise DataError([Problem(f"moderators is {shown(moderators)}", remedy)])
    columns: dict[str, Any] = {str(name): values for name, values in moderators.items()}
    problems = [
        Problem(f"moderator {name} is {shown(values)}", remedy)
        for name, values in columns.items()
        if isinstance(values, str) or not isinstance(values, Iterable)
    ]
    problems += [
        Problem(
            f"a moderator is named {name}, as the effects are",
            "rename it or leave it out, as moderators=dat.drop(columns=['yi', 'vi']) does;"
            " effects that are computed already go to Effects(yi=, vi=), or into the columns"
            " estimate and se",
        )
        for name in columns
        if name in _RESERVED
    ]
    if problems:
        raise DataError(problems)
    return MappingProxyType({name: tuple(values) for name, values in columns.items()})


def _digits(values: object) -> tuple[Digits | None, ...]:
    """Return the digits as a tuple; raise `DataError` if they are something else."""
    given = tuple(values) if isinstance(values, Iterable) else (values,)
    bad = [value for value in given if not (value is None or isinstance(value, Digits))]
    if bad:
        raise DataError(
            [Problem(f"digits has {shown(bad[0])}", "leave digits out: effects() gives them")]
        )
    return given


def _scale_of(measure: object) -> str:
    """Return the scale of a measure of the core."""
    for known in MEASURES:
        if is_one_of(measure, (known.id,)):
            return known.scale
    ids = ", ".join(known.id for known in MEASURES)
    raise ModelError(f"measure is {shown(measure)}; give its scale too, or use one of {ids}")


def _positions(rows: object, k: int) -> list[Any]:
    """Return positions as a list; raise `ModelError` for one that there is not."""
    index = list(rows) if isinstance(rows, Iterable) else [rows]
    for i in index:
        check_whole("a position", i, least=0, most=k - 1)
    return index


def default_labels(k: int) -> tuple[str, ...]:
    """Return ``Study 1``, ``Study 2``, ..."""
    return tuple(f"Study {i + 1}" for i in range(k))


@dataclass(frozen=True, slots=True, eq=False)
class Effects(Frozen):
    """Effects and their sampling variances, one a study, on the analysis scale.

    Parameters
    ----------
    yi : array_like of shape (k,)
        Effects, for ratios their natural logs. nan marks a missing one.
    vi : array_like of shape (k,)
        Sampling variances; positive, or nan where ``yi`` is.
    labels : sequence of str, optional
        How each is called in tables and figures; unique. Default ``Study 1``, ``Study 2``, ...
    measure : str
        The measure's id; ``GEN`` for effects of no particular kind, as in metafor.
    scale : str, optional
        Name of the scale, such as ``"log"`` or ``"identity"``; by default that of the measure.
        One that depends on the sample size gets the harmonic mean of ``ni`` into its name.
    ids, studies : sequence of str, optional
        Estimate and study identifiers; by default the labels.
    source : sequence of str, optional
        ``counts``, ``summaries`` (means, correlations and the like), ``reported`` or ``given``:
        where each effect comes from.
    moderators : mapping of str to sequence, optional
        Further columns of the same length, for subgroups and regression, as a dict or a
        DataFrame.
    overrides : sequence of Override, optional
        The analyst's decisions that these effects rest on.
    warnings : sequence of str, optional
        What is worth knowing about how they were made.
    ni : array_like of shape (k,), optional
        People behind each effect, or their person-time; by default nan, unknown.
    digits : sequence of Digits or None, optional
        The printed numbers that each effect comes from; by default None, exact or unknown.

    Raises
    ------
    DataError
        If lengths differ, a value is no number or infinite, a variance is not positive, labels
        repeat, or the measure's scale depends on sample sizes that are missing.
    ModelError
        If the measure is unknown and comes without a scale.

    Examples
    --------
    >>> Effects(yi=[0.5, 0.9], vi=[0.04, 0.09], labels=["A", "B"], measure="OR").scale
    'log'
    """

    yi: Array
    vi: Array
    labels: tuple[str, ...] = ()
    measure: str = "GEN"
    scale: str = ""
    ids: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    moderators: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    warnings: tuple[str, ...] = ()
    ni: Array = field(default_factory=lambda: np.empty(0))
    digits: tuple[Digits | None, ...] = ()

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("yi", read_only(numbers("yi", self.yi)))
        put("vi", read_only(numbers("vi", self.vi)))
        if self.yi.ndim != 1 or self.yi.shape != self.vi.shape:
            raise DataError(
                f"yi has shape {self.yi.shape} and vi {self.vi.shape}; both need one value a study"
            )
        put("labels", names("labels", self.labels) or default_labels(self.k))
        put("ids", names("ids", self.ids) or self.labels)
        put("studies", names("studies", self.studies) or self.ids)
        put("source", names("source", self.source) or ("given",) * self.k)
        put("moderators", _columns(self.moderators))
        put("overrides", check_overrides(self.overrides))
        put("warnings", names("warnings", self.warnings))
        ni = numbers("ni", self.ni) if np.size(self.ni) else np.full(self.k, np.nan)
        put("ni", read_only(ni))
        put("digits", _digits(self.digits) or (None,) * self.k)
        if self.ni.ndim != 1:
            raise DataError(f"ni has shape {self.ni.shape}; give one value a study")
        if str(self.scale) == "":
            put("scale", _scale_of(self.measure))
        problems = [*self._shape_problems(), *self._value_problems()]
        if problems:
            raise DataError(problems)
        self._check_sizes()
        if needs_size(self.scale):
            put("scale", sized_name(self.scale, self.ni[~(np.isnan(self.yi) | np.isnan(self.vi))]))

    def _shape_problems(self) -> list[Problem]:
        columns: dict[str, Sequence[Any]] = {
            "labels": self.labels,
            "ids": self.ids,
            "studies": self.studies,
            "source": self.source,
            "ni": tuple(self.ni.tolist()),
            "digits": self.digits,
            **self.moderators,
        }
        problems = [
            Problem(f"{name} has {len(values)} values for {self.k} effects", "give one a study")
            for name, values in columns.items()
            if len(values) != self.k
        ]
        for name, values in (("labels", self.labels), ("ids", self.ids)):
            repeated = sorted(value for value, count in Counter(values).items() if count > 1)
            if repeated:
                remedy = "make each unique; what rows of one study share goes to studies="
                problems.append(Problem(f"{name} repeat: {', '.join(repeated)}", remedy))
        if not (is_text(self.scale) and self.scale in SCALES):
            problems.append(
                Problem(f"scale is {shown(self.scale)}", f"use one of {', '.join(sorted(SCALES))}")
            )
        return problems

    def _value_problems(self) -> list[Problem]:
        complete = ~(np.isnan(self.yi) | np.isnan(self.vi))
        bad_yi = np.isinf(self.yi)
        bad_vi = complete & ((self.vi <= 0) | np.isinf(self.vi))
        name = self.labels if len(self.labels) == self.k else tuple(map(str, range(self.k)))
        return [
            Problem(
                f"{name[i]}: effect {self.yi[i]}", "an effect must be finite, or nan if missing"
            )
            for i in np.flatnonzero(bad_yi)
        ] + [
            Problem(
                f"{name[i]}: variance {self.vi[i]}",
                "a variance must be positive and finite; leave the row out or set both to nan",
            )
            for i in np.flatnonzero(bad_vi)
        ]

    def _check_sizes(self) -> None:
        if not needs_size(self.scale):
            return
        unknown = ~np.isnan(self.yi) & ~np.isnan(self.vi) & ~(self.ni > 0)
        problems = [
            Problem(
                f"{self.labels[i]}: no sample size, which the scale {self.scale} depends on",
                "give ni, or scale='identity' to stay on the analysis scale",
            )
            for i in np.flatnonzero(unknown)
        ]
        if problems:
            raise DataError(problems)

    @property
    def k(self) -> int:
        """Number of rows, the missing ones included."""
        return int(self.yi.size)

    def __len__(self) -> int:
        return self.k

    def take(self, rows: Iterable[int]) -> Effects:
        """Return the effects at these positions, counted from 0, in this order."""
        index = _positions(rows, self.k)
        ni = self.ni[index]
        return Effects(
            yi=self.yi[index],
            vi=self.vi[index],
            labels=tuple(self.labels[i] for i in index),
            measure=self.measure,
            scale=self.scale if np.isnan(ni).any() else base_name(self.scale),
            ids=tuple(self.ids[i] for i in index),
            studies=tuple(self.studies[i] for i in index),
            source=tuple(self.source[i] for i in index),
            moderators={n: [v[i] for i in index] for n, v in self.moderators.items()},
            overrides=self.overrides,
            warnings=self.warnings,
            ni=ni,
            digits=tuple(self.digits[i] for i in index),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a table indexed by label: ``id, study, yi, vi, source`` and the moderators.

        A moderator named ``id``, ``study`` or ``source`` stands in place of that column.
        """
        import pandas as pd

        core = {"id": self.ids, "study": self.studies, "yi": self.yi, "vi": self.vi}
        table = {**core, "source": self.source, **self.moderators}
        return pd.DataFrame(table, index=pd.Index(self.labels, name="label"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but moderators and sample sizes as plain lists and strings."""
        return {
            "measure": self.measure,
            "scale": self.scale,
            "ids": list(self.ids),
            "labels": list(self.labels),
            "studies": list(self.studies),
            "yi": self.yi.tolist(),
            "vi": self.vi.tolist(),
            "on_scale": printed({"yi": self.yi}, self.scale),
            "source": list(self.source),
            "overrides": [override.to_dict() for override in self.overrides],
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the table as text, with the warnings below it."""
        head = f"{self.k} effects, measure {self.measure}, scale {self.scale}"
        return "\n".join([head, str(self.to_frame()[["yi", "vi", "source"]]), *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))
