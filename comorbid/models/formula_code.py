"""What a formula may compute: arithmetic on columns and known functions, and no other code.

A formula is evaluated as Python, and may come with a report that somebody else wrote.
"""

from __future__ import annotations

import ast
import re

import numpy as np

_PARTS = (
    *(ast.Expression, ast.Load, ast.Name, ast.Constant, ast.Call, ast.keyword, ast.Attribute),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Tuple, ast.List, ast.Dict),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.Invert, ast.And, ast.Or, ast.Not),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
_COLUMN = "column_"


def syntax_of(expression: str) -> ast.Expression:
    """Return the syntax of a factor of a formula, with a name for each column in backticks."""
    return ast.parse(re.sub(r"`[^`]+`", _COLUMN, expression), mode="eval")


def names_of(expression: str) -> set[str]:
    """Return the names that a factor reads; in backticks they may hold spaces.

    Examples
    --------
    >>> sorted(names_of("log(`mean age` + x)"))
    ['log', 'mean age', 'x']
    """
    quoted = set(re.findall(r"`([^`]+)`", expression))
    tree = ast.walk(syntax_of(expression))
    return quoted | {node.id for node in tree if isinstance(node, ast.Name) and node.id != _COLUMN}


def forbidden(expression: str) -> str:
    """Return the first part of a factor that a formula may not have; empty if there is none.

    Allowed are numbers, text, lists, arithmetic, comparisons, and calls of functions by name (which
    are known is for the caller to check), of numpy's element-wise functions as ``np.log1p``, and
    of contrasts as ``contr.sum``. A power of a number is not, nor a multiple of text or a list:
    they may be longer than any memory.

    Examples
    --------
    >>> forbidden("I((x - 2)**2) + np.sqrt(y)"), forbidden("x.__class__")
    ('', 'x.__class__')
    """
    for node in ast.walk(syntax_of(expression)):
        if not _allowed(node):
            return ast.unparse(node)
    return ""


def _allowed(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="np")):
            return isinstance(getattr(np, node.attr, None), np.ufunc)
        case ast.Attribute(value=ast.Name(id="contr")):
            return not node.attr.startswith("_")
        case ast.Attribute():
            return False
        case ast.Call():
            return isinstance(node.func, ast.Name | ast.Attribute)
        case ast.BinOp(op=ast.Mult()):
            return not (_is_series(node.left) or _is_series(node.right))
        case ast.BinOp(op=ast.Pow()):
            return any(isinstance(inner, ast.Name) for inner in ast.walk(node.left))
        case ast.Constant():
            return not isinstance(node.value, bytes | complex)
        case _:
            return isinstance(node, _PARTS)


def _is_series(node: ast.AST) -> bool:
    """Whether it is text or a list, which a number multiplies in length."""
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return text or isinstance(node, ast.List | ast.Tuple)
