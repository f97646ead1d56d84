"""Claims about one label against another: speed, growth, workspace, and how far each gets."""

from __future__ import annotations

from math import hypot, log

import pandas as pd

from reports import units
from reports.compare import Comparison, Verdict, compare
from reports.models.claims import (
    Claim,
    Scene,
    about,
    beyond,
    chunk_of,
    inverse,
    length,
    power,
    ratio_in_words,
)
from reports.models.crossovers import Crossover, crossover
from reports.models.curves import BEST, Curve, Quantity, curves
from reports.models.extrapolation import Longest
from reports.models.fits_table import longest
from reports.models.growth import Growth, Unfit, growth
from reports.schema import Status
from reports.statuses import outcomes


def speed(scene: Scene) -> Claim | None:
    """Which is faster at the longest length that both ran, and from where on."""
    own, other = scene.own, scene.other
    if other is None:
        T = scene.lengths(own)[-1]
        row = scene.at(own, T)
        took = units.measured(row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"])
        text = f"{own}{chunk_of(row)} took {took} at T = {length(T)}; nothing else gave a figure."
        return Claim("speed", text, 0.0, "scaling", scene.variants(own))
    both = scene.lengths(own, other)
    if not both:
        text = f"There is no length at which both {own} and {other} gave a figure."
        return Claim("speed", text, 0.0, "scaling", scene.variants(own, other))
    mine, theirs = scene.at(own, both[-1]), scene.at(other, both[-1])
    comparison = compare(mine, theirs)
    at = f"at T = {length(both[-1])}{_chunks_of(mine, theirs)}"
    weight = 0.0
    if comparison.verdict is Verdict.FASTER:
        weight = beyond(comparison, mine, theirs)
        text = _faster(scene, own, other, comparison, at)
    elif comparison.verdict is Verdict.SLOWER:
        weight = beyond(comparison, mine, theirs)
        text = _faster(scene, other, own, inverse(comparison), at)
    else:
        text = _cannot_be_told(own, other, comparison, at)
    return Claim("speed", text, weight, "scaling", scene.variants(own, other))


def growth_of_latency(scene: Scene) -> Claim | None:
    """How latency grows with T for both, each through its fastest chunk sizes."""
    fits = {label: _growth(scene, label, "latency") for label in scene.labels()}
    known = {label: fit for label, fit in fits.items() if isinstance(fit, Growth)}
    if not known:
        return None
    parts = [f"as {_power(fit)} for {label}" for label, fit in known.items()]
    text = f"At the fastest chunk sizes latency grows {' and '.join(parts)}"
    weight = 0.0
    if len(known) == 2:
        mine, theirs = known.values()
        gap = _clear_gap(mine, theirs)
        since, until = max(mine.since, theirs.since), min(mine.until, theirs.until)
        if since >= until:
            text += "; they were measured at different lengths, and cannot be compared"
        else:
            text += f", from T = {length(since)} to {length(until)}"
            weight = gap * log(until / since)
        if since < until and not gap:
            text += "; which of the two grows faster cannot be told"
    else:
        text += "".join(
            f"; how for {label} cannot be told: {fit.reason}"
            for label, fit in fits.items()
            if isinstance(fit, Unfit)
        )
    variants = scene.variants(*scene.labels())
    return Claim("growth", _sentence(text), weight, "scaling", variants)


def workspace(scene: Scene) -> Claim | None:
    """The workspace of both at the longest length that both ran, and how it grows."""
    own, other = scene.own, scene.other
    both = scene.lengths(own, other) if other is not None else []
    if other is None or not both:
        return None
    mine, theirs = (scene.at(label, both[-1]) for label in (own, other))
    ratio = _ratio(theirs["workspace_bytes"], mine["workspace_bytes"])
    if ratio is None:
        return None
    if f"{ratio:.2f}" == "1.00":
        words = f"as much workspace as {other}"
    else:
        words = f"{units.factor(1 / ratio)} the workspace of {other}"
    text = f"At T = {length(both[-1])} {own}{chunk_of(mine)} takes {words}"
    fits = {label: _growth(scene, label, "workspace") for label in (own, other)}
    grows = [f"as {_power(fit)} for {at}" for at, fit in fits.items() if isinstance(fit, Growth)]
    if grows:
        text += f"; it grows {' and '.join(grows)}, each at its fastest chunk sizes"
    return Claim("workspace", text + ".", abs(log(ratio)), "memory", scene.variants(own, other))


def limit(scene: Scene) -> Claim | None:
    """That one of the two still ran where the other did not, or how far their workspaces let both
    get on this device."""
    if scene.other is None:
        return None
    for own, other in (scene.labels(), scene.labels()[::-1]):
        if claim := _outlived(scene, own, other):
            return claim
    return _predicted(scene)


def _predicted(scene: Scene) -> Claim | None:
    """How far the workspace of each lets it get, by its fitted growth."""
    found, words = [], []
    for label in scene.labels():
        curve = _curve(scene, label, "workspace")
        rows = scene.rows[scene.rows["label"] == label]
        reach = None if curve is None else longest(rows, curve)
        if not isinstance(reach, Longest) or reach.high is None:
            return None
        found.append(reach)
        words.append(f"{label} up to T ≈ {about(reach.seq_len, reach.low, reach.high)}")
    capacity = units.size(scene.rows["capacity_bytes"].max())
    text = (
        f"By their workspace alone, carried on, this device's {capacity} would hold "
        f"{' and '.join(words)}."
    )
    ends = [(reach.low, reach.high) for reach in found]
    apart = max(ends[0][0] / (ends[1][1] or 1), ends[1][0] / (ends[0][1] or 1))
    weight = max(0.0, log(apart))
    return Claim("limit", text, weight, "memory", scene.variants(*scene.labels()))


def _outlived(scene: Scene, own: str, other: str) -> Claim | None:
    """That `own` ran at a length at which nothing of `other` did, though it was tried."""
    mine, theirs = scene.lengths(own), scene.lengths(other)
    failed = scene.rows[
        (scene.rows["label"] == other)
        & (scene.rows["seq_len"] == mine[-1])
        & scene.rows["status"].isin([Status.OUT_OF_MEMORY, Status.TIMEOUT, Status.CRASHED])
    ]
    if failed.empty or mine[-1] in theirs:
        return None
    row = scene.at(own, mine[-1])
    took = units.duration(row["latency_ms"])
    text = (
        f"At T = {length(mine[-1])} {own}{chunk_of(row)} took {took}; {other}: {outcomes(failed)}."
    )
    weight = log(mine[-1] / theirs[-1]) if theirs else log(2)
    return Claim("limit", text, weight, "memory", scene.variants(own, other))


def _faster(scene: Scene, faster: str, slower: str, comparison: Comparison, at: str) -> str:
    """That one is faster, from where on as far as that is known."""
    how = f"{ratio_in_words(comparison, f'as fast as {slower}')} {at}"
    crossing = _last_crossing(scene, faster, slower)
    if crossing is not None:
        since = about(crossing.seq_len, crossing.low, crossing.high)
        how = f"{ratio_in_words(comparison, 'as fast')} {at}"
        return f"{faster} overtakes {slower} at T ≈ {since} and is {how}."
    lengths = scene.lengths(faster, slower)
    if len(lengths) > 1 and all(
        compare(scene.at(faster, T), scene.at(slower, T)).verdict is Verdict.FASTER for T in lengths
    ):
        since = f"from T = {length(lengths[0])} on"
        return f"{faster} is faster than {slower} at every length {since}: {how}."
    return f"{faster} is {how}, the longest both ran."


def _cannot_be_told(own: str, other: str, comparison: Comparison, at: str) -> str:
    which = f"Whether {own} or {other} is faster {at} cannot be told"
    if comparison.verdict is Verdict.WITHIN_NOISE:
        return f"{which}: two measurements of one point differ by as much on this machine."
    if comparison.verdict is Verdict.TOO_FEW:
        return f"{which}: there are too few samples."
    if comparison.interval is None:
        return f"{which}: the intervals of their medians overlap."
    ratio = ratio_in_words(comparison, "as long")
    return f"{which}: {other} takes {ratio}, an interval that includes 1."


def _last_crossing(scene: Scene, faster: str, slower: str) -> Crossover | None:
    """Where `faster` overtook for good, if the fitted curves say so with an interval."""
    found = {
        label: curve for label in (faster, slower) if (curve := _curve(scene, label, "latency"))
    }
    if len(found) < 2:
        return None
    crossings = crossover(found[faster], found[slower])
    if not isinstance(crossings, list) or not crossings:
        return None
    last = max(crossings, key=lambda crossing: crossing.seq_len)
    return last if last.faster == faster else None


def _curve(scene: Scene, label: str, quantity: Quantity) -> Curve | None:
    rows = scene.rows[scene.rows["label"] == label]
    return next(iter(curves(rows, quantity, BEST)), None)


def _growth(scene: Scene, label: str, quantity: Quantity) -> Growth | Unfit | None:
    curve = _curve(scene, label, quantity)
    return None if curve is None else growth(curve)


def _power(fit: Growth) -> str:
    return power(fit.exponent, fit.low, fit.high)


def _clear_gap(one: Growth, other: Growth) -> float:
    """How far two exponents lie apart beyond the 95% interval of their difference.

    The half widths of independent estimates add in squares; each is taken on the side that faces
    the other exponent.
    """
    low, high = sorted((one, other), key=lambda fit: fit.exponent)
    spread = hypot(low.high - low.exponent, high.exponent - high.low)
    return max(0.0, high.exponent - low.exponent - spread)


def _chunks_of(mine: pd.Series, theirs: pd.Series) -> str:
    """The chunk sizes of two rows behind a length; named where both have one."""
    sizes = [row for row in (mine, theirs) if pd.notna(row["chunk_size"])]
    if len(sizes) < 2:
        return "".join(map(chunk_of, sizes))
    named = [f"{row['label']} n = {row['chunk_size']}" for row in sizes]
    return f" ({', '.join(named)})"


def _ratio(theirs: object, mine: object) -> float | None:
    if pd.isna(theirs) or pd.isna(mine) or not float(mine) or not float(theirs):  # type: ignore[arg-type]
        return None
    return float(theirs) / float(mine)  # type: ignore[arg-type]


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
