"""Presets: the conventions of others, by name and with their source."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.table import Effects
from comorbid.effects.zeros import Drop00
from comorbid.models.fit import pool
from comorbid.models.student import Test

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Preset:
    """A convention for random-effects meta-analysis; `presets` lists them.

    Parameters
    ----------
    id : str
        Its name: ``"revman5"``.
    label : str
        Whose convention it is.
    method : str
        Estimator of tau2, as in `pool`.
    test : {"z", "knha"}
        As in `pool`.
    correction : {"never", "if-narrower"}
        Whether Knapp and Hartung's interval is replaced by the ad hoc one (``test="adhoc"``)
        where it is narrower than DerSimonian and Laird's with ``test="z"``.
    prediction : str
        Rule of the prediction interval, for `Fit.predict`; "" where the source names none.
    i2 : {"tau2", "Q"}
        What I2 is computed from: ``Fit.i2`` from tau2, ``Fit.i2_from_q`` from Cochran's Q.
    tau2_ci : str
        Method of the interval of tau2, for `Fit.tau2_ci`; "" where there is none.
    drop00 : {"no", "yes"}
        Whether a study without events in both groups is left out of an odds or risk ratio, for
        `effects` and `escalc`; 0.5 is added to each count of other studies with a zero.
    source : str
        Where the convention is written down.
    differs : str
        What of it comorbid does not do.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05])
    >>> preset = find_preset("meta8")
    >>> fit = cb.pool(effects, **preset.settings(effects))
    >>> fit.method, fit.test, round(fit.i2_from_q, 1)
    ('REML', 'z', 85.4)
    >>> round(fit.predict(method=preset.prediction).pi[1], 2)
    2.44
    """

    id: str
    label: str
    method: str
    test: Test
    correction: Literal["never", "if-narrower"]
    prediction: str
    i2: Literal["tau2", "Q"]
    tau2_ci: str
    drop00: Drop00
    source: str
    differs: str = ""

    def settings(self, effects: Effects, *, level: float = 0.95) -> dict[str, Any]:
        """Return ``method``, ``test`` and ``level`` for `pool` on these effects."""
        return {"method": self.method, "test": self.test_for(effects, level=level), "level": level}

    def test_for(self, effects: Effects, *, level: float = 0.95) -> Test:
        """Return the test, ``adhoc`` where the preset corrects a narrow interval by it."""
        usable = effects.take(np.flatnonzero(~(np.isnan(effects.yi) | np.isnan(effects.vi))))
        if self.correction == "never" or usable.k < 2:
            return self.test
        own = pool(usable, method=self.method, test=self.test, level=level)
        classic = pool(usable, method="DL", test="z", level=level)
        narrower = own.ci[1] - own.ci[0] < classic.ci[1] - classic.ci[0]
        return "adhoc" if narrower else self.test


PRESETS: tuple[Preset, ...] = (
    Preset(
        "cochrane2024",
        "the Cochrane Handbook 6.5 and what Cochrane recommends for RevMan",
        method="REML",
        test="knha",
        correction="never",
        prediction="default",
        i2="tau2",
        tau2_ci="QP",
        drop00="yes",
        source="Cochrane 2024, Handbook 6.5, chapter 10; Cochrane Methods 2025, "
        "https://methods.cochrane.org/methods-cochrane/"
        "random-effects-meta-analysis-methods-intervention-reviews",
        differs="the choice between this interval and the classic one, which RevMan leaves to the "
        "author: give test to choose",
    ),
    Preset(
        "iqwig6",
        "IQWiG, General Methods 6.1",
        method="PM",
        test="knha",
        correction="if-narrower",
        prediction="",
        i2="tau2",
        tau2_ci="",
        drop00="no",
        source="IQWiG 2022, General Methods 6.1; settings.meta('IQWiG6') of the R package meta",
        differs="whether studies are pooled at all, and what is done with fewer than five, is a "
        "decision of the analyst; the prediction interval and I2 are comorbid's own",
    ),
    Preset(
        "metafor5",
        "the defaults of rma() in the R package metafor 5",
        method="REML",
        test="z",
        correction="never",
        prediction="default",
        i2="tau2",
        tau2_ci="QP",
        drop00="no",
        source="Viechtbauer 2010, doi:10.18637/jss.v036.i03; help of rma.uni()",
    ),
    Preset(
        "meta8",
        "the defaults of metagen() in the R package meta 8",
        method="REML",
        test="z",
        correction="never",
        prediction="t",
        i2="Q",
        tau2_ci="QP",
        drop00="yes",
        source="settings.meta() of the R package meta 8: method.tau REML, method.random.ci "
        "classic, method.I2 Q, method.predict V, incr 0.5, method.incr only0, allstudies FALSE",
        differs="the common-effect model beside it, which for counts is Mantel-Haenszel's: see "
        "mantel_haenszel",
    ),
    Preset(
        "revman5",
        "inverse-variance random effects in RevMan 5",
        method="DL",
        test="z",
        correction="never",
        prediction="",
        i2="Q",
        tau2_ci="",
        drop00="yes",
        source="Cochrane Handbook 5.1, section 9.4; settings.meta('RevMan5') of the R package meta",
        differs="random effects by Mantel-Haenszel, where Q is taken about the Mantel-Haenszel "
        "value, and RevMan's approximate standardised mean difference",
    ),
)


def presets() -> pd.DataFrame:
    """Return the conventions that have a name.

    Returns
    -------
    pandas.DataFrame
        Indexed by id, with the fields of `Preset` as columns.

    See Also
    --------
    find_preset : One of them, whose ``settings`` go to `pool`.

    References
    ----------
    Deeks JJ, Higgins JPT, Altman DG, McKenzie JE, Veroniki AA (2024). Chapter 10. Cochrane Handbook
    for Systematic Reviews of Interventions 6.5. https://training.cochrane.org/handbook
    IQWiG (2022). General Methods 6.1. https://www.iqwig.de/en/about-us/methods/methods-paper/
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03
    Schwarzer G (2024). meta 8, help of settings.meta(). https://github.com/guido-s/meta
    Higgins JPT, Green S (2011). Cochrane Handbook for Systematic Reviews of Interventions 5.1, 9.4

    Examples
    --------
    >>> presets().loc["revman5", ["method", "test", "i2"]].tolist()
    ['DL', 'z', 'Q']
    """
    import pandas as pd

    return pd.DataFrame([asdict(preset) for preset in PRESETS]).set_index("id")


def find_preset(name: str) -> Preset:
    """Return the preset of this name.

    Parameters
    ----------
    name : {"cochrane2024", "iqwig6", "metafor5", "meta8", "revman5"}

    Returns
    -------
    Preset

    Raises
    ------
    ModelError
        If there is no such preset.

    References
    ----------
    Those of `presets`, and of what the presets differ from among themselves: Veroniki AA, Jackson
    D, Viechtbauer W, et al. (2016). Research Synthesis Methods 7:55-79. doi:10.1002/jrsm.1164

    Examples
    --------
    >>> find_preset("iqwig6").method
    'PM'
    """
    check_choice("preset", name, (preset.id for preset in PRESETS))
    return next(preset for preset in PRESETS if preset.id == name)
