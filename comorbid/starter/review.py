"""A new review: a report's folder, written from templates and the studies that come along."""

from __future__ import annotations

import csv
import datetime
import io
import json
import textwrap
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import get_args

from comorbid.builtin import (
    comorbid_analyses,
    comorbid_estimators,
    comorbid_renderers,
    comorbid_sections,
    comorbid_themes,
)
from comorbid.document import prose
from comorbid.document.document import Paper
from comorbid.effects.overrides import Use
from comorbid.errors import Problem, ReportError
from comorbid.models.kernel import Test
from comorbid.models.presets import PRESETS
from comorbid.options import OptionKind, OptionValue
from comorbid.report.files import write_together
from comorbid.starter.templates import filled
from comorbid.studies.columns import CORE_COLUMNS, TABLE_NAME, Column
from comorbid.studies.judgements import INDIRECTNESS, MAY_BE, OVERALL, RISK_OF_BIAS

# What is written where, from which template.
_FILES = {
    "report.toml": "report.toml.txt",
    "references.bib": "references.bib.txt",
    "tox.ini": "tox.ini.txt",
    "README.md": "review-README.md.txt",
}
# In the example the counts are headed in words, which names the conditions.
_IN_WORDS = {"ai": "both", "bi": "back_pain_only", "ci": "headache_only", "di": "neither"}
# The key, in the bibliography of the example, of the review that most of its figures are from.
_REVIEW = "vivekanantham2019"
_MODERATORS = ("country", "population")
# What stands for an option that has no default.
_BLANKS: dict[OptionKind, OptionValue] = {
    "text": "...",
    "names": ("...",),
    "number": 0.0,
    "numbers": (0.0,),
    "rules": {"...": {"...": ("...",)}},
}
_WIDTH = 118
_HOLDS = {
    "text": "text",
    "number": "a number",
    "count": "a whole number, 0 or more",
    "flag": "yes or no",
}


def write_review(folder: Path, *, date: datetime.date) -> tuple[Path, ...]:
    """Write a report's folder that builds at once, from studies that come with comorbid.

    Parameters
    ----------
    folder : Path
        A new or empty folder with a kebab-case name, which becomes the id of the report.
    date : datetime.date
        The date of the report.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ReportError
        If the name is not kebab-case, the folder holds anything, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     written = write_review(Path(place, "tea-and-sleep"), date=datetime.date(2026, 1, 31))
    ...     print([path.name for path in written])
    ['studies.csv', 'data-dictionary.md', 'report.toml', 'references.bib', 'tox.ini', 'README.md']
    """
    home = folder.resolve()
    if not TABLE_NAME.fullmatch(home.name):
        remedy = "use lower-case words with hyphens between, as in tea-and-sleep"
        raise ReportError([Problem(f"a review's folder cannot be called {home.name!r}", remedy)])
    try:
        home.mkdir(parents=True, exist_ok=True)
        holds_something = any(home.iterdir())
    except OSError as error:
        problem = Problem(f"no folder can be made: {error.strerror}", "choose another", str(home))
        raise ReportError([problem]) from error
    if holds_something:
        message = "is there already, and nothing in it is written over"
        raise ReportError([Problem(message, "choose a new or empty folder", file=str(home))])
    values = _values(home.name, date)
    texts = {"studies.csv": _study_table(), "data-dictionary.md": _dictionary()}
    texts |= {name: filled(template, values) for name, template in _FILES.items()}
    texts["report.toml"] = _wrapped(texts["report.toml"])
    write_together(home, {name: text.encode() for name, text in texts.items()})
    return tuple(home / name for name in texts)


def _values(id_: str, date: datetime.date) -> dict[str, str]:
    return {
        "id": id_,
        "title": id_.replace("-", " ").capitalize(),
        "date": date.isoformat(),
        "comorbid": metadata.version("comorbid"),
        "methods": prose.listed([estimator.id for estimator in comorbid_estimators()]),
        "presets": prose.listed([preset.id for preset in PRESETS]),
        "tests": prose.listed(get_args(Test)),
        "sections": ", ".join(section.id for section in comorbid_sections()),
        "analyses": _options(),
        "formats": prose.listed([renderer.id for renderer in comorbid_renderers()]),
        "themes": prose.listed([theme.id for theme in comorbid_themes()]),
        "papers": prose.listed(get_args(Paper)),
        "uses": prose.listed(get_args(Use)),
    }


def _options() -> str:
    """Return every option of the core's analyses, not set: its default, or what stands for one."""
    lines = ["#[analyses]"]
    for analysis in comorbid_analyses():
        if analysis.options:
            lines += ["", f"#[analyses.{analysis.id}]"]
        for option in analysis.options:
            value = _BLANKS[option.kind] if option.default is None else option.default
            needed = ", which must be given" if option.required else ""
            lines.append(f"# {option.kind}: {option.description}{needed}")
            lines.append(f"#{option.name} = {_toml(value)}")
    return "\n".join(lines)


def _toml(value: object) -> str:
    """Return a value as a definition has it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_toml(name)} = {_toml(part)}' for name, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def _wrapped(text: str) -> str:
    """Break the comments of a definition that a list of choices has made too long."""
    lines = []
    for line in text.splitlines():
        broken = line.startswith("# ") and len(line) > _WIDTH
        lines += textwrap.wrap(line, _WIDTH, subsequent_indent="# ") if broken else [line]
    return "\n".join(lines) + "\n"


def _study_table() -> str:
    """Return the main rows of the bundled studies, under every column of the core."""
    data = resources.files("comorbid.studies") / "data/headache-back-pain/estimates.csv"
    rows = csv.DictReader(io.StringIO(data.read_text(encoding="utf-8")))
    names = [_IN_WORDS.get(column.name, column.name) for column in CORE_COLUMNS]
    names[names.index("source_url") : names.index("source_url")] = _MODERATORS
    text = io.StringIO()
    table = csv.DictWriter(text, names, restval="", extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for row in rows:
        if row["primary"] == "yes":
            from_review = row["source_note"].startswith("review")
            table.writerow({**row, "reference": _REVIEW if from_review else ""})
    return text.getvalue()


def _dictionary() -> str:
    """Return what each column of the core may hold, as Markdown."""
    lines = [
        "# The columns of studies.csv",
        "",
        "One row is one published estimate. A row needs the columns that are required, and either "
        "an estimate with its interval, standard error or p-value, or the four counts of its 2x2 "
        "table. A missing value is an empty cell or NA.",
        "",
        "| column | holds | required | give |",
        "|---|---|---|---|",
        *map(_line, CORE_COLUMNS),
        "",
        "The four counts may also be headed in words, which then name the two conditions, as in "
        f"the example: {prose.listed([f'`{name}`' for name in _IN_WORDS.values()])}, for "
        f"{prose.listed([f'`{name}`' for name in _IN_WORDS])}.",
        "",
        f"A column whose name begins with `{RISK_OF_BIAS}` holds judgements of one domain of risk "
        f"of bias, and `{OVERALL}` those of the study as a whole; `{INDIRECTNESS}` says how far a "
        f"study is from the question. A judgement is one of these words or a score: {MAY_BE}.",
        "",
        "The audit checks means and standard deviations (`m1i`, `sd1i`, `n1i`, `m2i`, `sd2i`, "
        "`n2i`, or `mi`, `sdi`, `ni`) where a row says what the outcome can be: `items`, how many "
        "whole numbers a score averages (1 for a count or a single question), or the ends of the "
        "scale, `scale_low` and `scale_high`. A column named for what it is a percentage of, such "
        "as `percent_of_n` or `smokers_percent_of_n1i`, is checked against that many people.",
        "",
        "Any other column is kept as a moderator, such as "
        f"{prose.listed([f'`{name}`' for name in _MODERATORS])} in the example: studies can be "
        "compared by it.",
    ]
    return "\n".join(lines) + "\n"


def _line(column: Column) -> str:
    required = "yes" if column.required else "no"
    return f"| `{column.name}` | {_HOLDS[column.kind]} | {required} | {column.description} |"
