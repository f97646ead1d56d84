"""What a model says of the best chunk size: the law in T and n, or a race's own t = A + p·n + q/n.

The law (`reports.models.chunk_law`) knows all lengths of a run and needs `MIN_LENGTHS` of them.
With fewer, each race has three terms of its own: what no chunk size changes, what grows with the
chunk, and what each chunk costs. That cannot tell T²/n, (T/n)² and a chunk's projections apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from reports.models.chunk_law import TERMS, ChunkLaw, chunk_law
from reports.models.growth import MAX_ERROR, Unfit
from reports.models.optimum import Interval, optimum
from reports.models.resampling import TAILS
from reports.race import Race
from reports.runfile import Run
from reports.tuning.estimates import Estimates, estimates

MIN_SIZES = 4
"""For three terms of one length."""
DRAWS = 399
SEED = 0
EACH_CHUNK = "what each chunk costs"

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Latency against chunk size at one length, as a model has it."""

    best: Interval
    """n*; infinite where no cost of larger chunks is seen, 0 where none of smaller ones is."""
    by_law: bool
    """The law of all lengths; False: this race alone."""
    terms: tuple[str, ...]
    """Names of what changes with the chunk size."""
    parts: tuple[tuple[float, float], ...]
    """Of each term (c, k): it takes c·n^k ms."""
    fixed: float
    """ms that no chunk size changes."""

    def at(self, chunk_size: float) -> float:
        """Latency in ms."""
        return self.fixed + sum(float(c * chunk_size**k) for c, k in self.parts)


def law_of(run: Run) -> ChunkLaw | Unfit:
    """The law in T and n fitted to the races of a run: of each length the last.

    It is fitted to the chunk sizes that divide their length, if these are enough: in the others
    padding is measured too, of which the law knows nothing (`reports.tuning.beside_law`).
    """
    rows = timed_rows(run)
    if rows.empty:
        return Unfit("no chunk size was timed")
    law = chunk_law(rows[rows["seq_len"] % rows["chunk_size"] == 0])
    return law if isinstance(law, ChunkLaw) else chunk_law(rows)


def timed_rows(run: Run) -> pd.DataFrame:
    """What was timed in the last race of every length, a row a chunk size, as rows of a frame that
    a law can be fitted to.

    One that left a race early is in it with its latency in an average round of the race
    (`reports.tuning.estimates`).
    """
    rows = [row for race in latest_races(run) for row in _rows(run, race)]
    return pd.DataFrame(rows).astype({"chunk_size": "Int64", "flops": "Int64"} if rows else {})


def latest_races(run: Run) -> list[Race]:
    """The last race of every length, by length."""
    latest = {race.point.seq_len: race for race in run.races}
    return [latest[T] for T in sorted(latest)]


def curve(race: Race, law: ChunkLaw | Unfit, found: Estimates) -> Curve | Unfit:
    """Latency against chunk size at the length of a race.

    Args:
        law: of the run; without one the race is fitted by itself.
        found: the race's estimates.
    """
    return _alone(found) if isinstance(law, Unfit) else _of_law(law, race.point.seq_len)


def _of_law(law: ChunkLaw, seq_len: int) -> Curve:
    a, b, c, d, e = law.coefficients.tolist()
    T = float(seq_len)
    of_chunk = d * T**2 + b * law.chunk_tokens * T
    parts = [(TERMS[2], (c * T, 1.0)), (TERMS[3], (of_chunk, -1.0)), (TERMS[4], (e * T**2, -2.0))]
    if not (law.low[3] > 0 and law.low[4] > 0):
        # What the lengths do not tell apart has no name of its own.
        parts = [(name if k > 0 else EACH_CHUNK, (size, k)) for name, (size, k) in parts]
    names, sizes = zip(*parts, strict=True)
    return Curve(optimum(law, seq_len), True, names, sizes, a + b * T)


def _alone(found: Estimates) -> Curve | Unfit:
    n = np.array(found.chunk_sizes, np.float64)
    if len(n) < MIN_SIZES:
        return Unfit(f"a curve over the chunk sizes needs {MIN_SIZES} of them; there are {len(n)}")
    latency = np.exp(found.logs)
    A, p, q = _coefficients(n, latency)
    fitted = A + p * n + q / n
    error = float(np.sqrt(np.mean(np.log(fitted / latency) ** 2)))
    if error > MAX_ERROR:
        return Unfit(f"A + p·n + q/n misses this race by {error:.0%}")
    # What the curve does not describe puts a chunk size off as chance does.
    spread = np.linalg.cholesky(found.covariance + error**2 * np.eye(len(n)))
    noise = np.random.default_rng(SEED).standard_normal((DRAWS, len(n)))
    drawn = [_best(*_coefficients(n, fitted * np.exp(spread @ z))[1:]) for z in noise]
    low, high = np.percentile(drawn, TAILS, method="inverted_cdf")
    best = _best(p, q)
    interval = Interval(best, min(float(low), best), max(float(high), best))
    return Curve(interval, False, (TERMS[2], EACH_CHUNK), ((p, 1.0), (q, -1.0)), A)


def _coefficients(n: _Array, latency: _Array) -> tuple[float, float, float]:
    design = np.stack([np.ones_like(n), n, 1 / n], axis=1) / latency[:, None]
    scale = np.linalg.norm(design, axis=0)
    A, p, q = (nnls(design / scale, np.ones_like(n))[0] / scale).tolist()
    return A, p, q


def _best(p: float, q: float) -> float:
    return sqrt(q / p) if p > 0 else (inf if q > 0 else 0.0)


def _rows(run: Run, race: Race) -> Sequence[dict[str, object]]:
    """A race as rows of a frame that the law can be fitted to."""
    timed = [contender for contender in race.contenders if contender.rounds_ms]
    if not timed:
        return []
    found = estimates(timed)
    rows = []
    for contender in timed:
        samples = np.concatenate(contender.rounds_ms)
        latency = found.latency_ms(contender.chunk_size)
        rows.append(
            race.point_of(contender.chunk_size).__dict__
            | {
                "file": str(run.path),
                "label": race.point.variant,
                "status": "ok",
                "refined": False,
                "latency_ms": latency,
                "samples_ms": (samples * (latency / np.median(samples))).tolist(),
                "visits": [len(of_round) for of_round in contender.rounds_ms],
                "flops": contender.flops,
                "flops_ceiling": np.nan,
            }
        )
    return rows
