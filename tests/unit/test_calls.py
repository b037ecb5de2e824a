from __future__ import annotations

import re
import warnings

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.errors import Problem


def fail(error: BaseException) -> None:
    raise error


def test_calls_are_remembered_in_order_also_those_that_fail() -> None:
    calls = Calls()
    assert calls.make("one@1", "a sum", sum, [1, 2]) == 3
    with pytest.raises(cb.PluginError):
        calls.make("two@1", "a failure", fail, ValueError("x"))
    assert [(call.origin, call.what) for call in calls.made] == [
        ("one@1", "a sum"),
        ("two@1", "a failure"),
    ]
    assert all(call.seconds >= 0 for call in calls.made)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("x"), "one@1, a call fails: ValueError: x;"),
        (SystemExit("bye"), "one@1, a call fails: SystemExit: bye;"),
        (RecursionError("deep"), "one@1, a call fails: RecursionError: deep;"),
        (cb.ComorbidError("plain"), "one@1, a call: plain"),
        (cb.DataError([Problem("m", "r", "f", 1)]), "f, line 1: one@1, a call: m; r"),
    ],
)
def test_an_error_gets_the_name_of_the_distribution(error: BaseException, message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=re.escape(message)) as caught:
        Calls().make("one@1", "a call", fail, error)
    assert caught.value.__cause__ is error


def test_what_the_core_says_about_the_data_is_left_as_it_is() -> None:
    error = cb.DataError("no rows")
    with pytest.raises(cb.DataError, match=r"^no rows$") as caught:
        Calls().make("comorbid@1", "a call", fail, error)
    assert caught.value is error


def test_an_interruption_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        Calls().make("one@1", "a call", fail, KeyboardInterrupt())


def test_what_is_printed_is_heard_and_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Calls().make("one@1", "a call", print, "word " * 100)
        Calls().make("one@1", "a call", print, "\n \n")
    (warning,) = caught
    assert str(warning.message).startswith("one@1, a call prints: word word")
    assert str(warning.message).endswith("...")
    assert len(str(warning.message)) < 250
    assert capsys.readouterr().out == ""
