"""How often torch.compile would break off its graph in a forward."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor

from bench.case import Case


def count_graph_breaks(case: Case) -> int:
    """Graph breaks of a case's forward under torch.compile, by dynamo alone.

    First the forward is traced whole, and what was traced is never run: FlexAttention, say, would
    build its whole score matrix where inductor does not compile it. Only if that fails, it is
    traced in parts, which run: the breaks of a call are its graphs less one, as
    `torch._dynamo.explain` has it, but with a graph that runs three times taken for three; and one
    at least, for what lies before the first graph and behind the last is seen by nobody.

    Nothing stays compiled: the code that dynamo sees first here forgets it again, and what others
    have compiled is kept. Dynamo's settings and counters are afterwards what they were.

    Raises:
        RuntimeError: dynamo compiles no part of it.
        Exception: whatever dynamo, or the forward under it, raises.
    """
    with _dynamo_as_it_was():
        return 0 if _is_one_graph(case) else max(1, _graphs(case) - 1)


class _Traced(Exception):
    """A graph was to be run."""


def _never_run(*_: Any) -> Any:
    raise _Traced


def _only_trace(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
    return _never_run


def _is_one_graph(case: Case) -> bool:
    """Whether dynamo gets through the whole forward.

    Raises:
        RuntimeError: it has not looked at it at all.
    """
    try:
        # Not `fullgraph=True`, which also captures what else breaks a graph: numbers of tensors.
        with torch._dynamo.error_on_graph_break(True):
            _compiled(_only_trace)(case.function, case.inputs)
    except _Traced:
        return True
    except torch._dynamo.exc.Unsupported:
        return False
    raise RuntimeError("dynamo has traced nothing")


def _graphs(case: Case) -> int:
    """How many graphs one forward runs.

    Raises:
        RuntimeError: none.
    """
    run = []

    def noting(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        def forward(*args: Any) -> Any:
            run.append(graph)
            return graph.forward(*args)

        return forward

    _compiled(noting)(case.function, case.inputs)
    if not run:
        raise RuntimeError("dynamo compiles no part of the forward")
    return len(run)


def _compiled(backend: Any) -> Callable[..., Any]:
    # What dynamo compiles it keeps at a function's code. This one's code is new, and goes with it.
    function = FunctionType(_call.__code__.replace(), {"__builtins__": builtins})
    compiled: Callable[..., Any] = torch.compile(function, backend=backend, dynamic=False)
    return compiled


def _call(function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
    return function(*inputs)


@contextmanager
def _dynamo_as_it_was() -> Iterator[None]:
    """Take back what counting has done to dynamo."""
    import torch._dynamo  # a second or more: only who counts pays for it
    from torch._C._dynamo.eval_frame import reset_code
    from torch._dynamo.convert_frame import input_codes

    counters = torch._dynamo.utils.counters
    kept = {name: Counter(each) for name, each in counters.items()}
    known = set(map(id, _alive(input_codes.seen)))
    many: dict[str, Any] = dict.fromkeys(
        ("recompile_limit", "accumulated_recompile_limit"), 1 << 16
    )
    try:
        with torch._dynamo.config.patch(many):
            yield
    finally:
        for code in _alive(input_codes.seen):
            if id(code) not in known:
                reset_code(code)
        counters.clear()
        counters.update(kept)


def _alive(references: Any) -> list[CodeType]:
    return [code for each in references if (code := each()) is not None]
