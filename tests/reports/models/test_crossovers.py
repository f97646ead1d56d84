from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.optimize import brentq

from reports.frame import to_frame
from reports.models.crossovers import Crossover, NoCrossover, crossover, crossovers
from reports.models.curves import Chunk, Curve
from reports.runfile import Run
from reports.schema import Record

LENGTHS = (256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288)
Cost = tuple[float, float, float]
"""Fixed cost in ms, ms at a thousand tokens beyond it, exponent."""
STEEP, FLAT = (0.5, 8.0, 2.0), (2.0, 10.0, 1.5)


def ms(cost: Cost, seq_len: float) -> float:
    fixed, scale, exponent = cost
    return fixed + scale * (seq_len / 1000) ** exponent


def pair(
    one: Cost,
    other: Cost,
    seed: int | np.random.Generator = 0,
    *,
    lengths: Sequence[int] = LENGTHS,
    rounds: int = 8,
    effect: float = 0.02,
    visit: float = 0.04,
    shared: bool = True,
    chunks: tuple[Chunk, Chunk] = (None, None),
) -> tuple[Curve, Curve]:
    """Two curves that were measured in turns on a machine that drifts.

    Args:
        effect: what a length does to the ratio by itself, relative.
        visit: what a visit does to it.
        shared: the two took turns in the same rounds.
    """
    rng = np.random.default_rng(seed)
    samples: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for T in lengths:
        drift = np.exp(rng.normal(0, 0.1) + rng.normal(0, 0.1, rounds))
        for side, cost in enumerate((one, other)):
            own = np.exp(rng.normal(0, effect / 2**0.5) + rng.normal(0, visit / 2**0.5, rounds))
            skewed = np.exp(0.02 * rng.gamma(2, 1, (rounds, 4)))
            samples[side].append((ms(cost, T) * (drift * own)[:, None] * skewed).ravel())
    first, second = (
        Curve(
            label=name,
            variant=name,
            chunk=chunk,
            quantity="latency",
            seq_len=np.array(lengths, dtype=float),
            value=np.array([np.median(each) for each in measured]),
            rows=tuple(range(len(lengths))),
            samples=tuple(measured),
            visits=((4,) * rounds,) * len(lengths),
            rounds=tuple(
                tuple(100 * i + j + (0 if shared else 50 * side) for j in range(rounds))
                for i in range(len(lengths))
            ),
        )
        for side, (name, chunk, measured) in enumerate(
            zip(("one", "other"), chunks, samples, strict=True)
        )
    )
    return first, second


def truth(one: Cost, other: Cost) -> float:
    return float(brentq(lambda T: ms(one, T) - ms(other, T), LENGTHS[0], LENGTHS[-1]))


def only(found: list[Crossover] | NoCrossover) -> Crossover:
    assert isinstance(found, list), found
    assert len(found) == 1
    return found[0]


def test_the_flatter_curve_overtakes_the_steeper_one() -> None:
    for curves in (pair(FLAT, STEEP), pair(FLAT, STEEP)[::-1]):
        found = only(crossover(*curves))
        assert (found.faster, found.slower) == ("one", "other")
        assert found.low < truth(FLAT, STEEP) < found.high
        assert found.low < found.seq_len < found.high
        assert found.width < 0.3
        assert (found.shortest, found.longest) == (256, 12288)


def test_without_noise_it_is_where_the_costs_are_equal() -> None:
    found = only(crossover(*pair(FLAT, STEEP, effect=0.0, visit=0.0, rounds=40)))
    assert found.seq_len == pytest.approx(truth(FLAT, STEEP), rel=0.02)
    assert found.width < 0.05


@pytest.mark.parametrize(
    ("one", "other", "setup"),
    [
        (FLAT, STEEP, {}),
        (FLAT, STEEP, {"effect": 0.0, "visit": 0.1, "rounds": 5}),
        (FLAT, STEEP, {"effect": 0.05, "lengths": LENGTHS[::2]}),
        ((8.0, 4.0, 1.0), (0.3, 6.0, 2.0), {}),
    ],
    ids=["usual", "few noisy rounds", "few lengths", "fixed cost"],
)
def test_the_interval_holds_the_true_crossover(
    one: Cost, other: Cost, setup: dict[str, float]
) -> None:
    rng, simulations = np.random.default_rng(11), 80
    held = 0
    for _ in range(simulations):
        found = crossover(*pair(one, other, rng, **setup))  # type: ignore[arg-type]
        held += isinstance(found, list) and any(
            each.low <= truth(one, other) <= each.high for each in found
        )
    # Three standard errors of 95% among 80.
    assert held / simulations >= 0.95 - 3 * 0.0244


def test_more_lengths_near_it_make_it_narrower() -> None:
    sparse = (256, 1024, 2048, 4096, 8192)
    more = sorted({*sparse, 1216, 1344, 1472, 1600, 1728, 1856, 1984})
    widths = [
        np.mean([only(crossover(*pair(FLAT, STEEP, seed, lengths=T))).width for seed in range(6)])
        for T in (sparse, more)
    ]
    assert widths[1] < 0.75 * widths[0]


def test_rounds_in_common_make_it_narrower() -> None:
    apart, together = (
        only(crossover(*pair(FLAT, STEEP, effect=0.0, shared=shared))) for shared in (False, True)
    )
    assert together.width < apart.width / 1.5


def test_a_curve_that_is_always_faster_overtakes_nowhere() -> None:
    found = crossover(*pair((0.5, 5.0, 1.5), (2.0, 20.0, 1.5)))
    assert isinstance(found, NoCrossover)
    assert str(found) == (
        "one and other: not within the measured range: one is faster at every length from 256 to "
        "12k"
    )


@pytest.mark.parametrize("seed", range(8))
def test_curves_that_run_together_cannot_be_told_apart(seed: int) -> None:
    found = crossover(*pair(FLAT, FLAT, seed, visit=0.1))
    assert isinstance(found, NoCrossover)
    assert "cannot be told apart" in found.reason


def test_curves_that_meet_at_the_end_say_from_where_one_is_faster() -> None:
    found = crossover(*pair((2.0, 10.0, 1.0), (0.0, 10.0, 1.0), visit=0.08))
    assert isinstance(found, NoCrossover)
    assert found.reason.startswith("none is seen: other is faster from T = 256 to")
    assert found.reason.endswith("; elsewhere they cannot be told apart")


def test_two_crossovers_are_two() -> None:
    # `one` is faster in the middle alone: it has a fixed cost, and grows faster.
    one, other = (6.0, 1.0, 2.0), (0.0, 10.0, 1.0)
    found = crossover(*pair(one, other))
    assert isinstance(found, list)
    assert [each.faster for each in found] == ["one", "other"]
    for each, true in zip(found, (641.1, 9358.9), strict=True):
        assert each.low < true < each.high


def test_it_reads_as_a_sentence() -> None:
    found = Crossover("hatrick", "full", 64, None, 3104.2, 2811.0, 3498.0, 256.0, 12288.0)
    assert str(found) == "hatrick (n = 64) overtakes full from T = 3,100 (2,810 to 3,500)"
    assert found.width == pytest.approx(0.221, abs=1e-3)
    none = NoCrossover("hatrick", "lsh", "best", "best", "cannot be told apart from T = 256 to 12k")
    assert str(none) == "hatrick and lsh: cannot be told apart from T = 256 to 12k"


def test_one_length_is_not_enough() -> None:
    found = crossover(*pair(FLAT, STEEP, lengths=(1024,)))
    assert isinstance(found, NoCrossover)
    assert found.reason == "they have one length with enough rounds in common; 2 are needed"


MakeRun = Callable[..., Run]
MakeRecord = Callable[..., Record]


@pytest.fixture
def swept(run: MakeRun, record: MakeRecord, visits: Callable[..., dict[str, object]]) -> Run:
    """Full, and two others at two chunk sizes; `hatrick` overtakes full, later at n = 128."""
    records = []
    for i, T in enumerate((256, 512, 1024, 2048, 4096)):
        drift = np.exp(np.random.default_rng(i).normal(0, 0.1, 8)).tolist()

        timed = {
            ("full", None): ms(STEEP, T),
            ("hatrick", 64): ms(FLAT, T),
            ("hatrick", 128): 1.3 * ms(FLAT, T),
            ("lsh", 64): 9 * ms(FLAT, T),
            ("lsh", 128): 12 * ms(FLAT, T),
        }
        for offset, ((variant, n), median) in enumerate(timed.items()):
            latency = visits(median, drift, offset=offset)
            records.append(record(variant, T, chunk_size=n, median_ms=median, latency=latency))
    return run(records)


def test_every_pair_at_its_fastest_chunk_sizes(swept: Run) -> None:
    found = crossovers(to_frame([swept]))
    assert [type(each) for each in found] == [Crossover, NoCrossover, NoCrossover]
    assert isinstance(found[0], Crossover)
    assert (found[0].faster, found[0].faster_chunk) == ("hatrick", "best")
    assert (found[0].slower, found[0].slower_chunk) == ("full", None)
    assert found[0].low < truth(FLAT, STEEP) < found[0].high


def test_pairs_at_one_chunk_size_or_against_what_has_none(swept: Run) -> None:
    found = crossovers(to_frame([swept]), "each")
    compared = {
        (each.faster, each.faster_chunk, each.slower, each.slower_chunk)
        if isinstance(each, Crossover)
        else (each.first, each.first_chunk, each.second, each.second_chunk)
        for each in found
    }
    assert compared == {
        ("hatrick", 64, "full", None),
        ("hatrick", 128, "full", None),
        ("full", None, "lsh", 64),
        ("full", None, "lsh", 128),
        ("hatrick", 64, "lsh", 64),
        ("hatrick", 128, "lsh", 128),
    }
    at = {each.faster_chunk: each.seq_len for each in found if isinstance(each, Crossover)}
    assert at[128] > 1.3 * at[64]
