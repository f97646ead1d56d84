"""Full attention by one kernel of PyTorch's SDPA, whichever it would pick by itself."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from variants.config import Target
from variants.full import Full, full_attention
from variants.peers.peer import Peer
from variants.registry import register


class _OneKernel(Peer, Full):  # type: ignore[misc]  # one backend, not its four
    """`full` with every kernel but one switched off. What that one refuses is an error."""

    package = "torch"
    kernel: ClassVar[SDPBackend]

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        device = target.device.type
        return "" if device == "cuda" else f"the choice of SDPA's kernels is CUDA's, not {device}'s"

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        causal = self.config.causal
        with sdpa_kernel(self.kernel):
            return full_attention(
                *tensors, causal=causal, key_padding_mask=key_padding_mask, backend="sdpa"
            )


@register("sdpa_flash")
class SDPAFlash(_OneKernel):
    """FlashAttention."""

    summary = "full by SDPA's flash kernel"
    kernel = SDPBackend.FLASH_ATTENTION


@register("sdpa_cudnn")
class SDPACudnn(_OneKernel):
    """cuDNN's attention."""

    summary = "full by SDPA's cuDNN kernel"
    kernel = SDPBackend.CUDNN_ATTENTION


@register("sdpa_efficient")
class SDPAEfficient(_OneKernel):
    """Memory-efficient attention."""

    summary = "full by SDPA's memory-efficient kernel"
    kernel = SDPBackend.EFFICIENT_ATTENTION
