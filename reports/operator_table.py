"""Where the time of one call goes: a profile as `bench.operators` writes it, and its table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from reports import units
from reports.figures import Milliseconds, Model, Share, Size
from reports.machine import place, version
from reports.markdown import table
from reports.runfile import RunFileError
from reports.schema import Environment, Point

LONGEST_NAME = 60
"""Characters; the kernels of CUDA have names of hundreds, with every template argument."""


class Operator(Model):
    """One operator of a call: all the times it ran."""

    name: str
    """As the profiler has it: `aten::mm`; on CUDA the kernel's."""
    calls: float = Field(gt=0)
    """In one call of the point, on average."""
    self_ms: Milliseconds
    """In one call, without the operators that it called itself."""
    share: Share
    """Of the call's self times."""


class Profile(Model):
    """One point under the profiler."""

    type: Literal["profile"] = "profile"
    point: Point
    environment: Environment
    """As the first line of a run file."""
    profiled_calls: Size
    total_ms: Milliseconds
    """Of one call: the sum of all self times. The profiler's own cost is in it, so it is longer
    than a latency of the same point."""
    operators: list[Operator] = Field(min_length=1)
    """Those that took most time first."""

    @model_validator(mode="after")
    def _shares_are_of_the_total(self) -> Self:
        if abs(sum(operator.share for operator in self.operators) - 1) > 1e-6:
            raise ValueError("the shares of the operators do not add up to 1")
        return self


def read_profile(path: str | os.PathLike[str]) -> Profile:
    """Read what `bench.operators` wrote.

    Raises:
        RunFileError: there is no such file, or it is no profile.
    """
    try:
        return Profile.model_validate_json(Path(path).read_text("utf-8"))
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunFileError(
            f"{path}: no profile ({str(error).splitlines()[0]}); `python -m bench.operators` "
            "writes them"
        ) from error


def operator_table(profile: Profile, count: str) -> str:
    """The operators with most self time, and what the call was, as Markdown.

    Args:
        count: how many have a row of their own; the others share one.

    Raises:
        ValueError: it is no number above 0.
    """
    if not (count.isdecimal() and int(count)):
        raise ValueError(f"an operators' table has a number of rows, at least 1; got {count!r}")
    shown, rest = profile.operators[: int(count)], profile.operators[int(count) :]
    rows = [_row(each.name, each.calls, each.self_ms, each.share) for each in shown]
    if rest:
        sums = [sum(getattr(each, name) for each in rest) for name in ("calls", "self_ms", "share")]
        rows.append(_row(f"all others ({len(rest)})", *sums))
    headers = ["operator", "times", "self time", "share"]
    return f"{table(headers, rows, words=headers[:1])}\n\n{_caption(profile)}"


def _row(name: str, calls: float, self_ms: float, share: float) -> list[str]:
    cut = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    return [cut, f"{calls:g}", units.duration(self_ms), units.percent(share)]


def _caption(profile: Profile) -> str:
    """Which call, how long under the profiler, and where."""
    point = profile.point
    chunk = [] if point.chunk_size is None else [f"chunk {point.chunk_size}"]
    words = [
        ":".join([point.variant, *(f"{name}={value}" for name, value in point.options.items())]),
        f"backend {point.backend_used}",
        f"T = {units.tokens(point.seq_len)}",
        *chunk,
        *("causal" for _ in range(point.causal)),
        *(point.direction, point.scope, point.dtype),
        *(f"batch {point.batch}", f"dim {point.dim}", f"{point.heads} heads"),
    ]
    mean = f"{units.duration(profile.total_ms)} a call, mean of {profile.profiled_calls}"
    return (
        f"{', '.join(words)}: {mean}, under the profiler. "
        f"{place(profile.environment)}; {version(profile.environment)}."
    )
