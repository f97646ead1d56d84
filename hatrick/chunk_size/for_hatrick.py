"""The chunk size for a layer of `hatrick.HATrick`."""

from __future__ import annotations

import torch

from hatrick.chunk_size.choose import Choice, choose
from hatrick.chunk_size.identity import code_identity
from hatrick.chunk_size.wanted import Direction, Wanted
from hatrick.cost import Cost, hatrick_cost, passes


def choose_chunk_size(
    dim: int,
    heads: int,
    seq_len: int,
    *,
    causal: bool = False,
    backend: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    direction: Direction | None = None,
    batch: int | None = None,
) -> Choice:
    """The chunk size that `HATrick(..., chunk_size="auto")` takes, and where it comes from; with
    what a layer does not know when it is made.

    >>> choose_chunk_size(512, 8, 8192, direction="forward", batch=4)

    Args:
        dim, heads, causal, backend, device, dtype: of the layer.
        seq_len: T that it is made for.
        direction: `forward` or `forward+backward`; None: either, the latter first.
        batch: sequences of a call; None: any, the smaller first.

    Raises:
        ValueError: `seq_len` is not an integer of at least 1.
    """
    wanted = Wanted(
        variant="hatrick",
        backend=backend,
        dim=dim,
        heads=heads,
        causal=causal,
        seq_len=seq_len,
        code=code_identity(),
        device=device,
        dtype=dtype,
        direction=direction,
        batch=batch,
    )
    element_size = (dtype or torch.get_default_dtype()).itemsize

    def cost(chunk_size: int, of: Direction) -> Cost:
        shape = (dim, chunk_size, batch or 1, seq_len)
        return hatrick_cost(*shape, causal=causal, element_size=element_size) * passes(of)

    return choose(wanted, cost)
