"""How fast a point ran beside how fast its device can compute and copy."""

from __future__ import annotations

import numpy as np
import pandas as pd

NEEDED = ("latency_ms", "flops", "model_bytes", "flops_ceiling", "bytes_ceiling")


def roofline(frame: pd.DataFrame) -> pd.DataFrame:
    """The roofline model (Williams, Waterman and Patterson, "Roofline: An Insightful Visual
    Performance Model for Multicore Architectures", CACM 52(4), 2009) of every point.

    FLOPs and bytes are the cost model's, so the bytes are the least that a call must move between
    its stages. What a call moves beyond that makes it slower, not the model's bytes more. What
    stays in a cache from one stage to the next makes it faster: a share above 1 of the memory's
    roof is possible there and is left as it is. The ceilings are the best rates of a large matrix
    product in the point's dtype and of a large copy, measured on the same device in the same run,
    but minutes away: where the machine's speed drifts, a share of compute may lie above 1, too.

    Args:
        frame: of `reports.load`, of any number of settings.

    Returns:
        One row for each row of `frame` that is ok and has a latency, a cost and both ceilings, with
        its index. Columns: `intensity` (FLOP/byte), `flops_per_s`, `bytes_per_s`,
        `roof_flops_per_s` (the smaller of the ceiling and what its memory can feed), `share` of the
        roof (1 is all of it), and `bound`: `compute` or `memory`, whichever is the lower roof.
    """
    known = frame.loc[frame["status"] == "ok", list(NEEDED)].astype("float64")
    known = known[(known > 0).all(axis=1)]
    seconds = known["latency_ms"] / 1000
    found = pd.DataFrame(
        {
            "intensity": known["flops"] / known["model_bytes"],
            "flops_per_s": known["flops"] / seconds,
            "bytes_per_s": known["model_bytes"] / seconds,
        }
    )
    fed = found["intensity"] * known["bytes_ceiling"]
    found["roof_flops_per_s"] = np.minimum(known["flops_ceiling"], fed)
    found["share"] = found["flops_per_s"] / found["roof_flops_per_s"]
    found["bound"] = np.where(fed < known["flops_ceiling"], "memory", "compute")
    return found
