"""The hooks that a plugin may implement.

Every hook takes no argument and returns an iterable of frozen declarations. It is called once
when a report's plugins are loaded, one plugin at a time, before anything is computed; a hook that
raises, or returns something else, stops the build there. The functions inside a declaration run
later, under comorbid's control, on values that they cannot change.
"""

from __future__ import annotations

from collections.abc import Iterable

from comorbid.contributions import (
    Analysis,
    Column,
    Command,
    Estimator,
    Measure,
    Renderer,
    Section,
    Subgroup,
    Theme,
)


def comorbid_columns() -> Iterable[Column]:
    """Declare columns of the study table, or of a further table, that the plugin reads.

    Called: before any table is read. A column's ``check(values)`` is called once, with the cells
    that are not missing.

    Gets: an array of float64 for numbers and counts, of bool for flags, of text otherwise.

    Returns: `Column` values; ``check`` returns one bool for each value. A column may not redefine
    one of comorbid's or of another plugin. One whose name begins with ``rob_`` is read as
    judgements of the risk of bias.

    If it fails: the build stops and names the plugin. A value that ``check`` refuses is a mistake
    in the table, reported with its line.
    """
    return ()


def comorbid_measures() -> Iterable[Measure]:
    """Declare effect measures.

    Called: ``effect(rows)`` is called once for the study table and once for each subgroup, where
    the report names the measure.

    Gets: a mapping of each name in ``columns`` to a float64 array of shape (k,), missing as nan.

    Returns: `Measure` values; ``effect`` returns effects and sampling variances, both of shape
    (k,), on the analysis scale. Missing input gives nan, never a guess. Pure and vectorised.

    If it fails: the build stops and names the plugin.
    """
    return ()


def comorbid_estimators() -> Iterable[Estimator]:
    """Declare estimators of the between-study variance tau2.

    Called: ``tau2(yi, vi)`` is called for every fit and, with many data sets at once, for every
    set of refits, where the report names the estimator.

    Gets: two float64 arrays of shape (k, n), k studies by n data sets, ``vi`` inf where a study
    does not belong to a data set; at least two belong to each.

    Returns: `Estimator` values; ``tau2`` returns n finite values from 0 up. It raises rather than
    return a half-converged value.

    If it fails: the analysis that needed the fit fails, and the plugin with the estimator is
    named.
    """
    return ()


def comorbid_analyses() -> Iterable[Analysis]:
    """Declare analyses, whose results are locked under their ids.

    Called: ``run(context)`` is called once if a section in use needs the result, after the
    results that it needs itself.

    Gets: a `Context` with the studies and effects, the results named in ``needs``, the tables
    named in ``tables`` and the values of its ``options``.

    Returns: `Analysis` values; ``run`` returns a result whose ``to_dict()`` holds numbers, text,
    lists and dictionaries of them; it formats no text. Where there is no result it returns
    `Absent` with the reason, which stands in the sections that need it.

    If it fails: so do the sections that need the result. All failures are reported together,
    and nothing is written.
    """
    return ()


def comorbid_subgroups() -> Iterable[Subgroup]:
    """Declare subgroups of the studies, as data.

    Called: comorbid fits the subgroup and the other studies, and tests the difference, if a
    section in use needs the result.

    Gets: nothing; ``where`` names columns and the values that belong.

    Returns: `Subgroup` values. Fewer than two studies is a result ("not pooled"), no error.

    If it fails: the sections that need the result fail, as for an analysis. A column that the
    study table lacks is named.
    """
    return ()


def comorbid_sections() -> Iterable[Section]:
    """Declare sections of the report.

    Called: ``build(context)`` is called once if ``report.toml`` lists the section, after all
    results.

    Gets: a `Context`, as an analysis does.

    Returns: `Section` values; ``build`` returns blocks. It reads results, does no input or
    output and writes no HTML; a figure has alternative text, and its SVG
    runs no script and loads nothing.

    If it fails: all failing sections are reported together, each with its plugin, and nothing is
    written. With ``comorbid build --draft`` a page in its place says so.
    """
    return ()


def comorbid_themes() -> Iterable[Theme]:
    """Declare themes: how the pages look.

    Called: the style sheet and templates are read when a report with ``theme = "ID"`` is written.

    Gets: templates get what comorbid's own get; see ``comorbid/report/templates``.

    Returns: `Theme` values that name resources of installed packages: no file of the machine, no
    font of the system, nothing from the network. One may build on another, its ``base``, such as
    `comorbid.JOURNAL`, and add a font or change a few rules.

    If it fails: the build stops before anything is computed if a resource is missing or the style
    sheet asks for anything else; a template that fails stops the writing of that page.
    """
    return ()


def comorbid_renderers() -> Iterable[Renderer]:
    """Declare renderers: further forms of a report, beside HTML and PDF.

    Called: ``render(document, theme)`` is called once if ``report.toml`` lists the renderer under
    ``formats``.

    Gets: the whole `Document` and the `Theme`. For a form that can carry files,
    ``document.attachments`` has the report's inputs and lock.

    Returns: `Renderer` values; ``render`` returns bytes, the same for the same document.
    ``comorbid.numbered(document)`` gives its blocks with their numbers, and citations in words.

    If it fails: the other files are written, the failure is reported and the exit code is 1.
    """
    return ()


def comorbid_commands() -> Iterable[Command]:
    """Declare commands of the command line.

    Called: when ``comorbid NAME`` is none of comorbid's own commands; the installed plugins are
    then loaded and asked. ``comorbid --help`` loads none; ``comorbid plugins`` lists the commands.

    Gets: what its own parameters say.

    Returns: ``click.Command`` values, not attached to anything. One may not be called as a command
    of comorbid.

    If it fails: the error is printed with the plugin's name, and the exit code is 1.
    """
    return ()
