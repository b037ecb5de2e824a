"""The forest plot: each study, and what they say together, by group, or by another model."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.chart import Chart, Layout
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.fitted_forest import fitted_forest
from comorbid.document.figures.grouped_forest import grouped_forest
from comorbid.document.figures.multilevel_forest import multilevel_forest
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format, study_rows, total_rows, weight
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.regression_result import Regression
from comorbid.subgroups import Subgroups


def forest(
    result: Fit | Subgroups | Regression | Multilevel, *, title: str | None = None
) -> Figure:
    r"""Draw a forest plot: of a fit, of subgroups, of a meta-regression or of a multilevel fit.

    Each study is a square on its confidence interval, its area proportional to the study's
    weight. Ratios stand on a log axis. An interval that would squeeze all the others goes on as
    an arrow; its numbers are printed in full. What else is drawn depends on the result:

    * of a fit, the pooled value as a diamond as wide as its confidence interval, with the
      prediction interval as a bar below it;
    * of subgroups, the same for each of them below its studies, with its number of studies,
      :math:`\tau^2` and :math:`I^2`; then for all studies together, whose fit gives the weights,
      and the test between the subgroups. A subgroup of one study is not pooled;
    * of a meta-regression, behind each study a pale diamond: what its moderators lead to expect,
      :math:`x_i'\hat\beta`, as wide as the confidence interval of that mean;
    * of a multilevel fit, the rows of each group of its first random term, and below several of
      them their own inverse-variance mean (see `group_means`), which nothing else has a part in;
      then the pooled value and the prediction intervals. The weights are those in the pooled value;
    * of a multilevel fit with moderators, the rows of each group, and behind each a pale diamond:
      what its moderators lead to expect. There is no mean of all; weights are the diagonal
      of W.

    Parameters
    ----------
    result : Fit, Subgroups, Regression or Multilevel
        Made by `comorbid.pool`, `comorbid.subgroups`, `comorbid.regress` or
        `comorbid.multilevel`. The rows follow the order of its effects, within their group; those
        of a regression rise with the expected value.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Raises
    ------
    ModelError
        If the result is none of these.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Lewis S, Clarke M (2001). Forest plots: trying to see the wood and the trees. BMJ
    322:1479-1480. doi:10.1136/bmj.322.7300.1479

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR",
    ...                      moderators={"sex": ["f", "m", "f"], "age": [30, 60, 50]})
    >>> print(cb.figures.forest(cb.pool(effects)).caption)
    Odds ratios of 3 studies with 95 % confidence intervals. The area of a square is proportional
    to the study's weight; the diamond is the pooled odds ratio with its confidence interval, the
    bar below it the 95 % prediction interval.
    >>> grouped = cb.figures.forest(cb.subgroups(effects, by="sex", test="z"))
    >>> print(grouped.alt[:72])
    Forest plot of 3 studies in 2 subgroups by sex, odds ratio on a log axis
    >>> fitted = cb.figures.forest(cb.regress(effects, "~ age", test="z"))
    >>> "The fitted odds ratio ranges from 1.68 (Study 1) to 2.42 (Study 2)." in fitted.alt
    True
    >>> rows = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1], vi=[0.02] * 7, measure="OR",
    ...                   studies=["A", "A", "B", "B", "C", "C", "D"])
    >>> print(cb.figures.forest(cb.multilevel(rows)).alt[:61])
    Forest plot of 7 estimates of 4 studies, odds ratio on a log
    """
    if isinstance(result, Fit):
        return _pooled_forest(result, title)
    if isinstance(result, Subgroups):
        return grouped_forest(result, title)
    if isinstance(result, Regression):
        return fitted_forest(result, title)
    if isinstance(result, Multilevel):
        return multilevel_forest(result, title)
    raise ModelError(
        f"a forest plot cannot be drawn of {type(result).__name__}; give what comorbid.pool, "
        "comorbid.subgroups, comorbid.regress or comorbid.multilevel returns (Fit, Subgroups, "
        "Regression or Multilevel), of robust tests found.fit; cumulative and leave-one-out "
        "refits have their own figures"
    )


def _pooled_forest(fit: Fit, title: str | None) -> Figure:
    """Draw the studies of a fit above what they say together."""
    form = study_format(fit.effects, fit.level)
    chart = Chart(
        heads=("Study", words.estimate_head(fit.effects.measure, fit.level), "Weight"),
        rows=tuple(study_rows(fit.effects, fit.level, fit.weights.tolist())),
        totals=total_rows(fit, f"{'Equal' if fit.method == 'EE' else 'Random'}-effects model"),
        form=form,
        axis_label=words.axis_label(fit.effects.measure, fit.effects.scale),
        null=null_of(fit.effects.measure),
        line=fit.estimate if fit.k > 1 else math.nan,
        notes=(*words.method(fit), words.heterogeneity(fit)) if fit.k > 1 else words.method(fit),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"Forest plot of {words.studies(fit.k)}",
        alt=lambda layout: _alt(fit, form, chart, layout),
        caption=_caption(fit),
    )


def _alt(fit: Fit, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    effects = fit.effects
    studies = words.studies(fit.k)
    return words.joined(
        f"Forest plot of {studies}, {words.measure(effects.measure)} "
        f"{words.on_axis(effects.scale)}.",
        words.pooled(fit, form),
        *(_more(fit, form) if fit.k > 1 else ()),
        words.full_names(chart, layout),
    )


def _more(fit: Fit, form: Format) -> tuple[str, ...]:
    """Return what several studies have, and one has not."""
    labels = fit.effects.labels
    estimates = fit.effects.yi.tolist()
    heaviest = words.named([labels[int(fit.weights.argmax())]])
    return (
        *words.method(fit)[1:],
        f"Heterogeneity: {words.heterogeneity(fit)}.",
        words.spread("A study's own estimate", labels, estimates, form.value, before=""),
        f"Largest weight: {heaviest}, {weight(fit.weights.max())}.",
    )


def _caption(fit: Fit) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    if fit.k == 1:
        return f"{words.capitalized(name)} of one study with its {level} confidence interval."
    bar = f", the bar below it the {level} prediction interval" if fit.pi[0] == fit.pi[0] else ""
    return (
        f"{words.capitalized(name)}s of {fit.k} studies with {level} confidence intervals. The "
        "area of a square is proportional to the study's weight; the diamond is the pooled "
        f"{name} with its confidence interval{bar}."
    )
