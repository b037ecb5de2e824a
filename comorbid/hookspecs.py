"""The hooks that a plugin may implement.

Every hook takes no argument, is called once when a report's plugins are loaded, one plugin at a
time, and returns an iterable of frozen declarations. A hook that raises, or returns something
else, stops the build before anything is computed, with the distribution, its version and what to
do. The functions inside a declaration run later.
"""

from __future__ import annotations

from collections.abc import Iterable

from comorbid.contributions import Analysis, Column, Estimator, Measure, Section, Subgroup


def comorbid_columns() -> Iterable[Column]:
    """Declare columns of the study table that the plugin reads.

    Called before the study table is read. A column extends the table; it may not redefine a core
    column or another plugin's.
    """
    return ()


def comorbid_measures() -> Iterable[Measure]:
    """Declare effect measures.

    ``Measure.effect(rows) -> (yi, vi)`` is pure and vectorised and works on the analysis scale;
    missing input gives nan, never a guess.
    """
    return ()


def comorbid_estimators() -> Iterable[Estimator]:
    """Declare estimators of the between-study variance tau2.

    ``Estimator.tau2(yi, vi)`` gets arrays of shape (k, n), with ``vi = inf`` where a study does
    not belong to a data set, and returns n values >= 0; it raises rather than return a
    half-converged value.
    """
    return ()


def comorbid_analyses() -> Iterable[Analysis]:
    """Declare analyses, whose results are locked under their ids.

    ``Analysis.run(context)`` returns a result with ``to_dict()`` and formats no text. It runs
    only when a section in use needs it.
    """
    return ()


def comorbid_subgroups() -> Iterable[Subgroup]:
    """Declare subgroups of the studies, as data.

    The engine fits the subgroup and the other studies and tests the difference; fewer than two
    studies is a result ("not pooled"), not an error.
    """
    return ()


def comorbid_sections() -> Iterable[Section]:
    """Declare sections of the report.

    ``Section.build(context)`` returns blocks. It runs only when ``report.toml`` lists the
    section. When it raises, the build fails and names the plugin.
    """
    return ()
