"""GLMM: one-step models of counts, by likelihood, for rare events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from comorbid.checks import check_choice, check_whole
from comorbid.effects.measures import find_measure
from comorbid.effects.zeros import Drop00
from comorbid.errors import ModelError
from comorbid.models.climbs import MOST_NODES, Climb, climb
from comorbid.models.count_models import Cor, CountModel, Model
from comorbid.models.count_notes import common_events, inexact, run_away
from comorbid.models.count_setup import Setup, check_events, check_finite, set_up, silent_tables
from comorbid.models.counts import Counts, read_counts
from comorbid.models.inferred import (
    absent,
    check_test,
    check_whole_counts,
    chi_squared,
    inference,
    own_effects,
    spread_shares,
)
from comorbid.models.one_step import OneStep
from comorbid.models.saturated import saturated
from comorbid.models.tau2_profile import Solution

if TYPE_CHECKING:
    from comorbid.models.counts import Tables

_TWO, _ONE = ("OR", "IRR"), ("PLO", "IRLN")
# metafor's, whose integral of CM.EL is adaptive.
_FEW_NODES, _EXACT_NODES = 7, 15


def glmm(
    tables: Tables,
    *,
    measure: str = "OR",
    model: Model = "UM.FS",
    method: Literal["ML", "EE"] = "ML",
    cor: Cor = "no",
    drop00: Drop00 = "no",
    test: Literal["z", "t"] = "z",
    level: float = 0.95,
    nodes: int | None = None,
) -> OneStep:
    r"""Pool counts by a generalised linear mixed model, in one step.

    No effect of a single study is computed, so that nothing is added to zero cells, and no normal
    distribution of such an effect is assumed. With :math:`z = 1/2` in group 1, :math:`-1/2` in
    group 2, :math:`x = 1, 0` and binomial (OR) or Poisson (IRR) counts with link :math:`\eta`,

    .. math:: \text{UM.FS: } \eta_{ig} = \mu_i + \beta x_g + u_i z_g, \quad
       \text{UM.RS: } \eta_{ig} = \alpha + s_i + \beta x_g + u_i z_g, \quad
       u_i \sim N(0, \tau^2),\ s_i \sim N(0, \sigma^2)

    CM.EL is the likelihood of group 1's events given those of both groups: for OR Fisher's
    non-central hypergeometric with log odds ratio :math:`\beta + u_i`, for IRR binomial with
    log odds :math:`\beta + u_i + \log(t_{1i} / t_{2i})`; CM.AL is that binomial for OR, with
    the sizes of the groups, for events that are rare. In one group the logit (PLO) or log rate
    (IRLN) is :math:`\beta + u_i`.

    Tables without events, or with nothing else, say nothing in UM.FS, CM.EL and CM.AL, whose
    likelihood of them is 1 whatever the effect (in UM.FS at the table's own best study effect):
    they are left out with a note. In UM.RS they stay: they say what risks there are and so,
    through the distribution of the study effects, a little about the association. An empty group
    is treated alike.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row, as in `mantel_haenszel`; for PLO ``xi, mi`` (events, others) or ``xi, ni``,
        for IRLN ``xi, ti``.
    measure : {"OR", "IRR", "PLO", "IRLN"}
    model : {"UM.FS", "UM.RS", "CM.EL", "CM.AL"}
        Of two groups. For IRR, CM.EL and CM.AL are the same.
    method : {"ML", "EE"}
        Maximum likelihood with tau2, or equal effects: without.
    cor : {"no", "yes"}
        Whether study effects and effects are correlated, in UM.RS.
    drop00 : {"no", "yes"}
        ``yes``, as metafor's default: also UM.RS leaves out tables without events, or with
        nothing else, in both groups.
    test : {"z", "t"}
        Standard normal, or t with k - 1 degrees of freedom.
    level : float
        Of the intervals, a proportion between 0 and 1.
    nodes : int, optional
        Of the adaptive Gauss-Hermite quadrature, a random effect. By default 7, as metafor has
        it; 15 for the hypergeometric CM.EL; and 1 for UM.RS with its two random effects: that is
        Laplace's approximation, all that lme4 and so metafor have there, and with few events
        it can be off. Whether the result moves with more nodes says whether they suffice.

    Returns
    -------
    OneStep

    Raises
    ------
    DataError
        If counts are missing everywhere, negative, infinite or no whole numbers, or the estimate
        is infinite, as where no table has events in group 1.
    ModelError
        If a setting is none of those allowed, or the likelihood has no maximum.

    Notes
    -----
    The search starts from three values of tau2, climbs by Newton's method with exact derivatives,
    and says how many starts agreed. The standard error is from the observed information of all
    parameters. metafor's log-likelihoods of UM.FS, CM.AL and one group are not integrated over
    the random effects, so that they are other numbers than these, and so AIC and BIC; and it does
    not count the correlation of ``cor`` as a parameter.

    References
    ----------
    Turner RM, Omar RZ, Yang M, Goldstein H, Thompson SG (2000). Statistics in Medicine
    19:3417-3432. doi:10.1002/1097-0258(20001230)19:24<3417::AID-SIM614>3.0.CO;2-L
    van Houwelingen HC, Zwinderman KH, Stijnen T (1993). Statistics in Medicine 12:2273-2284.
    doi:10.1002/sim.4780122405
    Stijnen T, Hamza TH, Ozdemir P (2010). Statistics in Medicine 29:3046-3067.
    doi:10.1002/sim.4040
    Jackson D, Law M, Stijnen T, Viechtbauer W, White IR (2018). Statistics in Medicine
    37:1059-1085. doi:10.1002/sim.7588

    Examples
    --------
    >>> import comorbid as cb
    >>> tables = {"ai": [0, 2, 1], "n1i": [50, 90, 40], "ci": [3, 5, 4], "n2i": [52, 88, 41]}
    >>> fit = cb.glmm(tables, model="CM.EL")
    >>> round(fit.on_scale().estimate, 2), fit.tau2
    (0.24, 0.0)
    """
    check_choice("measure", measure, (*_TWO, *_ONE))
    check_choice("model", model, get_args(Model))
    check_choice("method", method, ("ML", "EE"))
    check_choice("cor", cor, get_args(Cor))
    check_choice("drop00", drop00, get_args(Drop00))
    check_test(test, level)
    if cor == "yes" and (model != "UM.RS" or method != "ML" or measure in _ONE):
        raise ModelError("cor='yes' belongs to model 'UM.RS' of two groups with method 'ML'")
    counts = read_counts(tables, find_measure(measure))
    check_whole_counts(counts)
    check_events(counts)
    name = "GLMM" if measure in _ONE else model
    if nodes is None:
        exact = name == "CM.EL" and measure == "OR"
        laplace = name == "UM.RS" and method == "ML"
        nodes = _EXACT_NODES if exact else 1 if laplace else _FEW_NODES
    check_whole("nodes", nodes, least=1, most=MOST_NODES)
    if (measure, model) == ("IRR", "CM.AL"):
        name = "CM.EL"
    return _fit(counts, name, method, cor, drop00, test, level, nodes)


def _fit(
    counts: Counts,
    name: str,
    method: str,
    cor: Cor,
    drop00: str,
    test: Any,
    level: float,
    nodes: int,
) -> OneStep:
    setup = set_up(counts, name, drop00)
    check_finite(setup, counts, name)
    random = method == "ML" and setup.k > 1
    found = equal = climb(setup.model(name, False, cor), nodes)
    model = setup.model(name, random, cor)
    if random:
        found = climb(model, nodes, after=equal.top)
    effects = own_effects(counts)
    values = _parameters(model, found, random)
    if method == "ML" and not random:
        values["tau2"] = math.nan
    shares = spread_shares(effects, values["tau2"])
    if not random:
        shares |= absent("i2", "h2")
    at = values.pop("estimate"), values.pop("se")
    compared = int((setup.used & ~silent_tables(counts)).sum())
    pi_tau2 = values["tau2"] if random and compared > 1 else math.nan
    return OneStep(
        effects=effects,
        model=name,
        method=method,
        test=test,
        level=level,
        **inference(*at, pi_tau2, setup.k, test, level),
        **values,
        **shares,
        **_heterogeneity(setup, name, equal, nodes),
        log_likelihood=found.top.log_likelihood,
        parameters=model.own.size + model.common.size,
        observations=len(setup.groups) * setup.k,
        k=setup.k,
        informative=setup.used,
        nodes=nodes if model.scales else 0,
        starts=found.starts,
        agreed=found.agreed,
        gradient=found.top.gain,
        solution=Solution(model, found.top, nodes) if random else None,
        warnings=(
            *counts.warnings,
            *_notes(counts, setup, name, random, method, found),
            *(inexact(model, found, nodes) if random else ()),
            *run_away(values["tau2"], values["sigma2"]),
        ),
    )


def _heterogeneity(setup: Setup, name: str, equal: Climb, nodes: int) -> dict[str, Any]:
    """Return the tests of the equal-effects model against an effect for each table."""
    df = setup.k - 1
    if not df:
        return {"qe_df": 0, **absent("qe_wld", "qe_wld_p", "qe_lrt", "qe_lrt_p")}
    full = saturated(setup.groups, setup.offset, random_studies=name == "UM.RS", nodes=nodes)
    lrt = max(0.0, 2 * (full.log_likelihood - equal.top.log_likelihood))
    return {
        "qe_df": df,
        "qe_wld": full.wald,
        "qe_wld_p": chi_squared(full.wald, df),
        "qe_lrt": lrt,
        "qe_lrt_p": chi_squared(lrt, df),
    }


def _parameters(model: CountModel, found: Climb, random: bool) -> dict[str, Any]:
    """Return the estimates as they are reported."""
    top = found.top
    covariance = np.linalg.inv(top.information)
    common, spread = top.common, np.sqrt(np.diag(covariance))
    values = {
        "estimate": float(common[model.effect]),
        "se": float(spread[model.effect]),
        "tau2": 0.0,
        "se_tau2": math.nan,
        "sigma2": math.nan,
        "rho": math.nan,
    }
    scales = list(model.scales)
    if random:
        tau = float(common[scales[-1]])
        values["tau2"] = tau**2
        if tau > 0 and not model.correlated:
            values["se_tau2"] = 2 * tau * float(spread[scales[-1]])
        scales.pop()
    if scales:
        values["sigma2"] = float(common[scales[0]]) ** 2
    if model.correlated:
        across = float(common[-1])
        values["tau2"] += across**2
        if values["sigma2"] > 0 and values["tau2"] > 0:
            values["rho"] = across / math.sqrt(values["tau2"])
    return values


def _notes(
    counts: Counts, setup: Setup, name: str, random: bool, method: str, found: Climb
) -> tuple[str, ...]:
    notes = []
    silent = silent_tables(counts)
    if silent.any():
        if name != "UM.RS":
            why = "left out, as they say nothing in this model"
        elif setup.used.all():
            why = "kept, as they say what risks there are"
        else:
            why = "left out, as drop00 says"
        labels = ", ".join(np.array(counts.labels)[silent])
        notes.append(f"no events, or nothing else, or nobody in a group: {why}: {labels}")
    if name == "CM.AL" and not counts.rates:
        notes += common_events(counts)
    if random and (setup.used & ~silent).sum() == 1:
        notes.append(
            "one table alone holds a comparison: it says nothing of tau2, and a prediction "
            "interval cannot be given"
        )
    if method == "ML" and not random:
        notes.append("one table: nothing is pooled; tau2 and a prediction interval cannot be given")
    if method == "EE":
        notes.append("equal-effects model: no prediction interval, as it assumes one true effect")
    if found.agreed < found.starts:
        notes.append(
            f"{found.starts - found.agreed} of {found.starts} starts ended at a lower maximum of "
            "the likelihood, or at none: the highest is given"
        )
    return tuple(notes)
