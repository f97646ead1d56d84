from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.contention import Contention
from bench.course import THROTTLED_SHARE, Course
from bench.messages import Failure, Finished, Prepared, Visit
from bench.probes.nvml import Reading
from reports.figures import Agreement, Counts, Latency, Memory
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
AGREEMENT = Agreement(
    oracle_error=0.0,
    oracle_bound=1e-7,
    oracle_max_error=0.0,
    oracle_max_bound=1e-7,
    oracle_rows=1,
    oracle="self",
    distance_to_full=None,
    cosine_to_full=None,
)


def prepared(retained: int = 0) -> Prepared:
    return Prepared(
        started_at="2026-01-02T03:04:05Z",
        build_ms=1.0,
        compile_ms=2.0,
        mask_ms=3.0,
        first_call_ms=9.0,
        memory=Memory(
            input_bytes=1,
            output_bytes=2,
            parameter_bytes=3,
            workspace_bytes=4,
            retained_bytes=retained,
            source="cpu allocator events",
        ),
        agreement=AGREEMENT,
        flops=5,
        model_bytes=6,
    )


def visit(samples: list[float], **changes: Any) -> Visit:
    quiet = Contention(run_ns=90, wait_ns=10, steal_s=0.5, cores_s=5.0)
    values = {
        "samples_ms": samples,
        "sampling_s": sum(samples) / 1e3,
        "warmup_ms": 7.0,
        "warmup_calls": 2,
        "stationary": True,
    }
    return Visit(**values | {"contention": quiet} | changes)


@pytest.fixture
def course(make_point: MakePoint) -> Course:
    """A point with six visits of 1 to 6 samples, and 21 in all."""
    course = Course(make_point(), wall_s=12.0, prepared=prepared())
    for number in range(1, 7):
        course.visits.append(visit([float(10 * number + n) for n in range(number)]))
    return course


def finished(course: Course) -> Record:
    return course.finished(Finished(), target=0.01, why="time")


def latency(course: Course) -> Latency:
    found = finished(course).latency
    assert found is not None
    return found


def test_a_record_has_all_samples_in_order_and_their_quantiles(course: Course) -> None:
    found = latency(course)
    assert found.visits == [1, 2, 3, 4, 5, 6]
    assert found.samples_ms[:4] == [10.0, 20.0, 21.0, 30.0]
    assert found.median_ms == np.median(found.samples_ms)
    assert (found.q1_ms, found.q3_ms) == tuple(np.quantile(found.samples_ms, (0.25, 0.75)))
    assert found.low_ms is not None
    assert found.high_ms is not None
    assert found.low_ms <= found.median_ms <= found.high_ms
    assert (found.target, found.stopped_by) == (0.01, "time")


def test_a_record_has_what_preparing_found(course: Course) -> None:
    record = finished(course)
    assert (record.status, record.reason) == (Status.OK, "")
    assert record.key == course.point.key
    assert record.started_at == prepared().started_at
    assert record.wall_s == 12.0
    assert (record.memory, record.agreement) == (prepared().memory, AGREEMENT)
    assert (record.flops, record.model_bytes, record.gpu) == (5, 6, None)
    found = latency(course)
    once = (found.build_ms, found.compile_ms, found.mask_ms, found.first_call_ms)
    assert once == (1.0, 2.0, 3.0, 9.0)


def test_warm_up_is_of_all_visits_and_the_last_one_says_whether_it_was_enough(
    course: Course,
) -> None:
    found = latency(course)
    assert (found.warmup_ms, found.warmup_calls, found.stationary) == (42.0, 12, True)
    course.visits.append(visit([1.0], stationary=False))
    assert not latency(course).stationary


def test_contention_is_weighed_by_time(course: Course) -> None:
    found = latency(course)
    assert found.cpu_wait == pytest.approx(0.1)
    assert found.cpu_steal == pytest.approx(0.1)
    busy = Contention(run_ns=0, wait_ns=600, steal_s=0.0, cores_s=30.0)
    course.visits.append(visit([1.0], contention=busy))
    found = latency(course)
    assert found.cpu_wait == pytest.approx((60 + 600) / (600 + 600))
    assert found.cpu_steal == pytest.approx(3 / 60)


def test_a_system_that_counts_nothing_is_not_called_quiet(course: Course) -> None:
    nothing = Contention(run_ns=0, wait_ns=0, steal_s=0.0, cores_s=0.0)
    course.visits = [visit([1.0, 2.0], contention=nothing)]
    found = latency(course)
    assert found.cpu_wait is found.cpu_steal is None


def test_hidden_launches_are_a_share_of_all_samples(course: Course) -> None:
    assert latency(course).launch_hidden is None
    course.visits = [visit([1.0] * 4, hidden=4), visit([1.0] * 4, hidden=2)]
    assert latency(course).launch_hidden == 0.75


def test_throttled_samples_are_told_by_their_numbers(course: Course) -> None:
    course.visits[1] = course.visits[1].model_copy(update={"throttled": True})
    course.visits[3] = course.visits[3].model_copy(update={"throttled": True})
    assert latency(course).throttled == [1, 2, 6, 7, 8, 9]
    assert finished(course).status is Status.OK


@pytest.mark.parametrize(
    ("throttled", "status"), [(4, Status.OK), (5, Status.THROTTLED), (8, Status.THROTTLED)]
)
def test_a_point_is_throttled_if_most_of_its_samples_are(
    course: Course, throttled: int, status: Status
) -> None:
    assert THROTTLED_SHARE == 0.5
    course.visits = [visit([1.0], throttled=number < throttled) for number in range(8)]
    record = finished(course)
    assert record.status is status
    assert record.latency is not None
    assert bool(record.reason) == (status is Status.THROTTLED)


def test_what_nvml_said_is_summarised_with_the_energy(course: Course) -> None:
    reading = Reading(1700.0, 2600.0, 55.0, 300.0, frozenset({"sw_power_cap"}))
    course.visits = [visit([1.0], readings=[reading, reading])]
    gpu = course.finished(Finished(energy_j=2.5), target=0.01, why="time").gpu
    assert gpu is not None
    assert (gpu.readings, gpu.energy_j) == (2, 2.5)
    assert gpu.slowdowns == {"sw_power_cap": 2}


def test_a_failure_keeps_its_agreement_and_no_other_figure(course: Course) -> None:
    failure = Failure(status=Status.DISAGREES, reason="wrong", agreement=AGREEMENT)
    record = course.failed(failure)
    assert (record.status, record.reason) == (Status.DISAGREES, "wrong")
    assert (record.agreement, record.latency, record.memory) == (AGREEMENT, None, None)
    assert (record.started_at, record.wall_s) == (prepared().started_at, 12.0)


def test_a_point_that_never_got_ready_can_fail(make_point: MakePoint) -> None:
    record = Course(make_point()).failed(Failure(status=Status.TIMEOUT, reason="too long"))
    assert record.status is Status.TIMEOUT


def test_sampling_goes_on_until_a_rule_ends_it(make_point: MakePoint) -> None:
    course = Course(make_point(), prepared=prepared())
    for _ in range(5):
        assert course.stopped_by(target=0.01, seconds=100.0) is None
        course.visits.append(visit([1.0] * 4))
    assert course.stopped_by(target=0.01, seconds=100.0) == "precision"


def test_what_retains_memory_leaks(make_point: MakePoint) -> None:
    assert not Course(make_point()).leaks
    assert not Course(make_point(), prepared=prepared()).leaks
    assert Course(make_point(), prepared=prepared(retained=1)).leaks


def test_the_record_has_the_counts(course: Course) -> None:
    assert course.prepared is not None
    assert finished(course).counts is None
    counts = Counts(flops=1, operators=2, launches=None, graph_breaks=0)
    course.prepared = course.prepared.model_copy(update={"counts": counts})
    assert finished(course).counts == counts
