"""The process that says which points a side has: `python -P -m bench.gate.expanding`.

It runs that side's code. It reads one question from stdin and answers it on what was its stdout;
whatever the code prints goes to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bench.spec import SpecError, SweepSpec
from reports.figures import Model
from reports.schema import Point

if TYPE_CHECKING:
    from bench.points import Planned


class Question(Model):
    """What points are asked for."""

    spec: dict[str, Any]
    plugins: list[str]
    overlay: Path
    """Where `hatrick` and `variants` must come from."""
    not_from: Path | None
    """The other side's tree."""
    registered: bool = False
    """All that the plug-ins register is asked for too: what one side alone has is told."""


class Expanded(Model):
    """A point, and the entry of `spec.variants` that asked for it."""

    entry: str
    point: Point
    unsupported: str


class Answer(Model):
    """What the side has of it."""

    points: list[Expanded] = Field(default_factory=list)
    left_out: dict[str, str] = Field(default_factory=dict)
    """Entries that it does not know, and why."""
    mistake: str = ""
    """A sentence for the user: a plug-in that cannot be loaded, code from the wrong side."""
    broken: str = ""
    """The exception that its code raised; empty if it raised none."""


def main() -> None:
    """Answer the question."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        answer = _answer(Question.model_validate_json(sys.stdin.read()))
    except SpecError as error:
        answer = Answer(mistake=str(error))
    except BaseException as error:  # the code may raise anything, SystemExit too
        answer = Answer(broken=f"{type(error).__name__}: {error}")
    answers.write(answer.model_dump_json())
    answers.flush()
    os._exit(0)  # whatever the code has started, nothing of it is waited for


def _answer(question: Question) -> Answer:
    # Here, for these import the side's code, which may print or raise.
    import variants
    from bench.points import load_plugins

    before = set(variants.names())
    load_plugins(question.plugins)
    spec = SweepSpec.model_validate(question.spec)
    own = [name for name in variants.names() if name not in before] if question.registered else []
    answer = Answer()
    for entry in dict.fromkeys([*spec.variants, *own]):
        try:
            found = _of_entry(spec, entry)
        except SpecError as error:
            answer.left_out[entry] = str(error)
            continue
        answer.points.extend(
            Expanded(entry=entry, point=each.point, unsupported=each.unsupported) for each in found
        )
    check_origins(dict(sys.modules), question.overlay, question.not_from)
    return answer


def _of_entry(spec: SweepSpec, entry: str) -> list[Planned]:
    """The points of one entry. A backend of the spec that the entry's variant does not have gives
    none, so long as it has another."""
    from bench.points import expand

    found: dict[str, Planned] = {}
    refused: list[SpecError] = []
    for backend in spec.backend:
        one = spec.model_copy(update={"variants": [entry], "backend": [backend]})
        try:
            # An entry that names its backend gives the same points every time.
            found |= {each.point.key: each for each in expand(one)}
        except SpecError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return list(found.values())


def check_origins(modules: Mapping[str, ModuleType], overlay: Path, not_from: Path | None) -> None:
    """See that what was imported is the side's own.

    Args:
        modules: what was imported, by name.
        overlay: where `hatrick` and `variants` must come from.
        not_from: the other side's tree, of which only the harness may come, and what is installed
            in an environment that lies in it.

    Raises:
        SpecError: a module that comes from somewhere else, and would be measured in its place.
    """
    from bench.gate.overlay import HARNESS, MEASURED, MEASURING
    from bench.gate.plugins import is_installed

    for name, module in sorted(modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or not Path(file).is_absolute():  # torch names some that have none
            continue
        if name.partition(".")[0] in MEASURED and not Path(file).is_relative_to(overlay):
            raise SpecError(
                f"{name} was imported from {file} and not from {overlay}: something puts it before "
                "PYTHONPATH, such as a sitecustomize; take that away"
            )
        real = Path(file).resolve()
        if any(real.is_relative_to(HARNESS / package) for package in MEASURING):
            continue
        if not_from is not None and real.is_relative_to(not_from) and not is_installed(real):
            raise SpecError(
                f"its module {name} was imported from the working tree ({real}), so it would be "
                "compared with itself; import it from the folder of its plug-in, or call the gate "
                "from the folder that it is imported from"
            )


if __name__ == "__main__":
    main()
