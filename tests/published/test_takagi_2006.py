"""Takagi H, Sekino S, Kato T, Matsuno Y, Umemoto T (2006). Lung cancer and passive smoking.

Lung Cancer 51:245-246, doi:10.1016/j.lungcan.2005.11.004: trim and fill on the 37 studies of
Hackshaw AK (1998); 44 with the 7 filled ones, relative risk 1.19 (1.08-1.31, p = 0.0004).
Read: its abstract.
"""

from __future__ import annotations

from printed import as_printed, columns

import comorbid as cb


def test_trim_and_fill() -> None:
    raw = columns("dat.hackshaw1998")
    effects = cb.Effects(yi=raw["yi"], vi=raw["vi"], measure="OR")
    found = cb.trim_and_fill(cb.pool(effects, method="DL", test="z"))
    assert (found.original.k, found.k0, found.fit.k) == (37, 7, 44)
    risk = found.fit.on_scale()
    assert (risk.estimate, *risk.ci) == as_printed("1.19 1.08 1.31")
    assert found.fit.p_value == as_printed("0.0004")
