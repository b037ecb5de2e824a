"""The templates of this folder, filled in."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from string import Template


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return the text of a template with a value for every name in it.

    Examples
    --------
    >>> filled("tox.ini.txt", {"comorbid": "9.9"}).count("comorbid==9.9")
    1
    """
    text = (resources.files("comorbid.starter") / template).read_text(encoding="utf-8")
    return Template(text).substitute(values)
