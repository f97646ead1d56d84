from __future__ import annotations

import numpy as np
import pytest

from reports.schema import Status
from reports.tuning.regret import COLUMNS, processes, regret_markdown, regret_table
from reports.tuning.seconds import grid_seconds, time_markdown, tuning_seconds

FLAT = dict.fromkeys((16, 32, 48, 64, 96, 128, 192, 256), 1.0)


@pytest.fixture
def grids(run, record):
    """Grids of which the true latencies are known, each of two processes."""

    def make(ms, chosen, noise=0.01, seed=0, rounds=8):
        records = []
        for T, of_length in ms.items():
            for process in range(2):
                rng = np.random.default_rng([seed, T, process])
                drift = np.exp(rng.normal(0, 0.1, rounds))
                for n, true in of_length.items():
                    own = np.exp(rng.normal(0, noise))  # where its memory lies in this process
                    samples = (
                        true * own * drift[:, None] * np.exp(rng.normal(0, noise, (rounds, 3)))
                    )
                    latency = {
                        "samples_ms": samples.ravel().tolist(),
                        "visits": [3] * rounds,
                        "rounds": [1000 * process + at for at in range(rounds)],
                    }
                    median = float(np.median(samples))
                    records.append(
                        record(seq_len=T, chunk_size=n, median_ms=median, latency=latency)
                    )
        says = {str(T): {"chunk_size": n, "how": how} for T, (n, how) in chosen.items()}
        return run(records, spec={"tune": {"chosen": says}, "order": "interleaved"})

    return make


def test_a_choice_that_is_slower_has_that_as_regret(grids):
    ms = {4096: {32: 1.3, 64: 1.0, 128: 1.1, 256: 2.0}}
    table = regret_table(grids(ms, {4096: (128, "tuned")}, noise=0.002))
    assert tuple(table.columns) == COLUMNS
    (row,) = table.to_dict("records")
    assert (row["seq_len"], row["how"], row["chunk_size"]) == (4096, "tuned", 128)
    assert row["best_a"] == row["best_b"] == 64
    assert row["low"] < row["regret"] < row["high"]
    assert row["regret"] == pytest.approx(1.1, abs=0.01)
    assert row["naive"] == pytest.approx(1.1, abs=0.01)
    assert row["slowest"] == pytest.approx(2.0 / 1.1, abs=0.03)


def test_the_best_itself_has_none(grids):
    ms = {4096: {32: 1.3, 64: 1.0, 128: 1.1}}
    (row,) = regret_table(grids(ms, {4096: (64, "tuned")})).to_dict("records")
    assert row["regret"] == row["low"] == row["high"] == row["naive"] == 1


def test_luck_is_no_regret(grids):
    """All are alike, so that any choice is best; the fastest of a noisy grid is so by chance."""
    rows = [
        regret_table(grids({4096: FLAT}, {4096: (64, "tuned")}, 0.03, seed)).iloc[0]
        for seed in range(24)
    ]
    crossed = np.mean([np.log(row["regret"]) for row in rows])
    naive = np.mean([np.log(row["naive"]) for row in rows])
    assert abs(crossed) < 0.012
    assert naive > 0.02
    held = np.mean([row["low"] <= 1 <= row["high"] for row in rows])
    assert held > 0.6


def test_every_length_has_a_line_and_every_kind_its_worst(grids):
    ms = {T: {32: 1.3, 64: 1.0, 128: 1.1} for T in (1024, 2048, 4096)}
    chosen = {4096: (64, "tuned"), 1024: (128, "beyond"), 2048: (32, "beyond")}
    text = regret_markdown(grids(ms, chosen, noise=0.001))
    lines = text.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| 1,024", "| 2,048", "| 4,096"]
    assert "| 128 | 64 | 1.10" in lines[2]
    assert lines[-1].startswith("The largest regret: beyond 1.29")
    assert lines[-1].endswith("; tuned 1.000.")


def test_what_verifies_nothing_or_not_all_of_it_is_an_error(grids, run, record):
    ms = {4096: {32: 1.3, 64: 1.0}}
    with pytest.raises(ValueError, match="verifies no tuning"):
        regret_table(run([]))
    with pytest.raises(ValueError, match="n = 96 was chosen and is not in the grid: 32, 64"):
        regret_table(grids(ms, {4096: (96, "tuned")}))
    with pytest.raises(ValueError, match="T = 512: n = 64 was chosen"):
        regret_table(grids(ms, {512: (64, "tuned")}))
    with pytest.raises(ValueError, match="share too few rounds"):
        regret_table(grids(ms, {4096: (64, "tuned")}, rounds=3))
    alone = grids(ms, {4096: (64, "tuned")})
    del alone.records[-1]
    with pytest.raises(ValueError, match="n = 64 was measured by one process alone"):
        processes(alone)
    thrice = grids(ms, {4096: (64, "tuned")})
    thrice.records.append(thrice.records[0])
    with pytest.raises(ValueError, match="has more than 2 records"):
        processes(thrice)


def test_a_point_that_failed_is_nobodys_choice(grids, record):
    ms = {4096: {32: 1.2, 64: 1.0}}
    run = grids(ms, {4096: (64, "tuned")})
    run.records.append(
        record(seq_len=4096, chunk_size=16, status=Status.OUT_OF_MEMORY, reason="no room")
    )
    (row,) = regret_table(run).to_dict("records")
    assert row["regret"] == pytest.approx(1.0, abs=0.02)


def test_time_is_that_of_race_and_confirmation_beside_one_grid(grids, tuned):
    own = tuned({1024: {32: 2.0, 64: 1.0, 128: 2.0}, 4096: {32: 2.0, 64: 1.0, 128: 1.0}})
    full = grids({4096: FLAT, 8192: FLAT}, {4096: (64, "tuned")})
    # A race takes 10 s and a record half a second.
    assert tuning_seconds(own) == {1024: 10.5, 4096: 11.0}
    assert grid_seconds(full) == {4096: 4.0, 8192: 4.0}
    lines = time_markdown(own, full).splitlines()
    assert lines[2:] == ["| 4,096 | 11.0 s | 4.00 s | 280% |", "| all | 11.0 s | 4.00 s | 280% |"]
    with pytest.raises(ValueError, match="no length in common"):
        time_markdown(own, grids({512: FLAT}, {}))
