from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.report import lock as locks


def make(estimate: float = 0.8302511412538756, k: int = 6, scipy: str = "1") -> dict[str, object]:
    values = {"estimate": estimate, "k": k, "pi": [math.nan, math.inf], "ids": ("a", "b")}
    return locks.make_lock(
        inputs={"studies.csv": "00"},
        settings={"method": "REML"},
        results={"pool": ("comorbid@0.1.0", values)},
        software={"scipy": scipy},
    )


def test_floats_survive_in_full_precision(tmp_path: Path) -> None:
    lock = make(0.1 + 0.2)
    (tmp_path / "results.json").write_bytes(locks.dump_lock(lock))
    assert locks.read_lock(tmp_path) == lock
    assert lock["results"]["pool"]["values"]["pi"] == [None, "inf"]  # type: ignore[index]


def test_dump_does_not_depend_on_order() -> None:
    lock = make()
    assert locks.dump_lock(dict(reversed(lock.items()))) == locks.dump_lock(lock)


def test_rounding_of_another_machine_has_not_moved() -> None:
    old, new = make(), make(0.8302511412538756 * (1 + 1e-12), scipy="2")
    assert locks.moved(old, new) == []
    assert locks.keep_unmoved(old, new) == old


@pytest.mark.parametrize(
    ("new", "path"),
    [
        (make(0.8302511412538756 * (1 + 1e-8)), "results.pool.values.estimate"),
        (make(k=7), "results.pool.values.k"),
    ],
)
def test_a_moved_number_is_named_and_the_new_lock_taken(new: dict[str, object], path: str) -> None:
    old = make()
    assert [difference.path for difference in locks.moved(old, new)] == [path]
    assert locks.keep_unmoved(old, new) == new


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
    assert locks.keep_unmoved(lock, make()) == make()


def test_a_value_without_its_mark_is_seen() -> None:
    lock = json.loads(locks.dump_lock(make()))
    lock["results"]["pool"]["seal"] = lock["results"]["pool"]["seal"][:-8]
    assert locks.edited_values(lock) == {"results.pool.seal": "5 marks for 6 values"}


def test_what_cannot_be_locked_is_an_error() -> None:
    with pytest.raises(TypeError, match="a set cannot be locked"):
        locks.as_json({"a": {1, 2}})


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "cannot be read"), ("[]", "is no lock"), ('{"format": 1}', "is no lock of format 1")],
)
def test_unreadable_lock(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(cb.ReportError, match=message):
        locks.read_lock(tmp_path)


def test_missing_lock(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match="run comorbid build first"):
        locks.read_lock(tmp_path)
