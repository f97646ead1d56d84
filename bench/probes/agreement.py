"""How right the output is, and how far it lies from full attention."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, isnan

import torch
from torch import Tensor

import variants
from bench.case import Case
from reports.figures import Agreement
from reports.schema import Point

ALL_ROWS_UP_TO = 256
SAMPLED_ROWS = 64
SLACK_OF_THE_LARGEST = 2
"""The largest of some rounding errors varies more from run to run than their norm does: the bound
of an element is so many times as wide."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The agreement of a point, and what is wrong with it."""

    agreement: Agreement
    wrong: str
    """Why the output is wrong, in numbers; empty if it agrees with the oracle."""


@torch.no_grad()
def measure_agreement(case: Case, point: Point) -> Verdict:
    """Compare a case's output with the variant's float64 oracle, and with full attention.

    The oracle gets the very inputs and parameters of the layer, already rounded to its dtype. An
    output agrees if its error is at most twice that of the oracle's own code run in that dtype, the
    criterion of flash-attention's tests (Dao et al., `tests/test_flash_attn.py`), plus one unit of
    the dtype's precision for a reference that happens to be exact. It must do so twice: in the
    relative norm of the whole output, where an error that is small but everywhere shows, and in the
    largest error of an element, where one that is anywhere shows: in a large output the norm of one
    wrong element drowns in rounding. A call that changes its own input does not agree either: the
    next one computes something else.

    Of a sequence longer than `ALL_ROWS_UP_TO` only some rows are compared: an error that keeps to
    the others is not seen, unless it is not finite.

    Raises:
        WrongShape: the output has not the input's shape.
    """
    case.layer.eval()
    rows = _rows(point)
    given = [tensor.clone() for tensor in case.inputs]
    output = case.forward()
    changed = not all(map(torch.equal, given, case.inputs))
    not_finite = int((~torch.isfinite(output)).sum())
    y = _at(output, rows, point).double()
    exact = _oracle(case, point, rows, torch.float64)
    # In float64 the oracle cannot tell its own error. That of float32 tells it, times 2⁻²⁹, and it
    # counts twice: what is called exact errs as much.
    fine = output.dtype is torch.float64
    coarse = torch.float32 if fine else output.dtype
    rounded = _oracle(case, point, rows, coarse).double()
    eps = torch.finfo(output.dtype).eps
    scale = (1 + fine) * eps / torch.finfo(coarse).eps
    error, bound = _relative(y, exact), _bound(scale * _relative(rounded, exact), eps)
    worst = _largest(y - exact)
    own_worst = scale * _largest(rounded - exact)
    worst_bound = SLACK_OF_THE_LARGEST * _bound(own_worst, eps * _largest(exact))
    distance, cosine = (None, None) if not_finite else _to_full(case, point, rows, y)
    wrong = ""
    if not_finite:
        wrong = f"{not_finite} of {output.numel()} values of the output are not finite"
    elif error > bound:
        wrong = f"relative error {error:.3g} against the oracle, at most {bound:.3g} expected"
    elif worst > worst_bound:
        wrong = f"an element is {worst:.3g} off the oracle's, at most {worst_bound:.3g} expected"
    elif changed:
        wrong = "the call changed its own input"
    agreement = Agreement(
        oracle_error=inf if not_finite else error,
        oracle_bound=bound,
        oracle_max_error=inf if not_finite else worst,
        oracle_max_bound=worst_bound,
        oracle_rows=len(rows),
        oracle="independent" if case.layer.oracle_is_independent else "self",
        distance_to_full=distance,
        cosine_to_full=cosine,
    )
    return Verdict(agreement, wrong)


@torch.no_grad()
def measure_distance(case: Case, point: Point) -> float | None:
    """The `distance_to_full` of `measure_agreement` alone; None also where it is not finite.

    Raises:
        WrongShape: the output has not the input's shape.
    """
    case.layer.eval()
    rows = _rows(point)
    distance, _ = _to_full(case, point, rows, _at(case.forward(), rows, point).double())
    return distance if distance is not None and isfinite(distance) else None


def not_comparable(point: Point, reason: str) -> Verdict:
    """The verdict on an output of the wrong shape: its error is infinite."""
    eps = torch.finfo(getattr(torch, point.dtype)).eps
    agreement = Agreement(
        oracle_error=inf,
        oracle_bound=eps,
        oracle_max_error=inf,
        oracle_max_bound=eps,
        oracle_rows=len(_rows(point)),
        oracle="independent" if variants.get(point.variant).oracle_is_independent else "self",
        distance_to_full=None,
        cosine_to_full=None,
    )
    return Verdict(agreement, reason)


def _rows(point: Point) -> Tensor:
    """The positions that are compared: all of a short sequence; of a long one the first, the last
    and a seeded sample between them."""
    if point.seq_len <= ALL_ROWS_UP_TO:
        return torch.arange(point.seq_len, device=point.device)
    generator = torch.Generator().manual_seed(point.seed)
    between = 1 + torch.randperm(point.seq_len - 2, generator=generator)[:SAMPLED_ROWS]
    ends = torch.tensor([0, point.seq_len - 1])
    return torch.cat([between, ends]).sort().values.to(point.device)


def _at(output: Tensor, rows: Tensor, point: Point) -> Tensor:
    return output.index_select(2 if point.scope == "core" else 1, rows)


def _oracle(case: Case, point: Point, rows: Tensor, dtype: torch.dtype) -> Tensor:
    oracle = case.layer.core_oracle if point.scope == "core" else case.layer.oracle
    return oracle(*case.inputs, rows=rows, dtype=dtype)


def _relative(y: Tensor, exact: Tensor) -> float:
    """‖y − exact‖ / ‖exact‖ in float64; infinite where it is not defined."""
    difference = float(torch.linalg.vector_norm(y.double() - exact))
    size = float(torch.linalg.vector_norm(exact))
    if difference == 0.0:
        return 0.0
    error = difference / size if size else inf
    return inf if isnan(error) else error


def _largest(values: Tensor) -> float:
    """The largest magnitude; infinite where one is not defined."""
    largest = float(values.abs().max())
    return inf if isnan(largest) else largest


def _bound(own: float, unit: float) -> float:
    """What the dtype explains, from the error of the oracle's own code in it."""
    # An oracle that overflows in this dtype says nothing about what the dtype explains.
    return 2 * (own if own < inf else 0.0) + unit


def _to_full(
    case: Case, point: Point, rows: Tensor, y: Tensor
) -> tuple[float | None, float | None]:
    """Distance and cosine to full attention, both counted from no attention at all."""
    if point.scope == "core":
        core = case.layer.core_full_oracle(*case.inputs, rows=rows)
        both = None if core is None else (core, torch.zeros_like(core))
    else:
        both = case.layer.full_oracle(*case.inputs, rows=rows)
    if both is None:
        return None, None
    full, none = both
    size = float(torch.linalg.vector_norm(full - none))
    own = float(torch.linalg.vector_norm(y - none))
    if size == 0.0 or own == 0.0:
        return None, None
    distance = float(torch.linalg.vector_norm(y - full)) / size
    cosine = float(((y - none) * (full - none)).sum()) / (own * size)
    return distance, cosine
