"""The chunk size for a layer: from what was measured on its device, else from a model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil, sqrt

import torch

from hatrick.chunk_size.candidates import LEAST, candidates
from hatrick.chunk_size.matching import best_match, nearest_miss
from hatrick.chunk_size.store import calibrations, profiles
from hatrick.chunk_size.wanted import CostOf, Wanted

_said: set[str] = set()


@dataclass(frozen=True)
class Choice:
    """A chunk size, and where it comes from, in words."""

    chunk_size: int
    source: str


def choose(wanted: Wanted, cost: CostOf) -> Choice:
    """The chunk size to make a layer with.

    From the first of these that there is:

    1. a profile of this setting, on this model of device, that has this very length; made with this
       software, else with other;
    2. such a profile at other lengths, no more than a factor of 2 away: by its fitted law, or where
       its nearest lengths agree;
    3. the cost model in the times of a calibration of this device (`hatrick tune --calibrate`);
    4. sqrt(T) as the nearest multiple of 16.

    A direction or batch that is not wanted may be any: forward and backward is preferred, then the
    smaller batch. Constraints that a profile was made under are the user's wish and hold here, too;
    the source names them.

    Steps 3 and 4, a profile made with other software and files that cannot be read warn, each once
    in a process, and say what to run. Nothing of that raises: a training job goes on.

    Args:
        cost: of a call, for step 3.

    Returns:
        A chunk size between 1 and T.

    Raises:
        ValueError: `seq_len` is not an integer of at least 1.
    """
    T = wanted.seq_len
    if not isinstance(T, int) or isinstance(T, bool) or T < 1:
        raise ValueError(
            f'chunk_size="auto" chooses for a length: give seq_len=T, an integer of at least 1, '
            f"got {T!r}"
        )
    if wanted.device is None and wanted.place.type == "cpu" and torch.cuda.is_available():
        _warn(
            'chunk_size="auto" chooses for the CPU, where this layer is made, and there is a GPU '
            'here: if it is to run there, make it there, by device="cuda"'
        )
    choice = None
    reasons = []
    for step in (_from_profile, _from_calibration):
        try:
            choice, reason = step(wanted, cost)
        except Exception as error:  # whatever it is, a training job must not end for it
            reason = f"{type(error).__name__}: {error}"
        reasons += [reason] if reason else []
        if choice is not None:
            break
    if choice is None:
        choice = Choice(square_root(T), "sqrt(T), the nearest multiple of 16")
    if reasons:
        _warn(
            f'chunk_size="auto" takes {choice.chunk_size} for {wanted.variant} at T = {T:,} from '
            f"{choice.source}: {'; '.join(reasons)}"
            + (f". To measure what is best, run `{wanted.command}`" if T >= LEAST else "")
        )
    return choice


def square_root(seq_len: int) -> int:
    """sqrt(T) as the nearest multiple of 16, at least 16 and at most T: near it the cost of
    HATrick, O(T·n + (T/n)² + T²/n), is least."""
    return min(max(LEAST, round(sqrt(seq_len) / LEAST) * LEAST), seq_len)


def _from_profile(wanted: Wanted, cost: CostOf) -> tuple[Choice | None, str]:
    """Steps 1 and 2; with what there is to warn of."""
    found = profiles()
    for sentence in found.refused:
        _warn(f'chunk_size="auto" leaves out a profile. {sentence}')
    match = best_match(wanted, found.stored)
    if match is None:
        return None, nearest_miss(wanted, found.stored)
    return Choice(match.reading.chunk_size, match.source), match.changed


def _from_calibration(wanted: Wanted, cost: CostOf) -> tuple[Choice | None, str]:
    """Step 3."""
    found = calibrations()
    for sentence in found.refused:
        _warn(f'chunk_size="auto" leaves out a calibration. {sentence}')
    setting = wanted.setting
    names = {"device_name", "threads", "dtype", "direction", "variant"} & setting.keys()
    fitting = [
        each.content
        for each in found.stored
        if all(getattr(each.content, name) == setting[name] for name in names)
    ]
    best = max(
        fitting,
        key=lambda each: (each.direction == "forward+backward", each.created_at),
        default=None,
    )
    if best is None:
        return None, "there is no calibration of this device for it"
    batch = wanted.batch or 1
    times = {}
    for size in candidates(wanted.seq_len):
        if (each := cost(size, best.direction)) is not None:
            times[size] = best.latency_ms(each, batch * ceil(wanted.seq_len / size))
    if not times:
        return None, "its cost is not known, so no calibration tells its chunk size"
    source = f"the cost model and the calibration of {best.created_at:%Y-%m-%d} ({best.direction})"
    return Choice(min(times, key=lambda size: times[size]), source), ""


def _warn(sentence: str) -> None:
    """Once in a process, however many layers a model has."""
    if sentence not in _said:
        _said.add(sentence)
        warnings.warn(sentence, stacklevel=2)
