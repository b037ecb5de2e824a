"""Methods, written from the settings actually used: which rows, which effects, what is done."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comorbid.document import prose
from comorbid.document.bibliography import Bibliography, cited_by
from comorbid.document.blocks import Block, Heading, Inline, Items, Paragraph, Strong
from comorbid.document.runs import Cite, Ref
from comorbid.document.sections import methods_of_fit
from comorbid.effects.formula import Formula, Measure
from comorbid.effects.overrides import Override
from comorbid.effects.scales import SCALES, base_name
from comorbid.effects.table import Effects
from comorbid.models.fit import Fit
from comorbid.models.presets import Preset
from comorbid.studies.table import Studies

_PRINTED = ("note", "condition1", "source1", "condition2", "source2")
_FEW = 10  # as many names can be read in a sentence
_COUNTS = ("ai", "bi", "ci", "di")
# A formula lists the variances that can be chosen; a report takes LS.
_OTHER_VARIANCE = re.compile(r"(?!LS\b)[A-Z][A-Z0-9]*(, [A-Z0-9]+)*( \([^)]*\))?: ")
_DECIDED = {
    "counts": "computed from counts",
    "reported": "taken as printed",
    "primary": "pooled in place of the primary row",
    "exclude": "left out",
}
_SOFTWARE = {
    "comorbid": (),
    "numpy": ("harris2020",),
    "scipy": ("virtanen2020",),
    "pandas": ("mckinney2010",),
    "matplotlib": ("hunter2007",),
    "forestplot": (),
}
_SAID = {
    "registration": "Registration",
    "protocol": "Protocol",
    "amendments": "Amendments to registration or protocol",
    "selection": "Search and selection of studies",
    "excluded": "Studies that might be expected and are not included",
}
_NAMES = {
    "numpy": "NumPy",
    "scipy": "SciPy",
    "matplotlib": "Matplotlib",
    "weasyprint": "WeasyPrint",
}


@dataclass(frozen=True, slots=True)
class Used:
    """What a report makes of its effects beside the main pool.

    ``sections`` are the ids of its sections, ``analyses`` the label, the sentence for the Methods
    and the options of each analysis, ``subgroups`` the label and rationale of each and whether it
    was decided on before the data were seen, ``preset`` the one that the report names,
    ``bibliography`` what it can cite, ``reporting`` what the report says of its protocol and of
    how its studies were found.
    """

    sections: Collection[str]
    analyses: Sequence[tuple[str, str | tuple[Inline, ...], Mapping[str, Any]]]
    subgroups: Sequence[tuple[str, str, bool]]
    software: Mapping[str, str]
    preset: Preset | None
    bibliography: Bibliography
    reporting: Mapping[str, str]


def methods(
    fit: Fit,
    *,
    studies: Studies,
    effects: Effects,
    measure: Measure,
    overrides: Sequence[Override],
    used: Used,
) -> tuple[Block, ...]:
    """Return how the report was made, in the order of the items of PRISMA 2020 on synthesis."""
    return (
        Heading("Which results are pooled"),
        Paragraph((*_review(studies, used), _selection(fit, studies, effects))),
        *_decisions(studies, overrides),
        Heading("Effects"),
        Paragraph(_effects(studies, effects, measure)),
        Heading("Synthesis"),
        *((Paragraph(methods_of_fit.conventions(fit, used.preset)),) if used.preset else ()),
        Paragraph(methods_of_fit.model(fit)),
        Paragraph(methods_of_fit.heterogeneity(fit)),
        Paragraph(_display(used.sections)),
        *_subgroups(used.subgroups),
        *_further(used.analyses),
        *_reporting(used.reporting),
        Heading("Software and reporting"),
        Paragraph(_software(used.software)),
    )


def _review(studies: Studies, used: Used) -> tuple[Inline, ...]:
    """Say which systematic review the studies come from, if the report names one."""
    review = studies.review
    if review is None:
        return ()
    registered = f", registered as {review.registration}" if review.registration else ""
    paper = used.bibliography.paper(review.doi)
    return (
        f"The studies come from the systematic review “{review.title}” ",
        paper,
        f"{registered}. ",
    )


def _selection(fit: Fit, studies: Studies, effects: Effects) -> str:
    number = studies.frame["study_id"].nunique()
    rows = prose.counted(len(studies), "row", "rows")
    parts = [f"The study table has {rows} from {prose.counted(number, 'study', 'studies')}."]
    repeated = len(effects.studies) - len(set(effects.studies))
    if repeated:
        parts.append(
            "Several rows of one study are pooled as if they rested on different people, because "
            "none of them is marked as the primary one."
        )
    elif len(studies) > number:
        parts.append(
            "Rows of one study rest on the same people and are never pooled together: of each "
            "study one row is, the one marked primary unless a decision says otherwise."
        )
    parts.append(f"The pool has {prose.counted(fit.k, 'row', 'rows')}.")
    if effects.k > fit.k:
        lost = prose.counted(effects.k - fit.k, "further row", "further rows")
        parts.append(f"No effect is given by {lost}.")
    return " ".join(parts)


def _decisions(studies: Studies, overrides: Sequence[Override]) -> tuple[Block, ...]:
    if not overrides:
        return ()
    frame = studies.frame
    labels = dict(zip(frame["estimate_id"], frame["label"], strict=True))
    uses = dict.fromkeys(override.use for override in overrides)
    groups = {use: [labels[o.estimate] for o in overrides if o.use == use] for use in uses}
    texts = [f"{_DECIDED[use]}: {prose.listed(names)}" for use, names in groups.items()]
    made = f"Decisions about single rows were made, each with a reason ({'; '.join(texts)})."
    return (Paragraph(made),)


def _effects(studies: Studies, effects: Effects, measure: Measure) -> tuple[Inline, ...]:
    reported = [i for i, s in zip(effects.ids, effects.source, strict=True) if s == "reported"]
    computed = [i for i, s in zip(effects.ids, effects.source, strict=True) if s != "reported"]
    parts: list[Inline] = [f"The effect measure is the {measure.label}{_scale(effects.scale)}."]
    if reported:
        parts += _reported(studies, reported)
    if computed:
        number = prose.counted(len(computed), "effect", "effects")
        give = "gives" if len(measure.columns) == 1 else "give"
        formula = f" ({_formula(measure)})" if measure.formula else ""
        columns = prose.listed(measure.columns)
        parts += [
            f" In the study table {columns} {give} {number}{formula}",
            *cited_by(measure.cite),
            ".",
        ]
        parts += _zeros(studies, computed, measure)
    return tuple(parts)


def _formula(measure: Measure) -> str:
    parts = measure.formula.split("; ")
    return "; ".join(part for part in parts if not _OTHER_VARIANCE.match(part))


def _scale(name: str) -> str:
    if name == "identity":
        return ", analysed and printed as it is"
    return f", analysed on the {base_name(name)} scale and printed as {SCALES[name].text}"


def _reported(studies: Studies, ids: Sequence[str]) -> list[Inline]:
    """Say where the standard errors of the reported estimates come from."""
    frame = studies.frame.set_index("estimate_id").loc[list(ids)]
    interval = frame["ci_low"].ne("") & frame["ci_low"].notna() & frame["ci_high"].notna()
    se = frame["se"].notna() if "se" in frame else interval & False
    sources: list[Inline] = []
    if interval.any():
        sources += [
            "the width of its confidence interval on the analysis scale over twice the normal "
            "quantile of its level ",
            Cite("higgins2024"),
        ]
    if (~interval & se).any():
        sources += [f"{', or ' if sources else ''}the reported standard error"]
    if (~interval & ~se).any():
        sources += [
            f"{', or ' if sources else ''}the distance from no effect over the normal quantile of "
            "its p-value ",
            Cite("altman2011"),
        ]
    number = prose.counted(len(ids), "effect is", "effects are")
    return [
        f" From a reported estimate {number} taken; the standard error is ",
        *sources,
        ".",
    ]


def _zeros(studies: Studies, ids: Sequence[str], measure: Measure) -> list[Inline]:
    """Say what is added to counts of 0, where the measure's counts can be 0."""
    formula = measure.effect
    if not isinstance(formula, Formula) or formula.kind.source != "counts" or not formula.add:
        return []
    if measure.columns == _COUNTS:
        frame = studies.frame.set_index("estimate_id").loc[list(ids)]
        zero = frame.loc[(frame[list(_COUNTS)] == 0).any(axis=1), "label"].tolist()
        if not zero:
            return [" None of their counts is zero, so that nothing is added to any."]
        who = prose.listed(zero) if len(zero) <= _FEW else "Several rows"
        have = "has" if len(zero) == 1 else "have"
        return [
            f" {who} {have} a count of zero; {formula.add:g} is added to each count of such a row ",
            Cite("sweeting2004"),
            ".",
        ]
    return [
        f" Where a count is zero, {formula.add:g} is added to the counts of its row ",
        Cite("sweeting2004"),
        ".",
    ]


def _display(sections: Collection[str]) -> tuple[Inline, ...]:
    places: list[list[Inline]] = []
    if "studies" in sections:
        places.append(["listed in ", Ref("studies-pooled")])
    if "forest" in sections:
        places.append(["drawn with the pooled values in ", Ref("forest")])
    text: list[Inline] = []
    for i, place in enumerate(places):
        text += [" and " if i else "The studies are ", *place]
    end = ". " if text else ""
    return (
        *text,
        f"{end}Confidence intervals of single studies are normal intervals on the analysis scale.",
    )


def _subgroups(subgroups: Sequence[tuple[str, str, bool]]) -> tuple[Block, ...]:
    if not subgroups:
        return ()
    when = {True: "decided on before the data were seen", False: "not prespecified: exploratory"}
    items = tuple(
        (Strong(label), f" ({when[prespecified]}). {rationale}")
        for label, rationale, prespecified in subgroups
    )
    return (
        Heading("Subgroups"),
        Paragraph(
            (
                "Each subgroup is compared with the studies that have no row in it, each side "
                "pooled with its own tau²; the test between them is Cochran's Q of the two "
                "averages ",
                Cite("borenstein2013"),
                ".",
            )
        ),
        Items(items),
    )


def _further(
    analyses: Sequence[tuple[str, str | tuple[Inline, ...], Mapping[str, Any]]],
) -> tuple[Block, ...]:
    items = tuple(
        (Strong(label), ". ", *((text,) if isinstance(text, str) else text), *_options(options))
        for label, text, options in analyses
        if text or options
    )
    return (Heading("Further analyses"), Items(items)) if items else ()


def _options(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options that are words, but for those that the section on the analysis prints."""
    values = {
        name: (value,) if isinstance(value, str) else value
        for name, value in options.items()
        if value and name not in _PRINTED
    }
    texts = [
        f"{name} = {', '.join(value)}"
        for name, value in values.items()
        if isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    ]
    texts += [
        f"{name} = {', '.join(f'{rule} ({_where(where)})' for rule, where in value.items())}"
        for name, value in values.items()
        if isinstance(value, Mapping)
    ]
    return (f" Set here: {'; '.join(texts)}.",) if texts else ()


def _where(where: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{column} = {' or '.join(values)}" for column, values in where.items())


def _reporting(given: Mapping[str, str]) -> tuple[Block, ...]:
    """Return what the report says of its protocol and studies, and name what it does not say."""
    items = tuple(
        (Strong(f"{word}."), f" {given[key]}") for key, word in _SAID.items() if key in given
    )
    lacking = [word.lower() for key, word in _SAID.items() if key not in given]
    return (
        Heading("Protocol and selection of studies"),
        *((Items(items),) if items else ()),
        *((Paragraph(f"Not given: {prose.listed(lacking)}."),) if lacking else ()),
    )


def _software(versions: Mapping[str, str]) -> tuple[Inline, ...]:
    text: list[Inline] = ["Computed and printed with "]
    known = [name for name in _SOFTWARE if name in versions]
    for i, name in enumerate(known):
        text.append("" if not i else " and " if i == len(known) - 1 else ", ")
        text.append(f"{_NAMES.get(name, name)}\N{NO-BREAK SPACE}{versions[name]}")
        if keys := _SOFTWARE[name]:
            text += [" ", Cite(*keys)]
    return (
        *text,
        f" on Python {versions['Python']}. Names and formulas of measures and estimators follow "
        "the R package metafor ",
        Cite("viechtbauer2010"),
        "; this section is arranged by the items of the PRISMA statement on synthesis ",
        Cite("page2021"),
        ".",
    )
