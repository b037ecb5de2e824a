"""Bad input: what is wrong, in which rows, and what to do."""

from __future__ import annotations

import warnings

import comorbid_treatments as ct
import numpy as np
import pandas as pd
import pytest

import comorbid as cb

COLUMNS = ["study", "treat1", "treat2", "yi", "vi"]
Row = tuple[str, str, str, float, float]


def network(*rows: Row, **options: object) -> ct.Network:
    return ct.network(pd.DataFrame(rows, columns=COLUMNS), **options)


def counts(*rows: tuple[str, str, float, float], measure: str = "OR") -> ct.Network:
    table = pd.DataFrame(rows, columns=["study", "treatment", "events", "n"])
    return ct.network_from_arms(table, measure=measure, events="events")


def test_network_that_is_not_connected_names_its_parts() -> None:
    net = network(("1", "A", "B", 0.5, 0.1), ("2", "C", "D", 0.2, 0.1), ("3", "D", "E", 0.1, 0.1))
    expected = r"not connected: it falls into 2 parts, \(1\) A, B; \(2\) C, D, E"
    with pytest.raises(cb.ModelError, match=expected):
        ct.fit(net)
    with pytest.raises(cb.ModelError, match=expected):
        ct.decompose(net)
    assert ct.pairwise(net).labels == ("B vs A", "D vs C", "E vs D")
    assert ct.fit(net.take(["C", "D", "E"]), method="EE").network.k == 2
    with pytest.raises(cb.ModelError, match="no trial compares any two of A, C"):
        net.take(["A", "C"])
    assert "part 2: C, D, E" in net.summary()


def test_comparison_with_one_trial_says_so() -> None:
    net = network(("1", "A", "B", 0.5, 0.1))
    fit = ct.fit(net)
    assert np.isnan([fit.tau2, fit.i2, fit.q_p, fit.pi_low[0, 1]]).all()
    assert any("tau2 cannot be estimated" in note for note in fit.warnings)
    assert any("consistency cannot be tested" in note for note in fit.warnings)
    assert fit.estimate[0, 1] == pytest.approx(0.5)
    assert fit.se[0, 1] == pytest.approx(np.sqrt(0.1))
    assert ct.pairwise(net).reasons == ("one study is left: nothing is pooled",)


def test_zero_events_in_an_arm() -> None:
    rows = (("1", "A", 0, 20), ("1", "B", 3, 20), ("1", "C", 4, 20), ("2", "A", 2, 30))
    with pytest.warns(cb.DataWarning, match="1: an arm without events.*0.5 was added"):
        net = counts(*rows, ("2", "B", 5, 30))
    table = net.to_frame().set_index(["study", "treat1", "treat2"])
    # By hand: 0.5 goes to all cells of the trial, of B and C as well, so that contrasts add up.
    odds = {"A": 0.5 / 20.5, "B": 3.5 / 17.5, "C": 4.5 / 16.5}
    expected = np.log(odds["C"] / odds["B"])
    assert table.loc[("1", "C", "B"), "yi"] == pytest.approx(expected)
    variance = 1 / 3.5 + 1 / 17.5 + 1 / 0.5 + 1 / 20.5
    assert table.loc[("1", "B", "A"), "vi"] == pytest.approx(variance)
    assert table.loc[("2", "B", "A"), "yi"] == pytest.approx(np.log(5 * 28 / (2 * 25)))
    assert any("0.5 was added" in note for note in net.warnings)


def test_trial_without_any_event_says_nothing_about_a_ratio() -> None:
    rows = (("1", "A", 0, 20), ("1", "B", 0, 20), ("2", "A", 2, 30), ("2", "B", 5, 30))
    with pytest.warns(cb.DataWarning, match="1: no events in any arm.*left out"):
        assert counts(*rows).k == 1
    with pytest.warns(cb.DataWarning, match="0.5 was added"):
        assert counts(*rows, measure="RD").k == 2
    with (
        pytest.warns(cb.DataWarning, match="no events in any arm"),
        pytest.raises(cb.DataError, match="no trial has two arms"),
    ):
        counts(*rows[:2])


def test_arm_without_a_number_is_left_out_with_a_warning() -> None:
    rows = (("1", "A", 2, 20), ("1", "B", np.nan, 20), ("2", "A", 2, 30), ("2", "B", 5, 30))
    with pytest.warns(cb.DataWarning, match=r"row 1 \(1\): the arm B lacks a number|one arm"):
        net = counts(*rows)
    assert [trial.label for trial in net.trials] == ["2"]
    assert len(net.warnings) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"),
     ("usual care", "usual\N{ZERO WIDTH SPACE}care"),
     ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "a")],
)  # fmt: skip
def test_names_that_look_the_same_are_one_treatment_in_two_spellings(one: str, other: str) -> None:
    with pytest.raises(cb.DataError, match="one treatment in 2 spellings"):
        network(("1", one, "B", 1.0, 0.1), ("2", other, "C", 1.0, 0.1))


def test_treatment_spelled_two_ways_names_the_rows() -> None:
    rows = (
        *(("1", "Usual care", "yoga", 0.5, 0.1), ("2", "usual  care", "CBT", 0.2, 0.1)),
        ("3", "usual care", "yoga", 0.1, 0.1),
    )
    with pytest.raises(cb.DataError) as error:
        network(*rows)
    expected = "'Usual care' (row 0), 'usual  care' (row 1), 'usual care' (row 2); use one"
    assert str(error.value) == f"one treatment in 3 spellings: {expected}"


def test_treatments_that_look_alike_are_kept_with_a_warning() -> None:
    with pytest.warns(cb.DataWarning, match=r"'sulfonylurea' \(row 0\) and 'sulphonylurea' \(row"):
        net = network(
            ("1", "sulfonylurea", "placebo", 0.5, 0.1), ("2", "sulphonylurea", "placebo", 0.2, 0.1)
        )
    assert net.n == 3
    assert len(net.warnings) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(
            *(("1", "dose 10", "placebo", 0.5, 0.1), ("2", "dose 20", "placebo", 0.2, 0.1)),
            *(("3", "pioglitazone", "placebo", 1, 1), ("3b", "rosiglitazone", "placebo", 1, 1)),
        )


def test_all_problems_of_a_table_at_once() -> None:
    rows = (
        ("1", "A", "A", 0.5, 0.1),
        ("2", "A", "B", np.nan, 0.1),
        ("3", "A", "B", 0.5, 0.0),
        ("", "A", None, 0.5, "many"),
    )
    with pytest.raises(cb.DataError) as error:
        network(*rows)
    text = str(error.value)
    assert text.startswith("6 problems:")
    for part in (
        "row 0 (1): 'A' against itself",
        "row 1 (2): the effect is nan",
        "row 2 (3): the variance is 0.0; give a number above 0",
        "row 3: no study",
        "row 3: no treat2",
        "row 3: the variance is 'many'",
    ):
        assert part in text


def test_missing_columns_and_empty_tables() -> None:
    with pytest.raises(cb.DataError, match=r"no column 'vi' \(vi\); the table has study"):
        ct.network(pd.DataFrame(columns=["study", "treat1", "treat2", "yi"]))
    with pytest.raises(cb.DataError, match="no rows"):
        ct.network(pd.DataFrame(columns=COLUMNS))
    with pytest.raises(cb.DataError, match="no column 'events'; the table has study"):
        ct.network_from_arms(pd.DataFrame(columns=["study"]), measure="OR", events="events")


def test_one_comparison_twice_in_a_trial() -> None:
    with pytest.raises(cb.DataError, match="1: A and B are compared in row 0 and row 1; keep one"):
        network(("1", "A", "B", 0.5, 0.1), ("1", "B", "A", -0.4, 0.1))
    with pytest.raises(cb.DataError, match="1: A stands in row 0 and row 1"):
        counts(("1", "A", 1, 10), ("1", "A", 2, 10), ("1", "B", 2, 10))


def test_impossible_arms() -> None:
    with pytest.raises(cb.DataError) as error:
        counts(("1", "A", 11, 10), ("1", "B", 2, 0), ("1", "C", 2, 9))
    assert "row 0 (1): 11 events in 10 people" in str(error.value)
    assert "row 1 (1): n is 0" in str(error.value)
    means = pd.DataFrame({"study": ["1"], "treatment": ["A"], "m": [1], "s": [0], "n": [9]})
    with pytest.raises(cb.DataError, match="the SD is 0"):
        ct.network_from_arms(means, measure="MD", mean="m", sd="s")
    with pytest.raises(cb.ModelError, match="MD needs mean and sd"):
        ct.network_from_arms(means, measure="MD")
    with pytest.raises(cb.ModelError, match="arms give no measure 'SMD'; use one of OR, RR, RD"):
        ct.network_from_arms(means, measure="SMD")


STAR = (("1", "A", "C", 1.0, 0.10), ("1", "B", "C", 1.3, 0.12))


def test_contrasts_with_a_shared_arm_need_a_correlation() -> None:
    with pytest.raises(cb.DataError, match=r"1: 2 of the 3 contrasts of its 3 arms.*or rho \(0.5"):
        network(*STAR)
    with pytest.warns(cb.AssumptionWarning, match="share the arm 'C'; their correlation is assum"):
        net = network(*STAR, rho=0.5)
    v = net.to_frame().set_index(["treat1", "treat2"])["vi"]
    # Var(A - B) = v_A + v_B - 2 rho sqrt(v_A v_B).
    assert v[("B", "A")] == pytest.approx(0.22 - np.sqrt(0.012))
    assert any("assumed to be 0.5" in note for note in net.warnings)
    with pytest.raises(cb.DataError, match=r"1: rho is 1\.5"):
        network(*STAR, rho={"1": 1.5})
    with pytest.raises(cb.DataError, match="2 of the 3 contrasts"):
        network(*STAR, rho={"2": 0.5})


def test_trial_that_lacks_contrasts_without_a_shared_arm() -> None:
    rows = (("1", "A", "B", 1.0, 0.1), ("1", "C", "D", 1.0, 0.1))
    with pytest.raises(cb.DataError, match=r"2 of the 6 contrasts.*not all against"):
        network(*rows, rho=0.5)


def test_trial_that_contradicts_itself() -> None:
    rows = [*STAR, ("1", "B", "A", 0.3, 0.11)]
    assert network(*rows).k == 1
    with pytest.raises(cb.DataError, match="1: its effects do not add up"):
        network(*STAR, ("1", "B", "A", -0.3, 0.11))
    with pytest.raises(cb.DataError, match="1: its variances contradict each other"):
        network(*STAR, ("1", "B", "A", 0.3, 0.9))


def test_settings() -> None:
    net = network(("1", "A", "B", 0.5, 0.1), ("2", "A", "B", 0.2, 0.1))
    with pytest.raises(cb.ModelError, match="no method 'FE'; use one of EE, DL, REML"):
        ct.fit(net, method="FE")
    with pytest.raises(cb.ModelError, match="level is 95"):
        ct.fit(net, level=95)
    with pytest.raises(cb.ModelError, match="the reference 'C' is no treatment; use one of A, B"):
        network(("1", "A", "B", 0.5, 0.1), reference="C")
    fit = ct.fit(net)
    with pytest.raises(cb.ModelError, match="no treatment 'C' in the network; use one of A, B"):
        fit.to_frame(against="C")
    with pytest.raises(cb.ModelError, match="small_values is 'good'; use one of desirable"):
        ct.p_scores(fit, small_values="good")
    with pytest.raises(cb.ModelError, match="draws is 0"):
        ct.sucra(fit, draws=0)


@pytest.mark.parametrize(
    ("mean", "measure", "message"),
    [
        (-1.0, "ROM", r"row 0 \(1\): the mean is -1, and has no logarithm; use MD"),
        (0.0, "ROM", r"row 0 \(1\): the mean is 0, and has no logarithm; use MD"),
        (np.inf, "MD", r"row 0 \(1\): inf, 2, 10 are not all finite; use nan for gaps"),
    ],
)
def test_means_that_have_no_contrast_are_named_by_row(
    mean: float, measure: str, message: str
) -> None:
    table = pd.DataFrame(
        {"study": ["1", "1"], "treatment": ["A", "B"], "m": [mean, 3.0], "s": 2.0, "n": 10}
    )
    with pytest.raises(cb.DataError, match=message):
        ct.network_from_arms(table, measure=measure, mean="m", sd="s")
