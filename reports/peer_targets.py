"""What an attention is meant to reach against others, and whether it does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from reports import units
from reports.compare import paired
from reports.schema import Status

WRITTEN = re.compile(r"(forward|forward\+backward)(?:@([\dk,]+))?=(\d[\d.]*)(?:/(\d[\d.]*))?")
EXPECTED = "DIRECTION[@LENGTH,...]=SPEED[/WORKSPACE], such as forward=1.7/0.5, or against=NAME,..."
NOT_JUDGED = "not judged"
FAILED = (Status.OUT_OF_MEMORY, Status.TIMEOUT, Status.CRASHED, Status.DISAGREES)
"""With these no target is reached; with the others nobody knows."""


@dataclass(frozen=True)
class Target:
    """What one direction is to reach."""

    direction: str
    lengths: tuple[str, ...]
    """As `units.tokens` writes them; empty: at all."""
    speed: float
    """At least how many times as fast as the peer."""
    workspace: float | None
    """At most so much of the peer's; None: any."""
    against: tuple[str, ...] = ()
    """Which peers; empty: all."""

    def asks(self, seq_len: int, direction: str) -> bool:
        """Whether it is a target at this length, in this direction."""
        here = not self.lengths or units.tokens(seq_len) in self.lengths
        return here and direction == self.direction


def parse_targets(arguments: Iterable[str]) -> list[Target]:
    """The targets of a directive (`reports.peer_table`), each with the peers it is held against.

    Raises:
        ValueError: an argument that is neither a target nor `against=`.
    """
    targets: list[Target] = []
    against: tuple[str, ...] = ()
    for argument in arguments:
        if argument.startswith("against="):
            against = tuple(argument.removeprefix("against=").split(","))
        elif found := WRITTEN.fullmatch(argument):
            direction, lengths, speed, workspace = found.groups()
            at = tuple(lengths.split(",")) if lengths else ()
            most = float(workspace) if workspace else None
            targets.append(Target(direction, at, float(speed), most, against))
        else:
            raise ValueError(f"cannot read the target {argument!r}; write {EXPECTED}")
    return targets


def judge(target: Target, own: pd.Series, peer: pd.Series) -> str:
    """Whether a target is met against one peer, in words.

    Speed is judged by the ratio of the rounds that both took part in: its median, and `not clear`
    where the 95% interval spans the target. The workspace is exact.

    Args:
        own, peer: rows of a frame of `reports.load`.
    """
    wanted = f"speed {target.speed:g}"
    if own["status"] in FAILED and peer["status"] == Status.OK:
        return f"{wanted}: missed"
    if own["status"] != Status.OK or peer["status"] != Status.OK:
        return f"{wanted}: {NOT_JUDGED}"
    ratio = paired(own, peer)
    words = NOT_JUDGED if ratio is None else _met(ratio.ratio >= target.speed)
    if ratio is not None and ratio.low <= target.speed <= ratio.high:
        words += " (not clear)"
    if target.workspace is None:
        return f"{wanted}: {words}"
    is_small = own["workspace_bytes"] <= target.workspace * peer["workspace_bytes"]
    return f"{wanted}: {words}, workspace {target.workspace:g}: {_met(is_small)}"


def _met(reached: bool) -> str:
    return "met" if reached else "missed"
