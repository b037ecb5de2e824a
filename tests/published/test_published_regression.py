"""Published meta-regressions, to the decimals that were printed.

Pages of Viechtbauer (2010) were read in the article. The other pages, and the places where the
article's last digit differs, are those that metafor's own tests of the same analyses give.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.models.regression import regress

_DATA = Path(__file__).parents[1] / "golden" / "data"


def table(name: str) -> dict[str, list[Any]]:
    with (_DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {column: [_value(row[column]) for row in rows] for column in rows[0]}


def _value(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def bcg(measure: str) -> cb.Effects:
    """The 13 trials of the BCG vaccine, with latitude, year and how treatment was allocated."""
    with gzip.open(_DATA / "dat.bcg.json.gz", "rt", encoding="utf-8") as file:
        analysis = json.load(file)["analyses"][measure]
    moderators = {name: table("dat.bcg")[name] for name in ("ablat", "year", "alloc")}
    return cb.Effects(yi=analysis["yi"], vi=analysis["vi"], measure=measure, moderators=moderators)


def expectancy() -> cb.Effects:
    """The 19 studies of teachers' expectations, with weeks of contact, 3 for more than 2."""
    raw = table("dat.raudenbush1985")
    weeks = np.minimum(raw["weeks"], 3)
    return cb.Effects(yi=raw["yi"], vi=raw["vi"], moderators={"weeks": weeks.tolist()})


def rounded(values: Any, digits: int) -> list[float]:
    return [round(value, digits) for value in np.asarray(values, dtype=float).tolist()]


def test_viechtbauer_2010_latitude_and_year() -> None:
    """Journal of Statistical Software 36(3), doi:10.18637/jss.v036.i03, page 16.

    The article's tau2 is where its iterations stopped; at the maximum itself the intercept,
    its interval and QM differ from the article's by up to 0.0007.
    """
    result = regress(bcg("RR"), "~ ablat + year", test="z")
    intercept = [
        values[0] for values in (result.estimate, result.se, result.ci_low, result.ci_high)
    ]
    assert intercept == pytest.approx([-3.5455, 29.0959, -60.5724, 53.4814], abs=1e-3)
    assert rounded(result.estimate[1:], 4) == [-0.0280, 0.0019]
    assert rounded(result.se[1:], 4) == [0.0102, 0.0147]
    assert rounded(result.statistic, 4) == [-0.1219, -2.7371, 0.1299]
    assert rounded(result.p_value, 4) == [0.9030, 0.0062, 0.8966]
    assert rounded(result.ci_low[1:], 4) == [-0.0481, -0.0269]
    assert rounded(result.ci_high[1:], 4) == [-0.0080, 0.0307]
    assert rounded([result.tau2, result.qe, result.qe_p], 4) == [0.1108, 28.3251, 0.0016]
    assert result.qm == pytest.approx(12.2043, abs=3e-4)
    assert round(result.qm_p, 4) == 0.0022
    assert round(result.r2) == 65


def test_viechtbauer_2010_predictions() -> None:
    """The same, page 17: predicted risk ratios at 10 to 60 degrees in 1970."""
    result = regress(bcg("RR"), "~ ablat + year", test="z")
    found = result.predict({"ablat": [10, 20, 30, 40, 50, 60], "year": 1970}).on_scale()
    assert rounded([row.estimate for row in found], 4) == [
        *(0.9345, 0.7062, 0.5337, 0.4033, 0.3048, 0.2303),
    ]
    assert rounded(found[0].ci, 4) == [0.5833, 1.4973]
    assert rounded(found[5].ci, 4) == [0.1209, 0.4386]
    assert rounded(found[0].pi, 4) == [0.4179, 2.0899]
    assert rounded(found[5].pi, 4) == [0.0921, 0.5761]


def test_viechtbauer_2010_allocation() -> None:
    """The same, pages 19 and 20: a factor without intercept, and tested against the intercept."""
    levels = regress(bcg("RR"), "~ alloc - 1", test="z").to_frame()
    order = ["alloc[random]", "alloc[alternate]", "alloc[systematic]"]
    assert rounded(levels.loc[order, "estimate"], 4) == [-0.9658, -0.5180, -0.4289]
    assert rounded(levels.loc[order, "se"], 4) == [0.2672, 0.4412, 0.3449]
    assert rounded(levels.loc[order, "p_value"], 4) == [0.0003, 0.2404, 0.2137]
    contrast = regress(bcg("RR"), "~ C(alloc, contr.treatment(base='random'))", test="z")
    assert rounded(contrast.estimate, 4) == [-0.9658, 0.4478, 0.5369]
    assert rounded([contrast.qm, contrast.qm_p], 4) == [1.7675, 0.4132]


def test_viechtbauer_2010_knapp_hartung() -> None:
    """The same, page 20: allocation and latitude with the Knapp-Hartung method."""
    result = regress(bcg("RR"), "~ alloc + ablat", test="knha")
    assert rounded(result.estimate, 4) == [0.2932, -0.2675, 0.0585, -0.0273]
    assert rounded(result.se, 4) == [0.4188, 0.3624, 0.3925, 0.0095]
    assert rounded(result.statistic, 4) == [0.7000, -0.7381, 0.1490, -2.8669]
    assert rounded(result.p_value, 4) == [0.5016, 0.4793, 0.8849, 0.0186]
    assert rounded(result.ci_low, 4) == [-0.6543, -1.0873, -0.8294, -0.0488]
    assert rounded(result.ci_high, 4) == [1.2407, 0.5523, 0.9463, -0.0058]
    assert rounded([result.tau2, result.qe, result.qe_p], 4) == [0.1446, 26.2034, 0.0019]
    assert rounded([result.qm, result.qm_p], 4) == [3.4471, 0.0650]
    assert (result.qm_df, result.df) == (3, 9)


def test_van_houwelingen_2002_latitude() -> None:
    """Statistics in Medicine 21:589-624, doi:10.1002/sim.1040, pages 608 and 609."""
    result = regress(bcg("OR"), "~ ablat", method="ML", test="z")
    assert rounded(result.estimate, 3) == [0.371, -0.033]
    assert rounded(result.se, 3) == [0.106, 0.003]
    assert round(result.tau2, 3) == 0.004


def test_berkey_1995_latitude() -> None:
    """Statistics in Medicine 14:395-411, doi:10.1002/sim.4780140406, page 408.

    With their smoothed sampling variances, and latitude counted from its mean 33.46. The article
    has -0.6304 for the first intercept, -0.5950 and 0.0039 in the equal-effects model.
    """
    raw = {name: np.array(values) for name, values in table("dat.bcg").items() if name != "author"}
    vi = (raw["tneg"] / raw["tpos"]).mean() / (raw["tneg"] + raw["tpos"]) + (
        raw["cneg"] / raw["cpos"]
    ).mean() / (raw["cneg"] + raw["cpos"])
    latitude = {"ablat": raw["ablat"].tolist()}
    effects = cb.Effects(yi=bcg("RR").yi, vi=vi, measure="RR", moderators=latitude)

    mean = regress(effects, "~ 1", method="EB", test="z")
    assert rounded([mean.estimate[0], mean.se[0]], 4) == [-0.5429, 0.1842]
    assert round(mean.tau2, 3) == 0.268

    mixed = regress(effects, "~ I(ablat - 33.46)", method="EB", test="z")
    assert rounded(mixed.estimate, 4) == [-0.6303, -0.0268]
    assert rounded(mixed.se, 4) == [0.1591, 0.0110]
    assert round(mixed.tau2, 3) == 0.157
    assert round(mixed.r2) == 41
    predicted = mixed.predict({"ablat": [33.46, 42]}).on_scale()
    assert rounded([row.estimate for row in predicted], 2) == [0.53, 0.42]

    equal = regress(effects, "~ I(ablat - 33.46)", method="EE", test="z")
    assert rounded(equal.estimate, 4) == [-0.5949, -0.0282]
    assert rounded(equal.se, 4) == [0.0696, 0.0040]
    predicted = equal.predict({"ablat": [33.46, 42]}).on_scale()
    assert rounded([row.estimate for row in predicted], 2) == [0.55, 0.43]


def test_raudenbush_and_bryk_1985_weeks() -> None:
    """Journal of Educational Statistics 10:75-98, doi:10.3102/10769986010002075, pages 90, 92.

    The article has 16.58 for Q.
    """
    result = regress(expectancy(), "~ weeks", test="z")
    assert rounded(result.estimate, 4) == [0.4072, -0.1572]
    assert result.tau2 == pytest.approx(0, abs=1e-4)
    assert rounded([result.qe, *result.statistic], 2) == [16.57, 4.68, -4.39]


def test_raudenbush_2009_weeks() -> None:
    """Handbook of research synthesis and meta-analysis, 2nd ed., page 301, Table 16.2."""
    result = regress(expectancy(), "~ weeks", test="z")
    assert rounded(result.estimate, 3) == [0.407, -0.157]
    assert rounded(result.statistic, 2) == [4.68, -4.39]
    assert round(result.tau2, 3) == 0
    assert round(result.qe, 2) == 16.57


def st_johns_wort() -> cb.Effects:
    """The 17 trials of St John's wort by Linde and colleagues that Viechtbauer (2007) analysed.

    Linde K, Berner M, Egger M, Mulrow C (2005). British Journal of Psychiatry 186:99-107,
    doi:10.1192/bjp.186.2.99; as in metadat's dat.linde2005, rows 7 to 10 and 13 to 25. Columns:
    responders and number of patients with hypericum, the same with placebo, daily dose in mg,
    weeks, and depression score at baseline.
    """
    rows = np.array(
        [
            *[(20, 25, 11, 25, 380, 8), (14, 20, 9, 20, 900, 4), (4, 25, 2, 25, 900, 4)],
            *[(20, 32, 6, 33, 900, 6), (28, 50, 13, 55, 900, 4), (34, 48, 25, 49, 240, 6)],
            *[(35, 53, 12, 54, 900, 4), (24, 49, 16, 49, 900, 6), (45, 80, 12, 79, 500, 6)],
            *[(67, 106, 22, 47, 1050, 6), (34, 60, 17, 59, 900, 6), (46, 70, 34, 70, 500, 6)],
            *[(55, 123, 57, 124, 900, 6), (23, 37, 15, 35, 900, 6), (26, 98, 19, 102, 1050, 8)],
            *[(46, 113, 56, 116, 1200, 8), (98, 186, 80, 189, 900, 6)],
        ],
        dtype=np.float64,
    ).T
    responders, treated, events, controls, dose, weeks = rows
    baseline = [
        *(19.5, 12.5, 22.7, 16.5, 15.8, 23.6, 20.7, 21.1, 19.4),
        *(22.7, 16.7, 20.9, 21.5, 19.9, 22.5, 22.9, 21.9),
    ]
    return cb.Effects(
        yi=np.log(responders / treated) - np.log(events / controls),
        vi=1 / responders - 1 / treated + 1 / events - 1 / controls,
        measure="RR",
        moderators={"dosage": (dose * 7 / 1000 * weeks).tolist(), "baseline": baseline},
    )


def test_viechtbauer_2007_dose_and_baseline() -> None:
    """Journal of Psychology 215:104-121, doi:10.1027/0044-3409.215.2.104, pages 112 and 113.

    Table II and the predicted rates below it. The article has 48 % for R2, and 2.66 and 4.90 for
    the first rate and its upper end.
    """
    result = regress(st_johns_wort(), "~ I(dosage - 34) * I(baseline - 20)", method="DL", test="z")
    assert rounded(result.estimate, 4) == [0.4763, -0.0058, -0.0672, -0.0016]
    assert rounded(result.se, 4) == [0.0876, 0.0100, 0.0352, 0.0034]
    assert rounded(result.statistic, 3) == [5.434, -0.585, -1.909, -0.456]
    assert round(result.tau2, 4) == 0.0475
    assert round(result.r2, 2) == 47.38
    mild, severe = result.predict({"dosage": 34, "baseline": [12.5, 23.6]}).on_scale()
    assert rounded([mild.estimate, *mild.ci], 2) == [2.67, 1.46, 4.88]
    assert rounded([severe.estimate, *severe.ci], 2) == [1.26, 0.99, 1.61]
