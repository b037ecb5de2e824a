"""Certainty: what GRADE asks of a body of evidence, computed or judged, and the level it gives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.bias.asymmetry_result import Asymmetry
from comorbid.checks import is_number, shown
from comorbid.effects.measures import null_of
from comorbid.effects.scales import SCALES
from comorbid.errors import ModelError, Problem
from comorbid.findings import Findings, asymmetry_tests, findings
from comorbid.grade import DOWN, LEVELS, UP, Judgement, judged, rarely
from comorbid.information_size import InformationSize, information_size
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.study_rows import rows_of
from comorbid.models.views import Views, block, frame
from comorbid.risk_of_bias import RiskOfBias, risk_of_bias
from comorbid.studies.judgements import INDIRECTNESS, WORDS, domains, level_of
from comorbid.studies.table import Studies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Certainty(Views):
    """Facts and judgements for the domains of GRADE; made by `certainty`.

    Attributes
    ----------
    findings : Findings
        Numbers of studies and people, and how far the studies agree.
    ci, pi : (float, float)
        Of the fit, analysis scale.
    tau2, i2 : float
        Of the fit.
    threshold : float
        The smallest effect that matters, analysis scale; nan if none was given.
    crosses_null, crosses_threshold : bool or None
        Whether the confidence interval includes them; None if there is no such value.
    size : InformationSize or None
        How many people a study would need to find the threshold; None without one.
    tests : tuple of Asymmetry
        For small-study effects, from ten studies on.
    bias : RiskOfBias or None
        From the study table, weighted; None if it has no judgements.
    indirectness : mapping of str to int
        Number of studies at each level of the column ``indirectness``; empty without it.
    judgements : mapping of str to Judgement
        What was judged: ``start`` and the domains.
    scale : str
        That of the effects.
    measure, method, test : str
        Of the fit.
    level : float
        Of the intervals, a proportion.
    ids : tuple of str
        The effects pooled.
    warnings : tuple of str
        Those of the fit, and of what GRADE does rarely.
    """

    findings: Findings
    ci: Pair
    pi: Pair
    tau2: float
    i2: float
    threshold: float
    crosses_null: bool | None
    crosses_threshold: bool | None
    size: InformationSize | None
    tests: tuple[Asymmetry, ...]
    bias: RiskOfBias | None
    indirectness: Mapping[str, int]
    judgements: Mapping[str, Judgement]
    scale: str
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def not_judged(self) -> tuple[str, ...]:
        """What a level needs and was not judged: ``start`` and domains."""
        return tuple(name for name in ("start", *DOWN) if name not in self.judgements)

    @property
    def rating(self) -> str:
        """``high``, ``moderate``, ``low`` or ``very low``; nothing unless all was judged."""
        if self.not_judged:
            return ""
        total = sum(one.steps for one in self.judgements.values())
        return LEVELS[min(max(total, 1), len(LEVELS)) - 1]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a domain: ``rating, steps, reason``; nan steps where it was not judged."""
        found = [self.judgements.get(name) for name in (*DOWN, *UP)]
        columns = {
            "rating": [one.rating if one else "" for one in found],
            "steps": [float(one.steps) if one else math.nan for one in found],
            "reason": [one.reason if one else "" for one in found],
        }
        return frame([*DOWN, *UP], "domain", columns)

    def to_dict(self) -> dict[str, Any]:
        """Return facts and judgements; of the tests what they are and their p-values."""
        names = ("tau2", "i2", "rating", "scale", "measure", "method", "test", "level")
        size, bias = self.size, self.bias
        return {
            **{name: getattr(self, name) for name in (*names, "crosses_null", "crosses_threshold")},
            "threshold": float(SCALES[self.scale].back(self.threshold)),
            "ci": list(self.ci),
            "pi": list(self.pi),
            "findings": self.findings.to_dict(),
            "size": None if size is None else size.to_dict(),
            "tests": [{"test": test.test, "p_value": test.p_value} for test in self.tests],
            "bias": None if bias is None else bias.to_dict()["by_domain"],
            "indirectness": {
                "levels": list(self.indirectness),
                "studies": list(self.indirectness.values()),
            },
            "judgements": {name: one._asdict() for name, one in self.judgements.items()},
            "not_judged": list(self.not_judged),
            "ids": list(self.ids),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the judgements and the level as text."""
        rows = {
            name.replace("_", " "): f"{one.rating} ({one.reason})" if one else "not judged"
            for name in (*DOWN, *UP)
            if (one := self.judgements.get(name)) or name in DOWN
        }
        rows["certainty"] = self.rating or "no level: not all is judged"
        percent = f"{100 * self.level:g}%"
        head = f"Certainty of the evidence, k = {self.findings.k}, {self.measure} (analysis scale)"
        ends = f"{percent} CI {text.pair(self.ci)}; PI {text.pair(self.pi)}; I2 {self.i2:.1f}%"
        return block(head, {"facts": ends, **rows}, self.warnings)


def certainty(
    fit: Fit,
    *,
    studies: Studies,
    threshold: float | None = None,
    start: tuple[str, str] | None = None,
    judgements: Mapping[str, tuple[str, str]] | None = None,
) -> Certainty:
    r"""Return what GRADE asks of a body of evidence: facts computed, judgements as they are given.

    Computed are how far the studies agree (:math:`I^2`, :math:`\tau^2`, the prediction interval,
    which study's interval leaves out the average, how many pairs of intervals overlap), how precise
    the average is (whether its interval includes no association and the threshold, and the optimal
    information size), and tests of small-study effects from ten studies on. From the study table
    come judgements of each study: columns ``rob_<domain>`` and ``indirectness``.

    What the evidence as a whole is judged to be is the analyst's, with a reason each. Only if the
    start and all five domains are judged is there a level: it begins at ``high`` or ``low``, goes
    down one level for what is serious or strongly suspected and two for what is very much so, up
    one for ``large`` or ``yes`` and two for ``very large``, and ends between ``very low`` and
    ``high``.
    GRADE has randomised trials begin at high and observational studies at low, and rates
    observational studies up that are rated down for nothing.

    Parameters
    ----------
    fit : Fit
        Of rows of the table.
    studies : Studies
        The table.
    threshold : float, optional
        The smallest effect that matters, on the printed scale: an odds ratio, not its logarithm.
    start : (str, str), optional
        ``high`` or ``low``, and why.
    judgements : mapping of str to (str, str), optional
        Rating and reason by domain: ``risk_of_bias``, ``inconsistency``, ``indirectness`` and
        ``imprecision`` (``not serious``, ``serious``, ``very serious``), ``publication_bias``
        (``undetected``, ``strongly suspected``, ``very strongly suspected``), ``large_effect``
        (``no``, ``large``, ``very large``), ``dose_response`` and ``plausible_confounding``
        (``no``, ``yes``).

    Returns
    -------
    Certainty

    Raises
    ------
    DataError
        If the fit is not of rows of the table, or a judgement is none of those above or without a
        reason.
    ModelError
        If the threshold cannot be a value of the measure.

    References
    ----------
    Guyatt G, Oxman AD, Akl EA, et al. (2011). GRADE guidelines 1. Journal of Clinical Epidemiology
    64:383-394. doi:10.1016/j.jclinepi.2010.04.026
    Balshem H, Helfand M, Schunemann HJ, et al. (2011). GRADE guidelines 3. Journal of Clinical
    Epidemiology 64:401-406. doi:10.1016/j.jclinepi.2010.07.015
    Guyatt GH, Oxman AD, Kunz R, et al. (2011). GRADE guidelines 6. Journal of Clinical
    Epidemiology 64:1283-1293. doi:10.1016/j.jclinepi.2011.01.012
    Schunemann HJ, Cuello C, Akl EA, et al. (2019). GRADE guidelines 18. Journal of Clinical
    Epidemiology 111:105-114. doi:10.1016/j.jclinepi.2018.01.012

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> fit = cb.pool(cb.effects(table))
    >>> found = cb.certainty(fit, studies=table, threshold=1.25)
    >>> found.rating, found.crosses_threshold
    ('', False)
    >>> found.not_judged
    ('start', 'risk_of_bias', 'inconsistency', 'indirectness', 'imprecision', 'publication_bias')
    """
    rows = rows_of(fit, studies)
    found = judged(start, judgements)
    bar = math.nan if threshold is None else _on_analysis_scale(fit, threshold)
    return Certainty(
        findings=findings(fit, studies=studies),
        ci=fit.ci,
        pi=fit.pi,
        tau2=fit.tau2,
        i2=fit.i2,
        threshold=bar,
        crosses_null=_inside(fit.ci, null_of(fit.effects.measure)),
        crosses_threshold=_inside(fit.ci, bar),
        size=None
        if threshold is None
        else information_size(fit, studies=studies, threshold=threshold),
        tests=tuple(asymmetry_tests(fit, studies=studies)[0].values()),
        bias=risk_of_bias(studies, fit=fit) if domains(map(str, rows)) else None,
        indirectness=_levels(rows[INDIRECTNESS]) if INDIRECTNESS in rows else {},
        judgements=found,
        scale=fit.effects.scale,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=(*fit.warnings, *rarely(found)),
    )


def _on_analysis_scale(fit: Fit, threshold: object) -> float:
    """Return the threshold on the analysis scale, or raise."""
    measure, scale = fit.effects.measure, SCALES[fit.effects.scale]
    with np.errstate(all="ignore"):
        value = float(scale.forward(threshold)) if is_number(threshold) else math.nan
    if not math.isfinite(value) or value == null_of(measure):
        remedy = f"give the smallest {measure} that matters, other than none"
        raise ModelError([Problem(f"threshold is {shown(threshold)}", remedy)])
    return value


def _inside(ends: Pair, value: float) -> bool | None:
    return None if math.isnan(value) else ends[0] <= value <= ends[1]


def _levels(cells: pd.Series[Any]) -> dict[str, int]:
    """Return how many studies are at each level, and how many were not judged."""
    found = Counter(level_of(str(cell)) for cell in cells)
    return {level or "not judged": found[level] for level in (*WORDS, "") if found[level]}
