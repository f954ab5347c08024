"""`import keras` as the lab uses it: quiet, on the backend of `KERAS_BACKEND`, on `LABUTILS_THREADS` threads.

`import labutils` enters what is here among Python's finders: plain `import keras` in a cell gives the lab's Keras.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from labutils import machine

EPSILON = 1e-7  # Keras's own smallest probability in a cross-entropy


def prepare() -> None:
    """Have Keras and TensorFlow set up as the lab needs them when they are imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def import_keras() -> Any:
    """Keras, with the lab's settings whatever a cell has made of them.

    A ParameterError: a variable cannot be used, the backend is not installed, or Keras's own configuration is broken.
    """
    prepare()
    check()
    import keras

    # Not what someone's keras.json says, nor what a cell has set: a run is the same whoever trains it.
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(EPSILON)
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    return keras


def check() -> None:
    """Raise as `import_keras` if Keras cannot be had: its own import would end with a stack trace."""
    os.environ["KERAS_BACKEND"] = machine.installed_backend()
    machine.keras_settings()
    machine.threads()


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        around = {"keras": _keras, "tensorflow": _tensorflow}.get(name)
        spec = PathFinder.find_spec(name, path, target) if around else None
        if around and spec and spec.loader:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: around(load, module)  # type: ignore[method-assign]
        return spec


def _keras(load: Callable[[ModuleType], None], module: ModuleType) -> None:
    check()
    for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):  # they would shorten every training in silence
        os.environ.pop(name, None)
    load(module)
    if machine.backend() == "torch":
        import torch

        torch.set_num_threads(machine.threads())


def _tensorflow(load: Callable[[ModuleType], None], module: ModuleType) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow uses oneDNN by itself on some processors only; on all of them it halves the step (`make bench`).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silent_stderr():  # TensorFlow logs its build options before it reads TF_CPP_MIN_LOG_LEVEL
        load(module)
    tensorflow: Any = module
    tensorflow.get_logger().setLevel("ERROR")
    with suppress(RuntimeError):  # raised once TensorFlow runs
        tensorflow.config.threading.set_intra_op_parallelism_threads(machine.threads())


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send what C++ code writes to file descriptor 2 nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
