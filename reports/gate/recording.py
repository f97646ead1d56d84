"""Blocks of equal code that a machine measured: what the gate's error rates are simulated on."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from reports.figures import Model

Four = tuple[float, float, float, float]


class Recording(Model):
    """Times of four processes with the same code, by `bench.gate.record`."""

    machine: str
    commit: str
    """Of the code that was measured; a `+` behind it says that files differed."""
    command: str
    seconds: float
    """For each point in a block."""
    points: list[str]
    blocks: list[list[Four]] = Field(min_length=1)
    """Of each block and point what each of the four processes took, in milliseconds."""


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    return Recording.model_validate_json(path.read_bytes())
