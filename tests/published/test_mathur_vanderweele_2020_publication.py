"""Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for publication bias in meta-analyses.

Journal of the Royal Statistical Society C 69:1091-1119, doi:10.1111/rssc.12440. Of the article only
the abstract was at hand, so none of its own examples.
Read: the abstract; the help pages of pubbias_meta and pubbias_svalue of the R package
PublicationBias 2.3.0, with their output for the BCG vaccine trials.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from printed import as_printed, bcg, columns
from scipy import linalg, special

import comorbid as cb
from comorbid.models.cluster_robust import robust_means

FIT = cb.pool(bcg("RR"))
AUTHORS = columns("dat.bcg")["author"]


def test_eight_trials_are_affirmative() -> None:
    found = cb.s_value(FIT)
    assert (found.k_affirmative, found.k_nonaffirmative, found.favor) == (8, 5, "negative")
    assert np.flatnonzero(~found.affirmative).tolist() == [0, 4, 7, 11, 12]


def test_common_effect_at_known_ratios() -> None:
    found = cb.s_value(FIT, model="fixed", selection_ratio=[5]).to_frame()
    assert found.loc[1.0, ["corrected", "se", "ci_low", "ci_high"]].tolist() == as_printed(
        "-0.430 0.0405 -0.519 -0.342"
    )
    assert found.loc[5.0, ["corrected", "se", "ci_low", "ci_high"]].tolist() == as_printed(
        "-0.156 0.0491 -0.263 -0.0485"
    )
    assert found.loc[1.0, "p_value"] == as_printed("0.000000185")
    assert found.loc[5.0, "p_value"] == as_printed("0.00814")


def test_common_effect_s_values() -> None:
    """The help page prints an S-value of -76.90313 for the estimate.

    It is the root of the closed form, minus the sum of the weighted effects of the affirmative
    trials over that of the others, which is negative where the others are on the same side: no
    selection suffices.
    """
    found = cb.s_value(FIT, model="fixed")
    assert found.limit == as_printed("7.58431")
    assert found.estimate == math.inf
    weighted = FIT.effects.yi / FIT.effects.vi
    root = -weighted[found.affirmative].sum() / weighted[~found.affirmative].sum()
    assert root == as_printed("-76.90313")
    assert found.estimate != as_printed("-76.90313")
    less = cb.s_value(FIT, q=math.log(0.9), model="fixed")
    assert less.estimate == as_printed("8.261336")
    assert less.limit == as_printed("3.406779")


def test_the_worst_case_is_the_pool_of_the_other_studies() -> None:
    """The abstract: it is had by pooling only those that are not affirmative.

    It says that sometimes no such selection explains the result away; so here. What
    robust weights give for it has the tau2 of all studies.
    """
    others = np.flatnonzero(~cb.s_value(FIT).affirmative)
    alone = FIT.effects.take(others)
    fixed, robust = cb.s_value(FIT, model="fixed"), cb.s_value(FIT)
    assert fixed.worst[0] == pytest.approx(cb.pool(alone, method="EE").estimate, rel=1e-12)
    assert robust.worst[0] == pytest.approx(cb.pool(alone, tau2=FIT.tau2).estimate, rel=1e-12)
    for found in (fixed, robust):
        assert found.worst[0] < 0
        assert found.estimate == math.inf


def by_matrices(
    weights: np.ndarray, cluster: np.ndarray, middle: str
) -> tuple[float, float, float]:
    """Estimate, CR2 standard error and Satterthwaite's degrees of freedom, written out.

    ``middle`` is what stands between the vectors in the degrees of freedom: the working variances,
    as in Pustejovsky and Tipton (2018), or 1.
    """
    y, v = FIT.effects.yi, FIT.effects.vi
    k = y.size
    mean = np.array([v[cluster == c].mean() for c in cluster])
    sigma = np.diag(mean)
    w = weights / weights.sum()
    estimate = float(w @ y)
    rest = np.eye(k) - np.outer(np.ones(k), w)
    vectors, total = [], 0.0
    for c in np.unique(cluster):
        rows = np.flatnonzero(cluster == c)
        root = np.sqrt(sigma[np.ix_(rows, rows)])
        inside = root @ rest[rows] @ sigma @ rest[rows].T @ root
        adjust = root @ linalg.inv(linalg.sqrtm(inside)) @ root
        vector = rest[rows].T @ adjust @ w[rows]
        vectors.append(vector)
        total += float(vector @ y) ** 2
    p = np.array(vectors)
    m = p @ (sigma if middle == "working" else np.eye(k)) @ p.T
    return estimate, math.sqrt(total), float(np.trace(m) ** 2 / (m**2).sum())


def weights_at(ratio: float) -> np.ndarray:
    affirmative = cb.s_value(FIT).affirmative
    return np.asarray(np.where(affirmative, 1.0, ratio) / (FIT.effects.vi + FIT.tau2))


def test_robust_at_a_known_ratio_by_author() -> None:
    """Estimate and standard error agree; the degrees of freedom do not.

    robumeta 2.0 takes Satterthwaite's with 1 in place of the working variances where weights are
    the user's; clubSandwich 0.5.8 with the same weights and working variances has ours.
    """
    cluster = np.unique(AUTHORS, return_inverse=True)[1]
    effects = cb.Effects(
        yi=FIT.effects.yi,
        vi=FIT.effects.vi,
        labels=FIT.effects.labels,
        measure="RR",
        moderators={"author": AUTHORS},
    )
    found = cb.s_value(cb.pool(effects), selection_ratio=5, by="author")
    row = found.to_frame().loc[5.0]
    assert found.clusters == 11
    assert row[["corrected", "se"]].tolist() == as_printed("-0.3686171 0.1452243")
    assert row[["ci_low", "ci_high"]].tolist() != as_printed("-0.7849406 0.04770646")
    # R 4.2 with clubSandwich: vcovCR(lm(y ~ 1, weights = w), "CR2", cluster = author, target =
    # ave(vi, author), inverse_var = FALSE), then df_Satt of coef_test; tau2 by metafor, which stops
    # at a step of 1e-5.
    assert row["df"] == pytest.approx(3.452677948, rel=1e-6)
    assert by_matrices(weights_at(5), cluster, "working")[1:] == pytest.approx(
        (row["se"], row["df"]), rel=1e-9
    )
    df = by_matrices(weights_at(5), cluster, "one")[2]
    half = special.stdtrit(df, 0.975) * row["se"]
    assert [row["corrected"] - half, row["corrected"] + half] == as_printed("-0.7849406 0.04770646")


def test_robust_s_values() -> None:
    """For the limit the help page prints 4.17, from degrees of freedom with 1 in the middle."""
    found = cb.s_value(FIT)
    assert found.estimate == math.inf
    assert found.limit != as_printed("4.17")
    for middle, ratio, error in (("working", found.limit, 1e-7), ("one", 4.17, 0.001)):
        estimate, se, df = by_matrices(weights_at(ratio), np.arange(13), middle)
        assert estimate + special.stdtrit(df, 0.975) * se == pytest.approx(0, abs=error)


def test_clusters_of_several_sizes() -> None:
    """R 4.2, robumeta 2.0: robu(yi ~ 1, studynum, userweights, small = TRUE).

    With set.seed(3); runif(13) as weights; the standard error of -0.71125324098 is 0.267338969672.
    """
    weights = np.array(
        [
            *(0.168041526339948, 0.807516399072483, 0.384942351374775, 0.327734317164868),
            *(0.602100674761459, 0.604394054040313, 0.124633444240317, 0.294600924244151),
            *(0.577609919011593, 0.630979274399579, 0.512015897547826, 0.505023914156482),
            0.534035353455693,
        ]
    )
    cluster = np.array([1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5, 6]) - 1
    found = robust_means(FIT.effects.yi, FIT.effects.vi, weights[:, None], cluster)
    assert found.estimate[0] == pytest.approx(-0.71125324098, rel=1e-10)
    assert found.se[0] == pytest.approx(0.267338969672, rel=1e-10)
    assert found.df[0] == pytest.approx(by_matrices(weights, cluster, "working")[2], rel=1e-9)
    assert by_matrices(weights, cluster, "one")[2] == pytest.approx(4.04219125026, rel=1e-9)
