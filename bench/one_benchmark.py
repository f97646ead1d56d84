"""From what a test says of a benchmark to its point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from torch import Tensor

import variants
from bench.device import resolve
from bench.points import Planned, expand
from bench.spec import SpecError, SweepSpec
from variants import Variant

LISTS = (
    "seq_len",
    "chunk_size",
    "direction",
    "causal",
    "backend",
    "scope",
    "dtype",
    "device",
)
"""Fields of which a sweep takes several values, and a benchmark one."""
SINGLE = ("dim", "heads", "batch", "seed")
PROCESS: dict[str, Any] = {"allocator": ["system"], "wait_policy": ["system"], "cache": "warm"}
"""What the process of the tests is, whatever a worker would be."""

Attention = str | type[Variant] | Callable[..., Tensor]


def one_point(variant: str, **fields: Any) -> Planned:
    """The point that a benchmark is of.

    Raises:
        SpecError: an unknown variant, field, device or option, or a value that is not allowed.
    """
    if unknown := [name for name in fields if name not in (*LISTS, *SINGLE)]:
        raise SpecError(
            f"attention_benchmark has no field {unknown[0]!r}; it has {', '.join(LISTS + SINGLE)}"
        )
    if "seq_len" not in fields:
        raise SpecError("attention_benchmark needs a length: seq_len=1024")
    given = {name: value for name, value in fields.items() if value is not None}
    if "dtype" not in given and resolve(given.get("device", "auto")).type == "cuda":
        given["dtype"] = "bfloat16"
    # Each in a list of its own: a list of several is no value.
    values = {name: [value] if name in LISTS else value for name, value in given.items()}
    return expand(process_spec({"variants": [variant], **values}))[0]


def process_spec(values: dict[str, Any]) -> SweepSpec:
    """A spec of points that are measured in the process of the tests.

    Raises:
        SpecError: a value that is not allowed.
    """
    try:
        return SweepSpec.model_validate({**PROCESS, **values})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = str(first["msg"]).removeprefix("Value error, ")
        raise SpecError(f"{first['loc'][0]}={first['input']!r}: {what}") from None


def registered_name(variant: Attention) -> str:
    """The name that something is registered under.

    Raises:
        SpecError: it is not registered.
    """
    if isinstance(variant, str):
        return variant
    for name in variants.names():
        registered = variants.get(name)
        if variant is registered or variant is getattr(registered, "function", None):
            return name
    raise SpecError(
        f"{variant!r} is not registered; put @register('name') above the class, or "
        "@register_core('name') above the function, both from `variants`"
    )
