"""The most important things that a frame says, in words; every word of them comes from the data.

Many claims can be made of a run. Each has a weight in one unit, so that they can be ranked: the
logarithm of the factor it is about, at the end of its 95% interval that is nearer to no difference
at all. So a large factor that is not certain weighs no more than a small one that is, and what
cannot be told weighs nothing. Of exponents it is the factor that their clear difference makes over
the lengths measured; figures without an interval weigh less than all of their factor (each claim
says why).

HATrick against full attention, or where one of the two is missing the fastest label against the
next, is what a reader came for: that claim comes first whatever it weighs. Then the heaviest of
every other kind; a second one of a kind (of another setting) only where there are too few kinds.
Of a kind, the first setting of the frame that says something clear speaks for all; settings beyond
are looked at only while too few kinds are clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reports import settings
from reports.models import claims_against, claims_of_choice, claims_of_runs
from reports.models.claims import Claim, scene
from reports.models.fits_table import fits_table
from reports.models.model_tables import (
    crossover_table,
    growth_table,
    law_table,
    optimum_table,
)
from reports.settings import FIELDS, Setting

__all__ = [
    "Finding",
    "crossover_table",
    "findings",
    "fits_table",
    "growth_table",
    "law_table",
    "optimum_table",
]

OF_SETTING = (
    claims_against.speed,
    claims_against.growth_of_latency,
    claims_against.workspace,
    claims_against.limit,
    claims_of_choice.chunks,
    claims_of_choice.hardware,
    claims_of_choice.agreement,
)


@dataclass(frozen=True)
class Finding:
    """One thing that the figures say."""

    text: str
    chart: str
    """The chart that shows it: scaling, memory, chunks, roofline or agreement; or failures."""
    state: dict[str, list[str]]
    """By column, the values to show there: only the rows with these are what it speaks of."""


def findings(frame: pd.DataFrame, most: int = 3) -> list[Finding]:
    """The most important findings of a frame of `reports.load`, the first one first.

    Args:
        frame: one or several settings, runs and devices.
        most: how many at most.
    """
    found = settings.split(frame)
    if not found:
        return [Finding("No point was measured.", "failures", {})]
    ranked = _ranked(_of_settings(found, most) + _of_frame(frame, found))
    several = len(found) > 1
    named = sorted(frame["device_name"].unique())
    out: list[Finding] = []
    for setting, claim in ranked[:most]:
        place = f"{setting.title}: " if setting is not None and several else ""
        if not out and len(named) == 1:
            # The title of several settings names the device only where it differs.
            place = f"{named[0]}, {place}" if place else f"{named[0]}: "
        state = {"variant": list(claim.variants)}
        if setting is not None and several:
            state |= _state(setting, frame)
        out.append(Finding(place + claim.text, claim.chart, state))
    return out


_Found = tuple[Setting | None, Claim]


def _of_settings(found: list[Setting], most: int) -> list[_Found]:
    """The claims of the settings, the frame's first setting first, until enough kinds are clear."""
    made: list[_Found] = []
    for setting in found:
        if len({claim.kind for _, claim in made if claim.weight > 0}) >= most:
            break
        if (seen := scene(setting.frame)) is not None:
            claims = (make(seen) for make in OF_SETTING)
            made += [(setting, claim) for claim in claims if claim is not None]
    return made


def _of_frame(frame: pd.DataFrame, found: list[Setting]) -> list[_Found]:
    made = (claims_of_runs.failures(frame), claims_of_runs.devices(found))
    return [(None, claim) for claim in made if claim is not None]


def _ranked(found: list[_Found]) -> list[_Found]:
    """The claim about speed, then the heaviest of every other kind, then the rest."""
    by_kind: dict[str, list[_Found]] = {}
    for pair in found:
        by_kind.setdefault(pair[1].kind, []).append(pair)
    spoken = [
        next((pair for pair in pairs if pair[1].weight > 0), pairs[0]) for pairs in by_kind.values()
    ]
    # Sorts are stable: what weighs the same stays in the order of the kinds.
    spoken.sort(key=lambda pair: (pair[1].kind != "speed", -pair[1].weight))
    rest = [pair for pair in found if all(pair is not one for one in spoken)]
    return spoken + sorted(rest, key=lambda pair: -pair[1].weight)


def _state(setting: Setting, frame: pd.DataFrame) -> dict[str, list[str]]:
    """What to choose in the filters so that only this setting is shown."""
    row = setting.frame.iloc[0]
    return {name: [str(row[name])] for name in FIELDS if frame[name].nunique() > 1}
