"""Tiles of a band: every row once, every visible pair once, sums over windows that overlap."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import random
from torch import Tensor

from variants import oracles
from variants.window_tiles import Tile, band, tiles, within

SHAPES = {
    "seq_len": st.integers(1, 90),
    "before": st.integers(0, 40),
    "after": st.integers(0, 40),
    "block": st.integers(1, 16),
    "together": st.integers(1, 6),
}


def cut(seq_len: int, before: int, after: int, block: int, together: int) -> list[Tile]:
    before, after = min(before, seq_len - 1), min(after, seq_len - 1)
    return list(tiles(2, 3, seq_len, before, after, block, together))


@settings(max_examples=100, deadline=None)
@given(**SHAPES)
def test_every_pair_of_the_band_is_in_one_tile(
    seq_len: int, before: int, after: int, block: int, together: int
) -> None:
    rows = torch.arange(seq_len, dtype=torch.float64)[None, None, :, None].expand(2, 3, -1, 1)
    head = torch.arange(6, dtype=torch.float64).view(2, 3, 1, 1).expand(2, 3, seq_len, 1)
    counts = torch.zeros(6, seq_len, seq_len, dtype=torch.int64)
    whole = band(block, min(before, seq_len - 1), min(after, seq_len - 1), torch.device("cpu"))
    for tile in cut(seq_len, before, after, block, together):
        own, window = tile.own(rows), tile.window(rows)
        which, other = tile.own(head).long(), tile.window(head).long().mT
        assert torch.equal(which.expand(*which.shape[:-1], other.shape[-1])[..., :1, :], other)
        pairs = tile.of_band(whole).expand(*own.shape[:2], -1, -1)
        index = (which.expand_as(pairs), own.long().expand_as(pairs))
        seen = torch.stack([*index, window.long().mT.expand_as(pairs)])[:, pairs]
        counts.index_put_(
            tuple(seen), torch.ones(seen.shape[1], dtype=torch.int64), accumulate=True
        )
    expected = oracles.window_counts(seq_len, before, after, torch.arange(seq_len))
    assert torch.equal(counts, expected.long().expand(6, -1, -1))


@settings(max_examples=60, deadline=None)
@given(**SHAPES)
def test_what_windows_are_given_is_summed_row_by_row(
    seq_len: int, before: int, after: int, block: int, together: int
) -> None:
    got, want = torch.zeros(2, 3, seq_len, 2), torch.zeros(2, 3, seq_len, 2)
    index = torch.arange(want.numel()).view_as(want)
    for tile in cut(seq_len, before, after, block, together):
        parts = torch.randint(9, tile.window(got).shape).to(got)
        tile.add_to_window(got, parts)
        # index_put_ adds as often as an element occurs, whatever overlaps.
        want.view(-1).index_put_((tile.window(index).reshape(-1),), parts.reshape(-1), True)
    assert torch.equal(got, want)


def test_several_blocks_are_of_one_head_and_one_block_is_of_all() -> None:
    shapes: set[tuple[int, ...]] = set()
    x: Tensor = random(2, 3, 40, 5)
    for tile in cut(40, 4, 4, 4, 3):
        shapes.add(tuple(tile.own(x).shape))
    # The 8 blocks within are 3 + 3 + 2; the one at each end is alone.
    assert shapes == {(2, 3, 4, 5), (1, 3, 4, 5), (1, 2, 4, 5)}


def test_one_head_stands_for_all() -> None:
    x = random(2, 1, 40, 1)
    for tile in cut(40, 4, 4, 4, 3):
        assert torch.equal(tile.own(x)[:, :1], tile.own(x.expand(2, 3, 40, 1))[:, :1])


def test_views_copy_nothing() -> None:
    x = random(2, 3, 40, 5)
    for tile in cut(40, 4, 6, 4, 3):
        for view in (tile.own(x), tile.window(x)):
            assert view.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def test_blocks_within_have_whole_windows() -> None:
    assert within(100, 10, 5, 8) == (16, 88)
    assert within(10, 9, 9, 8) == (16, 16)  # none
