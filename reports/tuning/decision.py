"""The chunk size to use at each length of a tuning, with the evidence, or why none is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import pandas as pd

from reports.intervals import Ratio
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.race import Contender, Race
from reports.runfile import Run
from reports.tuning.cautious import cautions_of
from reports.tuning.confirmation import (
    MEASURED,
    Rows,
    confirming,
    fresh_ratio,
    last_of,
)
from reports.tuning.estimates import Estimates, estimates
from reports.tuning.front import Figures, front
from reports.tuning.model import Curve, curve, latest_races, law_of
from reports.tuning.refusals import after_confirming, before_confirming
from reports.tuning.why import why

Prefer = Literal["latency", "memory", "distance"]


@dataclass(frozen=True)
class Entry:
    """One chunk size of a decision."""

    contender: Contender
    ratio: Ratio | None
    """Its latency over that of `Decision.reference`; None without times."""
    latency_ms: float | None
    fresh: bool
    """Both figures are from the fresh process; False: from the race."""
    ties: bool
    """It cannot be told from the fastest, or is it."""
    on_front: bool
    """No other is as good in latency, workspace and distance and better in one."""
    remark: str
    """Why it has no figures, in words; else empty."""

    @property
    def chunk_size(self) -> int:
        """n."""
        return self.contender.chunk_size


@dataclass(frozen=True)
class Decision:
    """What a tuning says of one length."""

    race: Race
    chunk_size: int | None
    """The one to use; None: `refused` says why there is none."""
    fastest: int | None
    """By latency, whatever is preferred; None where that is not known at all."""
    ties: list[int]
    """Those that cannot be told from the fastest, ascending, without it."""
    entries: list[Entry]
    """Every contender, by chunk size."""
    confirmed: bool
    """The last fresh process found nothing clearly faster than the one before it, or the race, had
    found the fastest."""
    curve: Curve | Unfit
    """What a model makes of the race."""
    cost_model_n: int | None
    """Of the contenders the one with the least FLOPs, by the cost model."""
    why: str
    prefer: Prefer
    cautions: list[str]
    """What to be careful of, a sentence each."""
    refused: str
    """Why no chunk size is recommended and what to run instead; empty if one is."""

    @property
    def seq_len(self) -> int:
        """T."""
        return self.race.point.seq_len

    @property
    def sqrt_n(self) -> float:
        """Where theory has the least of T·n + T²/n."""
        return sqrt(self.seq_len)

    @property
    def model_n(self) -> float | None:
        """n* of the model; None where it has none, or no end of it."""
        if isinstance(self.curve, Unfit) or not 0 < self.curve.best.value < inf:
            return None
        return self.curve.best.value

    @property
    def reference(self) -> int | None:
        """The chunk size that ratios are over: the one to use, else the fastest."""
        return self.fastest if self.chunk_size is None else self.chunk_size

    @property
    def latency_ms(self) -> float | None:
        """Of `reference`."""
        found = [entry.latency_ms for entry in self.entries if entry.chunk_size == self.reference]
        return found[0] if found else None

    @property
    def front(self) -> list[int]:
        """Chunk sizes on the Pareto front; more than one: the figures disagree."""
        return [entry.chunk_size for entry in self.entries if entry.on_front]


def decisions(run: Run) -> list[Decision]:
    """A decision for every length of a tuning, by length: of its last race.

    Args:
        run: of `hatrick tune`; one without races has no decisions.
    """
    races = latest_races(run)
    if not races:
        return []
    law = law_of(run)
    return [_decision(run, race, law, confirming(run, race)) for race in races]


def _decision(run: Run, race: Race, law: ChunkLaw | Unfit, processes: Sequence[Rows]) -> Decision:
    prefer: Prefer = run.environment.spec.get("tune", {}).get("prefer", "latency")
    rows = processes[-1] if processes else {}
    refused = before_confirming(race, rows)
    measured = _measured(rows)
    failed = set(rows) - set(measured)
    timed = [contender for contender in race.contenders if contender.rounds_ms]
    if not timed or min(min(map(min, contender.rounds_ms)) for contender in timed) <= 0:
        return _empty(race, prefer, refused)
    found = estimates(timed)
    leaders = [n for n in found.chunk_sizes if n in measured] or found.chunk_sizes
    leader = min(leaders, key=found.latency_ms)
    said = last_of(leader, [_measured(of_process) for of_process in processes])
    against_fastest = _ratios(found, measured, said.fastest)
    tied = [each.chunk_size for each in timed if each.outcome == "tied"]
    ties = sorted({*said.ties, *tied} - {said.fastest})
    both = {n: [against_fastest[n], found.ratio(n, said.fastest)] for n in ties}
    refused = refused or after_confirming(len(timed), both)
    shown = {n: 1.0 if n in ties else ratio.ratio for n, ratio in against_fastest.items()}
    of = {contender.chunk_size: contender for contender in race.contenders}
    on_front = front({n: _figures(of[n], r) for n, r in shown.items() if n not in failed})
    chosen = None if refused else _preferred(prefer, said.fastest, on_front, of, shown)
    ratios = against_fastest if chosen is None else _ratios(found, measured, chosen)
    modelled = curve(race, law, found)
    plain = {n: ratio.ratio for n, ratio in against_fastest.items()}
    return Decision(
        race=race,
        chunk_size=chosen,
        fastest=said.fastest,
        ties=ties,
        entries=[
            _entry(contender, ratios, found, rows, [said.fastest, *ties], on_front)
            for contender in race.contenders
        ],
        confirmed=said.confirmed,
        curve=modelled,
        cost_model_n=_least_flops(race),
        why=why(modelled, plain, said.fastest),
        prefer=prefer,
        cautions=cautions_of(run, race, leader, said, len(processes), chosen, rows, plain),
        refused=refused,
    )


def _measured(rows: Rows) -> Rows:
    return {n: row for n, row in rows.items() if row["status"] in MEASURED}


def _empty(race: Race, prefer: Prefer, refused: str) -> Decision:
    """Of a race without times."""
    return Decision(
        race=race,
        chunk_size=None,
        fastest=None,
        ties=[],
        entries=[
            Entry(contender, None, None, False, False, False, contender.reason)
            for contender in race.contenders
        ],
        confirmed=False,
        curve=Unfit("no chunk size was timed"),
        cost_model_n=_least_flops(race),
        why="",
        prefer=prefer,
        cautions=[],
        refused=refused,
    )


def _ratios(found: Estimates, measured: Rows, reference: int) -> dict[int, Ratio]:
    """Of every chunk size that was timed; from the fresh process where both were in it."""
    fresh = {
        n: fresh_ratio(measured, n, reference)
        for n in found.chunk_sizes
        if {n, reference} <= set(measured)
    }
    return {n: fresh.get(n) or found.ratio(n, reference) for n in found.chunk_sizes}


def _figures(contender: Contender, ratio: float) -> Figures:
    return Figures(ratio, contender.workspace_bytes, contender.distance_to_full)


def _preferred(
    prefer: Prefer,
    fastest: int,
    on_front: list[int],
    of: Mapping[int, Contender],
    ratios: Mapping[int, float],
) -> int:
    """The chunk size of the front that has the least of what is preferred."""
    least = {
        n: of[n].workspace_bytes if prefer == "memory" else of[n].distance_to_full for n in on_front
    }
    known = {n: value for n, value in least.items() if value is not None}
    if prefer == "latency" or not known:
        return fastest
    return min(known, key=lambda n: (known[n], ratios[n], n != fastest))


def _entry(
    contender: Contender,
    ratios: Mapping[int, Ratio],
    found: Estimates,
    rows: Rows,
    ties: list[int],
    on_front: list[int],
) -> Entry:
    n = contender.chunk_size
    row = rows.get(n)
    fresh = row is not None and bool(row["status"] in MEASURED)
    latency = found.latency_ms(n) if n in ratios else None
    remark = contender.reason
    if row is not None:
        latency = float(row["latency_ms"]) if fresh else latency
        remark = remark or ("" if fresh else _in_fresh_process(row))
    return Entry(
        contender=contender,
        ratio=ratios.get(n),
        latency_ms=latency,
        fresh=fresh,
        ties=n in ties,
        on_front=n in on_front,
        remark=remark,
    )


def _in_fresh_process(row: pd.Series) -> str:
    return f"in the fresh process: {row['reason']}"


def _least_flops(race: Race) -> int | None:
    known = {c.chunk_size: c.flops for c in race.contenders if c.flops is not None}
    return min(known, key=known.__getitem__) if known else None
