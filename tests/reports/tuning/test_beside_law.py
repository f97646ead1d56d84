from __future__ import annotations

import numpy as np
import pytest

from reports.models.growth import Unfit
from reports.tuning.beside_law import beside_law, effects, padded

LENGTHS = (512, 1024, 2048, 4096)
SIZES = (16, 32, 48, 64, 96, 128, 192, 256)


def grid(tail=1.0, sizes=None, noise=0.0, lengths=LENGTHS):
    """Logarithms of measured over law for every length and chunk size, by known effects."""
    T, n = (each.ravel().astype(float) for each in np.meshgrid(lengths, SIZES, indexing="ij"))
    rng = np.random.default_rng(0)
    own = np.array([np.log((sizes or {}).get(int(size), 1.0)) for size in n])
    logs = np.log(tail) * (T % n != 0) + own + 0.1 * np.log(T) + noise * rng.normal(size=len(T))
    return logs, T, n


def test_a_length_with_its_last_chunk_filled():
    assert padded(np.array([100.0, 96.0]), np.array([48.0, 48.0])).tolist() == [144, 96]


@pytest.mark.parametrize("tail", [1.0, 1.08, 0.9])
def test_what_all_sizes_with_a_tail_have_in_common_is_the_tails(tail):
    found = effects(*grid(tail))
    assert found.tail == pytest.approx(tail, rel=1e-3)
    assert list(found.sizes) == list(SIZES)
    assert list(found.sizes.values()) == pytest.approx([1.0] * len(SIZES), rel=2e-3)


def test_a_size_that_is_slow_at_every_length_has_a_factor_of_its_own():
    found = effects(*grid(1.05, {64: 1.2}, noise=0.01))
    assert found.sizes[64] / found.sizes[128] == pytest.approx(1.2, rel=0.02)
    # Of these lengths 48 always leaves a tail: what is the tail's and what its own, nobody can say.
    assert found.sizes[48] * found.tail / found.sizes[128] == pytest.approx(1.05, rel=0.02)


def test_one_that_was_seen_once_is_believed_less():
    logs, T, n = grid(1.0, {32: 0.9, 128: 1.1, 256: 0.95}, noise=0.03)
    logs[(n == 64)] -= 0.1
    often = effects(logs, T, n).sizes[64]
    seen = (n != 64) | (T == 1024)
    once = effects(logs[seen], T[seen], n[seen]).sizes[64]
    assert often < 0.95
    assert often < once < 1.0


def test_noise_alone_makes_no_factors():
    factors = effects(*grid(noise=0.02)).sizes
    assert list(factors.values()) == pytest.approx([1.0] * len(SIZES), abs=0.015)


@pytest.mark.parametrize("lengths", [(960, 1920, 3840), (1009, 2003, 4001)])
def test_where_none_or_all_have_a_tail_it_is_not_known(lengths):
    logs, T, n = grid(1.3, lengths=lengths)
    keep = (T % n == 0) if lengths[0] == 960 else (T % n != 0)
    assert effects(logs[keep], T[keep], n[keep]).tail == 1.0


def test_a_law_is_fitted_to_what_leaves_no_tail(tuned, by_law):
    true = by_law(LENGTHS, (16, 32, 64, 128, 256))
    # Half as long again with a tail: in the law it would be a cost of T·n.
    ms = {T: of | dict.fromkeys((48, 96), 1.5 * of[32]) for T, of in true.items()}
    law, beside = beside_law(tuned(ms, noise=0.002))
    assert set(law.chunk_size) == {16, 32, 64, 128, 256}
    assert beside.tail > 1.2
    assert set(beside.sizes) == {16, 32, 48, 64, 96, 128, 256}


def test_without_a_law_there_is_nothing_beside_it(tuned, by_law):
    assert isinstance(beside_law(tuned(by_law((4096,)))), Unfit)
