"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import labutils

MODULES = [module.name for module in pkgutil.walk_packages(labutils.__path__, "labutils.")]


def test_there_are_examples():
    assert sum(bool(doctest.DocTestFinder().find(importlib.import_module(name))) for name in MODULES) > 0


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
