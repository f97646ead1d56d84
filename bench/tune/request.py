"""What a tuning is asked to do, checked before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import variants
from bench.device import resolve_all
from bench.points import Planned, expand, load_plugins
from bench.spec import SpecError, SweepSpec, merge
from hatrick.chunk_size.candidates import LEAST, candidates
from reports.tuning.constraints import Constraints, read_quality

ONE_EACH = ("variants", "dtype", "direction", "causal", "backend", "device")
"""Keys of a spec of which a tuning takes one value: a decision is about one setting."""
PREFERENCES = ("latency", "memory", "distance")
UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 1e3, "MB": 1e6, "GB": 1e9}


@dataclass(frozen=True)
class Request:
    """A tuning, as it was asked for."""

    command: str
    """What was typed."""
    spec: SweepSpec
    """One variant; its chunk sizes are all that are tried at any length."""
    device: torch.device
    automatic: bool
    """The chunk sizes are the candidates of `hatrick.chunk_size`, not the user's own."""
    constraints: Constraints
    prefer: str
    """Of `PREFERENCES`: which figure decides where not all agree."""
    quality: str | None
    """The file that it was read from."""

    def points(self, seq_len: int) -> list[Planned]:
        """Every candidate of a length, by chunk size."""
        known = candidates(seq_len) if self.automatic else self.spec.chunk_size
        sizes = [size for size in known if size <= seq_len]
        return expand(self.spec.model_copy(update={"seq_len": [seq_len], "chunk_size": sizes}))

    @property
    def constrained(self) -> bool:
        """Whether a chunk size may be excluded, however fast."""
        return self.constraints != Constraints()

    @property
    def recorded(self) -> dict[str, Any]:
        """What the run file's environment says of the tuning, beside the spec."""
        limits = self.constraints
        return {
            "prefer": self.prefer,
            "max_memory": limits.max_memory_bytes,
            "max_distance": limits.max_distance,
            "quality": self.quality,
            "min_quality": limits.min_quality,
            "max_quality": limits.max_quality,
            "candidates": None if self.automatic else self.spec.chunk_size,
            "torch": torch.__version__,
            "code": variants.get(self.spec.variants[0].partition(":")[0]).code_identity(),
        }


def request(
    flags: Mapping[str, Any],
    file: Path | None,
    *,
    command: str,
    max_memory: str | None = None,
    max_distance: float | None = None,
    quality: Path | None = None,
    min_quality: float | None = None,
    max_quality: float | None = None,
    prefer: str = "latency",
) -> Request:
    """Check what was typed.

    Args:
        flags: keys of a spec, as `bench.spec.merge` takes them.
        max_memory: such as `20GiB`; of the workspace.

    Raises:
        SpecError: a mistake in it.
    """
    usual = "gpu-tune" if torch.cuda.is_available() and flags.get("device") != "cpu" else "tune"
    spec, _ = merge(flags, file, usual=usual)
    for key in ONE_EACH:
        if len(getattr(spec, key)) > 1:
            name = "variant" if key == "variants" else key.replace("_", "-")
            raise SpecError(
                f"--{name}: a chunk size is chosen for one setting, so give one and not "
                f"{len(getattr(spec, key))}; tune the others one by one"
            )
    if prefer not in PREFERENCES:
        raise SpecError(f"--prefer {prefer}: choose from {', '.join(PREFERENCES)}")
    load_plugins(spec.plugin)
    automatic = "chunk_size" not in spec.model_fields_set
    spec = _with_chunk_sizes(spec, automatic)
    return Request(
        command=command,
        spec=spec,
        device=resolve_all(spec.device)[0],
        automatic=automatic,
        constraints=_constraints(max_memory, max_distance, quality, min_quality, max_quality),
        prefer=prefer,
        quality=None if quality is None else str(quality),
    )


def _with_chunk_sizes(spec: SweepSpec, automatic: bool) -> SweepSpec:
    """The spec with every candidate of its lengths, once they are known to make sense."""
    # Unknown names, options and sizes that do not fit are told here, by a point without a race.
    (planned,) = expand(spec.model_copy(update={"seq_len": [max(spec.seq_len)], "chunk_size": [1]}))
    if planned.point.chunk_size is None:
        chunked = [name for name in variants.names() if variants.get(name).uses_chunk_size]
        raise SpecError(
            f"{spec.variants[0]} has no chunk size to choose; those that have one are "
            f"{', '.join(chunked)}"
        )
    if planned.unsupported:
        raise SpecError(f"{spec.variants[0]} cannot run here: {planned.unsupported}")
    least = LEAST if automatic else min(spec.chunk_size)
    if short := [T for T in spec.seq_len if least > T]:
        raise SpecError(
            f"--seq-len {short[0]}: shorter than the smallest chunk size that is tried, {least}; "
            "give longer ones, or smaller --chunk-size"
        )
    own = {size for T in spec.seq_len for size in candidates(T)}
    sizes = sorted(own if automatic else spec.chunk_size)
    return spec.model_copy(update={"seq_len": sorted(spec.seq_len), "chunk_size": sizes})


def _constraints(
    max_memory: str | None,
    max_distance: float | None,
    quality: Path | None,
    min_quality: float | None,
    max_quality: float | None,
) -> Constraints:
    bounds = (min_quality, max_quality)
    if quality is None and bounds != (None, None):
        raise SpecError("--min-quality and --max-quality bound what --quality FILE.csv gives")
    if quality is not None and bounds == (None, None):
        raise SpecError("--quality needs a bound: --min-quality or --max-quality")
    if max_distance is not None and not max_distance >= 0:
        raise SpecError(f"--max-distance {max_distance:g}: 0 or more; 0 is full attention itself")
    try:
        return Constraints(
            max_memory_bytes=None if max_memory is None else _bytes(max_memory),
            max_distance=max_distance,
            quality={} if quality is None else read_quality(quality),
            min_quality=min_quality,
            max_quality=max_quality,
        )
    except ValueError as error:
        raise SpecError(str(error)) from None


def _bytes(text: str) -> int:
    """`20GiB`, `500 MB` or a number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2] not in UNITS or not float(found[1]) > 0:
        raise SpecError(f"--max-memory {text}: write 20GiB, 512MiB or a number of bytes")
    return int(float(found[1]) * UNITS[found[2]])
