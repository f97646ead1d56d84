"""What a tuning takes beside measuring the full grid of each length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from reports import markdown, units
from reports.models.claims import length
from reports.runfile import Run
from reports.tuning.regret import PROCESSES


def time_markdown(tuned: Run, verified: Run) -> str:
    """How long the races and confirmations took beside the full grids, as Markdown.

    Of the lengths in both runs; a grid's time is that of one of the processes that measured it.
    """
    own, full = tuning_seconds(tuned), grid_seconds(verified)
    common = sorted(set(own) & set(full))
    if not common:
        raise ValueError(f"{tuned.path} and {verified.path} have no length in common")
    lines = [_line(length(T), own[T], full[T]) for T in common]
    total = _line("all", sum(own[T] for T in common), sum(full[T] for T in common))
    headers = ("T", "tuning", "full grid", "tuning / grid")
    return markdown.table(headers, [*lines, total], words=())


def tuning_seconds(run: Run) -> Mapping[int, float]:
    """Seconds that each length's races and their confirmation took, by length."""
    seconds: defaultdict[int, float] = defaultdict(float)
    for race in run.races:
        seconds[race.point.seq_len] += race.wall_s
    for record in run.records:
        seconds[record.point.seq_len] += record.wall_s
    return seconds


def grid_seconds(run: Run) -> Mapping[int, float]:
    """Seconds that measuring each length's full grid once took, by length."""
    seconds: defaultdict[int, float] = defaultdict(float)
    for record in run.records:
        seconds[record.point.seq_len] += record.wall_s / PROCESSES
    return seconds


def _line(name: str, own: float, full: float) -> list[str]:
    times = [units.duration(1000 * seconds) for seconds in (own, full)]
    return [name, *times, units.percent(own / full) if full else "–"]
