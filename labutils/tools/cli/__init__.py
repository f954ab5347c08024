"""The command `labutils`: each command calls one function of the package and says what came of it."""

from labutils.tools.cli.commands import main

__all__ = ["main"]
