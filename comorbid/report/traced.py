"""Traced: every number that a section prints has a value which it is the rounding of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from comorbid.contributions import Context, Section, Settings
from comorbid.document.blocks import Block
from comorbid.effects.scales import SCALES
from comorbid.engines import SecondEngine
from comorbid.errors import Problem
from comorbid.report.lock import as_json
from comorbid.report.notation import Name, name_at, names_beside
from comorbid.report.numerals import Numeral, numerals
from comorbid.report.printed_texts import Printed, printed_texts
from comorbid.report.sources import (
    Readable,
    Source,
    Value,
    bracketed,
    names,
    rows_source,
    source_of,
    tidy,
)

_REMEDY = (
    "compute it in an analysis that the section needs, so that it is locked as it is printed; "
    "what is computed from nothing is declared in constants of the section"
)
_SHOWN = 120


class Tracer:
    """Traces the numbers of sections to what they may print.

    Parameters
    ----------
    context : Context
        Of the report.
    values : mapping of str to dict
        What the lock stores of each result.
    """

    def __init__(self, context: Context, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._facts = _facts(context)
        self._tables = {
            name: rows_source(table.frame.to_dict(orient="records"), name)
            for name, table in context.tables.items()
        }
        self._results = {id_: source_of(dict(value), id_) for id_, value in values.items()}

    def untraced(self, blocks: Sequence[Block], section: Section, where: str) -> Iterator[Problem]:
        """Yield a problem for every number in a section's blocks that nothing accounts for."""
        whole, drawn = (self.readable(section, drawn=drawn) for drawn in (False, True))
        for printed in dict.fromkeys(printed_texts(blocks)):
            for number in untraced_numbers(printed, drawn if printed.drawn else whole):
                said = _sentence(printed.text, number)
                message = f"{where}: {number} in “{said}” is no rounding of a value it may print"
                yield Problem(message, _REMEDY)

    def readable(self, section: Section, *, drawn: bool) -> Readable:
        """Return what a section may print, or draw: figures print results, and no other tables."""
        tables = (self._facts[1], *(self._tables[name] for name in section.tables))
        return Readable(
            [
                self._facts[0],
                *(self._results[id_] for id_ in section.needs),
                *(() if drawn else tables),
                Source((), section.constants),
            ]
        )


def untraced_numbers(printed: Printed, readable: Readable) -> list[str]:
    """Return the numbers and intervals of a text that are the rounding of nothing.

    Examples
    --------
    >>> pool = source_of({"on_scale": {"estimate": 2.2939, "ci_low": 1.8815, "ci_high": 2.7966}},
    ...                  "pool")
    >>> untraced_numbers(Printed("It is 2.29 (1.88 to 2.80), or 2.3, not 2.28."), Readable([pool]))
    ['2.28']
    """
    text = tidy(printed.text)
    plain = readable.without_texts(text, printed.addresses)
    lost: list[str] = []
    for phrase in _phrases(plain):
        candidates = [_candidates(numeral, text, printed, readable) for numeral in phrase]
        missing = [n.text for n, found in zip(phrase, candidates, strict=True) if not found]
        if not missing and not _in_one_record(candidates):
            missing = [plain[phrase[0].start : phrase[-1].end]]
        lost += missing
    return [] if lost and printed.drawn and readable.holds_part(text) else lost


def _in_one_record(candidates: Sequence[Sequence[Value]]) -> bool:
    """Say whether one record holds a value for each number of an interval."""
    records = [frozenset[str]().union(*(v.records for v in found)) for found in candidates]
    return len(records) < 2 or bool(frozenset.intersection(*records))


def _candidates(numeral: Numeral, text: str, printed: Printed, readable: Readable) -> list[Value]:
    """Return the values that a numeral can stand for: those of rows and names that stand there."""
    said = bracketed(text[numeral.end :])
    beside = {said, said.partition(" ")[2], *map(tidy, printed.row.split("\n"))}
    rows = readable.rows_named(beside)
    naming = tidy(printed.named_in or printed.text)
    found = [
        value
        for value in readable.standing_for(numeral)
        if not value.rows
        or (value.rows & rows if rows else any(names(naming, name) for name in value.rows))
    ]
    for called in _names(numeral, text, printed, readable):
        found = [value for value in found if not value.name or called.fullmatch(value.name)]
    return found


def _names(numeral: Numeral, text: str, printed: Printed, readable: Readable) -> Iterator[Name]:
    """Yield what the lock calls the value, by what stands beside it and by its row or column."""
    known = readable.counts if numeral.plain else readable.names
    beside = [*names_beside(text, numeral.start, numeral.end)]
    if not printed.drawn:
        row, column = tidy(printed.row), tidy(printed.head)
        beside += filter(None, [name_at(row, nouns=False) or name_at(column)])
    yield from (name for name in beside if any(map(name.fullmatch, known)))


def _phrases(text: str) -> Iterator[list[Numeral]]:
    """Yield the numbers of a text, those of one interval and its estimate together."""
    phrase: list[Numeral] = []
    found = numerals(text)
    for i, numeral in enumerate(found):
        if phrase:
            gap = text[phrase[-1].end : numeral.start]
            after = text[numeral.end : found[i + 1].start] if i + 1 < len(found) else ""
            opens = len(phrase) == 1 and gap == " (" and after == " to "
            if not (opens or (gap == " to " and len(phrase) < 3)):
                yield phrase
                phrase = []
        phrase.append(numeral)
    if phrase:
        yield phrase


def _sentence(text: str, number: str) -> str:
    """Return the sentence in which a number stands, cut to what can be read at a glance."""
    flat = " ".join(text.split())
    sentences = flat.replace(". ", ".\n").splitlines()
    said = next((s for s in sentences if number in tidy(s)), flat)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


def _facts(context: Context) -> tuple[Source, Source]:
    """Return what every section may print: settings, decisions and provenance, and the studies."""
    studies, provenance = context.studies, context.provenance
    facts = {
        **_settings(context.settings),
        "overrides": [override.to_dict() for override in context.overrides],
        "decisions": len(context.overrides),
        "deviations": [[deviation.what, deviation.why] for deviation in context.deviations],
        "reporting": dict(context.reporting),
        "subgroups": [[s.id, s.label, s.rationale, dict(s.where)] for s in context.subgroups],
        "analyses": [[a.label, *_runs(a.methods)] for a in context.in_use.analyses],
        "options": {id_: dict(own) for id_, own in context.in_use.options.items()},
        "review": None if studies.review is None else _texts(studies.review.to_dict()),
        "conditions": studies.conditions,
        "inputs": provenance.inputs,
        "software": provenance.software,
        "plugins": [plugin.split("@") for plugin in provenance.plugins],
        "second_engine": _second_engine(provenance.second_engine),
    }
    cells = studies.frame.to_dict(orient="records")
    said = studies.printed.to_dict(orient="records")
    rows = [
        {**{f"printed {key}": cell for key, cell in printed.items()}, **row}
        for row, printed in zip(cells, said, strict=True)
    ]
    names = ("label", "estimate_id")
    return source_of(as_json(facts), "settings"), rows_source(rows, "studies", names)


def _settings(settings: Settings) -> dict[str, Any]:
    measure, method = settings.measure, settings.method
    return {
        "level": settings.level,
        "percent": 100 * settings.level,
        "null": SCALES[measure.scale].back(measure.null).item(),
        "measure": [measure.id, measure.label, *measure.formula.split("; "), measure.cite],
        "columns": measure.columns,
        "scale": SCALES[measure.scale].text,
        "sides": settings.sides,
        "method": [method.id, method.label, method.cite],
    }


def _second_engine(found: SecondEngine | None) -> dict[str, Any]:
    """Return what may be printed of the fits that another program made again."""
    if found is None:
        return {}
    return {
        "versions": [found.metafor, found.r],
        "fits": found.fits,
        "left_out": {"fits": len(found.left_out)},
        "reasons": dict(found.reasons),
        "outdated": {"fits": len(found.outdated)},
        "largest": [list(entry) for entry in found.largest.values()],
    }


def _runs(text: object) -> list[str]:
    """Return the words of a text, without what leads elsewhere."""
    runs = text if isinstance(text, tuple) else (text,)
    return [run if isinstance(run, str) else str(getattr(run, "text", "")) for run in runs]


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}
