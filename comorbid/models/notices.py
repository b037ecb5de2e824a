"""Notices: what a reader must know before relying on a fit, as rules with a threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from comorbid.effects.measures import null_of
from comorbid.effects.scales import SCALES
from comorbid.models.instead import check_kind
from comorbid.models.likelihood import likelihood_of
from comorbid.models.maxima import all_maxima
from comorbid.models.tau2_intervals import q_profile

if TYPE_CHECKING:
    from comorbid.models.pooled import Fit

FEW = (2, 3)
LITTLE_POWER = 10
_WARNINGS = "of others, the notes are fit.warnings"
About = Literal["average", "heterogeneity", "asymmetry"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from: its key in a bibliography, author and year, and DOI."""

    key: str
    cite: str
    doi: str


STERNE = Source("sterne2011", "Sterne 2011", "10.1136/bmj.d4002")
_ROEVER = Source("roever2015", "Röver 2015", "10.1186/s12874-015-0091-1")
_JACKSON = Source("jackson2017", "Jackson 2017", "10.1002/sim.7411")
_INTHOUT = Source("inthout2016", "IntHout 2016", "10.1136/bmjopen-2015-010247")
_KONTOPANTELIS = Source("kontopantelis2013", "Kontopantelis 2013", "10.1371/journal.pone.0069930")
_HARDY = Source(
    "hardy1996",
    "Hardy 1996",
    "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a rule says of a fit; made by `notices`.

    Attributes
    ----------
    id : str
        The rule: ``few-studies``, ``knapp-hartung-narrower``, ``prediction-crosses-null``,
        ``tau2-zero``, ``second-maximum`` or ``under-ten``.
    about : {"average", "heterogeneity", "asymmetry"}
        Which part of the result it limits.
    threshold : str
        When the rule applies.
    title, text : str
        What it says, in short and in full.
    source : Source
        Where the rule comes from: ``key`` in a bibliography, ``cite`` and ``doi``.
    values : mapping of str to tuple of float
        The numbers that the rule looked at; analysis scale.
    scale : str
        That of the values.
    """

    id: str
    about: About
    threshold: str
    title: str
    text: str
    source: Source
    values: Mapping[str, tuple[float, ...]]
    scale: str = "identity"

    def to_dict(self) -> dict[str, Any]:
        """Return every field; the values as lists."""
        names = ("id", "about", "threshold", "title", "text")
        return {
            **{name: getattr(self, name) for name in names},
            "source": {"key": self.source.key, "doi": self.source.doi},
            "values": {name: list(numbers) for name, numbers in self.values.items()},
            "on_scale": self.on_scale(),
        }

    def on_scale(self) -> dict[str, list[float]]:
        """Return the values back-transformed, for ratios as ratios."""
        back = SCALES[self.scale].back
        return {name: np.asarray(back(ends)).tolist() for name, ends in self.values.items()}

    def __str__(self) -> str:
        return f"{self.text} ({self.source.cite}, doi:{self.source.doi})"


def notices(fit: Fit) -> tuple[Notice, ...]:
    r"""What a reader must know before relying on a fit: the rules that apply to it.

    * ``few-studies``: two or three studies, and tau2 estimated from them.
    * ``knapp-hartung-narrower``: the Knapp-Hartung interval is the fit's, and narrower than the
      classic one, :math:`t_{k-1} s < z`, with :math:`s^2` the factor on the variance.
    * ``prediction-crosses-null``: the confidence interval leaves out no association (or no
      difference), the prediction interval does not.
    * ``tau2-zero``: tau2 was estimated, and is 0.
    * ``second-maximum``: the likelihood that gave tau2 (ML or REML) has several local maxima.
    * ``under-ten``: fewer than ten studies, too few for any conclusion on asymmetry.

    Parameters
    ----------
    fit : Fit
        What `pool` returns.

    Returns
    -------
    tuple of Notice
        Those that apply, in the order above; each has its threshold and source.

    Raises
    ------
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Higgins JPT, Thomas J, Chandler J, et al. (2024). Cochrane Handbook for Systematic Reviews of
    Interventions, version 6.5, chapters 10 and 13 (no DOI).
    Roever C, Knapp G, Friede T (2015). BMC Medical Research Methodology 15:99.
    doi:10.1186/s12874-015-0091-1
    Jackson D, Law M, Ruecker G, Schwarzer G (2017). Statistics in Medicine 36:3923-3934.
    doi:10.1002/sim.7411
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). BMJ Open 6:e010247.
    doi:10.1136/bmjopen-2015-010247
    Kontopantelis E, Springate DA, Reeves D (2013). PLoS ONE 8:e69930.
    doi:10.1371/journal.pone.0069930
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). BMJ 343:d4002. doi:10.1136/bmj.d4002

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.6], vi=[0.03, 0.08], measure="OR"))
    >>> [notice.id for notice in cb.notices(fit)]
    ['few-studies', 'tau2-zero', 'under-ten']
    >>> print(cb.notices(fit)[-1])
    With 2 studies, fewer than 10, neither a funnel plot nor a test can tell asymmetry from chance:
    nothing can be concluded about small-study effects (Sterne 2011, doi:10.1136/bmj.d4002)
    """
    from comorbid.models.pooled import Fit

    others = dict.fromkeys(("Multilevel", "Robust", "OneStep"), _WARNINGS)
    check_kind(fit, Fit, "give what pool() returns", **others)
    return tuple(notice for rule in _RULES for notice in rule(fit))


def under_ten(k: int) -> Iterator[Notice]:
    """Yield the notice on asymmetry that k studies call for, if they do."""
    if k < LITTLE_POWER:
        studies = "1 study" if k == 1 else f"{k} studies"
        yield Notice(
            "under-ten",
            "asymmetry",
            f"k < {LITTLE_POWER}",
            f"Fewer than {LITTLE_POWER} studies",
            f"With {studies}, fewer than {LITTLE_POWER}, neither a funnel plot nor a test can tell "
            "asymmetry from chance: nothing can be concluded about small-study effects",
            STERNE,
            MappingProxyType({}),
        )


def _under_ten(fit: Fit) -> Iterator[Notice]:
    return under_ten(fit.k)


def few_studies(fit: Fit, k: int) -> bool:
    """Return whether no interval of k studies can be relied on, by the model of a fit."""
    return k in FEW and fit.estimates_tau2


def _few_studies(fit: Fit) -> Iterator[Notice]:
    if few_studies(fit, fit.k):
        basis = "one difference" if fit.k == 2 else "three effects"
        yield Notice(
            "few-studies",
            "average",
            f"k = {FEW[0]} or {FEW[1]}",
            f"Only {fit.k} studies",
            f"With {fit.k} studies tau² rests on {basis}: neither the prediction interval nor any "
            "one confidence interval can be relied on, and three of the latter stand side by side",
            _ROEVER,
            MappingProxyType(dict(fit.intervals())),
            fit.effects.scale,
        )


def _narrower(fit: Fit) -> Iterator[Notice]:
    if fit.test != "knha" or fit.k == 1:
        return
    ends = fit.intervals()
    classic, own = (ends[test][1] - ends[test][0] for test in ("z", "knha"))
    if own < classic:
        yield Notice(
            "knapp-hartung-narrower",
            "average",
            "width of the Knapp-Hartung interval < width of the classic interval",
            "The Knapp-Hartung interval is the narrower one",
            "The effects differ less than their variances and tau² make one expect, so that the "
            "Knapp-Hartung interval is narrower than the classic one and may be too narrow",
            _JACKSON,
            MappingProxyType({test: ends[test] for test in ("z", "knha")}),
            fit.effects.scale,
        )


def _crosses_null(fit: Fit) -> Iterator[Notice]:
    null = null_of(fit.effects.measure)
    outside = fit.ci[0] > null or fit.ci[1] < null
    if outside and fit.pi[0] <= null <= fit.pi[1]:
        value = f"{float(SCALES[fit.effects.scale].back(null)):g}"
        yield Notice(
            "prediction-crosses-null",
            "average",
            "the null lies in the prediction interval and not in the confidence interval",
            f"The prediction interval includes {value}, the confidence interval does not",
            f"The confidence interval of the average leaves out {value}, the prediction interval "
            f"does not: a further study may have a true value of {value}, or one on its other side",
            _INTHOUT,
            MappingProxyType({"ci": fit.ci, "pi": fit.pi}),
            fit.effects.scale,
        )


def _tau2_zero(fit: Fit) -> Iterator[Notice]:
    if fit.estimates_tau2 and fit.k > 1 and fit.tau2 == 0:
        bounds = q_profile(fit.projection, fit.level)
        yield Notice(
            "tau2-zero",
            "heterogeneity",
            "tau² = 0",
            "tau² is estimated as 0",
            "That tau² is estimated as 0 does not show that the true effects are equal: how large "
            "it may be, its interval says",
            _KONTOPANTELIS,
            MappingProxyType({"tau2_ci": (float(bounds.low[0]), float(bounds.high[0]))}),
        )


def _second_maximum(fit: Fit) -> Iterator[Notice]:
    if not (fit.estimates_tau2 and fit.method in ("ML", "REML") and fit.k > 1):
        return
    peaks = all_maxima(fit.projection, likelihood_of(fit.method))
    if peaks.tau2.size > 1:
        order = np.argsort(-peaks.height, kind="stable")
        kind = "restricted likelihood" if fit.method == "REML" else "likelihood"
        yield Notice(
            "second-maximum",
            "heterogeneity",
            "number of local maxima > 1",
            f"The likelihood of tau² has {order.size} maxima",
            f"The {kind} of tau² has {order.size} maxima; the highest is used. How well another "
            "one agrees with the data is judged by how much lower its log-likelihood is",
            _HARDY,
            MappingProxyType(
                {
                    "tau2": tuple(peaks.tau2[order].tolist()),
                    "lower_by": tuple((peaks.height.max() - peaks.height[order]).tolist()),
                }
            ),
        )


_RULES: tuple[Callable[[Fit], Iterator[Notice]], ...] = (
    _few_studies,
    _narrower,
    _crosses_null,
    _tau2_zero,
    _second_maximum,
    _under_ten,
)
