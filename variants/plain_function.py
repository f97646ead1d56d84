"""A plain function as a variant: what `register_core` makes of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from hatrick.cost import Cost
from variants import oracles
from variants.config import Workload, WrongShape
from variants.core import CoreVariant
from variants.registry import PluginError, register

CoreFunction = Callable[..., Tensor]
VisibleRule = Callable[..., Tensor]


class FunctionVariant(CoreVariant):
    """A core that is somebody's function between the shared projections."""

    backends = ("own",)
    function: ClassVar[CoreFunction]
    rule: ClassVar[VisibleRule | None] = None

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        out = type(self).function(
            *tensors,
            causal=self.config.causal,
            chunk_size=self.config.chunk_size,
            key_padding_mask=key_padding_mask,
        )
        if not isinstance(out, Tensor) or out.shape != tensors[0].shape:
            got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise WrongShape(
                f"{self.name} must return a tensor of shape {tuple(tensors[0].shape)}, got {got}"
            )
        return out

    def counts(self, seq_len: int, rows: Tensor) -> Tensor:
        """By the rule; without one all that is known is whether the function is causal."""
        rule = type(self).rule
        if rule is None:
            return oracles.full_counts(seq_len, self.config.causal, rows)
        key = torch.arange(seq_len, device=rows.device)
        seen = rule(
            rows[:, None], key, causal=self.config.causal, chunk_size=self.config.chunk_size
        )
        return seen.expand(len(rows), seq_len)

    def core_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        if type(self).rule is not None:
            return super().core_oracle(
                *tensors, key_padding_mask=key_padding_mask, rows=rows, dtype=dtype
            )
        out = self.core(*(t.to(dtype) for t in tensors), key_padding_mask=key_padding_mask)
        return out if rows is None else out[:, :, rows]

    @classmethod
    def core_cost(cls, workload: Workload) -> Cost | None:
        """Unknown: a function does not tell what it computes."""
        return None


def register_core(
    name: str, *, visible: VisibleRule | None = None, uses_chunk_size: bool = True
) -> Callable[[CoreFunction], CoreFunction]:
    """Function decorator: makes an attention core known as the variant `name`.

    The function takes `(q, k, v, *, causal, chunk_size, key_padding_mask)`, tensors of shape
    `(batch, heads, seq_len, head_dim)` and a mask bool `(batch, seq_len)` (True = padding) or
    None, and returns `(batch, heads, seq_len, head_dim)`.

    Args:
        visible: `visible(i, j, *, causal, chunk_size)`, elementwise on int64 tensors that
            broadcast: whether query i sees key j. With it the oracle is dense masked softmax
            attention; without it, the function itself in float64.
        uses_chunk_size: False if the function does not look at it: one point in a sweep, not one
            per chunk size.

    Raises:
        PluginError: the name is taken, or the function does not take these arguments.
    """

    if not isinstance(name, str):
        raise PluginError(f"write @register_core('name'), with a name, above {name!r}")

    def add(function: CoreFunction) -> CoreFunction:
        called = getattr(function, "__name__", type(function).__name__)
        try:
            keywords = {"causal": False, "chunk_size": 1, "key_padding_mask": None}
            inspect.signature(function).bind(None, None, None, **keywords)
        except TypeError as error:
            raise PluginError(
                f"variant {name!r}: {called}() must take "
                f"(q, k, v, *, causal, chunk_size, key_padding_mask): {error}"
            ) from error
        doc = (inspect.getdoc(function) or f"the function {called}").splitlines()[0]
        body: dict[str, Any] = {
            "function": staticmethod(function),
            "rule": None if visible is None else staticmethod(visible),
            "summary": doc,
            "uses_chunk_size": uses_chunk_size,
            "oracle_is_independent": visible is not None,
            "__module__": function.__module__,
            "__doc__": doc,
        }
        register(name)(type(name, (FunctionVariant,), body))
        return function

    return add
