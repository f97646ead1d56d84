"""A tuning in words: the same for the terminal, the page and documents."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from reports.models.claims import length, listed
from reports.models.growth import Unfit
from reports.models.optimum import Interval
from reports.tuning.decision import Decision, Entry

TIMED_MIN = 2
"""Chunk sizes with times that it takes to say how much the choice matters."""
LEAST_OF = {"memory": "the least workspace", "distance": "the least distance to full"}


def sentence(decision: Decision) -> str:
    """The chunk size with its evidence, or why there is none.

    Such as `T = 8,192: n = 128 (tie: 96 to 160); 2.1 times as fast as n = 32; model says 118
    (101–135); theory's √T says 91; why: below 64 what each chunk costs, above 256 the T·n term.`
    """
    start = f"T = {length(decision.seq_len)}:"
    if decision.chunk_size is None:
        return f"{start} no recommendation. {_ended(decision.refused)}"
    why = f"why: {decision.why}" if decision.why else ""
    said = [chosen(decision), _gain(decision), model(decision), theory(decision), why]
    return f"{start} {'; '.join(filter(None, said))}."


def notes(decision: Decision, without: Sequence[str] = ()) -> list[str]:
    """What is to be known beside the sentence, each in one of its own.

    Args:
        without: cautions that are said elsewhere: what `shared` gives.
    """
    found = []
    if decision.chunk_size is not None and len(decision.front) > 1:
        found.append(_disagreement(decision))
    return [*found, *(caution for caution in decision.cautions if caution not in without)]


def shared(found: Sequence[Decision]) -> list[str]:
    """The cautions that hold at every one of several lengths: said once for all."""
    if len(found) < 2:
        return []
    each = [decision.cautions for decision in found if decision.fastest is not None]
    return [one for one in each[0] if all(one in other for other in each)] if each else []


def chosen(decision: Decision) -> str:
    """The chunk size to use with what ties: `n = 128 (tie: 96 to 160)`."""
    n, fastest = decision.chunk_size, decision.fastest
    tied = tie(decision)
    ties = f" (tie: {tied})" if tied else ""
    if n == fastest or n is None:
        return f"n = {n}{ties}"
    entry = next(entry for entry in decision.entries if entry.chunk_size == n)
    least = LEAST_OF.get(decision.prefer, "")
    if entry.ties:
        return f"n = {n}, {least} of those that tie with the fastest{ties}"
    other = next(entry for entry in decision.entries if entry.chunk_size == fastest)
    slower = 1 / other.ratio.ratio if other.ratio else inf
    return (
        f"n = {n}, {least}; it takes {_times(slower)} as long as the fastest, n = {fastest}{ties}"
    )


def tie(decision: Decision) -> str:
    """What ties: `96 to 160`, the fastest among them, where nothing that was timed lies between and
    does not tie; else the others alone, `96 and 192`; empty without ties."""
    if not decision.ties or decision.fastest is None:
        return ""
    tied = sorted([*decision.ties, decision.fastest])
    timed = [entry.chunk_size for entry in decision.entries if entry.ratio is not None]
    between = [n for n in timed if tied[0] <= n <= tied[-1]]
    if between == tied and len(tied) > 2:
        return f"{tied[0]} to {tied[-1]}"
    return listed([str(n) for n in tied if n != decision.fastest])


def model(decision: Decision) -> str:
    """What the model has for the best: `model says 118 (101–135)`; empty without one."""
    if isinstance(decision.curve, Unfit):
        return ""
    best = decision.curve.best
    if best.value == inf:
        return "model sees no cost of larger chunks"
    if best.value == 0:
        return "model sees no cost of smaller chunks"
    return f"model says {best.value:.0f} {_interval(best)}"


def theory(decision: Decision) -> str:
    """What theory and the cost model say: `theory's √T says 91`."""
    counted = decision.cost_model_n
    flops = "" if counted is None else f" and the least FLOPs {counted}"
    return f"theory's √T says {decision.sqrt_n:.0f}{flops}"


def outcome(entry: Entry, decision: Decision) -> str:
    """What became of a contender, in a word or two."""
    n = entry.chunk_size
    if entry.remark:
        is_finalist = entry.contender.outcome == "finalist"
        return "not confirmed" if is_finalist else entry.contender.outcome
    if n == decision.chunk_size:
        return "chosen"
    if n == decision.fastest:
        return "fastest"
    if entry.ties:
        return "tie"
    return "slower" if entry.fresh else "dropped"


def _gain(decision: Decision) -> str:
    """How much it matters: against the slowest that was timed."""
    timed = [(entry.ratio, entry.chunk_size) for entry in decision.entries if entry.ratio]
    ratio, slowest = max(timed, key=lambda pair: pair[0].ratio)
    if len(timed) < TIMED_MIN or slowest in (decision.chunk_size, *decision.ties):
        return ""
    return f"{_times(ratio.ratio)} as fast as n = {slowest}"


def _disagreement(decision: Decision) -> str:
    """What else is worth having, where latency, workspace and distance disagree."""
    others = [n for n in decision.front if n != decision.chunk_size]
    flags = [flag for flag in ("latency", "memory", "distance") if flag != decision.prefer]
    sizes, verb = listed([str(n) for n in others]), "is" if len(others) == 1 else "are"
    return (
        f"Among those that raced latency, workspace and distance to full disagree: n = {sizes} "
        f"{verb} better in one or "
        f"two of them; `--prefer {flags[0]}` or `--prefer {flags[1]}` would choose by another."
    )


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 10 else f"{ratio:.0f} times"


def _interval(best: Interval) -> str:
    low = f"{best.low:.0f}" if best.low > 0 else "any smaller"
    high = f"{best.high:.0f}" if best.high < inf else "any larger"
    return f"({low}–{high})"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
