"""Loaders, models, training, evidence and plots behind the notebooks of the lab.

`import labutils` costs nothing: each room is imported where it is used, and TensorFlow when something trains or
predicts. ARCHITECTURE.md shows the house.
"""

from labutils import keras_import

keras_import.prepare()

__version__ = "0.2.0"
