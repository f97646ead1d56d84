"""The statistics of samples as pytest-benchmark 5 defines them, in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def stats(seconds: Sequence[float]) -> dict[str, float | int | str | list[float]]:
    """The object `stats` of a benchmark, the samples among it as `data`.

    Quartiles are medians of the halves, interpolated where the number of samples is odd
    (`pytest_benchmark.stats`), which is numpy's method `hazen`; so they may differ from ours.

    Args:
        seconds: every sample, at least one, in the order taken.
    """
    data = np.asarray(seconds, dtype=np.float64)
    q1, median, q3 = np.quantile(data, (0.25, 0.5, 0.75), method="hazen").tolist()
    iqr, mean = q3 - q1, float(data.mean())
    stddev = float(data.std(ddof=1)) if len(data) > 1 else 0.0
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    outside_iqr = int(np.count_nonzero((data < low) | (data > high)))
    outside_stddev = int(np.count_nonzero(np.abs(data - mean) > stddev))
    total = float(data.sum())
    return {
        "min": float(data.min()),
        "max": float(data.max()),
        "mean": mean,
        "stddev": stddev,
        "rounds": len(data),
        "median": median,
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside_iqr,
        "stddev_outliers": outside_stddev,
        "outliers": f"{outside_stddev};{outside_iqr}",
        "ld15iqr": float(data[data >= low].min()),
        "hd15iqr": float(data[data <= high].max()),
        "ops": len(data) / total if total else 0,
        "total": total,
        "data": data.tolist(),
        "iterations": 1,
    }
