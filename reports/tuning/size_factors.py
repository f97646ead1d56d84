"""What kernels make of a chunk size beside the law: a factor of its own, the same at all lengths.

The law is smooth in n, and kernels are not: they cut queries and keys into tiles, and one and a
half times a power of two can take a tenth longer than the powers of two on either side of it. That
does not change with the length, so it is estimated over all of them:

    log(measured / law) = length + chunk size + error

The effects of chunk sizes are predicted as random ones (best linear unbiased prediction: Robinson,
"That BLUP is a Good Thing", Statist. Sci. 6, 1991): one that was seen once, and is fast by chance,
is believed less than one that was seen at every length.
"""

from __future__ import annotations

from math import exp

import numpy as np

from reports.models.chunk_law import ChunkLaw

SWEEPS = 20
"""Of backfitting lengths and chunk sizes: enough for both to stand still."""


def size_factors(law: ChunkLaw) -> dict[int, float]:
    """How many times as long as by the law a call takes, by chunk size, ascending.

    Args:
        law: fitted to at least two chunk sizes and lengths.
    """
    lengths = np.unique(law.seq_len, return_inverse=True)[1]
    sizes, own = np.unique(law.chunk_size, return_inverse=True)
    logs = np.log(law.measured / law.at(law.seq_len, law.chunk_size))
    of_length, of_size = np.zeros(lengths.max() + 1), np.zeros(len(sizes))
    counts = np.bincount(own)
    for _ in range(SWEEPS):
        of_length = np.bincount(lengths, logs - of_size[own]) / np.bincount(lengths)
        of_size = np.bincount(own, logs - of_length[lengths]) / counts
    errors = logs - of_length[lengths] - of_size[own]
    freedom = max(1, len(logs) - len(of_length) - len(sizes) + 1)
    variance = float(errors @ errors) / freedom
    # What the means of chunk sizes vary by beyond what their errors would make of them.
    between = max(0.0, float(of_size.var(ddof=1)) - variance * float(np.mean(1 / counts)))
    shrunk = of_size * between / (between + variance / counts) if between else np.zeros(len(sizes))
    return {int(n): exp(effect) for n, effect in zip(sizes, shrunk, strict=True)}
