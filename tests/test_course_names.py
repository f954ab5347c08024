"""Names of classes: every class has one, in every language."""

import json

import pytest

from labutils.course.names import FILE, class_name, names_table
from labutils.data.layouts import DATASETS
from labutils.errors import ParameterError


@pytest.mark.parametrize("language", list(json.loads(FILE.read_text(encoding="utf-8"))))
def test_every_class_has_a_name_of_its_own(language):
    codes = [code for layout in DATASETS.values() for code in layout.class_names]
    names = [class_name(code, language) for code in codes]
    assert len(set(names)) == len(names) and not set(names) & set(codes)


def test_the_regions_are_those_that_the_phantoms_draw():
    from labutils.phantoms.draw_xray import REGIONS

    words = {"lumbar spine": "spine"}
    for code, draw in REGIONS.items():
        name = class_name(code)
        assert draw.__name__ == f"draw_{words.get(name, name)}"


def test_unknown():
    assert class_name("C10") == "C10"
    with pytest.raises(ParameterError, match="no language 'xx'; there are en, de"):
        class_name("C1", "xx")


def test_table():
    assert list(names_table(["C1", "C2"], "de")["shows"]) == ["Thorax", "Hand"]
