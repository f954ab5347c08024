"""Notebooks executed by a machine: run (`execute`), built with outputs, sent to a cluster (`remote`)."""
