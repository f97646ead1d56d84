"""The table of attentions: what each computes, and what runs here."""

from __future__ import annotations

import torch
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

import variants
from bench.device import model_name
from bench.points import ask_support
from variants import AttentionConfig, Variant
from variants.config import Direction

CONFIG = AttentionConfig(dim=512, heads=8)
"""A usual size: whether a backend runs may depend on the width of a head."""


def catalogue(device: torch.device) -> RenderableType:
    """All registered variants, with their backends on a device and why the others are not."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    table = Table(
        title=Text(f"On {device} ({model_name(device)}), {str(dtype).removeprefix('torch.')}"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
    )
    for header in ("name", "computes", "options", "backends"):
        table.add_column(header, overflow="fold")
    for name in variants.names():
        variant = variants.get(name)
        backends = "\n".join(_backend(variant, b, device, dtype) for b in variant.backends)
        table.add_row(*map(Text, (name, variant.summary, _options(variant), backends)))
        table.add_section()
    failed = [Text(f"Not loaded: {who}: {why}", "red") for who, why in variants.broken().items()]
    return Group(table, *failed)


def _options(variant: type[Variant]) -> str:
    """`name=default` of every option, one a line."""
    fields = variant.Options.model_fields
    return "\n".join(
        f"{name}={'from chunk_size' if field.default is None else field.default}"
        for name, field in fields.items()
    )


def _backend(variant: type[Variant], backend: str, device: torch.device, dtype: torch.dtype) -> str:
    """A backend's name, and after it what it cannot do."""
    reasons = []
    directions: tuple[Direction, ...] = ("forward", "forward+backward")
    for direction in directions:
        support = ask_support(variant, CONFIG, device, dtype, backend=backend, direction=direction)
        reasons.append("" if support.ok else support.reason.removeprefix(f"{backend}: "))
    forward, both = reasons
    if forward:
        return f"{backend}: not here ({forward})"
    return f"{backend}: forward only ({both})" if both else backend
