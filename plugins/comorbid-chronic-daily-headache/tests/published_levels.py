"""Published data on alcohol: estimates of several levels against one reference.

`BREAST_CANCER`: Rohan and McMichael 1988, the example of Greenland and Longnecker 1992
(doi:10.1093/oxfordjournals.aje.a116237) and of Orsini, Bellocco and Greenland 2006
(doi:10.1177/1536867X0600600103); as data set cc_ex in the R package dosresmeta.

`CARDIOVASCULAR`: four case-control and two cohort studies from Liu, Cook, Bergstrom and Hsieh 2009
(Computational Statistics and Data Analysis 53:4157-4167); data set alcohol_cvd in dosresmeta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Study:
    """Levels of one study; cases and totals begin with the reference."""

    measure: str
    doses: tuple[float, ...]
    log_ratios: tuple[float, ...]
    errors: tuple[float, ...]
    cases: tuple[float, ...]
    totals: tuple[float, ...]

    @property
    def variances(self) -> np.ndarray:
        return np.square(self.errors)

    @property
    def counts(self) -> dict[str, object]:
        return {"cases": self.cases, "totals": self.totals, "measure": self.measure}


BREAST_CANCER = Study(
    measure="OR",
    doses=(2, 6, 11),
    log_ratios=tuple(np.log([0.80, 1.16, 1.57])),
    errors=tuple(np.log(np.array([1.27, 1.85, 2.51]) / [0.51, 0.73, 0.99]) / 2 / 1.959963984540054),
    cases=(165, 74, 90, 122),
    totals=(337, 167, 186, 212),
)

CARDIOVASCULAR = (
    Study(
        "OR",
        (9.0600004196, 27, 45, 64.8000030518),
        (-0.22314350307, -0.000099999997474, 0.53062832355, 0.87546867132),
        (0.22333797812, 0.23375192285, 0.37651365995, 0.44400462508),
        (126, 61, 69, 22, 19),
        (414, 261, 228, 44, 34),
    ),
    Study(
        "OR",
        (16.0499992371, 46.4249992371, 77.1600036621),
        (-0.43078291416, -1.0788099766, -0.61618608236),
        (0.22130523622, 0.2975654006, 0.38707920909),
        (77, 88, 24, 13),
        (258, 413, 202, 64),
    ),
    Study(
        "OR",
        (1.175999999, 8.9160003662, 18.7199993134),
        (-0.57981848717, -0.5621188879, 0.6151856184),
        (0.31714701653, 0.41861397028, 0.90910059214),
        (83, 46, 17, 4),
        (208, 175, 58, 11),
    ),
    Study(
        "OR",
        (0.95499998331, 7.4299998283, 15.6000003815),
        (-0.28768208623, 0.5128235817, -0.31471070647),
        (0.33323359489, 0.33837258816, 0.47134539485),
        (83, 29, 32, 18),
        (208, 117, 81, 39),
    ),
    Study(
        "RR",
        (6, 18, 28.7999992371),
        (-0.41551551223, -0.63487827778, -0.083381600678),
        (0.14421534538, 0.23834855855, 0.2738853693),
        (159, 229, 38, 39),
        (480, 975, 207, 133),
    ),
    Study(
        "RR",
        (6.25, 18.75, 30),
        (-0.22314350307, -0.010050299577, -0.26136478782),
        (0.15658718348, 0.35108911991, 0.41651141644),
        (302, 129, 19, 15),
        (1269, 436, 49, 41),
    ),
)

# Covariances by Greenland and Longnecker's method that the help page of covar.logrr prints
# (dosresmeta 2.1.1, data alcohol_cvd): the upper triangle of each study, row by row.
PRINTED_COVARIANCES = (
    (0.01875906, 0.01678737, 0.01780975, 0.01736485, 0.01842239, 0.01648609),
    (0.02669775, 0.02510026, 0.02425041),
    (0.03667789, 0.04203026, 0.03757552),
    (0.03566026, 0.03466437, 0.03293283),
    (0.01122058, 0.01347285, 0.01269044),
    (0.004898219, 0.004718234, 0.004371731),
)
