"""Asymmetry: regression tests of whether small studies find other effects than large ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from comorbid.bias.asymmetry_result import Asymmetry as Asymmetry
from comorbid.bias.columns import counts_of, sizes_of
from comorbid.bias.lines import COUNT_TESTS, PREDICTORS, Line, fit_line, informative
from comorbid.checks import check_choice
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.fit import Fit, find_estimator
from comorbid.models.instead import SMALL_STUDIES
from comorbid.models.kernel import Test
from comorbid.models.pooled import check_fit
from comorbid.models.views import few_studies

if TYPE_CHECKING:
    from typing import Literal

    AsymmetryTest = Literal["egger", "harbord", "peters", "macaskill", "deeks"]
    Model = Literal["lm", "rma"]
    Predictor = Literal["sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv"]

# Squared residuals below this share of the squared effects are rounding.
_ROUNDING = 1e-26
_ODDS_RATIOS = ("OR", "PETO", "GEN")


def asymmetry(
    fit: Fit,
    *,
    test: AsymmetryTest = "egger",
    model: Model = "lm",
    predictor: Predictor = "sei",
    ni: ArrayLike | None = None,
    ai: ArrayLike | None = None,
    bi: ArrayLike | None = None,
    ci: ArrayLike | None = None,
    di: ArrayLike | None = None,
) -> Asymmetry:
    r"""Test whether the effect changes with the size of the study.

    Egger's test draws a line through the effects against their standard errors, or another
    measure of size :math:`x_i`, and tests its slope:

    .. math:: y_i = \beta_0 + \beta_1 x_i + e_i

    With ``model="lm"``, the classical form, :math:`e_i \sim N(0, \phi v_i)` with the dispersion
    :math:`\phi` estimated, and t on k - 2 degrees of freedom. With ``model="rma"`` it is a
    meta-regression, :math:`e_i \sim N(0, v_i + \tau^2)`, by method and test of the fit. The
    intercept :math:`\beta_0` is the limit estimate, for predictors that are 0 in a study of any
    size.

    The tests for odds ratios of 2x2 counts avoid that a log odds ratio and its standard error
    are correlated even without bias. All are weighted regressions with dispersion; with the
    groups :math:`n_1 = a + b, n_2 = c + d`, the events :math:`r = a + c` and the rest
    :math:`s = b + d`, of :math:`n` people in all:

    ============= ================= ============================= ===================
    test          effect            predictor                     weight
    ============= ================= ============================= ===================
    ``harbord``   :math:`Z/V`       :math:`1/\sqrt V`             :math:`V`
    ``peters``    the fit's         :math:`1/n`                   :math:`rs/n`
    ``macaskill`` the fit's         :math:`n`                     :math:`rs/n`
    ``deeks``     the fit's         :math:`1/\sqrt{\mathrm{ESS}}` :math:`\mathrm{ESS}`
    ============= ================= ============================= ===================

    with :math:`Z = a - n_1 r/n`, :math:`V = n_1 n_2 r s / (n^2 (n - 1))` and
    :math:`\mathrm{ESS} = 4 n_1 n_2 / n`. For Deeks' test, made for diagnostic odds ratios, the
    groups are those with and without the disease.

    Asymmetry is no proof of unpublished results: small studies may differ for other reasons.

    Parameters
    ----------
    fit : Fit
        Where effects, method, test and level come from.
    test : {"egger", "harbord", "peters", "macaskill", "deeks"}
        All but Egger's need the counts.
    model : {"lm", "rma"}
        Form of Egger's test.
    predictor : {"sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv"}
        Of Egger's test: standard error, variance, number of people, its reciprocal, and the
        roots of the two.
    ni : array_like of shape (k,), optional
        People of each study of ``fit.effects``; by default its ``ni``, its moderator of that
        name, or the sum of the counts.
    ai, bi, ci, di : array_like of shape (k,), optional
        2x2 counts, the first group in ``ai, bi``; by default the moderators of these names.

    Returns
    -------
    Asymmetry
        With a caution below ten studies.

    Raises
    ------
    ModelError
        If there are fewer than three studies, the predictor does not vary, the effects lie on one
        line or are not odds ratios, or a setting is none of those allowed.
    DataError
        If ``fit`` is not what `pool` returns, or counts or sizes are missing or impossible.

    References
    ----------
    Egger M, Davey Smith G, Schneider M, Minder C (1997). BMJ 315:629-634.
    doi:10.1136/bmj.315.7109.629
    Sterne JAC, Egger M (2005). Regression methods to detect publication and other bias in
    meta-analysis. doi:10.1002/0470870168.ch6
    Harbord RM, Egger M, Sterne JAC (2006). Statistics in Medicine 25:3443-3457.
    doi:10.1002/sim.2380
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2006). JAMA 295:676-680.
    doi:10.1001/jama.295.6.676
    Macaskill P, Walter SD, Irwig L (2001). Statistics in Medicine 20:641-654.
    doi:10.1002/sim.698
    Deeks JJ, Macaskill P, Irwig L (2005). Journal of Clinical Epidemiology 58:882-893.
    doi:10.1016/j.jclinepi.2005.01.016
    Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). BMJ 343:d4002. doi:10.1136/bmj.d4002

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.5, 0.3, 0.25], vi=[0.30, 0.20, 0.08, 0.03, 0.01])
    >>> found = cb.asymmetry(cb.pool(effects))
    >>> round(found.p_value, 4), round(found.limit, 4)
    (0.0019, 0.1048)
    """
    check_fit(fit, Multilevel=SMALL_STUDIES)
    _check_settings(fit, test, model, predictor)
    counts = counts_of(fit, {"ai": ai, "bi": bi, "ci": ci, "di": di})
    notes = list(fit.warnings if model == "rma" else fit.effects.warnings)
    if test == "egger":
        line = _egger_line(fit, predictor, ni, counts)
    elif counts is None:
        raise ModelError(f"test {test!r} needs 2x2 counts; give ai, bi, ci and di")
    else:
        used = informative(counts)
        if not used.all():
            left_out = ", ".join(np.array(fit.effects.labels)[~used])
            notes.append(f"left out, no events, only events, or an empty group: {left_out}")
        chosen = {name: values[used] for name, values in counts.items()}
        line = COUNT_TESTS[test](fit.effects.yi[used], chosen)
    return _as_asymmetry(fit, test, model, line, notes)


def _check_settings(fit: Fit, test: str, model: str, predictor: str) -> None:
    allowed = {
        "test": (test, ("egger", *COUNT_TESTS)),
        "model": (model, ("lm", "rma")),
        "predictor": (predictor, tuple(PREDICTORS)),
    }
    for name, (value, values) in allowed.items():
        check_choice(name, value, values)
    if model == "rma" and fit.user_weights is not None:
        raise ModelError("a meta-regression takes no weights of yours; pool without weights=")
    if test == "egger":
        return
    if (model, predictor) != ("lm", "sei"):
        raise ModelError(f"test {test!r} has its own model and predictor; leave both out")
    if fit.effects.measure not in _ODDS_RATIOS:
        raise ModelError(
            f"test {test!r} is for log odds ratios and the effects are {fit.effects.measure}; use "
            "test='egger', or pool odds ratios"
        )


def _egger_line(
    fit: Fit, predictor: str, ni: ArrayLike | None, counts: dict[str, Array] | None
) -> Line:
    function, has_limit = PREDICTORS[predictor]
    yi, vi = fit.effects.yi, fit.effects.vi
    base = vi if predictor in ("sei", "vi") else sizes_of(fit, ni, counts)
    return Line(yi, vi, np.asarray(function(base), dtype=np.float64), predictor, has_limit)


def _as_asymmetry(fit: Fit, test: str, model: str, line: Line, notes: list[str]) -> Asymmetry:
    mixed = model == "rma"
    inference: Test = fit.test if mixed else "knha"
    estimator = fit.estimator if mixed else find_estimator("EE")
    found = fit_line(line, estimator, inference, fit.level)
    size = float((line.y**2 / line.v).sum()) / line.y.size
    if inference == "knha" and float(found.s2[0]) <= _ROUNDING * size:
        raise ModelError(
            "the effects lie on one line: nothing is left to test its slope against; "
            "use model='rma' after pooling with test='z'"
        )
    scale = float(np.abs(line.x).max())
    nan = math.nan

    def at_limit(values: Array) -> float:
        return float(values[0, 0]) if line.has_limit else nan

    return Asymmetry(
        test=test,
        model=model,
        predictor=line.predictor,
        method=estimator.id if mixed else "",
        inference=inference if mixed else "t",
        slope=float(found.coefficients[1, 0]) / scale,
        slope_se=float(found.se[1, 0]) / scale,
        statistic=float(found.statistic[1, 0]),
        df=float(found.df[0]),
        p_value=float(found.p_value[1, 0]),
        limit=at_limit(found.coefficients),
        limit_se=at_limit(found.se),
        limit_ci=(at_limit(found.ci_low), at_limit(found.ci_high)),
        limit_p=at_limit(found.p_value),
        tau2=float(found.tau2[0]) if mixed else nan,
        dispersion=float(found.s2[0]),
        level=fit.level,
        measure=fit.effects.measure,
        k=line.x.size,
        ids=fit.effects.ids,
        warnings=(*notes, *few_studies(line.x.size)),
    )
