"""What the models say of a frame, as tables of words and numbers that are ready to show.

Every table has the column `setting` (its title) and the column `rows`: the positions in the frame
of the rows that a line was computed from. All other columns are text, and their names are headers.
A model that cannot be fitted is a line with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from reports import settings, units
from reports.models.chunk_law import TERMS, ChunkLaw, chunk_law
from reports.models.claims import length, listed, power
from reports.models.crossovers import Crossover, NoCrossover, crossovers, named
from reports.models.curves import BEST, Chunk, Curve, curves
from reports.models.growth import Unfit, growth
from reports.models.optimum import Optimum, exponent_along, optima
from reports.models.verdicts import verdicts
from reports.palette import styles

Line = dict[str, object]
NONE = "–"
EXACT = 1e-4
"""A relative error below this says nothing more."""

TIMES = {"ms": 1.0, "µs": 1e3, "ns": 1e6, "ps": 1e9}
"""Units of time, and how many of each are a millisecond."""

GROWTH = ("attention", "of", "grows as", "from T", "to T", "misses by", "remark")
CROSSOVERS = ("attentions", "what is seen")
LAW = ("attention", "term", "time a unit", "FLOPs a unit", "GFLOP/s", "what it says")
OPTIMA = ("attention", "T", "measured best n", "n* of the law", "√T", "remark")


def growth_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The exponent of every curve's latency and workspace, through the fastest chunk sizes and for
    each chunk size."""
    return model_table(frame, GROWTH, _growths)


def crossover_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Where one label overtakes another: every pair at its fastest chunk sizes, and those of one
    chunk size that cross."""
    return model_table(frame, CROSSOVERS, _crossovers)


def law_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The law in T and n of every label that has chunk sizes: how good it is, and its terms."""
    return model_table(frame, LAW, _laws)


def optimum_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The best chunk size of every length, measured and by the law."""
    return model_table(frame, OPTIMA, _optima)


def model_table(
    frame: pd.DataFrame, headers: tuple[str, ...], lines: Callable[[pd.DataFrame], Iterable[Line]]
) -> pd.DataFrame:
    """The lines of every setting, from its rows in the order in which legends name the labels."""
    numbered = frame.reset_index(drop=True)
    found = [
        {"setting": setting.title} | line
        for setting in settings.split(numbered)
        for line in lines(_in_order(setting.frame))
    ]
    return pd.DataFrame(found, columns=["setting", *headers, "rows"])


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by label, in the order in which legends name them."""
    rank = {label: i for i, label in enumerate(styles(rows))}
    return rows.sort_values("label", key=lambda labels: labels.map(rank), kind="stable")


def _growths(rows: pd.DataFrame) -> Iterator[Line]:
    for quantity in ("latency", "workspace"):
        best = curves(rows, quantity, "best")
        sizes = rows.groupby("label")["chunk_size"].nunique()
        each = [curve for curve in curves(rows, quantity) if sizes[curve.label] > 1]
        for curve in [*best, *each]:
            yield {"of": quantity, "rows": list(curve.rows)} | _growth(curve)


def _growth(curve: Curve) -> Line:
    fit = growth(curve)
    line: Line = {"attention": named_curve(curve.label, curve.chunk)}
    if isinstance(fit, Unfit):
        return line | dict.fromkeys(GROWTH[2:-1], NONE) | {"remark": fit.reason}
    return line | {
        "grows as": power(fit.exponent, fit.low, fit.high),
        "from T": length(fit.since),
        "to T": length(fit.until),
        "misses by": units.percent(fit.error)
        if fit.error >= EXACT
        else f"< {units.percent(EXACT)}",
        "remark": "",
    }


def _crossovers(rows: pd.DataFrame) -> Iterator[Line]:
    sizes = rows.groupby("label")["chunk_size"].nunique()
    for chunk in ("best", "each"):
        behind = {
            (curve.label, curve.chunk): curve.rows for curve in curves(rows, "latency", chunk)
        }
        for found in crossovers(rows, chunk):
            if isinstance(found, Crossover):
                pair = (found.faster, found.faster_chunk), (found.slower, found.slower_chunk)
            else:
                pair = (found.first, found.first_chunk), (found.second, found.second_chunk)
            # A label at its only chunk size is in both lists.
            fixed = [side for side in pair if isinstance(side[1], int) and sizes[side[0]] > 1]
            if chunk == "best" or (isinstance(found, Crossover) and fixed):
                yield {
                    "attentions": listed([named(*side) for side in pair]),
                    "what is seen": _seen(found),
                    "rows": [row for side in pair for row in behind[side]],
                }


def _seen(found: Crossover | NoCrossover) -> str:
    return found.reason if isinstance(found, NoCrossover) else str(found)


def _laws(rows: pd.DataFrame) -> Iterator[Line]:
    for of_label, law in _each_law(rows):
        line: Line = {"attention": of_label["label"].iloc[0], "rows": _of_ok(of_label)}
        none = dict.fromkeys(LAW[1:-1], NONE)
        if isinstance(law, Unfit):
            yield line | none | {"what it says": law.reason}
            continue
        line["rows"] = list(law.rows)
        fit, *of_terms, form = verdicts(law)[:5]
        yield line | none | {"what it says": " ".join([fit, form, *verdicts(law)[5:]])}
        said = ["", "", *of_terms]
        for k, term in enumerate(TERMS):
            yield line | {
                "term": term,
                "time a unit": _time(law, k),
                "FLOPs a unit": _number(float(law.flops[k])),
                # What is done once is not what the fixed cost is spent on.
                "GFLOP/s": _number(float(law.rates[k]) / 1e9) if k else NONE,
                "what it says": said[k],
            }


def _optima(rows: pd.DataFrame) -> Iterator[Line]:
    for of_label, law in _each_law(rows):
        name = {"attention": of_label["label"].iloc[0]}
        said = ""
        for at in optima(of_label, law):
            of_length = _of_ok(of_label[of_label["seq_len"] == at.seq_len])
            yield (
                name
                | _optimum(at)
                # What is so at every length is said once.
                | {"remark": "" if at.remark == said else at.remark}
                | {"rows": of_length if isinstance(law, Unfit) else list(law.rows)}
            )
            said = at.remark
        if isinstance(law, Unfit):
            continue
        along = exponent_along(law, (law.since, law.until))
        if not isinstance(along, Unfit):
            grows = power(along.value, along.low, along.high)
            yield (
                name
                | dict.fromkeys(OPTIMA[1:-1], NONE)
                | {
                    "T": f"{length(law.since)} to {length(law.until)}",
                    "remark": f"along n* the law's latency, with what no chunk size changes, grows "
                    f"as {grows}{_measured(of_label)}; T·n and T²/n alone would be T^1.5",
                    "rows": list(law.rows),
                }
            )


def _measured(of_label: pd.DataFrame) -> str:
    """The exponent of the fastest chunk sizes that were measured; empty where it has none."""
    for curve in curves(of_label, "latency", BEST):
        fit = growth(curve)
        if not isinstance(fit, Unfit):
            at = power(fit.exponent, fit.low, fit.high)
            return f", that of the measured best beyond its fixed cost as {at}"
    return ""


def _optimum(at: Optimum) -> Line:
    """The line of one length."""
    ties = f" (or {listed([str(size) for size in at.ties])})" if at.ties else ""
    is_number = 0 < at.chunk_size < np.inf  # NaN is none
    return {
        "T": length(at.seq_len),
        "measured best n": f"{at.measured}{ties}" if at.measured else NONE,
        "n* of the law": _number_with_interval(at) if is_number else NONE,
        "√T": f"{at.seq_len**0.5:.0f}",
        "remark": at.remark,
    }


def _each_law(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, ChunkLaw | Unfit]]:
    """The rows and the law of every label that was measured at more than one chunk size."""
    for _, of_label in rows.groupby("label", sort=False):
        if of_label["chunk_size"].nunique() > 1:
            yield of_label, chunk_law(of_label)


def named_curve(label: str, chunk: Chunk) -> str:
    """A curve in words: `hatrick (n = 64)`, `hatrick (fastest n)`, or the label alone."""
    return f"{label} (fastest n)" if chunk == BEST else named(label, chunk)


def _of_ok(rows: pd.DataFrame) -> list[int]:
    """The rows that a fit would have been of; all of them where none is ok."""
    ok = rows[rows["status"] == "ok"]
    return list(rows.index if ok.empty else ok.index)


def _time(law: ChunkLaw, k: int) -> str:
    """What a unit of a term takes, with its interval, in the unit that suits it."""
    value, low, high = (float(side[k]) for side in (law.coefficients, law.low, law.high))
    suits = [(unit, scale) for unit, scale in TIMES.items() if max(value, high) * scale >= 1]
    unit, scale = suits[0] if suits else list(TIMES.items())[-1]
    return f"{value * scale:.3g} {unit} {units.span(low * scale, high * scale)}"


def _number_with_interval(at: Optimum) -> str:
    value, *ends = ("∞" if np.isinf(n) else f"{n:.3g}" for n in (at.chunk_size, at.low, at.high))
    return f"{value} ({'–'.join(ends)})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if not np.isfinite(value):
        return NONE
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"
