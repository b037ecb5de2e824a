"""A new plugin: its files written from templates."""

from __future__ import annotations

import keyword
from importlib import metadata
from pathlib import Path

from packaging.version import Version

from comorbid.builtin import comorbid_sections
from comorbid.errors import PluginError, Problem
from comorbid.starter.templates import filled
from comorbid.studies.columns import TABLE_NAME

_PREFIX = "comorbid-"
# What is written where; the templates are named after the last part.
_FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "{package}/__init__.py": "package.py.txt",
    "{package}/py.typed": "",
    "tests/test_{package}.py": "test.py.txt",
}


def write_plugin(name: str, folder: Path) -> tuple[Path, ...]:
    """Write a working plugin, with a test that passes, into a new folder ``comorbid-NAME``.

    Parameters
    ----------
    name : str
        Kebab-case, with or without ``comorbid-`` before it; the id of the plugin's section.
    folder : Path
        Where the new folder is made.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    PluginError
        If the name is not kebab-case, or that of a section of comorbid, or the folder exists.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     written = write_plugin("adults", Path(place))
    ...     print(written[0].relative_to(place).as_posix())
    comorbid-adults/pyproject.toml
    """
    id_ = name.removeprefix(_PREFIX)
    if not TABLE_NAME.fullmatch(id_) or keyword.iskeyword(id_):
        remedy = "use lower-case words with hyphens between, as in chronic-headache"
        raise PluginError([Problem(f"a plugin cannot be called {name!r}", remedy)])
    if id_ in {section.id for section in comorbid_sections()}:
        raise PluginError([Problem(f"comorbid has a section {id_!r}", "choose another name")])
    home = folder / f"{_PREFIX}{id_}"
    if home.exists():
        raise PluginError([Problem("is there already", "choose another name", file=str(home))])
    package = home.name.replace("-", "_")
    version = metadata.version("comorbid")
    values = {
        "id": id_,
        "title": id_.replace("-", " ").capitalize(),
        "distribution": home.name,
        "package": package,
        "comorbid": version,
        "next": str(Version(version).major + 1),
    }
    written = []
    for place, template in _FILES.items():
        path = home / place.format(package=package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(template, values) if template else "", encoding="utf-8")
        written.append(path)
    return tuple(written)
