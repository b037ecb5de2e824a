"""An HTML page of ours as PDF bytes, by WeasyPrint."""

from __future__ import annotations

import base64
import calendar
import contextlib
import datetime
import io
import logging
import os
import platform
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any

from comorbid.errors import ComorbidWarning, Problem, ReportError
from comorbid.memory import few_collections
from comorbid.report.render.pictures import FAMILY, faces, with_pictures
from comorbid.report.render.tags import finish_tags

_VARIANT = "pdf/ua-1"
_FIGURE = re.compile(r'<figure id="figure\.(\d+)".*?</figure>', re.DOTALL)
_IMAGE = re.compile(r'<img src="(data:[^"]+)"')
_FONT = re.compile(r'(?<=url\(")data:font/[^"]+(?="\))')
_FONT_FACE = re.compile(r'@font-face\s*{\s*font-family:\s*"([^"]+)"')
_MIME_TYPES = {
    ".bib": "application/x-bibtex",
    ".csv": "text/csv",
    ".json": "application/json",
    ".toml": "application/toml",
}
_MISSING_PANGO = """\
the PDF cannot be made: WeasyPrint does not find the system library Pango ({reason}). \
The HTML and the numbers do not need it and are fine. Install it and build again:
  Debian, Ubuntu   apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0
  Fedora           dnf install pango
  Arch Linux       pacman -S pango
  Alpine           apk add pango so:libharfbuzz-subset.so.0
  macOS            brew install pango
  Windows (MSYS2)  pacman -S mingw-w64-ucrt-x86_64-pango"""


def render_pdf(
    html: str, *, date: datetime.date, attachments: Mapping[str, bytes] | None = None
) -> bytes:
    """Print an HTML page as a tagged PDF (PDF/UA-1).

    The bytes depend on the page, the date and `platform_facts` alone: not on the clock, time
    zone, locale, hash seed or working directory. Nothing is read from the network or from files.

    Parameters
    ----------
    html : str
        A self-contained page, as `render_html` returns it.
    date : datetime.date
        The date the report stands for; the only date in the file.
    attachments : mapping of str to bytes, optional
        Files to put into the PDF: name, and content.

    Returns
    -------
    bytes
        A PDF file.

    Raises
    ------
    ReportError
        When Pango is missing (with the package to install), when the page asks for anything but
        a data URL, or when a part of it, such as a broken drawing, cannot be printed.

    Warns
    -----
    ComorbidWarning
        When WeasyPrint does not know a piece of the page's HTML or CSS and leaves it out, or
        draws characters with a font of this machine because the page's own fonts lack them.

    Examples
    --------
    >>> from comorbid.document.document import Document
    >>> from comorbid.report.render.html import render_html
    >>> date = datetime.date(2026, 1, 31)
    >>> render_pdf(render_html(Document("A report", date, ())), date=date)[:8]
    b'%PDF-1.7'
    """
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import FatalURLFetchingError

    files: dict[str, str] = {}
    fetcher, fonts = _fetcher(files), FontConfiguration()
    enclosed = list(_enclosed(attachments or {}, date, fetcher))
    strangers: list[str] = []

    def finish(document: Any, pdf: Any) -> None:
        finish_tags(pdf)
        strangers.extend(_strangers(document.fonts.values(), html))

    with _source_date(date), few_collections(), _messages() as messages:
        try:
            letters = _without_fonts(faces(), files)
            lettering = weasyprint.CSS(string=letters, url_fetcher=fetcher, font_config=fonts)
            text, pictures = with_pictures(_without_fonts(html, files), fonts)
            page = weasyprint.HTML(string=text, url_fetcher=fetcher)
            pdf: bytes = page.write_pdf(
                stylesheets=[lettering],
                font_config=fonts,
                pdf_variant=_VARIANT,
                finisher=finish,
                attachments=enclosed,
                cache=pictures,
            )
        except FatalURLFetchingError as error:
            raise ReportError(
                [Problem(_short(str(error)), "a report holds all it shows: use a data URL")]
            ) from error
    _report([(message.levelno, _named(message.getMessage(), html)) for message in messages])
    for text in strangers:
        warnings.warn(text, ComorbidWarning, stacklevel=2)
    return pdf


def platform_facts() -> dict[str, str]:
    """Say what the bytes of a PDF depend on, besides the page and its date.

    Returns
    -------
    dict of str to str
        Versions of Python, WeasyPrint and the libraries that shape, subset and compress;
        the machine and its system. Two builds with equal facts give equal bytes.

    Raises
    ------
    ReportError
        When Pango is missing.

    Examples
    --------
    >>> platform_facts()["font_subsetting"] in ("harfbuzz-subset", "fonttools")
    True
    """
    _weasyprint()
    from weasyprint.text import ffi

    harfbuzz = _harfbuzz_version(ffi.harfbuzz)
    subsets = ffi.harfbuzz_subset is not None and ffi.harfbuzz.hb_version_atleast(4, 1, 0)
    pango = ffi.pango.pango_version()
    return {
        "font_subsetting": "harfbuzz-subset" if subsets else "fonttools",
        "fonttools": version("fonttools"),
        "harfbuzz": harfbuzz,
        "machine": platform.machine(),
        "pango": f"{pango // 10000}.{pango // 100 % 100}.{pango % 100}",
        "pydyf": version("pydyf"),
        "python": platform.python_version(),
        "system": platform.system(),
        "weasyprint": version("weasyprint"),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def _enclosed(attachments: Mapping[str, bytes], date: datetime.date, fetcher: Any) -> Iterator[Any]:
    """Yield what WeasyPrint attaches, in the order by which readers look a name up."""
    from weasyprint import Attachment

    midnight = datetime.datetime(date.year, date.month, date.day)
    for name in sorted(attachments, key=str.encode):
        # The type is stated, or it would come from a table of this machine.
        kind = _MIME_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        content = base64.b64encode(attachments[name]).decode()
        yield Attachment(
            url=f"data:{kind};base64,{content}",
            url_fetcher=fetcher,
            name=name,
            description=f"{name}: the report can be verified with it",
            created=midnight,
            modified=midnight,
        )


def _weasyprint() -> ModuleType:
    try:
        # WeasyPrint prints its own, longer advice before it fails.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            # Without HarfBuzz-Subset it works and says so at each font: that warning is kept.
            warnings.filterwarnings("ignore", "HarfBuzz-Subset", DeprecationWarning)
            # A machine without fonts is none the worse: a report brings its own.
            warnings.filterwarnings("ignore", "No fonts configured|FontConfig cannot load")
            import weasyprint
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise ReportError(_MISSING_PANGO.format(reason=_short(reason))) from error
    module: ModuleType = weasyprint
    return module


def _without_fonts(text: str, files: dict[str, str]) -> str:
    """Put a short address in place of each font, which is parsed faster; fonts go to ``files``."""

    def taken(match: re.Match[str]) -> str:
        address = f"font:{len(files) + 1}"
        files[address] = match[0]
        return address

    return _FONT.sub(taken, text)


def _fetcher(files: Mapping[str, str]) -> Any:
    """Return what fetches nothing but data URLs, and what stands in ``files`` for an address."""
    from weasyprint.urls import URLFetcher

    class Fetcher(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            return super().fetch(files.get(url, url), headers)

    return Fetcher(allowed_protocols=("data",), fail_on_errors=True)


@contextlib.contextmanager
def _source_date(date: datetime.date) -> Iterator[None]:
    """Set the one date that font tools write, for this call only."""
    name = "SOURCE_DATE_EPOCH"
    before = os.environ.get(name)
    os.environ[name] = str(calendar.timegm(date.timetuple()))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextlib.contextmanager
def _messages() -> Iterator[list[logging.LogRecord]]:
    """Collect what WeasyPrint would only log, which nobody sees."""
    logger = logging.getLogger("weasyprint")
    collector = _Collector()
    logger.addHandler(collector)
    try:
        yield collector.records
    finally:
        logger.removeHandler(collector)


def _report(messages: list[tuple[int, str]]) -> None:
    errors = [text for level, text in messages if level >= logging.ERROR]
    if errors:
        raise ReportError([Problem(text) for text in dict.fromkeys(errors)])
    for text in dict.fromkeys(text for _, text in messages):
        warnings.warn(f"the PDF leaves something out: {text}", ComorbidWarning, stacklevel=3)


def _named(text: str, html: str) -> str:
    """Say which figure a message means that quotes the figure's whole data URL."""
    for figure in _FIGURE.finditer(html):
        for url in _IMAGE.findall(figure[0]):
            text = text.replace(url, f"Figure {figure[1]}")
    return _short(text)


def _strangers(fonts: Iterable[Any], html: str) -> Iterator[str]:
    """Say what is drawn with fonts that the page does not bring itself."""
    bundled = {FAMILY, *_FONT_FACE.findall(html)}
    drawn: dict[str, set[str]] = {}
    for font in fonts:
        if font.family not in bundled:
            drawn.setdefault(font.family, set()).update("".join(font.to_unicode.values()))
    for family in sorted(drawn):
        characters = "".join(sorted(drawn[family]))[:40]
        yield (
            f"the PDF is drawn in part with {family!r}, a font of this machine, and other machines "
            f"may draw it otherwise; characters: {characters}"
        )


def _short(text: str) -> str:
    """Cut a message that quotes a whole data URL or file."""
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-80:]}"


def _harfbuzz_version(harfbuzz: Any) -> str:
    """Find the version by asking: WeasyPrint declares only the comparison."""
    found: list[int] = []
    for _ in range(3):
        padding = [0] * (2 - len(found))
        found.append(
            max(n for n in range(1000) if harfbuzz.hb_version_atleast(*found, n, *padding))
        )
    return ".".join(map(str, found))
