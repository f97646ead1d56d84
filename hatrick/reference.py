"""HATrick written from its description as the plainest dense code there is.

It is what the module is judged by, so it shares nothing with it: it takes the parameters by name,
walks over sequences and chunks in Python, and leaves padding out instead of masking it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


def _attend(query: Tensor, key: Tensor, value: Tensor, seen: Tensor, heads: int) -> Tensor:
    """Softmax attention of `(queries, dim)` on `(keys, dim)`; `seen` is bool (queries, keys).

    A query that sees no key gets zero.
    """
    out = torch.zeros_like(query)
    some = seen.any(dim=1)
    if not bool(some.any()):
        return out
    head_dim = query.shape[1] // heads
    q, k, v = (t.view(len(t), heads, head_dim) for t in (query[some], key, value))
    scores = torch.einsum("ihd,jhd->hij", q, k) / head_dim**0.5
    weights = torch.softmax(scores.masked_fill(~seen[some], float("-inf")), dim=-1)
    out[some] = torch.einsum("hij,jhd->ihd", weights, v).flatten(1)
    return out


def reference(
    parameters: Mapping[str, Tensor],
    x: Tensor,
    key_padding_mask: Tensor | None = None,
    *,
    heads: int,
    chunk_size: int,
    causal: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """One HATrick layer without dropout, computed in `dtype`.

    Args:
        parameters: by the names that `HATrick` gives them.
        x: `(batch, seq_len, dim)`.
        key_padding_mask: bool `(batch, seq_len)`, True = padding.

    Returns:
        `(batch, seq_len, dim)`, zero at padded positions; differentiable.
    """
    p = {name: tensor.to(dtype) for name, tensor in parameters.items()}
    dim = x.shape[2]

    def project(name: str, vectors: Tensor) -> Tensor:
        return F.linear(vectors, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(name: str, vectors: Tensor) -> Tensor:
        return F.layer_norm(vectors, (dim,), p[f"{name}.weight"], p[f"{name}.bias"])

    def one_sequence(sequence: Tensor, padded: Tensor) -> Tensor:
        out = torch.zeros_like(sequence)
        where: list[Tensor] = []
        words: list[Tensor] = []
        summaries: list[Tensor] = []
        for start in range(0, len(sequence), chunk_size):
            here = torch.arange(start, min(start + chunk_size, len(sequence)), device=x.device)
            here = here[~padded[here]]
            if len(here) == 0:
                continue
            cls = p["cls_token"].reshape(1, dim)
            tokens = sequence[here]
            q, k, v = torch.cat([project("cls_qkv", cls), project("token_qkv", tokens)]).chunk(
                3, dim=1
            )
            seen = torch.ones(len(q), len(k), dtype=torch.bool, device=x.device)
            if causal:
                seen = seen.tril()
                seen[0] = True
            mixed = project("out_proj", _attend(q, k, v, seen, heads))
            local = norm("norm_local", torch.cat([cls, tokens]) + mixed)
            where.append(here)
            summaries.append(local[:1])
            words.append(local[1:])
        if not where:
            return out

        cls = torch.cat(summaries)
        q, k, v = project("global_qkv", cls).chunk(3, dim=1)
        seen = torch.ones(len(cls), len(cls), dtype=torch.bool, device=x.device)
        if causal:
            seen = seen.tril()
        cls = norm("norm_global", cls + project("out_proj", _attend(q, k, v, seen, heads)))

        k, v = project("cross_kv", cls).chunk(2, dim=1)
        for index, (here, tokens) in enumerate(zip(where, words, strict=True)):
            seen = torch.ones(len(tokens), len(cls), dtype=torch.bool, device=x.device)
            if causal:
                seen[:, index:] = False
            mixed = _attend(project("cross_q", tokens), k, v, seen, heads)
            out[here] = norm("norm_cross", tokens + project("out_proj", mixed))
        return out

    if key_padding_mask is None:
        key_padding_mask = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
    return torch.stack(
        [one_sequence(s, m) for s, m in zip(x.to(dtype), key_padding_mask, strict=True)]
    )
