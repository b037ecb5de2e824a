"""Covariance of estimates that share a reference group, against published examples."""

from __future__ import annotations

import numpy as np
import pytest
from comorbid_chronic_daily_headache.covariance import (
    fitted_cases,
    greenland_longnecker,
    largest_shared,
    with_shared,
)
from comorbid_chronic_daily_headache.hamling import effective_counts, hamling
from comorbid_chronic_daily_headache.trend import slopes
from hypothesis import given, strategies as st
from published_levels import BREAST_CANCER, CARDIOVASCULAR, PRINTED_COVARIANCES, Study

import comorbid as cb

CASE_CONTROL, COHORT = CARDIOVASCULAR[:4], CARDIOVASCULAR[4:]


def upper(covariance: np.ndarray) -> np.ndarray:
    return covariance[np.triu_indices_from(covariance, 1)]


def covariance_of(study: Study) -> np.ndarray:
    return greenland_longnecker(study.log_ratios, study.variances, **study.counts)  # type: ignore[arg-type]


def test_alcohol_and_breast_cancer() -> None:
    """Slope 0.0454, standard error 0.0207, chi-squared 4.8333; without covariances 0.0334 (0.0187).

    As printed on the help page of dosresmeta (2.1.1, first example) and, for the naive line, in
    its author's reanalysis of Orsini, Bellocco and Greenland 2006.
    """
    study = BREAST_CANCER
    slope, variance = slopes(study.doses, study.log_ratios, covariance_of(study), line="from-none")
    assert slope == pytest.approx(0.0454, abs=5e-5)
    assert variance**0.5 == pytest.approx(0.0207, abs=5e-5)
    assert slope**2 / variance == pytest.approx(4.8333, abs=5e-5)
    naive = np.diag(study.variances)
    slope, variance = slopes(study.doses, study.log_ratios, naive, line="from-none")
    assert (slope, variance**0.5) == pytest.approx((0.0334, 0.0187), abs=5e-5)


@pytest.mark.parametrize(
    ("study", "cases"),
    list(
        zip(
            CASE_CONTROL,
            (
                (125.045754, 67.121348, 68.861059, 18.649722, 17.321957),
                (76.326336, 88.590929, 25.247951, 11.834726),
                (81.774216, 46.587219, 15.641699, 5.996615),
                (75.746492, 35.156220, 39.598921, 11.498375),
            ),
            strict=True,
        )
    ),
)
def test_fitted_counts_of_four_case_control_studies(study: Study, cases: tuple[float]) -> None:
    """The help page of grl, dosresmeta 2.1.1; its iteration stops at a change of 0.003."""
    fitted = fitted_cases(study.log_ratios, **study.counts)  # type: ignore[arg-type]
    assert fitted == pytest.approx(cases, abs=3e-4)


@pytest.mark.parametrize(
    ("study", "printed"), list(zip(CASE_CONTROL, PRINTED_COVARIANCES[:4], strict=True))
)
def test_covariances_of_four_case_control_studies(study: Study, printed: tuple[float]) -> None:
    """The help page of covar.logrr, dosresmeta 2.1.1."""
    covariance = covariance_of(study)
    assert upper(covariance) == pytest.approx(printed, abs=5e-8)
    assert np.diag(covariance) == pytest.approx(study.variances, rel=1e-12)


@pytest.mark.parametrize(
    ("study", "printed"), list(zip(COHORT, PRINTED_COVARIANCES[4:], strict=True))
)
def test_risk_ratios_are_fitted_as_risk_ratios(study: Study, printed: tuple[float]) -> None:
    """The R package fits a cohort's counts as if its ratios were odds ratios; here they are not.

    With that fit its printed covariances come out; with the fit of the paper (and of Stata's glst)
    the fitted counts have the ratios that were printed.
    """
    ratios, n = np.array(study.log_ratios), np.array(study.totals)
    fitted = fitted_cases(ratios, **study.counts)  # type: ignore[arg-type]
    assert np.log(fitted[1:] / n[1:] * n[0] / fitted[0]) == pytest.approx(ratios, rel=1e-9)
    assert fitted.sum() == pytest.approx(sum(study.cases), rel=1e-12)
    c = 1 / fitted - 1 / n
    expected = c[0] * np.sqrt(np.outer(study.variances, study.variances))
    expected /= np.sqrt(np.outer(c[0] + c[1:], c[0] + c[1:]))
    assert upper(covariance_of(study)) == pytest.approx(upper(expected), rel=1e-12)

    as_odds = fitted_cases(ratios, cases=study.cases, totals=study.totals, measure="OR")
    c = 1 / as_odds - 1 / n
    theirs = c[0] * np.sqrt(np.outer(study.variances, study.variances))
    theirs /= np.sqrt(np.outer(c[0] + c[1:], c[0] + c[1:]))
    assert upper(theirs) == pytest.approx(printed, abs=5e-7)


@pytest.mark.parametrize("study", [BREAST_CANCER, *CARDIOVASCULAR])
def test_the_package_itself_has_the_same_covariances(study: Study) -> None:
    """Two implementations of one method, by different searches for the counts."""
    cases, totals = np.array(study.cases, dtype=float), np.array(study.totals, dtype=float)
    effects = cb.Effects(
        yi=study.log_ratios,
        vi=study.variances,
        studies=["1"] * len(study.doses),
        measure=study.measure,
    )
    others = totals - cases
    counts = {"ai": cases[1:], "bi": others[1:], "ci": cases[0], "di": others[0]}
    found = cb.covariance(effects, reference=counts).matrix
    assert found == pytest.approx(covariance_of(study), rel=1e-9)


def test_two_stages_over_six_studies() -> None:
    """-0.0044 (0.0059), tau 0.0100, Q 14.1464: dosresmeta's help page, second example (REML, z).

    With the printed covariances of the two cohorts; with those fitted as risk ratios the second
    decimal of Q is another.
    """
    found = []
    for study, printed in zip(CARDIOVASCULAR, PRINTED_COVARIANCES, strict=True):
        covariance = np.diag(study.variances)
        covariance[np.triu_indices_from(covariance, 1)] = printed
        covariance = np.maximum(covariance, covariance.T)
        used = covariance_of(study) if study.measure == "OR" else covariance
        found.append(slopes(study.doses, study.log_ratios, used, line="from-none"))
    slope, variance = np.array(found).T
    fit = cb.pool(cb.Effects(yi=slope, vi=variance), method="REML", test="z")
    assert fit.estimate == pytest.approx(-0.0044, abs=5e-5)
    assert fit.se == pytest.approx(0.0059, abs=5e-5)
    assert fit.tau2**0.5 == pytest.approx(0.0100, abs=5e-5)
    assert fit.q == pytest.approx(14.1464, abs=5e-4)


@pytest.mark.parametrize(
    ("study", "cases", "totals"),
    list(
        zip(
            CASE_CONTROL,
            (
                (77.224016, 42.863757, 39.595879, 14.048644, 11.379162),
                (52.936594, 57.793169, 18.561968, 9.998022),
                (41.767484, 22.346167, 10.101682, 2.800649),
                (41.049928, 19.560563, 25.512473, 7.685215),
            ),
            (
                (256.720533, 167.402324, 131.640213, 33.256951, 22.399697),
                (177.747117, 267.425543, 147.280311, 53.651163),
                (105.948046, 83.663073, 37.333962, 5.126876),
                (113.431784, 65.547809, 52.449734, 26.248314),
            ),
            strict=True,
        )
    ),
)
def test_effective_counts_of_four_case_control_studies(
    study: Study, cases: tuple[float], totals: tuple[float]
) -> None:
    """The help page of hamling, dosresmeta 2.1.1, whose search stops at about four digits."""
    found = effective_counts(study.log_ratios, study.variances, **study.counts)  # type: ignore[arg-type]
    assert found[0] == pytest.approx(cases, rel=3e-4)
    assert found[1] == pytest.approx(totals, rel=3e-4)


@pytest.mark.parametrize("measure", ["OR", "RR", "IRR"])
def test_effective_counts_have_ratios_variances_and_margins(measure: str) -> None:
    """The four conditions of Hamling and others 2008, in closed form."""
    study = COHORT[0]
    a, n = effective_counts(
        study.log_ratios, study.variances, cases=study.cases, totals=study.totals, measure=measure
    )
    crude_a, crude_n = np.array(study.cases), np.array(study.totals)
    rest, crude_rest = (n - a, crude_n - crude_a) if measure == "OR" else (n, crude_n)
    ratios = np.log(a[1:] * rest[0] / (a[0] * rest[1:]))
    assert ratios == pytest.approx(study.log_ratios, rel=1e-9)
    parts = {"OR": 1 / a + 1 / (n - a), "RR": 1 / a - 1 / n, "IRR": 1 / a}[measure]
    assert parts[0] + parts[1:] == pytest.approx(study.variances, rel=1e-9)
    assert rest[0] / rest.sum() == pytest.approx(crude_rest[0] / crude_rest.sum(), rel=1e-9)
    assert rest.sum() / a.sum() == pytest.approx(crude_rest.sum() / crude_a.sum(), rel=1e-9)
    covariance = hamling(
        study.log_ratios, study.variances, cases=study.cases, totals=study.totals, measure=measure
    )
    assert upper(covariance) == pytest.approx([parts[0]] * 3, rel=1e-9)


counts = st.lists(st.integers(3, 400), min_size=3, max_size=6)


@given(cases=counts, data=st.data())
def test_of_a_crude_table_the_covariance_is_woolfs(cases: list[int], data: st.DataObject) -> None:
    """Of crude odds ratios the covariance is 1/a0 + 1/b0, by both methods (closed form)."""
    others = data.draw(st.lists(st.integers(3, 400), min_size=len(cases), max_size=len(cases)))
    a, b = np.array(cases, float), np.array(others, float)
    y = np.log(a[1:] * b[0] / (a[0] * b[1:]))
    parts = 1 / a + 1 / b
    v = parts[0] + parts[1:]
    for method in (greenland_longnecker, hamling):
        covariance = method(y, v, cases=a, totals=a + b)
        assert upper(covariance) == pytest.approx(parts[0], rel=1e-6)
    direct = parts[1] + parts[2]
    shared = largest_shared(v, n=(a + b).sum())
    assert v[0] + v[1] >= direct
    assert parts[0] <= shared * (1 + 1e-12)
    narrowest = with_shared(v[:2], largest_shared(v[:2], n=(a + b).sum()))
    assert narrowest[0, 0] + narrowest[1, 1] - 2 * narrowest[0, 1] <= direct * (1 + 1e-12)


risks = st.lists(st.tuples(st.integers(3, 400), st.integers(3, 400)), min_size=2, max_size=5)


@given(table=risks)
def test_of_a_crude_cohort_the_covariance_is_the_references_part(
    table: list[tuple[int, int]],
) -> None:
    """Of crude risk ratios the covariance is 1/a0 - 1/n0, by both methods, also of common cases."""
    a, b = np.array(table, float).T
    n = a + b
    parts = 1 / a - 1 / n
    y, v = np.log(a[1:] * n[0] / (a[0] * n[1:])), parts[0] + parts[1:]
    for method in (greenland_longnecker, hamling):
        covariance = method(y, v, cases=a, totals=n, measure="RR")
        assert upper(covariance) == pytest.approx(parts[0], rel=1e-6)
    found = effective_counts(y, v, cases=a, totals=n, measure="RR")
    assert found[0] == pytest.approx(a, rel=1e-6)
    assert found[1] == pytest.approx(n, rel=1e-6)


def test_risk_ratios_of_a_common_outcome_have_effective_counts() -> None:
    """Risks of 10, 30 and 50 in 100: the ratio of people to cases is below the greatest ratio."""
    y, parts = np.log([3.0, 5.0]), np.array([1 / 10, 1 / 30, 1 / 50]) - 1 / 100
    found = effective_counts(
        y, parts[0] + parts[1:], cases=[10, 30, 50], totals=[100] * 3, measure="RR"
    )
    assert found[0] == pytest.approx([10, 30, 50], rel=1e-9)
    assert found[1] == pytest.approx([100] * 3, rel=1e-9)


def test_the_range_of_the_shared_variance() -> None:
    """At most the smaller variance, less 4/n: 0.035 - 4/796."""
    assert largest_shared([0.194, 0.035], n=796) == pytest.approx(0.035 - 4 / 796, rel=1e-12)
    assert largest_shared([0.194, 0.035], n=[float("nan"), 796]) == pytest.approx(0.035 - 4 / 796)
    assert largest_shared([0.194, 0.035], n=[796, float("nan")]) == 0.035
    assert largest_shared([0.194, 0.035], n=796, measure="RR") == 0.035
    assert largest_shared([0.194, 0.001], n=796) == 0.0


def test_impossible_input_is_named_all_at_once() -> None:
    with pytest.raises(cb.DataError, match=r"more cases than people.*") as error:
        greenland_longnecker([np.nan], [-1.0], cases=[5, 12], totals=[10, 11])
    assert "log ratio is not finite" in str(error.value)
    assert "variance is not positive" in str(error.value)
    with pytest.raises(cb.DataError, match="the reference before it"):
        greenland_longnecker([0.1], [0.2], cases=[5], totals=[10])
    with pytest.raises(cb.ModelError, match="measure is 'HR'; use one of OR, RR, IRR"):
        hamling([0.1], [0.2], cases=[5, 6], totals=[10, 11], measure="HR")
    with pytest.raises(cb.ModelError, match="more cases than people"):
        fitted_cases([np.log(5.0)], cases=[30, 20], totals=[100, 21], measure="RR")
