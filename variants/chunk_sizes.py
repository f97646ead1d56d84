"""The chunk size for a variant that is about to be made."""

from __future__ import annotations

from dataclasses import replace

import torch

from hatrick.chunk_size.choose import Choice, choose
from hatrick.chunk_size.profile import NO_MATTER
from hatrick.chunk_size.wanted import Wanted
from hatrick.cost import Cost
from variants.config import AttentionConfig, Direction, VariantOptions
from variants.interface import Variant


def choose_for_variant(
    cls: type[Variant],
    config: AttentionConfig,
    options: VariantOptions,
    seq_len: int,
    backend: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Choice:
    """As `hatrick.chunk_size.choose.choose`; the config's own chunk size does not matter.

    Raises:
        ValueError: the variant has no chunks, or `seq_len` is not an integer of at least 1.
    """
    if not cls.chunked(options):
        raise ValueError(
            f'{cls.name} has no chunk size to choose, given {options!r}: leave chunk_size="auto" '
            "and seq_len out"
        )
    element_size = (dtype or torch.get_default_dtype()).itemsize
    wanted = Wanted(
        variant=cls.name,
        # As points of a sweep have them: what is None follows from the rest.
        options={
            name: value
            for name, value in options.model_dump(mode="json", exclude_none=True).items()
            if name not in NO_MATTER
        },
        backend=backend,
        dim=config.dim,
        heads=config.heads,
        causal=config.causal,
        seq_len=seq_len,
        code=cls.code_identity(),
        device=device,
        dtype=dtype,
    )

    def cost(chunk_size: int, direction: Direction) -> Cost | None:
        sized = replace(config, chunk_size=chunk_size)
        return cls.cost(sized, 1, seq_len, direction, element_size=element_size, options=options)

    return choose(wanted, cost)
