from __future__ import annotations

from threading import Barrier
from types import TracebackType
from typing import Any, Self

import pytest
import torch

from bench.contention import Contention
from bench.messages import Answer, Failure, Visit
from bench.selftest import noise
from reports.schema import Point, Status

CPU = torch.device("cpu")


class Worker:
    """A process whose memory lies so that all its calls take so long."""

    made = 0
    milliseconds: tuple[float, ...] = (1.0,)
    failure: Failure | None = None

    def __init__(self, plugins: list[str], **_: Any) -> None:
        self.asked = 0
        self.mine = self.milliseconds[Worker.made % len(self.milliseconds)]
        Worker.made += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def ask(self, do: str, point: Point) -> Answer:
        assert do == "visit"
        self.asked += 1
        # The first visit is disturbed by the other worker's.
        return self.failure or Visit(
            samples_ms=[self.mine if self.asked > 1 else 1000.0 * self.mine**2] * 3,
            sampling_s=0.003,
            warmup_ms=0.0,
            warmup_calls=1,
            stationary=True,
            contention=Contention(run_ns=1, wait_ns=0, steal_s=0.0, cores_s=1.0),
        )


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[Worker]:
    class Fresh(Worker):
        pass

    Worker.made = 0
    monkeypatch.setattr(noise, "Supervisor", Fresh)
    return Fresh


def test_every_pair_has_two_fresh_processes(worker: type[Worker]) -> None:
    said: list[str] = []
    check, floor = noise.check_noise(CPU, said.append)
    assert Worker.made == 20
    assert len(said) == 10
    assert floor.spread == 0.0
    assert (floor.pairs, floor.fit, check.passed) == (10, True, True)


def test_the_floor_is_the_largest_difference_of_a_pair(worker: type[Worker]) -> None:
    # Nine pairs agree, in one the second process is 20% slower.
    worker.milliseconds = (1.0,) * 19 + (1.2,)
    check, floor = noise.check_noise(CPU, lambda line: None)
    assert floor.spread == pytest.approx(0.2)
    assert not check.passed
    assert check.found == "at most 20.0% apart, half of the 10 pairs within 0.0%"


def test_a_point_that_cannot_be_measured_is_an_error(worker: type[Worker]) -> None:
    worker.failure = Failure(status=Status.CRASHED, reason="no luck")
    with pytest.raises(RuntimeError, match="crashed: no luck"):
        noise.check_noise(CPU, lambda line: None)


def test_both_workers_of_a_pair_start_at_the_same_time(
    worker: type[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(2, timeout=10)
    ask = worker.ask

    def meet(self: Worker, do: str, point: Point) -> Answer:
        if not self.asked:
            both.wait()  # raises where the other has not begun by then
        return ask(self, do, point)

    monkeypatch.setattr(worker, "ask", meet)
    monkeypatch.setattr(noise, "PAIRS", 1)
    assert noise.check_noise(CPU, lambda line: None)[1].spread == 0.0
