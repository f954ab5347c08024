"""The quick live copies train: into a results folder of their own, so that nothing stored is reused or touched."""

import os
import tempfile

RESULTS = tempfile.TemporaryDirectory(prefix="labutils-reference-")
os.environ["LABUTILS_RESULTS"] = RESULTS.name
