"""How often the gate is wrong, simulated on blocks of equal code that a machine measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from reports import units
from reports.gate.recording import Recording
from reports.gate.result import Block, Timing, Verdict
from reports.gate.timing import judge

BLOCKS = (4, 6, 8)
GRIDS = 200
SLOWER = 1.10

_Array = NDArray[np.float64]


def draw(recording: Recording, rng: np.random.Generator, count: int) -> _Array:
    """A/A blocks that could have been measured instead: (count, points, 4), in milliseconds.

    Whole blocks are drawn, with all their points, which share the machine's state. Which two of the
    four processes are base is drawn again for each block, for all points alike: the code was the
    same, so it is as likely to have come out in any order.
    """
    recorded = np.array(recording.blocks)
    blocks = recorded[rng.integers(len(recorded), size=count)]
    return np.stack([block[:, rng.permutation(4)] for block in blocks])


def blocks_of(ms: _Array) -> list[list[Block]]:
    """What `judge` takes, from (blocks, points, 4); every second block has head first."""
    return [
        [
            Block(base=(a1, a2), head=(b1, b2), base_first=i % 2 == 0)
            for i, (a1, a2, b1, b2) in enumerate(of_point.tolist())
        ]
        for of_point in ms.swapaxes(0, 1)
    ]


def slowed(ms: _Array, points: Iterable[int], factor: float) -> _Array:
    """The same blocks with a head that takes `factor` times as long at these points."""
    changed = ms.copy()
    changed[:, list(points), 2:] *= factor
    return changed


def of_variant(points: Sequence[str], variant: str) -> list[int]:
    """Where the points of a variant are."""
    return [i for i, name in enumerate(points) if name.replace(",", " ").split()[0] == variant]


def alarmed(timings: Sequence[Timing]) -> bool:
    """Whether any point is called slower or faster."""
    return any(timing.verdict in (Verdict.SLOWER, Verdict.FASTER) for timing in timings)


def calibration_table(recording: Recording, limit: float = 0.05, rate: float = 0.05) -> str:
    """False alarms and slowdowns that are caught, by the number of blocks, as Markdown.

    Args:
        limit, rate: as `judge` takes them.
    """
    lines = [
        "| blocks | gates of equal code with an alarm | slowdowns of 10% caught | unsure points of "
        "equal code | limit, raised to the noise floor (median) |",
        "| --: | --- | --- | --: | --: |",
        *(_row(recording, count, limit, rate) for count in BLOCKS),
    ]
    about = (
        f"{recording.machine}: {len(recording.blocks)} blocks of {len(recording.points)} points, "
        f"recorded at {recording.commit[:7]} by `{recording.command}`; {GRIDS} gates of either "
        f"kind a row, limit {units.percent(limit)}, false discovery rate {units.percent(rate)}."
    )
    return "\n".join([*lines, "", about])


def _row(recording: Recording, count: int, limit: float, rate: float) -> str:
    rng = np.random.default_rng(count)
    points = len(recording.points)
    alarms = caught = unsure = 0
    limits = []
    for number in range(GRIDS):
        ms = draw(recording, rng, count)
        equal, _, used = judge(blocks_of(ms), limit=limit, rate=rate)
        alarms += alarmed(equal)
        unsure += sum(timing.verdict is Verdict.UNSURE for timing in equal)
        limits.append(used)
        which = number % points
        slow, _, _ = judge(blocks_of(slowed(ms, [which], SLOWER)), limit=limit, rate=rate)
        caught += slow[which].verdict is Verdict.SLOWER
    cells = [
        str(count),
        _share(alarms, GRIDS),
        _share(caught, GRIDS),
        units.percent(unsure / GRIDS / points),
        units.percent(float(np.median(limits))),
    ]
    return f"| {' | '.join(cells)} |"


def _share(found: int, of: int) -> str:
    """`3 of 200 (0.31%–4.3%)`: with the exact 95% interval (Clopper and Pearson 1934)."""
    low, high = binomtest(found, of).proportion_ci()
    return f"{found} of {of} ({units.percent(low)}–{units.percent(high)})"
