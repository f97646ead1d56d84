"""xformers: quiet at import, and its masks are our windows."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from variants import oracles, xformers_ops

pytest.importorskip("xformers", reason="xformers is for Linux on x86-64 only")


def test_importing_it_prints_nothing() -> None:
    code = "from variants.xformers_ops import _ops; assert _ops().memory_efficient_attention"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("sides", [(0, 0), (3, 0), (0, 2), (5, 4), (40, 40), (None, 0)])
def test_its_masks_are_our_windows(sides: tuple[int | None, int]) -> None:
    left, right = sides
    theirs = xformers_ops._bias(left, right).materialize((33, 33)) == 0
    ours = oracles.window_counts(33, 33 if left is None else left, right, torch.arange(33))
    assert torch.equal(ours, theirs)


def test_an_open_window_needs_no_mask() -> None:
    assert xformers_ops._bias(None, None) is None
