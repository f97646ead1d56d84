"""What the commands share: exit codes, sentences for mistakes, and how runs are shown."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from reports.runfile import Run

MISTAKE = 2
UNWRITTEN = 3
INTERRUPTED = 130

Runs = Annotated[list[Path], typer.Argument(help="Run files, or folders of them.", metavar="RUN…")]


def flag(help: str, metavar: str) -> Any:
    """An option whose default is said in its help, if at all."""
    return typer.Option(help=help, metavar=metavar, show_default=False)


LIST = "A,B,…"
Device = Annotated[str | None, flag("auto, cpu, cuda or cuda:N.", "NAME")]
Plugins = Annotated[str | None, flag("Python files or modules that register variants.", LIST)]


def called() -> str:
    """How to call this command again from this folder."""
    if shutil.which("hatrick"):
        return "hatrick"
    path = Path(sys.argv[0])
    return os.path.relpath(path) if path.name == "hatrick" else "hatrick"


def print_summary(runs: Sequence[Run]) -> None:
    """Print the summary table, and what could not be read."""
    from rich.console import Console

    import reports

    # Narrower than this a table would have to cut numbers; the terminal folds whole lines.
    console = Console()
    console.width = max(80, console.width)
    console.print(reports.rich_tables(reports.to_frame(runs)))
    print_damage(runs)


def write_page(runs: Sequence[Run], page: Path, otherwise: int, *, split: bool = False) -> Path:
    """Write the page, or the folder of pages; where that cannot be, say why and exit with
    `otherwise`."""
    import reports

    with writing(page, otherwise):
        return reports.write_page(runs, page, split=split)


@contextmanager
def writing(path: Path, otherwise: int) -> Iterator[None]:
    """Where `path` cannot be written, say why and exit with `otherwise`."""
    try:
        yield
    except OSError as error:
        typer.echo(f"hatrick: {path} cannot be written ({error.strerror or error})", err=True)
        raise typer.Exit(otherwise) from None


def refuse(words: str) -> NoReturn:
    """Say what is wrong with the call and exit."""
    typer.echo(f"hatrick: {words}", err=True)
    raise typer.Exit(MISTAKE)


def print_refused(sentences: Sequence[str]) -> None:
    """Say which files are in no report, and why."""
    for sentence in sentences:
        typer.echo(f"Left out: {sentence}", err=True)


def print_damage(runs: Sequence[Run]) -> None:
    """Print a sentence for each line of a run file that could not be read."""
    for run in runs:
        for line in run.damaged:
            typer.echo(f"hatrick: {line}", err=True)


@contextmanager
def mistakes() -> Iterator[None]:
    """A mistake in the call is one sentence and exit code 2, never a traceback."""
    from bench.spec import SpecError
    from reports.runfile import RunFileError

    try:
        yield
    except (SpecError, RunFileError) as error:
        refuse(str(error))
