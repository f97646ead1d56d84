"""What is known of the best chunk size on a device: a profile, with the evidence for it.

Times are milliseconds, sizes are bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from hatrick.chunk_size.candidates import leaves_tail

SCHEMA_VERSION: Final = 1
KEY_DIGITS = 16

OptionValue = bool | int | float | str
NO_MATTER = ("seed",)
"""Options that change what is computed and not how long it takes: no part of a setting."""
# Strict: in a file, true is no size and "64" is no number.
Size = Annotated[int, Field(ge=1, strict=True)]
Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Coefficient = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Model(BaseModel):
    """A model that refuses keys that it does not know: a typo is never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(Model):
    """What must be the same for a profile to hold: all that changes the best chunk size, but for
    the length and the software."""

    variant: str
    options: dict[str, OptionValue] = Field(default_factory=dict)
    """What this variant alone has (LSH rounds), all of them, defaults too; those that are None, or
    in `NO_MATTER`, are left out."""
    backend: str
    """The backend that was asked for: `auto` or a name."""
    device_name: str
    """The model, by `hatrick.devices.model_name`."""
    threads: Annotated[int, Field(ge=0, strict=True)]
    """torch's intra-operator threads on a CPU; 0 on a GPU."""
    dtype: str
    """torch's name without the prefix: float32, bfloat16."""
    dim: Size
    heads: Size
    causal: bool
    direction: Literal["forward", "forward+backward"]
    batch: Size


class Software(Model):
    """What the figures were made with. With another they may still hold, and nobody knows."""

    driver: str
    """NVIDIA driver version; empty without one."""
    torch: str
    code: str
    """Digest of the sources that compute the attention, by `hatrick.chunk_size.identity`."""


class Origin(Model):
    """Where the figures of a length come from: the run that has them all."""

    created_at: AwareDatetime
    command: str
    """What was typed, to type again."""
    git_commit: str
    """Empty where the sources were no checkout."""
    run_id: str


class Evidence(Model):
    """One chunk size at one length."""

    chunk_size: Size
    ratio: Ratio
    """Its latency over that of the chosen one."""
    low: Ratio | None = None
    """Lower end of the ratio's 95% interval; None where too little was measured to have one."""
    high: Ratio | None = None
    workspace_bytes: Annotated[int, Field(ge=0, strict=True)] | None = None
    distance_to_full: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _interval_is_one(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends, low and high, or none")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"an interval's low end ({self.low}) is above its high ({self.high})")
        return self


class Tuned(Model):
    """What was decided at one length."""

    seq_len: Size
    chunk_size: Size
    """The chosen one."""
    ties: list[Size] = Field(default_factory=list)
    """Those that cannot be told from the chosen one, ascending."""
    latency_ms: Milliseconds
    """Of one call with the chosen one."""
    confirmed: bool
    """A fresh process found the same. What none confirmed `chunk_size="auto"` does not take."""
    evidence: list[Evidence] = Field(min_length=1)
    """By chunk size, ascending, the chosen one and its ties among them."""
    origin: Origin

    @model_validator(mode="after")
    def _decision_fits_evidence(self) -> Self:
        sizes = [each.chunk_size for each in self.evidence]
        for what, found in (("evidence", sizes), ("ties", self.ties)):
            if found != sorted(set(found)):
                raise ValueError(f"{what} stands by chunk size, ascending, each once; got {found}")
        if max(sizes) > self.seq_len:
            raise ValueError(f"chunk size {max(sizes)} is above the length, {self.seq_len}")
        if self.chunk_size in self.ties:
            raise ValueError(f"the chosen chunk size, {self.chunk_size}, cannot tie with itself")
        if unknown := {self.chunk_size, *self.ties} - set(sizes):
            raise ValueError(f"there is no evidence for chunk size {min(unknown)}")
        return self


class Law(Model):
    """The latency as a function of the length T and the chunk size n, fitted to what was measured,
    in milliseconds. With C = ceil(T / n) chunks and T' = C·n, the length with its padding:

    `(fixed + per_token·T' + per_key·T'·n + per_cls·T'·C + per_chunk·C + per_pair·C²) · factors[n]`,
    and, where n does not divide T, times `tail`.
    """

    fixed: Coefficient
    per_token: Coefficient
    """Milliseconds of each of T': the projections of the tokens."""
    per_key: Coefficient
    """Of each of T'·n: the keys that the tokens see in their chunks."""
    per_cls: Coefficient
    """Of each of T'·C: the CLS vectors that the tokens see."""
    per_chunk: Coefficient
    """Of each of C: the chunks."""
    per_pair: Coefficient
    """Of each of C²: the pairs of CLS vectors."""
    tail: Ratio
    """What the mask of a last chunk that is not full makes of it."""
    factors: Annotated[dict[Annotated[int, Field(ge=1)], Ratio], Field(min_length=1)]
    """By chunk size, of all that were measured: what kernels make of it, at any length. A sum of
    powers of n knows nothing of the tiles that they cut a chunk into."""
    since: Size
    """The shortest of the lengths that it was fitted to."""
    until: Size
    """The longest."""
    lengths: Size
    """How many there are."""
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Root mean square of its relative errors at what it was fitted to, without the factors."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.since > self.until:
            raise ValueError(f"a law since {self.since} cannot hold until {self.until}")
        if not self.smooth(self.since, 1):
            raise ValueError("a law has at least one coefficient above 0")
        return self

    def smooth(self, seq_len: int, chunk_size: int) -> float:
        """Milliseconds of a call, but for `tail` and `factors`."""
        chunks = -(-seq_len // chunk_size)
        tokens = chunks * chunk_size
        return (
            self.fixed
            + self.per_token * tokens
            + self.per_key * tokens * chunk_size
            + self.per_cls * tokens * chunks
            + self.per_chunk * chunks
            + self.per_pair * chunks**2
        )

    def at(self, seq_len: int, chunk_size: int) -> float:
        """Milliseconds of a call with a chunk size that was measured."""
        tail = self.tail if leaves_tail(seq_len, chunk_size) else 1.0
        return self.smooth(seq_len, chunk_size) * tail * self.factors[chunk_size]

    def best(self, seq_len: int) -> int | None:
        """The chunk size that takes least at a length, of those that were measured; None where they
        are all above it."""
        sizes = [size for size in sorted(self.factors) if size <= seq_len]
        return min(sizes, key=lambda size: self.at(seq_len, size), default=None)


class Profile(Model):
    """The chunk sizes that were found best in one setting, by length."""

    schema_version: Literal[1] = SCHEMA_VERSION
    setting: Setting
    software: Software
    constraints: dict[str, str | float] = Field(default_factory=dict)
    """What the user asked for besides speed: `{"most memory": "2 GiB"}`."""
    lengths: list[Tuned] = Field(min_length=1)
    """Ascending, each once."""
    law: Law | None = None
    """None where none fits, or too little was measured."""

    @model_validator(mode="after")
    def _lengths_are_ordered(self) -> Self:
        found = [tuned.seq_len for tuned in self.lengths]
        if found != sorted(set(found)):
            raise ValueError(f"lengths stand in ascending order, each once; got {found}")
        return self

    @property
    def key(self) -> str:
        """16 hex digits, equal only where setting, software and constraints are."""
        return digest(self.model_dump(mode="json", include={"setting", "software", "constraints"}))

    @property
    def newest(self) -> Origin:
        """Where the length that was tuned last comes from."""
        return max((tuned.origin for tuned in self.lengths), key=lambda each: each.created_at)

    def joined(self, other: Profile) -> Profile:
        """What this profile and another of the same key know together: of a length that is in both
        what was tuned last, and of the laws that of more lengths, else the last."""
        older, newer = sorted((self, other), key=lambda each: each.newest.created_at)
        found = sorted((*older.lengths, *newer.lengths), key=lambda each: each.origin.created_at)
        lengths = {tuned.seq_len: tuned for tuned in found}
        laws = [law for law in (newer.law, older.law) if law is not None]
        return newer.model_copy(
            update={
                "lengths": [lengths[seq_len] for seq_len in sorted(lengths)],
                "law": max(laws, key=lambda law: law.lengths, default=None),
            }
        )


def digest(values: object) -> str:
    """16 hex digits that are equal only for equal JSON values."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]
