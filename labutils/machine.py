"""This machine and what its owner has set: cores, threads, memory, units for bfloat16, the environment variables.

A variable that cannot be used is a sentence that names it, said when it is first needed.
"""

import json
import os
import platform
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from labutils.errors import ParameterError

CHOICES = {  # variables that take one of a few words
    "LABUTILS_PRECISION": ("auto", "float32", "bfloat16"),
    "LABUTILS_PROGRESS": ("bar", "log", "none"),
    "KERAS_BACKEND": ("tensorflow", "jax", "torch"),
}

KERAS_CHOICES = {  # what Keras accepts in its `keras.json`, the lab's own first
    "floatx": ("float32", "float16", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}

_BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
_TELLING_FLAGS = (*_BFLOAT16_FLAGS, "avx512_vnni", "avx512f", "avx2")
"""What results depend on in their last digits, the widest first: AMX adds in another order than AVX512-BF16."""


def cores() -> int:
    """Cores that this process may use: what `taskset` and containers leave of the machine's."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Threads of a training step: `LABUTILS_THREADS` (a ParameterError if no whole number from 1), else the cores."""
    asked = _variable("LABUTILS_THREADS")
    if not asked:
        return cores()
    if not asked.isdecimal() or len(asked) > 6 or int(asked) < 1:
        raise ParameterError(f"LABUTILS_THREADS is {asked!r:.40}: it must be a whole number from 1, or be unset.")
    return int(asked)


def memory() -> int | None:
    """Bytes of memory of this machine, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def bfloat16_units() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself (AMX, AVX512-BF16): several times as fast."""
    return bool(set(_BFLOAT16_FLAGS) & set(_processor().get("flags", "").split()))


def processor() -> str:
    """The processor in words, with the instructions that results depend on in their last digits."""
    facts = _processor()
    name = facts.get("model name") or platform.processor() or platform.machine()
    # Processors of one name may differ in this, and then results differ in their last digits.
    widest = [kind for kind in _TELLING_FLAGS if kind in facts.get("flags", "").split()]
    return f"{name}{f' ({widest[0]})' if widest else ''}, {os.cpu_count()} cores, {platform.system()}"


def precision() -> str:
    """`LABUTILS_PRECISION`: `auto` unless set, `float32` or `bfloat16`."""
    return _choice("LABUTILS_PRECISION") or "auto"


def backend() -> str:
    """`KERAS_BACKEND`: `tensorflow` unless set, `jax` or `torch`."""
    return _choice("KERAS_BACKEND") or "tensorflow"


def installed_backend() -> str:
    """The `backend`, if its package is installed; else a ParameterError."""
    name = backend()
    if find_spec(name) is None:
        asked = f"KERAS_BACKEND is {name!r}, but" if _variable("KERAS_BACKEND") else "KERAS_BACKEND is not set, and"
        others = [other for other in CHOICES["KERAS_BACKEND"] if find_spec(other)]
        instead = f", or set KERAS_BACKEND to what is installed ({', '.join(others)})" if others else ""
        raise ParameterError(f"{asked} {name} is not installed here: pip install {name}{instead}.")
    return name


def keras_settings() -> dict[str, Any]:
    """What this machine's `keras.json` says, of which the lab uses nothing; empty where there is none, or no JSON.

    A ParameterError says that Keras could not be imported with it.
    """
    folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    file = Path(folder).expanduser() / "keras.json"
    mend = f"Remove {file}, or mend it: Keras reads it when it is imported."
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    except OSError as error:
        raise ParameterError(f"keras.json cannot be read ({(error.strerror or str(error)).lower()}). {mend}") from None
    if not isinstance(settings, dict):
        raise ParameterError(f"keras.json holds {settings!r:.40}: it must hold settings in braces. {mend}")
    for name, allowed in KERAS_CHOICES.items():
        if (value := settings.get(name, allowed[0])) not in allowed:
            said = f"it must be one of {', '.join(allowed)}"
            raise ParameterError(f"{name} is {value!r:.40} in keras.json: {said}. {mend}")
    if not isinstance(value := settings.get("epsilon", 1e-7), float):
        raise ParameterError(f"epsilon is {value!r:.40} in keras.json: it must be a number. {mend}")
    return settings


def progress() -> str:
    """`LABUTILS_PROGRESS`: `bar`, `log`, `none`, or nothing where it is not set."""
    return _choice("LABUTILS_PROGRESS")


def folder(name: str) -> Path | None:
    """The folder that a variable such as `LABUTILS_DATA` names, there or not; None unless set, or a ParameterError."""
    asked = _variable(name)
    if not asked:
        return None
    try:
        place = Path(asked).expanduser()
        place.exists()  # False is an answer; a name that is too long, or a locked folder above, is none
    except (OSError, RuntimeError) as error:
        said = (getattr(error, "strerror", None) or str(error)).rstrip(".").lower()
        raise ParameterError(f"{name} is {asked!r:.60} ({said}): set it to a folder, or unset it.") from None
    return place


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _choice(name: str) -> str:
    asked = _variable(name)
    if asked and asked not in CHOICES[name]:
        *others, last = CHOICES[name]
        raise ParameterError(f"{name} is {asked!r}: it must be {', '.join(others)} or {last}, or be unset.")
    return asked


@cache
def _processor() -> dict[str, str]:
    """What Linux says of the processor; empty elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line.split(":", 1) for line in file if ":" in line]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, value in lines}


def leave_with_parent(last: Callable[[], object] = lambda: None) -> None:
    """End this process as soon as the one that started it is gone, after `last`; called once, by the child.

    Started by `subprocess`, its standard input must be a pipe (`stdin=PIPE`) that nobody writes to.
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
