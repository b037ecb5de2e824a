"""Formulas are arithmetic: one that comes with somebody else's report runs no other code."""

from __future__ import annotations

from pathlib import Path

import pytest

import comorbid as cb

EFFECTS = cb.Effects(
    yi=[0.1, 0.4, 0.2, 0.5, 0.3],
    vi=[0.1, 0.2, 0.1, 0.3, 0.2],
    moderators={"x": [1.0, 2.0, 4.0, 7.0, 8.0], "mean age": [30.0, 41.0, 35.0, 28.0, 52.0],
                "sex": ["f", "m", "f", "m", "f"], "open": [3.0, 1.0, 4.0, 1.0, 5.0]},
)  # fmt: skip


@pytest.mark.parametrize(
    "formula",
    [
        *("~ x", "~ log(1 + x)", "~ np.log1p(x)", "~ sqrt(x) + abs(x)", "~ I(x**2)", "~ I(x > 2)"),
        *("~ I(2 * x / 3 - 1)", "~ center(x) + scale(`mean age`)", "~ `mean age`", "~ poly(x, 2)"),
        *("~ bs(x, df=3)", "~ C(sex, contr.sum)", "~ C(sex, contr.treatment(base='m'))"),
        *("~ C(sex, levels=['m', 'f'])", "~ I((x > 2) & (x < 8))", "~ {x + 1}", "~ I(-x)"),
    ],
)
def test_arithmetic(formula: str) -> None:
    assert cb.regress(EFFECTS, formula, method="DL").k == 5


@pytest.mark.parametrize(
    "formula",
    [
        "~ I(x.__class__.__base__.__subclasses__())",
        "~ {{__import__('os').system('touch {0}')}}",
        "~ C(sex, contr.treatment(base=__import__('os').system('touch {0}')))",
        "~ I(eval('x'))",
        "~ I(open('{0}', 'w'))",  # a column has this name
        "~ I(np.save('{0}', x))",
        "~ {{np.savetxt('{0}', x)}}",
        "~ I(np.lib.format.open_memmap('{0}', 'w+', shape=1))",
        "~ I(x.to_csv('{0}'))",
        "~ I(contr.__init__.__globals__)",
        "~ I([i for i in x])",
        "~ I((lambda: x)())",
        "~ I(f'{{x}}')",
        "~ I(x if 1 else x)",
        "~ I(x[0])",
        "~ I(9**9**9 + x)",
        "~ I('a' * 999999999999)",
        "~ I([0] * 999999999999)",
        "~ I(1 << 999999999999)",
        "~ hashed(sex, levels=2, hash_func=np.save)",
    ],
)
def test_other_code_is_refused_and_not_run(formula: str, tmp_path: Path) -> None:
    written = tmp_path / "written"
    with pytest.raises(cb.ModelError):
        cb.regress(EFFECTS, formula.format(written))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("formula", ["~ (x + sex)**1000000", "~ x**999", "~ (x + sex) ^ (100)"])
def test_a_power_that_would_never_end(formula: str) -> None:
    with pytest.raises(cb.ModelError, match="has a power of 100 or more; give a smaller one"):
        cb.regress(EFFECTS, formula)


def test_the_part_that_is_refused_is_named() -> None:
    with pytest.raises(cb.ModelError) as caught:
        cb.regress(EFFECTS, "~ x + I(np.save('x.npy', x))")
    (problem,) = caught.value.problems
    assert problem.message == ("formula \"~ x + I(np.save('x.npy', x))\": np.save is not allowed")
    assert "log, log10" in problem.remedy
    assert problem.remedy.endswith("np.log1p and the like")
