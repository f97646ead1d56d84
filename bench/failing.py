"""What is said of an exception that a variant raised: anything may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "ALLOC_FAILED", "out of memory")
"""How the allocators of torch that raise a plain RuntimeError say it."""


@contextmanager
def during(stage: str) -> Iterator[None]:
    """Note on an exception at which stage it came: `it was built`."""
    try:
        yield
    except Exception as error:
        error.add_note(stage)
        raise


def is_out_of_memory(error: Exception) -> bool:
    """Whether it is for want of memory, on whichever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY)


def in_words(error: Exception) -> str:
    """`Type: message` and the stage, on few lines."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    message = " ".join(lines[:3])[:500]
    stages = getattr(error, "__notes__", [])  # a variant's own notes are among them
    stage = f" (while {'; '.join(stages)})" if stages else ""
    return f"{type(error).__name__}: {message}{stage}"
