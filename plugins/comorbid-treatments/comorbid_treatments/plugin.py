"""What the plugin declares: columns of the table of treatments, one analysis, one section."""

from __future__ import annotations

from collections.abc import Iterable

import comorbid as cb
from comorbid_treatments.comparison import run
from comorbid_treatments.methods import METHODS, REFERENCES
from comorbid_treatments.sections import CONSTANTS, ID, section
from comorbid_treatments.table import COLUMNS, TABLE


@cb.hookimpl
def comorbid_columns() -> Iterable[cb.Column]:
    """Declare the columns of the table ``treatments``."""
    return COLUMNS


@cb.hookimpl
def comorbid_analyses() -> Iterable[cb.Analysis]:
    """Declare the comparison of treatments."""
    label = "Comparison of treatments"
    return (cb.Analysis(ID, label, run, tables=(TABLE,), methods=METHODS, references=REFERENCES),)


@cb.hookimpl
def comorbid_sections() -> Iterable[cb.Section]:
    """Declare the section on treatments."""
    return (
        cb.Section(
            ID,
            "Treatments",
            section,
            needs=(ID,),
            constants=CONSTANTS,
            references=REFERENCES,
        ),
    )
