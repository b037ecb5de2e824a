"""Versions of the same studies: the same numbers as one pool at a time, and errors that help."""

from __future__ import annotations

import math

import numpy as np
import pytest

import comorbid as cb

Y = np.array([[0.111, 0.111], [1.876, 1.624]])
V = np.array([[0.229, 0.169], [0.110, 0.087]])
NAMES = ["none", "largest"]


@pytest.mark.parametrize("test", ["z", "knha"])
@pytest.mark.parametrize("method", ["REML", "DL", "EE"])
def test_each_version_is_what_pool_gives(method: str, test: str) -> None:
    settings = {"method": method, "test": test}
    rows = cb.pool_versions(Y, vi=V, labels=NAMES, measure="OR", **settings).to_frame()  # type: ignore[arg-type]
    for i, name in enumerate(NAMES):
        fit = cb.pool(cb.Effects(yi=Y[:, i], vi=V[:, i], measure="OR"), **settings)  # type: ignore[arg-type]
        row = rows.loc[name]
        expected = [fit.estimate, fit.se, *fit.ci, fit.tau2, fit.q, fit.k]
        found = row[["estimate", "se", "ci_low", "ci_high", "tau2", "q", "k"]].tolist()
        assert found == pytest.approx(expected, rel=1e-9)


def test_the_scale_is_that_of_the_measure() -> None:
    versions = cb.pool_versions(Y, vi=V, labels=NAMES, measure="OR")
    assert versions.scale == "log"
    assert versions.on_scale()[0].estimate == pytest.approx(math.exp(versions.batch.estimate[0]))
    assert cb.pool_versions(Y, vi=V, labels=NAMES, measure="ratio", scale="log").scale == "log"


def test_one_study_is_its_own_interval_and_says_so() -> None:
    versions = cb.pool_versions(Y[:1], vi=V[:1], labels=NAMES)
    assert versions.batch.se == pytest.approx(np.sqrt(V[0]), rel=1e-12)
    assert versions.reasons == ("one study: nothing is pooled",) * 2


def test_errors_name_every_version() -> None:
    with pytest.raises(cb.DataError, match=r"2 problems:(.|\n)*'none'(.|\n)*'largest'"):
        cb.pool_versions(Y, vi=-V, labels=NAMES)
    with pytest.raises(cb.DataError, match="one column a version"):
        cb.pool_versions(Y, vi=V, labels=["none"])
    with pytest.raises(cb.DataError, match="one row a study"):
        cb.pool_versions(np.empty((0, 2)), vi=np.empty((0, 2)), labels=NAMES)
    with pytest.raises(cb.DataError, match=r"vi\[0\] is 'wide'"):
        cb.pool_versions(Y, vi=[["wide", 1], [1, 1]], labels=NAMES)  # type: ignore[list-item]
    with pytest.raises(cb.ModelError, match="method is 'XY'"):
        cb.pool_versions(Y, vi=V, labels=NAMES, method="XY")
