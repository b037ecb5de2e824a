"""The network fit: what each treatment does against each other one, from all trials together."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

import comorbid as cb
from comorbid_treatments.fit_result import NetworkFit, Pair
from comorbid_treatments.networks import Array, Network
from comorbid_treatments.separate_reml import separate_reml

Method = Literal["EE", "DL", "REML", "REML-separate"]


def fit(network: Network, *, method: Method = "REML", level: float = 0.95) -> NetworkFit:
    r"""Fit a network meta-analysis.

    .. math:: \hat\theta = L^{+} \sum_t A_t' L_t y_t, \qquad L = \sum_t A_t' L_t A_t, \qquad
        L_t = (\Sigma_t + \tfrac{\tau^2}{2} C)^{+}

    with :math:`y_t` the effects of a trial's arms as deviations from their mean,
    :math:`\Sigma_t` their covariances, `C` the centring matrix and :math:`A_t` the choice of the
    trial's treatments; :math:`^+` is the pseudoinverse. :math:`L_t` is the weighted Laplacian of
    the trial, whose entries are the reduced weights of a trial with many arms.

    Parameters
    ----------
    network : Network
        Connected.
    method : {"REML", "DL", "EE", "REML-separate"}
        How tau2, one for all comparisons, is estimated: by restricted likelihood; by the
        generalised method of moments; not at all (common effects). ``REML-separate`` is REML with
        the contrasts of a trial, against the reference or its last treatment, taken for separately
        measured; netmeta computes this if it is given no numbers for arms. It depends on the
        reference and is for comparison.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    NetworkFit

    Raises
    ------
    ModelError
        If the network is not connected, which the message shows part by part, or a setting is none
        of those allowed.

    References
    ----------
    Ruecker G (2012). Research Synthesis Methods 3:312-324. doi:10.1002/jrsm.1058
    Ruecker G, Schwarzer G (2014). Statistics in Medicine 33:4353-4369. doi:10.1002/sim.6236
    Jackson D, White IR, Riley RD (2012). Quantifying the impact of between-study heterogeneity in
    multivariate meta-analyses. Statistics in Medicine 31:3805-3820. doi:10.1002/sim.5453
    Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a meta-analysis. Statistics in
    Medicine 21:1539-1558. doi:10.1002/sim.1186

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.7], "vi": [0.04, 0.04, 0.04]})
    >>> fit = ct.fit(ct.network(table, measure="MD", reference="C"), method="EE")
    >>> fit.to_frame()[["estimate", "se"]].round(4).loc["A"].to_list()
    [1.0333, 0.1633]
    """
    _check(network, method, level)
    rows = network.rows
    df = len(rows.yi) - (network.n - 1)
    q = residual_q(network, 0.0)
    tau2 = _tau2(network, method, df)
    used = 0.0 if math.isnan(tau2) else tau2
    theta, covariance = solve(network, used)
    spread = np.diag(covariance)
    estimate = theta[:, None] - theta
    # A treatment against itself may come out as a negative rounding error.
    se = np.sqrt(np.maximum(spread[:, None] + spread - 2 * covariance, 0))
    np.fill_diagonal(se, 0)
    return NetworkFit(
        network=network,
        method=method,
        level=level,
        tau2=tau2,
        estimate=estimate,
        se=se,
        **_tests(estimate, se, level),
        **_predictions(estimate, se, tau2 if method != "EE" else math.nan, df, level),
        covariance=covariance,
        q=q,
        q_df=df,
        q_p=chi2_tail(q, df),
        i2=100 * max(0.0, 1 - df / q) if df and q > 0 else (0.0 if df else math.nan),
        i2_ci=_i2_interval(q, df, level),
        warnings=(*network.warnings, *_notes(network, method, df)),
    )


def solve(network: Network, tau2: float) -> tuple[Array, Array]:
    """Return the treatments' effects, summing to 0, and their covariances, for a given tau2."""
    rows = network.rows
    weighted = rows.x / (rows.vi + tau2)[:, None]
    covariance = np.asarray(np.linalg.pinv(weighted.T @ rows.x, hermitian=True), np.float64)
    return covariance @ weighted.T @ rows.yi, covariance


def residual_q(network: Network, tau2: float) -> float:
    """Return the weighted sum of squared residuals for a given tau2."""
    rows = network.rows
    theta, _ = solve(network, tau2)
    return float((((rows.yi - rows.x @ theta) ** 2) / (rows.vi + tau2)).sum())


def chi2_tail(q: float, df: int) -> float:
    """Return the p-value of a Q statistic; nan without degrees of freedom."""
    from scipy.special import chdtrc

    return float(chdtrc(df, q)) if df > 0 else math.nan


def connected(network: Network) -> None:
    """Raise `ModelError` unless every treatment is connected with every other one."""
    if len(network.parts) > 1:
        parts = "; ".join(f"({i}) {', '.join(p)}" for i, p in enumerate(network.parts, 1))
        raise cb.ModelError(
            f"the network is not connected: it falls into {len(network.parts)} parts, {parts}. "
            "Treatments of different parts cannot be compared; fit one part, network.take(...), or "
            "give a trial or an assumption that joins them"
        )


def _check(network: Network, method: str, level: float) -> None:
    if method not in get_args(Method):
        raise cb.ModelError(f"no method {method!r}; use one of {', '.join(get_args(Method))}")
    if not 0 < level < 1:
        raise cb.ModelError(f"level is {level!r}; give a proportion between 0 and 1, such as 0.95")
    connected(network)


def _tau2(network: Network, method: str, df: int) -> float:
    """Return the estimate of tau2; nan without degrees of freedom."""
    if method == "EE":
        return 0.0
    if df == 0:
        return math.nan
    if method == "REML-separate":
        return separate_reml(network)
    rows = network.rows
    names = [f"t{i}" for i in range(1, network.n)]
    effects = cb.Effects(
        yi=rows.yi, vi=rows.vi, moderators=dict(zip(names, rows.x[:, 1:].T.tolist(), strict=True))
    )
    return cb.regress(effects, f"~ 0 + {' + '.join(names)}", method=method, test="z").tau2


def _tests(estimate: Array, se: Array, level: float) -> dict[str, Array]:
    """Return z statistics, p-values and intervals; nan statistics on the diagonal."""
    from scipy.special import erfc, ndtri

    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = estimate / se
    half = ndtri((1 + level) / 2) * se
    return {
        "statistic": statistic,
        "p_value": erfc(np.abs(statistic) / math.sqrt(2)),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }


def _predictions(
    estimate: Array, se: Array, tau2: float, df: int, level: float
) -> dict[str, Array]:
    """Return prediction intervals; nan where tau2 is, 0 on the diagonal as the effects there."""
    from scipy.special import stdtrit

    t = float(stdtrit(df, (1 + level) / 2)) if df > 0 else math.nan
    half = t * np.sqrt(se**2 + tau2)
    np.fill_diagonal(half, 0)
    return {"pi_low": estimate - half, "pi_high": estimate + half}


def _i2_interval(q: float, df: int, level: float) -> Pair:
    """Return the test-based interval of I2, from that of ln H."""
    from scipy.special import ndtri

    if df < 2:
        return (math.nan, math.nan)
    if q > df + 1:
        se = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2 * q) - math.sqrt(2 * df - 1))
    else:
        se = math.sqrt(1 / (2 * (df - 1)) * (1 - 1 / (3 * (df - 1) ** 2)))
    log_h = 0.5 * math.log(max(q / df, 1.0))
    half = float(ndtri((1 + level) / 2)) * se
    low, high = (100 * max(0.0, 1 - math.exp(-2 * end)) for end in (log_h - half, log_h + half))
    return (low, high)


def _notes(network: Network, method: str, df: int) -> list[str]:
    """Return what a reader must know about what this network can show."""
    notes = []
    if df == 0 and method != "EE":
        notes.append(
            "tau2 cannot be estimated: no comparison was made by two trials and no loop is closed; "
            "the intervals are those of the common-effects model and too narrow if trials differ"
        )
    if network.loops == 0:
        notes.append(
            "consistency cannot be tested: there is no closed loop but within trials of three or "
            "more arms"
        )
    return notes
