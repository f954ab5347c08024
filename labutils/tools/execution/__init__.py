"""Notebooks executed by a machine: run (`execute`), built with outputs (`build`)."""
