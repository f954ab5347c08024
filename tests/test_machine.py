"""What the processor is called where a result says on what it was trained."""

import pytest

from labutils import machine


@pytest.mark.parametrize(
    ("flags", "said", "units"),
    [
        ("avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile", "(amx_bf16)", True),
        ("avx2 avx512f avx512_vnni avx512_bf16", "(avx512_bf16)", True),
        ("avx2 avx512f avx512_vnni", "(avx512_vnni)", False),
        ("sse4_2 avx2", "(avx2)", False),
        ("sse4_2", "", False),
    ],
)
def test_processors_of_one_name_are_told_apart_by_what_last_digits_depend_on(monkeypatch, flags, said, units):
    monkeypatch.setattr(machine, "_processor", lambda: {"model name": "Some Xeon", "flags": flags})
    assert machine.processor().startswith(f"Some Xeon {said}, ".replace(" ,", ","))
    assert machine.bfloat16_units() is units
