"""How many wrong digits the check of printed numbers catches, in the reports of this repository.

Every number that stands for a value is changed in its last digit, one number at a time, to the digit
above and to the one below; what the check says nothing about has been another value of its section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from comorbid.calls import Calls
from comorbid.registry import load_registry
from comorbid.report.compose import compose
from comorbid.report.definition import read_definition
from comorbid.report.numerals import numerals
from comorbid.report.printed_texts import printed_texts
from comorbid.report.results import compute
from comorbid.report.sources import tidy
from comorbid.report.traced import Tracer, untraced_numbers

REPORTS = Path(__file__).parents[2] / "reports"
# Sections of networks print many whole numbers below 10, of which most are a value of the section.
HEADACHE, BCG = "headache-back-pain", "bcg-vaccine"
LEAST = {HEADACHE: 0.92, BCG: 0.96}


def changed(plain: str, text: str) -> Iterator[str]:
    """Yield a text with each of its numbers changed in the last digit, up and down."""
    for numeral in numerals(plain):
        digits = numeral.text.partition("×")[0]
        (last,) = re.findall(r"\d(?=\D*$)", digits)
        at = numeral.start + digits.rindex(last)
        for step in (1, -1):
            yield f"{text[:at]}{(int(last) + step) % 10}{text[at + 1 :]}"


@pytest.mark.parametrize("name", [pytest.param(HEADACHE, marks=pytest.mark.plugins), BCG])
def test_wrong_digits_are_caught(name: str) -> None:
    definition, calls = read_definition(REPORTS / name), Calls()
    computed = compute(definition, load_registry(definition.plugins, calls), calls)
    document, failures = compose(computed, calls)
    assert failures == ()
    tracer = Tracer(computed.context, computed.values)
    tried, caught = Counter[str](), Counter[str]()
    blocks = {section.id: section.blocks for section in document.sections}
    for entry in computed.plan.sections:
        section = entry.declaration
        for printed in printed_texts(blocks[section.id]):
            readable = tracer.readable(section, drawn=printed.drawn)
            text = tidy(printed.text)
            plain = readable.without_texts(text, printed.addresses)
            assert untraced_numbers(printed, readable) == []
            for wrong in changed(plain, text):
                tried[section.id] += 1
                found = untraced_numbers(replace(printed, text=wrong), readable)
                caught[section.id] += bool(found)
    shares = {id_: caught[id_] / number for id_, number in tried.items()}
    share = caught.total() / tried.total()
    print(f"{name}: {share:.1%} of {tried.total()} wrong digits", shares)
    assert share > LEAST[name]
    assert shares["forest"] == 1
