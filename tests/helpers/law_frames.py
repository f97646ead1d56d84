"""Frames of points whose latencies follow the law of `reports.models.chunk_law`."""

import numpy as np
import pandas as pd

from reports.frame import to_frame
from reports.models.chunk_law import terms

LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
CHUNKS = (32, 64, 128, 256)
RATES = (0.4, 0.03, 7e-5, 7e-5, 7e-5)
"""ms a unit, as a layer of width 512 takes on a small CPU."""
DIM = 64
CHUNK_TOKENS = (14 * DIM + 4) / (12 * DIM + 8)
"""What a chunk's own projections are worth in tokens, by `cost`."""


def law_frame(
    run,
    record,
    rates=RATES,
    *,
    lengths=LENGTHS,
    chunks=CHUNKS,
    own=0.0,
    shared=0.0,
    variant="hatrick",
    seed=0,
    projected=True,
) -> pd.DataFrame:
    """A frame of one label: the law's latencies with relative errors of these sizes, of each point
    and of each length, and the cost of a layer of width `DIM`, whose chunks have projections of
    their own or not."""
    rng = np.random.default_rng(seed)
    made = []
    for T in lengths:
        of_length = rng.normal(0, shared)
        for n in chunks:
            off = np.exp(of_length + rng.normal(0, own))
            ms = float(terms(T, n, CHUNK_TOKENS * projected) @ np.array(rates) * off)
            of_point = record(variant, T, chunk_size=n, median_ms=ms)
            made.append(of_point.model_copy(update={"flops": cost(T, n, projected)}))
    return to_frame([run(made)])


def cost(T: int, n: int, projected: bool = True) -> int:
    """FLOPs as a HATrick layer has them: 4 D a pair, and projections of tokens and of chunks."""
    chunks = T / n
    pairs = T * n + 2 * T + chunks * projected + chunks**2 + T * chunks
    return int(4 * DIM * pairs + DIM**2 * (12 * T + 14 * chunks * projected + 6))
