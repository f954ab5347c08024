"""What the processor is called, and that a parent that is killed outright leaves no process behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import descendants, python_path, start_python, wait_until

from labutils import machine

WAITS = "import time; from labutils.machine import leave_with_parent; leave_with_parent(); time.sleep(3600)"
STARTED = {
    "a command": f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {WAITS!r}], stdin=subprocess.PIPE)
time.sleep(3600)
""",
    "the drawing of phantoms": """
import pathlib
from labutils import machine
from labutils.phantoms import write
machine.cores = lambda: 2
write.write_phantoms("bone", pathlib.Path("Bone"), progress=False)
""",
}


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
@pytest.mark.parametrize(("code", "least"), [*zip(STARTED.values(), (1, 2), strict=True)], ids=STARTED)
def test_children_leave_with_a_parent_that_is_killed(results, code, least):
    process = start_python(code, results)
    try:
        wait_until(lambda: len(descendants(process.pid)) >= least)
        children = descendants(process.pid)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def test_a_child_that_starts_after_its_parent_has_gone_leaves_at_once():
    child = subprocess.Popen(
        [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": python_path()}
    )
    assert child.stdin is not None
    child.stdin.close()
    wait_until(lambda: child.poll() is not None)
    assert child.returncode == 1


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
