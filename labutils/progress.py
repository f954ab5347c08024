"""How whatever takes time shows that it is alive: a bar in a notebook or a terminal, lines in a log, else nothing."""

import sys
import time
from types import TracebackType
from typing import Any

from labutils import machine


def minutes(seconds: float) -> str:
    """A duration as people say it.

    Examples
    --------
    >>> minutes(42), minutes(700), minutes(9000)
    ('42 s', '12 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """Progress of one training of `label`, as a context manager: from `first` to `epochs` epochs of `steps` steps.

    A bar, at most ten plain lines of a log, or nothing: see `how_to_show`; nothing unless `show`.
    """

    def __init__(self, label: str, first: int, epochs: int, steps: int, show: bool = True) -> None:
        self.label, self.first, self.epochs, self.steps_of_epoch = label, first, epochs, steps
        self.finished = first
        self.how = how_to_show() if show else "none"
        self.started = time.perf_counter()
        self.bar: Any = None

    def __enter__(self) -> "Progress":
        if self.how == "bar":
            total = (self.epochs - self.first) * self.steps_of_epoch
            self.bar = bar(
                total=total,
                desc=f"{self.label} {self.first}/{self.epochs}",
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {remaining} left{postfix}",
                dynamic_ncols=True,
                leave=False,
            )
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()

    def steps(self, done: int) -> None:
        """`done` steps of the epoch that is being trained are done."""
        if self.bar is not None:
            self.bar.update((self.finished - self.first) * self.steps_of_epoch + done - self.bar.n)

    def epoch(self, done: int, metrics: dict[str, float]) -> None:
        """`done` epochs are finished; `metrics` are the last one's."""
        self.finished = done
        numbers = ", ".join(f"{name} {metrics[name]:.3f}" for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
        if self.bar is not None:
            self.bar.set_description_str(f"{self.label} {done}/{self.epochs}")
            self.bar.set_postfix_str(numbers)
        elif self.how == "log" and self._is_due(done):
            spent = time.perf_counter() - self.started
            left = spent / (done - self.first) * (self.epochs - done)
            print(f"{self.label}: epoch {done}/{self.epochs}, {numbers}, {minutes(left)} left", flush=True)

    def _is_due(self, done: int) -> bool:
        total, passed = self.epochs - self.first, done - self.first
        return passed * 10 // total > (passed - 1) * 10 // total


def how_to_show() -> str:
    """`bar`, `log` or `none`: what `LABUTILS_PROGRESS` says, else a bar where a person looks on.

    In what a program executes nothing may appear that depends on what is on the disk.
    """
    return machine.progress() or ("bar" if _someone_looks_on() else "none")


def bar(progress: bool = True, **settings: Any) -> Any:
    """A tqdm bar with these settings, for whatever takes time; nothing unless `progress`, and `how_to_show` says so."""
    from tqdm.auto import tqdm

    return tqdm(disable=not (progress and how_to_show() == "bar"), **settings)


def _someone_looks_on() -> bool:
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stderr.isatty()
    # Programs that execute notebooks cannot answer input().
    return bool(getattr(kernel, "_allow_stdin", True))
