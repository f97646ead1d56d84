"""What a fitted law says of O(T·n + (T/n)² + T²/n), in sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports import units
from reports.models.chunk_law import SAME_FORM, TERMS, ChunkLaw
from reports.models.resampling import TAILS

ATTENTION = (2, 3, 4)
"""Of `TERMS` those in the README's form."""


def verdicts(law: ChunkLaw) -> list[str]:
    """Sentences on how good the fit is, which terms of the form are seen and which cannot be told
    from 0 in the range, at which rate each runs, and how their costs compare.

    A term is seen if the 95% interval of its coefficient lies above 0. One that is not seen is not
    refuted: the sentence says how much of the latency it can be at most.
    """
    terms_in_words = (_term(law, k) for k in ATTENTION)
    return [_fit(law), *terms_in_words, _form(law), _rest(law), *_cost(law)]


def seen(law: ChunkLaw) -> list[bool]:
    """For each of `TERMS`, whether its coefficient can be told from 0."""
    return [bool(low > 0) for low in law.low]


def _fit(law: ChunkLaw) -> str:
    logs = np.log(law.measured / law.at(law.seq_len, law.chunk_size))
    worst = int(np.abs(logs).argmax())
    lengths = len(np.unique(law.seq_len))
    return (
        f"a + b·T + c·T·n + d·T²/n + e·(T/n)² describes the {len(logs)} points of {lengths} "
        f"lengths from {units.tokens(law.since)} to {units.tokens(law.until)} to "
        f"{units.percent(law.error)} (root mean square), the worst, "
        f"T = {units.tokens(int(law.seq_len[worst]))} with n = {law.chunk_size[worst]:g}, to "
        f"{units.percent(float(np.exp(abs(logs[worst])) - 1))}; all points of one length are off "
        f"together by {units.percent(law.length_error)}, each by itself by "
        f"{units.percent(law.own_error)}."
    )


def _term(law: ChunkLaw, k: int) -> str:
    """What is known of one term."""
    parts = law.terms(law.seq_len, law.chunk_size)[:, k]
    if not seen(law)[k]:
        drawn = law.terms(law.seq_len, law.chunk_size) @ law.draws.T
        at_most = np.percentile(np.outer(parts, law.draws[:, k]) / drawn, TAILS[1], axis=1).max()
        counted = ""
        if law.flops[k] == 0:
            counted = "; the cost model has none of it"
        elif law.flops[k] > 0 and law.flops_error <= SAME_FORM:
            share = float((law.flops[k] * parts / _counted(law)).max())
            counted = f"; the cost model has it at up to {units.percent(share)} of a point's FLOPs"
        return (
            f"{TERMS[k]} cannot be told from 0 in this range: it is at most "
            f"{units.percent(float(at_most))} of any point's latency{counted}."
        )
    shares = law.shares(law.seq_len, law.chunk_size)[:, k]
    most = int(shares.argmax())
    sentence = (
        f"{TERMS[k]} is seen: {_nanoseconds(law, k)} ns a unit, up to "
        f"{units.percent(float(shares[most]))} of the latency "
        f"(T = {units.tokens(int(law.seq_len[most]))}, n = {law.chunk_size[most]:g})"
    )
    return f"{sentence}{_rate(law, k)}."


def _rate(law: ChunkLaw, k: int, name: str = "") -> str:
    """The FLOP/s of a term that is seen, beside the device's; empty without a cost."""
    rate = float(law.rates[k])
    if not np.isfinite(rate):
        return ""
    low, high = law.flops[k] / law.high[k] * 1000, law.flops[k] / law.low[k] * 1000
    words = f"; {name}{rate / 1e9:.3g} GFLOP/s {units.span(low / 1e9, high / 1e9)}"
    if np.isfinite(law.ceiling):
        words += f", {units.percent(rate / law.ceiling)} of a large matrix product's"
    return words


def _form(law: ChunkLaw) -> str:
    """What that makes of the form as a whole."""
    told = seen(law)
    there = [TERMS[k] for k in ATTENTION if told[k]]
    absent = [TERMS[k] for k in ATTENTION if not told[k]]
    form = "O(T·n + (T/n)² + T²/n)"
    if not absent:
        return f"All three terms of {form} are seen in this range."
    if absent == list(TERMS[3:]) and np.mean((law.draws[:, 3:] > 0).any(axis=1)) > 0.975:
        alone = "T·n is seen, and " if told[2] else ""
        return (
            f"Of {form}, {alone}T²/n and (T/n)² are seen together; how much is either's, or what "
            "else a chunk costs, these points do not tell."
        )
    if not there:
        return f"No term of {form} is seen in this range: these points do not test it."
    return (
        f"Of {form}, {' and '.join(there)} {_verb(there)} seen in this range; "
        f"{' and '.join(absent)} cannot be told from 0."
    )


def _rest(law: ChunkLaw) -> str:
    """How much of the latency is none of the form's."""
    shares = law.shares(law.seq_len, law.chunk_size)[:, :2].sum(axis=1)
    return (
        f"What no chunk size changes, a + b·T, is {units.percent(float(shares.min()))} to "
        f"{units.percent(float(shares.max()))} of the latency{_rate(law, 1, 'b·T runs at ')}."
    )


def _cost(law: ChunkLaw) -> list[str]:
    """How the seen terms compare with each other, measured and by the cost model."""
    if not np.isfinite(law.flops_error):
        return []
    told = seen(law)
    found = []
    for k in ATTENTION[1:]:
        if told[2] and told[k] and law.flops[2] > 0 and law.flops[k] > 0:
            ratios = law.draws[:, k] / law.draws[:, 2]
            low, high = np.percentile(ratios[np.isfinite(ratios)], TAILS)
            found.append(
                f"A unit of {TERMS[k]} takes "
                f"{units.factor(float(law.coefficients[k] / law.coefficients[2]))} "
                f"{units.span(float(low), float(high))} as long as one of {TERMS[2]}; the cost "
                f"model has {units.factor(float(law.flops[k] / law.flops[2]))}."
            )
    if law.flops_error > SAME_FORM:
        found.append(
            f"The cost model's FLOPs are themselves not exactly of this form: five terms and T/n "
            f"miss them by up to {units.percent(law.flops_error)}."
        )
    return found


def _counted(law: ChunkLaw) -> NDArray[np.float64]:
    """The cost model's FLOPs of each point, as the terms give them."""
    return np.asarray(law.terms(law.seq_len, law.chunk_size) @ law.flops)


def _nanoseconds(law: ChunkLaw, k: int) -> str:
    value, low, high = (1e6 * float(side[k]) for side in (law.coefficients, law.low, law.high))
    return f"{value:.3g} {units.span(low, high)}"


def _verb(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
