"""The multiverse: every combination of choices, each the pool that `pool` gives."""

from __future__ import annotations

import itertools
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.document.sections import multiverse as section
from comorbid.effects.build import both_sources
from comorbid.sensitivity import open_choices
from comorbid.sensitivity.multiverse import METHODS, TESTS
from comorbid.sensitivity.refitting import NONE_LEFT, ONE_LEFT
from comorbid.sensitivity.shares import variance_shares
from comorbid.studies.finding import Audit, Finding
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section

STUDIES = cb.datasets.headache_back_pain()
COUNTS = (
    cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible."),
    cb.Override("swain2014-1", use="counts", reason="The interval is rounded."),
)
RULES = {"adults only": {"population": ["adults"]}, "adjusted only": {"adjustment": ["adjusted"]}}
FIT = cb.pool(cb.effects(STUDIES, overrides=COUNTS))
FOUND = cb.multiverse(STUDIES, fit=FIT, rules=RULES)
ALL, ADULTS, ADJUSTED = "all studies", "adults only", "adjusted only"


# Estimate, interval and tau2; see test_r_gives_the_same.
R_ORACLE: list[tuple[dict[str, str], list[float]]] = [
    ({}, [0.8302511413, 0.6320961540, 1.0284061285, 0.0280687270]),
    (
        {"estimator": "DL", "interval": "z", "studies_included": "without Swain 2014"},
        [0.7524455943, 0.6618855385, 0.8430056500, 0.0],
    ),
    (
        {
            "estimator": "PM",
            "interval": "adhoc",
            "row_of_Yoon_2013": "Yoon 2013 (3)",
            "adults_only": "yes",
        },
        [1.3443064849, -1.3936581533, 4.0822711231, 1.1456750390],
    ),
    (
        {"estimator": "ML", "row_of_Ashina_2018": "Ashina 2018 (4)", "adjusted_only": "yes"},
        [0.7611089783, 0.6119925326, 0.9102254240, 0.0],
    ),
    (
        {"estimator": "SJ", "row_of_Yoon_2013": "Yoon 2013 (4)", "source": "printed where known"},
        [1.1934796880, 0.2756298797, 2.1113294963, 0.6899104737],
    ),
]


def effects(yi: list[float], vi: list[float], measure: str = "OR") -> cb.Effects:
    return cb.Effects(yi=yi, vi=vi, measure=measure)


def at(found: Any = FOUND, **options: str) -> int:
    """Return which specification these options lead to; others are the main pool's."""
    own = {choice.name: choice.options[0] for choice in found.choices}
    own |= {"estimator": "REML", "interval": "knha"}
    own |= {name.replace("_", " "): option for name, option in options.items()}
    picks = found.picks
    chosen = np.ones(found.combinations, dtype=bool)
    for i, choice in enumerate(found.choices):
        chosen &= picks[i] == choice.options.index(own[choice.name])
    assert chosen.sum() == 1
    return int(found.which[chosen][0])


def test_the_combinations_are_all_of_the_options() -> None:
    sizes = {choice.name: len(choice.options) for choice in FOUND.choices}
    assert sizes == {
        "estimator": 5, "interval": 3, "source": 3, "row of Ashina 2018": 5, "row of Yoon 2013": 4,
        ADULTS: 2, ADJUSTED: 2, "studies included": 8,
    }  # fmt: skip
    assert FOUND.combinations == math.prod(sizes.values()) == 28_800
    made = {tuple(picked) for picked in FOUND.picks.T.tolist()}
    assert made == set(itertools.product(*(range(size) for size in sizes.values())))


def test_the_audit_and_each_study_suggest_what_may_be_left_out() -> None:
    assert FOUND.choices[-1].options == (
        ALL,
        "without impossible-interval of ghandour2004-1",
        *(f"without {label}" for label in FIT.effects.labels),
    )


def test_the_audit_may_be_given() -> None:
    """Errors and warnings that name rows suggest what to leave out, notes do not."""
    found = Finding("made-up", "warning", ("yoon2013-1", "yoon2013-2"), "", "", "")
    note = Finding("not-serious", "note", ("yoon2013-1",), "", "", "")
    other = cb.multiverse(STUDIES, fit=FIT, audit=Audit((found, note)))
    assert other.choices[-1].options[1] == "without made-up of yoon2013-1, yoon2013-2"
    assert len(other.choices[-1].options) == 8
    i = at(other, studies_included="without made-up of yoon2013-1, yoon2013-2")
    assert other.batch.k[i] == 5


def test_its_own_choice_is_the_fit() -> None:
    row = FOUND.to_frame().iloc[FOUND.main]
    assert FOUND.main == at()
    assert (row["estimator"], row["interval"]) == ("REML", "knha")
    assert (row["source"], row["studies included"]) == ("as decided", ALL)
    assert row["row of Ashina 2018"] == row["row of Yoon 2013"] == "as marked"
    for name, value in (("estimate", FIT.estimate), ("tau2", FIT.tau2), ("pi_low", FIT.pi[0])):
        assert row[name] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_each_is_what_pool_gives(method: str, test: str) -> None:
    """With another row, source, rule and study left out, effects() and pool() give the same."""
    other = (*COUNTS, cb.Override("yoon2013-3", use="primary", reason="Another row."))
    two = cb.Override("ashina2018-4", use="primary", reason="Another row of another study.")
    without = cb.Override("sjolie2002-1", use="exclude", reason="Left out.")
    adults = STUDIES.select(RULES[ADULTS])
    for options, studies, overrides in (
        ({}, STUDIES, other),
        ({"row_of_Ashina_2018": "Ashina 2018 (4)"}, STUDIES, (*other, two)),
        ({"source": "printed where known"}, STUDIES, other[::2]),  # Ghandour's is impossible
        ({"studies_included": "without Sjolie 2002"}, STUDIES, (*other, without)),
        ({ADULTS: "yes"}, adults, other[2:]),
    ):
        fit = cb.pool(cb.effects(studies, overrides=overrides), method=method, test=test)  # type: ignore[arg-type]
        i = at(row_of_Yoon_2013="Yoon 2013 (3)", estimator=method, interval=test, **options)
        batch = FOUND.batch
        assert batch.k[i] == fit.k
        assert batch.estimate[i] == pytest.approx(fit.estimate, rel=1e-9)
        assert batch.ci_low[i] == pytest.approx(fit.ci[0], rel=1e-9)
        assert batch.pi_high[i] == pytest.approx(fit.pi[1], rel=1e-9)


def test_r_gives_the_same() -> None:
    """Metafor 3.8-1 on R 4.2.2, with control=list(threshold=1e-14, maxiter=1e5, tol=1e-14).

    Ghandour and Swain from their counts (escalc "OR"), the others log(estimate) and
    ((log(ci_high) - log(ci_low)) / (2 * qnorm(0.975)))^2: rma(yi, vi, subset=, method=, test=).
    """
    for options, expected in R_ORACLE:
        i = at(**options)
        batch = FOUND.batch
        found = [batch.estimate[i], batch.ci_low[i], batch.ci_high[i], batch.tau2[i]]
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), options


def test_an_impossible_interval_is_never_taken() -> None:
    """The audit finds Ghandour 2004's printed interval impossible for 8,250 people."""
    (_, v_counts), (_, v_printed) = both_sources(STUDIES)
    assert STUDIES.frame["estimate_id"][0] == "ghandour2004-1"
    assert math.sqrt(v_printed[0]) < 4 / math.sqrt(8250) < math.sqrt(v_counts[0])
    only = cb.multiverse(STUDIES, fit=cb.pool(cb.effects(STUDIES, overrides=COUNTS[:1])))
    assert only.choices[2].options == ("as decided", "counts where known")


def test_the_same_numbers_count_once() -> None:
    """Ashina 2018 prints 1.7 (1.2-2.5) twice, and the audit's row is all there is of Ghandour."""
    assert at(row_of_Ashina_2018="Ashina 2018 (2)") == at()
    found, left = "without impossible-interval of ghandour2004-1", "without Ghandour 2004"
    assert at(studies_included=found) == at(studies_included=left) != at()
    numbers = np.stack([getattr(FOUND.batch, name) for name in ("estimate", "ci_low", "tau2")])
    sizes = np.bincount(FOUND.which)
    assert sizes.sum() == FOUND.combinations
    assert sizes.min() == 1
    assert sizes.size == len(FOUND) == len(FOUND.to_frame()) == numbers.shape[1]
    made = {
        (e, t, *column)
        for e, t, *column in zip(
            FOUND.to_frame()["estimator"], FOUND.to_frame()["interval"], *numbers, FOUND.batch.k,
            strict=True,
        )
        if column[-1] > 1
    }  # fmt: skip
    assert len(made) == FOUND.spread().n


def test_what_pools_nothing_is_kept_with_its_reason_and_counts_nowhere() -> None:
    """Of the adjusted rows of adults, Ashina's and Yoon's, one is left without the other."""
    one = at(**{ADULTS: "yes", ADJUSTED: "yes"}, studies_included="without Yoon 2013")
    assert FOUND.reasons()[one] == ONE_LEFT
    assert FOUND.batch.k[one] == 1
    few = int((FOUND.batch.k < 2).sum())
    assert FOUND.spread().n == len(FOUND) - few == FOUND.to_dict()["ways"]
    assert FOUND.to_dict()["not_pooled"] == few == sum(map(bool, FOUND.reasons()))
    two = cb.Effects(
        yi=[0.5, 0.9], vi=[0.03, 0.08], measure="OR", moderators={"sex": ["f", "m"]}
    )  # fmt: skip
    found = cb.multiverse(two, rules={"f": {"sex": ["f"]}, "m": {"sex": "m"}})
    assert set(found.reasons()) == {"", ONE_LEFT, NONE_LEFT}
    assert found.spread().n == 15
    assert section.counted_once(found).endswith("not counted below: 15 ways to pool remain.")


def test_counts_of_what_the_intervals_exclude() -> None:
    frame = FOUND.to_frame()
    frame = frame[frame["reason"] == ""]
    spread = FOUND.spread()
    assert spread.ci_excludes == int(((frame["ci_low"] > 0) | (frame["ci_high"] < 0)).sum())
    assert spread.pi_excludes == int(((frame["pi_low"] > 0) | (frame["pi_high"] < 0)).sum())
    assert (spread.lowest, spread.highest) == (frame["estimate"].min(), frame["estimate"].max())
    by_option = dict(FOUND.by_option())
    assert sum(s.n for label, s in by_option.items() if label.startswith("interval: ")) == spread.n
    reml = frame[frame["estimator"] == "REML"]
    assert by_option["estimator: REML"].median == pytest.approx(reml["estimate"].median())
    share = FOUND.to_dict()["excluding"]
    assert share["ci_percent"] == pytest.approx(100 * spread.ci_excludes / len(frame))


def test_what_excludes_no_association_on_the_other_side_is_said() -> None:
    """Men below 1 and women above: the pool of all is of women's side."""
    data = cb.Effects(
        yi=[1.0, 1.2, 1.1, -0.6, -0.5], vi=[0.01] * 5, measure="OR",
        moderators={"sex": ["f", "f", "f", "m", "m"]},
    )  # fmt: skip
    found = cb.multiverse(data, rules={"men": {"sex": "m"}}, tests=["z"])
    frame = found.to_frame()
    other = int((frame["ci_high"][frame["k"] > 1] < 0).sum())
    assert other > 0
    assert found.spread().ci_other_side == found.to_dict()["excluding"]["ci_other_side"] == other
    said = section.excluding(found)
    assert f", of which {other} on the other side than this report's own, the prediction" in said
    assert FOUND.spread().ci_other_side == 0
    assert "other side" not in section.excluding(FOUND)


def test_a_result_in_the_other_direction_counts_the_same() -> None:
    """1/OR turns every interval over, and counts and shares stay."""
    yi, vi = [0.5, 0.9, 0.2, 0.7], [0.03, 0.08, 0.02, 0.05]
    one, other = (cb.multiverse(effects(y, vi)) for y in (yi, [-y for y in yi]))
    assert one.spread()[4:] == other.spread()[4:]
    assert one.spread().lowest == pytest.approx(-other.spread().highest, rel=1e-9)
    for a, b in zip(one.shares(), other.shares(), strict=True):
        assert a.estimate == pytest.approx(b.estimate, abs=1e-6)
        assert a.ci_low == pytest.approx(b.ci_high, abs=1e-6)


def test_shares_of_a_sum_are_its_variances() -> None:
    """Y = a + b + c over all combinations: each has its own variance, alone and by Shapley."""
    parts = [np.array([0.0, 1.0]), np.array([0.0, 2.0, 7.0]), np.array([1.0, 4.0, 4.0, 2.0])]
    y = parts[0][:, None, None] + parts[1][:, None] + parts[2]
    alone, shapley = variance_shares(y[None], np.ones(y.shape))
    variances = np.array([part.var() for part in parts])
    assert alone[0] == pytest.approx(variances / variances.sum())
    assert shapley[0] == pytest.approx(variances / variances.sum())


def test_what_two_choices_explain_together_is_halved() -> None:
    """Y = ab with a, b = -1, 1: neither explains anything alone, and each has half of it."""
    y = np.array([[1.0, -1.0], [-1.0, 1.0]])
    alone, shapley = variance_shares(np.array([y, 0 * y]), np.ones((2, 2)))
    assert alone[0] == pytest.approx([0, 0])
    assert shapley[0] == pytest.approx([0.5, 0.5])
    assert np.isnan(shapley[1]).all()


def test_shares_where_combinations_are_missing() -> None:
    """Two choices that are the same share the whole: by hand (1 + 0) / 2 for each."""
    y = np.array([[[0.0, np.nan], [np.nan, 1.0]]])
    alone, shapley = variance_shares(y, np.eye(2))
    assert alone[0] == pytest.approx([1, 1])
    assert shapley[0] == pytest.approx([0.5, 0.5])


def test_shares_are_by_definition_those_of_all_orders() -> None:
    """The Shapley effect is the mean of what a choice adds over all m! orders of the choices."""
    rng = np.random.default_rng(3)
    y, w = rng.standard_normal((2, 3, 2)), rng.uniform(size=(2, 3, 2))
    _, shapley = variance_shares(y[None], w)

    def explained(chosen: tuple[int, ...]) -> float:
        groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for cell in np.ndindex(y.shape):
            groups.setdefault(tuple(cell[j] for j in chosen), []).append(cell)
        sums = [sum(w[cell] for cell in cells) for cells in groups.values()]
        means = [
            np.average([y[c] for c in cs], weights=[w[c] for c in cs]) for cs in groups.values()
        ]
        return float(np.average((np.array(means) - np.average(y, weights=w)) ** 2, weights=sums))

    added = np.zeros(3)
    for order in itertools.permutations(range(3)):
        for place, j in enumerate(order):
            added[j] += explained(order[: place + 1]) - explained(order[:place])
    assert shapley[0] == pytest.approx(added / 6 / explained((0, 1, 2)))


def test_the_shares_of_a_multiverse_sum_to_the_whole() -> None:
    shares = FOUND.shares()
    for name in ("estimate", "ci_low", "ci_high"):
        assert sum(getattr(share, name) for share in shares) == pytest.approx(100)
    assert [share.choice for share in shares] == [choice.name for choice in FOUND.choices]
    # A test moves no estimate.
    assert shares[1].estimate == pytest.approx(0, abs=1e-9)
    assert shares[1].ci_low > 1


def test_rules_are_about_moderators_where_there_is_no_table() -> None:
    data = cb.Effects(
        yi=[0.5, 0.9, 0.2, 0.7], vi=[0.03, 0.08, 0.02, 0.05], measure="OR",
        moderators={"sex": ["f", "m", "f", "f"], "year": [1999, 1999, 2004, 2005]},
    )  # fmt: skip
    found = cb.multiverse(data, rules={"women": {"sex": "f"}, "old": {"year": ["1999", "2004"]}})
    i = at(found, women="yes", old="yes")
    two = cb.pool(data.take([0, 2]))
    assert (found.batch.k[i], found.batch.estimate[i]) == (2, pytest.approx(two.estimate))
    assert isinstance(found.rules["women"], MappingProxyType)
    assert found.to_dict()["rules"]["women"] == {"sex": ["f"]}


def test_the_equal_effects_model_has_no_prediction_interval() -> None:
    data = effects([0.5, 0.9], [0.03, 0.08])
    fit = cb.pool(data, method="EE", test="z")
    found = cb.multiverse(data, fit=fit, methods=["EE"], tests=["z"])
    assert (len(found), found.spread().n, found.spread().with_pi) == (3, 1, 0)
    assert section.excluding(found) == (
        "The 95 % confidence interval excludes 1 in the 1 way; there is no prediction interval."
    )
    assert section.counted_once(found) == (
        "Of these 2 leave fewer than two studies and are not counted below: 1 way to pool remains."
    )
    assert section.moving(found.shares()) == ""
    assert not [b for b in section.multiverse(found) if "Which choice" in getattr(b, "caption", "")]


def test_its_own_method_and_test_are_always_there() -> None:
    data = effects([0.5, 0.9], [0.03, 0.08])
    fit = cb.pool(data, method="HE", test="t")
    found = cb.multiverse(data, fit=fit, methods=["DL"], tests=["z"])
    assert [choice.options for choice in found.choices[:2]] == [("DL", "HE"), ("z", "t")]
    assert found.batch.estimate[found.main] == fit.estimate


def test_a_measure_without_null_counts_nothing() -> None:
    found = cb.multiverse(effects([0.5, 0.9, 0.2], [0.03, 0.08, 0.02], "PLO"))
    assert math.isnan(found.null)
    assert found.spread().ci_excludes == 0
    assert section.excluding(found).startswith("This measure has no null value")
    # none of its intervals could, which is no finding
    assert "excludes" not in found.summary()
    assert math.isnan(found.to_dict()["excluding"]["ci_percent"])
    assert math.isnan(found.to_dict()["excluding"]["pi_percent"])
    assert averages(found).header[-1] == "Highest"


def averages(found: cb.Multiverse) -> cb.Table:
    """Return the table of the averages in the section."""
    tables = [block for block in section.multiverse(found) if isinstance(block, cb.Table)]
    (table,) = (table for table in tables if table.caption == "The average under other choices")
    return table


def test_options_that_come_out_alike_share_a_row() -> None:
    """Effects that are all the same have tau2 = 0 by every estimator."""
    same = effects([0.5, 0.5, 0.5], [0.03, 0.08, 0.02])
    rows = averages(cb.multiverse(same, methods=["DL", "REML"], tests=["z"])).rows
    assert [row[0] for row in rows] == [
        "all choices",
        "estimator: DL; REML",
        "interval: z; Knapp-Hartung",
        "studies included: all studies",
        "studies included: without one study",
    ]


def many_rows(n: int) -> cb.Studies:
    """Return a study with twelve rows about n people, and another with two."""
    head = "estimate_id,study_id,measure,estimate,ci_low,ci_high,primary,n"
    rows = [
        f"a{i},a,OR,{1.7 + i / 10:.2f},{1 + i / 17:.2f},{2.89 + i * 0.17:.2f},"
        f"{'no' if i else 'yes'},{n}"
        for i in range(12)
    ]
    rows += [f"b1,b,OR,2.00,1.18,3.40,yes,{n}", f"b2,b,OR,2.20,1.30,3.73,no,{n}"]
    return studies_from_bytes("\n".join([head, *rows]).encode(), source="s.csv")


def test_what_is_too_many_is_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    studies, impossible = many_rows(900), many_rows(9)
    every = cb.multiverse(studies)
    assert [(choice.name, len(choice.options)) for choice in every.choices[3:]] == [
        ("row of a", 12), ("row of b", 2), ("studies included", 3),
    ]  # fmt: skip
    assert every.left_out == ()
    monkeypatch.setattr(open_choices, "_MOST", 40)
    one_at_a_time = "Other rows of 2 studies are too many to combine: one at a time is taken"
    found = cb.multiverse(studies)
    assert found.left_out == (one_at_a_time,)
    assert [(choice.name, len(choice.options)) for choice in found.choices[3:]] == [
        ("rows", 13), ("studies included", 3),
    ]  # fmt: skip
    assert "13 selections of rows and 3 selections of studies" in section.choices(found)
    other = at(found, rows="b (2)")
    assert found.batch.estimate[other] == every.batch.estimate[at(every, row_of_b="b (2)")]
    monkeypatch.setattr(open_choices, "_MOST", 20)
    studies_out = "Leaving out each of 2 studies is too much to combine with all else"
    assert cb.multiverse(studies).left_out == (one_at_a_time, studies_out)
    findings = cb.multiverse(impossible).left_out
    assert findings[2].endswith("findings is too much to combine with all else")
    monkeypatch.setattr(open_choices, "_MOST", 11)
    found = cb.multiverse(studies)
    rows_out = "12 other rows are too many to combine with all else"
    assert found.left_out == (one_at_a_time, studies_out, rows_out)
    assert len(found) == 15
    with pytest.raises(cb.ModelError, match="4 rules make too many data sets"):
        cb.multiverse(studies, rules={name: {"n": ["900"]} for name in "abcd"})


def test_what_cannot_be_given_is_said() -> None:
    data = effects([0.5, 0.9], [0.03, 0.08])
    with pytest.raises(cb.ModelError, match="method is 'XX'"):
        cb.multiverse(data, methods=["XX"])
    with pytest.raises(cb.ModelError, match="test is 'XX'"):
        cb.multiverse(data, tests=["XX"])  # type: ignore[list-item]
    with pytest.raises(cb.DataError, match="one study"):
        cb.multiverse(effects([0.5], [0.03]))
    with pytest.raises(cb.DataError, match="studies is"):
        cb.multiverse("studies.csv")  # type: ignore[arg-type]
    with pytest.raises(cb.DataError, match="the fit holds Study 1, Study 2, which studies does"):
        cb.multiverse(STUDIES, fit=cb.pool(data))
    with pytest.raises(cb.DataError) as caught:
        cb.multiverse(
            STUDIES,
            rules={"adult": {"population": ["adult"]}, "x": {"no_such": ["a"]}},
        )
    assert "rule 'adult': no row has population = 'adult'" in str(caught.value)
    assert "rule 'x': there is no column no_such" in str(caught.value)
    for name in ("rows", "row of Yoon 2013"):
        with pytest.raises(
            cb.DataError, match=f"a rule is named {name}, as a column of the result"
        ):
            cb.multiverse(STUDIES, rules={name: {"population": ["adults"]}})
    with pytest.raises(cb.DataError, match="rule 'x' is 'adults'"):
        cb.multiverse(STUDIES, rules={"x": "adults"})  # type: ignore[dict-item]


def test_options_of_a_report_are_checked() -> None:
    with pytest.raises(cb.ReportError, match=r"\[analyses.multiverse\]: method is 'XX'"):
        build_section("multiverse", options={"multiverse": {"methods": ["XX"]}})
    rules = {"women": {"sex": "f"}}
    with pytest.raises(cb.ReportError, match=r"rule 'women': there is no column sex"):
        build_section("multiverse", options={"multiverse": {"rules": rules}})
    with pytest.raises(cb.ReportError, match=r"rules is .*names with columns and values"):
        build_section("multiverse", options={"multiverse": {"rules": ["adults"]}})


def test_sentences() -> None:
    assert section.choices(FOUND) == (
        "There are 28,800 combinations of 5 estimators of tau², 3 intervals, 3 sources of the "
        "effects, 5 rows of Ashina 2018, 4 rows of Yoon 2013, 8 selections of studies and each of "
        "the inclusion rules “adults only” and “adjusted only” obeyed or not."
    )
    one = cb.multiverse(STUDIES, fit=FIT, rules={ADULTS: RULES[ADULTS]}, methods=["REML"])
    assert "the inclusion rule “adults only” obeyed or not." in section.choices(one)
    null = cb.multiverse(effects([0.1, -0.1, 0.05], [0.3, 0.8, 0.2]))
    assert section.excluding(null) == (
        "The 95 % confidence interval excludes 1 in none of 60 ways, the prediction interval in "
        "none of 60 ways."
    )
    assert section.counted_once(null) == ""
    same = cb.multiverse(effects([0.5, 0.5, 0.5], [0.03, 0.08, 0.02]), tests=["z"])
    assert section.ends(same) == "The average is 1.65 in all of them."
    assert section.moving(same.shares()) == ""


def test_the_figure_says_what_the_table_says() -> None:
    figure = cb.figures.specification_curve(FOUND)
    spread = FOUND.spread()
    low, high = np.exp([spread.lowest, spread.highest])
    assert f"from {low:.2f} to {high:.2f}" in figure.alt
    assert f"in {spread.ci_excludes:,} of {spread.n:,}" in figure.alt
    assert f"Shown are 400 of the {spread.n:,} pools" in figure.svg
    assert figure == cb.figures.specification_curve(FOUND)
    assert len(figure.svg) < 400_000
