"""From a spec to points: one fully resolved measurement for every combination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import Any

import torch

import variants
from bench import device as devices
from bench.spec import SpecError, SweepSpec
from reports.schema import OptionValue, Point
from variants import AttentionConfig, Support, Variant


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the variants that a spec lists."""

    variant: str
    options: dict[str, OptionValue]
    """All of them, defaults filled in."""
    backend: str | None
    """None: those of the spec."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A point of a sweep."""

    point: Point
    unsupported: str = ""
    """Why it cannot run here; empty if it can."""


def load_plugins(plugins: Sequence[str]) -> None:
    """Load the files and modules that register variants.

    Raises:
        SpecError: one that cannot be loaded, by name.
    """
    for plugin in plugins:
        try:
            variants.load_plugin(plugin)
        except variants.PluginError as error:
            raise SpecError(str(error)) from None


def expand(spec: SweepSpec) -> list[Planned]:
    """All points of a sweep, short sequences first, so that a sweep that was cut short is of use.
    Points that will be compared follow each other (`groups`).

    Raises:
        SpecError: an unknown variant, option, backend or device, sizes that do not fit.
    """
    entries = [_parse_entry(text) for text in spec.variants]
    _check_backends(spec, entries)
    device = devices.resolve_all(spec.device)[0]
    unique = {point.key: point for point in _combinations(spec, entries, device)}
    return [_resolve(point) for point in unique.values()]


def groups(points: Sequence[Point]) -> list[list[Point]]:
    """Points split into those that will be compared: they differ in nothing but the variant, its
    options, the chunk size, the backend and the worker's settings."""
    own = {"variant", "options", "chunk_size", "backend", "backend_used"}
    own |= {"allocator", "wait_policy", "device"}
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.model_dump_json(exclude=own), []).append(point)
    return list(found.values())


def attention_config(point: Point) -> AttentionConfig:
    """The configuration of a point's layer.

    Raises:
        ValueError: `dim` is not divisible by `heads`.
    """
    chunk = {} if point.chunk_size is None else {"chunk_size": point.chunk_size}
    return AttentionConfig(point.dim, point.heads, point.causal, **chunk)


def _parse_entry(text: str) -> Entry:
    """Read `lsh:rounds=1:wrap=round` or `full:backend=flex`."""
    name, *pairs = text.split(":")
    try:
        variant = variants.get(name)
    except variants.UnknownVariant as error:
        raise SpecError(str(error)) from None
    allowed = [*variant.Options.model_fields, "backend"]
    given = {}
    for pair in pairs:
        option, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(f"variant {text!r}: write options as {name}:option=value")
        if option not in allowed:
            near = get_close_matches(option, allowed, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = ", ".join(allowed)
            raise SpecError(f"variant {text!r}: no option {option!r}; {hint}{name} has {known}")
        given[option] = value
    # A variant may have an option of its own that is called so.
    own = "backend" in variant.Options.model_fields
    backend = None if own else given.pop("backend", None)
    if backend not in (None, "auto", *variant.backends):
        known = ", ".join(("auto", *variant.backends))
        raise SpecError(f"variant {text!r}: no backend {backend!r}; {name} has {known}")
    try:
        options = variants.parse_options(name, given)
    except ValueError as error:
        raise SpecError(f"variant {text!r}: {error}") from None
    # None is an option that follows from the rest of the point, such as a window's sides.
    return Entry(name, options.model_dump(mode="json", exclude_none=True), backend)


def _check_backends(spec: SweepSpec, entries: Sequence[Entry]) -> None:
    """A backend that none of the variants has is a typing error, not a point."""
    every = (b for entry in entries for b in variants.get(entry.variant).backends)
    known = ["auto", *dict.fromkeys(every)]
    for backend in spec.backend:
        if backend not in known:
            raise SpecError(f"no backend {backend!r}; these variants have {', '.join(known)}")


def _combinations(
    spec: SweepSpec, entries: Sequence[Entry], device: torch.device
) -> Iterator[Point]:
    cache = spec.cache if spec.cache != "auto" else "cold" if device.type == "cuda" else "warm"
    shared = product(sorted(spec.seq_len), spec.scope, spec.dtype, spec.causal, spec.direction)
    for seq_len, scope, dtype, causal, direction in shared:
        for entry in entries:
            variant = variants.get(entry.variant)
            chunked = variant.chunked(variants.parse_options(entry.variant, entry.options))
            chunks = spec.chunk_size if chunked else [None]
            backends = spec.backend if entry.backend is None else [entry.backend]
            own = product(chunks, backends, spec.allocator, spec.wait_policy)
            for chunk, backend, allocator, wait_policy in own:
                yield Point(
                    variant=entry.variant,
                    options=entry.options,
                    backend=backend,
                    backend_used="",
                    scope=scope,
                    direction=direction,
                    batch=spec.batch,
                    seq_len=seq_len,
                    dim=spec.dim,
                    heads=spec.heads,
                    chunk_size=chunk,
                    causal=causal,
                    dtype=dtype,
                    device=str(device),
                    device_name=devices.model_name(device),
                    cache=cache,
                    cuda_graph=spec.cuda_graph,
                    allocator=allocator,
                    wait_policy=wait_policy,
                    seed=spec.seed,
                )


def _resolve(point: Point) -> Planned:
    """Ask the variant whether, and on which backend, it can run there."""
    try:
        config = attention_config(point)
    except ValueError as error:
        raise SpecError(str(error)) from None
    device, dtype = torch.device(point.device), getattr(torch, point.dtype)
    support = ask_support(
        variants.get(point.variant),
        config,
        device,
        dtype,
        backend=point.backend,
        direction=point.direction,
        scope=point.scope,
        tokens=point.batch * point.seq_len,
        options=variants.parse_options(point.variant, point.options),
    )
    if point.cuda_graph and device.type != "cuda":
        return Planned(point, "a CUDA graph needs a CUDA device")
    if not support.ok:
        return Planned(point, support.reason or "the variant says so and gives no reason")
    return Planned(point.model_copy(update={"backend_used": support.backend}))


def ask_support(
    variant: type[Variant],
    config: AttentionConfig,
    device: torch.device,
    dtype: torch.dtype,
    **asked: Any,
) -> Support:
    """`variant.support(…)`; a plug-in's that raises or answers nonsense supports nothing."""
    try:
        support = variant.support(config, device, dtype, **asked)
    except Exception as error:  # a plug-in may raise anything; the other points go on
        return Support(False, f"support() raised {type(error).__name__}: {error}")
    if not isinstance(support, Support):
        return Support(False, f"support() returned {support!r} and no variants.Support")
    return support
