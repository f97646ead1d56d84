"""Fixtures for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

import variants.registry

# Tensors of tests are small: a second thread gains nothing, and on a busy machine every one of its
# barriers waits for a time slice.
torch.set_num_threads(1)


@pytest.fixture
def registry() -> Iterator[ModuleType]:
    """Takes back whatever a test registers."""
    module = sys.modules[variants.registry.__name__]
    before = dict(module._variants)
    yield module
    module._variants.clear()
    module._variants.update(before)
