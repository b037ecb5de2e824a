"""Files to start from: a working plugin with a passing test.

The templates in this folder are CC0: whoever starts from them owes nothing for it.
"""

from comorbid.starter.plugin import write_plugin

__all__ = ["write_plugin"]
