"""The hook reference of plugins/README.md, made from comorbid/hookspecs.py.

`python tests/plugins/hook_reference.py` writes it there; a test compares the two.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from comorbid import hookspecs
from comorbid.registry import KINDS

GUIDE = Path(__file__).parents[2] / "plugins" / "README.md"
BEGIN, END = "<!-- hooks: made by tests/plugins/hook_reference.py -->", "<!-- end of hooks -->"
LABELS = ("Called", "Gets", "Returns", "If it fails")


def reference() -> str:
    """The whole reference, as Markdown."""
    return "\n\n".join(part for kind in KINDS for part in entry(kind))


def entry(kind: str) -> Iterator[str]:
    """Heading, sentence, signature of what is declared, and the four answers for one hook."""
    hook = f"comorbid_{kind}"
    paragraphs = [
        " ".join(paragraph.split())
        for paragraph in str(inspect.getdoc(getattr(hookspecs, hook))).split("\n\n")
    ]
    answers = dict(paragraph.split(": ", 1) for paragraph in paragraphs[1:])
    assert tuple(answers) == LABELS, f"{hook} answers {tuple(answers)}"
    yield f"### `{hook}()`"
    yield paragraphs[0]
    yield f"`{declared(kind)}`"
    yield "\n".join(f"- *{label}:* {answers[label].replace('``', '`')}" for label in LABELS)


def declared(kind: str) -> str:
    """What the hook returns values of, with its fields."""
    if kind == "commands":
        return "click.Command"
    return f"{KINDS[kind].__name__}({', '.join(inspect.signature(KINDS[kind]).parameters)})"


def with_reference(guide: str) -> str:
    """The guide with the reference as it should be."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    assert pattern.search(guide)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{reference()}\n\n{END}", guide)


if __name__ == "__main__":
    GUIDE.write_text(with_reference(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
