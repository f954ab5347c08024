"""`playground`: a small network that is trained in the page while its reader looks on.

The page has the images and trains on them (`static/network.js`); the kernel stays free for other cells, and nothing
waits for Keras. What is seen before the first click was recorded in the same page
(`python benchmarks/record.py`).
"""

from __future__ import annotations

import base64
import html
import json
import signal
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import paths
from labutils.config import DENSE_UNITS, scientific
from labutils.course.widgets import small
from labutils.course.widgets.control import STATIC, Knob, instrument, recorded, show, static_page
from labutils.errors import ParameterError
from labutils.evaluate.tables import NETWORKS
from labutils.models import ARCHITECTURES
from labutils.plots.charts import COLOURS, THIRD, TRAINING, VALIDATION, Line, as_image, learning_chart

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset

LOSS_TOP = {2: 1.5, 9: 2.5}
"""Where the loss axis ends: it never moves, so that runs can be compared by eye."""
PAST_COLOURS = COLOURS[1:4]
OWN = "your generator"
_trained: weakref.WeakSet[Any] = weakref.WeakSet()

Generator = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def playground(task: str, source: str = "auto", generator: Generator | None = None) -> None:
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
    show(in_words(task), still(task), lambda: live(task, source, generator))


def static_playground(task: str) -> str:
    """The playground of a task, on phantoms, as HTML that needs neither a kernel nor a server.

    A ParameterError says that the task has none.
    """
    picture = f"<pre>{html.escape(in_words(task))}</pre>"
    return static_page("playground", page_data(task, images_of(task, "phantom")), "", still(task) + picture)


def in_words(task: str) -> str:
    """A playground before its first click, in words, with the run recorded for it."""
    if task not in small.PLAYS:
        raise ParameterError(f"task is {task!r}: there are playgrounds for {', '.join(small.PLAYS)}.")
    play = small.PLAYS[task]
    choices = "; ".join(f"{knob.label}: {', '.join(words for words, _ in knob.choices)}" for knob in play.knobs)
    return f"Playground. {play.question}\nTo choose from: {choices}.\nRecorded with {recorded(task)['said']}"


def still(task: str) -> str:
    """The recorded run as a picture."""
    play, history = small.PLAYS[task], recorded(task)["history"]
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
    return as_image(picture, f"Recorded: {recorded(task)['said']}")


def images_of(task: str, source: str) -> Dataset:
    """The images that a task's playground trains on."""
    return small.small_dataset(small.PLAYS[task].dataset, source)


def page_data(task: str, dataset: Dataset, generator: bool = False) -> dict[str, Any]:
    """All that the page needs to train: knobs with their values, networks, images as bytes, and the program itself."""
    play, before = small.PLAYS[task], recorded(task)
    classes = _classes(play)
    own = [OWN] if generator else []
    start = {"n_base": 8, "classes": dataset.n_classes, "seed": 0, "side": small.SIZE, "batch": small.BATCH}
    blocks = {
        name: [[n, repeats, i in one.pools] for i, (n, repeats) in enumerate(one.blocks, start=1)]
        for name, one in ARCHITECTURES.items()
    }
    where = f"Images of {small.SIZE} x {small.SIZE} pixels"
    if "model" in play.fixed:
        where = f"{NETWORKS[play.fixed['model']]} on i{where[1:]}"
    if "learning_rate" in play.fixed:
        where += f", learning rate {scientific(play.fixed['learning_rate'])}"
    if play.seconds:
        cost = f"One run takes {play.seconds:g} s of training, whatever the network."
    else:
        run, took = f"{small.EPOCHS} epochs of {small.N_TRAIN} images", before["history"]["seconds"][-1]
        cost = f"One run: {run}, {took:.0f} s of training where it was recorded."
    return {
        "title": f"Playground of {task}",
        "question": play.question,
        "knobs": [_for_page(knob, own if knob.name == "augmentation" else []) for knob in play.knobs],
        "own": OWN,
        "fixed": start | play.fixed,
        "networks": {name: {"blocks": blocks[name], "dense": DENSE_UNITS[name]} for name in blocks},
        "engine": "".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("simd", "network")),
        "images": {
            "training": _packed(dataset.x_train, dataset.y_train),
            "validation": _packed(dataset.x_val, dataset.y_val),
        },
        "measured": small.FIXED,
        "recorded": {"words": before["words"], "history": before["history"]},
        "words": f"Recorded with {before['said']}",
        "cost": f"{where}. {cost} Nothing is stored in results/.",
        "epochs": small.EPOCHS,
        "seconds": play.seconds,
        "lossTop": LOSS_TOP[classes],
        "extra": list(play.extra) or None,
        "pastColours": list(PAST_COLOURS),
    }


def _for_page(knob: Knob, more: list[str]) -> dict[str, Any]:
    found = knob.for_page()
    values = [value.model_dump() if hasattr(value, "model_dump") else value for _, value in knob.choices]
    return found | {"choices": [*found["choices"], *more], "values": [*values, *more]}


def _packed(images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    return {"bytes": base64.b64encode(_as_bytes(images)).decode(), "labels": labels.tolist()}


def _as_bytes(images: np.ndarray) -> bytes:
    return np.round(255 * np.clip(images, 0, 1)).astype(np.uint8).tobytes()


def live(task: str, source: str, generator: Generator | None) -> Any:
    """The widget of a playground, for which its kernel does what the page asks for."""
    dataset = images_of(task, source)
    widget = instrument("playground", page_data(task, dataset, generator is not None))

    def hear(_: Any, asked: Any, __: Any) -> None:
        do = asked.get("do") if isinstance(asked, dict) else None
        if do == "train":
            _trained.add(widget)
            _heed_the_stop_key()
        elif do == "keep":
            keep(task, asked["run"])
        elif do == "images" and generator:
            try:
                widget.send({"run": asked["run"]}, [changed_images(dataset, generator, int(asked["epoch"]))])
            except Exception as error:  # nobody sees what is raised here
                widget.send({"run": asked["run"], "failed": f"{type(error).__name__}: {error}"})

    widget.on_msg(hear)
    return widget


def changed_images(dataset: Dataset, generator: Any, epoch: int) -> bytes:
    """The training images as a reader's generator changes them for one epoch, a byte for every pixel."""
    rng, shape = np.random.default_rng([epoch, 3]), dataset.x_train.shape[1:]
    changed = [np.asarray(generator(np.array(image), rng), np.float32) for image in dataset.x_train]
    other = next((image.shape for image in changed if image.shape != shape), None)
    if other:
        raise ParameterError(f"generator gives {other}: the images it gets are {shape}, and so must those be it gives.")
    return _as_bytes(np.stack(changed))


def keep(task: str, run: dict[str, Any]) -> Path | None:
    """Store the run of a notebook that was opened in the student's folder, in `runs` there."""
    if not paths.in_my_lab():
        return None
    folder = paths.my_lab_dir() / "runs"
    folder.mkdir(exist_ok=True)
    file = folder / f"{task}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps({"task": task, **run}, indent=1) + "\n", encoding="utf-8")
    return file


def _heed_the_stop_key() -> None:
    """Make the kernel's stop key, ignored between cells, end every training in the page."""
    from IPython import get_ipython

    kernel: Any = getattr(get_ipython(), "kernel", None)

    def stop() -> None:
        for widget in list(_trained):
            widget.send({"stop": True})

    def heed() -> None:
        # In a thread: the handler may have broken into another message that is being sent.
        signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=stop).start())
        kernel.saved_sigint_handler = signal.getsignal(signal.SIGINT)  # what the kernel goes back to after a cell

    if hasattr(kernel, "saved_sigint_handler"):
        kernel.io_loop.add_callback(heed)


def _classes(play: small.Play) -> int:
    return 9 if play.dataset == "x_ray" else 2
