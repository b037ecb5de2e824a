"""The network as a value: trials, their arms, and the treatments that they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import comorbid as cb

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A randomised trial of two or more arms.

    Attributes
    ----------
    label : str
        Its name.
    arms : tuple of a int
        Its treatments, as positions in `Network.treatments`, ascending.
    effects : array of shape (a,)
        Effect of each arm, as deviations from their mean; analysis scale.
    covariance : array of shape (a, a)
        Covariances of these; rows and columns sum to 0. With `v` the matrix of the variances of
        all contrasts and `C` the centring matrix it is :math:`-CvC/2`.
    """

    label: str
    arms: tuple[int, ...]
    effects: Array
    covariance: Array

    def contrasts(self) -> list[tuple[int, int, float, float]]:
        """Return every pair of arms: positions of the two, effect of the first against the second.

        The first is the later one among `Network.treatments`; then come effect and variance.
        """
        y, g = self.effects, self.covariance
        return [
            (
                self.arms[i],
                self.arms[j],
                float(y[i] - y[j]),
                float(g[i, i] + g[j, j] - 2 * g[i, j]),
            )
            for j in range(len(self.arms))
            for i in range(j + 1, len(self.arms))
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    r"""The trials as independent rows: a trial of a arms becomes a - 1 of them.

    The covariance of a trial's arms and the identity, which heterogeneity adds in equal parts to
    all contrasts (variance tau2, covariance tau2 / 2 between two that share an arm), have the same
    eigenvectors :math:`u`. So with :math:`y = \sqrt2 u'\text{effects}` and twice the eigenvalue as
    :math:`v`

    .. math:: y_m \sim N(x_m'\theta, v_m + \tau^2)

    independently: generalised least squares becomes weighted least squares.

    Attributes
    ----------
    yi, vi : arrays of shape (m,)
        Effects and variances.
    x : array of shape (m, n)
        Coefficients of the n treatments; each row sums to 0.
    trial, design : int arrays of shape (m,)
        Positions in `Network.trials` and `Network.designs`.
    """

    yi: Array
    vi: Array
    x: Array
    trial: Index
    design: Index


@dataclass(frozen=True, eq=False)
class Network:
    """Trials that compare treatments; made by `network` or `network_from_arms`.

    Attributes
    ----------
    treatments : tuple of n str
        The reference first, then alphabetically.
    trials : tuple of Trial
        In the order given.
    measure, scale : str
        What the effects are, and how they are printed: ``"log"`` or ``"identity"``, ...
    warnings : tuple of str
        What was changed or left out on the way.
    """

    treatments: tuple[str, ...]
    trials: tuple[Trial, ...]
    measure: str = "GEN"
    scale: str = "identity"
    warnings: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The treatment that the others are compared with in tables."""
        return self.treatments[0]

    @property
    def n(self) -> int:
        """Number of treatments."""
        return len(self.treatments)

    @property
    def k(self) -> int:
        """Number of trials."""
        return len(self.trials)

    @cached_property
    def designs(self) -> tuple[tuple[int, ...], ...]:
        """Sets of treatments that were compared within a trial, as positions; sorted."""
        return tuple(sorted({trial.arms for trial in self.trials}))

    @cached_property
    def rows(self) -> Rows:
        """The trials as independent rows."""
        parts = [_independent(trial, self.n) for trial in self.trials]
        sizes = [len(trial.arms) - 1 for trial in self.trials]
        where = {design: i for i, design in enumerate(self.designs)}
        return Rows(
            yi=np.concatenate([y for y, _, _ in parts]),
            vi=np.concatenate([v for _, v, _ in parts]),
            x=np.vstack([x for _, _, x in parts]),
            trial=np.repeat(np.arange(self.k), sizes),
            design=np.repeat([where[trial.arms] for trial in self.trials], sizes),
        )

    @cached_property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The treatments in groups that no trial connects; one group if all are connected."""
        from scipy.sparse.csgraph import connected_components

        touching = np.abs(self.rows.x.T) @ np.abs(self.rows.x) > 0
        count, group = connected_components(touching, directed=False)
        return tuple(
            tuple(name for name, g in zip(self.treatments, group, strict=True) if g == i)
            for i in range(count)
        )

    @property
    def loops(self) -> int:
        """Independent loops of comparisons that are not within one trial.

        The degrees of freedom by which consistency can be tested; with 0 it cannot.
        """
        within = sum(len(design) - 1 for design in self.designs)
        return within - (self.n - len(self.parts))

    def position(self, treatment: str) -> int:
        """Return a treatment's position; `ModelError` names those that exist."""
        if treatment not in self.treatments:
            known = ", ".join(self.treatments)
            raise cb.ModelError(f"no treatment {treatment!r} in the network; use one of {known}")
        return self.treatments.index(treatment)

    def take(self, treatments: Sequence[str]) -> Network:
        """Return the trials whose arms are all among ``treatments``, as a network of their own."""
        kept = {self.position(name) for name in treatments}
        trials = [trial for trial in self.trials if kept.issuperset(trial.arms)]
        used = sorted({arm for trial in trials for arm in trial.arms})
        if not trials:
            raise cb.ModelError(f"no trial compares any two of {', '.join(treatments)}")
        new = {old: i for i, old in enumerate(used)}
        return Network(
            treatments=tuple(self.treatments[old] for old in used),
            trials=tuple(
                Trial(t.label, tuple(new[arm] for arm in t.arms), t.effects, t.covariance)
                for t in trials
            ),
            measure=self.measure,
            scale=self.scale,
            warnings=self.warnings,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return every contrast: ``study, treat1, treat2, yi, vi``, treat1 against treat2."""
        import pandas as pd

        names = self.treatments
        return pd.DataFrame(
            [
                (trial.label, names[i], names[j], y, v)
                for trial in self.trials
                for i, j, y, v in trial.contrasts()
            ],
            columns=["study", "treat1", "treat2", "yi", "vi"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return treatments, measure and contrasts as plain values."""
        return {
            "measure": self.measure,
            "treatments": list(self.treatments),
            **{str(name): list(values) for name, values in self.to_frame().items()},
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return what the network holds as text."""
        several = sum(len(trial.arms) > 2 for trial in self.trials)
        head = (
            f"{self.k} trials ({several} with three or more arms), {self.n} treatments, "
            f"{len(self.designs)} designs, measure {self.measure}"
        )
        parts = [f"  part {i}: {', '.join(part)}" for i, part in enumerate(self.parts, 1)]
        if len(self.parts) == 1:
            parts = [f"connected; {self.loops} degrees of freedom for consistency"]
        else:
            parts = [f"not connected, {len(self.parts)} parts:", *parts]
        return "\n".join([head, *parts, str(self.to_frame().round(4)), *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def _independent(trial: Trial, n: int) -> tuple[Array, Array, Array]:
    """Return one trial's independent effects, their variances, and their coefficients."""
    from scipy.linalg import helmert

    centred = helmert(len(trial.arms))
    values, vectors = np.linalg.eigh(centred @ trial.covariance @ centred.T)
    turned = np.sqrt(2) * vectors.T @ centred
    x = np.zeros((len(values), n))
    x[:, list(trial.arms)] = turned
    return turned @ trial.effects, 2 * values, x
