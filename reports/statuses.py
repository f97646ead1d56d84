"""How a point ended, in the words that people read."""

from __future__ import annotations

import pandas as pd

from reports.schema import Status

STATUS_WORDS = {
    Status.OK: "ok",
    Status.THROTTLED: "throttled",
    Status.DISAGREES: "wrong answer",
    Status.UNSUPPORTED: "unsupported",
    Status.OUT_OF_MEMORY: "out of memory",
    Status.TIMEOUT: "timed out",
    Status.CRASHED: "crashed",
    Status.LEFT_OUT: "left out",
}
"""What each status is called."""

GRAVEST = (
    Status.DISAGREES,
    Status.CRASHED,
    Status.THROTTLED,
    Status.TIMEOUT,
    Status.OUT_OF_MEMORY,
    Status.UNSUPPORTED,
    Status.LEFT_OUT,
)
"""The statuses other than ok, the gravest first. What was left out is no failure, so it is last."""


def outcome(status: str, predicted: bool) -> str:
    """A point's status in words; `(predicted)` after it where the point was never tried."""
    words = STATUS_WORDS[Status(status)]
    return f"{words} (predicted)" if predicted and status != Status.LEFT_OUT else words


def outcomes(rows: pd.DataFrame) -> str:
    """The different outcomes of rows of a frame of `reports.load`, in words; empty without rows."""
    pairs = zip(rows["status"], rows["predicted"], strict=True)
    return ", ".join(sorted({outcome(status, predicted) for status, predicted in pairs}))
