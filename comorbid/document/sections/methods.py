"""Methods, written from the settings actually used."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.document import prose
from comorbid.document.blocks import Block, Heading, Inline, Items, Link, Paragraph, Strong
from comorbid.effects.measures import Measure
from comorbid.effects.table import Effects
from comorbid.models.fit import Fit
from comorbid.studies.table import Studies

_DOI = "https://doi.org/"


def methods(
    fit: Fit,
    *,
    studies: Studies,
    effects: Effects,
    measure: Measure,
    subgroups: Sequence[tuple[str, str, bool]],
) -> tuple[Block, ...]:
    """Return how the report was made.

    ``subgroups`` gives label, rationale and whether each
    subgroup was decided on before the data were seen.
    """
    return (
        Paragraph(_selection(studies, effects)),
        Paragraph(_effects(effects, measure)),
        Paragraph(_model(fit)),
        Paragraph(_heterogeneity(fit)),
        *_subgroups(subgroups),
    )


def _selection(studies: Studies, effects: Effects) -> str:
    rows = prose.counted(len(studies), "row", "rows")
    return (
        f"The study table has {rows} from "
        f"{prose.counted(studies.frame['study_id'].nunique(), 'study', 'studies')}; "
        f"one row a study is pooled, the one marked primary unless a decision says otherwise "
        f"({prose.counted(effects.k, 'row', 'rows')}). Rows of the same study rest on the same "
        f"people and are never pooled together."
    )


def _effects(effects: Effects, measure: Measure) -> tuple[Inline, ...]:
    counts = effects.source.count("counts")
    reported = effects.source.count("reported")
    parts: list[Inline] = [
        f"Effects are {'logarithms of ' if effects.scale == 'log' else ''}{measure.label}s. "
    ]
    if reported:
        parts.append(
            f"{prose.counted(reported, 'effect is', 'effects are')} taken from a reported estimate "
            f"and its interval, with the standard error as the interval's width on the analysis "
            f"scale over twice the normal quantile of its level. "
        )
    if counts:
        parts += [
            f"{prose.counted(counts, 'effect is', 'effects are')} computed from the columns "
            f"{prose.listed(measure.columns)} (",
            *_linked(measure.cite),
            "); where a study has a zero count, half a person is added to each of its counts."
            if measure.columns == ("ai", "bi", "ci", "di")
            else ").",
        ]
    return tuple(parts)


def _model(fit: Fit) -> tuple[Inline, ...]:
    if fit.method == "EE":
        return (Strong("Equal-effects model."), " All studies are taken to have one true effect.")
    interval = prose.TEST_NAMES[fit.test]
    spread = (
        "the standard normal distribution"
        if fit.test == "z"
        else "the t distribution with k - 1 degrees of freedom"
    )
    return (
        "Studies are pooled by a random-effects model with the between-study variance tau² "
        f"estimated by {fit.estimator.label} (",
        *_linked(fit.estimator.cite),
        f") and a {prose.level(fit.level)} {interval} for the average",
        *((" (", _doi("10.1002/sim.1482"), ")") if fit.test in ("knha", "adhoc") else ()),
        ". The prediction interval has the average's standard error and tau² added in quadrature "
        f"and uses {spread} (",
        _doi("10.1136/bmjopen-2015-010247"),
        "); it is the range in which the true effect of a further study would be expected.",
    )


def _heterogeneity(fit: Fit) -> tuple[Inline, ...]:
    basis = "Cochran's Q" if fit.method == "EE" else "tau² and the typical sampling variance"
    return (
        f"I² is computed from {basis} (",
        _doi("10.1002/sim.1186"),
        "). Confidence intervals of single studies are normal intervals on the analysis scale.",
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
                "averages (",
                _doi("10.1007/s11121-013-0377-7"),
                ").",
            )
        ),
        Items(items),
    )


def _doi(doi: str) -> Link:
    return Link(f"doi:{doi}", f"{_DOI}{doi}")


def _linked(cite: str) -> tuple[Inline, ...]:
    """Turn ``Author Year, doi:...`` into text and a link."""
    before, found, doi = cite.partition("doi:")
    return (before, _doi(doi)) if found else (cite,)
