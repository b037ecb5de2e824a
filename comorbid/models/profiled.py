"""Profiled: the likelihood of variances, at the coefficients that are best for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from comorbid.effects.arrays import Array

Likelihood = Literal["REML", "ML"]


@dataclass(frozen=True, slots=True)
class Profiled:
    """What T marginal covariance matrices M say, with W their inverses.

    Attributes
    ----------
    coefficients : array of shape (T, p)
    unit_vcov : array of shape (T, p, p)
        :math:`(X'WX)^{-1}`.
    height : array of shape (T,)
        The log-likelihood, restricted for REML, without its constants.
    """

    coefficients: Array
    unit_vcov: Array
    height: Array


def profiled(products: Array, log_det: Array, method: Likelihood) -> Profiled:
    r"""Return coefficients and likelihood from the products of (X, y) with W.

    .. math:: l = -\tfrac12 \left[\log|M| + (y - X\hat\beta)'W(y - X\hat\beta)\right], \qquad
       l_R = l - \tfrac12 \log|X'WX|

    Parameters
    ----------
    products : array of shape (T, p + 1, p + 1)
        :math:`(X, y)'W(X, y)`.
    log_det : array of shape (T,)
        The logs of the determinants of M.
    method : {"REML", "ML"}
    """
    xx, xy = products[:, :-1, :-1], products[:, :-1, -1]
    if xx.shape[1] == 1:
        vcov, log_xx = 1 / xx, np.asarray(np.log(xx[:, 0, 0]))
    else:
        vcov, log_xx = np.asarray(np.linalg.inv(xx)), np.asarray(np.linalg.slogdet(xx)[1])
    beta = (vcov @ xy[:, :, None])[:, :, 0]
    rest = products[:, -1, -1] - (xy * beta).sum(axis=1)
    twice = log_det + rest + (log_xx if method == "REML" else 0.0)
    return Profiled(beta, vcov, -twice / 2)
