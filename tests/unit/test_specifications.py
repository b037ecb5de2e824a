"""Specifications: every combination of choices, each the pool that `pool` gives."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import comorbid as cb
from comorbid.document.sections import specifications as section
from comorbid.effects.build import both_sources
from comorbid.sensitivity.specifications import METHODS, TESTS
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section

STUDIES = cb.datasets.headache_back_pain()
COUNTS = (
    cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible."),
    cb.Override("swain2014-1", use="counts", reason="The interval is rounded."),
)
FIT = cb.pool(cb.effects(STUDIES, overrides=COUNTS))
FOUND = cb.specifications(FIT, studies=STUDIES, overrides=COUNTS)


def effects(yi: list[float], vi: list[float], measure: str = "OR") -> cb.Effects:
    return cb.Effects(yi=yi, vi=vi, measure=measure)


def test_the_specifications_are_all_combinations() -> None:
    sizes = {choice.name: len(choice.options) for choice in FOUND.choices}
    assert sizes == {"estimator of tau²": 5, "interval": 3, "source": 3, "rows": 8}
    assert len(FOUND) == 5 * 3 * 3 * 8
    frame = FOUND.to_frame()
    made = set(zip(*(frame[name] for name in sizes), strict=True))
    assert len(made) == len(FOUND)
    assert made == set(itertools.product(*(choice.options for choice in FOUND.choices)))


def test_its_own_choice_is_the_fit() -> None:
    row = FOUND.to_frame().iloc[FOUND.main]
    assert row["estimator of tau²"] == "REML"
    assert row["interval"] == "knha"
    assert (row["source"], row["rows"]) == ("as decided", "as marked")
    for name, value in (("estimate", FIT.estimate), ("tau2", FIT.tau2), ("pi_low", FIT.pi[0])):
        assert row[name] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_each_is_what_pool_gives(method: str, test: str) -> None:
    """With another row of one study and other sources, effects() and pool() give the same."""
    frame = FOUND.to_frame()
    inside = (frame["estimator of tau²"] == method) & (frame["interval"] == test)
    overrides = (*COUNTS, cb.Override("yoon2013-3", use="primary", reason="Another row."))
    for source, more in (
        ("as decided", overrides),
        ("printed where known", overrides[::2]),  # Swain as printed; Ghandour's is impossible
        (
            "counts where known",
            (*overrides, cb.Override("bejia2005-1", use="counts", reason="It has counts.")),
        ),
    ):
        fit = cb.pool(cb.effects(STUDIES, overrides=more), method=method, test=test)  # type: ignore[arg-type]
        row = frame[inside & (frame["source"] == source) & (frame["rows"] == "Yoon 2013 (3)")]
        assert row["estimate"].item() == pytest.approx(fit.estimate, rel=1e-9)
        assert row["ci_low"].item() == pytest.approx(fit.ci[0], rel=1e-9)
        assert row["pi_high"].item() == pytest.approx(fit.pi[1], rel=1e-9)


def test_an_impossible_interval_is_never_taken() -> None:
    """The audit finds Ghandour 2004's printed interval impossible for 8,250 people."""
    (_, v_counts), (_, v_printed) = both_sources(STUDIES)
    assert STUDIES.frame["estimate_id"][0] == "ghandour2004-1"
    assert math.sqrt(v_printed[0]) < 4 / math.sqrt(8250) < math.sqrt(v_counts[0])
    only = cb.specifications(
        cb.pool(cb.effects(STUDIES, overrides=COUNTS[:1])), studies=STUDIES, overrides=COUNTS[:1]
    )
    assert only.choices[2].options == ("as decided", "counts where known")


def test_counts_of_what_the_intervals_exclude() -> None:
    frame = FOUND.to_frame()
    spread = FOUND.spread()
    assert spread.ci_excludes == int(((frame["ci_low"] > 0) | (frame["ci_high"] < 0)).sum()) == 360
    assert spread.pi_excludes == int(((frame["pi_low"] > 0) | (frame["pi_high"] < 0)).sum())
    assert spread.lowest == frame["estimate"].min()
    by_option = dict(FOUND.by_option())
    marked = by_option["rows: as marked"]
    assert marked.pi_excludes == marked.n == 45
    assert sum(s.n for label, s in by_option.items() if label.startswith("interval: ")) == 360


def test_a_result_in_the_other_direction_counts_the_same() -> None:
    """1/OR turns every interval over, and the counts stay."""
    yi, vi = [0.5, 0.9, 0.2, 0.7], [0.03, 0.08, 0.02, 0.05]
    one, other = (cb.specifications(cb.pool(effects(y, vi))) for y in (yi, [-y for y in yi]))
    assert one.spread()[4:] == other.spread()[4:]
    assert one.spread().lowest == pytest.approx(-other.spread().highest, rel=1e-9)


def test_the_equal_effects_model_has_no_prediction_interval() -> None:
    fit = cb.pool(effects([0.5, 0.9, 0.2], [0.03, 0.08, 0.02]), method="EE", test="z")
    found = cb.specifications(fit, methods=["EE"], tests=["z"])
    assert len(found) == 1
    assert found.spread().with_pi == 0
    assert section.choices(found) == "No choice is open: the studies were pooled in 1 way."
    assert section.excluding(found) == (
        "The 95 % confidence interval excludes 1 in the 1 way; there is no prediction interval."
    )


def test_its_own_method_and_test_are_always_there() -> None:
    found = cb.specifications(
        cb.pool(effects([0.5, 0.9], [0.03, 0.08]), method="HE", test="t"),
        methods=["DL"],
        tests=["z"],
    )
    assert [choice.options for choice in found.choices[:2]] == [("DL", "HE"), ("z", "t")]
    assert found.main == 3


def test_a_measure_without_null_counts_nothing() -> None:
    fit = cb.pool(effects([0.5, 0.9, 0.2], [0.03, 0.08, 0.02], "PLO"))
    found = cb.specifications(fit)
    assert math.isnan(found.null)
    assert found.spread().ci_excludes == 0
    assert section.excluding(found).startswith("This measure has no null value")
    table = next(b for b in section.specifications(found) if isinstance(b, cb.Table))
    assert table.header[-1] == "Highest"


def test_too_many_other_rows_are_said_to_be_left_out() -> None:
    lines = ["estimate_id,study_id,measure,estimate,ci_low,ci_high,primary"]
    lines += [f"a{i},a,OR,{1.5 + i / 100:.2f},1.0,2.9,{'no' if i else 'yes'}" for i in range(102)]
    lines += ["b1,b,OR,2.0,1.2,3.3,yes"]
    studies = studies_from_bytes("\n".join(lines).encode(), source="s.csv")
    found = cb.specifications(cb.pool(cb.effects(studies)), studies=studies)
    assert found.left_out == ("101 other rows are too many to combine with all else",)
    assert len(found) == 15


def test_what_cannot_be_given_is_said() -> None:
    fit = cb.pool(effects([0.5, 0.9], [0.03, 0.08]))
    with pytest.raises(cb.ModelError, match="method is 'XX'"):
        cb.specifications(fit, methods=["XX"])
    with pytest.raises(cb.ModelError, match="test is 'XX'"):
        cb.specifications(fit, tests=["XX"])  # type: ignore[list-item]
    with pytest.raises(cb.DataError, match="one study"):
        cb.specifications(cb.pool(effects([0.5], [0.03])))
    with pytest.raises(cb.DataError, match="studies is"):
        cb.specifications(fit, studies="studies.csv")  # type: ignore[arg-type]


def test_an_unknown_method_is_named_in_the_definition() -> None:
    options = {"specifications": {"methods": ["XX"]}}
    with pytest.raises(cb.ReportError, match=r"\[analyses.specifications\]: method is 'XX'"):
        build_section("specifications", options=options)


def test_sentences() -> None:
    assert section.choices(FOUND) == (
        "The studies were pooled in 360 ways, every combination of 5 estimators of tau², 3 "
        "intervals, 3 sources of the effects and 8 selections of rows."
    )
    assert section.ends(FOUND) == (
        "The average ranges from 2.22 to 3.30; this report's own is 2.29."
    )
    assert section.excluding(FOUND) == (
        "The 95 % confidence interval excludes 1 in all 360 ways, the prediction interval in 282 "
        "of 360 ways."
    )
    null = cb.specifications(cb.pool(effects([0.5, -0.5, 0.1], [0.03, 0.08, 0.02])))
    assert section.excluding(null) == (
        "The 95 % confidence interval excludes 1 in none of 15 ways, the prediction interval in "
        "none of 15 ways."
    )


def test_the_figure_says_what_the_table_says() -> None:
    figure = cb.figures.specifications(FOUND)
    assert "from 2.22 to 3.30" in figure.alt
    assert "in 360 of 360" in figure.alt
    assert figure == cb.figures.specifications(FOUND)
    assert np.isfinite(FOUND.batch.estimate).all()
