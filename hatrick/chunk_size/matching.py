"""What the profiles say of a layer that is about to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from hatrick.chunk_size.identity import software
from hatrick.chunk_size.profile import Profile, Software
from hatrick.chunk_size.store import Stored
from hatrick.chunk_size.wanted import Wanted

REACH = 2
"""How far from the lengths that were tuned a profile is believed, as a factor."""
NEXT_TO = 1.1
"""Factor within which the chunk size of a length alone is good for another."""
KEY_DIGITS = 8
"""Of a profile's key, in words."""


@dataclass(frozen=True)
class Reading:
    """What a profile says of a length."""

    chunk_size: int
    how: str
    """How it comes to say so, in words."""
    exact: bool
    """That very length was tuned."""


@dataclass(frozen=True)
class Match:
    """The best matching profile, and what it says."""

    stored: Stored[Profile]
    reading: Reading
    changed: str
    """How the software that it was made with differs from this, in words; empty if it does not."""

    @property
    def source(self) -> str:
        """Where the chunk size comes from, in words."""
        profile, setting = self.stored.content, self.stored.content.setting
        terms = [setting.direction, f"batch {setting.batch}"]
        terms += [f"{name} {value}" for name, value in profile.constraints.items()]
        words = f"profile {short(profile)}: {self.reading.how} ({', '.join(terms)})"
        return f"{words}; {self.changed}" if self.changed else words


def best_match(wanted: Wanted, stored: Sequence[Stored[Profile]]) -> Match | None:
    """The profile to take, or None where none both fits and knows the length.

    In this order: one that has this very length; of forward and backward, for a layer is made to be
    trained; made with this very software; of the smaller batch; the user's own; the newest.
    """
    here, setting = software(wanted.place, wanted.code), wanted.setting
    found = []
    for each in stored:
        if differing(each.content, setting):
            continue
        reading = read_at(each.content, wanted.seq_len)
        if reading is not None:
            found.append(Match(each, reading, changes(each.content.software, here)))

    def rank(match: Match) -> tuple[object, ...]:
        profile = match.stored.content
        return (
            not match.reading.exact,
            profile.setting.direction != "forward+backward",
            bool(match.changed),
            profile.setting.batch,
            match.stored.shipped,
            -profile.newest.created_at.timestamp(),
            profile.key,
        )

    return min(found, key=rank, default=None)


def read_at(profile: Profile, seq_len: int) -> Reading | None:
    """What a profile says of a length; None where it says nothing.

    A length that was tuned and confirmed says its own chunk size. Between and around them, as far
    as `REACH`, the law's least counts; where there are constraints, which no law knows, or no law,
    the chunk size of a length next to it, or that on which the two nearest lengths agree.
    """
    confirmed = [tuned for tuned in profile.lengths if tuned.confirmed]
    for tuned in confirmed:
        if tuned.seq_len == seq_len:
            return Reading(tuned.chunk_size, f"tuned at T = {seq_len:,}", exact=True)
    law = profile.law
    if law is not None and not profile.constraints:
        best = law.best(seq_len)
        if best is None or not law.since <= REACH * seq_len <= REACH**2 * law.until:
            return None
        how = f"law fitted between T = {law.since:,} and {law.until:,}, at {seq_len:,}"
        return Reading(best, how, exact=False)
    near = sorted(confirmed, key=lambda tuned: abs(log(tuned.seq_len / seq_len)))[:2]
    if near and _apart(near[0].seq_len, seq_len) <= NEXT_TO and near[0].chunk_size <= seq_len:
        how = f"tuned at T = {near[0].seq_len:,}, next to {seq_len:,}"
        return Reading(near[0].chunk_size, how, exact=False)
    if len(near) < 2 or near[0].chunk_size != near[1].chunk_size:
        return None
    closest, size = near[0].seq_len, near[0].chunk_size
    if size > seq_len or _apart(closest, seq_len) > REACH:
        return None
    both = " and ".join(f"{tuned.seq_len:,}" for tuned in sorted(near, key=lambda t: t.seq_len))
    return Reading(size, f"the same at T = {both}, the nearest to {seq_len:,}", exact=False)


def _apart(one: int, other: int) -> float:
    """Two lengths, as a factor of at least 1."""
    return max(one, other) / min(one, other)


def differing(profile: Profile, setting: dict[str, object]) -> list[str]:
    """The names of what a profile's setting has otherwise."""
    return [name for name, value in setting.items() if getattr(profile.setting, name) != value]


def changes(then: Software, now: Software) -> str:
    """How two sets of software differ, in words; empty if they do not."""
    parts = []
    for name, before, after in (
        ("torch", then.torch, now.torch),
        ("driver", then.driver, now.driver),
    ):
        if before != after:
            parts.append(f"{name} {before or 'none'} (this is {after or 'none'})")
    if then.code != now.code:
        parts.append("other code")
    return f"made with {' and '.join(parts)}" if parts else ""


def nearest_miss(wanted: Wanted, stored: Sequence[Stored[Profile]]) -> str:
    """Why no profile can be taken, in words."""
    same = [each.content for each in stored if each.content.setting.variant == wanted.variant]
    if not same:
        return f"there is no profile of {wanted.variant}"
    setting = wanted.setting
    profile = min(same, key=lambda each: len(differing(each, setting)))
    names = differing(profile, setting)
    if not names:
        lengths = ", ".join(
            f"{tuned.seq_len:,}{'' if tuned.confirmed else ' (not confirmed)'}"
            for tuned in profile.lengths
        )
        return f"profile {short(profile)} is of T = {lengths}, and cannot say more"
    given = ", ".join(f"{name} {getattr(profile.setting, name)!r}" for name in names)
    here = ", ".join(repr(setting[name]) for name in names)
    return f"the nearest profile, {short(profile)}, is of {given} and not {here}"


def short(profile: Profile) -> str:
    """The first digits of a profile's key."""
    return profile.key[:KEY_DIGITS]
