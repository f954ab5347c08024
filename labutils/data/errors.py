"""The one error of the data modules: a file or folder that cannot be used, said in a sentence."""


class DataError(ValueError):
    """Images that cannot be found, read or written; the message names the file and what to do next."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this instead of a stack trace: who put the file there needs the sentence alone.
        return [f"DataError: {self}"]
