"""Loaders, models, training, evidence and plots behind the notebooks of the lab.

Submodules are imported when they are first used, so that `import labutils` costs nothing.
"""

from importlib import import_module
from types import ModuleType

__all__ = [
    "augment",
    "config",
    "data",
    "evaluate",
    "explain",
    "layers",
    "models",
    "paths",
    "plots",
    "report",
    "runs",
    "training",
    "widgets",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
