from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid.report import lock as locks
from comorbid.report.digests import keep_digests, unequal_facts
from comorbid.report.moves import describe_moves
from comorbid.report.text import text_differences

PLATFORM = {"pages": {"numpy": "2.4.6"}, "pdf": {"pango": "1.50.12"}}


def make(
    estimate: float = 0.8302511412538756, k: int = 6, scipy: str = "1", word: str = "six"
) -> dict[str, Any]:
    values = {"estimate": estimate, "k": k, "pi": [math.nan, math.inf], "ids": ("a", "b")}
    numbers = locks.make_lock(
        inputs={"studies.csv": "00"},
        settings={"method": "REML"},
        results={"pool": ("comorbid@0.1.0", values)},
        software={"scipy": scipy},
    )
    files = {"report.html": "11", "report.pdf": "22"}
    return {
        **numbers,
        "document": locks.as_document(["# A report", "", f"{word} studies"]),
        "bytes": {"files": files, "figures": ["33"], "platform": PLATFORM},
    }


def numbers(lock: dict[str, Any]) -> dict[str, Any]:
    """The parts of a lock that are known before its document is composed."""
    return {part: lock[part] for part in lock if part not in ("document", "bytes")}


def test_floats_survive_in_full_precision(tmp_path: Path) -> None:
    lock = make(0.1 + 0.2)
    (tmp_path / "results.json").write_bytes(locks.dump_lock(lock))
    assert locks.read_lock(tmp_path) == lock
    assert lock["results"]["pool"]["values"]["pi"] == [None, "inf"]


def test_dump_does_not_depend_on_order() -> None:
    lock = make()
    assert locks.dump_lock(dict(reversed(lock.items()))) == locks.dump_lock(lock)


def test_rounding_of_another_machine_has_not_moved() -> None:
    old, new = make(), make(0.8302511412538756 * (1 + 1e-12), scipy="2")
    assert locks.moved(old, new) == []
    assert locks.keep_unmoved(old, numbers(new)) == numbers(old)


@pytest.mark.parametrize(
    ("new", "path"),
    [
        (make(0.8302511412538756 * (1 + 1e-8)), "results.pool.values.estimate"),
        (make(k=7), "results.pool.values.k"),
    ],
)
def test_a_moved_number_is_named_and_the_new_lock_taken(new: dict[str, Any], path: str) -> None:
    old = make()
    assert [difference.path for difference in locks.moved(old, new)] == [path]
    assert locks.keep_unmoved(old, numbers(new)) == numbers(new)


def test_integer_is_not_a_float_and_text_is_exact() -> None:
    assert not list(locks.compare({"a": 1.0}, {"a": 1.0 + 1e-12}))
    assert [str(d) for d in locks.compare({"a": "x"}, {"a": "y"})] == [
        "a: locked 'x', recomputed 'y'"
    ]
    assert [d.path for d in locks.compare([1, True], [1, 1])] == ["[1]"]
    assert [str(d) for d in locks.compare({"a": [1, 2]}, {"a": [1]})] == [
        "a[1]: locked 2, recomputed nothing"
    ]


def test_edited_results_are_found_even_in_the_last_digit() -> None:
    lock = json.loads(locks.dump_lock(make()))
    assert locks.edited_values(lock) == {}
    changed = math.nextafter(0.8302511412538756, 1)
    lock["results"]["pool"]["values"]["estimate"] = changed
    assert locks.edited_values(lock) == {"results.pool.values.estimate": changed}
    assert locks.keep_unmoved(lock, numbers(make())) == numbers(make())


def test_a_value_without_its_mark_is_seen() -> None:
    lock = json.loads(locks.dump_lock(make()))
    lock["results"]["pool"]["seal"] = lock["results"]["pool"]["seal"][:-8]
    assert locks.edited_values(lock) == {"results.pool.seal": "5 marks for 6 values"}


def test_what_cannot_be_locked_is_an_error() -> None:
    with pytest.raises(TypeError, match="a set cannot be locked"):
        locks.as_json({"a": {1, 2}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[" * 200_000, "cannot be read"),
        ('{"format": 1, "format": 2}', "'format' stands twice in one place"),
        (f'{{"format": {"9" * 5000}}}', "cannot be read"),
        ("[]", "is no lock"),
        ('{"format": 1}', "is no lock of format 2"),
    ],
)
def test_unreadable_lock(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(cb.ReportError, match=message):
        locks.read_lock(tmp_path)


def test_missing_lock(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match="run comorbid build first"):
        locks.read_lock(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda lock: lock["bytes"]["files"].update(report=1),
        lambda lock: lock["bytes"]["platform"].pop("pdf"),
        lambda lock: lock["bytes"].update(figures="33"),
        lambda lock: lock["document"].update(lines="text"),
        lambda lock: lock["settings"].update(plugins=[1]),
        lambda lock: lock["software"].update(scipy=1),
        lambda lock: lock["results"].update(pool=[]),
        lambda lock: lock["inputs"].update({"studies.csv": None}),
        lambda lock: lock.update(more={}),
    ],
)
def test_a_lock_of_another_shape_is_refused(change: Any, tmp_path: Path) -> None:
    lock = json.loads(locks.dump_lock(make()))
    change(lock)
    (tmp_path / "results.json").write_text(json.dumps(lock), encoding="utf-8")
    with pytest.raises(cb.ReportError, match="is no lock of format 2"):
        locks.read_lock(tmp_path)


def test_an_edited_text_is_seen() -> None:
    lock = make()
    assert not locks.text_is_edited(lock)
    lock["document"]["lines"][2] = "seven studies"
    assert locks.text_is_edited(lock)


def other_bytes(lock: dict[str, Any], **facts: str) -> dict[str, Any]:
    """The lock of a build that gives other pages, on a platform with these other facts."""
    new = copy.deepcopy(lock)
    new["bytes"]["files"] = {"report.html": "44", "report.pdf": "55"}
    new["bytes"]["figures"] = ["66"]
    for fact, value in facts.items():
        group = next(g for g in new["bytes"]["platform"].values() if fact in g)
        group[fact] = value
    return new


def test_other_bytes_on_the_same_platform_are_locked_anew() -> None:
    new = other_bytes(make())
    assert keep_digests(make(), new) == new


def test_bytes_of_another_platform_stay_as_they_were_locked() -> None:
    assert keep_digests(make(), other_bytes(make(), numpy="2.5.0")) == make()
    new = other_bytes(make(), pango="1.56.0")
    new["bytes"]["files"]["report.html"], new["bytes"]["figures"] = "11", ["33"]
    assert keep_digests(make(), new) == make()
    assert unequal_facts("report.html", make()["bytes"], new["bytes"]) == {}
    assert unequal_facts("report.pdf", make()["bytes"], new["bytes"]) == {
        "pango": ("1.50.12", "1.56.0")
    }


def test_another_text_is_locked_with_its_bytes_on_every_platform() -> None:
    new = other_bytes(make(word="seven"), numpy="2.5.0")
    assert keep_digests(make(), new) == new


def test_a_pdf_is_added_where_the_lock_has_none_and_never_taken_away() -> None:
    without = make()
    del without["bytes"]["files"]["report.pdf"]
    without["bytes"]["platform"] = {**PLATFORM, "pdf": {}}
    assert keep_digests(without, make()) == make()
    assert keep_digests(make(), without) == make()


def test_text_differences_name_the_section_and_show_what_changed() -> None:
    long = "word " * 60
    locked = ["# A report", "## Summary", f"{long}six {long}", "## Methods", "one", "two"]
    here = ["# A report", "## Summary", f"{long}seven {long}", "## Methods", "one"]
    first, second = text_differences(locked, here)
    where, minus, plus = first.split("\n")
    assert where == "Summary, line 3"
    assert "ix word" in minus
    assert "even word" in plus
    assert minus.startswith("-…")
    assert len(minus) < 140
    assert second == "Methods, line 6\n-two"
    assert text_differences(locked, locked) == ()
    (endless,) = text_differences(["x" * 5000], ["y" * 5000])
    assert len(endless) < 1300


def test_of_many_moves_the_pool_is_shown_first_and_the_rest_counted() -> None:
    moved = [
        *(locks.Difference(f"results.leave-one-out.values.ci[{i}]", i, i + 1) for i in range(30)),
        locks.Difference("inputs.studies.csv", "a" * 64, "b" * 64),
        locks.Difference("results.pool.values.ci[0]", 0.1, 0.2),
        locks.Difference("results.pool.values.estimate", 0.83, 0.79),
    ]
    lines = list(describe_moves(moved))
    assert lines[:3] == [
        "moved: 33 values of the last lock",
        "  pool, estimate: 0.83 -> 0.79",
        "  pool, ci[0]: 0.1 -> 0.2",
    ]
    assert lines[3].startswith("  inputs, studies.csv: aaa")
    assert lines[-1] == "  and 13 more: leave-one-out 13"
    assert len(lines) == 22
    assert list(describe_moves([])) == []
