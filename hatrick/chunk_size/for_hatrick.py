"""The chunk size for a layer of `hatrick.HATrick`."""

from __future__ import annotations

import torch

from hatrick.chunk_size.choose import Choice, choose_chunk_size
from hatrick.chunk_size.identity import code_identity
from hatrick.chunk_size.wanted import Direction, Wanted
from hatrick.cost import Cost, hatrick_cost, passes


def choose_for_hatrick(
    dim: int,
    heads: int,
    causal: bool,
    seq_len: int,
    backend: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Choice:
    """As `choose_chunk_size`, with the arguments of the layer.

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
    )
    element_size = (dtype or torch.get_default_dtype()).itemsize

    def cost(chunk_size: int, direction: Direction) -> Cost:
        once = hatrick_cost(dim, chunk_size, 1, seq_len, causal=causal, element_size=element_size)
        return once * passes(direction)

    return choose_chunk_size(wanted, cost)
