"""Every value of the golden files is compared, or listed below with the reason why it is not.

The comparisons are run on a few data sets that between them hold every kind of value, and note
what they read. Each kind of value in any file must be among what was read, or be listed; the tests
of each comparison make sure that it goes through all data sets. (test_refits.py makes sure of every
value of reml-global-maximum.json itself.)
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import golden_bias
import golden_data
import golden_escalc
import golden_metareg
import golden_sensitivity
import golden_univariate
import pytest
import test_bias
import test_escalc
import test_golden_mantel_haenszel
import test_golden_sensitivity
import test_metareg
import test_more
import test_univariate
from golden_data import DATA, dataset

import comorbid as cb

Path = tuple[str, ...]

ELSEWHERE = "compared in test_dependent.py and test_golden_glmm.py, of models for counts or rows"
# Files of which one test goes through every entry.
OWN_TEST = {
    "dependent": "test_dependent_sets.py",
    "glmm": "test_glmm_sets.py",
    "multilevel-verbs": "test_rma_mv_verbs.py",
}
MULTILEVEL = "compared in test_rma_mv.py, which makes sure that it goes through all fits"
LABEL = "says what its neighbours are, and is used or implied by where they stand"
REPEATED = "a number that every fit has, where it is compared"
SETTING = "a setting of metafor's, not a result"

# Kinds of values that are not compared; * stands for any key, ** for all that follow.
NOT_COMPARED = {
    "meta > **": SETTING,
    "dataset": LABEL,
    "made": SETTING,
    "cases": "compared in test_weighted_regressions.py, which counts them",
    "network > **": "compared by the tests of plugins/comorbid-treatments",
    "analyses > * > control_tight > **": SETTING,
    "analyses > * > GENQ_weights": SETTING,
    "analyses > * > cumul_order_by": SETTING,
    "analyses > * > k": REPEATED,
    "analyses > * > slab": LABEL,
    "analyses > * > baujat_* > ids": LABEL,
    "analyses > * > cumul > * > order": LABEL,
    "analyses > * > cumul > * > level": SETTING,
    "analyses > * > influence > * > [kp]": REPEATED,
    "analyses > * > confint > * > rows": LABEL,
    "analyses > * > confint > * > *.null": "null in every file but for ci.null, which is compared",
    "analyses > * > fits_default_control > **": (
        "metafor with its default stopping rule, of which the files show how far it is off"
    ),
    "analyses > * > fits > FE_unweighted_DL > names": LABEL,
    "analyses > * > fits > FE_unweighted_DL > method": LABEL,
    "analyses > * > fits > FE_unweighted_DL > test": LABEL,
    "analyses > * > fits > * > * > names": LABEL,
    "analyses > * > fits > * > * > method": LABEL,
    "analyses > * > fits > * > * > test": LABEL,
    "analyses > * > fits > * > * > predict > pi.dist": "said by pi.ddf: none for the normal",
    "analyses > * > fits > EE > * > predict > pi.[sd]*": "no prediction in an equal-effects model",
    "analyses > * > predict_REML > * > * > pi.dist": "said by pi.ddf: none for the normal",
    "analyses > * > permutest_exact > method": LABEL,
    "analyses > * > permutest_exact > iter": "null in every file",
    "analyses > * > ranktest > * > exact": "null in every file",
    "analyses > * > regtest > * > model": LABEL,
    "analyses > * > regtest > * > predictor": LABEL,
    "analyses > * > selmodel > * > type": LABEL,
    "analyses > * > trimfill > * > names": LABEL,
    "analyses > * > trimfill > * > method": LABEL,
    "analyses > * > trimfill > * > test": LABEL,
    "conv > transf > exp_int": "null",
    "metareg > * > * > * > names": LABEL,
    "metareg > * > * > * > method": LABEL,
    "metareg > * > * > * > test": LABEL,
    "metareg > * > * > confint > *.null": "null in every file but for ci.null, which is compared",
    "metareg > * > rows_used_1based": "said by the effects, which are compared",
    "more > peto > cumul > slab": LABEL,
    "more > peto > cumul > ids": LABEL,
    "more > peto > cumul > order": LABEL,
    "more > peto > cumul > level": SETTING,
    "more > subgroups_alloc_RR > * > names": LABEL,
    "more > subgroups_alloc_RR > * > method": LABEL,
    "more > subgroups_alloc_RR > * > test": LABEL,
    "more > subgroups_alloc_RR > * > predict > pi.dist": "said by pi.ddf: none for the normal",
    "more > predict_newmods_RR_ablat > slab": LABEL,
    "more > n_zero_cells": "a count of cells of the tables, which are in the file",
    "more > locscale_RR > **": "a location-scale model, which comorbid does not have",
    "more > aggregate_rho0.5 > **": ELSEWHERE,
    "more > vcalc_rho0.6_first_block": ELSEWHERE,
    "more > CHE_robust_note": LABEL,
    "more > confint_sigma2 > **": MULTILEVEL,
    "more > ranef > **": MULTILEVEL,
    "more > V": MULTILEVEL,
    "fits > **": MULTILEVEL,
    **{f"more > {kind}_* > **": MULTILEVEL for kind in ("mv", "UN", "HCS")},
    **{f"more > {kind}_* > **": ELSEWHERE for kind in ("robust", "glmm")},
}

MODULES = (
    *(golden_bias, golden_data, golden_escalc, golden_metareg, golden_sensitivity),
    *(golden_univariate, test_escalc, test_metareg, test_more),
)
CASES = [("dat.bcg", "OR"), ("dat.bonett2010", "AHW"), ("dat.nielweise2008", "IRR")]
MODELS = [("dat.bcg", "RR_ablat_alloc"), ("dat.raudenbush1985", "weeks")]
TABLES = ("dat.bcg", "dat.nielweise2008")

# All values of all files, and those of the kinds that are compared; they can grow, never shrink.
VALUES_AT_LEAST = 581_049
COMPARED_AT_LEAST = 536_075


class Noted(dict[str, Any]):
    """A dict that notes which of its leaves are read, under their paths."""

    def __init__(self, values: dict[str, Any], path: Path, read: set[Path]) -> None:
        super().__init__({k: _noted(v, (*path, k), read) for k, v in values.items()})
        self.path, self.read = path, read

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if not isinstance(value, Noted):
            self.read.add((*self.path, key))
        return value

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def items(self) -> Any:
        return [(key, self[key]) for key in self]

    def values(self) -> Any:
        return [self[key] for key in self]


def _noted(value: Any, path: Path, read: set[Path]) -> Any:
    return Noted(value, path, read) if isinstance(value, dict) else value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, int]]:
    """Yield every path to something that is no dict, and how many values are there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, _count(value)


def _count(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_count, value))
    return sum(map(_count, value.values())) if isinstance(value, dict) else 1


def kind(path: Path) -> Path:
    """Return a path without what tells measures, models and coefficients apart."""
    if path[0] == "more" and path[1] == "death":
        return kind(("more", *path[2:]))
    if path[0] == "metareg" and path[-2] == "dfbs":
        path = (*path[:-1], "*")
    if path[0] in ("analyses", "metareg"):
        return (path[0], "*", *path[2:])
    return path


def files() -> list[str]:
    names = {path.name.removesuffix(".json.gz") for path in DATA.glob("*.json.gz")}
    return sorted(names - OWN_TEST.keys())


@cache
def kinds() -> Counter[Path]:
    """Return every kind of value of all files, and how many there are."""
    count: Counter[Path] = Counter()
    for name in files():
        for path, size in leaves(dataset(name)):
            count[kind(path)] += size
    return count


def listed(path: Path, pattern: str) -> bool:
    parts = pattern.split(" > ")
    if parts[-1] == "**":
        parts, path = parts[:-1], path[: len(parts) - 1]
    return len(parts) == len(path) and all(map(fnmatchcase, path, parts))


def not_compared(path: Path) -> bool:
    return any(listed(path, pattern) for pattern in NOT_COMPARED)


@pytest.fixture(scope="module")
def read() -> set[Path]:
    """Run the comparisons on a few data sets; return the kinds of values that they read."""
    paths: set[Path] = set()
    noted = cache(lambda name: Noted(dataset(name), (name,), paths))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", cb.ComorbidWarning)
        for module in MODULES:
            patch.setattr(module, "dataset", noted)
        for case in CASES:
            compare_means(case)
            compare_bias(case)
        for model in MODELS:
            compare_regression(*model)
        compare_others()
    return {kind(path[1:]) for path in paths}


def compare_means(case: tuple[str, str]) -> None:
    for cells in test_univariate.AT_LEAST:
        assert [*cells(*case)]
    sensitivity = test_golden_sensitivity
    compared = []
    for name, compare in (
        ("leave1out", sensitivity.compare_leave_one_out),
        ("cumul", sensitivity.compare_cumulative),
        ("influence", sensitivity.compare_influence),
        ("gosh", sensitivity.compare_subsets),
    ):
        compared += [compare(case, key).compared for key in golden_sensitivity.golden(case, name)]
    compared += [sensitivity.compare_baujat(case, method).compared for method in ("EE", "REML")]
    compared.append(sensitivity.compare_rstudent(case).compared)
    assert all(compared)
    for method, key in test_metareg.PERMUTATIONS.items():
        if golden := golden_data.dataset(case[0])["analyses"][case[1]].get(key):
            test_metareg.test_exact_permutation_agrees_with_metafor(*case, method, golden)


def compare_bias(case: tuple[str, str]) -> None:
    for cells in test_bias.AT_LEAST:
        assert [*cells(case)]
    for method in ("EE", "REML"):
        test_bias.general_differences(case, method)
    test_bias.test_selection_models(case)


def compare_regression(name: str, model: str) -> None:
    test_metareg.test_fits_agree_with_metafor(name, model)
    test_metareg.test_same_rows_and_columns_as_in_r(name, model)
    test_metareg.test_influence_agrees_with_metafor(name, model)
    test_metareg.test_residual_heterogeneity_agrees_with_metafor(name, model)
    if (name, model) in test_metareg.with_vif():
        test_metareg.test_variance_inflation_agrees_with_metafor(name, model)


def compare_others() -> None:
    assert golden_escalc.cases()
    test_escalc.test_back_transformations_agree_with_metafor()
    test_escalc.test_means_from_quantiles_agree_with_metafor()
    for case in test_golden_mantel_haenszel.cases():
        if case[0] in TABLES:
            test_golden_mantel_haenszel.test_agrees_with_metafor(*case)
    for allocation in test_more.ALLOCATIONS:
        test_more.test_each_subgroup_is_a_fit_of_its_own(allocation)
    test_more.test_prediction_at_new_latitudes()
    test_more.test_likelihood_ratio_of_latitude()
    test_more.test_double_arcsine_goes_back_with_the_harmonic_mean()


def test_every_value_is_compared_or_listed(read: set[Path]) -> None:
    left = [" > ".join(path) for path in kinds() if path not in read and not not_compared(path)]
    assert not left, "\n".join(left)


def test_what_is_listed_exists_and_is_not_compared(read: set[Path]) -> None:
    """A reason that has no value left, or a value that is compared after all, must go."""
    for pattern in NOT_COMPARED:
        matching = [path for path in kinds() if listed(path, pattern)]
        assert matching, pattern
        assert [path for path in matching if path not in read], pattern


def test_number_of_values_never_shrinks() -> None:
    compared = sum(size for path, size in kinds().items() if not not_compared(path))
    assert sum(kinds().values()) >= VALUES_AT_LEAST
    assert compared >= COMPARED_AT_LEAST


def test_there_is_no_file_that_nobody_reads() -> None:
    others = {path.name for path in DATA.iterdir() if not path.name.startswith("dat.")}
    assert others == {
        "README.md",
        "escalc.json.gz",
        *(f"{name}.json.gz" for name in OWN_TEST),
        "reml-global-maximum.json",
        "rma_mv.json.gz",
        "rma_mv_further.json.gz",
        "weighted-regressions.json.gz",
    }
