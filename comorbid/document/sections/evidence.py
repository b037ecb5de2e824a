"""What went in: the studies, pooled and not."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Block, Heading, Inline, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.runs import Cite
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.studies.columns import CORE_COLUMNS
from comorbid.studies.judgements import judgement_columns
from comorbid.studies.table import FRAME_COLUMNS, Studies

if TYPE_CHECKING:
    import pandas as pd

_MODERATORS_SHOWN = 4


def characteristics(
    studies: Studies, effects: Effects, *, papers: Collection[str]
) -> tuple[Block, ...]:
    """Return a table of the pooled studies, and one of the rows that were not pooled.

    ``papers`` are the keys of the report's own bibliography: that of a study is its ``study_id``.
    """
    effects = effects.take(np.flatnonzero(np.isfinite(effects.vi)))
    return (
        _pooled(studies, effects),
        *_settings(studies, effects),
        *_not_pooled(studies, effects),
        *_papers(studies, papers),
        *_sources(studies),
    )


def _pooled(studies: Studies, effects: Effects) -> Table:
    """Return what each study gave: its estimate as printed, or its counts where none has one."""
    frame, printed = _by_id(studies, studies.frame), _by_id(studies, studies.printed)
    rows = [frame[id_] for id_ in effects.ids]
    values = SCALES[effects.scale].back(effects.yi)
    used = f"{effects.measure} used"
    columns: dict[str, list[str]] = {
        "Study": list(effects.labels),
        "People": [_people(row) for row in rows],
    }
    if all(s == "counts" for s in effects.source) and not any(math.isnan(r["ai"]) for r in rows):
        columns["Group 1"] = [f"{row['ai']:,.0f} of {row['ai'] + row['bi']:,.0f}" for row in rows]
        columns["Group 2"] = [f"{row['ci']:,.0f} of {row['ci'] + row['di']:,.0f}" for row in rows]
        columns[used] = [prose.value(value, effects.scale) for value in values]
        note = "Groups: the counts ai of ai + bi, and ci of ci + di, from which the value follows."
    else:
        columns["As printed"] = [_as_printed(printed[id_]) for id_ in effects.ids]
        columns[used] = [prose.value(value, effects.scale) for value in values]
        columns["From"] = list(effects.source)
        note = (
            "As printed: estimate and interval of the source. From: whether the value used "
            "is the reported one or computed from counts."
        )
    adjustment = [str(row.get("adjustment", "")) for row in rows]
    if any(adjustment):
        columns["Adjustment"] = [text or "–" for text in adjustment]
    return Table(
        header=tuple(columns),
        rows=tuple(zip(*columns.values(), strict=True)),
        numeric=tuple(name for name in ("People", "Group 1", "Group 2", used) if name in columns),
        caption="The studies pooled",
        note=note,
        name="studies-pooled",
    )


def _by_id(studies: Studies, frame: pd.DataFrame) -> dict[str, dict[Hashable, Any]]:
    ids = studies.frame["estimate_id"].tolist()
    return dict(zip(ids, frame.to_dict(orient="records"), strict=True))


def _papers(studies: Studies, keys: Collection[str]) -> tuple[Block, ...]:
    """Cite the papers of the studies themselves, as far as the bibliography has them."""
    first = studies.frame.drop_duplicates("study_id")
    found = [
        (label, Cite(id_))
        for id_, label in zip(first["study_id"], first["label"], strict=True)
        if id_ in keys
    ]
    runs: list[Inline] = []
    for label, cite in found:
        runs += [f"{'; ' if runs else 'The papers on the studies: '}{label} ", cite]
    return (Paragraph((*runs, ".")),) if found else ()


def _sources(studies: Studies) -> tuple[Block, ...]:
    """Cite the papers that the figures are from, as far as the table has their keys."""
    frame = studies.frame
    if "reference" not in frame:
        return ()
    papers: dict[str, dict[str, None]] = {}
    for label, key in zip(frame["label"], frame["reference"], strict=True):
        papers.setdefault(key, {})[label] = None
    unknown = papers.pop("", {})
    if not papers:
        return ()
    if len(papers) == 1 and not unknown:
        return (Paragraph(("The figures of all studies are from ", Cite(*papers), ".")),)
    runs: list[Inline] = []
    for key, labels in papers.items():
        runs += [
            f"{'; ' if runs else 'The figures are from: '}{prose.listed([*labels])} ",
            Cite(key),
        ]
    return (Paragraph((*runs, ".")),)


def _settings(studies: Studies, effects: Effects) -> list[Block]:
    """Return who was studied and where the figures stand, as far as the table has it."""
    frame = studies.frame.set_index("estimate_id")
    definitions = [str(name) for name in frame if str(name).endswith("_definition")]
    heads = {name: name.removesuffix("_definition").replace("_", " ") for name in definitions}
    wanted = {"country": "Country", "population": "Population", **heads}
    known = {name: head for name, head in wanted.items() if name in frame}
    if not known:
        known = {name: name.replace("_", " ") for name in _moderators(studies)}
    if "source_note" in frame:
        known["source_note"] = "Source"
    if not known:
        return []
    rows = tuple(
        (label, *(_cell(frame.at[id_, name]) for name in known))
        for label, id_ in zip(effects.labels, effects.ids, strict=True)
    )
    header = ("Study", *map(words.capitalized, known.values()))
    return [Table(header, rows, "Who was studied, and where the figures stand")]


def _moderators(studies: Studies) -> list[str]:
    """Return the columns of the table that comorbid gives no meaning to."""
    core = {*FRAME_COLUMNS, *(column.name for column in CORE_COLUMNS)}
    names = [str(name) for name in studies.frame if name not in core]
    judged = judgement_columns(names)
    return [name for name in names if name not in judged][:_MODERATORS_SHOWN]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:,.10g}"
    return str(value) or "–"


def _not_pooled(studies: Studies, effects: Effects) -> list[Block]:
    frame, printed = _by_id(studies, studies.frame), _by_id(studies, studies.printed)
    blocks: list[Block] = []
    others = [row for row in frame if row not in effects.ids]
    if others:
        column = _distinguishing(studies)
        blocks += [
            Heading("Rows that are not pooled"),
            Paragraph(
                "These rows rest on the same people as a row above, give no effect with its "
                "variance, or were left out by a decision. Those with an effect can enter "
                "subgroups and the analysis of other rows, one of a study at a time."
            ),
            Table(
                header=(
                    "Row",
                    "People",
                    "As printed",
                    *(words.capitalized(name.replace("_", " ")) for name in column),
                ),
                rows=tuple(
                    (
                        frame[row]["label"],
                        _people(frame[row]),
                        _as_printed(printed[row]),
                        *(frame[row][name] for name in column),
                    )
                    for row in others
                ),
                numeric=("People",),
                caption="Rows that are not pooled",
            ),
        ]
    return blocks


def _distinguishing(studies: Studies) -> list[str]:
    """Return the first column of text that tells the rows of one study apart, if there is one."""
    frame = studies.frame
    text = [
        name
        for name in frame.columns
        if name not in FRAME_COLUMNS and all(isinstance(cell, str) for cell in frame[name])
    ]
    varying = [name for name in text if (frame.groupby("study_id")[name].nunique() > 1).any()]
    return varying[:1]


def _people(row: Mapping[Hashable, Any]) -> str:
    n = row["n"] if row["n"] == row["n"] else sum(row[name] for name in ("ai", "bi", "ci", "di"))
    return "–" if math.isnan(n) else f"{n:,.0f}"


def _as_printed(row: Mapping[Hashable, Any]) -> str:
    if not row["estimate"]:
        return "counts only"
    ends = f" ({row['ci_low']} to {row['ci_high']})" if row["ci_low"] else ""
    return f"{row['estimate']}{ends}"
