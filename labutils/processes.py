"""Processes that this one starts leave with it: however it ends, nothing goes on training or drawing for nobody.

A parent that is killed outright can tell nobody. So every child watches it: one that `multiprocessing` has started by
what that hands it for the purpose, any other by its standard input, a pipe whose other end the parent holds open.
"""

import os
import threading
from collections.abc import Callable
from multiprocessing import parent_process


def leave_with_parent(last: Callable[[], object] = lambda: None) -> None:
    """End this process as soon as the one that started it is gone; called once, by the child, before it works.

    Started by `subprocess`, its standard input must be a pipe (`stdin=PIPE`) that nobody writes to.

    Parameters
    ----------
    last : callable
        What is left to do then, such as removing files of the parent, which cannot any longer.
    """
    parent = parent_process()

    def watch() -> None:
        if parent:
            parent.join()
        else:
            os.read(0, 1)
        try:
            last()
        finally:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
