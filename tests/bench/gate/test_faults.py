"""What spoils HATrick, each in a process of its own: a class is changed."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

import pytest

from bench.gate.faults import SLOWER

CALL = """
import importlib, sys, torch, variants
torch.set_num_threads(1)
layer = variants.create("hatrick", variants.AttentionConfig(64, 4, chunk_size=16))
x = torch.randn(1, 64, 64)
sound = layer(x)
importlib.import_module(sys.argv[1]).spoil(type(layer))
spoilt = layer(x)
print(int((spoilt != sound).sum()))
"""


def changed_elements(fault: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CALL, f"bench.gate.faults.{fault}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize(("fault", "elements"), [("wrong", 1), ("copies", 0), ("slower", 0)])
def test_as_many_elements_are_wrong_as_are_to_be(fault: str, elements: int) -> None:
    assert changed_elements(fault) == elements


def test_slower_is_slower_by_its_share() -> None:
    times = """
import time, torch, variants
from bench.gate.faults import slower
torch.set_num_threads(1)
layer = variants.create("hatrick", variants.AttentionConfig(64, 4, chunk_size=16))
fast = type(layer).forward
slower.spoil(type(layer))
slow = type(layer).forward
x = torch.randn(1, 256, 64)
with torch.no_grad():
    for _ in range(20):
        fast(layer, x)
    for _ in range(300):
        for call in (fast, slow):
            start = time.perf_counter()
            call(layer, x)
            print(time.perf_counter() - start)
"""
    done = subprocess.run([sys.executable, "-c", times], capture_output=True, text=True, check=True)
    found = list(map(float, done.stdout.split()))
    ratio = median(slow / fast for fast, slow in zip(found[::2], found[1::2], strict=True))
    assert ratio == pytest.approx(1 + SLOWER["cpu"], abs=0.06)
