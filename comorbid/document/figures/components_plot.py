"""The profiles of a multilevel fit: how likely each value of its variances and correlations is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import multilevel_words, words
from comorbid.document.figures.canvas import finished
from comorbid.document.figures.numbers import fixed
from comorbid.document.figures.parts import together
from comorbid.document.figures.profile_curve import NAMES, Curve, draw_profile
from comorbid.errors import ModelError
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.variance_components import Component

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def component_profiles_figure(fit: Multilevel, title: str | None) -> Figure:
    """Draw the profile of each component, one below the other."""
    known = [component for component in fit.components if not math.isnan(component.value)]
    if not known:
        raise ModelError("no variance or correlation of this fit has a profile")
    curves = [(component, _curve(fit, component)) for component in known]
    default = (
        f"{'Profile' if len(known) == 1 else 'Profiles'} of the variance components of "
        f"{multilevel_words.estimates(fit.k)}"
    )

    def drawn(place: int, title: str | None, alt: str) -> Figure:
        return finished(
            lambda shown: _draw(fit, *curves[place], shown),
            title=title,
            default=default,
            alt=alt,
            caption="",
        )

    said = [_said(fit, component, curve) for component, curve in curves]
    alt = words.joined(
        f"{default}, {_origin(fit)}.", *said, *(_none(c) for c in fit.components if c not in known)
    )
    rest = [drawn(i, "", f"Continued: {said[i]}") for i in range(1, len(curves))]
    return together([drawn(0, title, alt), *rest], _caption(fit, curves[0][1]))


def _curve(fit: Multilevel, component: Component) -> Curve:
    found = fit.profile(component.name)
    return Curve(
        name=NAMES[fit.method],
        x=found.values,
        height=found.log_likelihood,
        peak=found.best,
        top=found.maximum,
        drop=found.maximum - found.cut,
        interval=(found.ci_low, found.ci_high),
    )


def _draw(fit: Multilevel, component: Component, curve: Curve, title: str) -> Drawing:
    """Return the drawing of one component."""
    what = words.capitalized(component.kind)
    label = f"{what} {multilevel_words.component(component.name, component.symbol)}"
    notes = (
        f"Dashed: the estimate, {_value(curve.peak, component)}. Shaded: {prose.level(fit.level)} "
        f"profile-likelihood interval, {_interval(component, curve)}. Horizontal: "
        f"{fixed(curve.drop, 2)} below the highest point.",
    )
    return draw_profile(curve, label, title=title, notes=notes)[0]


def _value(x: float, component: Component) -> str:
    return multilevel_words.value(x, component.kind)


def _interval(component: Component, curve: Curve) -> str:
    low, high = curve.interval
    if math.isinf(high):
        return f"{_value(low, component)} and more"
    return f"{_value(low, component)} to {_value(high, component)}"


def _origin(fit: Multilevel) -> str:
    return f"multilevel model by {fit.method}"


def _said(fit: Multilevel, component: Component, curve: Curve) -> str:
    """Return what the figure shows of one component, in words."""
    first = ""
    if component.kind == "variance" and curve.peak > 0:
        first = f"; at 0 it is {fixed(float(curve.height[0]), 2)}"
    name = multilevel_words.component(component.name, component.symbol)
    return (
        f"For {name} the {curve.name} is highest, {fixed(curve.top, 2)}, at "
        f"{_value(curve.peak, component)}; {prose.level(fit.level)} profile-likelihood interval, "
        f"cut {fixed(curve.drop, 2)} lower: {_interval(component, curve)}{first}."
    )


def _none(component: Component) -> str:
    name = multilevel_words.component(component.name, component.symbol)
    return f"For {name} there is none: a variance that it is of is 0."


def _caption(fit: Multilevel, curve: Curve) -> str:
    """Return what the shapes stand for."""
    return (
        f"{words.capitalized(curve.name)} of each variance and correlation of the multilevel "
        "model, where all others are at their best. The point is the estimate, the shaded interval "
        f"the {prose.level(fit.level)} profile-likelihood interval, which ends where the curve "
        "crosses the horizontal line, or at the end of its range."
    )
