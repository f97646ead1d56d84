"""A module that remembers the chunk size that its weights were made with."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

ENTRY = "chunk_size"
"""In the module's own metadata of a state_dict."""


class RemembersChunkSize(nn.Module):
    """Writes its chunk size into the metadata of its state_dict, and warns when weights are loaded
    that were made with another: the function that a layer computes depends on it.

    The metadata is `state_dict._metadata`, which `torch.save` keeps and `load_state_dict` reads. A
    state_dict without it loads in silence: an older one, a plain dict made of one, or one from
    safetensors, which keeps tensors and nothing else.
    """

    def remembered_chunk_size(self) -> int | None:
        """The chunk size of this module itself; None: it has none."""
        raise NotImplementedError

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        size = self.remembered_chunk_size()
        # A caller's own destination may be a plain dict, which has no metadata.
        metadata = getattr(destination, "_metadata", {}).get(prefix[:-1])
        if size is not None and metadata is not None:
            metadata[ENTRY] = size

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *others: Any
    ) -> None:
        size, made = self.remembered_chunk_size(), local_metadata.get(ENTRY)
        if size is not None and made is not None and made != size:
            where = f"{prefix[:-1]}: " if prefix else ""
            warnings.warn(
                f"{where}these weights were made with chunk_size={made}, and this layer has "
                f"chunk_size={size}: it computes another function than the one that was trained; "
                f"make it with chunk_size={made}",
                stacklevel=2,
            )
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)
