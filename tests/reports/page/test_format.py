import math
import random

import pytest

from reports import units

NAMES = ("duration", "size", "scientific", "distance", "cosine")
EDGES = (
    *(0, 0.00005, 0.0001, 0.0009995, 0.001, 0.125, 0.0625, 0.5, 1.005, 1.125, 2.5, 9.985, 9.995),
    *(99.5, 99.95, 100.5, 999.4, 999.5, 999.9, 1000, 1022.5, 1023.5, 1024, 1048575, 1e9, 3e14),
    *(3.05e-7, 2.5e-7, 1e-60, 1.25, math.inf),
)


@pytest.fixture(scope="module")
def values():
    """Edges of rounding, and numbers of all sizes, some with few digits so that they tie."""
    drawn = random.Random(5)
    spread = [10 ** drawn.uniform(-9, 12) for _ in range(500)]
    ties = [drawn.randrange(1, 2**14) / 2 ** drawn.randrange(0, 8) for _ in range(1500)]
    return [value for value in [*EDGES, *spread, *ties] if math.isfinite(value)]


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_written_as_the_reports_write_it(scripts, values, name):
    given = [int(value) for value in values] if name == "size" else values
    page = scripts("format.js")
    written = page.evaluate(f"values => values.map({name})", given)
    assert written == [getattr(units, name)(value) for value in given]


def test_infinity_is_written_too(scripts):
    page = scripts("format.js")
    assert page.evaluate("scientific(Infinity)") == units.scientific(math.inf)


def test_a_length_and_a_median_with_its_interval(scripts):
    page = scripts("format.js")
    lengths = [1, 1000, 1024, 1536, 1600, 2048, 131072]
    assert page.evaluate("l => l.map(tokens)", lengths) == [units.tokens(T) for T in lengths]
    for median, low, high in ((12.3, 12.1, 12.6), (1234.5, 990.0, 1300.0), (0.0123, 0.012, 0.013)):
        written = page.evaluate("of => measured(...of)", [median, low, high])
        assert written == units.measured(median, low, high)
    assert page.evaluate("measured(1.5, NaN, 2)") == "1.50 ms"
