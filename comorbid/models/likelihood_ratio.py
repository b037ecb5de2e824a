"""Likelihood ratio: whether a model fits better than one that it contains."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from comorbid.checks import check_type
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.covariance_result import Covariance
from comorbid.models.fitted import Fitted
from comorbid.models.likelihood import FitStatistics
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.nesting import Nesting, nesting
from comorbid.models.random_terms import Random
from comorbid.models.structures import Structure
from comorbid.models.text import number, p_value
from comorbid.models.views import Views, frame

# What two log-likelihoods differ by, as a part of them, that are the same.
_ROUNDING = 1e-10
_SAME_SPAN = 1e-8
# Likelihoods that differ by less are the same.
_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True, repr=False)
class LikelihoodRatio(Views):
    """A likelihood-ratio test between two models; made by `likelihood_ratio`.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods, not below 0.
    df : int
        By how many parameters the models differ.
    p_value : float
        By the chi-squared distribution.
    p_mixture : float
        By the mixture in equal parts of chi-squared with df - 1 and df, where one variance of the
        larger model is 0 in the smaller and nothing else is at the end of its range; nan elsewhere.
    measure, method : str
        Of both models.
    log_likelihood, aic, bic, aicc : tuples of two float
        Of the larger and of the smaller model.
    parameters : tuple of two int
        Coefficients, variances and correlations of each.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        What the p-value is not.
    """

    statistic: float
    df: int
    p_value: float
    p_mixture: float
    measure: str
    method: str
    log_likelihood: tuple[float, float]
    aic: tuple[float, float]
    bic: tuple[float, float]
    aicc: tuple[float, float]
    parameters: tuple[int, int]
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> Any:
        """Return a row a model, ``full`` and ``reduced``, and the test beside the first."""
        names = ("parameters", "log_likelihood", "aic", "bic", "aicc")
        test = {name: getattr(self, name) for name in ("statistic", "df", "p_value", "p_mixture")}
        columns = {name: getattr(self, name) for name in names}
        return frame(
            ("full", "reduced"),
            "model",
            columns | {name: (value, np.nan) for name, value in test.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {n: list(v) if isinstance(v, tuple) else v for n, v in asdict(self).items()}

    def summary(self) -> str:
        """Return the test as text."""
        full, reduced = self.log_likelihood
        mixed = (
            "" if math.isnan(self.p_mixture) else f"; p of the mixture {p_value(self.p_mixture)}"
        )
        lines = [
            f"Likelihood ratio ({self.method}): chi2(df = {self.df}) = {number(self.statistic)}, "
            f"p {p_value(self.p_value)}" + mixed * (not math.isnan(self.p_mixture)),
            f"  log-likelihood {number(full)} with {self.parameters[0]} parameters, "
            f"{number(reduced)} with {self.parameters[1]}",
        ]
        return "\n".join([*lines, *(f"Note: {warning}" for warning in self.warnings)])


def likelihood_ratio(a: Multilevel | Fitted, b: Multilevel | Fitted) -> LikelihoodRatio:
    r"""Test whether the larger of two models fits better than the smaller, which it contains.

    .. math:: 2 (l_1 - l_0) \sim \chi^2_{m_1 - m_0}

    with the numbers of parameters m, variances and correlations included. Where a variance of the
    larger model is 0 in the smaller, or a correlation 1, that is the end of its range, and the
    p-value is too large: of one variance alone the distribution is, with d parameters more,

    .. math:: \tfrac12 \chi^2_{d - 1} + \tfrac12 \chi^2_d

    Parameters
    ----------
    a, b : Multilevel, Fit or Regression
        Of the same effects and sampling covariances by the same method, ML or REML, in any order;
        the smaller may be an equal-effects model (``pool(method="EE")``). What random effects
        contain is looked at by the covariances that they allow, whatever the names of the columns:
        an intercept of the groups, CS, DIAG and HCS are in UN; CS and DIAG in HCS; CS and AR
        are in neither of each other if the inner factor has three levels or more.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    DataError
        If either is something else.
    ModelError
        If effects, sampling covariances, methods, or for REML the coefficients differ, the models
        have equally many parameters, the larger lacks moderators or random effects of the smaller,
        or coefficients rest on the analyst's weights.

    References
    ----------
    Self SG, Liang KY (1987). Journal of the American Statistical Association 82:605-610.
    doi:10.1080/01621459.1987.10478472

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                      studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> three = cb.multilevel(effects)
    >>> two = cb.multilevel(effects, random="estimate_id")
    >>> test = cb.likelihood_ratio(three, two)
    >>> round(test.statistic, 3), round(test.p_value, 4), round(test.p_mixture, 4)
    (3.427, 0.0641, 0.0321)
    """
    remedy = "give what multilevel(), pool() or regress() returns"
    for name, fit in (("a", a), ("b", b)):
        check_type(name, fit, (Multilevel, Fitted), remedy)
    full, reduced = (a, b) if _parameters(a) >= _parameters(b) else (b, a)
    _check_alike(full, reduced)
    related = nesting(_terms(full), _terms(reduced))
    _check_nested(full, related)
    counts = (_parameters(full), _parameters(reduced))
    statistics = [_statistics(fit, full.method) for fit in (full, reduced)]
    difference = 2 * (statistics[0].log_likelihood - statistics[1].log_likelihood)
    # The mixture of a statistic of 0 is not that of one which is 0 but for rounding.
    least = _ROUNDING * (1 + abs(statistics[0].log_likelihood))
    statistic, df = difference if difference > least else 0.0, counts[0] - counts[1]
    p = float(special.chdtrc(df, statistic))
    return LikelihoodRatio(
        statistic=statistic,
        df=df,
        p_value=p,
        p_mixture=(_tail(df - 1, statistic) + p) / 2 if related.single else math.nan,
        measure=full.effects.measure,
        method=full.method,
        **{
            name: (getattr(statistics[0], name), getattr(statistics[1], name))
            for name in ("log_likelihood", "aic", "bic", "aicc")
        },
        parameters=counts,
        ids=full.effects.ids,
        warnings=_notes(related, difference),
    )


def _parameters(fit: Multilevel | Fitted) -> int:
    if isinstance(fit, Multilevel):
        return fit.p + len(fit.components)
    return fit.p + fit.estimates_tau2


def _tail(df: int, statistic: float) -> float:
    """Return the upper tail of chi-squared, which is 0 for certain with no degrees of freedom."""
    return float(special.chdtrc(df, statistic)) if df else float(statistic < _ROUNDING)


def _statistics(fit: Multilevel | Fitted, method: str) -> FitStatistics:
    """Return those of a method; an equal-effects model has both likelihoods."""
    if isinstance(fit, Multilevel):
        return fit.fit_statistics
    return fit.reml if method == "REML" else fit.ml


def _terms(fit: Multilevel | Fitted) -> tuple[Random, ...]:
    """Return the random terms; tau2 of a pool or regression is an intercept of each row."""
    if isinstance(fit, Multilevel):
        return fit.model.terms
    if not (fit.estimates_tau2 or fit.estimator.fixed):
        return ()
    rows = np.arange(fit.k)
    intercept = Structure("intercept")
    return (Random("tau2", intercept, rows, np.zeros_like(rows), fit.effects.ids, (), ("id",)),)


def _covariance(fit: Multilevel | Fitted) -> Array | Covariance:
    return fit.model.v if isinstance(fit, Multilevel) else fit.effects.vi


def _same(v: Array | Covariance, w: Array | Covariance) -> bool:
    if isinstance(v, Covariance) and isinstance(w, Covariance):
        return v.equals(w)
    return not isinstance(v, Covariance) and not isinstance(w, Covariance) and np.array_equal(v, w)


def _check_alike(full: Multilevel | Fitted, reduced: Multilevel | Fitted) -> None:
    v, w = _covariance(full), _covariance(reduced)
    same = full.effects.ids == reduced.effects.ids
    if not (same and np.array_equal(full.effects.yi, reduced.effects.yi)):
        raise ModelError(
            "the two models are of different effects; fit both to the same rows, in one order"
        )
    if not _same(v, w):
        raise ModelError("the two models have different sampling covariances; give both the same V")
    if full.method not in ("ML", "REML") or reduced.method not in (full.method, "EE"):
        raise ModelError(
            f"the two models are by {full.method} and {reduced.method}; fit both by ML, or both by "
            "REML where they differ in random effects alone"
        )
    if any(getattr(fit, "user_weights", None) is not None for fit in (full, reduced)):
        raise ModelError(
            "coefficients by weights of the analyst are not those of maximum likelihood; fit both "
            "without weights"
        )
    if full.method == "REML" and not (full.p == reduced.p and _spans(full.x, reduced.x)):
        raise ModelError(
            "restricted likelihoods of models with different coefficients cannot be compared; fit "
            "both by method='ML'"
        )
    if _parameters(full) == _parameters(reduced):
        raise ModelError(
            f"the two models have {_parameters(full)} parameters each: neither contains the other; "
            "compare their aic or bic"
        )
    if not _spans(full.x, reduced.x):
        raise ModelError(
            "the larger model does not contain the moderators of the smaller; add them to it, or "
            "compare their aic or bic"
        )


def _spans(x: Array, z: Array) -> bool:
    """Return whether every column of z is a combination of those of x."""
    rest = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
    return bool(np.abs(rest).max() <= _SAME_SPAN * np.abs(z).max())


def _check_nested(full: Multilevel | Fitted, related: Nesting) -> None:
    if not related.lacking:
        return
    lacking = " and ".join(map(_named, related.lacking))
    terms = " and ".join(map(_named, _terms(full))) or "none"
    raise ModelError(
        f"the random effects of the larger model ({terms}) do not contain those of the smaller "
        f"({lacking}), so that no likelihood ratio tests one against the other; add them to the "
        "larger model, or compare aic or bic"
    )


def _named(term: Random) -> str:
    return f"{term.name}, struct {term.structure.id}" if term.levels else term.name


def _notes(related: Nesting, difference: float) -> tuple[str, ...]:
    notes = []
    if related.ends:
        ends = " and ".join(map(_named, related.ends))
        why = (
            "for one variance use p_mixture, of chi-squared with df - 1 and df"
            if related.single
            else "how much has no simple form here"
        )
        notes.append(
            f"what {ends} adds is at the end of its range in the smaller model, a variance of 0 or "
            f"a correlation of 1: the p-value by chi-squared is too large; {why}"
        )
    if difference < -1e-6:
        notes.append(
            f"the smaller model fits better, by {-difference:.3g}: the larger does not contain it"
        )
    return tuple(notes)
