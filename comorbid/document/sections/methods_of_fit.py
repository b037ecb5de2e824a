"""The methods of a fit in sentences: model, estimator, interval, prediction and heterogeneity."""

from __future__ import annotations

from comorbid.document import prose
from comorbid.document.bibliography import cited_by
from comorbid.document.runs import Cite, Inline
from comorbid.models.fit import Fit
from comorbid.models.presets import Preset

_INTERVALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "z": (
        "the classic one, with the standard error that follows from the weights and a quantile of "
        "the normal distribution",
        ("dersimonian1986",),
    ),
    "t": (
        "one with the standard error that follows from the weights and a quantile of the t "
        "distribution with k - 1 degrees of freedom, k studies",
        ("follmann1999",),
    ),
    "knha": (
        "that of Knapp and Hartung: the standard error follows from the weighted spread of the "
        "effects, the quantile from the t distribution with k - 1 degrees of freedom, k studies",
        ("knapp2003",),
    ),
    "adhoc": (
        "that of Knapp and Hartung with the ad hoc correction: the standard error follows from the "
        "weighted spread of the effects and is never smaller than the classic one, the quantile "
        "comes from the t distribution with k - 1 degrees of freedom, k studies",
        ("knapp2003", "roever2015"),
    ),
}


# What each preset follows; the versions stand in the entries cited.
_PRESETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cochrane2024": (
        "what Cochrane recommends for random effects",
        ("cochrane2024", "cochrane2025"),
    ),
    "iqwig6": ("the General Methods of IQWiG", ("iqwig2022",)),
    "metafor5": ("the defaults of the R package metafor", ("viechtbauer2010",)),
    "meta8": ("the defaults of the R package meta", ("schwarzer2024",)),
    "revman5": (
        "the random effects by inverse variance of earlier versions of RevMan",
        ("higgins2011",),
    ),
}


def conventions(fit: Fit, preset: Preset) -> tuple[Inline, ...]:
    """Return whose conventions are followed, where the report departs, and what differs."""
    more = [*_departures(fit, preset), *_correction(fit, preset)]
    if preset.i2 == "Q" and fit.method != "DL":
        more.append("There I² is computed from Cochran's Q, here from tau².")
    if preset.prediction != "default":
        more.append("The prediction interval is comorbid's own.")
    if preset.differs:
        more.append(f"Not reproduced: {preset.differs}.")
    words, keys = _PRESETS[preset.id]
    return (
        f"The estimator of tau² and the interval of the pooled value follow {words} ",
        Cite(*keys),
        " ".join([".", *more]),
    )


def _departures(fit: Fit, preset: Preset) -> list[str]:
    """Say which of the preset's settings the definition of the report replaces."""
    own = {"method": fit.method, "test": fit.test}
    theirs = {"method": {preset.method}, "test": _tests(preset)}
    replaced = [f"{name} = {own[name]}" for name in own if own[name] not in theirs[name]]
    if not replaced:
        return []
    return [f"The report decides otherwise on {prose.listed(replaced)}."]


def _correction(fit: Fit, preset: Preset) -> list[str]:
    """Say whether the preset's correction of a narrow interval applies."""
    if preset.correction == "never" or fit.test not in _tests(preset) or fit.k == 1:
        return []
    yes = fit.test == "adhoc"
    return [
        "Where Knapp and Hartung's interval is narrower than the classic one by DerSimonian and "
        "Laird's method, the ad hoc correction replaces it; here it "
        f"{'is narrower, and is replaced' if yes else 'is not narrower, and is kept'}."
    ]


def _tests(preset: Preset) -> set[str]:
    return {preset.test} if preset.correction == "never" else {preset.test, "adhoc"}


def model(fit: Fit) -> tuple[Inline, ...]:
    """Return how the pooled value and its intervals come about."""
    if fit.k == 1:
        return (
            "One study gives an effect: nothing is pooled, and what is printed is that study's own "
            "effect with its normal interval.",
        )
    interval, keys = _INTERVALS[fit.test]
    percent = prose.level(fit.level)
    average = (
        f" The {percent} confidence interval of the pooled value is {interval} ",
        Cite(*keys),
    )
    if fit.method == "EE":
        return (
            "An equal-effects model is used: all studies are taken to have one true effect",
            *cited_by(fit.estimator.cite),
            f"; {_weights(fit, 'its sampling variance')}.",
            *average,
            ". There is no prediction interval, as the model has one true effect.",
        )
    return (
        "A random-effects model is used: the true effects may differ between studies, and the "
        "pooled value is their average ",
        Cite("higgins2009"),
        f". The variance between studies, tau², is estimated by {fit.estimator.label}",
        *cited_by(fit.estimator.cite),
        f"; {_weights(fit, 'its sampling variance plus tau²')}.",
        *average,
        ".",
        *_prediction(fit),
    )


def _weights(fit: Fit, variance: str) -> str:
    if fit.user_weights is not None:
        return "each study has a weight that the analyst gave it"
    return f"each study is weighted by the inverse of {variance}"


def _prediction(fit: Fit) -> tuple[Inline, ...]:
    spread = (
        "the normal distribution"
        if fit.test == "z"
        else "the t distribution with k - 1 degrees of freedom"
    )
    return (
        f" The {prose.level(fit.level)} prediction interval, in which the true effect of a further "
        "study would be expected, has a variance of tau² plus the squared standard error of the "
        f"pooled value, and its quantile comes from {spread}",
        *(() if fit.test == "z" else (" ", Cite("inthout2016"))),
        ".",
    )


def heterogeneity(fit: Fit) -> tuple[Inline, ...]:
    """Return how heterogeneity is tested and described."""
    if fit.k == 1:
        return ("With one study heterogeneity can neither be tested nor described.",)
    basis = (
        "the part of Cochran's Q that exceeds its degrees of freedom"
        if fit.method == "EE"
        else "tau² over tau² plus the typical sampling variance"
    )
    return (
        "Heterogeneity is tested by Cochran's Q ",
        Cite("cochran1954"),
        f" and described by I², which is {basis}, as a percentage ",
        Cite("higgins2002"),
        ".",
    )
