"""A stored run as base: what must be alike for its figures to be compared with today's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.points import expand
from bench.progress import label
from bench.spec import SpecError, SweepSpec
from reports.gate.exact import Figures
from reports.gate.result import Side
from reports.runfile import Run, read_run
from reports.schema import Environment, Point, Record

SORTS = {
    "device": ("devices", "cpu", "cpu_cores"),
    "threads": ("threads",),
    "torch": ("torch", "triton", "xformers", "cudnn", "numpy"),
    "driver": ("driver", "cuda"),
    "python": ("python",),
    "variables": ("variables",),
}
"""What makes figures differ without any change of the code: fields of the environment, and
packages. Each is a name for `--allow`."""
OF_EXACT_FIGURES = ("threads", "torch", "variables")
"""Those that change figures without noise too: which operators are dispatched, and scratch space
of each thread."""
ASKED = {"backend_used", "device", "device_name"}
"""Fields of a point that follow from what was asked for and the machine."""


@dataclass(frozen=True)
class Stored:
    """A point of a stored run."""

    record: Record

    @property
    def point(self) -> Point:
        """The point as it was measured."""
        return self.record.point

    @property
    def figures(self) -> Figures:
        """What is compared exactly."""
        return Figures.from_record(self.record)


@dataclass(frozen=True)
class Baseline:
    """A stored run, and what of it is found again."""

    run: Run
    points: Mapping[str, Stored]
    """By what was asked for."""

    @property
    def side(self) -> Side:
        """How a result names it."""
        environment = self.run.environment
        return Side(
            name=str(self.run.path), commit=environment.git_commit, dirty=environment.git_dirty
        )

    @property
    def spec(self) -> SweepSpec:
        """What it measured; where to, for how long and with what precision is not in it."""
        own = {"out", "budget", "refine", "force", "plugin", "device"}
        stored = {k: v for k, v in self.run.environment.spec.items() if k not in own}
        return SweepSpec.model_validate(stored)

    def missing(self) -> list[str]:
        """Points of its own spec that it does not have, in words: it was cut short, or the code
        means other points by that spec now."""
        try:
            meant = [each.point for each in expand(self.spec)]
        except SpecError:
            return []  # of a plug-in's variants, say, which head's own plan will tell of
        return [label(point) for point in meant if self.find(point) is None]

    def find(self, point: Point) -> Stored | None:
        """The same point in the stored run, whatever backend it ran on and on which device."""
        return self.points.get(_asked(point))

    def others(self, points: Sequence[Point]) -> int:
        """How many of its points are none of these."""
        return len(self.points.keys() - {_asked(point) for point in points})


def read_baseline(path: Path) -> Baseline:
    """Read a run file to compare with.

    Raises:
        RunFileError: it is none, or of a schema that is not read.
        SpecError: a part of it is damaged or cut off, or points of its spec are not in it: they
            would pass for new ones.
    """
    run = read_run(path)
    if run.damaged:
        raise SpecError(
            f"--baseline {path}: {run.damaged[0]}; a part of a baseline would let pass what the "
            "rest of it would not: make it anew, with `hatrick gate --out DIR` (its head.jsonl)"
        )
    if not run.records:
        raise SpecError(f"--baseline {path}: there is no point in it")
    baseline = Baseline(run, {_asked(record.point): Stored(record) for record in run.latest})
    if missing := baseline.missing():
        raise SpecError(
            f"--baseline {path}: {len(missing)} points of its own spec are not in it, the first is "
            f"{missing[0]}; it was cut short, or the code now means other points by that spec: "
            "make it anew"
        )
    return baseline


def check_alike(
    baseline: Baseline, now: Environment, allowed: Collection[str], *, timed: bool
) -> list[str]:
    """What differs between a baseline and now, as sentences.

    Args:
        allowed: keys of `SORTS` that may differ.
        timed: whether latencies are compared, too.

    Raises:
        SpecError: something differs that matters and was not allowed, or no such key.
    """
    unknown = [name for name in allowed if name not in SORTS]
    if unknown:
        raise SpecError(f"--allow: no {unknown[0]!r}; choose from {', '.join(SORTS)}")
    sorts = SORTS if timed else OF_EXACT_FIGURES
    found = {sort: _differences(sort, baseline.run.environment, now) for sort in sorts}
    differing = {sort: words for sort, words in found.items() if words}
    refused = [sort for sort in differing if sort not in allowed]
    if refused:
        words = "; ".join(word for sort in refused for word in differing[sort])
        raise SpecError(
            f"--baseline {baseline.run.path} was measured elsewhere: {words}. Its figures cannot "
            f"be told from a change of the code; go on with --allow {','.join(refused)}, and "
            "timings are advisory then, or compare on this machine alone with --base"
        )
    return [word for words in differing.values() for word in words]


def _differences(sort: str, before: Environment, now: Environment) -> list[str]:
    return [
        f"{name} was {_said(then)} and is {_said(today)}"
        for name in SORTS[sort]
        for then, today in [(_value(before, name), _value(now, name))]
        if then != today
    ]


def _value(environment: Environment, name: str) -> Any:
    if name in Environment.model_fields:
        value = getattr(environment, name)
        # The index of a device and the last digit of Python's version make no difference.
        if name == "devices":
            return ", ".join(sorted(set(value.values())))
        return ".".join(value.split(".")[:2]) if name == "python" else value
    return environment.packages.get(name)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return "not there" if value in (None, "") else str(value)


def _asked(point: Point) -> str:
    fields = point.model_dump(mode="json", exclude=ASKED)
    return json.dumps(fields | {"kind": point.device.partition(":")[0]}, sort_keys=True)
