"""How a band of visible pairs is cut into tiles: rows side by side, and the window they share.

Query i sees the keys i − left … i + right, and key j is seen by the queries j − right … j + left:
the same band, from either side. A tile is cut from whichever side's rows are its own; the other
side's rows, from the first that its first row can reach to the last that its last row can, are its
window. No copy is made: windows of neighbouring blocks overlap in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

EVERY = slice(None)


@dataclass(frozen=True)
class Tile:
    """`count` blocks of rows with their windows, in `(batch, heads, seq_len, d)` tensors.

    One block: of all heads of the whole batch, `(batch, heads, rows, d)`. Several: of one head of
    one sequence, and the blocks take the place of heads, `(1, count, rows, d)`. Neighbouring blocks
    share most of their windows, so a tile of them works in the cache. A tensor may have one head
    for all.
    """

    batch: slice
    heads: slice
    start: int
    stop: int
    low: int
    high: int
    count: int
    offset: int
    """What the beginning of the sequence cuts off the first window."""

    @property
    def block(self) -> int:
        """Rows of a block."""
        return (self.stop - self.start) // self.count

    @property
    def width(self) -> int:
        """Rows of a block's window."""
        return self.high - self.low - (self.count - 1) * self.block

    def own(self, tensor: Tensor) -> Tensor:
        """A view of the blocks' rows."""
        rows = self._rows(tensor, self.start, self.stop)
        return rows if self.count == 1 else rows[0].unflatten(1, (self.count, self.block))

    def window(self, tensor: Tensor) -> Tensor:
        """A view of the windows' rows; the same row is in several."""
        return self._strided(tensor, 0, self.width)

    def add_to_window(self, total: Tensor, parts: Tensor) -> None:
        """Add to each row of `total` its share from every window it is in."""
        # Slices of windows that are no longer than the step between windows never overlap.
        step = self.width if self.count == 1 else self.block
        for begin in range(0, self.width, step):
            end = min(begin + step, self.width)
            self._strided(total, begin, end).add_(parts[:, :, begin:end])

    def of_band(self, band: Tensor) -> Tensor:
        """The part of `band(...)` that lies within the sequence."""
        return band[: self.block, self.offset : self.offset + self.width]

    def _strided(self, tensor: Tensor, begin: int, end: int) -> Tensor:
        """Rows `begin` to `end` of each window."""
        last = self.low + (self.count - 1) * self.block + end
        rows = self._rows(tensor, self.low + begin, last)
        return rows if self.count == 1 else rows[0].unfold(1, end - begin, self.block).mT

    def _rows(self, tensor: Tensor, begin: int, end: int) -> Tensor:
        heads = self.heads if tensor.shape[1] > 1 else EVERY
        return tensor[self.batch, heads, begin:end]


def band(block: int, before: int, after: int, device: torch.device) -> Tensor:
    """Which rows of its window each row of a block is paired with: bool
    `(block, before + block + after)`."""
    own = torch.arange(block, device=device)[:, None]
    window = torch.arange(before + block + after, device=device)
    return (window >= own) & (window <= own + before + after)


def within(seq_len: int, before: int, after: int, block: int) -> tuple[int, int]:
    """The first and the end of the whole blocks whose windows lie within the sequence."""
    first = -(-before // block) * block
    return first, max((seq_len - after) // block * block, first)


def tiles(
    batch: int, heads: int, seq_len: int, before: int, after: int, block: int, together: int
) -> Iterator[Tile]:
    """Tiles that have every row of every head once.

    Args:
        before, after: how far a row's window reaches, less than seq_len.
        block: rows of a block; the last one may have fewer.
        together: blocks of one head in a tile, where their windows lie within the sequence. With
            1, every tile is one block of all heads.
    """

    def tile(start: int, count: int = 1, item: slice = EVERY, head: slice = EVERY) -> Tile:
        stop = min(start + count * block, seq_len)
        low, high = max(0, start - before), min(seq_len, stop + after)
        return Tile(item, head, start, stop, low, high, count, low - (start - before))

    first, last = within(seq_len, before, after, block)
    if together == 1 or last - first <= block:
        first = last = 0
    yield from (tile(start) for start in range(0, first, block))
    yield from (tile(start) for start in range(last, seq_len, block))
    for i, h in product(range(batch), range(heads)):
        for start in range(first, last, together * block):
            count = min(together, (last - start) // block)
            yield tile(start, count, slice(i, i + 1), slice(h, h + 1))
