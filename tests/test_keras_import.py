"""Plain `import keras` after `import labutils`: quiet, and set up as every training of the lab."""

import os
import subprocess
import sys

import pytest

TOLD = """
import labutils, sys
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
import keras
import tensorflow as tf
print(keras.backend.backend(), tf.config.threading.get_intra_op_parallelism_threads(), keras.config.max_epochs())
"""


def ask(code: str, **variables: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KERAS", "TF_", "LABUTILS"))}
    return subprocess.run([sys.executable, "-c", code], env=kept | variables, capture_output=True, text=True)


def test_plain_keras_is_quiet_and_has_the_labs_settings():
    done = ask(TOLD, LABUTILS_THREADS="1", KERAS_MAX_EPOCHS="one")
    assert done.stdout.split() == ["tensorflow", "1", "None"], done.stderr
    assert not done.stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"KERAS_BACKEND": "theano"}, "KERAS_BACKEND is 'theano': it must be tensorflow, jax or torch"),
        ({"LABUTILS_THREADS": "many"}, "LABUTILS_THREADS is 'many': it must be a whole number from 1"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(variables, says):
    done = ask("import labutils, keras", **variables)
    assert done.returncode == 1 and says in done.stderr.splitlines()[-1]
