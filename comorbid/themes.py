"""Themes: how the pages of a report look, as resources of installed packages and nothing else."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FACE = re.compile(r"@font-face\s*{[^}]*}")
_FAMILY = re.compile(r"font-family:\s*([^;}]+)")
_URL = re.compile(r"""url\(\s*["']?(?P<target>[^"')]*)["']?\s*\)""")
_GENERIC = {"serif", "sans-serif", "monospace", "inherit", "initial", "unset"}


@dataclass(frozen=True, slots=True)
class Theme:
    """How the pages of a report look.

    A resource is written ``"package:path"``, as in ``"comorbid_ink:theme/style.css"``. Nothing
    else is read: no file of the machine, no font of the system, nothing from the network.

    Parameters
    ----------
    id : str
        Kebab-case, unique among themes; the name used in ``report.toml``.
    stylesheet : str
        The CSS. It refers to a font by ``url("fonts/NAME.woff2")`` and to nothing else.
    templates : str
        A folder of Jinja templates that are used in place of comorbid's of the same name; ``""``
        for none.
    fonts : tuple of str
        The woff2 files that the style sheet names. They may be those of another package, such as
        ``"comorbid.report:themes/journal/fonts/comorbid-serif-regular.woff2"``.
    base : Theme, optional
        A theme that this one builds on: its style sheet comes first, and its fonts and templates
        are there too.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.JOURNAL.stylesheet
    'comorbid.report:themes/journal/style.css'
    >>> cb.Theme("ink", "comorbid_ink:theme/style.css", base=cb.JOURNAL).base.id
    'journal'
    """

    id: str
    stylesheet: str
    templates: str = ""
    fonts: tuple[str, ...] = ()
    base: Theme | None = None

    @property
    def layers(self) -> tuple[Theme, ...]:
        """The themes that it is made of: the lowest base first, itself last."""
        return (*(self.base.layers if self.base else ()), self)


_HOME = "comorbid.report:themes/journal"
JOURNAL = Theme(
    "journal",
    stylesheet=f"{_HOME}/style.css",
    fonts=tuple(
        f"{_HOME}/fonts/comorbid-{face}.woff2"
        for face in ("sans-bold", "sans-regular", "serif-bold", "serif-italic", "serif-regular")
    ),
)
"""The theme of comorbid's own reports."""

COMPACT = Theme("compact", "comorbid.report:themes/compact/style.css", base=JOURNAL)
"""The same in smaller print, with narrower margins and less air, for appendices."""


def resource(name: str) -> Traversable:
    """Return the file or folder that ``"package:path"`` names.

    Raises
    ------
    ValueError
        If it has another form, leaves its package, or does not exist.

    Examples
    --------
    >>> resource("comorbid.report:templates").is_dir()
    True
    """
    package, colon, path = name.partition(":")
    parts = PurePosixPath(path).parts
    if not colon or not package or not parts or ".." in parts or path.startswith("/"):
        raise ValueError(f"{name!r} is no resource; write 'package:path', without '..'")
    try:
        found = resources.files(package).joinpath(*parts)
    except ModuleNotFoundError as error:
        raise ValueError(f"{name!r}: there is no package {package}") from error
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise ValueError(f"{name!r}: the import of {package} fails: {cause}") from error
    if not (found.is_file() or found.is_dir()):
        raise ValueError(f"{name!r} does not exist; is it among the package's data?")
    return found


@functools.cache
def stylesheet(theme: Theme) -> str:
    """Return the CSS of a theme with its fonts inside, as data URLs."""
    fonts = _fonts(theme)

    def embedded(match: re.Match[str]) -> str:
        font = resource(fonts[match["target"]]).read_bytes()
        return f'url("data:font/woff2;base64,{base64.b64encode(font).decode()}")'

    return _URL.sub(embedded, _css(theme))


def _fonts(theme: Theme) -> dict[str, str]:
    """Return the fonts by the address that a style sheet has for them."""
    names = (name for layer in theme.layers for name in layer.fonts)
    return {f"fonts/{PurePosixPath(name).name}": name for name in names}


def _css(theme: Theme) -> str:
    files = (resource(layer.stylesheet) for layer in theme.layers)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def theme_problems(theme: Theme) -> list[str]:
    """Return what is wrong with a theme; empty when nothing is.

    Examples
    --------
    >>> theme_problems(JOURNAL)
    []
    >>> theme_problems(Theme("ink", "comorbid:ink.css"))
    ["'comorbid:ink.css' does not exist; is it among the package's data?"]
    """
    problems = theme_problems(theme.base) if theme.base else []
    for name in (theme.stylesheet, *theme.fonts, *filter(None, [theme.templates])):
        try:
            resource(name)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        return problems
    return list(_css_problems(_COMMENT.sub("", _css(theme)), set(_fonts(theme))))


def _css_problems(css: str, fonts: set[str]) -> Iterator[str]:
    wanted = {match["target"] for match in _URL.finditer(css)}
    for target in sorted(wanted - fonts):
        yield f"the style sheet asks for {target!r}, which is not among its fonts"
    for font in sorted(fonts - wanted):
        yield f"the style sheet does not use {font}"
    if "@import" in css:
        yield "the style sheet has an @import; write everything into one"
    if re.search(r"\blocal\(", css):
        yield "the style sheet asks for a font of the machine, by local()"
    bundled = {family for face in _FACE.findall(css) for family in _families(face)}
    for family in sorted(set(_families(_FACE.sub("", css))) - bundled - _GENERIC):
        yield f"the style sheet uses the font {family!r} without an @font-face"


def _families(css: str) -> Iterator[str]:
    for value in _FAMILY.findall(css):
        for family in value.split(","):
            name = family.strip().strip("\"'")
            if not name.startswith("var("):
                yield name
