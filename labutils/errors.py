"""The errors of the lab: each is one sentence for the person who can mend what is wrong.

In Jupyter it is shown alone: what is wrong lies in a parameter, a folder or a file, not in the code above it.
"""


def visible(text: str) -> str:
    r"""A text from outside as one line for a terminal: what is not seen, or would be obeyed, as its escape.

    Examples
    --------
    >>> visible("skin\x1b[2J"), visible("M\u00e4rz")
    ('skin\\x1b[2J', 'März')
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class LabError(Exception):
    """What the lab was asked to do and cannot; the message says why and what to do.

    It may quote what somebody else has written, and is shown in terminals: see `visible`.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__("\n".join(map(visible, str(message).split("\n"))))

    def _render_traceback_(self) -> list[str]:  # Jupyter shows this in place of a stack trace
        return [f"{type(self).__name__}: {self}"]


class ParameterError(LabError, ValueError):
    """A setting that cannot be used: what was found, and what is allowed."""


class DataError(LabError, ValueError):
    """Images that cannot be used: which, why, and what to do with them."""


class StoreError(LabError, RuntimeError):
    """A stored run that cannot be read, or a folder that cannot be written."""


class ClusterError(LabError, RuntimeError):
    """Workers on other machines that have been lost."""


class ComparisonError(LabError, ValueError):
    """Runs that cannot be compared with each other, image by image."""


class NotebookError(LabError, ValueError):
    """A notebook that cannot be executed as it was asked for."""


class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by hand; the message says what is kept and how to go on."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
