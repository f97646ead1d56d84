"""The course of one point: from its first answer, visit by visit, to its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from bench.messages import Failure, Finished, Prepared, Visit
from bench.probes import nvml
from bench.stopping import stopped_by
from reports.figures import Latency, StoppedBy
from reports.intervals import median_interval
from reports.schema import Point, Record, Status

THROTTLED_SHARE = 0.5
"""Of a point's samples: above it, the record says that the device was throttled."""


@dataclass
class Course:
    """What is known of a point so far."""

    point: Point
    wall_s: float = 0.0
    """Seconds spent on it."""
    prepared: Prepared | None = None
    visits: list[Visit] = field(default_factory=list)

    @property
    def samples_ms(self) -> list[float]:
        """All samples, in the order taken."""
        return [sample for visit in self.visits for sample in visit.samples_ms]

    @property
    def leaks(self) -> bool:
        """A call keeps memory: the point had better have a worker of its own."""
        return self.prepared is not None and self.prepared.memory.retained_bytes > 0

    def stopped_by(self, *, target: float, seconds: float) -> StoppedBy | None:
        """What ends its sampling; None: it goes on."""
        if not self.visits:
            return None
        counts = [len(visit.samples_ms) for visit in self.visits]
        spent_s = sum(visit.sampling_s for visit in self.visits)
        return stopped_by(self.samples_ms, counts, target=target, seconds=seconds, spent_s=spent_s)

    def failed(self, failure: Failure) -> Record:
        """The record of a point that came to nothing."""
        return Record(
            key=self.point.key,
            point=self.point,
            status=failure.status,
            reason=failure.reason,
            agreement=failure.agreement,
            started_at=self.prepared.started_at if self.prepared else datetime.now(UTC),
            wall_s=self.wall_s,
        )

    def finished(self, end: Finished, *, target: float, why: StoppedBy) -> Record:
        """The record of a point with all its figures."""
        assert self.prepared is not None
        latency = self._latency(target, why)
        share = len(latency.throttled) / len(latency.samples_ms)
        throttled = share > THROTTLED_SHARE
        reason = f"the device held its clocks down during {share:.0%} of the samples, after pauses"
        readings = [reading for visit in self.visits for reading in visit.readings]
        return Record(
            key=self.point.key,
            point=self.point,
            status=Status.THROTTLED if throttled else Status.OK,
            reason=reason if throttled else "",
            latency=latency,
            memory=self.prepared.memory,
            gpu=nvml.summarise(readings, end.energy_j),
            agreement=self.prepared.agreement,
            flops=self.prepared.flops,
            model_bytes=self.prepared.model_bytes,
            counts=self.prepared.counts,
            started_at=self.prepared.started_at,
            wall_s=self.wall_s,
        )

    def _latency(self, target: float, why: StoppedBy) -> Latency:
        assert self.prepared is not None
        visits, samples = self.visits, self.samples_ms
        counts = [len(visit.samples_ms) for visit in visits]
        starts = np.cumsum([0, *counts[:-1]]).tolist()
        held_back = [
            range(start, start + count)
            for visit, start, count in zip(visits, starts, counts, strict=True)
            if visit.throttled
        ]
        q1, median, q3 = np.quantile(samples, (0.25, 0.5, 0.75)).tolist()
        low, high = median_interval(samples, counts) or (None, None)
        hidden = [visit.hidden for visit in visits if visit.hidden is not None]
        run = sum(visit.contention.run_ns for visit in visits)
        wait = sum(visit.contention.wait_ns for visit in visits)
        cores = sum(visit.contention.cores_s for visit in visits)
        steal = sum(visit.contention.steal_s for visit in visits)
        return Latency(
            samples_ms=samples,
            visits=counts,
            rounds=[visit.round for visit in visits],
            median_ms=median,
            q1_ms=q1,
            q3_ms=q3,
            low_ms=low,
            high_ms=high,
            target=target,
            stopped_by=why,
            build_ms=self.prepared.build_ms,
            compile_ms=self.prepared.compile_ms,
            mask_ms=self.prepared.mask_ms,
            first_call_ms=self.prepared.first_call_ms,
            capture_ms=self.prepared.capture_ms,
            warmup_ms=sum(visit.warmup_ms for visit in visits),
            warmup_calls=sum(visit.warmup_calls for visit in visits),
            stationary=all(visit.stationary for visit in visits),
            launch_hidden=sum(hidden) / len(samples) if hidden else None,
            throttled=[index for indices in held_back for index in indices],
            cpu_wait=wait / (run + wait) if run else None,
            cpu_steal=min(1.0, steal / cores) if cores else None,
        )
