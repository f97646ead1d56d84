"""`--refine crossovers`: more lengths near where one attention overtakes another, until it is known
to 10% from which length."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, lcm, log

import numpy as np
import pandas as pd

from bench.points import Planned, expand
from bench.spec import SweepSpec
from reports.compare import fastest
from reports.frame import to_frame
from reports.models.crossovers import Crossover, NoCrossover, crossovers
from reports.runfile import Run, key_on_any
from reports.schema import Point
from reports.settings import split

NARROW = 0.1
"""Width of a crossover's interval, relative to the estimate, at which it is known well enough."""
STEPS = 6
"""After so many, what is not known to `NARROW` stays so: the noise is too large for it."""
NEAR = (1.25, 1.6, 2.0)
"""Lengths beyond the interval, but within these factors of the estimate, are of use too: it is the
curve through all of them that is known better. The next factor where the last has none left."""


@dataclass(frozen=True)
class Seen:
    """What two labels do in a run, each at its fastest chunk sizes."""

    result: Crossover | NoCrossover
    setting: str
    """What sets it apart from the run's other settings; empty if there is no other."""
    seq_len: tuple[int, ...] = ()
    """New lengths that would tell more of a crossover, ascending; empty if none is left."""
    points: tuple[Point, ...] = ()
    """What to measure there: a point of every label and chunk size, at some other length."""

    @property
    def is_wide(self) -> bool:
        """A crossover that is not known well enough."""
        return isinstance(self.result, Crossover) and self.result.width > NARROW

    def __str__(self) -> str:
        result = self.result
        words = str(result)
        if isinstance(result, Crossover):
            words = f"{result.slower} / {result.faster}: T = {result.where()}"
        return f"{self.setting}: {words}" if self.setting else words


def refine(
    spec: SweepSpec,
    read: Callable[[], Run],
    measure: Callable[[Sequence[Planned]], None],
    say: Callable[[str], None],
) -> None:
    """Measure more lengths near every crossover whose interval is wide.

    It ends when every interval is narrower than `NARROW`, no length is left to measure, `STEPS`
    steps were made, or not all of a step could be measured: the time budget is spent.

    Args:
        spec: of the sweep, whose own points are done.
        read: reads the run file.
        measure: measures points and writes their records.
        say: is told what is refined and why, and how it ended.
    """
    run, why = read(), f"{STEPS} steps were not enough"
    for _ in range(STEPS):
        going = [each for each in pairs(run) if each.is_wide and each.seq_len]
        if not going:
            break
        for each in going:
            say(f"{each}; measuring {', '.join(map(str, each.seq_len))}")
        measure(todo := planned(spec, going))
        before, run = run, read()
        if len(run.records) < len(before.records) + len(todo):
            why = "the time budget has no room for more lengths"
            break
    for each in pairs(run):
        say(_ended(each, why))


def pairs(run: Run) -> list[Seen]:
    """Every pair of labels of every setting of a run."""
    points = {record.key: record.point for record in run.records}
    settings = split(to_frame([run]))
    seen = []
    for setting in settings:
        title = setting.title if len(settings) > 1 else ""
        for result in crossovers(setting.frame, "best"):
            if isinstance(result, Crossover):
                seen.append(Seen(result, title, *_proposal(result, setting.frame, points)))
            else:
                seen.append(Seen(result, title))
    return seen


def planned(spec: SweepSpec, refined: Sequence[Seen]) -> list[Planned]:
    """The points to measure: those that the sweep would have at the proposed lengths, of the labels
    and chunk sizes that cross there."""
    wanted = {
        (_curve(point), seq_len)
        for each in refined
        for point in each.points
        for seq_len in each.seq_len
    }
    lengths = sorted({seq_len for _, seq_len in wanted})
    return [
        each
        for each in expand(spec.model_copy(update={"seq_len": lengths}))
        if (_curve(each.point), each.point.seq_len) in wanted
    ]


def new_lengths(
    crossover: Crossover,
    measured: Collection[int],
    chunk_sizes: Collection[int] = (),
    near: float = NEAR[0],
) -> list[int]:
    """The lengths nearest to a crossover and to the ends of its interval, ascending: at most three,
    none measured yet, and none beyond the measured range.

    They are multiples of all chunk sizes: a last chunk that is not full is padded and masked, which
    takes time that depends on how full it is, and the curve would have teeth. And they are no
    closer than 16 apart, from 1k on 64, from 8k on 256.

    Args:
        measured: lengths at which either side has been tried.
        chunk_sizes: those that will be measured.
        near: factor of the estimate within which lengths count, beside the interval.
    """
    low = max(min(crossover.low, crossover.seq_len / near), crossover.shortest)
    high = min(max(crossover.high, crossover.seq_len * near), crossover.longest)
    whole = lcm(*chunk_sizes)
    step = whole * ceil(_apart(crossover.seq_len) / whole)
    free = set(range(step * ceil(low / step), int(high) + 1, step)) - set(measured)
    chosen: set[int] = set()
    for target in (crossover.seq_len, crossover.low, crossover.high):
        if left := sorted(free - chosen):
            chosen.add(min(left, key=lambda T: abs(log(T / target))))
    return sorted(chosen)


def _apart(seq_len: float) -> int:
    """How far apart lengths near this one are at least."""
    return 16 if seq_len < 1024 else 64 if seq_len < 8192 else 256


def _proposal(
    crossover: Crossover, rows: pd.DataFrame, points: dict[str, Point]
) -> tuple[tuple[int, ...], tuple[Point, ...]]:
    """What would tell more of a crossover: new lengths, and points to measure there.

    Both labels with all chunk sizes that may be the fastest there; when no length is left that is
    a multiple of all of these, with the one that is the fastest nearest to the crossover.

    Args:
        rows: of its setting.
        points: of the run, by key.
    """
    both = rows[rows["label"].isin([crossover.faster, crossover.slower])]
    measured = set(both["seq_len"])
    best = fastest(both)
    for near, chosen in product(NEAR, (_near(crossover, best), _nearest(crossover, best))):
        sizes = {int(n) for n in chosen["chunk_size"].dropna()}
        if lengths := new_lengths(crossover, measured, sizes, near):
            return tuple(lengths), tuple(points[key] for key in chosen["key"])
    return (), ()


def _near(crossover: Crossover, best: pd.DataFrame) -> pd.DataFrame:
    """A row of every chunk size that is the fastest of its label at a length from the last one
    below the interval to the first one above it.

    Args:
        best: the fastest rows of both labels at every length.
    """
    found = []
    for _, own in best.groupby("label"):
        lengths = own["seq_len"]
        below = lengths[lengths < crossover.low].max()
        above = lengths[lengths > crossover.high].min()
        # NaN where there is none: then all lengths on that side count.
        found.append(own[~((lengths < below) | (lengths > above))])
    return pd.concat(found).drop_duplicates(["label", "chunk_size"])


def _nearest(crossover: Crossover, best: pd.DataFrame) -> pd.DataFrame:
    """Of both labels the fastest row at the length nearest to the crossover."""
    distance = (np.log(best["seq_len"]) - log(crossover.seq_len)).abs()
    return best.loc[distance.groupby(best["label"]).idxmin()]


def _curve(point: Point) -> str:
    """What a point shares with those that differ from it in length or device alone. On which
    backend `auto` runs may change with the length."""
    return key_on_any(point.model_copy(update={"backend_used": "", "seq_len": 1}))


def _ended(seen: Seen, why: str) -> str:
    """How a pair is known in the end.

    Args:
        why: crossovers for which there are new lengths are not known better.
    """
    if isinstance(seen.result, NoCrossover):
        return str(seen)
    words = f"{seen}, {seen.result.width:.0%} wide"
    if not seen.is_wide:
        return words
    because = why if seen.seq_len else "no length is left between those measured"
    return f"{words}; {NARROW:.0%} was not reached: {because}"
