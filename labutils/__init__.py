"""Loaders, models, training, evidence and plots behind the notebooks of the lab.

`import labutils` costs nothing: each room is imported where it is used, and TensorFlow when something trains or
predicts. ARCHITECTURE.md shows the house.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.2.0"

_MOVED = {"check": "course", "widgets": "course", "report": "tools", "own": "tools", "doctor": "tools"}
"""What notebooks copied before the rooms were sorted import from here, and where it lives."""


def __getattr__(name: str) -> ModuleType:
    if name in _MOVED:
        return import_module(f"labutils.{_MOVED[name]}.{name}")
    raise AttributeError(f"module 'labutils' has no attribute {name!r}")
