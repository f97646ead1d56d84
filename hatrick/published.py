"""The author's class: what it calls the parameters."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

NAMES = {
    "qkv_word": "token_qkv",
    "qkv_cls": "cls_qkv",
    "qkv_global_cls": "global_qkv",
    "q_word": "cross_q",
    "kv_cls": "cross_kv",
    "out": "out_proj",
    "norm1": "norm_local",
    "norm2": "norm_global",
    "norm3": "norm_cross",
    "cls_token": "cls_token",
}
"""The parameters of the author's class, and what they are called here."""


def own_names(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published weights under the names of `HATrick`.

    Raises:
        ValueError: a parameter is unknown or not floating-point, or there is no CLS vector.
    """
    renamed = {}
    for name, tensor in state_dict.items():
        stem, _, leaf = name.partition(".")
        if stem not in NAMES:
            known = ", ".join(NAMES)
            raise ValueError(f"{name!r} is not a parameter of the published class ({known})")
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"{name!r} must be a floating-point tensor, got {kind}")
        renamed[NAMES[stem] + (f".{leaf}" if leaf else "")] = tensor
    if "cls_token" not in renamed:
        raise ValueError("the published state_dict lacks 'cls_token'")
    return renamed
