from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import pytest
import torch

from bench.contention import Contention
from bench.messages import Answer, Failure, Visit
from bench.selftest import noise
from bench.spec import SpecError
from reports.schema import Point, Status

CPU = torch.device("cpu")


class Worker:
    """A process whose memory lies so that all its calls take so long."""

    made = 0
    milliseconds: tuple[float, ...] = (1.0,)
    failure: Failure | None = None

    def __init__(self, plugins: list[str], **_: Any) -> None:
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
        return self.failure or Visit(
            samples_ms=[self.mine] * 3,
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


def test_a_point_that_cannot_be_measured_is_a_sentence(worker: type[Worker]) -> None:
    worker.failure = Failure(status=Status.CRASHED, reason="no luck")
    with pytest.raises(SpecError, match="crashed: no luck"):
        noise.check_noise(CPU, lambda line: None)
