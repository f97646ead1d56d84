"""Other people's attention, measured beside this project's: `--plugin variants.peers`.

Each is an adapter to a published package and computes the function of one of our variants, whose
oracle judges it. The packages are an extra: `pip install 'hatrick-bench[peers]'`.
"""

from variants.peers import (
    hatrick_compiled,
    hf_longformer,
    hf_reformer,
    local_attention,
    matrix_product,
    reformer_pytorch,
    sdpa_kernels,
    torch_mha,
)

__all__ = [
    "hatrick_compiled",
    "hf_longformer",
    "hf_reformer",
    "local_attention",
    "matrix_product",
    "reformer_pytorch",
    "sdpa_kernels",
    "torch_mha",
]
