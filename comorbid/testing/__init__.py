"""A kit for the authors of plugins: small studies, sections without installing, conformance.

Examples
--------
A plugin's whole test file may be these lines:

>>> import comorbid_migraine  # doctest: +SKIP
>>> from comorbid.testing import check_plugin
>>> test_conformance = check_plugin(comorbid_migraine)  # doctest: +SKIP
"""

from comorbid.testing.conformance import check_plugin
from comorbid.testing.kit import build_section, registry, studies_csv

__all__ = ["build_section", "check_plugin", "registry", "studies_csv"]
