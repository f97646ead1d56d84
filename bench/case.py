"""A layer with its inputs, ready to be called: what the probes look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

import variants
from bench.points import attention_config
from reports.schema import Point
from variants import Variant, WrongShape


class Call(Protocol):
    """What is timed."""

    def __call__(self) -> Tensor:
        """Make one call."""

    def clear(self) -> None:
        """Set all gradients to None."""


@dataclass
class Case:
    """One point, built.

    `case()` is the call that is measured: the forward, and for `forward+backward` the backward
    from a fixed random upstream gradient to inputs and parameters. `clear()` sets those gradients
    to None; call it before each call and outside the measured part, so that no call accumulates.
    """

    layer: Variant
    function: Callable[..., Tensor]
    """The layer, or its core."""
    inputs: tuple[Tensor, ...]
    """`(batch, seq_len, dim)`, or the core's `(batch, heads, seq_len, head_dim)`."""
    upstream: Tensor | None
    """Gradient of the output; None for `forward`."""

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters that take part: a core has none."""
        return list(self.layer.parameters()) if self.function is self.layer else []

    def forward(self) -> Tensor:
        """The output alone.

        Raises:
            WrongShape: it has not the input's shape.
        """
        output = self.function(*self.inputs)
        # Checked at every call (0.1 µs): a wrong shape may broadcast its way through a backward.
        if output.shape != self.inputs[0].shape:
            expected, got = tuple(self.inputs[0].shape), tuple(output.shape)
            raise WrongShape(f"the output has shape {got}, expected {expected}")
        return output

    def __call__(self) -> Tensor:
        output = self.forward()
        if self.upstream is not None:
            output.backward(self.upstream)
        return output

    def clear(self) -> None:
        """Set all gradients to None."""
        for leaf in (*self.inputs, *self.layer.parameters()):
            leaf.grad = None


def build(point: Point) -> Case:
    """Build a point's layer and inputs from its seed alone; the random state stays as it was.

    Inputs are drawn first, in float32 on the CPU, so that every variant, dtype and device gets the
    same ones, up to rounding.
    """
    device, dtype = torch.device(point.device), getattr(torch, point.dtype)
    config = attention_config(point)
    training = point.direction == "forward+backward"
    core = point.scope == "core"
    shape: tuple[int, ...] = (point.batch, point.seq_len, point.dim)
    if core:
        shape = (point.batch, point.heads, point.seq_len, config.head_dim)
    count = len(variants.get(point.variant).core_tensors) if core else 1

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(point.seed)
        inputs = tuple(torch.randn(shape).to(device, dtype) for _ in range(count))
        layer = variants.create(
            point.variant,
            config,
            backend=point.backend_used,
            device=device,
            dtype=dtype,
            **dict[str, Any](point.options),
        )
        upstream = torch.randn(shape).to(device, dtype) if training else None
    for leaf in (*inputs, *layer.parameters()):
        leaf.requires_grad_(training)
    layer.train(training)
    return Case(layer, layer.core if core else layer, inputs, upstream)


class Replay:
    """A case captured in a CUDA graph; its call is the graph's replay.

    Raises:
        RuntimeError: the call cannot be captured, because it waits for the device for example.
    """

    def __init__(self, case: Case) -> None:
        device = case.inputs[0].device
        self._graph = torch.cuda.CUDAGraph()
        # What runs for the first time on a stream allocates, which a capture must not do
        # (PyTorch documentation, "CUDA Graphs", Constraints).
        beside = torch.cuda.Stream(device)
        beside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(beside):
            for _ in range(3):
                case.clear()
                case()
        torch.cuda.synchronize(device)
        # Without gradients to add to, the captured backward writes them, at every replay.
        case.clear()
        with torch.cuda.graph(self._graph):
            self._output = case()

    def __call__(self) -> Tensor:
        self._graph.replay()
        return self._output

    def clear(self) -> None:
        """Nothing to do: a replay writes gradients and never adds to them."""
