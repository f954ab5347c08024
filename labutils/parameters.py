"""A notebook's parameters, checked against how its parameters cell declares them: `name: type = value  # meaning`.

Not by papermill's `inspect_notebook`: that reads a file, which a running notebook does not know, gives defaults as
text, and takes over a second to import. Nor by pydantic, whose strict kinds refuse NumPy's whole numbers.
"""

import ast
import difflib
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from labutils.config import NOTEBOOK_NAMES
from labutils.errors import NotebookError, ParameterError

TAG = "parameters"
"""The tag of the cell that declares a notebook's parameters; papermill puts its values behind this cell."""

INJECTED = "# Parameters\n"  # how a cell begins that papermill has put in

KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("True or False", lambda value: isinstance(value, bool)),
    "int": ("a whole number", lambda value: isinstance(value, Integral) and not isinstance(value, bool)),
    "float": ("a number", lambda value: isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)),
    "str": ("text", lambda value: isinstance(value, str)),
    "list": ("a value", lambda value: True),
}
"""What a parameter may be declared as: in words, and whether a value is of that kind; True would count as 1."""


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `default` is None where None is a value, `meaning` its comment in the notebook."""

    name: str
    kind: str
    default: Any
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.default!r}  {self.meaning}"


def read_parameters(source: str) -> dict[str, Parameter]:
    """The parameters that a cell declares, by name; other lines of the cell are passed over.

    Examples
    --------
    >>> print(read_parameters("lr: float = 1e-5  # learning rate")["lr"])
    lr = 1e-05  learning rate
    """
    declared, lines = {}, source.encode().split(b"\n")
    for line in _statements(source):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
            name, kind = line.target.id, ast.unparse(line.annotation)
            try:
                default = ast.literal_eval(line.value)
            except ValueError:
                continue
            if kind in KINDS:
                behind = lines[(line.end_lineno or 0) - 1][line.end_col_offset :].decode()  # offsets count bytes
                declared[name] = Parameter(name, kind, default, behind.lstrip("# "))
    return declared


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, in its order; a NotebookError if the file cannot be read."""
    import nbformat

    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise NotebookError(f"{notebook.name} cannot be read as a notebook ({reason}).") from None
    sources = [cell.source for cell in cells if TAG in cell.metadata.get("tags", [])]
    return read_parameters(sources[0]) if sources else {}


def check(namespace: MutableMapping[str, Any]) -> None:
    """Check the values that a notebook's parameters have; its setup cell calls this with `globals()`.

    What was declared is read from the first cell of `In` that declares anything, what was given from there and from
    papermill's cell. A ParameterError tells the first name that is not declared, or value that is not of its kind.
    """
    cells: Sequence[str] = namespace.get("In", [])
    declaring = next((cell for cell in cells if read_parameters(cell)), "")
    if known := read_parameters(declaring):
        given = [declaring, *(cell for cell in cells if cell.startswith(INJECTED))]
        plain = (line for cell in given for line in _statements(cell) if isinstance(line, ast.Assign))
        names = (target.id for line in plain for target in line.targets if isinstance(target, ast.Name))
        _check_names(names, known, f" {', '.join(known)}.")
    for name, parameter in known.items():
        if name in namespace:
            check_value(parameter, namespace[name])


def check_given(known: Mapping[str, Parameter], given: Mapping[str, Any]) -> None:
    """Check values that are about to be given to a notebook with these parameters; errors are those of `check`."""
    _check_names(given, known, ":" + "".join(f"\n  {parameter}" for parameter in known.values()))
    for name, value in given.items():
        check_value(known[name], value)


def check_value(parameter: Parameter, value: Any) -> None:
    """Check that a value is of its parameter's kind; a ParameterError if not: text would count as True."""
    if value is None and parameter.default is None:
        return
    several = parameter.kind == "list"
    # A list holds what its default holds.
    kind = type((parameter.default or [None])[0]).__name__ if several else parameter.kind
    words, is_one = KINDS.get(kind, KINDS["list"])
    values = value if several and isinstance(value, list | tuple) else [value]
    if not values or not all(map(is_one, values)):
        words += ", or a list with at least one" if several else ""
        words += ", or None" if parameter.default is None else ""
        raise ParameterError(f"{parameter.name} is {value!r}: it must be {words}{_hint(kind, value)}.")


def _check_names(names: Iterable[str], known: Mapping[str, Parameter], listed: str) -> None:
    for name in names:
        if name not in known:
            near = NOTEBOOK_NAMES.get(name, "")
            if near not in known:
                near = next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), "")
            meant = f" Did you mean {near}?" if near else ""
            raise ParameterError(f"There is no parameter {name!r}.{meant} There are{listed}")


def _hint(kind: str, value: Any) -> str:
    """What somebody meant who gave text that reads like another kind."""
    if not isinstance(value, str) or kind not in ("int", "float"):
        return ""
    if value.strip().startswith("["):
        return " (papermill's -p takes no lists: give it to labutils run -p)"
    try:
        return f" (YAML reads it as text: write {float(value):.1e} with a decimal point)" if "e" in value else ""
    except ValueError:
        return ""


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError):  # a cell of magics, or of mistakes
        return []
