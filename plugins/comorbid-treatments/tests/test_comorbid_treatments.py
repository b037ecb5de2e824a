"""The plugin does what comorbid asks of every plugin."""

from __future__ import annotations

from pathlib import Path

import comorbid_treatments.plugin
import pandas as pd

from comorbid.testing import check_plugin


def last_time_points() -> str:
    """The table of trials with the last time point of each compared.

    UK BEAM's contrasts share an arm; its note says "rho about 0.5".
    """
    frame = pd.read_csv(Path(__file__).parent / "data" / "low-back-pain-rmdq-uk.csv")
    months = frame["timepoint_months"]
    last = months == months.groupby(frame["trial_id"]).transform("max")
    rho = frame["trial_id"].map({"ukbeam2004": 0.5})
    primary = last.map({True: "yes", False: "no"})
    return frame.assign(primary=primary, rho=rho).to_csv(index=False)


TABLES = {"treatments": last_time_points()}
test_conformance = check_plugin(comorbid_treatments.plugin, tables=TABLES)
