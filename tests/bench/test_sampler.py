from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import sampler
from bench.built import Built, BuiltPoints
from bench.messages import Visit
from bench.sampler import sample, short_turn, warm_up
from bench.stopping import MAX_SAMPLES, MIN_VISITS, min_samples
from reports.schema import Point


class Calls:
    """A timer whose calls take as long as they are told, on a clock of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, durations_ms: Callable[[int], float]):
        self.hidden: int | None = None
        self.made, self.now, self._durations = 0, 0.0, durations_ms
        self.learnt = 0
        monkeypatch.setattr(sampler, "perf_counter", lambda: self.now)

    def warm_up(self) -> float:
        self.learnt += 1
        return self.sample()

    def sample(self) -> float:
        duration = self._durations(self.made)
        self.made += 1
        self.now += duration / 1e3
        return duration


@pytest.fixture
def built(make_point: Callable[..., Point]) -> Built:
    return BuiltPoints().get(make_point())


def test_warm_up_ends_when_calls_take_the_same_time(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three calls get faster, then all take 10 ms."""
    built.timer = Calls(monkeypatch, lambda n: (500.0, 300.0, 200.0)[n] if n < 3 else 10.0)
    calls = warm_up(built, seconds=10.0)
    assert built.warm
    assert built.stationary
    assert len(calls) in (8, 16)
    assert calls[-4:] == [10.0] * 4


def test_it_is_judged_by_calls_made_as_samples_are(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the first two, which tell the timer how: on CUDA these show what Python takes."""
    built.timer = timed = Calls(monkeypatch, lambda n: 10.0)
    warm_up(built, seconds=10.0)
    assert (timed.learnt, timed.made) == (2, 16)
    warm_up(built, seconds=10.0)
    assert timed.learnt == 2


def test_it_lasts_some_time_even_where_calls_are_short(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.timer = Calls(monkeypatch, lambda n: 1.0)
    assert len(warm_up(built, seconds=10.0)) == 128  # the first power of two after 100 ms
    assert built.stationary


@pytest.mark.parametrize("first_ms", [10.0, 1000.0])
def test_one_that_never_becomes_steady_is_cut_short_once_and_said_so(
    built: Built, monkeypatch: pytest.MonkeyPatch, first_ms: float
) -> None:
    """Each call takes 7% more than the one before, for ever."""
    built.timer = Calls(monkeypatch, lambda n: first_ms * 1.07**n)
    calls = warm_up(built, seconds=2.0)
    assert (built.warm, built.stationary) == (True, False)
    if first_ms > 1e3 / sampler.LEAST_TRIED:
        assert len(calls) == sampler.LEAST_TRIED
    else:
        assert sum(calls[:-1]) <= 1e3 < sum(calls)
    assert len(warm_up(built, seconds=2.0)) <= 1


def test_a_point_that_is_warm_only_pushes_the_others_out_of_the_caches(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.warm = True
    built.timer = Calls(monkeypatch, lambda n: 2.0)
    assert warm_up(built, seconds=10.0) == [2.0] * 3
    built.timer = Calls(monkeypatch, lambda n: 2000.0)
    assert warm_up(built, seconds=10.0) == [2000.0]
    assert warm_up(built, seconds=10.0) == []  # so long a call does that by itself


def test_a_short_turn_begins_with_a_call_that_is_no_sample(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.timer = timer = Calls(monkeypatch, lambda n: 2.0)
    monkeypatch.setattr("bench.probes.time.perf_counter", lambda: timer.now)
    assert short_turn(built).samples_ms == [2.0] * 3
    assert timer.made == 25 + 3  # the first warms up for a twentieth of a second
    assert short_turn(built).samples_ms == [2.0] * 3
    assert timer.made == 28 + 1 + 3


def test_the_first_call_of_a_long_turn_is_its_sample(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.timer = timer = Calls(monkeypatch, lambda n: 30.0)
    monkeypatch.setattr("bench.probes.time.perf_counter", lambda: timer.now)
    short_turn(built)
    assert timer.made == 3 + 1
    assert short_turn(built).samples_ms == [30.0]
    assert timer.made == 4 + 1


def visited(built: Built, seconds: float) -> Visit:
    return sample(built, warm_up(built, seconds), seconds, None)


def test_a_visit_takes_its_part_of_the_least_samples_and_no_more_than_its_share(
    built: Built,
) -> None:
    short = len(visited(built, seconds=1e-6).samples_ms)
    assert short * MIN_VISITS == min_samples(0.1)
    # Far more calls of a fraction of a millisecond would fit into the share than a visit may take.
    assert len(visited(built, seconds=100.0).samples_ms) == MAX_SAMPLES // sampler.VISITS


def test_the_time_of_a_visit_is_more_than_that_of_its_calls(built: Built) -> None:
    visit = visited(built, seconds=0.01)
    assert visit.sampling_s > sum(visit.samples_ms) / 1e3


def test_garbage_is_not_collected_during_samples_and_is_after_them(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    enabled: list[bool] = []

    def raise_(*_: object, **__: object) -> list[float]:
        enabled.append(sampler.gc.isenabled())
        raise RuntimeError("in the midst of it")

    monkeypatch.setattr(sampler, "take_samples", raise_)
    with pytest.raises(RuntimeError):
        sample(built, [1.0], 1.0, None)
    assert enabled == [False]
    assert sampler.gc.isenabled()
