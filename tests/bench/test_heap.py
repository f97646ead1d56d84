from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bench.environment import worker_environment
from bench.heap import ALLOCATORS, give_back_freed_memory

glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="it is glibc's malloc that is told"
)
# 64 MiB are 16,384 pages, and never kept by default.
FAULTS = """
import resource, torch
from bench.heap import fill_heap
fill_heap(64 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(16 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
GIVEN_BACK = """
import torch
from bench.heap import fill_heap, give_back_freed_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
fill_heap(64 << 20)
filled = resident()
give_back_freed_memory()
print(filled - before, resident() - before)
"""
LIMITED = """
import resource, torch
from bench.heap import fill_heap
limit = 512 << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
fill_heap(1 << 30)
print(torch.ones(3).sum().item())
"""


def says(script: str, allocator: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=worker_environment(allocator, "passive"),
    )
    return [float(word) for word in done.stdout.split()]


@glibc
def test_memory_that_was_freed_comes_back_without_page_faults() -> None:
    assert says(FAULTS, "kept")[0] < 1000


@glibc
def test_the_heap_holds_memory_until_it_is_given_back() -> None:
    filled, left = says(GIVEN_BACK, "kept")
    assert filled > 256 << 20
    assert left < filled / 4


def test_where_there_is_no_memory_to_hold_everything_goes_on_without() -> None:
    assert says(LIMITED, "kept") == [3.0]


def test_malloc_is_left_alone_where_that_is_asked_for() -> None:
    assert ALLOCATORS["system"] == {}


def test_giving_back_what_is_not_there_is_no_error() -> None:
    give_back_freed_memory()
    give_back_freed_memory()
