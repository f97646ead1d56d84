"""What the sliding windows of others have in common."""

from __future__ import annotations

from typing import ClassVar

from variants.config import AttentionConfig, VariantOptions
from variants.peers.peer import Peer
from variants.sliding_window import SlidingWindow


class WindowPeer(Peer, SlidingWindow):  # type: ignore[misc]  # one backend, not its four
    """The window that follows from the chunk size, as `sliding_window` has it without options."""

    Options = VariantOptions  # type: ignore[assignment]
    smallest_chunk: ClassVar[int] = 2
    """The least chunk size that it takes: one key on each side."""

    @classmethod
    def chunked(cls, options: VariantOptions) -> bool:
        return True

    @classmethod
    def conflict(cls, config: AttentionConfig, options: VariantOptions) -> str:
        least, given = cls.smallest_chunk, config.chunk_size
        if given < least:
            return f"{cls.name} needs a chunk_size of at least {least}, got {given}"
        return super().conflict(config, options)
