"""The proof: the full grid of every length, beside the chunk size that was chosen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from bench import environment
from bench.journal import Journal
from bench.points import Planned
from bench.rounds import Rounds
from bench.spec import SpecError
from bench.tune.planning import flops_of, foreseen
from bench.tune.profile import profile_of
from bench.tune.request import Request
from bench.tune.run import Watcher, put
from bench.tune.workers import Workers
from hatrick.chunk_size.candidates import LEAST
from hatrick.chunk_size.matching import read_at
from reports.runfile import Run
from reports.runwriter import RunWriter
from reports.schema import Point
from reports.tuning.decision import Decision

PROCESSES = 2
"""The best of a noisy grid is found by one process and compared with by the other."""
FAR = 2.0
"""Times the least FLOPs by the cost model, up to which a chunk size is of the grid: more than a
race tries, so that what it left out is seen to be slower."""


@dataclass(frozen=True)
class Chosen:
    """What is to be verified at one length."""

    chunk_size: int
    how: str
    """`tuned`; `between` and `beyond` the lengths that were, predicted from the profile."""


def free_path(tuned: Path) -> Path:
    """Where a verification of a tuning is written: beside it, and beside earlier ones."""
    paths = (
        tuned.with_name(f"{tuned.stem}-verify{f'-{n}' if n > 1 else ''}.jsonl") for n in count(1)
    )
    return next(path for path in paths if not path.exists())


def lengths_to_verify(tuned: Sequence[int]) -> dict[int, str]:
    """Lengths, ascending, and how each gets its chunk size: those that were tuned, one between each
    two of them, half the shortest and twice the longest."""
    ordered = sorted(tuned)
    found = dict.fromkeys(ordered, "tuned")
    for short, long in pairwise(ordered):
        # Near the geometric mean, where both are as far; of a factor of 2 exactly 1.5.
        found.setdefault(round((short * long) ** 0.5 / short * 4) * short // 4, "between")
    if ordered[0] // 2 >= LEAST:
        found[ordered[0] // 2] = "beyond"
    found[2 * ordered[-1]] = "beyond"
    return dict(sorted(found.items()))


def choose(run: Run, found: Sequence[Decision]) -> dict[int, Chosen]:
    """What to verify of a tuning: the chunk sizes of its lengths, and those that a layer would get
    from its profile at others. Lengths for which there is none are left out."""
    decided = {each.seq_len: each.chunk_size for each in found if each.chunk_size is not None}
    profile = profile_of(run)
    if profile is None:
        return {}
    chosen = {}
    for T, how in lengths_to_verify(list(decided)).items():
        if how == "tuned":
            chosen[T] = Chosen(decided[T], how)
        elif (reading := read_at(profile, T)) is not None:
            chosen[T] = Chosen(reading.chunk_size, how)
    return chosen


def grid(request: Request, seq_len: int, chosen: int) -> list[Point]:
    """All chunk sizes of a length that anybody would sweep, the chosen one among them.

    Raises:
        SpecError: one of them cannot run here.
    """
    candidates: list[Planned] = request.points(seq_len)
    if refused := [each for each in candidates if each.unsupported]:
        first = refused[0]
        raise SpecError(f"n = {first.point.chunk_size} cannot run here: {first.unsupported}")
    flops = flops_of([each.point for each in candidates])
    far = {each.chunk_size for each in foreseen(flops, FAR)} if request.automatic else set()
    far -= {chosen}
    return [each.point for each in candidates if each.point.chunk_size not in far]


def verify(
    request: Request, tuned: Run, chosen: Mapping[int, Chosen], path: Path, watcher: Watcher
) -> None:
    """Measure the grids, each in two fresh processes, into a run file of their own.

    Args:
        tuned: the run whose decisions are verified.
        chosen: by length.
        path: of the run file.

    Raises:
        SpecError: it exists, or cannot be written.
        DiskError: it cannot be written any further.
    """
    if path.exists():
        raise SpecError(f"{path} exists and is never overwritten; move it away")
    grids = {T: grid(request, T, one.chunk_size) for T, one in chosen.items()}
    sizes = sorted({p.chunk_size or 0 for points in grids.values() for p in points})
    spec = request.spec.model_copy(update={"seq_len": list(grids), "chunk_size": sizes})
    now = environment.describe(request.command, spec, [request.device])
    says = {str(T): {"chunk_size": one.chunk_size, "how": one.how} for T, one in chosen.items()}
    more = {"tune": request.recorded | {"chosen": says, "verifies": tuned.environment.run_id}}
    with ExitStack() as stack:
        try:
            writer = stack.enter_context(
                RunWriter(path, now.model_copy(update={"spec": now.spec | more}))
            )
        except OSError as error:
            raise SpecError(f"{path} cannot be written ({error.strerror})") from None
        workers = stack.enter_context(Workers(spec))
        for T, points in grids.items():
            for process in range(1, PROCESSES + 1):
                name = f"T = {T:,}: all {len(points)}, process {process} of {PROCESSES}"
                watcher.begin(name, 20 * len(points))
                workers.renew(points[0])
                # Every process starts from nothing: an answer of the other is none of its own.
                with Journal(path, resume=False) as journal:
                    Rounds(
                        ask=workers.ask_timed,
                        renew=workers.renew,
                        journal=journal,
                        write=lambda record: put(writer, record),
                        watch=watcher.watch,
                        target=spec.target,
                        seconds=spec.seconds,
                        order="interleaved",
                    ).measure(points)
