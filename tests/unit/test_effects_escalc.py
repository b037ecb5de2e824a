"""Effects from arrays. Values "by R" are those of metafor 3.8-1 in R 4.2.2, as the call says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.effects.escalc import escalc
from comorbid.effects.hedges import hedges_j
from comorbid.effects.measures import MEASURES, find_measure
from comorbid.effects.scales import SCALES
from comorbid.effects.tetrachoric import bivariate_normal, tetrachoric

NAN = math.nan
TABLES = {
    "ai": [4, 6, 0, 10, 0],
    "bi": [119, 300, 20, 0, 30],
    "ci": [11, 29, 3, 8, 0],
    "di": [128, 274, 17, 2, 28],
}
PAIRS = {"x1i": [3, 0, 0], "t1i": [100, 50, 20], "x2i": [5, 2, 0], "t2i": [120, 60, 20]}
PROPORTIONS = {"xi": [0, 5, 10], "ni": [20, 40, 10]}
RATES = {"xi": [0, 5, 10], "ti": [20, 40, 10]}
CORRELATIONS = {"ri": [0.187, 0.162, 0.34, -0.5, 0, 0.9], "ni": [109, 749, 55, 20, 10, 6]}
GROUPS = {
    "m1i": [55, 27, 64],
    "sd1i": [47, 7, 17],
    "n1i": [155, 31, 75],
    "m2i": [75, 29, 119],
    "sd2i": [64, 4, 29],
    "n2i": [156, 50, 71],
}

# measure, arguments, yi or None, vi: the printed digits of metafor's escalc() with these arguments.
BY_R: list[tuple[str, dict[str, Any], list[float] | None, list[float]]] = [
    (
        "PHI",
        {**TABLES, "add": 0.5},
        [
            -0.100139232705616,
            -0.163488261725698,
            -0.243332131696144,
            0.264906471413009,
            -0.00434204328273658,
        ],
        [
            0.00318191537467725,
            0.00113232771786624,
            0.01435847018862947,
            0.03152018802988332,
            0.01668936453076807,
        ],
    ),
    (
        "AS",
        {**TABLES, "add": 0.5, "to": "all"},
        [
            -0.0990104317052084,
            -0.170756737552218,
            -0.265612015413152,
            0.282082657703508,
            -0.00434268092373416,
        ],
        [
            0.00380184331797235,
            0.00163670066860963,
            0.02380952380952381,
            0.04545454545454546,
            0.01668520578420467,
        ],
    ),
    (
        "YUQ",
        {**TABLES, "to": "none"},
        [-0.437671609006041, -0.682134570765661, NAN, NAN, NAN],
        [0.0583525203210558, 0.0148760542818967, NAN, NAN, NAN],
    ),
    (
        "PETO",
        {**TABLES, "to": "none"},
        [-0.860383347316419, -1.402605224654459, -2.108108108108108, 2.111111111111111, NAN],
        [0.282836181928359, 0.121058189032677, 1.405405405405405, 2.111111111111111, NAN],
    ),
    (
        "IRR",
        {**PAIRS, "to": "all"},
        [-0.269663566949102, -1.427116355640145, 0],
        [0.467532467532468, 2.4, 4],
    ),
    ("IRR", {**PAIRS, "to": "none"}, [-0.328504066972036, NAN, NAN], [0.533333333333333, NAN, NAN]),
    (
        "IRR",
        {**PAIRS, "drop00": "yes"},
        [-0.328504066972036, -1.427116355640145, NAN],
        [0.533333333333333, 2.4, NAN],
    ),
    (
        "PLO",
        {**PROPORTIONS, "to": "if0all"},
        [-3.71357206670431, -1.86478460424294, 3.04452243772342],
        [2.048780487804878, 0.209987195902689, 2.095238095238095],
    ),
    (
        "PFT",
        {**PROPORTIONS, "add": 0.5},
        [0.20775563456117, 0.37464187460232, 1.28732829926096],
        [0.01162790697674419, 0.00617283950617284, 0.02173913043478261],
    ),
    (
        "IRLN",
        {**RATES, "to": "all"},
        [-3.688879454113936, -1.984131361875511, 0.048790164169432],
        [2, 0.1818181818181818, 0.0952380952380952],
    ),
    (
        "IRFT",
        {**RATES, "add": 0.5},
        [0.215987580880501, 0.370425862607008, 1.024404424085076],
        [0.0125, 0.00625, 0.025],
    ),
    (
        "UCOR",
        CORRELATIONS,
        [
            0.187860715804732,
            0.162105898544666,
            0.342946716604260,
            -0.511452096952278,
            0,
            0.923068827169336,
        ],
        [
            0.00861724262381043,
            0.00126755869724494,
            0.01441866273401444,
            0.02869785791614670,
            0.1111111111111111,
            0.00437748189478479,
        ],
    ),
    (
        "UCOR",
        {**CORRELATIONS, "vtype": "UB"},
        None,
        [
            0.00885282812089606,
            0.00127250542399439,
            0.01514010854196501,
            0.03207984021071203,
            0.1666666666666623,
            0.00455051733115330,
        ],
    ),
    (
        "UCOR",
        {**CORRELATIONS, "vtype": "AV"},
        None,
        [
            0.00876520424422291,
            0.00126556424916587,
            0.01753040848844582,
            0.04982326623031969,
            0.10518245093067491,
            0.18932841167521483,
        ],
    ),
    (
        "ROM",
        {**GROUPS, "vtype": "AVHO"},
        None,
        [0.00448603754096571, 0.01822687150084973, 0.00956295373707134],
    ),
    (
        "RPB",
        {name: values[:2] for name, values in GROUPS.items()} | {"vtype": "CS"},
        [-0.175809848606193, -0.181227773785618],
        [0.00297306599157571, 0.01138049011476752],
    ),
    (
        "RBIS",
        {name: values[:2] for name, values in GROUPS.items()},
        [-0.220345618922089, -0.230847437100918],
        [0.00468316804623824, 0.01862619847285244],
    ),
    (
        "RBIS",
        {"m1i": 4, "sd1i": [1, 0.1], "n1i": 5, "m2i": 1, "sd2i": [1, 0.1], "n2i": [6, 50]},
        [1.07462713412513, 1.74586376124876],
        [0.00726463440950889, 0.00767737063904062],
    ),
    (
        "COR",
        {"ri": [0.3] * 4, "ni": [3, 4, 5, 6]},
        [0.3] * 4,
        [NAN, 0.27603333333333, 0.207025, 0.16562],
    ),
    (
        "ZCOR",
        {"ri": [1, 0.3, 0.3], "ni": [10, 3, 4]},
        [NAN, 0.309519604203112, 0.309519604203112],
        [NAN, NAN, 1],
    ),
    (
        "SMD",
        {"m1i": 5, "sd1i": 1, "n1i": 2, "m2i": 4, "sd2i": 1, "n2i": 2, "vtype": "UB"},
        [0.564189583547756],
        [1.31830988618379],
    ),
]


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
@pytest.mark.parametrize(("measure", "arguments", "yi", "vi"), BY_R)
def test_agrees_with_r(
    measure: str, arguments: dict[str, Any], yi: list[float] | None, vi: list[float]
) -> None:
    found = escalc(measure, **arguments)
    assert found.vi.tolist() == pytest.approx(vi, rel=1e-11, nan_ok=True)
    if yi is not None:
        assert found.yi.tolist() == pytest.approx(yi, rel=1e-11, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: str(measure.id))
def test_measures_are_complete(measure: cb.Measure) -> None:
    formula = measure.effect
    assert measure.label
    assert measure.scale in SCALES
    assert any(mark in measure.cite for mark in ("doi:10.", "hdl:", "Handbook", "19", "20"))
    assert "y = " in str(formula) or measure.id == "GEN"
    assert measure.columns == formula.inputs[0]  # type: ignore[attr-defined]
    assert "LS" in formula.vi  # type: ignore[attr-defined]


def test_ids_are_unique_and_issue_list_is_covered() -> None:
    ids = [measure.id for measure in MEASURES]
    assert len(set(ids)) == len(ids) == 63
    wanted = (
        "OR RR RD AS PETO PHI YUQ YUY ZPHI RTET PBIT OR2D OR2DL OR2DN IRR IRD IRSD MD SMD SMDH ROM "
        "COR UCOR ZCOR PR PLN PLO PAS PFT MN IR IRLN HR"
    )
    assert set(wanted.split()) <= set(ids)


def test_totals_stand_for_the_other_cell() -> None:
    cells = escalc("OR", ai=[4, 6], bi=[119, 300], ci=[11, 29], di=[128, 274])
    totals = escalc("OR", ai=[4, 6], n1i=[123, 306], ci=[11, 29], n2i=[139, 303])
    assert totals.yi.tolist() == cells.yi.tolist()
    assert totals.ni.tolist() == [262, 609]
    assert escalc("PR", xi=[3], mi=[9]).yi.tolist() == escalc("PR", xi=[3], ni=[12]).yi.tolist()


def test_signed_p_value_stands_for_the_t_statistic() -> None:
    """The examples of metafor's help page of escalc(): -0.7664, -0.3354 and -0.3408."""
    assert escalc("SMD", pi=-0.018, n1i=20, n2i=20).yi[0] == pytest.approx(-0.7664, abs=5e-5)
    assert escalc("COR", pi=-0.07, ni=30).yi[0] == pytest.approx(-0.3354, abs=5e-5)
    assert escalc("SMCC", pi=-0.018, ni=50).yi[0] == pytest.approx(-0.3408, abs=5e-5)


def test_d_and_t_stand_for_means() -> None:
    means = {"m1i": 10.0, "sd1i": 2.0, "n1i": 12, "m2i": 8.0, "sd2i": 3.0, "n2i": 9}
    pooled = math.sqrt((11 * 4 + 8 * 9) / 19)
    for measure in ("SMD", "RPB", "RBIS", "D2ORL"):
        from_means = escalc(measure, **means).yi[0]
        sizes = {"n1i": 12, "n2i": 9}
        assert escalc(measure, di=2 / pooled, **sizes).yi[0] == pytest.approx(from_means)
        t = 2 / (pooled * math.sqrt(1 / 12 + 1 / 9))
        assert escalc(measure, ti=t, **sizes).yi[0] == pytest.approx(from_means)


@pytest.mark.parametrize(
    ("reported", "variance"),
    [
        ({"ci_low": 1.5, "ci_high": 6.0}, (math.log(4) / 2 / 1.959963984540054) ** 2),
        (
            {"ci_low": 1.5, "ci_high": 6.0, "ci_level": 0.9},
            (math.log(4) / 2 / 1.6448536269514722) ** 2,
        ),
        ({"se": 0.4}, 0.16),
        ({"p_value": 0.04550026389635842}, (math.log(3) / 2) ** 2),
        ({"se": 0.4, "p_value": 0.5}, 0.16),
    ],
)
@pytest.mark.parametrize("measure", ["OR", "RR", "HR", "IRR"])
def test_printed_ratios(measure: str, reported: dict[str, float], variance: float) -> None:
    """Closed forms; 0.0455 is the p-value of z = 2."""
    for estimate, sign in ((3.0, 1), (1 / 3, -1)):
        turned = dict(reported)
        if sign < 0 and "ci_low" in reported:
            turned |= {"ci_low": 1 / reported["ci_high"], "ci_high": 1 / reported["ci_low"]}
        effects = escalc(measure, estimate=[estimate], **turned)
        assert effects.yi[0] == pytest.approx(sign * math.log(3))
        assert effects.vi[0] == pytest.approx(variance, rel=1e-12)
        assert effects.source == ("reported",)


def test_printed_difference_with_p_value_keeps_its_sign() -> None:
    effects = escalc("MD", estimate=[-1.2, 1.2], p_value=0.3173105078629141, ni=[40, 50])
    assert effects.yi.tolist() == [-1.2, 1.2]
    assert effects.vi.tolist() == pytest.approx([1.44, 1.44])
    assert effects.ni.tolist() == [40, 50]


def test_printed_goes_before_computed_row_by_row() -> None:
    effects = escalc(
        "OR", ai=[4, 4], bi=[9, 9], ci=[3, 3], di=[9, 9], estimate=[NAN, 2.0], se=[NAN, 0.5]
    )
    assert effects.source == ("counts", "reported")
    assert effects.yi.tolist() == pytest.approx([math.log(36 / 27), math.log(2)])


@pytest.mark.parametrize(
    ("measure", "arguments", "message"),
    [
        ("OR", {"ai": [1], "bi": [2]}, "OR lacks ci, di; give ai, bi, ci, di; or ai, n1i, ci, n2i"),
        ("SMD", {"m1i": 1, "n1i": 2}, "SMD lacks sd1i, m2i, sd2i, n2i"),
        ("OR", {"xi": [1], "ni": [2]}, "OR is not computed from xi"),
        ("OR", {"estimate": [1.0], "see": [1.0]}, "OR is not computed from see"),
        ("COR", {"ri": [0.1, 0.2], "ni": [5, 6, 7]}, "differ in length: ri 2, ni 3"),
        ("COR", {"ri": [0.1], "ni": [5, 6]}, "differ in length: ri 1, ni 2"),
        ("COR", {"ri": [[0.1]], "ni": [5]}, "ri has shape"),
        ("COR", {"ri": ["a"], "ni": [5]}, r"ri\[0\] is 'a'; give numbers"),
        ("COR", {"ri": [1.2, -2], "ni": [5, 5]}, "2 problems(.|\n)*Study 1: ri is 1.2(.|\n)*-2"),
        ("OR", {"ai": 5, "n1i": 3, "ci": 1, "n2i": 3}, "Study 1: bi is -2"),
        ("PR", {"xi": 5, "ni": 3}, "Study 1: ni - xi is -2; it must be 0 or more"),
        ("MD", {**GROUPS, "sd1i": [1, -1, 1]}, "Study 2: sd1i is -1"),
        ("MD", {**GROUPS, "m1i": [1, math.inf, 1]}, "Study 2: m1i is inf"),
        ("IRR", {**PAIRS, "t1i": [0, 1, 1]}, "Study 1: t1i is 0; it must be more than 0"),
        ("SMD", {"pi": 0, "n1i": 5, "n2i": 5}, "Study 1: pi is 0"),
        ("ARAW", {"ai": 1.1, "mi": 1, "ni": 9}, "ai is 1.1(.|\n)*mi is 1; it must be 2 items"),
        ("OR", {"estimate": 0, "se": 0.1}, "Study 1: estimate is 0; give it as printed"),
        ("OR", {"estimate": 2, "se": 0}, "Study 1: se is 0; it must be more than 0"),
        ("OR", {"estimate": 2, "p_value": 0}, "Study 1: p_value is 0; it must be between 0 and 1"),
        ("OR", {"estimate": 2, "ci_low": 3, "ci_high": 4}, "estimate 2 with the interval 3 to 4"),
        ("OR", {"estimate": 2, "se": 1, "ci_level": 95}, "ci_level is 95; it must be a proportion"),
        ("GEN", {"yi": [1], "vi": [-1]}, "Study 1: vi is -1"),
        ("GEN", {"yi": [1, 2], "vi": 1, "labels": ["a"]}, "labels has 1 values for 2 studies"),
    ],
)
def test_bad_input_is_named(measure: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        escalc(measure, **arguments)


def test_unknown_settings_list_the_known_ones() -> None:
    with pytest.raises(cb.ModelError, match="use one of OR, RR, RD"):
        escalc("odds", ai=[1])
    with pytest.raises(cb.ModelError, match="vtype is 'XX'; use one of LS, UB, LS2, AV"):
        escalc("SMD", **GROUPS, vtype="XX")
    with pytest.raises(cb.ModelError, match="use one of LS, ST, CS"):
        escalc("PHI", **TABLES, vtype=["ST"] * 5)  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="use one of OR"):
        escalc(["OR"], **TABLES)  # type: ignore[arg-type]


def test_no_studies_give_no_effects() -> None:
    assert escalc("OR", ai=[], bi=[], ci=[], di=[]).k == 0
    assert escalc("PFT", xi=[], ni=[]).k == 0


def test_nothing_given_is_an_error() -> None:
    with pytest.raises(cb.DataError, match="OR lacks ai, bi, ci, di"):
        escalc("OR")


def test_gaps_stay_as_nan_with_their_reason() -> None:
    with pytest.warns(cb.DataWarning) as caught:
        effects = escalc(
            "ROM",
            m1i=[2, NAN, -2, 2],
            sd1i=[1, 1, 1, 0],
            n1i=9,
            m2i=[3, 3, 3, 3],
            sd2i=[1, 1, 1, 0],
            n2i=9,
            labels=["a", "b", "c", "d"],
        )
    assert np.isnan(effects.yi).tolist() == [False, True, True, False]
    assert np.isnan(effects.vi).tolist() == [False, True, True, True]
    said = [str(warning.message) for warning in caught]
    assert said == list(effects.warnings)
    assert said[0].startswith("no effect can be computed for b: neither m1i, sd1i")
    assert said[1].startswith("ROM does not exist for c: too few people")
    assert said[2].startswith("ROM of d has no variance above 0")


def test_a_measure_of_a_plugin_is_computed_without_options() -> None:
    double = cb.Measure(
        id="DOUBLE",
        label="double",
        columns=("x",),
        effect=lambda rows: (2 * rows["x"], np.ones_like(rows["x"])),
        scale="identity",
        null=0.0,
        cite="none",
    )
    assert escalc(double, x=[1, 2]).yi.tolist() == [2, 4]
    with pytest.raises(cb.ModelError, match="DOUBLE comes from a plugin"):
        escalc(double, x=[1, 2], to="all")


def test_moderators_and_labels_are_kept() -> None:
    effects = escalc("GEN", yi=[1, 2], sei=[1, 2], labels=["a", "b"], moderators={"year": [1, 2]})
    assert effects.to_frame()["year"].tolist() == [1, 2]
    assert effects.labels == ("a", "b")
    assert effects.vi.tolist() == [1, 4]


def test_hedges_factor_is_exact_at_any_size() -> None:
    """Closed forms of J(2) and J(3), and the series 1 - 3/(4m) - 7/(32 m^2)."""
    found = hedges_j(np.array([1.0, 2.0, 3.0, 1e7]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1 / math.sqrt(math.pi), rel=1e-15)
    assert found[2] == pytest.approx(math.sqrt(math.pi) / 2 / math.sqrt(1.5), rel=1e-15)
    assert 1 - found[3] == pytest.approx(3 / 4e7 + 7 / 32e14, rel=1e-8)


def test_bivariate_normal_at_points_with_a_closed_form() -> None:
    """Phi2(0, 0; r) = 1/4 + asin(r)/(2 pi), Phi2(h, k; 0) a product."""
    r = np.array([-0.9, 0.0, 0.5])
    middle = bivariate_normal(np.zeros(3), np.zeros(3), r)
    assert middle.tolist() == pytest.approx((0.25 + np.arcsin(r) / (2 * np.pi)).tolist())
    half = bivariate_normal(np.array([0.0, -1.0]), np.array([-1.0, 0.0]), np.zeros(2))
    assert half.tolist() == pytest.approx([0.15865525393145707 / 2] * 2, rel=1e-14)


def test_tetrachoric_reproduces_its_table() -> None:
    table = [np.array(cell, dtype=float) for cell in ([4, 62, 9], [119, 13536, 1], [11, 248, 2])]
    d = np.array([128, 12619, 30.0])
    r, v = tetrachoric(*table, d)
    n = sum(table) + d
    from scipy import special, stats

    for i in range(3):
        h, k = special.ndtri([(table[0] + table[1])[i] / n[i], (table[0] + table[2])[i] / n[i]])
        p = stats.multivariate_normal.cdf([h, k], cov=[[1, r[i]], [r[i], 1]])
        assert p == pytest.approx(table[0][i] / n[i], abs=1e-10)
    assert (v > 0).all()


def test_tetrachoric_of_tables_with_zeros() -> None:
    r, v = tetrachoric(*np.array([[5, 0, 5, 0], [5, 5, 0, 0], [5, 5, 3, 5], [0, 5, 5, 5.0]]))
    assert r.tolist()[:3] == [-1.0, -1.0, 1.0]
    assert math.isnan(r[3])
    assert np.isnan(v).all()


@pytest.mark.parametrize(
    ("scale", "value", "expected"),
    [
        ("double-arcsine(n=10.0)", 0.01, 0.0),
        ("double-arcsine(n=10.0)", 1.5, 1.0),
        ("double-square-root(n=10.0)", 0.3, 0.0469444444444444),
        ("double-square-root(n=10.0)", 0.1, 0.0),
        ("arcsine", -0.1, 0.0),
        ("arcsine", 1.7, 1.0),
        ("square-root", -1.0, 0.0),
        ("cube-root-complement", 0.3, 0.657),
        ("cube-root-complement", 1.1, 1.0),
        ("log-complement", 0.5, 0.393469340287367),
    ],
)
def test_back_transformations_by_r(scale: str, value: float, expected: float) -> None:
    """By metafor 3.8-1: transf.ipft, transf.iirft, transf.iarcsin, transf.isqrt, iahw, iabt."""
    assert SCALES[scale].back(value).item() == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_freeman_tukey_uses_the_harmonic_mean_of_the_studies_pooled() -> None:
    """By metafor 3.8-1: transf.ipft.hm(c(0.2, 0.8, 1.2), targs=list(ni=c(10, 20, 30)))."""
    effects = escalc("PFT", xi=[3, 5, 9], ni=[10, 20, 30])
    n = 3 / (1 / 10 + 1 / 20 + 1 / 30)
    assert effects.scale == f"double-arcsine(n={n!r})"
    back = SCALES[effects.scale].back([0.2, 0.8, 1.2])
    assert back.tolist() == pytest.approx(
        [0.0166996243420544, 0.5154662336345075, 0.8898036861818885], rel=1e-12
    )
    assert effects.take([0]).scale == "double-arcsine(n=10.0)"
    fit = cb.pool(effects, method="EE", test="z")
    assert fit.on_scale().estimate == pytest.approx(SCALES[effects.scale].back(fit.estimate))
    assert effects.take([]).k == 0


def test_freeman_tukey_of_one_study_gives_its_own_proportion() -> None:
    fit = cb.pool(escalc("PFT", xi=[3], ni=[17]), method="EE", test="z")
    assert fit.on_scale().estimate == pytest.approx(3 / 17, rel=1e-12)
    fit = cb.pool(escalc("IRFT", xi=[3], ti=[17.5]), method="EE", test="z")
    assert fit.on_scale().estimate == pytest.approx(3 / 17.5, rel=1e-12)


def test_a_scale_that_needs_sizes_asks_for_them() -> None:
    with pytest.raises(cb.DataError, match="A: no sample size, which the scale double-arcsine"):
        cb.Effects(yi=[0.3], vi=[0.1], labels=["A"], measure="PFT")
    assert cb.Effects(yi=[0.3], vi=[0.1], measure="PFT", scale="identity").scale == "identity"
    given = cb.Effects(yi=[0.3, 0.4], vi=[0.1, 0.1], measure="PFT", ni=[20, 60])
    assert given.scale == "double-arcsine(n=30.0)"
    with pytest.raises(cb.DataError, match="ni has 1 values for 2 effects"):
        cb.Effects(yi=[0.3, 0.4], vi=[0.1, 0.1], ni=[20])


def test_printed_proportion_is_not_guessed_onto_a_scale_of_unknown_size() -> None:
    with pytest.warns(cb.DataWarning, match="no effect can be computed for Study 1"):
        effects = escalc("PFT", estimate=[0.2], se=[0.1])
    assert np.isnan(effects.yi).all()


def test_unknown_scale_is_a_key_error() -> None:
    assert "double-log(n=3)" not in SCALES
    assert "double-arcsine(n=x)" not in SCALES
    assert 3 not in SCALES
    with pytest.raises(KeyError):
        SCALES["double-log(n=3)"]


def test_find_measure_returns_a_measure_as_it_is() -> None:
    assert find_measure(MEASURES[0]) is MEASURES[0]


@pytest.mark.parametrize("code", ["OR", "RR", "RD", "PETO", "YUQ", "OR2DL"])
def test_an_empty_group_has_no_effect(code: str) -> None:
    """What is added to zero cells would be all that the effect is made of."""
    with pytest.warns(cb.DataWarning, match=f"{code} does not exist for Study 1: .*empty group"):
        effects = escalc(code, ai=[0, 4], bi=[0, 6], ci=[2, 1], di=[3, 8])
    assert np.isnan([effects.yi[0], effects.vi[0]]).all()
    assert np.isfinite([effects.yi[1], effects.vi[1]]).all()


@pytest.mark.parametrize("sizes", [{"ni": [10, 0]}, {"mi": [7, 0]}])
@pytest.mark.parametrize("code", ["PR", "PLN", "PLO", "PAS", "PFT"])
def test_a_proportion_of_nobody_is_an_error(code: str, sizes: dict[str, list[int]]) -> None:
    """As in metafor 3.8-1: one or more group sizes are <= 0."""
    with pytest.raises(cb.DataError, match="Study 2: ni is 0; it must be more than 0"):
        escalc(code, xi=[3, 0], **sizes)
