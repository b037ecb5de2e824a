"""PET-PEESE: the effect of a study of any size, by the precision of those there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.bias.asymmetry import Asymmetry, asymmetry
from comorbid.checks import check_proportion
from comorbid.effects.scales import SCALES
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.views import Views, block

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PetPeese(Views):
    """PET-PEESE; made by `pet_peese`.

    Attributes
    ----------
    chosen : {"PET", "PEESE"}
        Whose limit is the estimate.
    estimate, se : float
        The chosen limit, the effect at a standard error of 0; analysis scale.
    ci : (float, float)
        Its confidence interval.
    p_value : float
        One-sided test of PET's limit, that it is further from 0 than chance allows, in the
        direction of the pooled effect: below ``alpha`` PEESE is chosen.
    alpha : float
    pet, peese : Asymmetry
        The two regressions.
    measure, scale : str
        Of the effects.
    warnings : tuple of str
        Cautions.
    """

    chosen: str
    estimate: float
    se: float
    ci: Pair
    p_value: float
    alpha: float
    pet: Asymmetry
    peese: Asymmetry
    measure: str
    scale: str
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return PET and PEESE: ``estimate, se, ci_low, ci_high, p_value, slope, chosen``."""
        import pandas as pd

        both = {"PET": self.pet, "PEESE": self.peese}
        rows = [
            {
                "estimate": line.limit,
                "se": line.limit_se,
                "ci_low": line.limit_ci[0],
                "ci_high": line.limit_ci[1],
                "p_value": line.limit_p,
                "slope": line.slope,
                "chosen": name == self.chosen,
            }
            for name, line in both.items()
        ]
        return pd.DataFrame(rows, index=pd.Index(list(both), name="regression"))

    def summary(self) -> str:
        """Return the chosen limit and why it was chosen."""
        digits = 4 if self.scale == "identity" else 2
        back = SCALES[self.scale].back
        low, high = np.asarray(back(self.ci)).tolist()
        sign = "<" if self.chosen == "PEESE" else ">="
        rows = {
            "PET": f"one-sided p {text.p_value(self.p_value)} {sign} {self.alpha:g}: {self.chosen}",
            "limit": f"{text.number(self.estimate)} (SE {text.number(self.se)}), analysis scale",
            f"as {self.measure}": f"{text.number(float(back(self.estimate)), digits)} "
            f"({100 * self.pet.level:g}% CI {text.pair((low, high), digits)})",
        }
        return block(f"PET-PEESE (k = {self.pet.k})", rows, self.warnings)


def pet_peese(fit: Fit, *, alpha: float = 0.05) -> PetPeese:
    r"""Estimate the effect at a standard error of 0 by two regressions, one of them chosen.

    Both are weighted by :math:`1/v_i`, with a multiplicative dispersion:

    .. math:: \text{PET:}\; y_i = \beta_0 + \beta_1 \sqrt{v_i} + e_i, \qquad
       \text{PEESE:}\; y_i = \beta_0 + \beta_1 v_i + e_i

    Where there is an effect PET's limit is too near 0, and PEESE's is the better; where there is
    none it is the other way round. PEESE's is given if PET's is beyond 0, in the direction of the
    pooled effect, by a one-sided t test.

    Parameters
    ----------
    fit : Fit
        Where effects and level come from; its method and test play no part.
    alpha : float
        Of that test.

    Returns
    -------
    PetPeese
        With a caution below ten studies.

    Raises
    ------
    ModelError
        If there are fewer than three studies, or all have the same variance.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Stanley TD, Doucouliagos H (2014). Research Synthesis Methods 5:60-78. doi:10.1002/jrsm.1095

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.5, 0.3, 0.25], vi=[0.30, 0.20, 0.08, 0.03, 0.01])
    >>> found = cb.pet_peese(cb.pool(effects))
    >>> found.chosen, round(found.estimate, 4)
    ('PEESE', 0.2317)
    """
    check_proportion("alpha", alpha, such_as=0.05)
    pet, peese = (asymmetry(fit, predictor=predictor) for predictor in ("sei", "vi"))
    same_side = pet.limit * fit.estimate > 0
    p_value = pet.limit_p / 2 if same_side else 1 - pet.limit_p / 2
    chosen = "PEESE" if p_value < alpha else "PET"
    line = peese if chosen == "PEESE" else pet
    return PetPeese(
        chosen=chosen,
        estimate=line.limit,
        se=line.limit_se,
        ci=line.limit_ci,
        p_value=p_value,
        alpha=alpha,
        pet=pet,
        peese=peese,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        warnings=pet.warnings,
    )
