"""README.md, the table of the published analyses, and what each file has to say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("test_*.py") if path != Path(__file__))


def rows() -> list[list[str]]:
    lines = (HERE / "README.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_file_has_its_row() -> None:
    listed = [row[3].strip("`") for row in rows()]
    assert sorted(listed) == FILES


def test_every_row_is_complete() -> None:
    assert all(len(row) == 5 and all(row) for row in rows())
    assert len(rows()) >= 14


def test_every_file_names_its_paper_and_where_it_was_read() -> None:
    for name in FILES:
        text = ast.get_docstring(ast.parse((HERE / name).read_text(encoding="utf-8"))) or ""
        assert re.search(r"\((19|20)\d\d\)", text), name
        assert re.search(r"^Read: ", text, re.MULTILINE), name


def test_pages_known_only_from_metafor_are_marked() -> None:
    for _, page, _, name, read in rows():
        if re.search(r"^metafor's test$", read) and "page not known" not in page:
            assert page.endswith(" m") or name == "`test_yusuf_1985.py`", name
