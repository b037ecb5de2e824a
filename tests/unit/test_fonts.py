"""The letters that the bundled fonts have, and how a theme brings others."""

from __future__ import annotations

import datetime
import io
import re
import unicodedata
import warnings
from functools import cache
from pathlib import Path

import pikepdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

import comorbid as cb
from comorbid.document.blocks import Paragraph, Table
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import ComorbidWarning
from comorbid.report.render import render_html, render_pdf
from comorbid.themes import JOURNAL, Theme, resource, theme_problems

DATE = datetime.date(2026, 1, 31)
GUIDE = Path(__file__).parents[2] / "plugins" / "README.md"

# Letters beside A to Z of alphabets; sources: the Unicode CLDR's exemplar characters.
LETTERS = {
    "Albanian, French, Portuguese, Catalan": "àâãáæçéèêëíîïñóôõœùúûüÿ",
    "Azeri, Turkish": "çəğıöşüâîûİ",
    "Croatian, Slovene": "čćđšž",
    "Czech, Slovak": "áäčďéěíĺľňóôŕřšťúůýž",
    "Danish, Norwegian, Swedish, Finnish, German": "åäæéöøüß",
    "Esperanto": "ĉĝĥĵŝŭ",
    "Estonian, Latvian, Lithuanian": "āäąčēėęģīįķļņōõöŗšūųüž",
    "Hungarian": "áéíóöőúüű",
    "Icelandic, Faroese": "áæðéíóöøúýþ",
    "Igbo, Yoruba": "ẹịṅọṣụáàéèíìóòúù",
    "Irish, Welsh, Gaelic": "áéíóúàèìòùâêîôûŵŷ",
    "Maltese": "ċġħżàèìòù",
    "Maori, Hawaiian": "āēīōūʻ",
    "Pinyin": "āáǎàēéěèīíǐìōóǒòūúǔùüǘǚǜ",
    "Polish": "ąćęłńóśźż",
    "Romanian": "ăâîșț",
    "Spanish, Basque, Galician": "áéíñóúü¿¡",
    "Vietnamese": "".join(
        unicodedata.normalize("NFC", vowel + tone)
        for vowel in "aăâeêioôơuưy"
        for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    )
    + "đ",
    "Transliterated Arabic and Sanskrit": "āīūḍḥḫṣṭẓṃṅṇṛśʿʾ",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "Russian, Belarusian, Bulgarian": "абвгдежзийклмнопрстуфхцчшщъыьэюяёіў",
    "Kazakh, Kyrgyz, Mongolian, Tatar, Uzbek": "әғқңөұүһіҗҳ",
    "Serbian, Macedonian": "ђјљњћџѓѕќ",
    "Tajik": "ғӣқӯҳҷ",
    "Ukrainian": "єіїґ",
}
# What the serif lacks is set in the sans, the next of its families.
SANS = {
    "Akan": "ɛɔ",
    "Ancient Greek": "ἀἁἂἃἄἅἆἇὰάᾶᾳᾴᾷᾀἐἑἔἕἠἡἦἧῆῇἰἱἴἵἶἷῖὀὁὄὅὐὑὔὕὖὗῦὠὡὦὧῶῷῥ",
    "Gaelic in old spelling": "ḃċḋḟġṁṗṡṫ",
    "Sami": "áčđŋšŧž",
}
SIGNS = "0123456789 −±×÷≤≥≈≠√∞→←↑↓·•–—…‘’“”„«»‰†‡§¶©®°²³¹½¼¾€£¥µ∑∏∂∫Δ⁻⁺"


@cache
def characters(name: str) -> frozenset[str]:
    return frozenset(map(chr, TTFont(io.BytesIO(resource(name).read_bytes())).getBestCmap()))


def missing(letters: str, has: frozenset[str]) -> str:
    """Return the letters, small and capital, that a font lacks."""
    both = dict.fromkeys(letters + letters.upper().replace("SS", "ẞ"))
    return "".join(char for char in both if char not in has)


FIGURES = tuple(f"comorbid.document:fonts/comorbid-figures-{w}.ttf" for w in ("bold", "regular"))


@pytest.mark.parametrize("language", LETTERS)
def test_fonts_have_the_letters_of_a_language(language: str) -> None:
    for font in (*JOURNAL.fonts, *FIGURES):
        assert missing(LETTERS[language], characters(font)) == "", font


@pytest.mark.parametrize("language", SANS)
def test_the_sans_has_the_small_letters_of_further_languages(language: str) -> None:
    for font in (*(font for font in JOURNAL.fonts if "sans" in font), *FIGURES):
        assert set(SANS[language]) <= characters(font), font


def test_fonts_have_the_signs_of_a_report() -> None:
    sans = next(font for font in JOURNAL.fonts if "sans-regular" in font)
    for font in JOURNAL.fonts:
        # Where the serif lacks a sign the sans, next in its list of families, has it.
        assert [char for char in SIGNS if char not in characters(font) | characters(sans)] == []


def document(text: str) -> Document:
    table = Table((text,), ((text,),), text)
    return Document("T", DATE, (DocumentSection("a", text, (Paragraph(text), table), "c@1"),))


def test_names_in_latin_greek_and_cyrillic_need_no_other_font() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdf = render_pdf(render_html(document("".join({**LETTERS, **SANS}.values()))), date=DATE)
    assert {name.split("-")[0] for name in fonts_of(pdf)} == {"Comorbid"}


def test_a_character_that_no_font_has_is_named() -> None:
    # The last code point for private use.
    with pytest.warns(ComorbidWarning, match=r'unsupported by fonts: ".*" \(U\+10FFFD\)'):
        render_pdf(render_html(document("Study \U0010fffd")), date=DATE)


def fonts_of(pdf: bytes) -> set[str]:
    with pikepdf.open(io.BytesIO(pdf)) as file:
        fonts = [font for page in file.pages for font in page.Resources.Font.values()]
        return {str(font.BaseFont).partition("+")[2] for font in fonts}


def font_of(text: str) -> bytes:
    """Return a font in which each of these characters, the space too, is a box."""
    builder = FontBuilder(1000, isTTF=True)
    names = {ord(char): f"u{ord(char):04X}" for char in sorted(set(text))}
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 100)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Made Up", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900, usWinAscent=900, usWinDescent=100)
    builder.setupPost()
    builder.font.flavor = "woff2"
    buffer = io.BytesIO()
    builder.font.save(buffer)
    return buffer.getvalue()


def test_a_theme_brings_the_font_of_another_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The style sheet is that of the guide, the font one of boxes."""
    names = "渡辺 유진 عمر"
    guide = GUIDE.read_text(encoding="utf-8")
    (css,) = re.findall(r"<!-- theme: style.css -->\n```css\n(.*?)```", guide, re.DOTALL)
    package = tmp_path / f"own_{abs(hash(str(tmp_path)))}"
    (package / "fonts").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "style.css").write_text(css, encoding="utf-8")
    (package / "fonts" / "noto-sans-jp.woff2").write_bytes(font_of(names))
    monkeypatch.syspath_prepend(tmp_path)
    font = f"{package.name}:fonts/noto-sans-jp.woff2"
    theme = Theme("own", f"{package.name}:style.css", fonts=(font,), base=cb.JOURNAL)
    assert theme_problems(theme) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdf = render_pdf(render_html(document(f"Çelik, {names}"), theme), date=DATE)
    assert {"Noto-Sans-JP", "Comorbid-Serif", "Comorbid-Sans"} <= fonts_of(pdf)
