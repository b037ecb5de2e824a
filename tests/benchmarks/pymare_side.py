"""PyMARE's side: the fastest peer in Python, where it is installed."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np
from data import Array


def pymare(yi: Array, vi: Array) -> Callable[[], Array] | None:
    """Return what fits n sets of k studies, of shape (k, n), and gives their tau2; or None.

    By REML with Knapp and Hartung's test, intervals, Q and I2; what it warns of on import is its
    own affair.
    """
    if importlib.util.find_spec("pymare") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymare import Dataset
        from pymare.estimators import VarianceBasedLikelihoodEstimator
    ones = np.ones((yi.shape[0], 1))

    def fit() -> Array:
        data = Dataset(yi, vi, X=ones, X_names=["mean"], add_intercept=False)
        estimator = VarianceBasedLikelihoodEstimator(method="REML").fit_dataset(data)
        results = estimator.summary()
        results.get_fe_stats()
        results.get_heterogeneity_stats()
        return np.asarray(estimator.params_["tau2"]).ravel()

    return fit
