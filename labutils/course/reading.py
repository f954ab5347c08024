"""What a hand-in's cells hold: read, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

CLOSED = ("labutils.course.checking", "labutils.course.exercises", "labutils.course.grading", "sys.modules")
"""No notebook uses them; the first three hold what grades, and the references."""
KNOWN = {"check": "labutils.course.check", "course": "labutils.course"}
"""Names that every notebook imports."""


def grade_id(cell: Any) -> str:
    """What nbgrader calls a cell; empty if nothing."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def runnable(source: str) -> str:
    """A cell without magics, if Python cannot read it otherwise."""
    try:
        compile(source, "cell", "exec", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError):
        return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M)
    return source


def parsed(source: str) -> list[ast.stmt]:
    """The statements of a cell; none if it cannot be read."""
    try:
        return ast.parse(runnable(source)).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def literal(node: ast.expr | None) -> Any:
    """The value that is written there; an ellipsis if there is none, or it has to be computed."""
    try:
        return ast.literal_eval(node) if node is not None else ...
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ...


def defines(line: ast.stmt) -> bool:
    """Whether a line only gives a name to something: what else stands in a notebook would train and draw."""
    if isinstance(line, ast.Assign | ast.AnnAssign):
        return literal(line.value) is not ...
    return isinstance(line, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def plain(source: str) -> str:
    """Code without comments, docstrings and layout, so that copies are the same."""
    tree = ast.Module(parsed(source), [])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def touched(notebook: Any) -> list[str]:
    """What a hand-in does to, or with, what grades it; "sets ..." puts something in its place."""
    tree, known, found = ast.Module([], []), dict(KNOWN), set()
    tree.body = [line for cell in notebook.cells if cell.cell_type == "code" for line in parsed(cell.source)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            base = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if base or alias.asname:
                    known[alias.asname or alias.name] = base + alias.name
                found.update(_uses(base + alias.name))
    return sorted(found.union(*(_touched_by(node, known) for node in ast.walk(tree))))


def _touched_by(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute | ast.Subscript):
        full = _dotted(node, known)
        if full.startswith(("labutils.course", "labutils.check", "sys.modules")) and not isinstance(node.ctx, ast.Load):
            yield f"sets {full}"
        yield from _uses(full)
    elif isinstance(node, ast.Call) and node.args and _dotted(node.func, known) in ("setattr", "delattr"):
        if (full := _dotted(node.args[0], known)).startswith("labutils"):
            yield f"sets something of {full}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("labutils."):
        yield f"names {node.value}"
    name = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else getattr(node, "name", "")
    if name in KNOWN and isinstance(node, ast.Name | ast.FunctionDef | ast.ClassDef):
        yield f"gives the name {name} to something else"


def _uses(full: str) -> list[str]:
    return [f"uses {closed}" for closed in CLOSED if full.startswith(closed)]


def _dotted(node: ast.AST, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, known)}.{node.attr}"
    if isinstance(node, ast.Subscript):
        return f"{_dotted(node.value, known)}[{ast.unparse(node.slice)}]"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else ""
