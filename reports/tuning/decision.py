"""The chunk size to use at each length of a tuning, with the evidence, or why none is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

from reports.intervals import Ratio
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.race import Contender, Heat, Race
from reports.runfile import Run
from reports.tuning.cautious import cautions_of
from reports.tuning.confirmation import confirmation, ratio_in
from reports.tuning.estimates import Estimates, estimates
from reports.tuning.front import Figures, front
from reports.tuning.measured import Rows, failures, measured_of, rows_of, throttled
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
    """Its ratio is from a fresh process; False: from the race."""
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
    checked: bool
    """The one to use was measured like a point of any sweep, its output included."""
    confirmed: bool
    """The last heat found nothing clearly faster than the one before it, or the race, had found the
    fastest, and knows well enough what ties."""
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
    law, rows = law_of(run), rows_of(run)
    return [_decision(run, race, law, measured_of(race, rows)) for race in races]


def _decision(run: Run, race: Race, law: ChunkLaw | Unfit, rows: Rows) -> Decision:
    prefer: Prefer = run.environment.spec.get("tune", {}).get("prefer", "latency")
    failed = failures(race, rows)
    refused = before_confirming(race, failed)
    timed = [contender for contender in race.contenders if contender.rounds_ms]
    if not timed or min(min(map(min, contender.rounds_ms)) for contender in timed) <= 0:
        return _empty(race, prefer, refused)
    found = estimates(timed)
    finalists = [n for n in found.chunk_sizes if n in _finalists(race) and n not in failed]
    leader = min(finalists or found.chunk_sizes, key=found.latency_ms)
    said = confirmation(leader, race, failed)
    against_fastest = _ratios(found, race, said.fastest, failed)
    refused = refused or after_confirming(said, len(race.heats))
    shown = {n: 1.0 if n in said.ties else ratio.ratio for n, ratio in against_fastest.items()}
    of = {contender.chunk_size: contender for contender in race.contenders}
    on_front = front({n: _figures(of[n], r) for n, r in shown.items() if n not in failed})
    chosen = None if refused else _preferred(prefer, said.fastest, on_front, of, shown)
    if chosen is not None and (held := throttled(chosen, rows)):
        chosen, refused = None, held
    reference = said.fastest if chosen is None else chosen
    modelled = curve(race, law, found)
    plain = {n: ratio.ratio for n, ratio in against_fastest.items()}
    # Of the one that was measured like any point, and of the others in its terms.
    row = rows.get(reference)
    latency = found.latency_ms(reference) if row is None else float(row["latency_ms"])
    ratios = _ratios(found, race, reference, failed)
    return Decision(
        race=race,
        chunk_size=chosen,
        fastest=said.fastest,
        ties=said.ties,
        entries=[
            Entry(
                contender=contender,
                ratio=ratios.get(contender.chunk_size),
                latency_ms=_scaled(ratios.get(contender.chunk_size), latency),
                fresh=contender.chunk_size in {said.fastest, *said.ratios},
                ties=contender.chunk_size in {said.fastest, *said.ties},
                on_front=contender.chunk_size in on_front,
                remark=contender.reason or failed.get(contender.chunk_size, ""),
            )
            for contender in race.contenders
        ],
        checked=chosen is not None and row is not None,
        confirmed=said.confirmed,
        curve=modelled,
        cost_model_n=_least_flops(race),
        why=why(modelled, plain, said.fastest),
        prefer=prefer,
        cautions=cautions_of(run, race, leader, said, chosen, rows, plain),
        refused=refused,
    )


def _finalists(race: Race) -> set[int]:
    return {one.chunk_size for one in race.contenders if one.outcome == "finalist"}


def _scaled(ratio: Ratio | None, latency_ms: float) -> float | None:
    return None if ratio is None else ratio.ratio * latency_ms


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
        checked=False,
        confirmed=False,
        curve=Unfit("no chunk size was timed"),
        cost_model_n=_least_flops(race),
        why="",
        prefer=prefer,
        cautions=[],
        refused=refused,
    )


def _ratios(
    found: Estimates, race: Race, reference: int, failed: Mapping[int, str]
) -> dict[int, Ratio]:
    """Of every chunk size that was timed; from the last heat where both were in it."""
    heat = race.heats[-1] if race.heats else Heat(rounds_ms={})
    fresh = {
        n: Ratio(1.0, 1.0, 1.0) if n == reference else ratio_in(heat, n, reference)
        for n in heat.rounds_ms
        if reference in heat.rounds_ms and n not in failed
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


def _least_flops(race: Race) -> int | None:
    known = {c.chunk_size: c.flops for c in race.contenders if c.flops is not None}
    return min(known, key=known.__getitem__) if known else None
