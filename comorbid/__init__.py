"""comorbid: how strongly two conditions occur together, and how far that can be trusted.

>>> import comorbid as cb
>>> studies = cb.datasets.headache_back_pain()
>>> counts = cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible.")
>>> fit = cb.pool(cb.effects(studies, measure="OR", overrides=[counts]))
>>> fit.k
6
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comorbid.against_rest import (
        AgainstRest as AgainstRest,
        against_rest as against_rest,
    )
    from comorbid.audited.audit import audit as audit
    from comorbid.bias.asymmetry import asymmetry as asymmetry
    from comorbid.bias.e_values import e_value as e_value
    from comorbid.bias.excess import excess_significance as excess_significance
    from comorbid.bias.fail_safe import fail_safe_n as fail_safe_n
    from comorbid.bias.henmi_copas import henmi_copas as henmi_copas
    from comorbid.bias.pet_peese import pet_peese as pet_peese
    from comorbid.bias.rank_test import rank_test as rank_test
    from comorbid.bias.s_values import s_value as s_value
    from comorbid.bias.selection import selection_model as selection_model
    from comorbid.bias.trim_and_fill import trim_and_fill as trim_and_fill
    from comorbid.burden import burden as burden
    from comorbid.certainty import certainty as certainty
    from comorbid.contributions import (
        Absent as Absent,
        Analysis as Analysis,
        Column as Column,
        Context as Context,
        DataTable as DataTable,
        Estimator as Estimator,
        Measure as Measure,
        Option as Option,
        Renderer as Renderer,
        Section as Section,
        Subgroup as Subgroup,
    )
    from comorbid.dependent_rows import (
        DependentRows as DependentRows,
        dependent_rows as dependent_rows,
    )
    from comorbid.document import (
        figures as figures,
        prose as prose,
    )
    from comorbid.document.blocks import (
        Block as Block,
        Cite as Cite,
        Figure as Figure,
        Heading as Heading,
        Items as Items,
        Jump as Jump,
        Link as Link,
        Note as Note,
        Paragraph as Paragraph,
        Ref as Ref,
        Reference as Reference,
        References as References,
        Strong as Strong,
        Table as Table,
    )
    from comorbid.document.document import (
        Document as Document,
        DocumentSection as DocumentSection,
    )
    from comorbid.document.numbering import numbered as numbered
    from comorbid.document.sections.dependent_rows import (
        dependent_rows_blocks as dependent_rows_blocks,
    )
    from comorbid.document.sections.results import subgroup_blocks as subgroup_blocks
    from comorbid.effects.build import effects as effects
    from comorbid.effects.conversions import convert as convert
    from comorbid.effects.escalc import escalc as escalc
    from comorbid.effects.measures import (
        find_measure as find_measure,
        measures as measures,
    )
    from comorbid.effects.overrides import Override as Override
    from comorbid.effects.quantiles import means_from_quantiles as means_from_quantiles
    from comorbid.effects.table import Effects as Effects
    from comorbid.effects.zeros import Zeros as Zeros
    from comorbid.errors import (
        AssumptionWarning as AssumptionWarning,
        ComorbidError as ComorbidError,
        ComorbidWarning as ComorbidWarning,
        DataError as DataError,
        DataWarning as DataWarning,
        ModelError as ModelError,
        PluginError as PluginError,
        ReportError as ReportError,
        VerificationError as VerificationError,
    )
    from comorbid.export import to_csv as to_csv
    from comorbid.many.pool_many import pool_many as pool_many
    from comorbid.many.result import PooledGroups as PooledGroups
    from comorbid.models.aggregate import aggregate as aggregate
    from comorbid.models.beta_binomial import beta_binomial as beta_binomial
    from comorbid.models.che import che as che
    from comorbid.models.covariance import covariance as covariance
    from comorbid.models.covariance_result import Covariance as Covariance
    from comorbid.models.fit import (
        Fit as Fit,
        pool as pool,
    )
    from comorbid.models.glmm import glmm as glmm
    from comorbid.models.likelihood_ratio import likelihood_ratio as likelihood_ratio
    from comorbid.models.mantel_haenszel import (
        MantelHaenszel as MantelHaenszel,
        mantel_haenszel as mantel_haenszel,
    )
    from comorbid.models.multilevel import multilevel as multilevel
    from comorbid.models.multilevel_result import Multilevel as Multilevel
    from comorbid.models.notices import notices as notices
    from comorbid.models.one_step import OneStep as OneStep
    from comorbid.models.penalised_logistic import penalised_logistic as penalised_logistic
    from comorbid.models.permutation import permutation_test as permutation_test
    from comorbid.models.peto import (
        Peto as Peto,
        peto as peto,
    )
    from comorbid.models.presets import (
        find_preset as find_preset,
        presets as presets,
    )
    from comorbid.models.profiles import profile as profile
    from comorbid.models.random_effects import (
        blup as blup,
        ranef as ranef,
    )
    from comorbid.models.refits import Refits as Refits
    from comorbid.models.regression import regress as regress
    from comorbid.models.regression_result import Regression as Regression
    from comorbid.models.residuals import rstandard as rstandard
    from comorbid.models.robust import robust as robust
    from comorbid.models.robust_result import Robust as Robust
    from comorbid.models.sparse import Sparse as Sparse, sparse as sparse
    from comorbid.models.wild_bootstrap import (
        WildBootstrap as WildBootstrap,
        wild_bootstrap as wild_bootstrap,
    )
    from comorbid.people import people as people
    from comorbid.registry import hookimpl as hookimpl
    from comorbid.report.build import build as build
    from comorbid.report.diff import ReportDiff as ReportDiff, diff as diff
    from comorbid.report.verify import verify as verify
    from comorbid.risk_of_bias import risk_of_bias as risk_of_bias
    from comorbid.sensitivity.baujat import baujat as baujat
    from comorbid.sensitivity.bootstrap import bootstrap as bootstrap
    from comorbid.sensitivity.confounding import confounded_meta as confounded_meta
    from comorbid.sensitivity.cumulative import cumulative as cumulative
    from comorbid.sensitivity.influence import influence as influence
    from comorbid.sensitivity.leave_one_out import leave_one_out as leave_one_out
    from comorbid.sensitivity.multiverse import multiverse as multiverse
    from comorbid.sensitivity.other_rows import other_rows as other_rows
    from comorbid.sensitivity.residuals import rstudent as rstudent
    from comorbid.sensitivity.rounding import rounding as rounding
    from comorbid.sensitivity.subsets import subsets as subsets
    from comorbid.sensitivity.tipping import (
        tipping_point as tipping_point,
        tipping_studies as tipping_studies,
    )
    from comorbid.sensitivity.versions import pool_versions as pool_versions
    from comorbid.studies import datasets as datasets
    from comorbid.studies.granularity import grim as grim
    from comorbid.studies.read import read_studies as read_studies
    from comorbid.studies.table import Studies as Studies
    from comorbid.subgroups import (
        Subgroups as Subgroups,
        subgroups as subgroups,
    )
    from comorbid.themes import JOURNAL as JOURNAL, Theme as Theme

# The public names by the module that they live in; each is imported when it is first used.
_HOMES = {
    "against_rest": "AgainstRest against_rest",
    "audited.audit": "audit",
    "bias.asymmetry": "asymmetry",
    "bias.e_values": "e_value",
    "bias.excess": "excess_significance",
    "bias.fail_safe": "fail_safe_n",
    "bias.henmi_copas": "henmi_copas",
    "bias.pet_peese": "pet_peese",
    "bias.rank_test": "rank_test",
    "bias.s_values": "s_value",
    "bias.selection": "selection_model",
    "bias.trim_and_fill": "trim_and_fill",
    "burden": "burden",
    "certainty": "certainty",
    "contributions": (
        "Absent Analysis Column Context DataTable Estimator Measure Option Renderer Section "
        "Subgroup"
    ),
    "dependent_rows": "DependentRows dependent_rows",
    "document": "figures prose",
    "document.blocks": (
        "Block Cite Figure Heading Items Jump Link Note Paragraph Ref Reference References Strong "
        "Table"
    ),
    "document.document": "Document DocumentSection",
    "document.numbering": "numbered",
    "document.sections.dependent_rows": "dependent_rows_blocks",
    "document.sections.results": "subgroup_blocks",
    "effects.build": "effects",
    "effects.conversions": "convert",
    "effects.escalc": "escalc",
    "effects.measures": "find_measure measures",
    "effects.overrides": "Override",
    "effects.quantiles": "means_from_quantiles",
    "effects.table": "Effects",
    "effects.zeros": "Zeros",
    "errors": (
        "AssumptionWarning ComorbidError ComorbidWarning DataError DataWarning ModelError "
        "PluginError ReportError VerificationError"
    ),
    "export": "to_csv",
    "many.pool_many": "pool_many",
    "many.result": "PooledGroups",
    "models.aggregate": "aggregate",
    "models.beta_binomial": "beta_binomial",
    "models.che": "che",
    "models.covariance": "covariance",
    "models.covariance_result": "Covariance",
    "models.fit": "Fit pool",
    "models.glmm": "glmm",
    "models.likelihood_ratio": "likelihood_ratio",
    "models.mantel_haenszel": "MantelHaenszel mantel_haenszel",
    "models.multilevel": "multilevel",
    "models.multilevel_result": "Multilevel",
    "models.notices": "notices",
    "models.one_step": "OneStep",
    "models.penalised_logistic": "penalised_logistic",
    "models.permutation": "permutation_test",
    "models.peto": "Peto peto",
    "models.presets": "find_preset presets",
    "models.profiles": "profile",
    "models.random_effects": "blup ranef",
    "models.refits": "Refits",
    "models.regression": "regress",
    "models.regression_result": "Regression",
    "models.residuals": "rstandard",
    "models.robust": "robust",
    "models.robust_result": "Robust",
    "models.sparse": "Sparse sparse",
    "models.wild_bootstrap": "WildBootstrap wild_bootstrap",
    "people": "people",
    "registry": "hookimpl",
    "report.build": "build",
    "report.diff": "ReportDiff diff",
    "report.verify": "verify",
    "risk_of_bias": "risk_of_bias",
    "sensitivity.baujat": "baujat",
    "sensitivity.bootstrap": "bootstrap",
    "sensitivity.confounding": "confounded_meta",
    "sensitivity.cumulative": "cumulative",
    "sensitivity.influence": "influence",
    "sensitivity.leave_one_out": "leave_one_out",
    "sensitivity.multiverse": "multiverse",
    "sensitivity.other_rows": "other_rows",
    "sensitivity.residuals": "rstudent",
    "sensitivity.rounding": "rounding",
    "sensitivity.subsets": "subsets",
    "sensitivity.tipping": "tipping_point tipping_studies",
    "sensitivity.versions": "pool_versions",
    "studies": "datasets",
    "studies.granularity": "grim",
    "studies.read": "read_studies",
    "studies.table": "Studies",
    "subgroups": "Subgroups subgroups",
    "themes": "JOURNAL Theme",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted([*_HOME, "__version__"])


class _Package(types.ModuleType):
    """The package, on which a public function wins over the room of the same name.

    Importing ``comorbid.effects.build`` makes Python set ``comorbid.effects`` to the subpackage;
    here the name stands for the function ``comorbid.effects()``.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = importlib.import_module("importlib.metadata").version("comorbid")
    elif name in _HOME:
        home = f"comorbid.{_HOME[name]}"
        try:
            value = getattr(importlib.import_module(home), name)
        except AttributeError:
            value = importlib.import_module(f"{home}.{name}")
    else:
        raise AttributeError(f"module 'comorbid' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
