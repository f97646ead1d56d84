"""A sequence cut into blocks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layers import random

from hatrick import blocks as module
from hatrick.blocks import Masks, blocks
from hatrick.reference import reference


@given(
    batch=st.integers(1, 4),
    seq_len=st.integers(1, 60),
    chunk_size=st.integers(1, 12),
    rows=st.integers(1, 40),
)
def test_every_token_is_in_one_block_of_bounded_size(
    batch: int, seq_len: int, chunk_size: int, rows: int
) -> None:
    chunk_size = min(chunk_size, seq_len)
    seen = torch.zeros(batch, seq_len, 1)
    chunks = torch.zeros(batch, -(-seq_len // chunk_size))
    for block in blocks(batch, seq_len, chunk_size, rows):
        part = block.of(seen)
        part += 1
        chunks[block.sequences, block.chunks] += 1
        whole = block.size == chunk_size
        assert not whole or part.numel() <= max(rows, chunk_size)
        assert part.shape[:2] == chunks[block.sequences, block.chunks].shape
    assert bool((seen == 1).all())
    assert bool((chunks == 1).all())


def test_rows_led_by_a_cls_come_back_as_they_were() -> None:
    x, y = random(2, 11, 3), torch.zeros(2, 11, 3, dtype=torch.float64)
    lead = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    for block in blocks(2, 11, 4, 8):
        rows = block.led(x, lead)
        assert torch.equal(block.first(rows.flatten(0, 1)), lead.expand(rows.shape[0], 3))
        block.put(y, rows.flatten(0, 1))
    assert torch.equal(x, y)


def test_without_causality_or_padding_nothing_is_masked() -> None:
    (block,) = blocks(1, 8, 4, 8)
    masks = Masks(causal=False)
    assert masks.local(block, torch.float32, torch.device("cpu")) is None
    assert masks.cross(block, torch.zeros(1, 2, 4)) == (None, None)


def test_masks_say_who_sees_whom() -> None:
    (block,) = blocks(1, 4, 2, 8)
    valid = torch.tensor([[True, False, True, True]])
    masks = Masks(True, valid, torch.tensor([[True, True]]))
    local = masks.local(block, torch.float32, torch.device("cpu"))
    assert local is not None
    # Rows and columns: the CLS, the two tokens. The CLS sees its whole chunk, whatever is valid.
    assert (local[:, 0] == 0).tolist() == [
        [[True, True, False], [True, True, False], [True, True, False]],
        [[True, True, True], [True, True, False], [True, True, True]],
    ]
    bias, sees = masks.cross(block, torch.zeros(1, 2, 4))
    assert bias is not None
    assert sees is not None
    assert (bias[0, 0] == 0).tolist() == [[False, False]] * 3 + [[True, False]] * 3
    assert sees.flatten().tolist() == [False] * 3 + [True] * 3


def test_the_reference_shares_no_code_with_the_blocks() -> None:
    assert module.__name__ not in reference.__globals__


def test_a_block_grows_with_the_threads_of_a_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for threads, rows in ((1, module.ROWS), (2, module.ROWS), (8, 4 * module.ROWS)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert module.block_rows(torch.device("cpu")) == rows
        assert module.block_rows(torch.device("cuda")) == module.CUDA_ROWS
