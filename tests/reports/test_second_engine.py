"""`comorbid verify --second-engine`: the fits of a lock against R's metafor, and without it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from metafor_here import needs_metafor

import comorbid as cb
from comorbid.cli import main
from comorbid.report.second_engine import (
    QUANTITIES,
    Refitted,
    SecondEngine,
    compare,
    read_answer,
    second_engine,
    tasks_of,
)


_NARROW = ("ghandour2004-1", "swain2014-1")


def results(method: str = "REML", test: Any = "knha") -> dict[str, Any]:
    # As in the report: the printed intervals of these two make the likelihood two-peaked.
    counts = [cb.Override(id_, use="counts", reason="narrow") for id_ in _NARROW]
    effects = cb.effects(cb.datasets.headache_back_pain(), overrides=counts)
    fit = cb.pool(effects, method=method, test=test, level=0.9)
    sexes = cb.Effects(
        yi=effects.yi,
        vi=effects.vi,
        labels=effects.labels,
        measure="OR",
        moderators={"group": ["a", "a", "b", "b", "b", "c"]},
    )
    groups = cb.subgroups(sexes, by="group", method=method, test=test)
    found: dict[str, Any] = {"pool": fit, "leave-one-out": cb.leave_one_out(fit), "groups": groups}
    found["cumulative"] = cb.cumulative(fit)
    return {id_: {"values": cb_plain(result)} for id_, result in found.items()}


def cb_plain(result: Any) -> Any:
    from comorbid.report.lock import as_json

    return as_json(result.to_dict())


def test_the_fits_of_a_lock_are_found_with_their_effects() -> None:
    tasks, left_out = tasks_of(results())
    names = [task.name for task in tasks]
    assert names[0] == "pool"
    assert names.count("leave-one-out: Swain 2014") == 1
    by_name = {task.name: task for task in tasks}
    assert len(by_name["pool"].yi) == 6
    assert len(by_name["leave-one-out: Swain 2014"].yi) == 5
    assert len(by_name["groups: b"].yi) == 3
    assert by_name["pool"].level == 0.9
    assert "groups: c: one study" in left_out
    assert len(by_name["cumulative: Swain 2014"].yi) == 3
    assert "cumulative: Ghandour 2004: one study" in left_out
    others = results()["cumulative"]["values"]
    others["kind"] = "other-rows"
    _, left_out = tasks_of({"other-rows": {"values": others}})
    assert len(left_out) == 6
    assert all(entry.endswith(": effects not in the lock") for entry in left_out)


def test_a_fit_in_two_places_is_one_fit() -> None:
    tasks, _ = tasks_of(results())
    again = [dict(task.locked) for task in tasks]
    twice = Refitted("4.2.2", "3.8-1", (*tasks, tasks[0]), (*again, again[0]))
    once = Refitted("4.2.2", "3.8-1", tuple(tasks), tuple(again))
    number = once.compared(left_out=()).fits
    assert twice.compared(left_out=()).fits == number
    # The last of the cumulative fits, and that of all groups together, are the pool.
    assert {"pool", "cumulative: Yoon 2013"} <= {task.name for task in tasks}
    assert number < len(tasks)


def test_a_fit_with_the_analysts_tau2_is_left_out() -> None:
    effects = cb.Effects(yi=[0.1, 0.4, 0.3], vi=[0.02, 0.03, 0.05])
    values = cb_plain(cb.pool(effects, tau2=0.1))
    assert tasks_of({"pool": {"values": values}}) == (
        [],
        ("pool: tau2 or weights are the analyst's",),
    )


def test_no_fit_made_again_is_no_agreement() -> None:
    found = SecondEngine("4.2.2", "3.8.1", 0, ("pool: one study", "groups: a: one study"), {})
    assert not found.agrees
    assert found.summary().splitlines() == [
        "second engine: 0 fits made again (metafor 3.8.1, R 4.2.2)",
        "  not made again: 2, one study",
    ]


def test_differences_are_relative_and_named() -> None:
    tasks, _ = tasks_of(results())
    exact = [dict(task.locked) for task in tasks]
    assert compare(tasks, exact) == dict.fromkeys(QUANTITIES, (0.0, "pool"))
    other = [dict(task.locked) for task in tasks]
    other[1]["q"] *= 1 + 1e-3
    other[2]["tau2"] = math.nan
    found = compare(tasks, other)
    assert found["q"] == (pytest.approx(1e-3 / (1 + 1e-3)), tasks[1].name)
    assert found["tau2"] == (math.inf, tasks[2].name)
    # An average near 0 is compared with the standard error.
    other = [dict(task.locked) for task in tasks]
    locked = {**tasks[0].locked, "estimate": 1e-15, "se": 0.5}
    other[0]["estimate"] = 2e-15
    from dataclasses import replace

    near = compare([replace(tasks[0], locked=locked)], [{**locked, "estimate": 2e-15}])
    assert near["estimate"][0] == pytest.approx(2e-15)


def test_what_r_writes_is_read_or_refused() -> None:
    text = "4.2.2,3.8.1\n0,1,2,3,4,NA,NaN,7,8,9,10\n"
    versions, (fit,) = read_answer(text, 1)
    assert versions == ("4.2.2", "3.8.1")
    assert (fit["estimate"], fit["q_p"]) == (1.0, 10.0)
    assert math.isnan(fit["pi_low"])
    for wrong in ("", "4.2.2\n", "4.2.2,3.8.1\n", "4.2.2,3.8.1\n0,1,2\n", "a,b\n0,x\n"):
        with pytest.raises(cb.VerificationError, match="R's answer cannot be read"):
            read_answer(wrong, 1)


def test_without_r_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(cb.VerificationError, match="there is no R here; install R and"):
        second_engine({"results": results()})


def test_without_metafor_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "Rscript"
    fake.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(cb.VerificationError, match="R has no package metafor"):
        second_engine({"results": results()})


@needs_metafor
@pytest.mark.parametrize("method", ["REML", "ML", "DL", "PM", "EB", "SJ", "HE", "HS", "EE"])
def test_metafor_gives_the_same(method: str) -> None:
    found = second_engine({"results": results(method, "z" if method == "EE" else "knha")})
    assert found.agrees, found
    assert set(found.largest) >= {"estimate", "se", "ci_low", "q", "q_p"}
    # Between two engines numbers agree to the last digits, and not all of them in every one.
    assert max(difference for difference, _ in found.largest.values()) < 1e-7


@needs_metafor
def test_an_edited_number_is_found() -> None:
    locked = results()
    locked["pool"]["values"]["estimate"] *= 1.00001
    found = second_engine({"results": locked})
    assert not found.agrees
    assert found.largest["estimate"][1] == "pool"
    assert "differ (metafor " in found.summary()


@needs_metafor
def test_the_command_prints_it_below_the_levels(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "reports/bcg-vaccine"
    (tmp_path / "studies.csv").write_bytes((source / "studies.csv").read_bytes())
    (tmp_path / "report.toml").write_text(
        'id = "a"\ntitle = "A"\ndate = 2026-01-31\ndata = "studies.csv"\nmeasure = "RR"\n'
        'sections = ["forest", "leave-one-out"]\nformats = ["html"]\n',
        encoding="utf-8",
    )
    cb.build(tmp_path).save()
    done = CliRunner().invoke(main, ["verify", "--second-engine", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "second engine: 14 fits agree (metafor " in done.output
