"""pytest in a process of its own, with this project's plug-in, as its user would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

QUICK = ("--benchmark-max-time=0.01", "--benchmark-min-rounds=5")

MINE = """
import torch
from variants import register_core


def core(function):
    return register_core(function.__name__, uses_chunk_size=False,
                         visible=lambda i, j, *, causal, chunk_size: j > -1)(function)


def softmax(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


@core
def mine(q, k, v, *, causal, chunk_size, key_padding_mask):
    return softmax(q, k, v)


@core
def wrong(q, k, v, *, causal, chunk_size, key_padding_mask):
    return softmax(q, k, v) * 1.01


@core
def short(q, k, v, *, causal, chunk_size, key_padding_mask):
    return v[:, :, 1:]


@core
def unlucky(q, k, v, *, causal, chunk_size, key_padding_mask):
    raise RuntimeError("no luck today")
"""
"""A plug-in with an attention that is right, and three that are not."""


def run_pytest(
    folder: Path, *arguments: str, timed: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with the plug-ins that are named here, and no others.

    Args:
        timed: with pytest-benchmark.
    """
    plugins = ["-p", "hatrick.pytest_plugin", *(["-p", "pytest_benchmark.plugin"] * timed)]
    # Of the pytest that runs this test, nothing: under xdist it would switch benchmarks off.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=plain | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
