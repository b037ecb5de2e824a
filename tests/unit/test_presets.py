"""Presets against R's metafor 3.8-1 on the BCG trials (log odds ratios) and closed forms.

R: ``dat <- escalc(measure="OR", ai=tpos, bi=tneg, ci=cpos, di=cneg, data=dat.bcg)`` and
``rma(yi, vi, data=dat, method=..., test=..., control=list(threshold=1e-14, tol=1e-14))``.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from golden_data import effects_of

import comorbid as cb
from comorbid.calls import Calls
from comorbid.document.bibliography import bundled
from comorbid.document.sections.methods_of_fit import _PRESETS, conventions
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.prediction import RULES
from comorbid.models.presets import PRESETS, find_preset
from comorbid.report.build import Report, build_with
from comorbid.report.definition import read_definition
from comorbid.testing import registry, studies_csv

NAMES = [preset.id for preset in PRESETS]


@pytest.fixture(scope="module")
def bcg() -> cb.Effects:
    return effects_of("dat.bcg", "OR")


# estimate, se, ci_low, ci_high, tau2 of R's rma(method, test)
R = {
    "revman5": (
        *(-0.747392349732138, 0.192262848971139, -1.124220609280634, -0.370564090183641),
        0.366343406725599,
    ),
    "cochrane2024": (
        *(-0.745177770843695, 0.186726187662067, -1.152019184156658, -0.338336357530733),
        0.337772033112286,
    ),
    "metafor5": (
        *(-0.745177770843695, 0.186027912751197, -1.109785779955200, -0.380569761732190),
        0.337772033112286,
    ),
    "meta8": (
        *(-0.745177770843695, 0.186027912751197, -1.109785779955200, -0.380569761732190),
        0.337772033112286,
    ),
    # The interval by PM and knha, 0.814 wide, is not narrower than that by DL and z, 0.754 wide.
    "iqwig6": (
        *(-0.745460390531622, 0.186790336471277, -1.152441572093098, -0.338479208970146),
        0.341205102177868,
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_fits_are_those_of_metafor(name: str, bcg: cb.Effects) -> None:
    fit = cb.pool(bcg, **find_preset(name).settings(bcg))
    found = (fit.estimate, fit.se, *fit.ci, fit.tau2)
    assert found == pytest.approx(R[name], rel=1e-9)


def test_prediction_intervals_are_those_of_metafor(bcg: cb.Effects) -> None:
    # predict(rma(...)): pi.lb, pi.ub; of meta8 est -+ qt(0.975, 12) * sqrt(se^2 + tau2)
    expected = {
        "cochrane2024": (-2.075215323919220, 0.584859782231829),
        "metafor5": (-1.941203003140754, 0.450847461453363),
        "meta8": (-2.074750733045902, 0.584395191358511),
    }
    for name, pi in expected.items():
        preset = find_preset(name)
        fit = cb.pool(bcg, **preset.settings(bcg))
        assert fit.predict(method=preset.prediction).pi == pytest.approx(pi, rel=1e-9)


def test_i2_is_that_of_the_convention(bcg: cb.Effects) -> None:
    # 100 * (QE - 12) / QE with QE = 163.164915180799852; I2 of REML from tau2
    for name in ("revman5", "meta8"):
        fit = cb.pool(bcg, **find_preset(name).settings(bcg))
        assert fit.i2_from_q == pytest.approx(92.645477744585577, rel=1e-12)
    revman = cb.pool(bcg, **find_preset("revman5").settings(bcg))
    assert revman.i2 == pytest.approx(revman.i2_from_q, rel=1e-12)
    cochrane = cb.pool(bcg, **find_preset("cochrane2024").settings(bcg))
    assert cochrane.i2 == pytest.approx(92.072691293261755, rel=1e-9)


def test_the_interval_of_tau2_is_that_of_metafor(bcg: cb.Effects) -> None:
    # confint(rma(..., method="REML")): tau^2 0.130161462668022 to 1.181190092121236
    preset = find_preset("cochrane2024")
    fit = cb.pool(bcg, **preset.settings(bcg))
    ends = fit.tau2_ci(method=preset.tau2_ci)
    assert ends == pytest.approx((0.130161462668022, 1.181190092121236), rel=1e-4)


def test_i2_from_q_at_its_ends() -> None:
    same = cb.pool(cb.Effects(yi=[0.2, 0.2, 0.2], vi=[0.1, 0.2, 0.1]), test="z")
    assert same.i2_from_q == 0
    close = cb.pool(cb.Effects(yi=[0.2, 0.25, 0.2], vi=[0.1, 0.2, 0.1]), test="z")
    assert close.i2_from_q == 0
    assert math.isnan(cb.pool(cb.Effects(yi=[0.2], vi=[0.1])).i2_from_q)


def test_iqwig_corrects_only_what_is_narrower_than_dersimonian_and_laird() -> None:
    preset = find_preset("iqwig6")
    alike = cb.Effects(yi=[0.50, 0.51, 0.49, 0.50, 0.52], vi=[0.04, 0.05, 0.06, 0.04, 0.05])
    plain = cb.pool(alike, method="PM", test="knha")
    classic = cb.pool(alike, method="DL", test="z")
    assert plain.ci[1] - plain.ci[0] < classic.ci[1] - classic.ci[0]
    assert preset.settings(alike) == {"method": "PM", "test": "adhoc", "level": 0.95}
    apart = cb.Effects(yi=[0.1, 0.9, 0.4], vi=[0.03, 0.08, 0.02])
    assert preset.test_for(apart) == "knha"
    assert preset.test_for(cb.Effects(yi=[0.1], vi=[0.03])) == "knha"
    gap = cb.Effects(yi=[0.5, 0.51, 0.49, float("nan")], vi=[0.04, 0.05, 0.06, 0.04])
    assert preset.test_for(gap) == "adhoc"
    # At 99.9 % the quantile of t with 2 degrees of freedom is 31.6, that of the normal only 3.29.
    three = cb.Effects(yi=[0.50, 0.51, 0.49], vi=[0.04, 0.05, 0.06])
    assert preset.settings(three)["test"] == "adhoc"
    wide = cb.Effects(yi=[0.50, 0.60, 0.42], vi=[0.04, 0.05, 0.06])
    assert preset.settings(wide)["test"] == "adhoc"
    assert preset.settings(wide, level=0.999)["test"] == "knha"
    # Narrower than its own classic interval, and yet wider than that of DL: left as it is.
    between = cb.Effects(yi=[0.1, 0.5, 0.35], vi=[0.02, 0.02, 0.02])
    assert preset.test_for(between) == "knha"


def test_every_preset_names_what_there_is() -> None:
    assert NAMES == ["cochrane2024", "iqwig6", "metafor5", "meta8", "revman5"]
    frame = cb.presets()
    assert frame.index.tolist() == NAMES
    for preset in PRESETS:
        assert preset.method in {estimator.id for estimator in ESTIMATORS}
        assert preset.prediction in {"", *RULES}
        assert preset.source
        assert set(_PRESETS[preset.id][1]) <= set(bundled())
    with pytest.raises(cb.ModelError, match="preset is 'revman'; use one of cochrane2024"):
        cb.find_preset("revman")


# -- in a report ----------------------------------------------------------------------------------


def build(folder: Path, studies: str, lines: str) -> Report:
    (folder / "report.toml").write_text(
        'id = "r"\ntitle = "T"\ndate = 2026-01-31\ndata = "studies.csv"\n'
        f'sections = ["methods", "forest"]\n{lines}',
        encoding="utf-8",
    )
    (folder / "studies.csv").write_text(studies, encoding="utf-8")
    return build_with(read_definition(folder), registry(), Calls())


def used(report: Report) -> tuple[str, str]:
    settings = report.lock["settings"]
    assert isinstance(settings, dict)
    return settings["method"], settings["test"]


def methods_text(report: Report) -> str:
    blocks = report.document.sections[0].blocks
    texts = [b.text for b in blocks if isinstance(b, cb.Paragraph)]
    return "\n".join(
        t if isinstance(t, str) else "".join(r if isinstance(r, str) else "#" for r in t)
        for t in texts
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_report_pools_as_its_preset_says(name: str, tmp_path: Path) -> None:
    report = build(tmp_path, studies_csv(5), f'preset = "{name}"')
    preset = find_preset(name)
    method, test = used(report)
    assert method == preset.method
    assert test in (preset.test, "adhoc") if name == "iqwig6" else test == preset.test
    assert report.lock["settings"]["preset"] == name  # type: ignore[index]
    text = methods_text(report)
    assert f"interval of the pooled value follow {_PRESETS[name][0]} #." in text
    assert "decides otherwise" not in text
    assert ("Not reproduced" in text) is bool(preset.differs)
    assert ("There I² is computed from Cochran's Q" in text) is (name == "meta8")
    assert ("here it is" in text) is (name == "iqwig6")


def test_a_report_may_depart_from_its_preset(tmp_path: Path) -> None:
    report = build(tmp_path, studies_csv(5), 'preset = "revman5"\nmethod = "REML"')
    assert used(report) == ("REML", "z")
    assert "The report decides otherwise on method = REML." in methods_text(report)
    assert "There I² is computed from Cochran's Q, here from tau²." in methods_text(report)
    both = build(tmp_path, studies_csv(5), 'preset = "iqwig6"\nmethod = "DL"\ntest = "z"')
    assert used(both) == ("DL", "z")
    assert "The report decides otherwise on method = DL and test = z." in methods_text(both)
    assert "here it is" not in methods_text(both)


def test_a_report_without_a_preset_names_none(tmp_path: Path) -> None:
    report = build(tmp_path, studies_csv(5), "")
    assert used(report) == ("REML", "knha")
    assert report.lock["settings"]["preset"] == ""  # type: ignore[index]
    assert "follow" not in methods_text(report).partition("\n")[0]
    assert "Not reproduced" not in methods_text(report)


def test_the_correction_of_a_report_follows_its_effects(tmp_path: Path) -> None:
    table = "study_id,measure,estimate,ci_low,ci_high\n" + "".join(
        f"s{i},OR,{value},{low},{high}\n"
        for i, (value, low, high) in enumerate(
            [(1.65, 1.12, 2.43), (1.66, 1.08, 2.55), (1.64, 1.02, 2.64), (1.65, 1.11, 2.45)]
        )
    )
    report = build(tmp_path, table, 'preset = "iqwig6"')
    assert used(report) == ("PM", "adhoc")
    assert "here it is narrower, and is replaced." in methods_text(report)
    assert "that of Knapp and Hartung with the ad hoc correction" in methods_text(report)


def test_an_unknown_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match="preset is 'revman'; give one of cochrane2024, iqw"):
        build(tmp_path, studies_csv(3), 'preset = "revman"')


def test_studies_that_the_preset_leaves_out_need_a_decision(tmp_path: Path) -> None:
    counts = "study_id,ai,bi,ci,di\na,0,50,0,60\nb,5,45,9,51\nc,3,47,8,52\nd,4,0,6,0\n"
    with pytest.raises(cb.ReportError) as caught:
        build(tmp_path, counts, 'preset = "revman5"')
    assert [str(p).partition(";")[0] for p in caught.value.problems] == [
        f"report.toml: {name} has no events in both groups, or events only, and revman5 leaves "
        "such a study out"
        for name in ("a", "d")
    ]
    decisions = "".join(
        f'\n[[override]]\nestimate = "{name}"\nuse = "exclude"\nreason = "No events."\n'
        for name in ("a", "d")
    )
    report = build(tmp_path, counts, f'preset = "revman5"{decisions}')
    assert used(report) == ("DL", "z")
    assert used(build(tmp_path, counts, 'preset = "metafor5"')) == ("REML", "z")
    difference = build(tmp_path, counts, 'preset = "revman5"\nmeasure = "RD"')
    assert used(difference) == ("DL", "z")  # a risk difference has a value without events


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_sentences_on_a_preset_are_whole(name: str, k: int) -> None:
    effects = cb.Effects(yi=[0.2, 0.9, 0.5, 1.4, 0.1][:k], vi=[0.03, 0.08, 0.02, 0.05, 0.04][:k])
    preset = find_preset(name)
    fit = cb.pool(effects, **preset.settings(effects))
    first, cite, last = conventions(fit, preset)
    assert isinstance(cite, cb.Cite)
    assert str(first).endswith(" ")
    assert str(last)[0] == "."
    assert str(last)[-1] == "."
    assert "  " not in f"{first}{last}"
