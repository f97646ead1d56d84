"""What the worker's malloc does with memory that is freed. `docs/measuring.md` has the evidence."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

ALLOCATORS: dict[str, dict[str, str]] = {
    "kept": {
        "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
        "MALLOC_TOP_PAD_": str(64 << 20),
    },
    "system": {},
}
"""The environment variables that make glibc's malloc behave so.

By default it gives large blocks back to the system, and learns from the blocks it has seen freed
which are large (mallopt(3), M_MMAP_THRESHOLD): a call pays for page faults or not by what ran
before it. `kept` makes a point's latency its own, and is what CUDA's caching allocator does anyway.
`system` leaves malloc as the environment has it.
"""

WORKSPACES = 4
LEAST_HEAP = 64 << 20
"""What the heap is filled with: so many times the largest workspace, and so many bytes more."""
UNKNOWN_WORKSPACE = 128 << 20
"""For a worker that takes over points which another one, now lost, has prepared."""


def fill_heap(workspace_bytes: int) -> None:
    """Have malloc hold memory for the calls to come, so that the first ones do not pay for it.

    It must be several times what a call takes: an aligned block, such as torch asks for, never fits
    into the gap that one of the same size has left (glibc before 2.38), and moves on to fresh
    memory while there is any.

    Args:
        workspace_bytes: of the call that takes the most.
    """
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    size = min(LEAST_HEAP + WORKSPACES * workspace_bytes, memory // 8)
    with suppress(RuntimeError):  # no more to be had: first calls pay, but no point fails for it
        torch.empty(size, dtype=torch.uint8).fill_(0)


def give_back_freed_memory() -> None:
    """Have malloc return what is free to the system, so that the resident set is what is used."""
    with suppress(AttributeError, OSError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)
