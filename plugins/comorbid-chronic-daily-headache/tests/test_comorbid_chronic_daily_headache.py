"""The plugin does what comorbid asks of every plugin."""

from __future__ import annotations

import comorbid_chronic_daily_headache

from comorbid.testing import check_plugin

test_conformance = check_plugin(comorbid_chronic_daily_headache)
