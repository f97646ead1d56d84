"""How fast a device is in the terms of the cost model, from ten seconds of measuring."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import AwareDatetime, model_validator

from hatrick.chunk_size.profile import SCHEMA_VERSION, Coefficient, Model, Size, digest
from hatrick.cost import Cost


class Calibration(Model):
    """What a variant's FLOPs, bytes and chunks take on a device: enough to choose a chunk size by
    the cost model where nothing was tuned, `hatrick tune --calibrate` makes it."""

    schema_version: Literal[1] = SCHEMA_VERSION
    device_name: str
    threads: int
    """As in a profile's setting: 0 on a GPU."""
    dtype: str
    direction: Literal["forward", "forward+backward"]
    variant: str
    ms_per_flop: Coefficient
    ms_per_byte: Coefficient
    ms_per_chunk: Coefficient
    """Milliseconds of each chunk of each sequence."""
    created_at: AwareDatetime
    command: str
    samples: Size

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.ms_per_flop + self.ms_per_byte + self.ms_per_chunk:
            raise ValueError("a calibration has at least one coefficient above 0")
        return self

    @property
    def key(self) -> str:
        """16 hex digits, equal only where device, threads, dtype, direction and variant are."""
        own = {"device_name", "threads", "dtype", "direction", "variant"}
        return digest(self.model_dump(mode="json", include=own))

    def latency_ms(self, cost: Cost, chunks: int) -> float:
        """Milliseconds of a call.

        Args:
            cost: of the whole call, in this calibration's direction.
            chunks: of all its sequences together, `batch · ceil(T / n)`.
        """
        return (
            self.ms_per_flop * cost.flops
            + self.ms_per_byte * cost.bytes
            + self.ms_per_chunk * chunks
        )
