from __future__ import annotations

import pytest
from pydantic import ValidationError

from reports.race import Contender, Foreseen, Race
from reports.runfile import read_run
from reports.runwriter import RunWriter
from reports.schema import Status

ROUNDS = [[1.0, 1.1], [1.2]]


@pytest.fixture
def race(record):
    def make(*sizes, **changes):
        one = record(seq_len=4096, chunk_size=None)
        values = {
            "point": one.point,
            "contenders": [
                Contender(chunk_size=n, outcome="slower", rounds_ms=ROUNDS) for n in sizes
            ],
            "started_at": one.started_at,
            "wall_s": 1.5,
        }
        return Race(**values | changes)

    return make


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "slower"},
        {"outcome": "finalist"},
        {"outcome": "slower", "rounds_ms": ROUNDS, "reason": "x"},
        {"outcome": "slower", "rounds_ms": ROUNDS, "status": Status.CRASHED},
        {"outcome": "slower", "rounds_ms": ROUNDS, "miss": 0.1},
        {"outcome": "slower", "rounds_ms": [[1.0], []]},
        {"outcome": "excluded"},
        {"outcome": "excluded", "reason": "x", "status": Status.CRASHED},
        {"outcome": "failed", "reason": "x"},
        {"outcome": "failed", "status": Status.CRASHED},
        {"outcome": "failed", "reason": "x", "status": Status.CRASHED, "miss": 0.1},
    ],
)
def test_figures_that_do_not_fit_the_outcome_are_refused(wrong):
    with pytest.raises(ValidationError):
        Contender(chunk_size=64, **wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"outcome": "slower", "rounds_ms": ROUNDS},
        {"outcome": "excluded", "reason": "too large", "miss": 0.5},
        {"outcome": "excluded", "reason": "not known"},
        {"outcome": "failed", "reason": "signal 9", "status": Status.CRASHED},
    ],
)
def test_figures_that_fit_are_taken(right):
    assert Contender(chunk_size=64, **right).outcome == right["outcome"]


def test_contenders_stand_by_chunk_size_each_once(race):
    assert [one.chunk_size for one in race(32, 64).contenders] == [32, 64]
    for sizes in ((64, 32), (64, 64), ()):
        with pytest.raises(ValidationError):
            race(*sizes)


def test_a_races_point_has_no_chunk_size_and_its_contenders_have(race, record):
    point = race(64).point_of(64)
    assert point.key == record(seq_len=4096, chunk_size=64).key
    with pytest.raises(ValidationError, match="no chunk size of its own"):
        race(64, point=point)


def test_what_was_not_tried_costs_more_than_the_least():
    with pytest.raises(ValidationError):
        Foreseen(chunk_size=64, times_the_least=1.0)


def test_a_race_is_read_as_it_was_written(race, environment, record, tmp_path):
    path = tmp_path / "run.jsonl"
    written = race(32, 64, foreseen=[Foreseen(chunk_size=16, times_the_least=4.5)])
    with RunWriter(path, environment()) as writer:
        writer.write(written)
        writer.write(record())
    found = read_run(path)
    assert found.races == [written]
    assert len(found.records) == 1
    assert found.damaged == []


def test_half_a_race_is_a_damaged_line(race, environment, tmp_path):
    path = tmp_path / "run.jsonl"
    with RunWriter(path, environment()) as writer:
        writer.write(race(32, 64))
    path.write_bytes(path.read_bytes()[:-20])
    found = read_run(path)
    assert found.races == []
    assert "cut off after" in found.damaged[0]
