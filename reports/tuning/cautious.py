"""What to be careful of in a decision, a sentence each; most decisions have none."""

from __future__ import annotations

from collections.abc import Mapping

from reports import units
from reports.models.claims import listed
from reports.race import Outcome, Race
from reports.runfile import Run
from reports.tuning.confirmation import Confirmation
from reports.tuning.measured import Rows, failures


def cautions_of(
    run: Run,
    race: Race,
    leader: int,
    said: Confirmation,
    chosen: int | None,
    rows: Rows,
    ratios: Mapping[int, float],
) -> list[str]:
    """Sentences, what matters most first.

    Args:
        leader: of the race, among the finalists that are not out.
        said: by the last heat.
        chosen: the chunk size to use; None where none is recommended.
        rows: of the finalists in the fresh process.
        ratios: latency over the fastest's, of every chunk size that was timed.
    """
    return [
        *_disagreement(leader, said, len(race.heats)),
        *_lost(race, rows),
        *_unconfirmed(race, chosen),
        *_unchecked(race, chosen, rows),
        *_edge(race, said.fastest, ratios),
        *_without(race, "failed"),
        *_without(race, "excluded"),
        *_machine(run),
    ]


def _disagreement(leader: int, said: Confirmation, processes: int) -> list[str]:
    if leader == said.fastest or not said.confirmed:
        return []  # what is not confirmed is not recommended, and the refusal says so
    return [
        f"In the race n = {leader} led; the fresh processes, {processes} of them, call "
        f"n = {said.fastest} clearly faster."
    ]


def _lost(race: Race, rows: Rows) -> list[str]:
    return [f"n = {n} raced well and failed {reason}" for n, reason in failures(race, rows).items()]


def _unconfirmed(race: Race, chosen: int | None) -> list[str]:
    if chosen is None or not race.heats or any(chosen in heat.rounds_ms for heat in race.heats):
        return []
    return [f"n = {chosen} was timed in the race alone, and not in a fresh process."]


def _unchecked(race: Race, chosen: int | None, rows: Rows) -> list[str]:
    if chosen is None or chosen in rows or not race.heats:
        return []
    return [
        f"n = {chosen} was not measured yet, nor its output checked: go on with `--resume` before "
        "you use it."
    ]


def _edge(race: Race, fastest: int, ratios: Mapping[int, float]) -> list[str]:
    """The fastest lies at the end of what was timed, and more could lie beyond."""
    if len(ratios) < 2:
        return []
    known = {each.chunk_size for each in race.foreseen}
    known |= {each.chunk_size for each in race.contenders}
    if fastest == max(ratios) and fastest < race.point.seq_len and max(known) == fastest:
        return [f"n = {fastest} is the largest that was tried: a larger one may be faster."]
    if fastest == min(ratios) and min(known) == fastest and fastest > 1:
        return [f"n = {fastest} is the smallest that was tried: a smaller one may be faster."]
    return []


def _without(race: Race, outcome: Outcome) -> list[str]:
    """Those that were not timed, with the reason of the first."""
    found = [contender for contender in race.contenders if contender.outcome == outcome]
    if not found:
        return []
    sizes = listed([str(contender.chunk_size) for contender in found])
    more = f"; n = {found[0].chunk_size}" if len(found) > 1 else ""
    return [f"n = {sizes} {outcome}{more}: {found[0].reason}."]


def _machine(run: Run) -> list[str]:
    noise = run.environment.noise
    if noise is None or noise.fit:
        return []
    return [
        f"The selftest found this machine unfit to measure on: two measurements of one point lay "
        f"up to {units.percent(noise.spread)} apart."
    ]
