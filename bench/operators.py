"""Where the time of one call goes: `python -m bench.operators VARIANT --seq-len 16k --out FILE`.

The point is one of a sweep: the flags are a sweep's, and it is built and warmed up as a worker does
it, in a process with a worker's malloc and threads. Then torch's profiler watches some calls, and
every operator's self time (its own, without what it called) goes into a file that
`reports.operator_table` reads. Times are the profiler's, with what it costs itself: they say where
the time goes, and not how long a call takes.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from bench.built import BuiltPoints
from bench.console import mistakes
from bench.environment import describe, threads, worker_environment
from bench.heap import fill_heap
from bench.points import expand, load_plugins
from bench.probes.memory import measure_memory
from bench.probes.operators import measure_operators
from bench.sampler import warm_up
from bench.selftest.run import check_writable
from bench.spec import SpecError, SweepSpec, merge
from reports.operator_table import Operator, Profile
from reports.schema import Point

CALLS = 10


def one_point(spec: SweepSpec) -> Point:
    """The only point of a sweep.

    Raises:
        SpecError: there are several, or it cannot run here.
    """
    planned = expand(spec)
    if len(planned) > 1:
        fields = [each.point.model_dump(mode="json") for each in planned]
        differing = [name for name in fields[0] if any(f[name] != fields[0][name] for f in fields)]
        raise SpecError(
            f"a profile is of one point, and these are {len(planned)}; name one value of "
            f"{', '.join(differing)}"
        )
    if planned[0].unsupported:
        raise SpecError(f"{planned[0].point.variant} cannot run here: {planned[0].unsupported}")
    return planned[0].point


def profile_point(point: Point, seconds: float, calls: int = CALLS) -> list[Operator]:
    """Build a point, warm it up and profile some calls.

    Args:
        seconds: most sampling time of the point in a sweep, by which the warm-up is cut short.

    Returns:
        All operators, means over the calls, those that took most time first.
    """
    points = BuiltPoints()
    built = points.get(point)
    with torch.set_grad_enabled(built.case.upstream is not None):
        built.timer.warm_up()
        if point.device == "cpu" and point.allocator == "kept":
            fill_heap(measure_memory(built.case).workspace_bytes)
        warm_up(built, seconds)
        return measure_operators(built.case, calls)


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
Flag = Annotated[str | None, typer.Option(show_default=False)]


@app.command()
def operators(
    variant: str,
    out: Annotated[Path, typer.Option(show_default=False)],
    seq_len: Flag = None,
    chunk_size: Flag = None,
    dim: Flag = None,
    heads: Flag = None,
    direction: Flag = None,
    dtype: Flag = None,
    scope: Flag = None,
    device: Flag = None,
    plugin: Flag = None,
) -> None:
    """Profile one call of VARIANT, written as in `hatrick sweep --variants`, into --out FILE.json.
    The other flags are that command's too; together they must leave one point."""
    flags = {name: value for name, value in locals().items() if name not in ("variant", "out")}
    with mistakes():
        check_writable(out)
        # The timer would flush a cold cache before each call; here it never runs.
        flags |= {"variants": variant, "cache": "warm"}
        spec, _ = merge(flags, has_cuda=torch.cuda.is_available())
        load_plugins(spec.plugin)
        point = one_point(spec)
    on = torch.device(point.device)
    if on.type == "cuda":
        torch.cuda.set_device(on)
    torch.set_num_threads(threads())
    found = profile_point(point, spec.seconds)
    profiled = Profile(
        point=point,
        environment=describe(shlex.join(["python", *sys.orig_argv[1:]]), spec, [on]),
        profiled_calls=CALLS,
        total_ms=sum(operator.self_ms for operator in found),
        operators=found,
    )
    out.write_text(profiled.model_dump_json(indent=1) + "\n", "utf-8")


def main() -> None:
    """Run the command line, in a process that has a worker's environment."""
    defaults = SweepSpec()
    wanted = worker_environment(defaults.allocator[0], defaults.wait_policy[0])
    wanted |= {"KINETO_LOG_LEVEL": "99"}  # or the profiler prints while it counts
    if wanted != dict(os.environ):  # read when a process starts, and never later
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
    app()


if __name__ == "__main__":
    main()
