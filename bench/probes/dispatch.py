"""How many operators run, and how many FLOPs they are, as torch's dispatcher sees it.

`torch.utils.flop_counter.FlopCounterMode` has the formulas, and they are used here. The mode itself
is not: it puts hooks on all modules, at which HATrick's fused path gives way to another; it takes
`addmm_` for no product; and it does not look into this project's custom operators.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import torch
from torch._library.custom_ops import OPDEFS
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.case import Case


def count_dispatched(case: Case) -> tuple[int | None, int]:
    """FLOPs and operators of one call of a case, which must not run compiled code.

    FLOPs are those of matrix products and of attention operators, by the shapes they get: a
    multiply-add is two; what a mask hides counts, and so do padding and recomputation; the rest
    (softmax, norms, sums) does not. None where an operator that multiplies has no formula, or one
    of unknown content ran. What does not come past the dispatcher is not seen: NumPy, or a kernel
    that Python code launches itself.

    Operators are those that reach a device's code, views among them, and those that a custom
    operator of this project calls.
    """
    mode = _Counter()
    with mode:
        case()
    return (None if mode.unknown else mode.flops), mode.operators


PRODUCT = re.compile(
    r"(?<![^_])("
    r"(add|badd|s|hsp|sspadd)?b?mm|addbmm|(add)?mv|v?dot|vecdot|addr|ger|outer|matmul|matrix|einsum"
    r"|tensordot|(bi|tri)?linear|conv(\dd|olution)?|attention|cdist|euclidean|pdist|gru|lstm|rnn"
    r"|transformer|encoder|inverse|pinv|solve|svd|eigh?|(slog)?det|lstsq|triangular|qr|cholesky|lu"
    r"|fft)(?![^_])"
)
"""Finds a word by which an operator multiplies: without a formula, who knows how much."""
OWN_PACKAGES = ("hatrick", "variants")
PLAIN_NAMESPACES = ("aten", "prim", "prims", "profiler")
"""Whose operators are known by their names."""


def _linear(x: Any, weight: Any) -> int:
    return int(2 * prod(x.shape) * weight.shape[0])


def _attention(query: Any, key: Any, value: Any, *, keys: int = -2, backward: bool = False) -> int:
    """Scores and weighted values; in the backward the scores once more, and the gradients of
    weights, values, queries and keys. `keys`: the dimension of the key that counts them."""
    pairs = prod(query.shape[:-1]) * key.shape[keys]
    of_scores, of_values = (3, 2) if backward else (1, 1)
    return int(2 * pairs * (of_scores * query.shape[-1] + of_values * value.shape[-1]))


FORMULAS: Mapping[str, Callable[..., int]] = {
    "mkldnn._linear_pointwise.default": lambda x, weight, *_, **__: _linear(x, weight),
    "mkldnn._linear_pointwise.binary": lambda x, _, weight, *__, **___: _linear(x, weight),
    "aten._scaled_dot_product_flash_attention_for_cpu.default": (
        lambda q, k, v, *_, **__: _attention(q, k, v)
    ),
    "aten._scaled_dot_product_flash_attention_for_cpu_backward.default": (
        lambda _, q, k, v, *__, **___: _attention(q, k, v, backward=True)
    ),
    "aten._flash_attention_forward.default": (
        lambda q, k, v, *_, **__: _attention(q, k, v, keys=-3)
    ),
    "aten._flash_attention_backward.default": (
        lambda _, q, k, v, *__, **___: _attention(q, k, v, keys=-3, backward=True)
    ),
    "aten._efficient_attention_forward.default": (
        lambda q, k, v, *_, **__: _attention(q, k, v, keys=-3)
    ),
    "aten._efficient_attention_backward.default": (
        lambda _, q, k, v, *__, **___: _attention(q, k, v, keys=-3, backward=True)
    ),
}
"""By the name of the overload. For the first four torch has no formula; of the others, which
xformers calls, it takes the heads for the tokens: theirs are `(batch, seq_len, heads, head_dim)`.
"""


class _Counter(TorchDispatchMode):
    """Counts what is called while it is active."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.operators = 0
        self.unknown = False
        """Something ran whose FLOPs are not known."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, OpOverload):
            with self:
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        self.operators += 1
        formula = _formula(func)
        inside = _inside(func, [*args, *kwargs.values()]) if formula is None else None
        if inside is not None:
            with self:
                return inside(*args, **kwargs)
        out = func(*args, **kwargs)
        if formula is not None and not _is_irregular(func, args, kwargs):
            self.flops += formula(*args, **kwargs)
        elif formula is not None or _may_multiply(func):
            self.unknown = True
        return out


def _formula(func: Any) -> Callable[..., int] | None:
    """How an operator's FLOPs follow from its arguments; None where nobody knows."""
    if found := FORMULAS.get(str(func)):
        return found
    packet = func._overloadpacket if isinstance(func, OpOverload) else func
    if packet not in flop_registry and isinstance(func, OpOverload):
        # `addmm_` is `addmm`.
        namespace, name = func.namespace, func._schema.name.partition("::")[2]
        packet = getattr(getattr(torch.ops, namespace), name.rstrip("_"), None)
    found = flop_registry.get(packet)
    return None if found is None else lambda *args, **kwargs: found(*args, **kwargs, out_val=None)


def _may_multiply(func: Any) -> bool:
    if not isinstance(func, OpOverload) or func.namespace not in PLAIN_NAMESPACES:
        return True
    return PRODUCT.search(func._schema.name.partition("::")[2]) is not None


def _is_irregular(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether it skips pairs that lie too far apart, or sequences have lengths of their own: the
    formulas look at neither."""
    if not isinstance(func, OpOverload):
        return False
    given = dict(zip((each.name for each in func._schema.arguments), args, strict=False)) | kwargs
    windows = [value for name, value in given.items() if name.startswith("window_size")]
    lengths = [value for name, value in given.items() if name.startswith(("cu_seq", "cum_seq"))]
    return any(each is not None and each >= 0 for each in windows) or any(
        each is not None for each in lengths
    )


def _inside(func: Any, values: list[Any]) -> Callable[..., Any] | None:
    """The function of an operator that this project made by `torch.library.custom_op`: what it
    calls can be seen. None for any other: a library's may call what the dispatcher never sees."""
    if not isinstance(func, OpOverload) or (made := OPDEFS.get(func._schema.name)) is None:
        return None
    if made._init_fn.__module__.partition(".")[0] not in OWN_PACKAGES:
        return None
    device = next(_devices(values), torch.device("cpu"))
    functions: Mapping[str | None, Callable[..., Any]] = made._backend_fns
    return functions.get(device.type, functions.get(None))


def _devices(values: list[Any]) -> Iterator[torch.device]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value.device
        elif isinstance(value, list | tuple):
            yield from _devices(list(value))
