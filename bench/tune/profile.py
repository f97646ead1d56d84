"""From the run file of a tuning to the profile that `chunk_size="auto"` reads:
`python -m bench.tune.profile RUN.jsonl...` makes those that come with the package."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path

from hatrick.chunk_size import store
from hatrick.chunk_size.profile import (
    NO_MATTER,
    Evidence,
    Law,
    Origin,
    Profile,
    Setting,
    Software,
    Tuned,
)
from reports import units
from reports.intervals import Ratio
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.runfile import Run, read_run
from reports.tuning.beside_law import BesideLaw, beside_law
from reports.tuning.decision import Decision, Entry, decisions

PREFERRED = "preferred"
"""The constraint under which a decision by another figure than latency is kept: no law of latency
speaks for it."""


def profile_of(run: Run) -> Profile | None:
    """What a tuning decided; None where it decided nothing.

    Lengths without a recommendation, or whose chosen one was not checked yet, are not in it.
    """
    made = [each for each in decisions(run) if each.checked]
    if not made:
        return None
    point, environment = made[0].race.point, run.environment
    on_cpu = point.device == "cpu"
    return Profile(
        setting=Setting(
            variant=point.variant,
            options={k: v for k, v in point.options.items() if k not in NO_MATTER},
            backend=point.backend,
            device_name=point.device_name,
            threads=environment.threads if on_cpu else 0,
            dtype=point.dtype,
            dim=point.dim,
            heads=point.heads,
            causal=point.causal,
            direction=point.direction,
            batch=point.batch,
        ),
        software=Software(
            driver="" if on_cpu else environment.driver,
            torch=environment.spec["tune"]["torch"],
            code=environment.spec["tune"]["code"],
        ),
        constraints=constraints_of(run),
        lengths=[_tuned(run, decision) for decision in made],
        law=_law(beside_law(run)),
    )


def _tuned(run: Run, decision: Decision) -> Tuned:
    assert decision.chunk_size is not None
    assert decision.latency_ms is not None
    tied = {each.chunk_size for each in decision.entries if each.ties}
    environment = run.environment
    return Tuned(
        seq_len=decision.seq_len,
        chunk_size=decision.chunk_size,
        # One that was preferred for its memory may be slower than all of them: it ties with none.
        ties=sorted(tied - {decision.chunk_size}) if decision.chunk_size in tied else [],
        latency_ms=decision.latency_ms,
        confirmed=decision.confirmed,
        evidence=[_evidence(each, each.ratio) for each in decision.entries if each.ratio],
        origin=Origin(
            created_at=environment.created_at,
            command=environment.command,
            git_commit=environment.git_commit + ("+" if environment.git_dirty else ""),
            run_id=environment.run_id,
        ),
    )


def _evidence(entry: Entry, ratio: Ratio) -> Evidence:
    known = isfinite(ratio.high) and ratio.low > 0
    return Evidence(
        chunk_size=entry.chunk_size,
        ratio=ratio.ratio,
        low=ratio.low if known else None,
        high=ratio.high if known else None,
        workspace_bytes=entry.contender.workspace_bytes,
        distance_to_full=entry.contender.distance_to_full,
    )


def constraints_of(run: Run) -> dict[str, str | float]:
    """What was asked for besides speed, by names that a sentence can use."""
    asked = run.environment.spec["tune"]
    found: dict[str, str | float] = {}
    if asked["max_memory"] is not None:
        found["most memory"] = units.size(asked["max_memory"])
    if asked["max_distance"] is not None:
        found["most distance"] = asked["max_distance"]
    for side, name in (("min_quality", "least quality"), ("max_quality", "most quality")):
        if asked[side] is not None:
            found[name] = asked[side]
    if asked["quality"] is not None:
        found["quality of"] = Path(asked["quality"]).name
    if asked["prefer"] != "latency":
        found[PREFERRED] = asked["prefer"]
    return found


def _law(found: tuple[ChunkLaw, BesideLaw] | Unfit) -> Law | None:
    if isinstance(found, Unfit):
        return None
    law, beside = found
    fixed, per_token, per_key, per_cls, per_pair = law.coefficients.tolist()
    return Law(
        fixed=fixed,
        per_token=per_token,
        per_key=per_key,
        per_cls=per_cls,
        per_chunk=per_token * law.chunk_tokens,
        per_pair=per_pair,
        tail=beside.tail,
        factors=beside.sizes,
        since=law.since,
        until=law.until,
        lengths=len(set(law.seq_len)),
        error=law.error,
    )


def main(*runs: str) -> None:
    """Make the profiles that come with the package anew; runs that verify are passed over."""
    for old in store.SHIPPED.glob("*.json"):
        old.unlink()
    for run in map(read_run, runs):
        if run.races and (made := profile_of(run)) is not None:
            print(store.save(made, store.SHIPPED / store.file_name(made)))


if __name__ == "__main__":
    main(*sys.argv[1:])
