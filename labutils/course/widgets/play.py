"""`playground`: a small network that is trained while its reader looks on.

The settings are chosen in the page, the training runs in a thread of the kernel, which stays free for other cells. What
is seen before the first click was recorded with `python -m labutils.course.widgets.record`.
"""

from __future__ import annotations

import functools
import json
import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labutils import paths
from labutils.course.widgets import small
from labutils.course.widgets.control import background, instrument, recorded, show
from labutils.plots.charts import COLOURS, THIRD, TRAINING, VALIDATION, Line, as_image, learning_chart
from labutils.progress import minutes

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset

LOSS_TOP = {2: 1.5, 9: 2.5}
"""Where the loss axis ends: it never moves, so that runs can be compared by eye."""
PAST = 3
PAST_COLOURS = COLOURS[1:4]

_networks = small.Networks()


def playground(task: str, source: str = "auto", generator: small.Generator | None = None) -> None:
    """The playground of a task: its knobs, Train, Pause, Continue and Reset, and curves that grow with every epoch.

    Parameters
    ----------
    task : str
        A task that trains something, such as "task1b".
    source : str
        Whose images, as in `load_dataset`.
    generator : callable, optional
        In Task 8: `generator(image, rng)` gives a changed version of a training image, in place of the lab's changes.

    Raises
    ------
    ParameterError
        If the task has no playground.
    """
    from labutils.errors import ParameterError

    if task not in small.PLAYS:
        raise ParameterError(f"task is {task!r}: there are playgrounds for {', '.join(small.PLAYS)}.")
    before = recorded(task)
    show(in_words(task, before), still(task, before), lambda: Playground(task, source, generator).widget)


def in_words(task: str, before: dict[str, Any]) -> str:
    """A playground before its first click, in words, with the run recorded for it."""
    play = small.PLAYS[task]
    choices = "; ".join(f"{knob.label}: {', '.join(words for words, _ in knob.choices)}" for knob in play.knobs)
    found = f"Recorded with {before['words']}: {run_in_words(before['history'], play.extra)}"
    return f"Playground. {play.question}\nTo choose from: {choices}.\n{found}"


def run_in_words(history: small.History, extra: tuple[str, ...] = ()) -> str:
    """A small run in words.

    Examples
    --------
    >>> history = {"loss": [0.7], "accuracy": [0.5], "val_loss": [0.7], "val_accuracy": [0.52], "seconds": [1.0]}
    >>> run_in_words(history).split("; ")
    ['after 1 epoch training loss 0.70, validation loss 0.70 (lowest 0.70 at epoch 1)', \
'training accuracy 0.50, validation accuracy 0.52.']
    """
    epochs = len(history["loss"])
    if not epochs:
        return "no epoch is finished."
    last = {name: values[-1] for name, values in history.items() if values}
    lowest = min(range(epochs), key=lambda i: history["val_loss"][i])
    more = f", {extra[1]} {last[extra[0]]:.2f}" if extra else ""
    return (
        f"after {epochs} epoch{'s' if epochs > 1 else ''} training loss {last['loss']:.2f}, validation loss "
        f"{last['val_loss']:.2f} (lowest {history['val_loss'][lowest]:.2f} at epoch {lowest + 1}); training accuracy "
        f"{last['accuracy']:.2f}, validation accuracy {last['val_accuracy']:.2f}{more}."
    )


def still(task: str, before: dict[str, Any]) -> str:
    """The recorded run as a picture."""
    play, history = small.PLAYS[task], before["history"]
    x = history["seconds"] if play.seconds else range(1, len(history["loss"]) + 1)

    def curves(name: str) -> list[Line]:
        lines = [
            Line(x, history[name], "training", TRAINING, "5 3"),
            Line(x, history[f"val_{name}"], "validation", VALIDATION),
        ]
        if name == "accuracy" and play.extra:
            lines.append(Line(x, history[play.extra[0]], play.extra[1], THIRD, "2 2"))
        return lines

    classes, end = _classes(play), play.seconds or small.EPOCHS
    label = "seconds of training" if play.seconds else "epoch"
    picture = learning_chart(curves, end, LOSS_TOP[classes], classes, x_label=label)
    return as_image(picture, f"Recorded: {before['words']}: {run_in_words(history, play.extra)}")


class Playground:
    """One playground in a page, and the training behind it.

    Attributes
    ----------
    widget : anywidget.AnyWidget
        Its trait `news` says `status` (loading, ready, training, paused or failed), `said` (the same in words), `run`
        (the curves that grow) and `past` (the last three).
    """

    def __init__(self, task: str, source: str = "auto", generator: small.Generator | None = None) -> None:
        self.task, self.source, self.generator = task, source, generator
        self.play = small.play_for(task, generator)
        self.past: list[dict[str, Any]] = []
        self.run: dict[str, Any] | None = None
        self.status = "loading"
        self.pausing, self.stopping = threading.Event(), threading.Event()
        self.widget = instrument("playground", self._data())
        self.widget.on_msg(self._hear)
        self.widget.observe(self._chosen, "state")
        self._say("loading", "TensorFlow and the images are being loaded: a few seconds. Read on meanwhile.")
        self._later(self._load)

    def _data(self) -> dict[str, Any]:
        before, classes = recorded(self.task), _classes(self.play)
        return {
            "title": f"Playground of {self.task}",
            "question": self.play.question,
            "knobs": [knob.for_page() for knob in self.play.knobs],
            "recorded": {"words": before["words"], "history": before["history"]},
            "words": in_words(self.task, before).splitlines()[-1],
            "cost": self._cost(before),
            "epochs": small.EPOCHS,
            "seconds": self.play.seconds,
            "lossTop": LOSS_TOP[classes],
            "guessLoss": math.log(classes),
            "guessAccuracy": 1 / classes,
            "extra": list(self.play.extra) or None,
            "pastColours": list(PAST_COLOURS),
        }

    def _cost(self, before: dict[str, Any]) -> str:
        if self.play.seconds:
            return f"One run takes {self.play.seconds:g} s of training, whatever the network."
        run, took = f"{small.EPOCHS} epochs of {small.N_TRAIN} images", minutes(before["history"]["seconds"][-1])
        return f"One run: {run}, {took} where it was recorded. Nothing is stored in results/."

    def _hear(self, widget: Any, content: Any, buffers: Any) -> None:
        word = content.get("do") if isinstance(content, dict) else None
        if word == "train" and self.status in ("ready", "failed"):
            self.train()
        elif word == "pause" and self.status in ("training", "paused"):
            self.pause()
        elif word == "reset":
            self.reset()

    def train(self) -> None:
        """Begin a run with what is chosen; returns at once."""
        self.pausing.clear()
        self.stopping.clear()
        if self.run:
            self.past = [*self.past, self.run][-PAST:]
            self.run = None
        chosen = dict(self.widget.state)
        self._say("training", "Training: the curves grow with every epoch.")
        _heed_the_stop_key(self.stop)
        self._later(lambda: self._train(chosen))

    def pause(self) -> None:
        """Pause after the epoch that is running, or go on."""
        if self.pausing.is_set():
            self.pausing.clear()
            self._say("training", "Training goes on.")
        else:
            self.pausing.set()
            self._say("paused", "Paused after the epoch that was running. Continue goes on from there.")

    def stop(self) -> None:
        """End the run after the epoch that is running; what is there stays."""
        self.stopping.set()

    def reset(self) -> None:
        """Stop, and forget every run but the recorded one."""
        self.stop()
        self.past, self.run = [], None
        if self.status in ("training", "paused"):
            return  # the thread says when it has stopped
        self._say("ready", "Ready.")

    def _later(self, work: Callable[[], None]) -> None:
        """Do something in the background and say its error: nobody sees what a thread raises."""

        def task() -> None:
            try:
                work()
            except Exception as error:
                self._say("failed", f"{type(error).__name__}: {error}")

        background(task)

    def _load(self) -> None:
        _networks.warm_up(self._settings({}), _dataset(self.play.dataset, self.source))
        self._say("ready", "Ready: choose, then Train.")

    def _chosen(self, change: Any) -> None:
        """Compile what was just chosen while its reader moves on to Train; an error is said when it trains."""
        chosen = dict(self.widget.state)

        def work() -> None:
            if self.status == "ready" and chosen == self.widget.state:  # a slider that still moves asks again
                _networks.warm_up(self._settings(chosen), _dataset(self.play.dataset, self.source))

        if self.status == "ready":
            background(work)

    def _train(self, chosen: dict[str, int]) -> None:
        words = small.settings_in_words(self.task, chosen, self.generator)

        def grown(history: small.History) -> None:
            if not self.stopping.is_set():
                said = f"{words}: {run_in_words(history, self.play.extra)}"
                self.run = {"words": words, "history": history, "said": said}
                self._say(self.status, self.said)

        settings, dataset = self._settings(chosen), _dataset(self.play.dataset, self.source)
        small.train_small(settings, dataset, grown, self.pausing.is_set, self.stopping.is_set, _networks)
        stopped = self.stopping.is_set()
        if self.run and not stopped:
            keep(self.task, self.run)
        how = "Stopped" if stopped else "Done"
        self._say("ready", f"{how}: {self.run['said']}" if self.run else "Ready.")

    def _settings(self, chosen: dict[str, int]) -> small.Settings:
        return small.settings_for(self.task, chosen, self.generator)

    def _say(self, status: str, said: str) -> None:
        self.status, self.said = status, said
        self.widget.news = {"status": status, "said": said, "run": self.run, "past": self.past}


def keep(task: str, run: dict[str, Any]) -> Path | None:
    """Store the run of a notebook that was opened in the student's folder, in `runs` there."""
    if not paths.in_my_lab():
        return None
    folder = paths.my_lab_dir() / "runs"
    folder.mkdir(exist_ok=True)
    file = folder / f"{task}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps({"task": task, **run}, indent=1) + "\n", encoding="utf-8")
    return file


def _heed_the_stop_key(stop: Callable[[], None]) -> None:
    """Make the kernel's stop key, ignored between cells, end a training in the background, by its main thread."""
    from IPython import get_ipython

    kernel: Any = getattr(get_ipython(), "kernel", None)

    def heed() -> None:
        signal.signal(signal.SIGINT, lambda *_: stop())
        kernel.saved_sigint_handler = signal.getsignal(signal.SIGINT)  # what the kernel goes back to after a cell

    if hasattr(kernel, "saved_sigint_handler"):
        kernel.io_loop.add_callback(heed)


@functools.cache
def _dataset(name: str, source: str) -> Dataset:
    return small.small_dataset(name, source)


def _classes(play: small.Play) -> int:
    return 9 if play.dataset == "x_ray" else 2
