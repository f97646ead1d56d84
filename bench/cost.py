"""What the variants' own cost models say of a point."""

from __future__ import annotations

import torch

import variants
from bench.points import attention_config
from reports.schema import Point
from variants import Cost


def model_cost(point: Point) -> Cost | None:
    """FLOPs and bytes of one call; None where the variant has no model."""
    return variants.get(point.variant).cost(
        attention_config(point),
        point.batch,
        point.seq_len,
        point.direction,
        scope=point.scope,
        element_size=getattr(torch, point.dtype).itemsize,
        options=variants.parse_options(point.variant, point.options),
    )
