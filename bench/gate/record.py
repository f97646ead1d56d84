"""Records what a machine makes of no change at all: `python -m bench.gate.record BLOCKS FILE.json`.

Blocks of turns of the preset `gate`, with the working tree on both sides. The false-alarm rate and
the power of the gate are simulated on them (`reports.gate.calibration`).
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bench.device import resolve_all
from bench.environment import describe
from bench.gate.blocks import Timed, Twins, measure_block
from bench.gate.examine import Examiner, largest_workspace, timing_worker
from bench.gate.planning import plan_points
from bench.gate.request import BLOCKS, PRESET
from bench.gate.sides import head_code
from bench.spec import merge
from reports.export import write_text
from reports.gate.recording import Recording
from reports.schema import Point


def record(blocks: int, out: Path) -> None:
    """Measure so many blocks, and write them after each.

    Raises:
        SpecError: the working tree's code does not load.
        RuntimeError: a point cannot be timed.
    """
    spec, _ = merge({}, usual=PRESET)
    code = head_code([], Path.cwd())
    asked = [each for each in plan_points(spec, code) if not each.planned.unsupported]
    twins = [Twins(each.planned.point, each.planned.point) for each in asked]
    most = largest_workspace(
        Examiner(code, spec, _nothing).examine([each.planned for each in asked])
    )
    now = describe(shlex.join(sys.argv), spec, resolve_all(spec.device))
    found: list[list[tuple[float, float, float, float]]] = []
    for number in range(blocks):
        timed = measure_block(
            twins,
            lambda _: timing_worker(code, spec, most),
            base_first=number % 2 == 0,
            seconds=spec.seconds / BLOCKS,
            watch=_nothing,
        )
        found.append([_four(each) for each in timed])
        recording = Recording(
            machine=f"{now.cpu_cores} cores, {now.cpu}, torch {now.packages['torch']}",
            commit=code.side.commit + ("+" if code.side.dirty else ""),
            command=f"python -m bench.gate.record {blocks} {out.name}",
            seconds=spec.seconds / BLOCKS,
            points=[each.name for each in asked],
            blocks=found,
        )
        write_text(recording.model_dump_json(indent=1), out)
        print(f"block {number + 1} of {blocks}", file=sys.stderr)


def _four(timed: object) -> tuple[float, float, float, float]:
    if not isinstance(timed, Timed):
        raise RuntimeError(f"a point could not be timed: {timed}")
    return (*timed.block.base, *timed.block.head)


def _nothing(point: Point) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    record(int(sys.argv[1]), Path(sys.argv[2]))
