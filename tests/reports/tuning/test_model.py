from __future__ import annotations

from math import inf, sqrt

import pytest

from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.tuning.estimates import estimates
from reports.tuning.model import EACH_CHUNK, Curve, curve, latest_races, law_of


def of_race(race):
    return curve(race, Unfit("too few lengths"), estimates(race.contenders))


def test_with_enough_lengths_the_law_is_that_of_all(tuned, by_law):
    run = tuned(by_law((1024, 2048, 4096, 8192)))
    law = law_of(run)
    assert isinstance(law, ChunkLaw)
    # t = 0.2 + 2e-4·T + 4e-6·T·n + 2e-6·T²/n
    assert law.coefficients[2] == pytest.approx(4e-6, rel=0.1)
    race = run.races[2]
    found = curve(race, law, estimates(race.contenders))
    assert isinstance(found, Curve)
    assert found.by_law
    assert found.best.value == pytest.approx(sqrt(4096 / 2), rel=0.1)
    for n in (16, 64, 512):
        assert found.at(n) == pytest.approx(float(law.at(4096, n)))


def test_what_left_early_is_in_the_law_as_if_it_had_stayed(tuned, by_law, contender, race):
    run = tuned(by_law((1024, 2048, 4096, 8192)))
    for nth, of in enumerate(run.races):
        # Twice as slow a machine once most have left.
        slowed = [
            one.model_copy(
                update={
                    "rounds_ms": [
                        [ms * (2 if at > 2 else 1) for ms in visit]
                        for at, visit in enumerate(one.rounds_ms)
                    ]
                }
            )
            for one in of.contenders
        ]
        run.races[nth] = of.model_copy(update={"contenders": slowed})
    law = law_of(run)
    assert isinstance(law, ChunkLaw)
    assert law.own_error < 0.05


def test_a_race_alone_has_its_own_curve(raced, by_law):
    found = of_race(raced(by_law()[4096]))
    assert isinstance(found, Curve)
    assert not found.by_law
    assert found.terms == ("T·n", EACH_CHUNK)
    assert found.best.low < sqrt(4096 / 2) < found.best.high
    assert found.at(64) == pytest.approx(by_law()[4096][64], rel=0.05)


@pytest.mark.parametrize(
    ("of_n", "best"), [(lambda n: 1 + n / 100, 0.0), (lambda n: 1 + 100 / n, inf)]
)
def test_where_only_one_side_costs_there_is_no_end(raced, of_n, best):
    found = of_race(raced({n: of_n(n) for n in (16, 32, 64, 128, 256)}, noise=1e-4))
    assert isinstance(found, Curve)
    assert (found.best.low if best == 0 else found.best.high) == best


def test_too_few_sizes_or_another_shape_have_no_curve(raced):
    assert "needs 4 of them" in of_race(raced({32: 1.0, 64: 1.1, 128: 1.3})).reason
    jagged = of_race(raced({16: 1.0, 32: 3.0, 64: 1.0, 128: 3.0, 256: 1.0}))
    assert "misses this race by" in jagged.reason


def test_of_a_length_that_was_raced_twice_the_last_counts(run, raced):
    twice = run([])
    first, again, other = raced({64: 1.0}), raced({64: 2.0}), raced({64: 1.0}, 2048)
    twice.races.extend([first, other, again])
    assert latest_races(twice) == [other, again]
    assert isinstance(law_of(twice), Unfit)
    assert law_of(run([])).reason == "no chunk size was timed"
