from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.tune.race import FIRST_ROUNDS, HEAT_ROUNDS, MOST_ROUNDS, Racer
from bench.tune.request import Request
from reports.race import Contender, Race
from reports.schema import Point, Status

Make = Callable[..., Request]


def valley(best: int, depth: float = 0.3) -> Callable[[int], float]:
    """Milliseconds that grow on both sides of a chunk size, as n/best + best/n do."""
    return lambda n: 10 * (1 + depth * (n / best + best / n - 2))


def race(asked: Request, worker: Any, seen: list[Point] | None = None) -> Race:
    watch = (seen if seen is not None else []).append
    return Racer(asked, worker, watch).race(asked.points(asked.spec.seq_len[-1]))


def by_size(found: Race) -> dict[int, Contender]:
    return {each.chunk_size: each for each in found.contenders}


def finalists(found: Race) -> list[int]:
    return [each.chunk_size for each in found.contenders if each.outcome == "finalist"]


@pytest.mark.parametrize("best", [16, 64, 128])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_is_among_the_finalists(
    make_request: Make, fake_worker: Any, best: int, seed: int
) -> None:
    found = race(make_request("2k"), fake_worker(valley(best), seed=seed))
    assert best in finalists(found)
    assert len(finalists(found)) < len(found.contenders)


def test_the_clearly_slower_are_dropped_early(make_request: Make, fake_worker: Any) -> None:
    worker = fake_worker(valley(64, depth=1.0))
    found = race(make_request("2k"), worker)
    slow = by_size(found)[16]
    assert slow.outcome == "slower"
    assert len(slow.rounds_ms) <= FIRST_ROUNDS
    # One turn more than it has rounds: the first warms up and is no sample of any.
    assert worker.count("turn", 16) == len(slow.rounds_ms) + 1
    assert len(slow.warmup_ms) == len(slow.rounds_ms[0])


def test_only_the_neighbours_of_what_is_left_enter(make_request: Make, fake_worker: Any) -> None:
    # As in the real thing: whatever is no power of two takes a tenth longer.
    curve = valley(64, depth=1.0)
    worker = fake_worker(lambda n: curve(n) * (1.0 if n & (n - 1) == 0 else 1.1))
    found = by_size(race(make_request("4k"), worker))
    assert {48, 96} <= set(found)
    assert found[48].first_round > 0 == found[64].first_round
    assert 384 not in found
    assert worker.count("look", 384) == 0


def test_one_that_leads_alone_is_confirmed_beside_the_runner_up(
    make_request: Make, fake_worker: Any
) -> None:
    worker = fake_worker(lambda n: 10.0 if n == 32 else 13.0 if n == 64 else 20.0, noise=0.001)
    assert finalists(race(make_request("1k", chunk_size="16,32,64,128"), worker)) == [32, 64]


def test_what_cannot_be_told_apart_is_measured_again_together(
    make_request: Make, fake_worker: Any
) -> None:
    found = race(
        make_request("1k", chunk_size="16,32,64"), fake_worker(lambda n: 10.0, noise=0.005)
    )
    assert finalists(found) == [16, 32, 64]
    rounds = {len(each.rounds_ms) for each in found.contenders}
    assert len(rounds) == 1
    assert rounds < {*range(MOST_ROUNDS)}  # settled: nothing is faster by more than a tie


def test_a_race_that_noise_never_decides_ends(make_request: Make, fake_worker: Any) -> None:
    found = race(
        make_request("1k", chunk_size="16,32,64"), fake_worker(lambda n: 10.0, noise=0.5, seed=3)
    )
    assert max(len(each.rounds_ms) for each in found.contenders) <= MOST_ROUNDS
    assert finalists(found)


def test_what_the_cost_model_calls_far_slower_is_named_and_not_tried(
    make_request: Make, fake_worker: Any
) -> None:
    worker = fake_worker(valley(64))
    found = race(make_request("4k"), worker)
    left_out = {each.chunk_size: each.times_the_least for each in found.foreseen}
    assert left_out[4096] > left_out[2048] > 1.5
    assert worker.count("look", 4096) == 0
    # What a user names himself is tried.
    named = race(make_request("4k", chunk_size="64,128,4096"), fake_worker(valley(64)))
    assert (named.foreseen, 4096 in by_size(named)) == ([], True)


def test_a_constraint_excludes_before_anything_is_timed(
    make_request: Make, fake_worker: Any
) -> None:
    # The fake's distance is 10 / n: at most 0.05 from 200 on, far above where it is fastest.
    worker = fake_worker(valley(32))
    found = race(make_request("2k", max_distance=0.05), worker)
    contenders = by_size(found)
    assert contenders[32].outcome == "excluded"
    assert "distance" in contenders[32].reason
    assert worker.count("turn", 32) == 0
    assert min(finalists(found)) == 256
    # Once: what was looked at for the constraint is not looked at again.
    assert {worker.count("look", n) for n in contenders} == {1}


def test_the_preferred_one_is_a_finalist_though_it_is_slow(
    make_request: Make, fake_worker: Any
) -> None:
    sizes = {"chunk_size": "16,32,64,128"}
    worker = fake_worker(valley(64, depth=1.0), noise=0.002)
    assert 16 in finalists(race(make_request("1k", prefer="memory", **sizes), worker))
    assert 128 in finalists(race(make_request("1k", prefer="distance", **sizes), worker))


@pytest.mark.parametrize("job", ["look", "turn"])
def test_one_that_fails_is_a_contender_with_its_reason(
    make_request: Make, fake_worker: Any, job: str
) -> None:
    found = race(make_request("1k"), fake_worker(valley(32), fails={64: job}))
    failed = by_size(found)[64]
    assert (failed.outcome, failed.status) == ("failed", Status.OUT_OF_MEMORY)
    assert failed.reason == "no room"
    assert failed.rounds_ms == []
    assert 32 in finalists(found)


def test_where_all_fail_there_is_no_finalist(make_request: Make, fake_worker: Any) -> None:
    asked = make_request("1k", chunk_size="16,32")
    found = race(asked, fake_worker(valley(32), fails={16: "look", 32: "turn"}))
    assert finalists(found) == []
    assert [each.outcome for each in found.contenders] == ["failed", "failed"]


def test_a_heat_has_all_finalists_in_all_rounds(make_request: Make, fake_worker: Any) -> None:
    asked = make_request("1k", chunk_size="16,32,64")
    points = [each.point for each in asked.points(1024)]
    heat = Racer(asked, fake_worker(valley(32)), [].append).heat(points)
    assert set(heat.rounds_ms) == {16, 32, 64}
    assert {len(rounds) for rounds in heat.rounds_ms.values()} == {HEAT_ROUNDS}
    noisy = Racer(asked, fake_worker(lambda n: 10.0, noise=0.5), [].append).heat(points)
    assert {len(rounds) for rounds in noisy.rounds_ms.values()} == {MOST_ROUNDS}
    lost = Racer(asked, fake_worker(valley(32), fails={64: "turn"}), [].append).heat(points)
    assert (set(lost.rounds_ms), lost.failed) == ({16, 32}, {64: "no room"})


def test_what_never_entered_is_named(make_request: Make, fake_worker: Any) -> None:
    found = race(make_request("4k"), fake_worker(valley(64, depth=1.0)))
    told = {*by_size(found), *found.unraced, *(each.chunk_size for each in found.foreseen)}
    assert found.unraced
    assert told == {each.point.chunk_size for each in make_request("4k").points(4096)}


def test_where_the_whole_first_wave_fails_the_others_race(
    make_request: Make, fake_worker: Any
) -> None:
    powers = dict.fromkeys((16, 32, 64, 128, 256, 512, 1024), "look")
    found = race(make_request("1k"), fake_worker(valley(48), fails=powers))
    assert 48 in finalists(found)


def test_whatever_is_preferred_is_looked_at_however_slow(
    make_request: Make, fake_worker: Any
) -> None:
    found = race(make_request("4k", prefer="distance"), fake_worker(valley(64)))
    assert (found.foreseen, found.unraced) == ([], [])
    assert 4096 in finalists(found)


def test_contenders_take_turns_in_changing_order(make_request: Make, fake_worker: Any) -> None:
    worker = fake_worker(lambda n: 10.0, noise=0.05)
    race(make_request("1k", chunk_size="16,32,64"), worker)
    turns = [n for do, n in worker.asked if do == "turn"][6:]  # behind the first round
    rounds = [tuple(turns[i : i + 3]) for i in range(0, len(turns) - 2, 3)]
    assert all(sorted(each) == [16, 32, 64] for each in rounds)
    assert len(set(rounds)) > 1
