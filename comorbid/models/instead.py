"""Instead: what to give a verb that cannot take the fit at hand."""

from __future__ import annotations

from comorbid.checks import check_type

AGGREGATED = "pool one row a study: pool(aggregate(effects, rho=0.6))"
SMALL_STUDIES = (
    "of dependent rows, with standard errors as a moderator, multilevel(effects, '~ sqrt(vi)')"
)
_NEEDS = {
    "Multilevel": f"of dependent rows, {AGGREGATED}",
    "Robust": "of robust tests, the fit that they are of: found.fit",
    "OneStep": "of a model of counts, which has no effects of single studies, pool(fit.effects)",
}


def check_kind(
    fit: object,
    types: type | tuple[type, ...],
    remedy: str,
    *,
    name: str = "fit",
    **own: str,
) -> None:
    """Raise `DataError` unless a fit is one of the types, and say what to do with other fits.

    Parameters
    ----------
    fit : object
    types : type or tuple of type
    remedy : str
        What returns them.
    name : str
        What the argument is called.
    **own : str
        For the name of a type, what to do in place of the usual.
    """
    more = (_NEEDS | own).get(type(fit).__name__)
    check_type(name, fit, types, f"{remedy}; {more}" if more else remedy)
