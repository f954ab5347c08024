"""The error of everything that reads data: one sentence for the person whose files they are."""

from pathlib import Path

from labutils import paths


class DataError(ValueError):
    """Data that cannot be used; the message says what was found, what was expected and what to do next."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this instead of a stack trace: what is wrong lies in a folder, not in the code above it.
        return [f"DataError: {self}"]


def shown(path: Path | str) -> str:
    """`path` as an error message names it.

    Only the folder goes through `paths.short`, which follows links: a link that leads nowhere has to be named too.
    """
    path = Path(path)
    return f"{paths.short(path.parent)}/{path.name}"
