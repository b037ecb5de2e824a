"""Files to start from: a working plugin with a passing test, a review that builds.

The templates in this folder are CC0: whoever starts from them owes nothing for it.
"""

from comorbid.starter.plugin import write_plugin
from comorbid.starter.review import write_review

__all__ = ["write_plugin", "write_review"]
