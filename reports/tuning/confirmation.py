"""The finalists of a race in a fresh process: which is the fastest, and what ties.

What one process makes of a chunk size (where its memory lies, what its caches hold) is the same in
all of its rounds, so that no test within a race sees it. A fresh process draws it again; where it
disagrees with what was found before, or is too noisy to tell, another one is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf

from reports.intervals import Ratio, paired_ratio
from reports.race import Heat, Race
from reports.tuning.sequential import TIE

NOISY = 0.1
"""Half the width of a ratio's interval, relative, above which a tie means nothing."""


@dataclass(frozen=True)
class Confirmation:
    """What the last heat says."""

    fastest: int
    confirmed: bool
    """It was `fastest` before, too: nothing in the heat is clearly faster by more than `TIE`, and
    all that may tie is known well enough."""
    ties: list[int]
    """Ascending: of those that were left in the race what is not clearly slower than `fastest`, or
    by `TIE` at most: so little need not outlive the process."""
    ratios: dict[int, Ratio] = field(default_factory=dict)
    """Latency over that of `fastest`, of all others in the heat."""

    @property
    def width(self) -> float:
        """Half the width of the widest interval, relative, of what is not clearly slower."""
        widths = [(of.high - of.low) / 2 for of in self.ratios.values() if of.low <= 1]
        return max(widths, default=0.0)


def confirmation(leader: int, race: Race, without: Collection[int] = ()) -> Confirmation:
    """Hold the race's leader against the first heat, and the fastest of each against the next.

    Args:
        leader: the fastest by the race.
        without: finalists that are out: their outputs were found to be wrong, for example.
    """
    said = Confirmation(leader, False, [])
    runners_up = dropped(race)
    for heat in race.heats:
        sizes = [n for n in sorted(heat.rounds_ms) if n not in without]
        if said.fastest in sizes:
            said = _heat(said.fastest, heat, sizes, runners_up)
    return said


def dropped(race: Race) -> set[int]:
    """The contenders that the race found to be clearly slower: they were not in its last round."""
    last = {c.chunk_size: c.first_round + len(c.rounds_ms) for c in race.contenders if c.rounds_ms}
    return {n for n, end in last.items() if end < max(last.values())}


def ratio_in(heat: Heat, chunk_size: int, reference: int) -> Ratio | None:
    """One's latency over another's; None with too few rounds, or times too short for the clock."""
    sides = [heat.rounds_ms[reference], heat.rounds_ms[chunk_size]]
    if min(min(samples) for rounds in sides for samples in rounds) <= 0:
        return None
    own, other = sides
    return paired_ratio(
        [ms for samples in own for ms in samples],
        [len(samples) for samples in own],
        [ms for samples in other for ms in samples],
        [len(samples) for samples in other],
    )


def _is_clear(ratio: Ratio) -> bool:
    """Faster, and by more than need not outlive the process."""
    return ratio.high < 1 and ratio.ratio < 1 / (1 + TIE)


def _heat(before: int, heat: Heat, sizes: Sequence[int], runners_up: set[int]) -> Confirmation:
    """What one heat says, held against the fastest before it."""
    against = {n: ratio_in(heat, n, before) for n in sizes if n != before}
    clear = {n: of.ratio for n, of in against.items() if of and _is_clear(of)}
    fastest = min(clear, key=lambda n: clear[n], default=before)
    ratios = {n: ratio_in(heat, n, fastest) or Ratio(1.0, 0.0, inf) for n in sizes if n != fastest}
    ties = [
        n
        for n, of in ratios.items()
        if n not in runners_up and (of.low <= 1 or of.ratio <= 1 + TIE)
    ]
    found = Confirmation(fastest, not clear, ties, ratios)
    if found.width > NOISY:
        return Confirmation(fastest, False, ties, ratios)
    return found
