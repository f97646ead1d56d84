"""Blocks of equal code that a machine measured, drawn again as often as a simulation needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reports.gate.result import Block

RECORDED = Path(__file__).parents[1] / "data" / "gate" / "aa.json"


@dataclass(frozen=True)
class Recording:
    """Times of four processes with the same code."""

    points: tuple[str, ...]
    ms: NDArray[np.float64]
    """(blocks, points, 4), in milliseconds."""


def load(path: Path = RECORDED) -> Recording:
    """The A/A blocks that are kept with the tests."""
    kept = json.loads(path.read_text())
    return Recording(tuple(kept["points"]), np.array(kept["blocks"], dtype=np.float64))


def draw(recording: Recording, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """A/A blocks that could have been measured instead: (count, points, 4), in milliseconds.

    Whole blocks are drawn, with all their points, which share the machine's state. Which two of the
    four processes are base is drawn again for each block, for all points alike: the code was the
    same, so it is as likely to have come out in any order.
    """
    blocks = recording.ms[rng.integers(len(recording.ms), size=count)]
    return np.stack([block[:, rng.permutation(4)] for block in blocks])


def blocks_of(ms: NDArray[np.float64]) -> list[list[Block]]:
    """What `judge` takes, from (blocks, points, 4); every second block has head first."""
    return [
        [
            Block(base=(a1, a2), head=(b1, b2), base_first=i % 2 == 0)
            for i, (a1, a2, b1, b2) in enumerate(of_point.tolist())
        ]
        for of_point in ms.swapaxes(0, 1)
    ]


def slowed(ms: NDArray[np.float64], points: Iterable[int], factor: float) -> NDArray[np.float64]:
    """The same blocks with a head that takes `factor` times as long at these points."""
    changed = ms.copy()
    changed[:, list(points), 2:] *= factor
    return changed


def of_variant(points: Sequence[str], variant: str) -> list[int]:
    """Where the points of a variant are."""
    return [i for i, name in enumerate(points) if name.split()[0] == variant]
