"""The points that a tracker of benchmarks gets, and what they are called.

A tracker knows a benchmark by its name alone: the same name is the same curve. So a name is made of
the point and of nothing else, whatever other points a run has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.runfile import Run
from reports.schema import OptionValue, Point, Record, Status

_USUAL: dict[str, object] = {
    "scope": "layer",
    "causal": False,
    "cuda_graph": False,
    "allocator": "kept",
    "wait_policy": "passive",
    "seed": 0,
}
"""What a name leaves out. Part of every name there is: a change here breaks every curve."""


class ExportError(ValueError):
    """Runs that cannot be told in a format; the message says what to do."""


@dataclass(frozen=True)
class Tracked:
    """A point with its figures."""

    name: str
    record: Record
    """With status `ok`: it has all figures."""
    run: Run


def tracked(runs: Sequence[Run]) -> list[Tracked]:
    """The points that are `ok`, of each the last try, in the order measured.

    A throttled one is not among them: its latency is the device's state, not the code's.

    Raises:
        ExportError: two runs have the same point, or none has figures.
    """
    points = [
        Tracked(name(record.point), record, run)
        for run in runs
        for record in _last_tries(run)
        if record.status is Status.OK
    ]
    seen: dict[str, Tracked] = {}
    for point in points:
        if other := seen.get(point.name):
            raise ExportError(
                f"{point.name}: measured in {other.run.path} and in {point.run.path}, and a name "
                "has one figure; export one run at a time"
            )
        seen[point.name] = point
    if not points:
        raise ExportError("no point of these runs has figures, so there is nothing to export")
    return points


def left_out(runs: Sequence[Run]) -> list[str]:
    """A sentence for every point that `tracked` leaves out: its name, and why."""
    from reports.statuses import outcome  # with pandas, which a benchmark can do without

    return [
        f"{name(record.point)}: {outcome(record.status, record.predicted)} ({record.reason})"
        for run in runs
        for record in _last_tries(run)
        if record.status is not Status.OK
    ]


def _last_tries(run: Run) -> list[Record]:
    """One record a name. `Run.latest` has two where `auto` picked another backend the next time."""
    return list({name(record.point): record for record in run.records}.values())


def name(point: Point) -> str:
    """What a point is called, always: `hatrick, n=64, forward, T=1024, …, float32, cpu (EPYC)`.

    Two points with one name differ in nothing but the device's index and the backend that `auto`
    picked: devices of one model are alike, and what `auto` picks is the code's own doing.
    """
    return f"{attention(point)}, {setting(point)}"


def attention(point: Point) -> str:
    """What of a name tells what is measured: `lsh:rounds=4:backend=plain, n=64`."""
    options = [f"{key}={_plain(value)}" for key, value in sorted(point.options.items())]
    if point.backend != "auto":
        options.append(f"backend={point.backend}")
    chunk = [] if point.chunk_size is None else [f"n={point.chunk_size}"]
    return ", ".join([":".join([point.variant, *options]), *chunk])


def setting(point: Point) -> str:
    """What of a name tells how: equal for points that may be compared with each other."""
    kind, _, _ = point.device.partition(":")
    parts = [
        point.direction,
        f"T={point.seq_len}",
        f"batch={point.batch}",
        f"dim={point.dim}",
        f"heads={point.heads}",
        point.dtype,
        f"{kind} ({point.device_name})",
    ]
    return ", ".join([*parts, *_unusual(point, kind)])


def _unusual(point: Point, kind: str) -> Iterator[str]:
    """What of a setting is not as in most runs."""
    usual = _USUAL | {"cache": "cold" if kind == "cuda" else "warm"}
    for field, expected in usual.items():
        if (value := getattr(point, field)) != expected:
            yield f"{field}={_plain(value)}"


def _plain(value: OptionValue) -> str:
    """An option's value; quoted where it is text that could be taken for more than a value."""
    return value if isinstance(value, str) and value.isidentifier() else json.dumps(value)
