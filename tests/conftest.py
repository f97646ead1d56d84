"""Fixtures for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

import variants.registry
from hatrick.chunk_size import store

# Tensors of tests are small: a second thread gains nothing, and on a busy machine every one of its
# barriers waits for a time slice.
torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Time nothing unless asked to: what is benchmarked in these tests is called once."""
    config.option.benchmark_disable |= not config.option.benchmark_only


@pytest.fixture
def registry() -> Iterator[ModuleType]:
    """Takes back whatever a test registers."""
    module = sys.modules[variants.registry.__name__]
    before = dict(module._variants)
    yield module
    module._variants.clear()
    module._variants.update(before)


@pytest.fixture(scope="session", autouse=True)
def no_profiles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the chunk sizes that whoever runs it has tuned, nor adds to them, nor those that
    come with the package: these are of one machine, which may be this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "SHIPPED", tmp_path_factory.mktemp("shipped"))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config") / "none-yet"))
        yield
